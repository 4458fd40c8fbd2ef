package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// timers runs the loop of timers until stop is called.
func (r *rig) timers() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Timers(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Timers: %v", err)
		}
	})
}

// orders makes the rule set a timer for every session-revoked and ask for an
// action when it fires.
func orders(list ...pipeline.TimerOrder) func(*rig) {
	return func(r *rig) {
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			switch in.Event.Type.Name {
			case "session-revoked":
				return pipeline.Decision{Timers: list}, nil
			case "account-enabled":
				return pipeline.Decision{Timers: []pipeline.TimerOrder{{Rule: "test", Name: "later"}}}, nil
			case "timer":
				return pipeline.Decision{Proposals: []pipeline.Proposal{proposal()}}, nil
			}
			return pipeline.Decision{}, nil
		}
	}
}

func later(after time.Duration) pipeline.TimerOrder {
	return pipeline.TimerOrder{Rule: "test", Name: "later", After: after, Data: map[string]any{"n": 1}}
}

// fired returns the records of timers that fired.
func (r *rig) fired() []*pipeline.Record {
	r.t.Helper()
	var list []*pipeline.Record
	for _, rec := range r.records() {
		if rec.Input != nil && rec.Input.Source == "timer" {
			list = append(list, rec)
		}
	}
	return list
}

// TestTimer: a timer fires once, at its time, as an event about the same
// subject with the same root cause, and acts.
func TestTimer(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		cause := r.accept(r.revoked("1", jane))
		due := time.Now().Add(10 * time.Minute)
		within(10*time.Minute - time.Second)
		if n := len(r.fired()); n != 0 {
			t.Fatalf("%d fired too early", n)
		}
		within(time.Hour)
		list := r.fired()
		if len(list) != 1 {
			t.Fatalf("%d fired", len(list))
		}
		in, o := list[0].Input, list[0].Outcomes[0]
		if o.Event.Type != "timer" || !o.Event.Time.Equal(due) || in.Chain != cause.Input.ID || in.Assurance != event.Internal || in.Txn != cause.Input.Txn {
			t.Errorf("input %+v, event %+v", in, o.Event)
		}
		if got, want := string(o.Event.Subject), string(cause.Outcomes[0].Event.Subject); got != want {
			t.Errorf("subject %s, want %s", got, want)
		}
		if body := string(o.Event.Body); !strings.Contains(body, `"name":"later"`) || !strings.Contains(body, `{"n":1}`) {
			t.Errorf("payload %s", body)
		}
		if a := list[0].Actions; len(a) != 1 || a[0].Status != pipeline.Queued || a[0].Chain != cause.Input.ID {
			t.Errorf("actions %+v", a)
		}
	}, orders(later(10*time.Minute)))
}

// TestTimerReplaced: setting it again moves it; there is one per entity, rule
// and name.
func TestTimerReplaced(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		r.accept(r.revoked("1", jane))
		within(6 * time.Minute)
		r.accept(r.revoked("2", jane))
		r.accept(r.revoked("3", joe))
		within(6 * time.Minute)
		if n := len(r.fired()); n != 0 {
			t.Fatalf("%d fired too early", n)
		}
		within(time.Hour)
		if n := len(r.fired()); n != 2 {
			t.Errorf("%d fired, want 2", n)
		}
	}, orders(later(10*time.Minute)))
}

// TestTimerCancelled: a timer that was cancelled does not fire.
func TestTimerCancelled(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		r.accept(r.revoked("1", jane))
		r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "2", Subject: jane, Events: map[string]any{"account-enabled": nil}}))
		within(time.Hour)
		if n := len(r.fired()); n != 0 {
			t.Errorf("%d fired", n)
		}
	}, orders(later(10*time.Minute)))
}

// TestTimerOvertaken: a timer that is cancelled or set anew after it fell due
// and before it fires does not fire at its old time.
func TestTimerOvertaken(t *testing.T) {
	for name, want := range map[string]int{"account-enabled": 0, "session-revoked": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &overtaking{Memory: store.NewMemory(store.Options{}, store.Faults{})}
				r := newRig(t, s, orders(later(10*time.Minute)), func(r *rig) { r.options.Now, r.now = nil, time.Now })
				r.accept(r.revoked("1", jane))
				s.claimed = func() {
					r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "2", Subject: jane, Events: map[string]any{name: nil}}))
				}
				defer r.timers()()
				within(15 * time.Minute)
				if n := len(r.fired()); n != 0 {
					t.Errorf("%d fired at the old time", n)
				}
				within(time.Hour)
				if n := len(r.fired()); n != want {
					t.Errorf("%d fired, want %d", n, want)
				}
			})
		})
	}
}

// overtaking is a store where something happens after timers were claimed.
type overtaking struct {
	*store.Memory
	claimed func()
}

func (s *overtaking) ClaimTimers(ctx context.Context, n int, now time.Time, lease time.Duration) ([]store.Timer, time.Time, error) {
	timers, next, err := s.Memory.ClaimTimers(ctx, n, now, lease)
	if len(timers) > 0 && s.claimed != nil {
		f := s.claimed
		s.claimed = nil
		f()
	}
	return timers, next, err
}

