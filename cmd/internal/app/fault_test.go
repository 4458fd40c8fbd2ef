package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// lead is a clock that runs and can be put ahead or back.
type lead struct{ by atomic.Int64 }

func (l *lead) now() time.Time       { return time.Now().Round(0).Add(time.Duration(l.by.Load())) }
func (l *lead) pass(d time.Duration) { l.by.Add(int64(d)) }

// replace changes a piece of the configuration.
func (s *site) replace(old, with string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path())
	if err != nil || strings.Count(string(text), old) != 1 {
		s.t.Fatalf("configuration has no one piece %q: %v", old, err)
	}
	s.write("config.hcl", strings.Replace(string(text), old, with, 1))
}

// openWith is open with further options.
func (s *site) openWith(o app.Options) *app.App {
	s.t.Helper()
	o.Config, o.Version = s.path(), "test"
	a, err := app.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := a.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.stop(a) })
	return a
}

// audits returns the audit documents of a verb.
func (s *site) audits(verb string) (list []string) {
	s.t.Helper()
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(s.t.Context(), api.QueryRequest{Query: "event.dataset:ssf.audit AND event.action:" + verb})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range answer.Docs {
		list = append(list, string(d))
	}
	return list
}

// offer pushes a token and returns the whole answer.
func offer(t *testing.T, a *app.App, token []byte) (status int, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/ssf/idp/push", bytes.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", "Bearer "+testSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// budgetLog is a log handler that passes on what is said of budgets.
type budgetLog struct{ lines chan string }

func (budgetLog) Enabled(context.Context, slog.Level) bool { return true }
func (b budgetLog) WithAttrs([]slog.Attr) slog.Handler     { return b }
func (b budgetLog) WithGroup(string) slog.Handler          { return b }
func (b budgetLog) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "budget ") {
		b.lines <- r.Message
	}
	return nil
}

const mib = 1 << 20

// disk is a disk as free as the test says, with a clock by which it is read
// anew.
type disk struct {
	lead
	free  atomic.Uint64
	reads atomic.Int64
}

func (d *disk) read() (uint64, error) {
	d.reads.Add(1)
	return d.free.Load(), nil
}

// set says how far min_free, one MiB, uses the free disk up, and waits until
// that was looked at.
func (d *disk) set(t *testing.T, percent uint64) {
	t.Helper()
	d.free.Store(100 * mib / percent)
	until := time.Now().Add(pipelinetest.Patience)
	for range 2 { // the first reading may have begun before
		d.pass(2 * time.Second)
		for before := d.reads.Load(); d.reads.Load() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("nobody looks at the disk")
			}
		}
	}
}

