package transmitter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

var (
	errKilled    = errors.New("killed")
	errCommitted = errors.New("killed after the commit")
)

// mortal is a store whose process is killed at one of its commits: before it, or
// after it and before anybody learns of it.
type mortal struct {
	store.Store
	after bool

	mu   sync.Mutex
	left int // commits it lives for
	dead bool
}

func (m *mortal) killed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) Begin(ctx context.Context, locks []string) (store.Tx, error) {
	if m.killed() {
		return nil, errKilled
	}
	tx, err := m.Store.Begin(ctx, locks)
	if err != nil {
		return nil, err
	}
	return &mortalTx{tx, m}, nil
}

func (m *mortal) Claim(ctx context.Context, queue string, most int, now time.Time, lease time.Duration) ([]store.Item, time.Time, error) {
	if m.killed() {
		return nil, time.Time{}, errKilled
	}
	return m.Store.Claim(ctx, queue, most, now, lease)
}

type mortalTx struct {
	store.Tx
	m *mortal
}

func (t *mortalTx) Commit(ctx context.Context) error {
	t.m.mu.Lock()
	now := t.m.left == 0 && !t.m.dead
	t.m.dead = t.m.dead || now
	t.m.left--
	dead := t.m.dead
	t.m.mu.Unlock()
	if !dead {
		return t.Tx.Commit(ctx)
	}
	if now && t.m.after && t.Tx.Commit(ctx) == nil {
		return errCommitted
	}
	return errKilled
}

// story is a receiver that creates a stream, polls and acknowledges while events
// are stated, and what it knows for certain.
type story struct {
	id     string
	stated map[string]bool // subjects whose event was stated and the statement confirmed
	seen   map[string]int
	acked  map[string]bool // acknowledged, and the acknowledgement answered
	late   []string        // came again after that
}

// events are what is stated in the story.
var events = []string{"a", "b", "c", "d"}

// run plays what is missing of the story, as far as the transmitter lives.
func (s *story) run(r *rig) {
	if s.id == "" {
		a := r.ask(appToken, "POST", base+"/streams", polling(revoked))
		if a.status != http.StatusCreated {
			return
		}
		s.id = a.json(r.t)["stream_id"].(string)
	}
	for _, e := range events {
		if !s.stated[e] {
			err := s.state(r, e)
			// Who states it again is kept from it by marks of the line.
			if s.stated[e] = err == nil || errors.Is(err, errCommitted); err != nil {
				return
			}
		}
		if e == "b" || e == "d" {
			s.poll(r)
		}
	}
	s.poll(r)
}

func (s *story) state(r *rig, name string) error {
	subject := email(r.t, name+"@example.com")
	text, _ := subject.MarshalJSON()
	a := pipeline.Action{
		ID: "a-" + name, Type: "test", Emits: "session-revoked", Target: "signals", Mode: pipeline.Enforce, Subject: text, Key: subject.Key(),
		Made: time.Now(), Received: time.Now(), Expires: time.Now().Add(time.Hour),
	}
	return r.line.Transact(context.Background(), nil, func(tx store.Tx, _ func(pipeline.Action)) error {
		return pipeline.Enqueue(tx, &a, time.Now())
	})
}

// poll polls until a minute brings nothing, and acknowledges.
func (s *story) poll(r *rig) {
	body := object{"returnImmediately": false}
	var acks []string
	for range 20 {
		p := r.poll(appToken, s.id, body)
		if p.status != http.StatusOK {
			return
		}
		for _, jti := range acks {
			s.acked[jti] = true
		}
		if len(p.sets) == 0 {
			return
		}
		acks = p.jtis()
		for _, jti := range acks {
			s.seen[p.sets[jti].Sub["email"].(string)]++
			if s.acked[jti] {
				s.late = append(s.late, jti)
			}
		}
		body = object{"returnImmediately": false, "ack": acks}
	}
}

