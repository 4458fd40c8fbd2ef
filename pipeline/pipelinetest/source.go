package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Upstream is what a source under test reads from, as TestSource sees it.
type Upstream interface {
	// Offer makes messages available to the source and returns at once. Bodies
	// are distinct single-line texts without white space. Where the protocol
	// lets the sender try again, the upstream does so until a body is settled.
	Offer(bodies ...string)

	// Settled reports whether a body was acknowledged for good. Upstreams that
	// are not told, such as a file, return known false.
	Settled(body string) (settled, known bool)

	// Await waits until a body is settled or ctx ends. It returns at once where
	// the upstream is not told.
	Await(ctx context.Context, body string) error
}

// TestSource checks that a source keeps the contract of pipeline.Source. Make
// returns a fresh source that does not run yet, and its upstream; it registers
// its own clean-up.
func TestSource(t *testing.T, make func(t *testing.T) (pipeline.Source, Upstream)) {
	for name, test := range map[string]func(*testing.T, *sourceRun){
		"Reads":                     readsAll,
		"AcknowledgesAfterHandle":   acknowledgesAfterHandle,
		"OffersAgainAfterError":     offersAgainAfterError,
		"OffersAgainWhenBusy":       offersAgainWhenBusy,
		"OffersAgainWhatWasNotDone": offersAgainWhatWasNotDone,
		"SettlesRejects":            settlesRejects,
		"StopsWhenIdle":             stopsWhenIdle,
		"FinishesBeforeItStops":     finishesBeforeItStops,
		"RunsAgain":                 runsAgain,
	} {
		t.Run(name, func(t *testing.T) {
			src, up := make(t)
			r := &sourceRun{t: t, src: src, up: up, inside: map[string]bool{}}
			test(t, r)
			r.stop()
		})
	}
}

// sourceRun runs a source under supervision and watches how it calls Handle.
type sourceRun struct {
	t   *testing.T
	src pipeline.Source
	up  Upstream

	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	inside map[string]bool // bodies in a Handle that has not returned
	calls  int             // Handles that have not returned
}

// start runs the source with h until stop. A fault is followed by another Run,
// as a supervisor would.
func (r *sourceRun) start(h pipeline.HandlerFunc) {
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	r.cancel, r.ended = cancel, ended
	go func() {
		for {
			err := r.src.Run(ctx, r.watch(h))
			if ctx.Err() != nil || err == nil {
				ended <- err
				return
			}
		}
	}()
}

// watch checks each call on its way to h.
func (r *sourceRun) watch(h pipeline.HandlerFunc) pipeline.Handler {
	return pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		r.enter(msgs)
		defer r.leave(msgs)
		return h(ctx, msgs)
	})
}

func (r *sourceRun) enter(msgs []pipeline.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if len(msgs) == 0 {
		r.t.Error("Handle was called without messages")
	}
	for _, m := range msgs {
		if r.inside[string(m.Body)] {
			r.t.Errorf("%s was offered while it was still being handled", m.Body)
		}
		r.inside[string(m.Body)] = true
		if m.Source == "" || m.ContentType == "" || m.Received.IsZero() {
			r.t.Errorf("%s came without source, content type or time of receipt: %+v", m.Body, m)
		}
		if settled, known := r.up.Settled(string(m.Body)); known && settled {
			r.t.Errorf("%s was settled before it was handled", m.Body)
		}
	}
}

func (r *sourceRun) leave(msgs []pipeline.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls--
	for _, m := range msgs {
		delete(r.inside, string(m.Body))
	}
}

// stop ends the run and checks that nothing is left of it.
func (r *sourceRun) stop() {
	r.t.Helper()
	if r.ended == nil {
		return
	}
	r.cancel()
	ended := r.ended
	r.ended = nil
	select {
	case err := <-ended:
		if err != nil {
			r.t.Errorf("Run returned %v after its context ended, want nil", err)
		}
	case <-time.After(Patience):
		r.t.Fatal("Run did not return after its context ended")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls != 0 {
		r.t.Errorf("Run returned while %d calls of Handle were under way", r.calls)
	}
}

// await fails the test unless all bodies get settled.
func (r *sourceRun) await(bodies ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), Patience)
	defer cancel()
	for _, b := range bodies {
		if err := r.up.Await(ctx, b); err != nil {
			r.t.Fatalf("%s was not settled: %v", b, err)
		}
	}
}

