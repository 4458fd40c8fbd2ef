package mappings

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// What is wrong with an expression whatever the record is found when the mapping
// is compiled: else the value would be missing of every event.

// target is where a value goes.
type target struct {
	name   string
	kinds  kinds                  // of which it takes values
	wants  string                 // a sentence that says so
	takes  func(*env, value) bool // whether it takes one of them
	closed []string               // all texts that it takes, nil for any
}

// fits reports outcomes of an expression that its target never takes.
func (c *compiler) fits(x hclsyntax.Expression, t target) {
	for _, x := range outcomes(x) {
		if l, ok := x.(*hclsyntax.TupleConsExpr); ok && t.kinds&lists != 0 {
			for _, x := range l.Exprs {
				c.fits(x, t)
			}
			continue
		}
		v, isConstant := literalValue(x)
		call, isCall := x.(*hclsyntax.FunctionCallExpr)
		switch {
		case isConstant && nullLike(v): // as good as absent
		case isConstant:
			if !t.permits(v) {
				c.fault(x.Range(), fmt.Sprintf("%s cannot be %s", t.name, shown(v)), "%s", t.advice(v))
			}
		case isCall && call.Name == "enum" && len(call.Args) > 0:
			name, _ := constant(call.Args[0])
			for _, member := range slices.Compact(slices.Sorted(maps.Values(c.m.enums[name]))) {
				if v := textOf(member); !t.permits(v) {
					c.fault(x.Range(), fmt.Sprintf("%s cannot be %q", t.name, member), "A member of enum %q. %s", name, t.advice(v))
				}
			}
		default:
			if k := c.kindsOf(x); k != 0 && k&t.kinds == 0 {
				c.fault(x.Range(), fmt.Sprintf("%s cannot be %s", t.name, k), "%s", t.wants)
			}
		}
	}
}

// permits reports whether a target takes a constant.
func (t *target) permits(v value) bool {
	if t.kinds&(1<<v.kind) == 0 {
		return false
	}
	if s, ok := v.string(); ok && t.closed != nil {
		return slices.Contains(t.closed, s)
	}
	return t.takes == nil || t.takes(new(env), v)
}

func (t *target) advice(v value) string {
	if s, ok := v.string(); ok && t.closed != nil {
		return nearest.Advice(s, t.closed, "values")
	}
	return t.wants
}

// shown is a constant as people know it.
func shown(v value) string {
	switch v.kind {
	case text:
		return strconv.Quote(clip(v.text))
	case list, object:
		return v.kind.String()
	case absent:
		return "null"
	}
	s, _ := v.string()
	return s
}

// ofMember is a member of a payload as a target.
func ofMember(f *event.Field) target {
	t := target{name: f.Name, takes: func(e *env, v value) bool {
		b := bodyRule{field: f}
		v = b.conform(e, v)
		if v.empty() {
			return false
		}
		e.builder.Reset(strictjson.Limits{})
		v.write(&e.builder)
		made, err := e.builder.Value()
		return err == nil && f.Problem(made) == ""
	}}
	if f.Kind == event.String && !f.Open {
		t.closed = f.Enum
	}
	switch f.Kind {
	case event.Number:
		t.kinds, t.wants = numbers|texted|moments, "It must be a number."
	case event.Integer:
		t.kinds, t.wants = numbers|texted|moments, "It must be a whole number."
	case event.Boolean:
		t.kinds, t.wants = booleans, "It must be true or false; bool(value) reads the words for that."
	case event.String:
		t.kinds, t.wants = scalars|lists, "It must be a text."
	case event.Strings:
		t.kinds, t.wants = scalars|lists, "It must be a list of texts."
	case event.Object:
		t.kinds, t.wants = objects, "It must be an object."
	case event.Messages, event.MessagesOrText:
		t.kinds, t.wants = scalars|objects, "It must be a text, or an object of language tags and texts."
	}
	return t
}

// ofField is a field of the document as a target.
func ofField(f *fieldRule) target {
	t := target{name: f.name, takes: func(e *env, v value) bool { return !f.conform(e, v).empty() }}
	switch f.typ {
	case keywordType:
		t.kinds, t.wants = scalars|lists, "The field holds texts."
	case longType:
		t.kinds, t.wants = numbers|texted|lists, "The field holds whole numbers."
	case floatType:
		t.kinds, t.wants = numbers|texted|lists, "The field holds numbers."
	case booleanType:
		t.kinds, t.wants = booleans|lists, "The field holds true or false; bool(value) reads the words for that."
	case ipType:
		t.kinds, t.wants = texted|lists, "The field holds IP addresses."
	case dateType:
		t.kinds, t.wants = numbers|texted|moments|lists, "The field holds times; signalbox mappings functions time tells the forms."
	case flattenedType:
		t.kinds, t.wants = objects, "The field holds an object, { name = value }."
	}
	return t
}

// ofTime is the time of an event as a target.
var ofTime = target{
	name: "time", kinds: numbers | texted | moments, wants: "It must be a time after 1999; signalbox mappings functions time tells the forms.",
	takes: func(e *env, v value) bool { t, ok := readTime(v); return ok && plausible(t, e) },
}

