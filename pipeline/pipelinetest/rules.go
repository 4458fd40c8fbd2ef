package pipelinetest

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Rules is a Decider made of functions, one per rule. It counts how often each
// event was decided. Safe for concurrent use.
type Rules struct {
	// On names the rules that speak to an event and what they need; nil selects
	// the rule "test" for every event.
	On func(e *event.Event) pipeline.Selection
	// Say is what the rules say; nil says nothing. It must be pure.
	Say func(in pipeline.Input) (pipeline.Decision, error)

	mu    sync.Mutex
	times map[string]int
}

var _ pipeline.Decider = (*Rules)(nil)

// Select implements pipeline.Decider.
func (r *Rules) Select(e *event.Event) pipeline.Selection {
	if r.On == nil {
		return pipeline.Selection{Rules: []string{"test"}}
	}
	return r.On(e)
}

// Decide implements pipeline.Decider.
func (r *Rules) Decide(_ context.Context, in pipeline.Input) (pipeline.Decision, error) {
	r.mu.Lock()
	if r.times == nil {
		r.times = map[string]int{}
	}
	r.times[in.Event.ID]++
	r.mu.Unlock()
	if !json.Valid(in.Document) {
		panic("the input document is no JSON: " + string(in.Document))
	}
	if r.Say == nil {
		return pipeline.Decision{Quiet: in.Selection.Rules}, nil
	}
	return r.Say(in)
}

// Revision implements pipeline.Decider.
func (r *Rules) Revision() string { return "test-1" }

// Times tells how often an event was decided, attempts that were given up
// included.
func (r *Rules) Times(eventID string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[eventID]
}
