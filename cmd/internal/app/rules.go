package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
	"github.com/signalbox-dev/signalbox/policies"
)

// explainer looks with the rules and mappings in use at the time it is asked.
func explainer(use func() *generation) api.Explainer {
	return api.Explainer{
		Rules: func(ctx context.Context, typ string, input []byte) ([]api.RuleView, error) {
			return explainRules(ctx, use().rules, typ, input)
		},
		Revision: func() string { return use().rules.Revision() },
		Mapping:  func(name string) (*mappings.Mapping, bool) { return use().maps.Get(name) },
	}
}

// explainRules evaluates the rules again over a journaled input, offline, and
// tells of each body whether it held or what was in the way. It uses the rules
// of today, which need not be those of the decision.
func explainRules(ctx context.Context, rules *policies.Set, typ string, input []byte) ([]api.RuleView, error) {
	doc, err := strictjson.Parse(input, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("read input document: %w", err)
	}
	e := &event.Event{Type: event.Unknown}
	if t, ok := event.ByName(typ); ok {
		e.Type = t
	}
	for c := range doc.Get("event", "concepts").Elements() {
		e.Concepts = append(e.Concepts, c.Text())
	}
	x, err := rules.Explain(ctx, pipeline.Input{Event: e, Selection: rules.Select(e), Document: input})
	if err != nil {
		return nil, err
	}
	var views []api.RuleView
	for _, r := range x.Rules {
		for _, b := range r.Bodies {
			v := api.RuleView{Rule: r.Rule, Document: b.Document, Branch: b.Branch, Held: b.Held, File: b.File, Line: b.Line, Error: b.Error}
			if b.Miss != nil {
				v.File, v.Line, v.Text, v.Values = b.Miss.File, b.Miss.Line, b.Miss.Text, values(b.Miss.Values)
			}
			views = append(views, v)
		}
	}
	return views, nil
}

// values writes what the parts of an expression were.
func values(list []policies.Value) string {
	parts := make([]string, 0, len(list))
	for _, v := range list {
		is := v.JSON
		if is == "" {
			is = "not there"
		}
		parts = append(parts, v.Name+" is "+is)
	}
	return strings.Join(parts, ", ")
}