// TestKilled kills the transmitter at every commit of a story: no SET is lost and
// no acknowledgement forgotten.
func TestKilled(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 0; ; at++ {
			lived := false
			synctest.Test(t, func(t *testing.T) {
				c := two()
				c.Bounds = &Bounds{PollWait: 2 * time.Minute}
				mem := store.NewMemory(store.Options{}, store.Faults{})
				s := &story{stated: map[string]bool{}, seen: map[string]int{}, acked: map[string]bool{}}
				m := &mortal{Store: mem, after: after, left: at}
				if r := serveOn(t, m, c, m.killed); r != nil {
					s.run(r)
					r.stop()
				}
				lived = !m.killed()
				r := serve(t, mem, c)
				defer r.stop()
				s.run(r)
				if len(s.late) > 0 {
					req.True(t, "POLL-10", false, "killed at commit %d (after it: %t), acknowledged SETs came again: %v", at, after, s.late)
				}
				got := slices.Sorted(maps.Keys(s.seen))
				want := "[a@example.com b@example.com c@example.com d@example.com]"
				req.True(t, "POLL-10", fmt.Sprint(got) == want, "killed at commit %d (after it: %t), the receiver got %v", at, after, got)
				if n, _ := r.line.Pending(pipeline.StreamQueue("signals", s.id)); n > 0 {
					t.Errorf("killed at commit %d: %d are left", at, n)
				}
			})
			if lived || t.Failed() {
				t.Logf("killed at %d commits (after them: %t)", at, after)
				break
			}
		}
	}
}

