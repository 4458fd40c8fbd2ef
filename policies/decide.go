package policies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// inputLimits bounds the input document, which state has bounded already.
var inputLimits = strictjson.Limits{Bytes: 8 << 20, Depth: 64, Nodes: 400_000}

// evaluation is one input on its way through the rules.
type evaluation struct {
	set      *Set
	ctx      context.Context
	gate     documentResolver
	terms    ast.Value            // the input for the evaluator, built when the first body needs it
	cache    topdown.VirtualCache // of private rules, shared by the bodies that use them
	decision pipeline.Decision
	scratch  []*body
}

// Decide implements pipeline.Decider. The error is a broken input, a selection
// of another set, or the end of the context; failures of rules are in the
// decision.
func (s *Set) Decide(ctx context.Context, in pipeline.Input) (pipeline.Decision, error) {
	if len(in.Selection.Rules) == 0 {
		return pipeline.Decision{}, nil
	}
	root, err := strictjson.Parse(in.Document, inputLimits)
	if err != nil {
		return pipeline.Decision{}, fmt.Errorf("read the input document: %w", err)
	}
	e := evaluation{set: s, ctx: ctx, gate: documentResolver{root: root}}
	for _, name := range in.Selection.Rules {
		ru := s.rules[name]
		if ru == nil {
			return pipeline.Decision{}, fmt.Errorf("decide: rule %q is not in policy set %s", name, s.revision)
		}
		if err := e.rule(ru); err != nil {
			return pipeline.Decision{}, err
		}
	}
	return e.decision, nil
}

// rule evaluates the documents of one rule. Each stands alone: an error in one
// leaves the others.
func (e *evaluation) rule(ru *rule) error {
	d := &e.decision
	fired, failed := len(d.Fired), len(d.Errors)
	for _, doc := range ru.documents {
		bodies := doc.bodies
		if !e.set.ungated {
			e.scratch = doc.candidates(&e.gate, e.scratch)
			bodies = e.scratch
		}
		if len(bodies) == 0 {
			continue
		}
		if err := e.document(ru, doc, bodies); err != nil {
			return err
		}
	}
	if len(d.Fired) == fired && len(d.Errors) == failed {
		d.Quiet = append(d.Quiet, ru.name)
	}
	return nil
}

// document evaluates bodies of one document under one budget.
func (e *evaluation) document(ru *rule, doc *document, bodies []*body) error {
	if e.terms == nil {
		e.terms = toValue(e.gate.root)
		e.cache = topdown.NewVirtualCache()
	}
	b := &budget{ctx: e.ctx, limit: e.set.options.steps(), deadline: time.Now().Add(e.set.options.clock())}
	out := results{rule: ru, root: e.gate.root}
	var err error
	for _, body := range bodies {
		var v ast.Value
		if v, err = e.body(body, b); err == nil && v != nil {
			err = out.add(body, v)
		}
		if err != nil {
			break
		}
	}
	e.decision.Steps += b.steps
	if err == nil {
		out.into(&e.decision)
		return nil
	}
	if b.over == overContext {
		return e.ctx.Err()
	}
	e.cache = topdown.NewVirtualCache() // nothing half done is handed on
	e.decision.Errors = append(e.decision.Errors, pipeline.RuleError{Rule: ru.name, Document: doc.name, Message: clip(e.explainError(err, b))})
	return nil
}

// body evaluates one body. A nil value means that it did not hold. A panic of
// the evaluator becomes an error of the rule.
func (e *evaluation) body(b *body, limit *budget) (v ast.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = nil, fmt.Errorf("the evaluator failed: %v", p)
		}
	}()
	found, err := b.query.Eval(e.ctx, rego.EvalParsedInput(e.terms), rego.EvalTransaction(e.set.txn),
		rego.EvalExternalCancel(limit), rego.EvalMetrics(metrics.NoOp()), rego.EvalVirtualCache(e.cache))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	v, ok := found[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, errors.New("the evaluator returned something else than a value")
	}
	return v, nil
}

// explainError says what stopped a document.
func (e *evaluation) explainError(err error, b *budget) string {
	switch b.over {
	case overSteps:
		return fmt.Sprintf("stopped after %d evaluation steps", b.limit)
	case overClock:
		return fmt.Sprintf("stopped by the clock after %s, before its budget of steps was used up", e.set.options.clock())
	}
	var failed *topdown.Error
	if errors.As(err, &failed) && failed.Location != nil {
		return fmt.Sprintf("%s:%d: %s", failed.Location.File, failed.Location.Row, failed.Message)
	}
	return err.Error()
}
