package config

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// sample is a payload as it could be: what the template fixes is there as it
// will be, what depends on the rule is filled with something that fits, and so
// is the subject if it is written inside by the sink.
func (b *Body) sample(t *event.Type, inside bool) (strictjson.Value, error) {
	payload, diags := b.sampled(t)
	if diags.HasErrors() {
		return strictjson.Value{}, diags
	}
	members := map[string]json.RawMessage{}
	switch ty := payload.Type(); {
	case ty == cty.DynamicPseudoType && !payload.IsKnown():
		for _, f := range t.Fields {
			members[f.Name] = sampleOf(f)
		}
	case !ty.IsObjectType() && !ty.IsMapType(), payload.IsNull():
		return strictjson.Value{}, errNoObject
	case payload.IsKnown():
		for name, v := range payload.AsValueMap() {
			if text, ok := sampleMember(t, name, v); ok {
				members[name] = text
			}
		}
	}
	if _, written := members["subject"]; inside && !written {
		members["subject"] = json.RawMessage(`{}`)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return strictjson.Value{}, fmt.Errorf("encode payload: %w", err)
	}
	return strictjson.Parse(text, strictjson.DefaultLimits)
}

// sampled is the value of the template as far as it is known before there is an
// action.
func (b *Body) sampled(t *event.Type) (cty.Value, hcl.Diagnostics) {
	with := make(map[string]cty.Value, len(b.with))
	for _, name := range b.with {
		with[name] = cty.DynamicVal
	}
	now := time.Unix(1767225600, 0)
	context := b.context(pipeline.ActionVars{
		ID: "a-0", Type: "action", Rule: "rule", Severity: "high", Reason: "reason", Now: now,
		Event: &event.Event{Type: t, ID: "e-0", Issuer: "https://idp.example.com", Source: "source", Txn: "txn", Time: now},
	}, with)
	for _, name := range []string{"subject", "user", "device", "session"} {
		context.Variables[name] = cty.DynamicVal
	}
	return b.expr.Value(context)
}

// sampleMember gives a member of a sample, false if there is none.
func sampleMember(t *event.Type, name string, v cty.Value) (json.RawMessage, bool) {
	if v.IsWhollyKnown() {
		if v.IsNull() {
			return nil, false
		}
		v = withoutNulls(v)
		text, err := ctyjson.Marshal(v, v.Type())
		return text, err == nil
	}
	for _, f := range t.Fields {
		if f.Name == name {
			return sampleOf(f), true
		}
	}
	return nil, false
}

// sampleOf is a value that fits a field.
func sampleOf(f event.Field) json.RawMessage {
	text := `"text"`
	if len(f.Enum) > 0 {
		text = fmt.Sprintf("%q", f.Enum[0])
	}
	switch f.Kind {
	case event.Number, event.Integer:
		text = "1767225600"
	case event.Boolean:
		text = "true"
	case event.Strings:
		text = "[" + text + "]"
	case event.Object, event.Messages, event.MessagesOrText:
		text = `{"en":"text"}`
	}
	return json.RawMessage(text)
}

// member finds where a member of the payload is written.
func (b *Body) member(name string) (hcl.Range, bool) {
	object, ok := b.expr.(*hclsyntax.ObjectConsExpr)
	if !ok || name == "" {
		return hcl.Range{}, false
	}
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if !diags.HasErrors() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() && key.AsString() == name {
			return item.ValueExpr.Range(), true
		}
	}
	return hcl.Range{}, false
}