func bodies(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("body-%04d", i)
	}
	return list
}

func readsAll(t *testing.T, r *sourceRun) {
	want := bodies(450)
	rec := NewRecorder()
	r.start(rec.Handle)
	r.up.Offer(want...)
	rec.Await(t, want...)
	r.await(want...)
}

func acknowledgesAfterHandle(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	r.start(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		receipts, err := rec.Handle(ctx, msgs)
		for _, m := range msgs { // the last moment before it returns
			if settled, known := r.up.Settled(string(m.Body)); known && settled {
				t.Errorf("%s was settled before Handle returned", m.Body)
			}
		}
		return receipts, err
	})
	r.up.Offer(bodies(20)...)
	rec.Await(t, bodies(20)...)
	r.await(bodies(20)...)
}

// failing returns a handler that fails with err the first n times and records
// after that.
func failing(rec *Recorder, n int, err error) pipeline.HandlerFunc {
	var mu sync.Mutex
	return func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 {
			n--
			return nil, err
		}
		return rec.Handle(ctx, msgs)
	}
}

func offersAgainAfterError(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	r.start(failing(rec, 3, errors.New("out of order")))
	r.up.Offer(bodies(10)...)
	rec.Await(t, bodies(10)...)
	r.await(bodies(10)...)
}

func offersAgainWhenBusy(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	r.start(failing(rec, 3, &pipeline.BusyError{Reason: "journal is full", After: time.Millisecond}))
	r.up.Offer(bodies(10)...)
	rec.Await(t, bodies(10)...)
	r.await(bodies(10)...)
}

func offersAgainWhatWasNotDone(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	var mu sync.Mutex
	tried := map[string]bool{}
	r.start(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		mu.Lock()
		defer mu.Unlock()
		receipts := make([]pipeline.Receipt, len(msgs))
		for i, m := range msgs {
			body := string(m.Body)
			if body == "body-0003" && !tried[body] {
				tried[body] = true
				receipts[i].Retry = errors.New("keys out of reach")
				continue
			}
			one, err := rec.Handle(ctx, msgs[i:i+1])
			if err != nil {
				return nil, err
			}
			receipts[i] = one[0]
		}
		return receipts, nil
	})
	r.up.Offer(bodies(6)...)
	rec.Await(t, bodies(6)...)
	r.await(bodies(6)...)
}

func settlesRejects(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	rec.Reject("body-0002", &pipeline.RejectError{Code: pipeline.InvalidIssuer, Description: "unknown issuer"})
	r.start(rec.Handle)
	r.up.Offer(bodies(5)...)
	rec.Await(t, bodies(5)...)
	r.await(bodies(5)...)
	if n := rec.Times("body-0002"); n != 1 {
		t.Errorf("a rejected message was offered %d times, want once", n)
	}
}

func stopsWhenIdle(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	r.start(rec.Handle)
	r.up.Offer("body-0000")
	rec.Await(t, "body-0000")
	r.stop()
}

func finishesBeforeItStops(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.start(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		once.Do(func() { close(entered) })
		<-release
		return rec.Handle(context.WithoutCancel(ctx), msgs)
	})
	r.up.Offer("body-0000")
	select {
	case <-entered:
	case <-time.After(Patience):
		t.Fatal("the message was not handled")
	}
	r.cancel()
	// Run has a moment to return too early; one that keeps the contract cannot.
	var released atomic.Bool
	time.AfterFunc(50*time.Millisecond, func() {
		released.Store(true)
		close(release)
	})
	r.stop()
	if !released.Load() {
		t.Error("Run returned while Handle was under way")
	}
	rec.Await(t, "body-0000")
}

func runsAgain(t *testing.T, r *sourceRun) {
	rec := NewRecorder()
	r.start(rec.Handle)
	r.up.Offer("body-0000")
	rec.Await(t, "body-0000")
	r.await("body-0000")
	r.stop()
	r.start(rec.Handle)
	r.up.Offer("body-0001")
	rec.Await(t, "body-0001")
	r.await("body-0001")
}