// TestDiskBudget lets the disk fill up: each level is told once, intake stops
// at the end of it, what had been taken goes on being delivered, and everything
// goes on when there is room.
func TestDiskBudget(t *testing.T) {
	receiver := pipelinetest.NewPushReceiver(t)
	release := make(chan struct{})
	receiver.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		<-release
		return pipelinetest.Answer{}
	})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo()
	s := newSite(t)
	s.configure(fmt.Sprintf(`
sink "ssf" "app" {
  issuer    = "https://signals.example.com"
  audience  = ["https://app.example.com"]
  authority = true
  push {
    endpoint      = %q
    authorization = file("push.secret")
    allow_private = true
  }
}
`, receiver.URL))
	s.replace(`to = ["out"]`, `to = ["app"]`)
	d := &disk{}
	d.free.Store(1000 * mib)
	log := budgetLog{make(chan string, 100)}
	a := s.openWith(app.Options{Now: d.now, Free: d.read, BudgetEach: time.Millisecond, Log: slog.New(log)})

	arrived := func() int { // a push that was too slow is made again
		tokens := map[string]bool{}
		for _, p := range receiver.Pushes() {
			tokens[p.Token] = true
		}
		return len(tokens)
	}
	told := func(want string) {
		t.Helper()
		select {
		case got := <-log.lines:
			if !strings.Contains(got, want) {
				t.Errorf("the log says %q, want %q", got, want)
			}
		case <-time.After(pipelinetest.Patience):
			t.Errorf("the log does not say %q", want)
		}
	}
	for i := range 3 {
		if code, _ := offer(t, a, s.token(fmt.Sprint("before-", i), fmt.Sprint("before-", i, "@example.com"))); code != http.StatusAccepted {
			t.Fatalf("push: %d", code)
		}
	}
	d.set(t, 50)
	d.set(t, 71)
	told("disk at 71 %")
	for _, percent := range []uint64{68, 72, 89} { // not told anew
		d.set(t, percent)
	}
	d.set(t, 91)
	told("disk at 91 %")
	if code, _ := offer(t, a, s.token("at-91", "at-91@example.com")); code != http.StatusAccepted {
		t.Errorf("push at 91 %%: %d", code)
	}
	d.set(t, 88)
	d.set(t, 92)
	d.set(t, 101)
	told("disk at 101 %")
	refused := s.token("refused", "refused@example.com")
	for range 3 {
		if code, header := offer(t, a, refused); code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("push at 101 %%: %d, Retry-After %q", code, header.Get("Retry-After"))
		}
	}
	if code, body := get(t, a, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "disk") {
		t.Errorf("readyz at 101 %%: %d %s", code, body)
	}
	if n := a.Pipeline().Budgets([]string{"app"}); n[len(n)-1].Used != 4 {
		t.Errorf("%d actions wait for the receiver, want 4", n[len(n)-1].Used)
	}
	letGo()
	settled(t, a)
	if n := arrived(); n != 4 {
		t.Errorf("%d actions were delivered while the disk was full, want 4", n)
	}
	d.set(t, 50)
	told("eased")
	if code, _ := get(t, a, "/readyz"); code != http.StatusOK {
		t.Errorf("readyz with room: %d", code)
	}
	if code, _ := offer(t, a, refused); code != http.StatusAccepted {
		t.Errorf("push with room: %d", code)
	}
	settled(t, a)
	if n := arrived(); n != 5 {
		t.Errorf("%d actions were delivered, want 5", n)
	}
	select {
	case line := <-log.lines:
		t.Errorf("the log says %q too", line)
	default:
	}
	for verb, want := range map[string]int{"budget-warning": 2, "budget-exhausted": 1, "budget-eased": 1} {
		if got := s.audits(verb); len(got) != want {
			t.Errorf("%d audit documents %s, want %d: %v", len(got), verb, want, got)
		}
	}
	// Nothing acknowledged is lost, and what was refused left no trace but its end.
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(t.Context(), api.QueryRequest{Query: "event.dataset:ssf.decision"})
	if err != nil || len(answer.Docs) != 5 {
		t.Errorf("%d decisions, %v", len(answer.Docs), err)
	}
}

// TestClockBackRefusesNothingForGood: a token whose iat lies ahead of a clock
// that was put back is refused (SET-26) and taken when the clock is right. To a
// clock a day ahead it seems old: what it causes is held for a person (max_age).
func TestClockBackRefusesNothingForGood(t *testing.T) {
	s := newSite(t)
	var c lead
	a := s.openWith(app.Options{Now: c.now})
	push := func(jti string, want int) {
		t.Helper()
		if code, _ := offer(t, a, s.token(jti, jti+"@example.com")); code != want {
			t.Errorf("%s: %d, want %d", jti, code, want)
		}
	}
	push("first", http.StatusAccepted)
	c.pass(-time.Hour)
	push("second", http.StatusBadRequest)
	c.pass(time.Hour)
	push("second", http.StatusAccepted)
	settled(t, a) // else it would expire
	c.pass(24 * time.Hour)
	push("third", http.StatusAccepted)
	c.pass(-24 * time.Hour)
	push("fourth", http.StatusAccepted)
	settled(t, a)
	out, err := os.ReadFile(filepath.Join(s.dir, "out.jsonl"))
	if err != nil || strings.Count(string(out), "\n") != 3 || strings.Contains(string(out), "third") {
		t.Errorf("the sink holds %q, %v", out, err)
	}
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(t.Context(), api.QueryRequest{Query: "action.guard:stale"})
	if err != nil || len(answer.Docs) != 1 || !strings.Contains(string(answer.Docs[0]), "third@example.com") {
		t.Errorf("held as stale: %s, %v", answer.Docs, err)
	}
}

// provider serves the keys of an issuer, or not.
type provider struct {
	mu   sync.Mutex
	keys []byte // nil: out of order
}

func (p *provider) serve(keys []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

func (p *provider) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_, _ = w.Write(p.keys)
}

