package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Body is a payload template: an HCL expression over the action, whom it is
// about, and the event that caused it. It is immutable and safe for concurrent
// use.
//
//	action.id action.type action.rule action.severity action.reason  text
//	action.subject         canonical key of the subject, text
//	action.with.<member>   what the rule gave beside that; null if it gave none
//	subject.format subject.<member>  the subject identifier, by the members of its
//	                       format; of a complex one subject.user.<member> and so on
//	user.id user.email user.name user.sub["<issuer>"]  what is known of the user
//	device.id device.name session.id                   likewise
//	event.id event.type event.issuer event.source event.txn  text
//	event.time now         seconds since the epoch
//
// A member of the payload whose value is null is left out. A member of subject,
// user, device or session that is not there is an error, which try() catches.
type Body struct {
	expr hclsyntax.Expression
	with []string        // members of action.with it speaks of
	uses map[string]bool // names at the root it speaks of
}

// bodyNames are the members of what a template may speak of.
var bodyNames = map[string][]string{
	"action":  {"id", "type", "rule", "severity", "reason", "subject", "with"},
	"subject": slices.Concat([]string{"format"}, identifierMembers, complexMembers),
	"user":    {"id", "email", "name", "sub"},
	"device":  {"id", "name"},
	"session": {"id"},
	"event":   {"id", "type", "issuer", "source", "txn", "time"},
	"now":     nil,
}

// The members of simple and of complex subject identifiers.
var (
	identifierMembers = []string{"email", "iss", "sub", "id", "uri", "phone_number", "url", "jti", "issuer", "assertion_id", "externalId"}
	complexMembers    = []string{"user", "device", "session", "application", "tenant", "org_unit", "group"}
)

// speaksOfKnown reports whether the template needs what is known of the subject.
func (b *Body) speaksOfKnown() bool {
	return b != nil && (b.uses["user"] || b.uses["device"] || b.uses["session"])
}

// compile checks the names and forms an expression uses.
func (l *loader) compile(e hclsyntax.Expression) (*Body, bool) {
	b, ok := &Body{expr: e, uses: map[string]bool{}}, l.loopless(e)
	for _, t := range e.Variables() {
		ok = l.knownName(t) && ok
		b.uses[t.RootName()] = true
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
	case t.RootName() == "subject" && slices.Contains(complexMembers, member):
		return l.knownPart(t, member)
	case members == nil || slices.Contains(members, member):
		return true
	case member == "":
		l.fault(t.SourceRange(), t.RootName()+" cannot be used whole", "Name a member of it: "+list(members)+".")
	default:
		l.fault(t[1].SourceRange(), fmt.Sprintf("%s has no member %q", t.RootName(), member), suggest(member, members, "members"))
	}
	return false
}

// knownPart reports what no member of a complex subject has.
func (l *loader) knownPart(t hcl.Traversal, part string) bool {
	members := slices.Concat([]string{"format"}, identifierMembers)
	switch member := memberName(t, 2); {
	case slices.Contains(members, member):
		return true
	case member == "":
		l.fault(t.SourceRange(), "subject."+part+" cannot be used whole", "Name a member of it, such as subject."+part+".email.")
	default:
		l.fault(t[2].SourceRange(), fmt.Sprintf("subject.%s has no member %q", part, member), suggest(member, members, "members"))
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
	payload, err := b.value(v)
	if err != nil {
		return nil, err
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

// value evaluates the template.
func (b *Body) value(v pipeline.ActionVars) (cty.Value, error) {
	with := make(map[string]cty.Value, len(b.with))
	for _, name := range b.with {
		value, err := fromGo(v.With[name])
		if err != nil {
			return cty.NilVal, fmt.Errorf("member %q of the action: %w", name, err)
		}
		with[name] = value
	}
	value, diags := b.expr.Value(b.context(v, with))
	if diags.HasErrors() {
		return cty.NilVal, renderError(diags, v)
	}
	return value, nil
}

var errNoObject = errors.New("a body must be an object, written { member = value }")

// renderError is the first problem of a rendering. What it says was in the
// template, the rule or the subject, never in the environment.
func renderError(diags hcl.Diagnostics, v pipeline.ActionVars) error {
	d := diags[0]
	if d.Subject == nil {
		return errors.New(d.Summary)
	}
	why := d.Summary + ": " + d.Detail
	if e, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr); ok && (d.Summary == "Unsupported attribute" || d.Summary == "Invalid index") {
		name := written(e.Traversal)
		switch e.Traversal.RootName() {
		case "subject":
			why = fmt.Sprintf("there is no %s: the action is about %s", name, v.Subject.Key())
		case "user", "device", "session":
			why = fmt.Sprintf("no %s is known of %s", name, v.Subject.Key())
		}
	}
	why = strings.Join(strings.Fields(why), " ")
	return fmt.Errorf("%s:%d: %s", d.Subject.Filename, d.Subject.Start.Line, why)
}

// written is a traversal as a file has it.
func written(t hcl.Traversal) string {
	text := t.RootName()
	for i, step := range t[1:] {
		if _, index := step.(hcl.TraverseIndex); index {
			text += fmt.Sprintf("[%q]", memberName(t, i+1))
		} else {
			text += "." + memberName(t, i+1)
		}
	}
	return text
}

// context is what the template sees.
func (b *Body) context(v pipeline.ActionVars, with map[string]cty.Value) *hcl.EvalContext {
	cause := v.Event
	if cause == nil {
		cause = &event.Event{Type: event.Unknown}
	}
	names := map[string]cty.Value{
		"action": cty.ObjectVal(map[string]cty.Value{
			"id":       cty.StringVal(v.ID),
			"type":     cty.StringVal(v.Type),
			"rule":     cty.StringVal(v.Rule),
			"severity": cty.StringVal(v.Severity),
			"reason":   cty.StringVal(v.Reason),
			"subject":  cty.StringVal(v.Subject.Key()),
			"with":     cty.ObjectVal(with),
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
	}
	if b.uses["subject"] {
		names["subject"] = subjectValue(v.Subject)
	}
	if b.speaksOfKnown() {
		names["user"] = userValue(v.Known.User)
		names["device"] = entityValue(v.Known.Device)
		names["session"] = entityValue(v.Known.Session)
	}
	return &hcl.EvalContext{Functions: bodyFunctions, Variables: names}
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
