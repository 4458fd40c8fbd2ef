package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

const issuer = "https://tx.example.com"

// configured is a source that polls.
func configured() *Config {
	return &Config{Issuer: issuer, Transmitter: issuer, audience: []string{"https://siem.example.com"}}
}

// make opens a source at a transmitter; dir keeps its memory.
func open(t testing.TB, c *Config, tx *pipelinetest.Transmitter, dir string) *source {
	t.Helper()
	if p := c.Validate(); p != nil {
		t.Fatal(p)
	}
	cl, err := client.New(client.Options{Transmitter: c.Transmitter, HTTP: tx.Client(), Audience: c.audience}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.open(kind.Env{Name: "idp", DataDir: dir}, nil, cl)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a source until stop.
func start(t testing.TB, s *source, h pipeline.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// ours is a stream as a source "idp" would have made it.
func ours() map[string]any {
	return map[string]any{"description": "signalbox idp", "events_requested": []any{}}
}

// upstream is a stream for the contract of sources.
type upstream struct {
	tx *pipelinetest.Transmitter
	id string
}

func (u upstream) Offer(bodies ...string) {
	for _, b := range bodies {
		u.tx.Offer(u.id, b, b)
	}
}

func (u upstream) Settled(body string) (settled, known bool) {
	_, refused := u.tx.Refused(u.id)[body]
	return refused || slices.Contains(u.tx.Acked(u.id), body), true
}

func (u upstream) Await(ctx context.Context, body string) error {
	for {
		if settled, _ := u.Settled(body); settled {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSource(t *testing.T) {
	for name, poll := range map[string]*Poll{
		"long":  {MaxEvents: 70},
		"short": {Short: true, Interval: 10 * time.Millisecond, MaxEvents: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			pipelinetest.TestSource(t, func(t *testing.T) (pipeline.Source, pipelinetest.Upstream) {
				tx := pipelinetest.TransmitterAt(t, issuer)
				tx.Mute = true // its verification events would be bodies nobody offered
				c := configured()
				c.Poll = poll
				return open(t, c, tx, t.TempDir()), upstream{tx, tx.Make(ours())}
			})
		})
	}
}

// bubble runs a test in which time passes by itself.
func bubble(t *testing.T, f func(t *testing.T, tx *pipelinetest.Transmitter)) {
	synctest.Test(t, func(t *testing.T) {
		f(t, pipelinetest.TransmitterAt(t, issuer))
	})
}

func decode(t *testing.T, a pipelinetest.Asked) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMakesStream: a stream is made, with no member that is the transmitter's,
// and after a restart it is the same.
func TestMakesStream(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		dir := t.TempDir()
		c := configured()
		c.Stream = &Stream{Events: []string{"session-revoked"}}
		stop := start(t, open(t, c, tx, dir), pipelinetest.NewRecorder())
		synctest.Wait()
		created := tx.Asked("POST", "/streams")
		req.Equal(t, "SSF-RX-08", decode(t, created[0]), map[string]any{
			"description": "signalbox idp", "delivery": map[string]any{"method": "urn:ietf:rfc:8936"},
			"events_requested": []any{pipelinetest.Vocabulary()[0]},
		})
		req.Equal(t, "SSF-RX-24 INTEROP-15", len(tx.Asked("POST", "/subjects/add")), 0)
		req.Equal(t, "SSF-RX-12", len(tx.Asked("PATCH", "/streams")), 0)
		stop()
		start(t, open(t, c, tx, dir), pipelinetest.NewRecorder())
		synctest.Wait()
		if n := len(tx.Asked("POST", "/streams")); n != 1 {
			t.Errorf("%d streams were made", n)
		}
	})
}

// TestKeepsStream: what somebody else changed is changed back, in one request,
// and what a transmitter will not do is not asked for without end.
func TestKeepsStream(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		c := configured()
		c.Stream = &Stream{Description: "wanted", Events: []string{"session-revoked", "https://example.com/unheard-of"}}
		s := open(t, c, tx, t.TempDir())
		id := tx.Make(map[string]any{"description": "wanted", "events_requested": []any{"x"}})
		start(t, s, pipelinetest.NewRecorder())
		synctest.Wait()
		patched := tx.Asked("PATCH", "/streams")
		if len(patched) != 1 {
			t.Fatalf("%d changes", len(patched))
		}
		req.Equal(t, "SSF-RX-14", decode(t, patched[0]), map[string]any{
			"stream_id": id, "events_requested": []any{pipelinetest.Vocabulary()[0], "https://example.com/unheard-of"},
		})
		req.Equal(t, "SSF-RX-11", s.stream.Load().EventsDelivered, pipelinetest.Vocabulary()[:1])

		// It keeps to itself what it does not understand.
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, body []byte) bool {
			if r.Method != "PATCH" {
				return false
			}
			fmt.Fprintf(w, `{"stream_id":%q,"iss":%q,"aud":"https://siem.example.com","description":"wan","events_delivered":[],
				"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"%s/poll/%s"}}`, id, issuer, issuer, id)
			return true
		})
		tx.Change(id, "description", "somebody else's")
		time.Sleep(time.Hour)
		if n := len(tx.Asked("PATCH", "/streams")); n > 3 {
			t.Errorf("asked %d times for what is not done", n-1)
		}
	})
}

