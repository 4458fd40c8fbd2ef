package policies

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Explanation tells of one input, body by body, what held and what nearly did.
type Explanation struct {
	Rules []RuleExplanation `json:"rules"`
}

// RuleExplanation is about one rule that was selected.
type RuleExplanation struct {
	Rule   string            `json:"rule"`
	Title  string            `json:"title"`
	File   string            `json:"file"`
	Line   int               `json:"line"`
	Bodies []BodyExplanation `json:"bodies"`
}

// BodyExplanation is about one body of a rule's documents.
type BodyExplanation struct {
	Document string `json:"document"`
	Branch   string `json:"branch"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Held     bool   `json:"held"`
	Error    string `json:"error,omitempty"`
	Miss     *Miss  `json:"miss,omitempty"` // why it did not hold
}

// Miss is the expression at which a body got furthest and failed.
type Miss struct {
	File   string  `json:"file"`
	Line   int     `json:"line"`
	Text   string  `json:"text"` // as the author wrote it, first line
	Values []Value `json:"values,omitempty"`
}

// Value is what a reference or variable of an expression stood for.
type Value struct {
	Name string `json:"name"`
	JSON string `json:"json,omitempty"` // cut after 200 characters; "" when there was nothing
}

// explainFactor is how many times the budget of a decision an explanation may
// use: tracing takes nothing from the steps, but no index saves any.
const explainFactor = 10

// Explain evaluates an input again, every body of every selected rule on its
// own, with the index off and a tracer on. It is for looking back, at about a
// millisecond per body, and has no effects. The set must be one made from the
// texts that decided.
func (s *Set) Explain(ctx context.Context, in pipeline.Input) (Explanation, error) {
	root, err := strictjson.Parse(in.Document, inputLimits)
	if err != nil {
		return Explanation{}, fmt.Errorf("read the input document: %w", err)
	}
	x := explainer{set: s, ctx: ctx, root: root, terms: toValue(root)}
	out := Explanation{Rules: []RuleExplanation{}}
	for _, name := range in.Selection.Rules {
		ru := s.rules[name]
		if ru == nil {
			return Explanation{}, fmt.Errorf("explain: rule %q is not in policy set %s", name, s.revision)
		}
		re := RuleExplanation{Rule: ru.name, Title: ru.title, File: ru.file, Line: ru.place.line}
		for _, d := range ru.documents {
			for _, b := range d.bodies {
				re.Bodies = append(re.Bodies, x.body(ru, b))
			}
		}
		out.Rules = append(out.Rules, re)
		if err := ctx.Err(); err != nil {
			return Explanation{}, err
		}
	}
	return out, nil
}

type explainer struct {
	set   *Set
	ctx   context.Context
	root  strictjson.Value
	terms ast.Value
}

func (x *explainer) body(ru *rule, b *body) (be BodyExplanation) {
	be = BodyExplanation{Document: b.document, Branch: b.branch(), File: ru.file, Line: b.written.Head.Location.Row}
	defer func() {
		if p := recover(); p != nil {
			be.Error = fmt.Sprintf("the evaluator failed: %v", p)
		}
	}()
	trace := &missTracer{name: b.hidden[len(b.hidden)-1], bodies: map[uint64]bool{}}
	limit := &budget{ctx: x.ctx, limit: explainFactor * x.set.options.steps(), deadline: time.Now().Add(x.set.options.clock())}
	found, err := b.query.Eval(x.ctx, rego.EvalParsedInput(x.terms), rego.EvalTransaction(x.set.txn), rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(limit), rego.EvalRuleIndexing(false), rego.EvalEarlyExit(false), rego.EvalQueryTracer(trace))
	if err != nil {
		be.Error = (&evaluation{set: x.set}).explainError(err, limit)
		return be
	}
	if len(found) > 0 {
		switch v := found[0].Expressions[0].Value.(type) {
		case ast.Set:
			be.Held = v.Len() > 0
		case ast.Object:
			be.Held = v.Len() > 0
		}
	}
	if !be.Held && trace.at != nil {
		be.Miss = x.miss(ru, b, trace)
	}
	return be
}

// miss turns the furthest failure into what the author wrote and the values it
// met.
func (x *explainer) miss(ru *rule, b *body, t *missTracer) *Miss {
	m := &Miss{File: ru.file, Line: t.at.Location.Row}
	line, _, _ := strings.Cut(string(t.at.Location.Text), "\n")
	m.Text = strings.TrimSpace(line)
	var node any = t.at
	for _, e := range b.written.Body {
		if covers(e.Location, t.at.Location) {
			line, _, _ := strings.Cut(string(e.Location.Text), "\n")
			m.Line, m.Text, node = e.Location.Row, strings.TrimSpace(line), e
		}
	}
	seen := map[string]bool{} // what was named already
	add := func(name, value string) {
		if !seen[name] {
			seen[name] = true
			m.Values = append(m.Values, Value{name, value})
		}
	}
	inputs := func(node any) {
		ast.WalkRefs(node, func(ref ast.Ref) bool {
			if ref[0].Equal(ast.InputRootDocument) {
				prefix := ref.ConstantPrefix()
				add(prefix.String(), show(x.input(prefix)))
			}
			return false
		})
	}
	inputs(node)
	ast.WalkVars(node, func(v ast.Var) bool {
		for local, meta := range t.names {
			if meta.Name != v {
				continue
			}
			if value := t.locals.Get(local); value != nil && value.IsGround() {
				add(string(v), show(value))
			}
		}
		if definitions := privateRules(ru, v); len(definitions) > 0 && !seen[string(v)] {
			add(string(v), show(x.evaluate(ru.module.Package.Path.Append(ast.StringTerm(string(v))))))
			for _, d := range definitions {
				inputs(d)
			}
		}
		return false
	})
	return m
}

// covers reports whether an expression's text spans a location.
func covers(outer, inner *ast.Location) bool {
	if outer == nil || inner == nil || inner.Row < outer.Row || inner.Row == outer.Row && inner.Col < outer.Col {
		return false
	}
	return inner.Row <= outer.Row+strings.Count(string(outer.Text), "\n")
}

// privateRules are the definitions of a rule of the package that can be asked
// for without arguments; none if the variable is not the name of one.
func privateRules(ru *rule, v ast.Var) (list []*ast.Rule) {
	for _, r := range ru.module.Rules {
		if r.Head.Ref()[0].Value.Compare(v) == 0 && len(r.Head.Args) == 0 && !slices.Contains(documentNames, string(v)) {
			list = append(list, r)
		}
	}
	return list
}

// evaluate asks for one rule, nil if it is undefined or fails.
func (x *explainer) evaluate(ref ast.Ref) ast.Value {
	limit := &budget{ctx: x.ctx, limit: x.set.options.steps(), deadline: time.Now().Add(x.set.options.clock())}
	query, err := rego.New(rego.Compiler(x.set.compiler), rego.Store(x.set.store), rego.Transaction(x.set.txn),
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(ref)))), rego.GenerateJSON(keepValue)).PrepareForEval(x.ctx)
	if err != nil {
		return nil
	}
	found, err := query.Eval(x.ctx, rego.EvalParsedInput(x.terms), rego.EvalTransaction(x.set.txn),
		rego.EvalMetrics(metrics.NoOp()), rego.EvalExternalCancel(limit))
	if err != nil || len(found) == 0 {
		return nil
	}
	v, _ := found[0].Expressions[0].Value.(ast.Value)
	return v
}

// input finds a reference in the input document.
func (x *explainer) input(ref ast.Ref) ast.Value {
	v, err := x.terms.Find(ref[1:])
	if err != nil {
		return nil
	}
	return v
}

// show renders a value for people, "" for none.
func show(v ast.Value) string {
	if v == nil {
		return ""
	}
	s := text(fromValue(v))
	const limit = 200
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}

// missTracer keeps the failure that stands furthest down in one body.
type missTracer struct {
	name   *ast.Term // of the body's rule
	bodies map[uint64]bool
	at     *ast.Expr
	locals *ast.ValueMap
	names  map[ast.Var]topdown.VarMetadata
}

// Enabled implements topdown.QueryTracer.
func (t *missTracer) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (t *missTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent implements topdown.QueryTracer.
func (t *missTracer) TraceEvent(e topdown.Event) {
	switch node := e.Node.(type) {
	case *ast.Rule:
		if e.Op == topdown.EnterOp && ast.StringTerm(string(node.Head.Ref()[0].Value.(ast.Var))).Equal(t.name) {
			t.bodies[e.QueryID] = true
		}
	case *ast.Expr:
		if e.Op == topdown.FailOp && t.bodies[e.QueryID] && (t.at == nil || node.Index >= t.at.Index) {
			t.at, t.locals, t.names = node, e.Locals, e.LocalMetadata
		}
	}
}
