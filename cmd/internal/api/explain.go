package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Explainer makes explanations of journal records.
type Explainer struct {
	// Rules looks again, offline, at why each body of the selected rules held
	// or not; nil leaves that out.
	Rules func(ctx context.Context, eventType string, input []byte) ([]RuleView, error)
	// Revision is that of the rules it looks with.
	Revision func() string
	// Mapping finds the mapping that reads a message, for what it remarks on
	// values, which the journal does not hold; nil leaves that out.
	Mapping func(name string) (*mappings.Mapping, bool)
}

// Messages runs every step for the messages without side effects. Records
// that make none, such as repeats, have a verdict only.
func (x Explainer) Messages(ctx context.Context, p *pipeline.Pipeline, req ExplainRequest, now time.Time) ([]Explanation, error) {
	msgs := make([]pipeline.Message, len(req.Messages))
	for i, m := range req.Messages {
		msgs[i] = pipeline.Message{
			Source: m.Source, Sender: "explain", Delivery: "explain", ContentType: m.ContentType,
			Body: []byte(m.Body), Position: m.Position, Received: now, Mapping: m.Mapping,
		}
	}
	receipts, records, err := p.Explain(ctx, msgs)
	if err != nil {
		return nil, err
	}
	list := make([]Explanation, len(msgs))
	for i, r := range receipts {
		if r.Retry != nil {
			return nil, &Error{Message: fmt.Sprintf("cannot verify %s now: %v", msgs[i].Position, r.Retry)}
		}
		if records[i] == nil {
			list[i] = empty()
			list[i].Verdict = Verdict{Result: r.Verdict, InputID: r.ID, Source: msgs[i].Source, Position: msgs[i].Position}
			continue
		}
		if list[i], err = x.Record(ctx, 0, records[i]); err != nil {
			return nil, err
		}
		if err := x.remarks(&list[i], msgs[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// remarks adds what the mapping of a message notes.
func (x Explainer) remarks(e *Explanation, msg pipeline.Message) error {
	if x.Mapping == nil || msg.Mapping == "" || e.Verdict.Result != pipeline.Accepted {
		return nil
	}
	m, ok := x.Mapping(msg.Mapping)
	if !ok {
		return nil
	}
	out, err := m.Try(msg.Body, msg.Received)
	if err != nil {
		return fmt.Errorf("map %s: %w", msg.Position, err)
	}
	e.Skipped = out.Skipped
	for _, made := range out.Events {
		e.Notes = append(e.Notes, made.Notes)
	}
	return nil
}

func empty() Explanation {
	return Explanation{
		Events: []pipeline.EventPart{}, Decisions: []Decision{}, Actions: []pipeline.Action{}, Documents: []json.RawMessage{},
	}
}

// Record explains one journal record.
func (x Explainer) Record(ctx context.Context, seq uint64, r *pipeline.Record) (Explanation, error) {
	e := empty()
	e.Seq, e.At, e.Kind, e.Operator = seq, r.At, r.Kind, r.Operator
	if in := r.Input; in != nil {
		e.Verdict = Verdict{
			Result: in.Verdict, Issuer: in.Issuer, JTI: in.JTI, Assurance: string(in.Assurance), Rules: in.Dialect,
			Algorithm: in.Alg, KeyID: in.KeyID, Applied: in.Applied, Discard: in.Discard, InputID: in.ID,
			Source: in.Source, Position: in.Position,
		}
		if in.Reject != nil {
			e.Verdict.Code, e.Verdict.Description, e.Verdict.Requirement = in.Reject.Code, in.Reject.Description, in.Reject.Requirement
		}
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		e.Events = append(e.Events, o.Event)
		d := Decision{Event: o.Event.ID, Remit: o.Remit, Change: o.Change, Entities: o.Entities}
		if o.Decision != nil {
			d.DecisionPart = *o.Decision
			if x.Rules != nil && len(o.Decision.Input) > 0 {
				views, err := x.Rules(ctx, o.Event.Type, o.Decision.Input)
				if err != nil {
					return e, fmt.Errorf("explain the rules of %s: %w", o.Decision.ID, err)
				}
				d.Rules = views
				if now := x.Revision(); now != d.Revision {
					d.RulesChanged = now
				}
			}
		}
		e.Decisions = append(e.Decisions, d)
	}
	e.Actions = append(e.Actions, r.Actions...)
	docs, err := document.Render(seq, r)
	if err != nil {
		return e, fmt.Errorf("render documents: %w", err)
	}
	for _, d := range docs {
		e.Documents = append(e.Documents, d.JSON)
	}
	return e, nil
}