// TestReplace: a transmitter without PATCH is told everything by PUT.
func TestReplace(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		c := configured()
		c.Stream = &Stream{ID: tx.Make(map[string]any{"description": "old"}), Description: "new", Events: []string{"session-revoked"}}
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if r.Method == "PATCH" {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
			return r.Method == "PATCH"
		})
		start(t, open(t, c, tx, ""), pipelinetest.NewRecorder())
		synctest.Wait()
		req.Equal(t, "SSF-RX-15", decode(t, tx.Asked("PUT", "/streams")[0]), map[string]any{
			"stream_id": c.Stream.ID, "description": "new", "events_requested": []any{pipelinetest.Vocabulary()[0]},
			"delivery": map[string]any{"method": "urn:ietf:rfc:8936"},
		})
	})
}

// TestOneStream: where one is kept per receiver, it is taken over.
func TestOneStream(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.OneStream = true
		id := tx.Make(map[string]any{"description": "other", "delivery": map[string]any{"method": "urn:ietf:rfc:8935", "endpoint_url": "https://old.example.com"}})
		s := open(t, configured(), tx, "")
		start(t, s, pipelinetest.NewRecorder())
		synctest.Wait()
		got := tx.Configuration(id, "delivery").(map[string]any)
		req.Equal(t, "SSF-RX-13", fmt.Sprint(tx.Streams(), got["method"]), fmt.Sprint([]string{id}, "urn:ietf:rfc:8936"))
	})
}

// TestGone: a stream that is deleted at the transmitter is made anew.
func TestGone(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		s := open(t, configured(), tx, "")
		start(t, s, pipelinetest.NewRecorder())
		synctest.Wait()
		old := tx.Streams()[0]
		tx.Drop(old)
		time.Sleep(10 * time.Second)
		if now := tx.Streams(); len(now) != 1 || now[0] == old || s.mem.get().Stream != now[0] {
			t.Errorf("streams %q, remembered %q", now, s.mem.get().Stream)
		}
	})
}

func TestAudience(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Audience = "https://somebody-else.example.com"
		s, l := open(t, configured(), tx, ""), newLine()
		l.src = s
		start(t, s, l)
		time.Sleep(time.Hour)
		f := s.Feed()
		req.True(t, "SSF-RX-10", f.Status == pipeline.FeedDegraded && strings.Contains(f.Reason, "somebody-else"), "%+v", f)
		if n := len(tx.Streams()); n != 1 {
			t.Errorf("%d streams were made", n)
		}
	})
}

// line is a handler that records and takes word of health.
type line struct {
	*pipelinetest.Recorder
	mu     sync.Mutex
	health []string
	src    *source
}

