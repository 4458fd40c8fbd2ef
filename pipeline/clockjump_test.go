package pipeline_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// What is promised when the clock jumps while the product runs, by any amount
// below journal.keep and seen_for:
//
//   - Nothing panics, and nothing acknowledged is lost.
//   - A token seen before the jump is a repeat after it; no action is made or
//     handed over twice because of a jump.
//   - A timer fires once: at once if the jump passed its time, else when the new
//     clock reaches it.
//   - An action whose time the jump passed expires, and says so. Put back, it is
//     good for that much longer.
//   - A clock put back delays retries by no more than the jump, and not at all
//     where the operating system has a monotonic clock beside the one that
//     jumped.
//   - What guards counted stays counted within its window. What lies further
//     ahead than the window was counted by a wrong clock and counts no more, for
//     limits as for merging: an action too many is better than one too few.
//
// The time of an event is its issuer's, but never later than we received it. So
// after a jump back an event about a subject of which we learnt something within
// the jump seems to come late: its action is held for a person, not dropped.
//
// A token whose iat lies ahead of a clock put back is refused until the clock is
// right (SET-26) and leaves no mark; TestClockBackRefusesNothingForGood of
// package app shows that.

// jumping runs a test of loops on a clock that can be set, without what the
// monotonic clock would put right.
func jumping(t *testing.T, test func(t *testing.T, r *rig, jump func(time.Duration)), change ...func(*rig)) {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
	onTime(t, func(t *testing.T, r *rig) {
		test(t, r, func(d time.Duration) { ahead.Add(int64(d)) })
	}, append([]func(*rig){func(r *rig) {
		r.now, r.options.Now = now, now
		r.store = store.NewMemory(store.Options{Now: now, SeenFor: 72 * time.Hour, Keep: 72 * time.Hour}, store.Faults{})
		r.options.Store = r.store
	}}, change...)...)
}

// told is a message about somebody's sessions by the right clock.
func (r *rig) told(jti, subject string) pipeline.Message {
	return r.message(pipelinetest.Claims{Issuer: idp, JTI: jti, Subject: subject, At: time.Now(), Events: map[string]any{"session-revoked": nil}})
}

var jumps = map[string][]time.Duration{
	"a day ahead":      {24 * time.Hour},
	"an hour back":     {-time.Hour},
	"ahead and back":   {24 * time.Hour, -24 * time.Hour},
	"back, then ahead": {-time.Hour, time.Hour},
}

func eachJump(t *testing.T, test func(t *testing.T, r *rig, jump func()), change ...func(*rig)) {
	for name, list := range jumps {
		t.Run(name, func(t *testing.T) {
			jumping(t, func(t *testing.T, r *rig, by func(time.Duration)) {
				left := list
				test(t, r, func() {
					for _, d := range left {
						by(d)
						within(2 * time.Minute) // the loops look around
					}
					left = nil
				})
			}, change...)
		})
	}
}

// once fails the test when an action was handed over more than once or is not
// among the wanted.
func once(t *testing.T, sink *pipelinetest.Signing, want int) {
	t.Helper()
	met := map[string]bool{}
	for _, d := range sink.Taken() {
		if met[d.ID] {
			t.Errorf("%s was handed over twice", d.ID)
		}
		met[d.ID] = true
	}
	if len(met) != want {
		t.Errorf("%d actions were handed over, want %d", len(met), want)
	}
	faultless(t, sink)
}

func TestClockJumpsRepeat(t *testing.T) {
	eachJump(t, func(t *testing.T, r *rig, jump func()) {
		sink := new(pipelinetest.Signing)
		defer r.deliver("app", sink)()
		m := r.told("1", jane)
		r.accept(m)
		within(time.Minute)
		jump()
		if got := r.handle(m)[0].Verdict; got != pipeline.Repeated {
			t.Errorf("after the jump the token is %v", got)
		}
		r.accept(r.told("2", joe))
		within(2 * time.Hour)
		once(t, sink, 2)
	})
}

