package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

var kills = flag.Int("kills", 20, "how often TestKill and TestRealIndexKill kill the product")

const (
	killIssuer   = "https://idp.example.com"
	killAudience = "https://signals.example.com"
	killSecret   = "kill-test-secret"
	localIndex   = `index "sqlite" "local" {}`
)

// TestKill runs the real binary under load, kills it with SIGKILL at random
// moments, some of them during start, reload and drain, and starts it again.
// The generator and the receiver keep ledgers on disk that are compared at the
// end: every token answered 202 has exactly one decision, its action arrived,
// and no action has a second jti or other bytes.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the real binary; not with -short")
	}
	k := newKillRun(t, localIndex)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	load := k.generate(ctx)
	under := 0
	for i := range *kills {
		if k.killOnce(i) {
			under++
		}
	}
	k.start()
	k.awaitReady()
	cancel()
	load.Wait()
	k.awaitDrained()
	t.Logf("%d kills, %d (%d %%) between first byte in and last byte out; %d tokens answered 202, %d deliveries received, %d refused on purpose",
		*kills, under, 100*under/max(1, *kills), k.accepted.Load(), k.received.Load(), k.refused.Load())
	if *kills >= 10 && under*2 < *kills {
		t.Errorf("only %d of %d kills landed under load", under, *kills)
	}
	k.compare()
	k.stopGracefully()
}

// killRun is one run: the product's directory, the peers and their ledgers.
type killRun struct {
	t        *testing.T
	dir      string
	binary   string
	addr     string
	env      []string
	every    time.Duration // between two tokens of one generator
	receiver *httptest.Server
	signer   *jose.Signer
	cmd      *exec.Cmd
	exited   chan error

	sent     *ledger // generator: one line per token answered 202
	got      *ledger // receiver: one line per token accepted
	inFlight atomic.Int64
	began    atomic.Bool
	accepted atomic.Int64
	received atomic.Int64
	refused  atomic.Int64
}

// ledger is an append-only file that outlives what it watches.
type ledger struct {
	mu sync.Mutex
	f  *os.File
}

func (l *ledger) write(t *testing.T, fields ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintln(l.f, strings.Join(fields, "\t")); err != nil {
		t.Error(err)
	}
}

func (l *ledger) read(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(l.f.Name())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Split(strings.TrimSpace(line), "\t"))
	}
	return rows
}

func newLedger(t *testing.T, path string) *ledger {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &ledger{f: f}
}

