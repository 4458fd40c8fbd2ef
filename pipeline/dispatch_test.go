package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

var (
	errDown = errors.New("503 come again")
	errNo   = &pipeline.FinalError{Code: "access_denied", Err: errors.New("unknown stream")}
)

// onTime runs a test of loops on a clock of its own that all of it follows.
func onTime(t *testing.T, test func(t *testing.T, r *rig), change ...func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil, append([]func(*rig){func(r *rig) {
			r.clock = nil
			r.store = store.NewMemory(store.Options{}, store.Faults{})
			r.options.Store, r.options.Now = r.store, nil
			r.now = time.Now
		}}, change...)...)
		test(t, r)
		r.mayAll()
	})
}

// conflicts puts a store in where every nth commit must be made again.
func conflicts(n int) func(*rig) {
	return func(r *rig) {
		r.store = store.NewMemory(store.Options{}, store.Faults{ConflictEvery: n})
		r.options.Store = r.store
	}
}

// deliver runs the dispatcher of a sink until stop is called.
func (r *rig) deliver(name string, sink pipeline.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Deliver(ctx, name, sink) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Deliver: %v", err)
		}
	})
}

// within lets time pass until the loops have nothing to do.
func within(d time.Duration) {
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
}

func faultless(t *testing.T, o interface{ Breaches() []string }) {
	t.Helper()
	for _, b := range o.Breaches() {
		t.Error(b)
	}
}

func payloads(list []pipeline.Delivery) []string {
	var got []string
	for _, d := range list {
		got = append(got, string(d.Payload))
	}
	return got
}

// TestDeliver: a token is made once and goes out; the journal tells of it.
func TestDeliver(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		defer r.deliver("app", sink)()
		rec := r.accept(r.revoked("1", jane))
		within(time.Second)
		a := r.actions()[1]
		if a.Status != pipeline.Acked || a.Attempt != 1 || a.JTI != pipeline.TokenID(a.ID, "app") || a.ID != rec.Actions[0].ID {
			t.Errorf("action %+v", a)
		}
		if got := payloads(sink.Taken()); len(got) != 1 || got[0] != a.Token {
			t.Errorf("the sink has %q, the journal %q", got, a.Token)
		}
		if o := sink.Orders(); len(o) != 1 || o[0].Event != "session-revoked" || o[0].Subject.Key() != jane || o[0].Txn == "" || o[0].Chain != rec.Input.ID || o[0].Stream != "app" {
			t.Errorf("orders %+v", o)
		}
		if r.pending("app") != 0 {
			t.Error("it still waits")
		}
		faultless(t, sink)
	})
}

// TestUnprepared: a sink that prepares nothing gets the payload as it is.
func TestUnprepared(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := &pipelinetest.Outlet{Answer: func(d pipeline.Delivery) pipeline.Result {
			if d.Attempt < 3 {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{Info: "202"}
		}}
		defer r.deliver("app", sink)()
		rec := r.accept(r.revoked("1", jane))
		within(time.Minute)
		body := string(rec.Actions[0].Body)
		equal(t, "payloads", payloads(sink.Tries()), []string{body, body, body})
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Failed, pipeline.Failed, pipeline.Acked})
		if a := r.actions()[3]; a.Info != "202" || a.JTI != "" || a.Attempt != 3 {
			t.Errorf("action %+v", a)
		}
	})
}

// TestSameBytes: every try of every action sends what the first one sent, the
// journal holds the token once, and the tries space out.
func TestSameBytes(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var times []time.Time
		sink := new(pipelinetest.Signing)
		sink.Answer = func(d pipeline.Delivery) pipeline.Result {
			times = append(times, time.Now())
			if d.Attempt < 6 {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(10 * time.Minute)
		if n := len(sink.Tries()); n != 6 || len(sink.Orders()) != 1 {
			t.Fatalf("%d tries of %d tokens", n, len(sink.Orders()))
		}
		for i := 1; i < len(times); i++ {
			step := time.Second << (i - 1)
			if wait := times[i].Sub(times[i-1]); wait < step/2 || wait > 2*step {
				t.Errorf("try %d after %s", i+1, wait)
			}
		}
		tokens := 0
		for _, a := range r.actions() {
			if a.Token != "" {
				tokens++
			}
		}
		if tokens != 1 {
			t.Errorf("the token is in %d records", tokens)
		}
		faultless(t, sink)
	})
}

// TestRetryAfter: what the sink asks for is kept to.
func TestRetryAfter(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var times []time.Time
		sink := &pipelinetest.Outlet{Answer: func(d pipeline.Delivery) pipeline.Result {
			times = append(times, time.Now())
			if d.Attempt == 1 {
				return pipeline.Result{Err: errDown, After: time.Hour}
			}
			return pipeline.Result{}
		}}
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(2 * time.Hour)
		if len(times) != 2 || times[1].Sub(times[0]) < time.Hour || times[1].Sub(times[0]) > time.Hour+time.Minute {
			t.Errorf("tries at %v", times)
		}
	})
}