// TestClockJumpsSeen: the same on disk, where marks lie by the time they were
// made, and across the sweep.
func TestClockJumpsSeen(t *testing.T) {
	for name, list := range jumps {
		t.Run(name, func(t *testing.T) {
			c := &clock{at: morning}
			s, err := store.Open(t.TempDir(), store.Options{Now: c.now, SeenFor: 72 * time.Hour, Keep: 72 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			r := newRig(t, s, func(r *rig) { r.clock, r.now, r.options.Now = c, c.now, c.now })
			m := r.revoked("1", jane)
			r.accept(m)
			for _, d := range list {
				c.pass(d)
				if err := s.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := r.handle(m)[0].Verdict; got != pipeline.Repeated {
					t.Errorf("after %s the token is %v", d, got)
				}
				r.accept(r.revoked("after"+d.String(), jane))
			}
			if n := len(r.records()); n != 1+len(list) {
				t.Errorf("%d records", n)
			}
		})
	}
}

func TestClockJumpsTimer(t *testing.T) {
	eachJump(t, func(t *testing.T, r *rig, jump func()) {
		sink := new(pipelinetest.Signing)
		defer r.timers()()
		defer r.deliver("app", sink)()
		due := r.now().Add(30 * time.Minute)
		r.accept(r.told("1", jane))
		within(time.Minute)
		jump()
		if passed := len(r.fired()) > 0; !passed && r.now().After(due.Add(time.Minute)) {
			t.Error("the jump passed the timer and it did not fire")
		}
		within(2 * time.Hour)
		if n := len(r.fired()); n != 1 {
			t.Errorf("the timer fired %d times", n)
		}
		once(t, sink, 1)
	}, orders(later(30*time.Minute)))
}

func TestClockJumpsExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		jump time.Duration
		want pipeline.Status
	}{
		"a day ahead":  {24 * time.Hour, pipeline.Expired},
		"an hour back": {-time.Hour, pipeline.Acked},
	} {
		t.Run(name, func(t *testing.T) {
			jumping(t, func(t *testing.T, r *rig, jump func(time.Duration)) {
				var up atomic.Bool
				sink := new(pipelinetest.Signing)
				sink.Answer = func(pipeline.Delivery) pipeline.Result {
					if !up.Load() {
						return pipeline.Result{Err: errors.New("503")}
					}
					return pipeline.Result{}
				}
				defer r.deliver("app", sink)()
				r.accept(r.told("1", jane))
				within(10 * time.Minute)
				jump(c.jump)
				within(5 * time.Minute)
				up.Store(true)
				within(2 * time.Hour)
				all := r.actions()
				if got := all[len(all)-1].Status; got != c.want || r.pending("app") != 0 {
					t.Errorf("the action is %s, %d wait", got, r.pending("app"))
				}
				r.accept(r.told("2", joe))
				within(2 * time.Hour)
				want := 1
				if c.want == pipeline.Acked {
					want = 2
				}
				once(t, sink, want)
			}, action(func(a *pipeline.ActionType) { a.ValidFor = 6 * time.Hour }))
		})
	}
}

func TestClockJumpsGuards(t *testing.T) {
	const window = 30 * time.Minute
	limited := asks(func(p *pipeline.Proposal) { p.Limit = pipeline.Limit{Actions: 1, Per: window} })
	// Whoever the event is about, the action is about the same user.
	merging := together(
		action(func(a *pipeline.ActionType) { a.Merge = window }),
		asks(func(p *pipeline.Proposal) { p.Subject = map[string]any{"format": "email", "email": "ann@example.com"} }),
	)
	for name, c := range map[string]struct {
		change          func(*rig)
		jump            time.Duration
		without, second pipeline.Status
	}{
		"limit, a day ahead":    {limited, 24 * time.Hour, pipeline.PendingApproval, pipeline.Queued},
		"limit, an hour back":   {limited, -time.Hour, pipeline.PendingApproval, pipeline.Queued},
		"limit, a little back":  {limited, -10 * time.Minute, pipeline.PendingApproval, pipeline.PendingApproval},
		"limit, a little ahead": {limited, 10 * time.Minute, pipeline.PendingApproval, pipeline.PendingApproval},
		"merge, a day ahead":    {merging, 24 * time.Hour, pipeline.Merged, pipeline.Queued},
		"merge, an hour back":   {merging, -time.Hour, pipeline.Merged, pipeline.Queued},
		"merge, a little ahead": {merging, 10 * time.Minute, pipeline.Merged, pipeline.Merged},
	} {
		t.Run(name, func(t *testing.T) {
			jumping(t, func(t *testing.T, r *rig, jump func(time.Duration)) {
				r.accept(r.told("1", "email:a@example.com"))
				if got := r.accept(r.told("2", "email:b@example.com")).Actions[0].Status; got != c.without {
					t.Errorf("without a jump the second is %s, want %s", got, c.without)
				}
				jump(c.jump)
				if got := r.accept(r.told("3", "email:c@example.com")).Actions[0]; got.Status != c.second {
					t.Errorf("after the jump the next is %s by %s (%s), want %s", got.Status, got.Guard, got.Why, c.second)
				}
			}, c.change)
		})
	}
}

func TestClockJumpsLate(t *testing.T) {
	jumping(t, func(t *testing.T, r *rig, jump func(time.Duration)) {
		r.accept(r.told("1", jane))
		jump(-time.Hour)
		within(time.Minute)
		if a := r.accept(r.told("2", jane)).Actions[0]; a.Status != pipeline.Held || a.Guard != "late" {
			t.Errorf("within the jump: %s by %s", a.Status, a.Guard)
		}
		within(time.Hour)
		if a := r.accept(r.told("3", jane)).Actions[0]; a.Status != pipeline.Queued {
			t.Errorf("after it: %s by %s", a.Status, a.Guard)
		}
	})
}