// TestTimerSetsItselfAgain: a rule may keep its timer going, but cannot spin.
func TestTimerSetsItselfAgain(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		r.accept(r.revoked("1", jane))
		within(time.Minute)
		if n := len(r.fired()); n < 50 || n > 60 {
			t.Errorf("%d fired in a minute", n)
		}
	}, func(r *rig) {
		r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
			return pipeline.Decision{Timers: []pipeline.TimerOrder{{Rule: "test", Name: "again", After: time.Nanosecond}}}, nil
		}
	})
}

// TestTimerInThePast: a timer that fell due while the product was down fires
// once at the start.
func TestTimerInThePast(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		r.accept(r.revoked("1", jane))
		within(48 * time.Hour)
		r.restart()
		stop := r.timers()
		within(time.Second)
		stop()
		r.restart()
		defer r.timers()()
		within(time.Hour)
		list := r.fired()
		if len(list) != 1 || !list[0].Outcomes[0].Event.Time.Equal(list[0].At.Add(-48*time.Hour+time.Minute)) {
			t.Errorf("%d fired", len(list))
		}
	}, orders(later(time.Minute)))
}

// TestTimerOnce: a lost answer of the store does not make a timer fire twice.
func TestTimerOnce(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		r.accept(r.revoked("1", jane))
		within(time.Hour)
		if n := len(r.fired()); n != 1 {
			t.Errorf("%d fired", n)
		}
	}, orders(later(time.Minute)), func(r *rig) {
		r.store = store.NewMemory(store.Options{}, store.Faults{LoseCommit: func(n int) error {
			if n == 2 {
				return errors.New("answer lost")
			}
			return nil
		}})
		r.options.Store = r.store
	})
}

// TestTimersGoOn: one timer that does not fire now, and one that never can, do
// not stop the others.
func TestTimersGoOn(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var fail atomic.Bool
		fail.Store(true)
		say := r.rules.Say
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			if in.Event.Type.Name == "timer" && in.Event.Subject.Key() == jane && fail.Load() {
				return pipeline.Decision{}, errors.New("engine broken")
			}
			return say(in)
		}
		if err := store.Update(t.Context(), r.store, nil, func(tx store.Tx) error {
			tx.SetTimer(store.Timer{ID: "u/x\x00test\x00damaged", Due: time.Now(), Data: []byte("{")})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		r.accept(r.revoked("1", jane))
		r.accept(r.revoked("2", joe))
		defer r.timers()()
		within(90 * time.Second)
		if list := r.fired(); len(list) != 1 || list[0].Actions[0].Key != joe {
			t.Errorf("%d fired", len(list))
		}
		fail.Store(false)
		within(time.Hour)
		if n := len(r.fired()); n != 2 {
			t.Errorf("%d fired in the end", n)
		}
		dropped := 0
		for _, rec := range r.records() {
			if rec.Kind == pipeline.OperatorRecord && rec.Operator.Verb == "drop-timer" && rec.Operator.Failed != "" {
				dropped++
			}
		}
		if dropped != 1 {
			t.Errorf("the damaged timer was dropped %d times", dropped)
		}
	}, orders(later(time.Minute)))
}

// TestTimerWithoutSubject: an event about nobody may set one, too.
func TestTimerWithoutSubject(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.timers()()
		r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", Events: map[string]any{"session-revoked": nil}}))
		within(time.Hour)
		if list := r.fired(); len(list) != 1 || list[0].Outcomes[0].Event.Subject != nil {
			t.Errorf("%d fired", len(list))
		}
	}, orders(later(time.Minute)))
}

// TestTimerHasNoMoreRights: what an event may not do its timer may not either,
// nor the timer that its timer sets.
func TestTimerHasNoMoreRights(t *testing.T) {
	chain := func(r *rig) {
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			d := pipeline.Decision{Proposals: []pipeline.Proposal{proposal()}}
			if !strings.Contains(string(in.Event.Body.Raw()), "second") {
				name := "first"
				if in.Event.Type.Name == "timer" {
					name = "second"
				}
				d.Timers = []pipeline.TimerOrder{{Rule: "test", Name: name, After: time.Minute}}
			}
			return d, nil
		}
	}
	for _, c := range []struct {
		name   string
		change func(*rig)
		age    time.Duration
		status pipeline.Status
		guard  string
	}{
		{"remit", remits(func(m *pipeline.Remit) { m.Actions = []string{"notify"} }), 0, pipeline.Suppressed, "remit"},
		{"stale", remits(func(m *pipeline.Remit) { m.MaxAge = time.Hour }), 2 * time.Hour, pipeline.Held, "stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				defer r.timers()()
				r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", At: time.Now().Add(-c.age), Subject: jane, Events: map[string]any{"session-revoked": nil}}))
				within(time.Hour)
				list := r.actions()
				if len(list) != 3 {
					t.Fatalf("%d actions", len(list))
				}
				for _, a := range list {
					if a.Status != c.status || a.Guard != c.guard {
						t.Errorf("%s by %s of %s", a.Status, a.Guard, a.Event)
					}
				}
			}, chain, c.change)
		})
	}
}
