package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// render makes one document per record and one per action of it.
func render(seq uint64, r *pipeline.Record) ([]pipeline.Delivery, error) {
	docs := []pipeline.Delivery{{ID: fmt.Sprint(seq), Kind: "record", Payload: r.AppendJSON(nil)}}
	for i, a := range r.Actions {
		docs = append(docs, pipeline.Delivery{ID: fmt.Sprintf("%d/%d", seq, i), Kind: "action", Payload: []byte(a.ID)})
	}
	return docs, nil
}

// index runs an index loop until stop is called.
func (r *rig) index(name string, render pipeline.Renderer, sink pipeline.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Index(ctx, name, render, sink) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Index: %v", err)
		}
	})
}

// indexed fails the test unless the sink has every document of the journal, and
// each of them once, or at least once where repeats are allowed.
func (r *rig) indexed(o *pipelinetest.Outlet, repeats bool) {
	r.t.Helper()
	var want []string
	for i, rec := range r.records() {
		docs, err := render(uint64(i+1), rec)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, d := range docs {
			want = append(want, d.Kind+d.ID)
		}
	}
	var got []string
	for _, d := range o.Taken() {
		got = append(got, d.Kind+d.ID)
	}
	if repeats {
		slices.Sort(want)
		slices.Sort(got)
		got = slices.Compact(got)
	}
	equal(r.t, "documents", got, want)
	faultless(r.t, o) // whether rendered from memory or from the journal
}

func (r *rig) lag(name string) uint64 {
	r.t.Helper()
	n, err := r.Lag(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// TestIndex: an index gets every document of the journal once and in order,
// whether the record is still at hand or is read back, across restarts.
func TestIndex(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Outlet)
		n := 0
		feed := func(count int) {
			for range count {
				n++
				r.handle(r.revoked(number("t", n), jane), r.revoked(number("u", n), joe))
			}
		}
		feed(3)
		if err := r.Note(t.Context(), pipeline.OperatorPart{Verb: "reload", By: "kim"}); err != nil {
			t.Fatal(err)
		}
		if got := r.lag("x"); got != 7 {
			t.Errorf("lag %d before the first run", got)
		}
		stop := r.index("x", render, sink)
		within(time.Second)
		feed(3)
		within(time.Second)
		stop()
		if got := r.lag("x"); got != 0 {
			t.Errorf("lag %d", got)
		}
		r.indexed(sink, false)

		feed(300)
		r.restart() // nothing is at hand any more
		feed(300)
		stop = r.index("x", render, sink)
		within(time.Minute)
		stop()
		r.indexed(sink, false)

		other := new(pipelinetest.Outlet)
		defer r.index("y", render, other)()
		within(time.Minute)
		r.indexed(other, false)
	})
}

