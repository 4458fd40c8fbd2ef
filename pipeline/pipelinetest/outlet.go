package pipelinetest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// Outlet is a Sink that remembers what it was given and answers by script. It
// notes every breach of what a sink is promised: two deliveries of one key at
// the same time, or one id with other bytes. Safe for concurrent use.
type Outlet struct {
	// Answer is what becomes of a delivery; nil takes everything.
	Answer func(d pipeline.Delivery) pipeline.Result
	// Batch is asked before the deliveries of a batch are: an error fails the
	// whole. nil for none.
	Batch func(ctx context.Context, batch []pipeline.Delivery) error

	mu       sync.Mutex
	tries    []pipeline.Delivery
	taken    []pipeline.Delivery
	bytes    map[string]string
	inFlight map[string]bool
	breaches []string
}

var _ pipeline.Sink = (*Outlet)(nil)

// Deliver implements pipeline.Sink.
func (o *Outlet) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	o.begin(batch)
	defer o.end(batch)
	if o.Batch != nil {
		if err := o.Batch(ctx, batch); err != nil {
			return nil, err
		}
	}
	results := make([]pipeline.Result, len(batch))
	for i, d := range batch {
		if o.Answer != nil {
			results[i] = o.Answer(d)
		}
		if results[i].Err == nil {
			o.mu.Lock()
			o.taken = append(o.taken, d)
			o.mu.Unlock()
		}
	}
	return results, nil
}

func (o *Outlet) begin(batch []pipeline.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes == nil {
		o.bytes, o.inFlight = map[string]string{}, map[string]bool{}
	}
	for _, d := range batch {
		if d.Key != "" && o.inFlight[d.Key] {
			o.breaches = append(o.breaches, "two deliveries at once of "+d.Key)
		}
		o.inFlight[d.Key] = true
		if before, again := o.bytes[d.Kind+d.ID]; again && before != string(d.Payload) {
			o.breaches = append(o.breaches, fmt.Sprintf("other bytes of %s: %q, then %q", d.ID, before, d.Payload))
		}
		o.bytes[d.Kind+d.ID] = string(d.Payload)
		o.tries = append(o.tries, d)
	}
}

func (o *Outlet) end(batch []pipeline.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range batch {
		delete(o.inFlight, d.Key)
	}
}

// Tries returns every delivery offered so far, in order.
func (o *Outlet) Tries() []pipeline.Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.tries)
}

// Taken returns every delivery taken so far, in order, repeats included.
func (o *Outlet) Taken() []pipeline.Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.taken)
}

// Breaches lists the promises that were broken.
func (o *Outlet) Breaches() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.breaches)
}

// Signing is an Outlet that makes bytes once: every Prepare gives others, so
// that one of a kind too many is seen.
type Signing struct {
	Outlet
	// Refuse is asked before bytes are made; nil for never.
	Refuse func(o pipeline.Order) error

	mu     sync.Mutex
	orders []pipeline.Order
}

var _ pipeline.Preparer = (*Signing)(nil)

// Prepare implements pipeline.Preparer.
func (s *Signing) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, o)
	if s.Refuse != nil {
		if err := s.Refuse(o); err != nil {
			return nil, err
		}
	}
	return fmt.Appendf(nil, "token %d of %s", len(s.orders), o.ActionID), nil
}

// Orders returns what was asked to be made so far.
func (s *Signing) Orders() []pipeline.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}