func newKillRun(t *testing.T, index string) *killRun {
	t.Helper()
	dir := t.TempDir()
	k := &killRun{t: t, dir: dir, binary: filepath.Join(dir, "signalbox"), env: append(os.Environ(), "KILL_SECRET="+killSecret)}
	if out, err := exec.Command("go", "build", "-o", k.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	k.sent, k.got = newLedger(t, filepath.Join(dir, "sent.tsv")), newLedger(t, filepath.Join(dir, "got.tsv"))
	var err error
	if k.signer, err = jose.GenerateSigner("ES256"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "idp.jwks.json"), k.signer.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	k.receiver = httptest.NewServer(http.HandlerFunc(k.receive))
	t.Cleanup(k.receiver.Close)
	k.addr = pipelinetest.FreeAddr(t) // for all the restarts of one run
	k.configure(index)
	t.Cleanup(func() {
		if k.cmd != nil && k.cmd.Process != nil {
			_ = k.cmd.Process.Kill()
			<-k.exited
		}
	})
	return k
}

func (k *killRun) configure(index string) {
	text := fmt.Sprintf(`
listen   = %q
data_dir = "data"
issuer %q {
  jwks_file = "idp.jwks.json"
  audience  = [%q]
  rules     = "ssf"
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
source "ssf" "idp" {
  issuer = %q
  push { authorization = env("KILL_SECRET") }
}
sink "ssf" "downstream" {
  issuer    = "https://signalbox.example.com"
  audience  = ["https://app.example.com"]
  authority = true
  push {
    endpoint      = %q
    authorization = env("KILL_SECRET")
    allow_private = true
  }
}
action "revoke-session" {
  emit "session-revoked" { to = ["downstream"] }
}
policies {
  rule "unplanned_leaver" {
    limit {
      actions = 1000000
      per     = "1h"
    }
  }
}
guards {
  limit {
    actions = 1000000
    per     = "1m"
  }
}
journal { min_free = bytes("1MiB") }
%s
`, k.addr, killIssuer, killAudience, killIssuer, k.receiver.URL+"/events", index)
	if err := os.WriteFile(filepath.Join(k.dir, "config.hcl"), []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

func (k *killRun) start() {
	k.t.Helper()
	cmd := exec.Command(k.binary, "run", "--config", "config.hcl", "--log-level", "warn")
	cmd.Dir = k.dir
	cmd.Env = k.env
	log, err := os.OpenFile(filepath.Join(k.dir, "log.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.cmd, k.exited = cmd, make(chan error, 1)
	go func(exited chan<- error) { exited <- cmd.Wait() }(k.exited)
}

func (k *killRun) ready() bool {
	resp, err := http.Get("http://" + k.addr + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (k *killRun) awaitReady() {
	k.t.Helper()
	k.await("the product to be ready", k.ready)
}

func (k *killRun) await(what string, done func() bool) {
	k.t.Helper()
	deadline := time.Now().Add(pipelinetest.Patience)
	for !done() {
		select {
		case err := <-k.exited:
			k.exited <- err
			k.t.Fatalf("waiting for %s, the product ended: %v\n%s", what, err, k.log())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("waited in vain for %s\n%s", what, k.log())
		}
	}
}

func (k *killRun) log() string {
	text, _ := os.ReadFile(filepath.Join(k.dir, "log.txt"))
	return string(text[max(0, len(text)-4096):])
}

// killOnce starts the product, picks a moment of its life and kills it. It
// reports whether work was under way: a request in flight, or an action
// accepted and not yet delivered.
func (k *killRun) killOnce(i int) bool {
	k.t.Helper()
	k.start()
	pause := func(most time.Duration) { time.Sleep(rand.N(most)) }
	moment := "work"
	switch i % 7 {
	case 3:
		moment = "start"
		pause(150 * time.Millisecond)
	case 5:
		moment = "reload"
		k.awaitReady()
		pause(300 * time.Millisecond)
		_ = k.cmd.Process.Signal(syscall.SIGHUP)
		pause(60 * time.Millisecond)
	case 6:
		moment = "drain"
		k.awaitReady()
		pause(300 * time.Millisecond)
		_ = k.cmd.Process.Signal(syscall.SIGTERM)
		pause(30 * time.Millisecond)
	default:
		k.awaitReady()
		pause(700 * time.Millisecond)
	}
	inFlight, accepted, received := k.inFlight.Load(), k.accepted.Load(), k.received.Load()
	busy := k.began.Load() && (inFlight > 0 || received < accepted)
	_ = k.cmd.Process.Kill()
	err := <-k.exited
	k.exited <- err
	k.t.Logf("kill %2d during %-6s in flight %3d, accepted %6d, delivered %6d", i+1, moment, inFlight, accepted, received)
	return busy
}

// generate pushes tokens from several goroutines until ctx ends, each again
// and again until it is answered 202.
func (k *killRun) generate(ctx context.Context) *sync.WaitGroup {
	var wg sync.WaitGroup
	var serial atomic.Int64
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := serial.Add(1)
				jti := fmt.Sprintf("jti-%08d", n)
				token := k.token(jti, n)
				for !k.push(client, token) {
					time.Sleep(20 * time.Millisecond)
				}
				k.sent.write(k.t, jti, fmt.Sprintf("txn-%08d", n))
				k.accepted.Add(1)
				time.Sleep(k.every)
			}
		})
	}
	return &wg
}

func (k *killRun) token(jti string, n int64) []byte {
	subject, err := event.NewSimple("email", "email", fmt.Sprintf("user%08d@example.com", n))
	if err != nil {
		k.t.Error(err)
	}
	typ, _ := event.ByName("account-disabled")
	claims, err := set.Build(set.Claims{
		Issuer: killIssuer, Audience: []string{killAudience}, IssuedAt: time.Now(), JTI: jti, Txn: fmt.Sprintf("txn-%08d", n),
		Subject: subject, Event: typ.URI, Body: []byte(`{"reason":"offboarding"}`),
	})
	if err != nil {
		k.t.Error(err)
	}
	token, err := k.signer.Sign(claims)
	if err != nil {
		k.t.Error(err)
	}
	return token
}

// push offers a token once and reports whether it was answered 202.
func (k *killRun) push(client *http.Client, token []byte) bool {
	req, err := http.NewRequest(http.MethodPost, "http://"+k.addr+"/ssf/idp/push", bytes.NewReader(token))
	if err != nil {
		k.t.Error(err)
		return true
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", "Bearer "+killSecret)
	k.inFlight.Add(1)
	k.began.Store(true)
	defer k.inFlight.Add(-1)
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
	switch resp.StatusCode {
	case http.StatusAccepted:
		return true
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return false
	}
	k.t.Errorf("push answered %s: %s", resp.Status, body)
	return false
}

// receive is the downstream application. It refuses one in twenty for now and
// is slow now and then.
func (k *killRun) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if rand.N(20) == 0 {
		k.refused.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var claims struct {
		JTI string `json:"jti"`
		Txn string `json:"txn"`
	}
	parts := strings.Split(string(body), ".")
	if len(parts) != 3 {
		k.t.Errorf("received something that is no token: %q", body)
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil {
		k.t.Errorf("received a broken token: %v", err)
	}
	sum := sha256.Sum256(body)
	k.got.write(k.t, claims.Txn, claims.JTI, hex.EncodeToString(sum[:]))
	k.received.Add(1)
	w.WriteHeader(http.StatusAccepted)
}

// awaitDrained waits until nothing waits for the receiver and the index has
// taken everything.
func (k *killRun) awaitDrained() {
	k.t.Helper()
	client := api.Dial(filepath.Join(k.dir, "data"))
	k.await("the queues to drain", func() bool {
		s, err := client.Status(context.Background())
		if err != nil {
			return false
		}
		for _, sink := range s.Sinks {
			if sink.Pending > 0 {
				return false
			}
		}
		for _, i := range s.Indexes {
			if i.Lag > 0 {
				return false
			}
		}
		return true
	})
}

// compare holds the ledgers against each other and against what the product
// says it decided.
func (k *killRun) compare() {
	k.t.Helper()
	decisions := k.decisions()
	tokens := map[string]map[string]bool{} // txn -> jti
	digests := map[string]map[string]bool{}
	for _, row := range k.got.read(k.t) {
		txn, jti, sum := row[0], row[1], row[2]
		put(tokens, txn, jti)
		put(digests, jti, sum)
	}
	bad := 0
	complain := func(format string, args ...any) {
		if bad++; bad <= 20 {
			k.t.Errorf(format, args...)
		}
	}
	sent := k.sent.read(k.t)
	for _, row := range sent {
		jti, txn := row[0], row[1]
		if n := decisions[pipeline.SETInputID(killIssuer, jti)]; n != 1 {
			complain("%s was answered 202 and has %d decisions", jti, n)
		}
		if n := len(tokens[txn]); n != 1 {
			complain("%s was answered 202 and %d actions arrived", jti, n)
		}
	}
	for jti, sums := range digests {
		if len(sums) != 1 {
			complain("%s arrived as %d different tokens", jti, len(sums))
		}
	}
	if bad > 20 {
		k.t.Errorf("and %d more", bad-20)
	}
	req.True(k.t, "PUSH-08 PUSH-10 SCIM-09 SET-27", len(sent) > 0 && bad == 0, "%d sent, %d not kept or twice", len(sent), bad)
}

func put(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}

// decisions counts decision documents per input, as the command line gives
// them.
func (k *killRun) decisions() map[string]int {
	k.t.Helper()
	cmd := exec.Command(k.binary, "query", "--config", "config.hcl", "--format", "ndjson", "--since", "all", "--limit", "10000000", "event.dataset:ssf.decision")
	cmd.Dir = k.dir
	cmd.Env = k.env
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	n := map[string]int{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d struct {
			Chain struct {
				Root string `json:"root"`
			} `json:"chain"`
		}
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			k.t.Fatal(err)
		}
		n[d.Chain.Root]++
	}
	if err := cmd.Wait(); err != nil {
		k.t.Fatalf("query: %v", err)
	}
	return n
}

func (k *killRun) stopGracefully() {
	k.t.Helper()
	_ = k.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-k.exited:
		k.exited <- err
		if err != nil {
			k.t.Errorf("stop: %v\n%s", err, k.log())
		}
	case <-time.After(pipelinetest.Patience):
		k.t.Error("the product does not stop")
	}
}