// both joins two key sets.
func both(x, y *jose.Signer) []byte {
	list := func(s *jose.Signer) string {
		return strings.TrimSuffix(strings.TrimPrefix(string(s.JWKS()), `{"keys":[`), `]}`)
	}
	return []byte(`{"keys":[` + list(x) + "," + list(y) + `]}`)
}

// TestKeysOutOfReach takes the provider's key set away, at the start and later,
// and rotates its keys: what cannot be judged is asked for again, never refused,
// and everything is taken in the end.
func TestKeysOutOfReach(t *testing.T) {
	s := newSite(t)
	p := &provider{}
	srv := httptest.NewServer(p)
	defer srv.Close()
	s.replace(`jwks_file = "idp.jwks.json"`, fmt.Sprintf("jwks = %q", srv.URL))
	var c lead
	a := s.openWith(app.Options{Now: c.now})
	push := func(what string, token []byte, want int) {
		t.Helper()
		code, header := offer(t, a, token)
		if code != want || want == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
			t.Errorf("%s: %d with Retry-After %q, want %d", what, code, header.Get("Retry-After"), want)
		}
	}
	const floor = 31 * time.Second // between two fetches

	first := s.token("1", "a@example.com")
	push("out of reach at the start", first, http.StatusServiceUnavailable)
	p.serve(s.signer.JWKS())
	push("too soon to ask again", first, http.StatusServiceUnavailable)
	c.pass(floor)
	push("in reach", first, http.StatusAccepted)

	// The provider goes away and signs with a new key meanwhile.
	old := s.signer
	var err error
	if s.signer, err = jose.GenerateSigner("ES256"); err != nil {
		t.Fatal(err)
	}
	next := s.signer
	p.serve(nil)
	c.pass(floor)
	rotated := s.token("2", "b@example.com")
	push("a new key during an outage", rotated, http.StatusServiceUnavailable)
	s.signer = old
	push("a known key during an outage", s.token("3", "c@example.com"), http.StatusAccepted)
	p.serve(both(old, next))
	c.pass(floor)
	push("a new key after the outage", rotated, http.StatusAccepted)

	// It rotates once more while tokens of both keys come in.
	last, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	p.serve(both(next, last))
	var tokens [][]byte
	for i := range 40 {
		s.signer = []*jose.Signer{next, last}[i%2]
		tokens = append(tokens, s.token(fmt.Sprint("r-", i), fmt.Sprint("r-", i, "@example.com")))
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(tokens, 10) {
		wg.Go(func() {
			for _, token := range part {
				for code := 0; code != http.StatusAccepted; {
					if code, _ = offer(t, a, token); code == http.StatusBadRequest {
						// A name the provider had not published at its last word: it may
						// have since, and only the floor keeps us from asking.
						c.pass(floor)
					} else if code != http.StatusAccepted {
						t.Errorf("while keys rotate: %d", code)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	s.signer = old
	push("a key withdrawn", s.token("4", "d@example.com"), http.StatusBadRequest)
	settled(t, a)
	out, err := os.ReadFile(filepath.Join(s.dir, "out.jsonl"))
	if err != nil || strings.Count(string(out), "\n") != 43 {
		t.Errorf("the sink holds %d lines, %v", strings.Count(string(out), "\n"), err)
	}
}

// TestCrowdedListener: hundreds of connections that rest, and peers that send
// their body by and by, do not keep a push out; the slow are told that they are.
func TestCrowdedListener(t *testing.T) {
	s := newSite(t)
	s.replace(`push { authorization = file("push.secret") }`, "push {\n    authorization = file(\"push.secret\")\n    read_timeout = \"200ms\"\n  }")
	a := s.open()
	dial := func(text string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		return c
	}
	const head = "POST /ssf/idp/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/secevent+jwt\r\nAuthorization: Bearer " + testSecret + "\r\n"
	for range 100 {
		dial("")
		dial(head[:40])
	}
	var slow []net.Conn
	for range 20 {
		slow = append(slow, dial(head+"Content-Length: 1000\r\n\r\nxyz"))
	}
	for i := range 10 {
		if code, _ := offer(t, a, s.token(fmt.Sprint(i), fmt.Sprint(i, "@example.com"))); code != http.StatusAccepted {
			t.Errorf("push %d beside them: %d", i, code)
		}
	}
	for _, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(pipelinetest.Patience))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("a slow body: %v, %v", resp, err)
		}
	}
	settled(t, a)
}
