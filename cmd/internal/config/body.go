package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Body is a payload template: an HCL expression over the action and the event
// that caused it. It is immutable and safe for concurrent use.
//
//	action.type action.rule action.reason action.subject  text
//	action.with.<member>   what the rule gave beside that; null if it gave none
//	event.id event.type event.issuer event.source event.txn  text
//	event.time now         seconds since the epoch
//
// A member of the payload whose value is null is left out.
type Body struct {
	expr hclsyntax.Expression
	with []string // members of action.with it speaks of
}

// bodyNames are the members of what a template may speak of.
var bodyNames = map[string][]string{
	"action": {"type", "rule", "reason", "subject", "with"},
	"event":  {"id", "type", "issuer", "source", "txn", "time"},
	"now":    nil,
}

// compile checks the names and forms an expression uses.
func (l *loader) compile(e hclsyntax.Expression) (*Body, bool) {
	b, ok := &Body{expr: e}, l.loopless(e)
	for _, t := range e.Variables() {
		ok = l.knownName(t) && ok
		if m := memberName(t, 2); t.RootName() == "action" && memberName(t, 1) == "with" && m != "" {
			b.with = append(b.with, m)
		}
	}
	return b, ok
}

// knownName reports a name a template cannot speak of.
func (l *loader) knownName(t hcl.Traversal) bool {
	members, ok := bodyNames[t.RootName()]
	if !ok {
		l.fault(t.SourceRange(), fmt.Sprintf("unknown name %q", t.RootName()), suggest(t.RootName(), sortedKeys(bodyNames), "names"))
		return false
	}
	member := memberName(t, 1)
	switch {
	case members == nil && len(t) > 1:
		l.faultf(t.SourceRange(), t.RootName()+" has no members", "Write %s alone.", t.RootName())
	case members == nil || slices.Contains(members, member):
		return true
	case member == "":
		l.fault(t.SourceRange(), t.RootName()+" cannot be used whole", "Name a member of it: "+list(members)+".")
	default:
		l.fault(t[1].SourceRange(), fmt.Sprintf("%s has no member %q", t.RootName(), member), suggest(member, members, "members"))
	}
	return false
}

// memberName is the name of the i-th step of a traversal, "" if there is none.
func memberName(t hcl.Traversal, i int) string {
	if i >= len(t) {
		return ""
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString()
		}
	}
	return ""
}

// Render makes the payload of an action, a JSON object.
func (b *Body) Render(v pipeline.ActionVars) ([]byte, error) {
	with := make(map[string]cty.Value, len(b.with))
	for _, name := range b.with {
		value, err := fromGo(v.With[name])
		if err != nil {
			return nil, fmt.Errorf("member %q of the action: %w", name, err)
		}
		with[name] = value
	}
	payload, diags := b.expr.Value(b.context(v, with))
	if diags.HasErrors() {
		return nil, templateError(diags)
	}
	if !payload.Type().IsObjectType() && !payload.Type().IsMapType() || payload.IsNull() {
		return nil, errNoObject
	}
	payload = withoutNulls(payload)
	text, err := ctyjson.Marshal(payload, payload.Type())
	if err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	return text, nil
}

var errNoObject = errors.New("a body must be an object, written { member = value }")

// templateError is the first problem of a rendering. What it says was in the
// template or the rule, never in the environment.
func templateError(diags hcl.Diagnostics) error {
	d := diags[0]
	if d.Subject == nil {
		return errors.New(d.Summary)
	}
	return fmt.Errorf("%s:%d: %s: %s", d.Subject.Filename, d.Subject.Start.Line, d.Summary, d.Detail)
}

// context is what the template sees.
func (b *Body) context(v pipeline.ActionVars, with map[string]cty.Value) *hcl.EvalContext {
	cause := v.Event
	if cause == nil {
		cause = &event.Event{Type: event.Unknown}
	}
	return &hcl.EvalContext{
		Functions: bodyFunctions,
		Variables: map[string]cty.Value{
			"action": cty.ObjectVal(map[string]cty.Value{
				"type":    cty.StringVal(v.Type),
				"rule":    cty.StringVal(v.Rule),
				"reason":  cty.StringVal(v.Reason),
				"subject": cty.StringVal(v.Subject),
				"with":    cty.ObjectVal(with),
			}),
			"event": cty.ObjectVal(map[string]cty.Value{
				"id":     cty.StringVal(cause.ID),
				"type":   cty.StringVal(cause.Type.Name),
				"issuer": cty.StringVal(cause.Issuer),
				"source": cty.StringVal(cause.Source),
				"txn":    cty.StringVal(cause.Txn),
				"time":   cty.NumberIntVal(cause.Time.Unix()),
			}),
			"now": cty.NumberIntVal(v.Now.Unix()),
		},
	}
}

// fromGo takes over a value of a decision.
func fromGo(v any) (cty.Value, error) {
	switch v := v.(type) {
	case nil:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case string:
		return cty.StringVal(v), nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return cty.NilVal, err
	}
	t, err := ctyjson.ImpliedType(text)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(text, t)
}

// withoutNulls leaves out null members of an object and the objects in it.
func withoutNulls(v cty.Value) cty.Value {
	if v.IsNull() || !v.Type().IsObjectType() {
		return v
	}
	members := map[string]cty.Value{}
	for name, m := range v.AsValueMap() {
		if !m.IsNull() {
			members[name] = withoutNulls(m)
		}
	}
	return cty.ObjectVal(members)
}

// commonBody is the payload of an emit without a body: what every CAEP and RISC
// event of ours says of itself.
func commonBody(t *event.Type) hclsyntax.Expression {
	has := map[string]bool{"reason_admin": t.Family == "caep" || t.Family == "risc"}
	for _, f := range t.Fields {
		has[f.Name] = true
	}
	text := "{"
	for _, m := range []struct{ name, value string }{
		{"event_timestamp", "now"},
		{"initiating_entity", `"policy"`},
		{"reason_admin", "{ en = action.reason }"},
	} {
		if has[m.name] {
			text += m.name + " = " + m.value + "\n"
		}
	}
	e, diags := hclsyntax.ParseExpression([]byte(text+"}"), "common body", hcl.InitialPos)
	if diags.HasErrors() {
		panic(diags)
	}
	return e
}