// TestOrderPerKey: while the first action of a subject cannot be handed over
// none of its later ones goes, and other subjects are not held up.
func TestOrderPerKey(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		up := false
		sink := new(pipelinetest.Signing)
		sink.Answer = func(d pipeline.Delivery) pipeline.Result {
			mu.Lock()
			defer mu.Unlock()
			if d.Key == jane && !up {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", sink)()
		for i := range 5 {
			r.handle(r.revoked(number("jane", i), jane), r.revoked(number("joe", i), joe))
		}
		within(time.Minute)
		for _, d := range sink.Taken() {
			if d.Key != joe {
				t.Fatalf("%s was taken", d.Key)
			}
		}
		if n := len(sink.Taken()); n != 5 {
			t.Errorf("%d of Joe were taken", n)
		}
		for _, d := range sink.Tries() {
			if d.Key == jane && d.ID != r.actions()[0].ID+"/0" {
				t.Errorf("%s was tried before the first", d.ID)
			}
		}
		mu.Lock()
		up = true
		mu.Unlock()
		within(10 * time.Minute)
		var want []string
		for _, rec := range r.records() {
			if rec.Kind == pipeline.InputRecord && rec.Actions[0].Key == jane {
				want = append(want, rec.Actions[0].ID+"/0")
			}
		}
		var got []string
		for _, d := range sink.Taken() {
			if d.Key == jane {
				got = append(got, d.ID)
			}
		}
		equal(t, "order", got, want)
		faultless(t, sink)
	})
}

// TestFinalError: what is refused for good is dead and gives way to the next.
func TestFinalError(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		sink.Answer = func(d pipeline.Delivery) pipeline.Result {
			if d.ID == r.actions()[0].ID+"/0" {
				return pipeline.Result{Err: errNo, Info: "400"}
			}
			return pipeline.Result{}
		}
		r.accept(r.revoked("1", jane))
		r.accept(r.revoked("2", jane))
		defer r.deliver("app", sink)()
		within(time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued, pipeline.Dead, pipeline.Acked})
		if a := r.actions()[2]; !strings.Contains(a.Why, "access_denied") || a.Info != "400" || a.Attempt != 1 {
			t.Errorf("action %+v", a)
		}
		if r.pending("app") != 0 {
			t.Error("something waits")
		}
	})
}

// TestPrepareFails: a sink that cannot make the bytes now is asked again, one
// that never can makes the action dead.
func TestPrepareFails(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var open atomic.Bool
		sink := new(pipelinetest.Signing)
		sink.Refuse = func(o pipeline.Order) error {
			switch {
			case o.Subject.Key() == joe:
				return errNo
			case !open.Load():
				return errors.New("signer is locked")
			}
			return nil
		}
		r.handle(r.revoked("1", jane), r.revoked("2", joe))
		defer r.deliver("app", sink)()
		within(3 * time.Second)
		if got := r.statuses(); !slices.Contains(got, pipeline.Dead) || !slices.Contains(got, pipeline.Failed) || len(sink.Tries()) != 0 {
			t.Fatalf("%v", got)
		}
		open.Store(true)
		within(time.Minute)
		last := r.actions()[len(r.actions())-1]
		if last.Status != pipeline.Acked || last.Key != jane || last.Token == "" || len(sink.Taken()) != 1 {
			t.Errorf("action %+v", last)
		}
	})
}

// TestRestingSink: a sink that takes nothing is asked ever less often, and gets
// everything once it is back.
func TestRestingSink(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		calls, up := 0, false
		sink := new(pipelinetest.Signing)
		sink.Batch = func(context.Context, []pipeline.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			if !up {
				return errDown
			}
			return nil
		}
		const n = 200
		for i := range n {
			r.handle(r.revoked(number("t", i), fmt.Sprintf("email:u%d@example.com", i)))
		}
		defer r.deliver("app", sink)()
		within(time.Hour)
		mu.Lock()
		if calls > 4*90 {
			t.Errorf("%d calls in an hour", calls)
		}
		up = true
		mu.Unlock()
		within(10 * time.Minute)
		if got := len(sink.Taken()); got != n {
			t.Errorf("%d of %d were taken", got, n)
		}
		faultless(t, sink)
	})
}