// TestIndexOnDisk does the same with a store that is closed in between.
func TestIndexOnDisk(t *testing.T) {
	dir := t.TempDir()
	sink := new(pipelinetest.Outlet)
	var r *rig
	for round := range 3 {
		s, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r = newRig(t, s)
		got := make(chan struct{}, 1)
		sink.Batch = func(context.Context, []pipeline.Delivery) error { got <- struct{}{}; return nil }
		for i := range 5 {
			r.handle(r.revoked(fmt.Sprint(round, i), jane))
		}
		stop := r.index("x", render, sink)
		<-got
		stop()
		if n := r.lag("x"); n != 0 {
			t.Errorf("lag %d", n)
		}
		r.indexed(sink, false)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIndexSinkFails: an index that takes nothing, or only a part, gets
// everything once it does.
func TestIndexSinkFails(t *testing.T) {
	for name, fault := range map[string]func(o *pipelinetest.Outlet, bad *atomic.Bool){
		"whole batch": func(o *pipelinetest.Outlet, bad *atomic.Bool) {
			o.Batch = func(context.Context, []pipeline.Delivery) error {
				if bad.Load() {
					return errDown
				}
				return nil
			}
		},
		"one document": func(o *pipelinetest.Outlet, bad *atomic.Bool) {
			o.Answer = func(d pipeline.Delivery) pipeline.Result {
				if bad.Load() && d.ID == "2" {
					return pipeline.Result{Err: errDown}
				}
				return pipeline.Result{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				var bad atomic.Bool
				bad.Store(true)
				sink := new(pipelinetest.Outlet)
				fault(sink, &bad)
				for i := range 5 {
					r.accept(r.revoked(number("t", i), jane))
				}
				defer r.index("x", render, sink)()
				within(time.Hour)
				if r.lag("x") != 5 || len(sink.Tries()) > 10*200 {
					t.Errorf("lag %d after %d tries", r.lag("x"), len(sink.Tries()))
				}
				bad.Store(false)
				within(10 * time.Minute)
				if r.lag("x") != 0 {
					t.Errorf("lag %d", r.lag("x"))
				}
				r.indexed(sink, true)
			})
		})
	}
}

// TestIndexLeavesOut: what can never be rendered, read or taken is left out,
// and everything else is there.
func TestIndexLeavesOut(t *testing.T) {
	for _, fromMemory := range []bool{true, false} {
		t.Run(fmt.Sprintf("from memory %t", fromMemory), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, store.NewMemory(store.Options{}, store.Faults{}), func(r *rig) { r.options.Now, r.now = nil, time.Now })
				for i := range 5 {
					r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: number("t", i), Subject: jane, Events: map[string]any{"account-enabled": nil}}))
				}
				if err := store.Update(t.Context(), r.store, nil, func(tx store.Tx) error {
					tx.Append(store.Record{Data: []byte(`{"kind":7}`)})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "last", Subject: jane, Events: map[string]any{"account-enabled": nil}}))
				if !fromMemory {
					r.restart()
				}
				sink := &pipelinetest.Outlet{Answer: func(d pipeline.Delivery) pipeline.Result {
					if d.ID == "4" {
						return pipeline.Result{Err: errNo}
					}
					return pipeline.Result{}
				}}
				defer r.index("x", func(seq uint64, rec *pipeline.Record) ([]pipeline.Delivery, error) {
					if seq == 2 {
						return nil, errors.New("no such field")
					}
					return render(seq, rec)
				}, sink)()
				within(time.Minute)
				var got []string
				for _, d := range sink.Taken() {
					got = append(got, d.ID)
				}
				equal(t, "documents", got, []string{"1", "3", "5", "7"})
				if r.lag("x") != 0 {
					t.Errorf("lag %d", r.lag("x"))
				}
			})
		})
	}
}

// TestIndexKeepsJournal: from its first run on, what an index has not taken
// stays in the journal.
func TestIndexKeepsJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMemory(store.Options{Keep: time.Hour}, store.Faults{})
		r := newRig(t, mem, func(r *rig) { r.options.Now, r.now = nil, time.Now })
		var up atomic.Bool
		sink := &pipelinetest.Outlet{Batch: func(context.Context, []pipeline.Delivery) error {
			if !up.Load() {
				return errDown
			}
			return nil
		}}
		defer r.index("x", render, sink)()
		synctest.Wait()
		for i := range 5 {
			r.accept(r.revoked(number("t", i), jane))
		}
		within(24 * time.Hour)
		if err := mem.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		up.Store(true)
		within(10 * time.Minute)
		r.indexed(sink, true)
		if n := len(r.records()); n != 5 {
			t.Errorf("%d records", n)
		}
	})
}

// TestIndexStops: an index that was given documents when its context ended
// remembers that the sink took them.
func TestIndexStops(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := &pipelinetest.Outlet{Batch: func(ctx context.Context, _ []pipeline.Delivery) error {
			<-ctx.Done()
			return nil
		}}
		r.accept(r.revoked("1", jane))
		stop := r.index("x", render, sink)
		within(time.Second)
		stop()
		if r.lag("x") != 0 {
			t.Errorf("lag %d", r.lag("x"))
		}
		r.indexed(sink, false)
	})
}

// TestIndexFailsWithStore: a fault of the store is the caller's to know.
func TestIndexFailsWithStore(t *testing.T) {
	r := newRig(t, nil)
	r.accept(r.revoked("1", jane))
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Index(t.Context(), "x", render, new(pipelinetest.Outlet)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("error %v", err)
	}
}
