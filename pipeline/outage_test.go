package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestReceiverDownForHours: while a receiver is away its queue is bounded, what
// is too old expires and is told of, the journal's start moves on, and another
// receiver notices nothing. When it is back it gets what is still good, in order
// and as the bytes that were made before.
func TestReceiverDownForHours(t *testing.T) {
	const most, validFor, away = 20, 3 * time.Hour, 8 * time.Hour
	onTime(t, func(t *testing.T, r *rig) {
		var up atomic.Bool
		app, other := new(pipelinetest.Signing), new(pipelinetest.Signing)
		app.Answer = func(pipeline.Delivery) pipeline.Result {
			if !up.Load() {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		defer r.timers()()
		stopApp, stopOther := r.deliver("app", app), r.deliver("other", other)
		index := new(pipelinetest.Outlet)
		stopIndex := r.index("soc", render, index)

		var states []pipeline.Action // of all records, those removed since too
		last := uint64(0)
		gather := func() {
			t.Helper()
			err := r.store.Journal(t.Context(), last, func(seq uint64, data []byte) bool {
				if seq != last+1 {
					t.Errorf("records %d to %d were removed before the index had them", last+1, seq-1)
				}
				last = seq
				states = append(states, decode(t, data).Actions...)
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for began := time.Now(); time.Since(began) < away; n += 2 {
			r.handle(r.revoked(number("jane", n), jane))
			r.handle(r.revoked(number("joe", n), joe))
			within(10 * time.Minute)
			if p := r.pending("app"); p > most {
				t.Fatalf("%d actions wait for app", p)
			}
			if p := r.pending("other"); p > 0 {
				t.Fatalf("%d actions wait for other", p)
			}
			gather()
			if err := r.store.(*store.Memory).Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(other.Taken()); got != n {
			t.Errorf("other has %d of %d", got, n)
		}
		if first := r.store.Usage().First; first == 1 {
			t.Error("the journal's start did not move")
		}
		if len(app.Taken()) > 0 {
			t.Errorf("app took %d while it was away", len(app.Taken()))
		}
		before := payloads(app.Tries())
		up.Store(true)
		within(time.Hour)
		gather()
		stopApp()
		stopOther()
		stopIndex()

		// What became of each action at app, and in which order they were made.
		ends, guards := map[string]pipeline.Status{}, map[string]string{}
		made := map[string][]string{}
		for _, a := range states {
			if a.Target != "app" {
				continue
			}
			if _, known := ends[a.ID]; !known {
				made[a.Key] = append(made[a.Key], a.ID+"/0")
				guards[a.ID] = a.Guard
			}
			ends[a.ID] = a.Status
		}
		if len(ends) != n {
			t.Errorf("the journal tells of %d actions of %d", len(ends), n)
		}
		count := map[pipeline.Status]int{}
		late := 0 // had been in the queue
		for id, s := range ends {
			count[s]++
			if s == pipeline.Expired && guards[id] == "" {
				late++
			}
			// What was held while the queue was full ends when a later one of the same was
			// sent, and nothing else does.
			if (s == pipeline.Held || s == pipeline.Superseded) && guards[id] != "backlog" {
				t.Errorf("%s is held by %q", id, guards[id])
			}
		}
		sent := app.Taken()
		if count[pipeline.Acked] != len(sent) || count[pipeline.Acked] == 0 || late == 0 || count[pipeline.Acked]+count[pipeline.Expired]+count[pipeline.Held]+count[pipeline.Superseded] != n {
			t.Errorf("%v, %d expired in the queue, %d sent, of %d", count, late, len(sent), n)
		}
		for key, want := range made {
			var got []string
			for _, d := range sent {
				if d.Key == key {
					got = append(got, d.ID)
				}
			}
			want = slices.DeleteFunc(want, func(id string) bool { return !slices.Contains(got, id) })
			equal(t, "order of "+key, got, want)
		}
		same := 0
		for _, d := range sent {
			if slices.Contains(before, string(d.Payload)) {
				same++
			}
		}
		if same == 0 {
			t.Error("nothing that was tried while it was away was sent as the same bytes")
		}
		if r.pending("app") != 0 {
			t.Errorf("%d still wait", r.pending("app"))
		}
		faultless(t, app)
		faultless(t, other)
	}, together(
		action(func(a *pipeline.ActionType) { a.ValidFor, a.Emits[0].To = validFor, []string{"app", "other"} }),
		func(r *rig) {
			r.store = store.NewMemory(store.Options{Keep: time.Hour}, store.Faults{})
			r.options.Store, r.options.MaxPending = r.store, most
		},
	))
}

// TestIndexDownStopsIntake: when what no index has taken fills the journal,
// messages are answered "not now" and leave nothing behind; what was decided
// goes out all the same; and when the index is back everything goes on.
func TestIndexDownStopsIntake(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var up atomic.Bool
		index := &pipelinetest.Outlet{Batch: func(context.Context, []pipeline.Delivery) error {
			if !up.Load() {
				return errDown
			}
			return nil
		}}
		defer r.index("soc", render, index)()
		within(time.Second)
		var refused pipeline.Message
		taken := 0
		for ; ; taken++ {
			m := r.revoked(number("t", taken), number("opaque:u", taken))
			_, err := r.Handle(t.Context(), []pipeline.Message{m})
			if busy := (*pipeline.BusyError)(nil); errors.As(err, &busy) {
				if busy.After <= 0 {
					t.Errorf("it is not said when to come again: %+v", busy)
				}
				refused = m
				break
			}
			if err != nil || taken > 1000 {
				t.Fatalf("after %d: %v", taken, err)
			}
		}
		sink := new(pipelinetest.Signing)
		defer r.deliver("app", sink)()
		within(time.Minute)
		if n := len(sink.Taken()); n != taken || taken == 0 || r.pending("app") != 0 {
			t.Errorf("%d of %d actions went out, %d wait", n, taken, r.pending("app"))
		}
		if _, err := r.Handle(t.Context(), []pipeline.Message{refused}); err == nil {
			t.Error("a message was taken while the journal was full")
		}
		stopped := slices.ContainsFunc(r.Budgets(nil), func(b pipeline.Budget) bool { return b.Stops() && b.Percent >= 90 })
		if first := r.store.Usage().First; first != 1 || !stopped {
			t.Errorf("the journal begins at %d, budgets %v", first, r.Budgets(nil))
		}
		up.Store(true)
		within(10 * time.Minute)
		if got := r.handle(refused)[0].Verdict; got != pipeline.Accepted {
			t.Errorf("with the index back: %v", got)
		}
		within(time.Minute)
		once(t, sink, taken+1)
		faultless(t, index)
	}, func(r *rig) {
		r.store = store.NewMemory(store.Options{MaxJournal: 100_000}, store.Faults{})
		r.options.Store = r.store
	})
}