// TestDeclared: streams of the configuration are there after a restart as it
// states them then, with what waited, and nobody can change them.
func TestDeclared(t *testing.T) {
	receiver := pipelinetest.NewPushReceiver(t)
	receiver.Answer(func(pipelinetest.Pushed) pipelinetest.Answer { return pipelinetest.Answer{Status: 503} })
	mem := store.NewMemory(store.Options{}, store.Faults{})
	conf := func(streams ...Declared) *Config {
		c := two()
		c.Receivers[0].Streams = streams
		return c
	}
	main := Declared{Name: "main", Events: []string{"session-revoked"}, Describe: "sessions",
		Push: &Push{Endpoint: receiver.URL, Authorization: "Bearer of-the-file", AllowPrivate: true}}
	r := serve(t, mem, conf(main, Declared{Name: "all", Poll: &Poll{}}))
	jane := email(t, "jane@example.com")
	action := r.act("session-revoked", jane)
	r.until("it is pushed", func() bool { return len(receiver.Pushes()) > 0 })
	c := r.ask(appToken, "GET", base+"/streams?stream_id=app.main", nil).json(t)
	if fmt.Sprint(c["description"], c["events_delivered"]) != "sessions["+revoked+"]" {
		t.Errorf("declared is %v", c)
	}
	for method, want := range map[string]int{"PATCH": 403, "PUT": 403} {
		if a := r.ask(appToken, method, base+"/streams", object{"stream_id": "app.main", "description": "mine"}); a.status != want {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	if a := r.ask(appToken, "DELETE", base+"/streams?stream_id=app.main", nil); a.status != 403 {
		t.Errorf("DELETE: %d", a.status)
	}
	r.stop()
	receiver.Answer(nil)
	r = serve(t, mem, conf(main))
	r.until("it is taken", func() bool { return r.statuses(action)["app.main"] == pipeline.Acked })
	for _, p := range receiver.Pushes() {
		req.Equal(t, "SSF-TX-30 PUSH-01", p.Header.Get("Authorization"), "Bearer of-the-file")
		req.Equal(t, "PUSH-01", fmt.Sprint(p.Method, " ", p.Header.Get("Content-Type"), " ", p.Header.Get("Accept")), "POST application/secevent+jwt application/json")
	}
	if tokens := receiver.Taken(); len(tokens) != 1 || tokens[0] != receiver.Pushes()[0].Token {
		t.Error("the bytes after the restart are others")
	}
	r.until("what the file states no more is gone", func() bool { return len(must(r.hub.Streams(t.Context()))) == 1 })
	if got := r.statuses(action)["app.all"]; got != pipeline.Superseded {
		t.Errorf("what waited for it is %s", got)
	}
}

// TestPush: what a receiver created is pushed with its authorization, in order
// per subject, retried, refused, held and sent on as the standard says.
func TestPush(t *testing.T) {
	receiver := pipelinetest.NewPushReceiver(t)
	var mu sync.Mutex
	n := 0
	receiver.Answer(func(p pipelinetest.Pushed) pipelinetest.Answer {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 {
			return pipelinetest.Answer{Status: 503}
		}
		if read(t, p.Token).Sub["email"] == "joe@example.com" {
			return pipelinetest.Answer{Status: 400, Code: pipeline.InvalidAudience}
		}
		return pipelinetest.Answer{}
	})
	r := serve(t, nil, two())
	id := r.create(appToken, pushing(receiver.URL, revoked))
	active := func() time.Time {
		for _, s := range must(r.hub.Streams(t.Context())) {
			if s.ID == id {
				return s.Active
			}
		}
		return time.Time{}
	}
	created := active()
	other := r.create(hrToken, polling(revoked))
	jane, joe := email(t, "jane@example.com"), email(t, "joe@example.com")
	first, second, third := r.act("session-revoked", jane), r.act("session-revoked", joe), r.act("session-revoked", jane)
	r.until("all is settled", func() bool {
		return r.statuses(first)[id] == pipeline.Acked && r.statuses(second)[id] == pipeline.Dead && r.statuses(third)[id] == pipeline.Acked
	})
	var order []any
	for _, token := range receiver.Taken() {
		order = append(order, read(t, token).Events[revoked]["n"])
	}
	req.Equal(t, "SSF-TX-54 PUSH-12", fmt.Sprint(order), "[1 3]")
	req.Equal(t, "SSF-TX-44", active(), created) // a SET that is taken is no activity
	for _, p := range receiver.Pushes() {
		req.Equal(t, "SSF-TX-30", p.Header.Get("Authorization"), "Bearer of-the-receiver")
	}
	req.Equal(t, "SSF-TX-17", len(r.take(hrToken, other)), 3)
	if a := r.ask(appToken, "POST", base+"/verify", object{"stream_id": id, "state": "s"}); a.status != http.StatusNoContent {
		t.Fatalf("verify: %d", a.status)
	}
	r.until("it is verified", func() bool { return len(receiver.Taken()) == 3 })
	// Paused, it gets the word of that and nothing else.
	if err := r.hub.shift(t.Context(), id, paused, "for the test", func(*stream) bool { return true }); err != nil {
		t.Fatal(err)
	}
	held := r.act("session-revoked", jane)
	r.until("it is told", func() bool { return len(receiver.Taken()) == 4 })
	got := read(t, receiver.Taken()[3])
	req.Equal(t, "SSF-TX-61", got.event(), "https://schemas.openid.net/secevent/ssf/event-type/stream-updated")
	req.Equal(t, "SSF-TX-52 SSF-TX-53", r.statuses(held)[id], pipeline.Queued)
	r.status(appToken, id, "enabled")
	r.until("what was held goes out", func() bool { return r.statuses(held)[id] == pipeline.Acked })
	// To polling: what waits moves.
	receiver.Answer(func(pipelinetest.Pushed) pipelinetest.Answer { return pipelinetest.Answer{Status: 503} })
	moved := r.act("session-revoked", joe)
	if a := r.ask(appToken, "PATCH", base+"/streams", object{"stream_id": id, "delivery": object{"method": "urn:ietf:rfc:8936"}}); a.status != http.StatusOK {
		t.Fatalf("to polling: %d", a.status)
	}
	r.until("it is polled", func() bool { r.take(appToken, id); return r.statuses(moved)[id] == pipeline.Acked })
}

// TestPushStands: a push stream that is paused or disabled gets nothing, while
// another, that has the same to be told, gets it all.
func TestPushStands(t *testing.T) {
	still, witness := pipelinetest.NewPushReceiver(t), pipelinetest.NewPushReceiver(t)
	r := serve(t, nil, two())
	id := r.create(appToken, pushing(still.URL, revoked))
	r.create(appToken, pushing(witness.URL, revoked))
	for i, status := range []string{paused, disabled} {
		r.status(appToken, id, status)
		for range 3 {
			r.act("session-revoked", email(t, "jane@example.com"))
		}
		r.until("the other has it all", func() bool { return len(witness.Taken()) == 3*(i+1) })
		req.Equal(t, "SSF-TX-52", len(still.Pushes()), 0)
	}
	r.until("nothing is held for it", func() bool { n, _ := r.line.Pending(pipeline.StreamQueue("signals", id)); return n == 0 })
	r.status(appToken, id, enabled)
	last := r.act("session-revoked", email(t, "jane@example.com"))
	r.until("it is told again", func() bool { return r.statuses(last)[id] == pipeline.Acked })
	req.Equal(t, "SSF-TX-55 SSF-TX-51", len(still.Pushes()), 1)
}

// TestNotRunning: while it does not run, a receiver is asked to come again, and
// the product knows that it is not ready.
func TestNotRunning(t *testing.T) {
	r := serve(t, nil, two())
	id := r.create(appToken, polling(revoked))
	r.stop()
	if r.hub.Ready() {
		t.Error("it is ready and does not run")
	}
	if a := r.ask(appToken, "POST", base+"/poll/"+id, object{}); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a poll while it does not run: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
}
