package pipelinetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Recorder is a Handler that accepts everything and remembers it. A body seen
// before is repeated; bodies given to Reject are rejected. Safe for concurrent
// use.
type Recorder struct {
	mu      sync.Mutex
	msgs    []pipeline.Message
	times   map[string]int
	rejects map[string]*pipeline.RejectError
	changed chan struct{} // closed and replaced at every Handle
}

var _ pipeline.Handler = (*Recorder)(nil)

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder {
	return &Recorder{
		times: map[string]int{}, rejects: map[string]*pipeline.RejectError{}, changed: make(chan struct{}),
	}
}

// Reject makes Handle refuse a body.
func (r *Recorder) Reject(body string, why *pipeline.RejectError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejects[body] = why
}

// Handle implements pipeline.Handler.
func (r *Recorder) Handle(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	receipts := make([]pipeline.Receipt, len(msgs))
	for i, m := range msgs {
		body := string(m.Body)
		receipts[i] = pipeline.Receipt{Verdict: pipeline.Accepted, ID: "i-" + body, Seq: uint64(len(r.msgs) + 1)}
		if r.times[body] > 0 {
			receipts[i].Verdict = pipeline.Repeated
		}
		if why := r.rejects[body]; why != nil {
			receipts[i] = pipeline.Receipt{Verdict: pipeline.Rejected, Reject: why}
		}
		r.times[body]++
		r.msgs = append(r.msgs, m)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	return receipts, nil
}

// Messages returns what was handled so far, in order.
func (r *Recorder) Messages() []pipeline.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.msgs)
}

// Times tells how often a body was handled.
func (r *Recorder) Times(body string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[body]
}

// Await waits until all bodies were handled, and fails the test when that takes
// too long.
func (r *Recorder) Await(t testing.TB, bodies ...string) {
	t.Helper()
	late := time.After(Patience)
	for {
		r.mu.Lock()
		missing := slices.IndexFunc(bodies, func(b string) bool { return r.times[b] == 0 })
		changed := r.changed
		r.mu.Unlock()
		if missing < 0 {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%s was not handled", bodies[missing])
		}
	}
}