// TestStopSwitch: nothing is handed over while it is on; what was queued before
// goes out after, what was held meanwhile stays held. A restart changes nothing.
func TestStopSwitch(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		r.accept(r.revoked("1", jane))
		if err := r.StopActions(t.Context(), "kim", "drill"); err != nil {
			t.Fatal(err)
		}
		sink := new(pipelinetest.Signing)
		stop := r.deliver("app", sink)
		held := r.accept(r.revoked("2", joe))
		within(time.Hour)
		stop()
		r.restart()
		if on, err := r.Stopped(t.Context()); err != nil || !on {
			t.Fatalf("stopped %v, %v", on, err)
		}
		stop = r.deliver("app", sink)
		defer stop()
		within(time.Hour)
		if len(sink.Tries())+len(sink.Orders()) != 0 || held.Actions[0].Status != pipeline.Held {
			t.Errorf("%v tries, action %s", sink.Tries(), held.Actions[0].Status)
		}
		if err := r.ResumeActions(t.Context(), "kim", "over"); err != nil {
			t.Fatal(err)
		}
		within(time.Minute)
		if got := sink.Taken(); len(got) != 1 || got[0].Key != jane {
			t.Errorf("taken %v", got)
		}
		var verbs []string
		for _, rec := range r.records() {
			if rec.Kind == pipeline.OperatorRecord {
				verbs = append(verbs, rec.Operator.Verb+" by "+rec.Operator.By)
			}
		}
		equal(t, "operator records", verbs, []string{"stop-actions by kim", "resume-actions by kim"})
	})
}

// TestParts: the parts of an action go to their sinks with tokens of their own,
// in order where they go to the same one.
func TestParts(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		app, mail := new(pipelinetest.Signing), new(pipelinetest.Signing)
		defer r.deliver("app", app)()
		defer r.deliver("mail", mail)()
		rec := r.accept(r.revoked("1", jane))
		within(time.Minute)
		id := rec.Actions[0].ID
		var got []string
		jtis := map[string]bool{}
		for _, d := range app.Taken() {
			got = append(got, d.ID)
		}
		for _, o := range append(app.Orders(), mail.Orders()...) {
			jtis[pipeline.TokenID(o.ActionID, o.Stream)] = true
		}
		equal(t, "app", got, []string{id + "/0", id + "/2"})
		if len(mail.Taken()) != 1 || len(jtis) != 3 {
			t.Errorf("mail has %v, %d token ids", mail.Taken(), len(jtis))
		}
		if app.Orders()[1].Event != "account-disabled" {
			t.Errorf("order %+v", app.Orders()[1])
		}
	}, action(func(a *pipeline.ActionType) {
		a.Emits = []pipeline.Emit{
			{Event: "session-revoked", To: []string{"app", "mail"}, Body: payload},
			{Event: "account-credential-change-required", Body: payload}, // to nobody
			{Event: "account-disabled", To: []string{"app"}, Body: payload},
		}
	}))
}

// TestDeliverUnderConflicts: commits that must be made again lose and double
// nothing.
func TestDeliverUnderConflicts(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		sink.Answer = func(d pipeline.Delivery) pipeline.Result {
			if d.Attempt == 1 {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", sink)()
		for i := range 30 {
			r.handle(r.revoked(number("t", i), fmt.Sprintf("email:u%d@example.com", i%7)))
		}
		within(time.Hour)
		if n := len(sink.Taken()); n != 30 || len(sink.Orders()) != 30 || r.pending("app") != 0 {
			t.Errorf("%d taken of %d made, %d wait", n, len(sink.Orders()), r.pending("app"))
		}
		tokens := 0
		for _, a := range r.actions() {
			if a.Token != "" {
				tokens++
			}
		}
		if tokens != 30 {
			t.Errorf("%d tokens in the journal", tokens)
		}
		faultless(t, sink)
	}, conflicts(2))
}

// TestLives: over a day with everything in it, with sinks that fail in every
// way, each action lives as the table of statuses says.
func TestLives(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		batches := busyDay(r)
		app := new(pipelinetest.Signing)
		app.Answer = func(d pipeline.Delivery) pipeline.Result {
			switch {
			case d.Key == joe:
				return pipeline.Result{Err: errDown}
			case strings.HasSuffix(d.Key, "mia@example.com"):
				return pipeline.Result{Err: errNo}
			case d.Attempt < 3:
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		mail := &pipelinetest.Outlet{Batch: func(context.Context, []pipeline.Delivery) error { return errDown }}
		defer r.deliver("app", app)()
		defer r.deliver("mail", mail)()
		defer r.timers()()
		for _, batch := range batches {
			r.handle(batch...)
			within(time.Second)
		}
		within(2 * time.Hour)
		r.accept(r.revoked("mia", "email:mia@example.com"))
		within(48 * time.Hour)
		met := r.mayAll()
		for _, s := range []pipeline.Status{
			pipeline.Held, pipeline.PendingApproval, pipeline.Merged, pipeline.Queued,
			pipeline.Failed, pipeline.Acked, pipeline.Dead, pipeline.Expired,
		} {
			if !met[s] {
				t.Errorf("no action was ever %s", s)
			}
		}
		faultless(t, app)
		faultless(t, mail)
		if r.pending("app")+r.pending("mail") != 0 {
			t.Error("something waits still")
		}
	})
}
