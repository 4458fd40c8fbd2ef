package drill

import (
	"context"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/policies"
)

// decider offers the drill's event to the drill's rule and every other to those
// of the operator.
type decider struct {
	live  pipeline.Decider
	drill *policies.Set
}

var _ pipeline.Decider = decider{}

// Select implements pipeline.Decider.
func (d decider) Select(e *event.Event) pipeline.Selection {
	if ours(e) {
		return d.drill.Select(e)
	}
	return d.live.Select(e)
}

// Decide implements pipeline.Decider.
func (d decider) Decide(ctx context.Context, in pipeline.Input) (pipeline.Decision, error) {
	if ours(in.Event) {
		return d.drill.Decide(ctx, in)
	}
	return d.live.Decide(ctx, in)
}

// Revision implements pipeline.Decider: the drill is no part of the policies.
func (d decider) Revision() string { return d.live.Revision() }