func newLine() *line { return &line{Recorder: pipelinetest.NewRecorder()} }

func (l *line) TakeFeedHealth(_ context.Context, h pipeline.FeedHealth) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health = append(l.health, h.Status)
	return nil
}

func (l *line) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.health)
}

// hearing makes what a line accepts known to the source, as the journal would.
func (l *line) Handle(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
	receipts, err := l.Recorder.Handle(ctx, msgs)
	for _, m := range msgs {
		if l.src == nil || err != nil {
			break
		}
		x := heard{At: time.Now(), Accepted: true, JTI: m.JTI}
		parts := strings.Split(string(m.Body), ".")
		var claims struct {
			SubID  struct{ ID string } `json:"sub_id"`
			Events map[string]struct{ State, Status, Reason string }
		}
		if len(parts) == 3 && json.Unmarshal(unbase64(parts[1]), &claims) == nil {
			for uri, body := range claims.Events {
				x.Event, x.Stream, x.State, x.Status = uri[strings.LastIndexByte(uri, '/')+1:], claims.SubID.ID, body.State, body.Status
			}
		}
		payload, _ := json.Marshal(x)
		if _, err := l.src.Deliver(ctx, []pipeline.Delivery{{Payload: payload}}); err != nil {
			return nil, err
		}
	}
	return receipts, err
}

// TestQuietAndDead: a quiet stream stays healthy as long as verification comes
// back; one whose transmitter promises and does not send goes blind, and is
// well again afterwards.
func TestQuietAndDead(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		s, l := open(t, configured(), tx, ""), newLine()
		l.src = s
		start(t, s, l)
		time.Sleep(6 * time.Hour) // and not one event
		if f := s.Feed(); f.Status != pipeline.FeedHealthy || time.Since(f.LastVerified) > 6*time.Minute || f.Asked != (time.Time{}) {
			t.Fatalf("a quiet stream: %+v", f)
		}
		if said := l.said(); len(said) != 0 {
			t.Errorf("it was told %q", said)
		}
		tx.Set(func(tx *pipelinetest.Transmitter) { tx.Mute = true })
		time.Sleep(30 * time.Minute)
		if f := s.Feed(); f.Status != pipeline.FeedBlind || !strings.Contains(f.Reason, "verification") {
			t.Errorf("a dead stream: %+v", f)
		}
		tx.Set(func(tx *pipelinetest.Transmitter) { tx.Mute = false })
		time.Sleep(10 * time.Minute)
		if said := l.said(); !slices.Equal(said, []string{"degraded", "blind", "healthy"}) {
			t.Errorf("it was told %q", said)
		}
	})
}

// TestPaused: the transmitter's word that it sends nothing counts at once, and
// is not asked to send all the same.
func TestPaused(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		s, l := open(t, configured(), tx, ""), newLine()
		l.src = s
		start(t, s, l)
		synctest.Wait()
		id := tx.Streams()[0]
		tx.SetStatus(id, "paused")
		tx.Tell(t, id, "updated-1", "stream-updated", "opaque:"+id, `{"status":"paused","reason":"maintenance"}`)
		time.Sleep(time.Second)
		f := s.Feed()
		req.True(t, "SSF-RX-21", f.Status == pipeline.FeedBlind && strings.Contains(f.Reason, "paused"), "%+v", f)
		before := len(tx.Asked("POST", "/verify"))
		time.Sleep(time.Hour)
		if n := len(tx.Asked("POST", "/verify")) - before; n > 0 {
			t.Errorf("%d verification events were asked of a paused stream", n)
		}
		tx.SetStatus(id, "enabled")
		time.Sleep(10 * time.Minute)
		if said := l.said(); !slices.Equal(said, []string{"blind", "healthy"}) {
			t.Errorf("it was told %q", said)
		}
		tx.Tell(t, id, "updated-2", "stream-updated", "opaque:another", `{"status":"disabled"}`)
		time.Sleep(time.Second)
		if f := s.Feed(); f.Status != pipeline.FeedHealthy {
			t.Errorf("word about another stream: %+v", f)
		}
	})
}

