package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// keys counts the stored keys with a prefix.
func keys(t *testing.T, s store.Store, prefix string) (n int) {
	t.Helper()
	if err := s.Scan(t.Context(), prefix, func(string, []byte) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExpire: marks and counters go when their time is over and not before, and
// going changes no decision.
func TestExpire(t *testing.T) {
	stores(t, func(t *testing.T, s store.Store) {
		r := newRig(t, s, action(func(a *pipeline.ActionType) { a.Merge = 10 * time.Minute }), func(r *rig) {
			r.settings.Limit = pipeline.Limit{Actions: 5000, Per: time.Hour}
			r.rules.On = func(*event.Event) pipeline.Selection {
				return pipeline.Selection{Rules: []string{"test"}, Windows: []pipeline.Window{
					{Rule: "test", Name: "seen", Key: "user", Over: time.Hour, Count: "events"},
				}}
			}
			r.rules.Say = says(proposal())
		})
		const users = 1200 // more than are removed at once
		for i := 0; i < users; i += 100 {
			var batch []pipeline.Message
			for j := range 100 {
				batch = append(batch, r.revoked(number("t", i+j), fmt.Sprintf("email:u%d@example.com", i+j)))
			}
			r.handle(batch...)
		}
		count := func() [4]int {
			return [4]int{keys(t, s, "~m/"), keys(t, s, "~h/"), keys(t, s, "~r/"), keys(t, s, "w/")}
		}
		expire := func(want int, left [4]int) {
			t.Helper()
			n, err := r.Expire(t.Context())
			if got := count(); err != nil || n != want || got != left {
				t.Errorf("%d removed, %v left, error %v; want %d and %v", n, got, err, want, left)
			}
		}
		expire(0, [4]int{users, users, 1, users})
		r.clock.pass(9 * time.Minute)
		if a := r.accept(r.revoked("merged", "email:u1@example.com")).Actions[0]; a.Status != pipeline.Merged {
			t.Errorf("action %s", a.Status)
		}
		r.clock.pass(time.Minute)
		expire(users, [4]int{0, users, 1, users})
		r.clock.pass(61 * time.Minute)
		expire(users, [4]int{0, users, 1, 0})
		r.clock.pass(24 * time.Hour)
		expire(users, [4]int{0, 0, 1, 0})
		r.clock.pass(31 * 24 * time.Hour)
		expire(1, [4]int{})
		if a := r.accept(r.revoked("again", "email:u1@example.com")).Actions[0]; a.Status != pipeline.Queued {
			t.Errorf("action %s", a.Status)
		}
	})
}

// TestHousekeeping: it comes by itself, every hour, and goes with its context.
func TestHousekeeping(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Housekeeping(ctx) }()
		r.accept(r.revoked("1", jane))
		within(30 * time.Minute)
		if n := keys(t, r.store, "~m/"); n != 1 {
			t.Errorf("%d marks after half an hour", n)
		}
		within(31 * time.Minute)
		if n := keys(t, r.store, "~m/"); n != 0 {
			t.Errorf("%d marks after an hour", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}, action(func(a *pipeline.ActionType) { a.Merge = 10 * time.Minute }))
}
