package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Judgement is what an analyst found a decision or action to be.
type Judgement string

// The judgements. Precision counts the first three.
const (
	TruePositive   Judgement = "true"      // an attack, rightly found
	BenignPositive Judgement = "benign"    // what the rule looks for, and harmless
	FalsePositive  Judgement = "false"     // not what the rule looks for
	Duplicate      Judgement = "duplicate" // of one that was judged already
	TestRun        Judgement = "test"      // somebody tried something out
)

// Judgements lists them in the order people are offered them.
var Judgements = []Judgement{TruePositive, BenignPositive, FalsePositive, Duplicate, TestRun}

// The bounds of what an operator may write into the journal, in characters.
const (
	MaxComment = 2000
	MaxBy      = 200
)

// JudgementPart is a verdict as recorded: what it says, and of what.
type JudgementPart struct {
	Verdict  Judgement    `json:"verdict"`
	ID       string       `json:"id"`                 // judged: action or decision; the event where nothing was decided
	Event    string       `json:"event"`              // id
	Type     string       `json:"type"`               // of the event
	Decision string       `json:"decision,omitempty"` // id
	Action   string       `json:"action,omitempty"`   // id, when an action alone is judged
	Input    string       `json:"input"`              // id
	Chain    string       `json:"chain"`              // input id of the root cause
	Rules    []string     `json:"rules,omitempty"`    // rules judged with it
	Entities EntitiesPart `json:"entities,omitzero"`
}

// ErrUnknownID means that the journal holds no event, decision or action of
// that id.
var ErrUnknownID = errors.New("unknown id")

// Judge writes an analyst's verdict about an event, decision or action into the
// journal and returns it. A verdict about an event is one about its decision,
// and so about the rules that asked for its actions. Verdicts are added and never taken back:
// the newest of an id counts.
//
// The error wraps ErrUnknownID if the journal knows no such id.
func (p *Pipeline) Judge(ctx context.Context, id string, verdict Judgement, by, comment string) (*JudgementPart, error) {
	switch {
	case !slices.Contains(Judgements, verdict):
		return nil, fmt.Errorf("judge %s: unknown verdict %q", id, verdict)
	case by == "" || utf8.RuneCountInString(by) > MaxBy:
		return nil, fmt.Errorf("judge %s: say who judges, in at most %d characters", id, MaxBy)
	case utf8.RuneCountInString(comment) > MaxComment:
		return nil, fmt.Errorf("judge %s: the comment has more than %d characters", id, MaxComment)
	}
	found, err := p.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if part := judged(f.Record, id); part != nil {
			part.Verdict = verdict
			o := OperatorPart{Verb: "verdict", By: by, Comment: comment, Judgement: part}
			return part, p.operate(ctx, o, func(store.Tx) {})
		}
	}
	return nil, fmt.Errorf("judge %s: %w", id, ErrUnknownID)
}

// judged finds what an id stands for in the record of an input, nil if it is
// not of it.
func judged(r *Record, id string) *JudgementPart {
	if r.Kind != InputRecord || r.Input == nil {
		return nil
	}
	chain := r.Input.Chain
	if chain == "" {
		chain = r.Input.ID
	}
	event, action := id, ""
	var rules []string
	if strings.HasPrefix(id, "a-") {
		i := slices.IndexFunc(r.Actions, func(a Action) bool { return a.ID == id })
		if i < 0 {
			return nil
		}
		event, action, rules = r.Actions[i].Event, id, []string{r.Actions[i].Rule}
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if tail(o.Event.ID) != tail(event) {
			continue
		}
		part := &JudgementPart{ID: o.Event.ID, Event: o.Event.ID, Type: o.Event.Type, Action: action, Input: r.Input.ID, Chain: chain, Rules: rules, Entities: o.Entities}
		if d := o.Decision; d != nil {
			part.ID, part.Decision = d.ID, d.ID
			if action == "" {
				part.Rules = answerable(r, d)
			}
		}
		if action != "" {
			part.ID = action
		}
		return part
	}
	return nil
}

// answerable are the rules a verdict about a decision is about: those that asked
// for its actions, or all that fired if none did.
func answerable(r *Record, d *DecisionPart) (rules []string) {
	for i := range r.Actions {
		if a := &r.Actions[i]; a.Decision == d.ID && !slices.Contains(rules, a.Rule) {
			rules = append(rules, a.Rule)
		}
	}
	if rules != nil {
		return rules
	}
	for _, f := range d.Fired {
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// ids are those the journal finds the record of an operator's act by.
func (o *OperatorPart) ids() []string {
	j := o.Judgement
	if j == nil {
		return nil
	}
	ids := []string{tail(j.Event), j.Input}
	if j.Action != "" {
		ids = append(ids, j.Action)
	}
	return ids
}