// TestVerificationRate: never more often than the transmitter permits, restarts
// and refusals included.
func TestVerificationRate(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Every = 20 * time.Minute
		dir := t.TempDir()
		for range 6 {
			s, l := open(t, configured(), tx, dir), newLine()
			l.src = s
			stop := start(t, s, l)
			time.Sleep(10 * time.Minute)
			stop()
		}
		n := len(tx.Asked("POST", "/verify"))
		req.True(t, "SSF-RX-29", n >= 2 && n <= 3, "%d requests in an hour, one per 20 min permitted", n)
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			if r.URL.Path == "/verify" {
				w.Header().Set("Retry-After", "3000")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return r.URL.Path == "/verify"
		})
		s, l := open(t, configured(), tx, dir), newLine()
		l.src = s
		start(t, s, l)
		time.Sleep(2 * time.Hour)
		m := len(tx.Asked("POST", "/verify")) - n
		req.True(t, "SSF-RX-29", m >= 2 && m <= 3, "%d requests in two hours, asked to wait 50 min", m)
		if f := s.Feed(); f.Status == pipeline.FeedBlind {
			t.Errorf("asked too often, it says, and we: %+v", f)
		}
	})
}

// TestKeepAlive: a push stream is touched well inside its inactivity time-out.
func TestKeepAlive(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Inactivity = time.Minute
		s := open(t, configured(), tx, "")
		start(t, s, pipelinetest.NewRecorder())
		time.Sleep(10 * time.Minute)
		n := len(tx.Asked("GET", "/status"))
		req.True(t, "SSF-RX-18", n >= 30, "%d management calls in ten time-outs", n)
	})
}

// TestStates: a verification event counts when its state is one we asked this
// stream for, once, for one token; one without state is nobody's answer.
func TestStates(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		dir := t.TempDir()
		tx.Mute = true
		s := open(t, configured(), tx, dir)
		stop := start(t, s, pipelinetest.NewRecorder())
		synctest.Wait()
		id := tx.Streams()[0]
		state, _ := decode(t, tx.Asked("POST", "/verify")[0])["state"].(string)
		for _, c := range []struct {
			stream, state, jti string
			want               bool
		}{{id, state, "j1", true}, {id, state + "x", "j1", false}, {"other", state, "j1", false}, {id, "", "j1", false}} {
			req.Equal(t, "SSF-RX-25", s.Expected(c.stream, c.state, c.jti), c.want)
		}
		if err := s.hear(heard{At: time.Now(), Accepted: true, Event: "verification", Stream: id, State: state, JTI: "j1"}); err != nil {
			t.Fatal(err)
		}
		stop()
		s = open(t, configured(), tx, dir) // a restart forgets none of it
		req.Equal(t, "SSF-RX-28", s.Expected(id, state, "j1"), true)
		req.Equal(t, "SSF-RX-28", s.Expected(id, state, "j2"), false)
		if f := s.Feed(); f.LastVerified.IsZero() || !f.Asked.IsZero() {
			t.Errorf("feed %+v", f)
		}
		time.Sleep(25 * time.Hour)
		req.Equal(t, "SSF-RX-28", s.Expected(id, state, "j1"), false)
	})
}