// ofSubject is a subject or a part of one as a target.
func ofSubject(name string) target {
	return target{name: name, kinds: objects, wants: "It must be a subject, as email(text), opaque(text) and others make one."}
}

// parts are the parts of a complex subject that standards name.
var parts = []string{"user", "device", "session", "application", "tenant", "org_unit", "group"}

// subjects reports what complex and aliases cannot take as subjects.
func (c *compiler) subjects(x *hclsyntax.FunctionCallExpr) {
	switch x.Name {
	case "aliases":
		t := ofSubject("a subject")
		t.kinds |= lists
		for _, a := range x.Args {
			c.fits(a, t)
		}
	case "complex":
		o, ok := x.Args[0].(*hclsyntax.ObjectConsExpr)
		if !ok {
			return
		}
		for _, it := range o.Items {
			name, ok := keyOf(it.KeyExpr)
			if !ok {
				continue
			}
			if near := nearest.Name(name, parts); near != "" && near != name {
				c.fault(it.KeyExpr.Range(), fmt.Sprintf("unknown part %q of a subject", name), "%s", nearest.Advice(name, parts, "parts"))
			}
			c.fits(it.ValueExpr, ofSubject(name))
		}
	}
}

// readers are functions that give something only for values of some form, so
// that of a constant it can be told at once.
var readers = []string{
	"account_id", "account_uri", "address", "bool", "deadline", "email", "epoch", "hashes", "ip", "ips", "mac", "number",
	"phone_number", "public_ip", "round", "tactics", "techniques", "time",
}

// constantsOf reports constants of which a function makes nothing.
func (c *compiler) constantsOf(x *hclsyntax.FunctionCallExpr, f *Function) {
	c.subjects(x)
	switch f.Name {
	case "split", "join", "after":
		if len(x.Args) == 2 && !literal(x.Args[0]) && literal(x.Args[1]) {
			c.fault(x.Range(), "separator in the wrong place", "It goes first: %s(%s).", f.Name, f.Args)
		}
	}
	if !slices.Contains(readers, f.Name) {
		return
	}
	for _, a := range x.Args {
		v, ok := literalValue(a)
		if !ok || nullLike(v) || v.empty() {
			continue
		}
		e, out := new(env), value{}
		if f.text == nil {
			out = f.run(e, []value{v})
		} else if s, ok := v.string(); ok {
			out = f.text(s)
		}
		if out.empty() || len(e.notes) > 0 {
			c.fault(a.Range(), fmt.Sprintf("%s makes nothing of %s", f.Name, shown(v)), "It gives: %s", f.Doc)
		}
	}
}

// mayHold reports a condition that never does.
func (c *compiler) mayHold(x hclsyntax.Expression) {
	if k := c.kindsOf(x); k != 0 && k&booleans == 0 {
		c.fault(x.Range(), "a condition that never holds", "It is %s: compare it, as in value == \"word\", or ask whether it is there by has(value).", k)
	}
}

// comparable reports sides of a comparison that are never equal, or never one
// greater than the other.
func (c *compiler) comparable(x *hclsyntax.BinaryOpExpr) {
	l, r := c.kindsOf(x.LHS), c.kindsOf(x.RHS)
	if x.Op == hclsyntax.OpEqual || x.Op == hclsyntax.OpNotEqual {
		if l != 0 && l&scalars == 0 || r != 0 && r&scalars == 0 {
			c.fault(x.Range(), "lists and objects are never equal", `Ask is(list, "element") for an element, length(list) == 0 whether there are any.`)
		}
		return
	}
	for _, side := range []hclsyntax.Expression{x.LHS, x.RHS} {
		if v, ok := literalValue(side); ok {
			if _, isNumber := v.float(); !isNumber {
				c.fault(side.Range(), fmt.Sprintf("%s is not greater or smaller than anything", shown(v)), `Numbers and times have an order; a time is written time("2026-02-03T10:15:00Z").`)
				return
			}
		}
	}
	if l&(numbers|texted|moments) == 0 || r&(numbers|texted|moments) == 0 || l == moments && r&moments == 0 || r == moments && l&moments == 0 {
		c.fault(x.Range(), fmt.Sprintf("%s is not greater or smaller than %s", l, r), "Numbers are compared with numbers and times with times: time(value) reads one, epoch(time) gives its seconds.")
	}
}

// calculable reports operands that are never numbers.
func (c *compiler) calculable(operands ...hclsyntax.Expression) {
	for _, x := range operands {
		if v, ok := literalValue(x); ok {
			if _, isNumber := v.float(); !isNumber {
				c.fault(x.Range(), fmt.Sprintf("%s is no number", shown(v)), "Only numbers can be calculated with.")
			}
		} else if k := c.kindsOf(x); k != 0 && k&(numbers|texted) == 0 {
			c.fault(x.Range(), fmt.Sprintf("%s is no number", k), "Only numbers can be calculated with; epoch(time) gives the seconds of a time.")
		}
	}
}