// TestLateVerification: nothing depends on when the event comes.
func TestLateVerification(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		tx.Mute = true
		s := open(t, configured(), tx, "")
		start(t, s, pipelinetest.NewRecorder())
		time.Sleep(12 * time.Minute)
		asked := tx.Asked("POST", "/verify")
		first, last := decode(t, asked[0])["state"].(string), decode(t, asked[len(asked)-1])["state"].(string)
		id := tx.Streams()[0]
		for i, state := range []string{last, first} {
			req.Equal(t, "SSF-RX-27 SSF-RX-28", s.Expected(id, state, fmt.Sprint(i)), true)
			if err := s.hear(heard{At: time.Now(), Accepted: true, Event: "verification", Stream: id, State: state, JTI: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if f := s.Feed(); f.Status != pipeline.FeedHealthy {
			t.Errorf("feed %+v", f)
		}
	})
}

// TestManagementOutOfReach: polls go on, the feed tells.
func TestManagementOutOfReach(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		s, l := open(t, configured(), tx, ""), newLine()
		l.src = s
		start(t, s, l)
		synctest.Wait()
		id := tx.Streams()[0]
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			down := !strings.HasPrefix(r.URL.Path, "/poll")
			if down {
				w.WriteHeader(http.StatusBadGateway)
			}
			return down
		})
		time.Sleep(6 * time.Minute)
		tx.Offer(id, "a", "a")
		time.Sleep(time.Second)
		if !slices.Contains(tx.Acked(id), "a") || s.Feed().Status != pipeline.FeedDegraded {
			t.Errorf("acknowledged %q, feed %+v", tx.Acked(id), s.Feed())
		}
		time.Sleep(30 * time.Minute)
		if f := s.Feed(); f.Status != pipeline.FeedBlind {
			t.Errorf("after half an hour: %+v", f)
		}
		if n := len(tx.Asked("", "/streams")); n > 40 {
			t.Errorf("%d calls of a management API that does not answer", n)
		}
		tx.Intercept(nil)
		time.Sleep(10 * time.Minute)
		if f := s.Feed(); f.Status != pipeline.FeedHealthy {
			t.Errorf("afterwards: %+v", f)
		}
	})
}

// TestSubjects: those configured are added once, those no longer configured are
// removed.
func TestSubjects(t *testing.T) {
	bubble(t, func(t *testing.T, tx *pipelinetest.Transmitter) {
		dir := t.TempDir()
		c := configured()
		c.Stream = &Stream{Subjects: []string{"email:jane@example.com", "opaque:u-1"}}
		for range 2 {
			stop := start(t, open(t, c, tx, dir), pipelinetest.NewRecorder())
			time.Sleep(20 * time.Minute)
			stop()
		}
		if n := len(tx.Asked("POST", "/subjects/add")); n != 2 {
			t.Errorf("%d subjects were added", n)
		}
		silent := newLine() // that they were taken promises nothing
		s := open(t, c, tx, dir)
		silent.src = s
		stop := start(t, s, silent)
		time.Sleep(6 * time.Hour)
		req.Equal(t, "SSF-RX-22", s.Feed().Status, pipeline.FeedHealthy)
		stop()
		c.Stream.Subjects = c.Stream.Subjects[:1]
		start(t, open(t, c, tx, dir), pipelinetest.NewRecorder())
		synctest.Wait()
		removed := tx.Asked("POST", "/subjects/remove")
		if len(removed) != 1 || !strings.Contains(removed[0].Body, `"u-1"`) {
			t.Errorf("removed %v", removed)
		}
		id := tx.Streams()[0]
		tx.Tell(t, id, "late", "session-revoked", "opaque:u-1", `{}`)
		time.Sleep(time.Minute)
		req.True(t, "SSF-RX-23", slices.Contains(tx.Acked(id), "late") && len(tx.Refused(id)) == 0, "an event about a removed subject: %q, %q", tx.Acked(id), tx.Refused(id))
	})
}

// TestMemoryFile: what cannot be read is not forgotten.
func TestMemoryFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	if err := replaceFile(path, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := openMemory(path); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a broken file: %v", err)
	}
	m, err := openMemory(filepath.Join(dir, "sub", "b.json"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for i := range 100 {
		if err := m.ask(fmt.Sprint(i), at.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.data.States); n != mostStates {
		t.Errorf("%d states are remembered", n)
	}
	if !m.expected("", "99", "j", at.Add(time.Hour)) || m.expected("", "0", "j", at.Add(time.Hour)) {
		t.Error("not the newest are remembered")
	}
	if _, err := openMemory(dir); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a folder: %v", err)
	}
}
