package mappings

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// expr is a compiled expression. It never fails.
type expr func(*env) value

// cond is a compiled condition.
type cond func(*env) bool

// env is what expressions see while one event is made, and the memory they use.
type env struct {
	m         *Mapping
	source    string // of the message, as are the next three
	position  string
	received  time.Time
	sent      time.Time
	slots     []value // of the paths under raw
	there     []bool  // which of them the record has
	envelopes []value // outermost first
	item      value
	index     int
	locals    []value
	known     []bool // which locals were computed
	vars      []value
	bound     []uint64 // since when places of variables, item and locals mean what they do
	binding   uint64   // the last one
	kept      []kept
	payload   []value // of the event being made, in the order of its rules
	steps     int
	worked    int // bytes and elements that expressions read and made
	size      int // bytes of the events made
	notes     []Note
	shut      string // see record
	untimed   string // the last value that was taken for a time and is none
	trying    bool   // for people and goldens, which leave the vendor out

	arena   arena
	stack   []value // arguments of the calls under way, and elements of lists being made
	text    []byte  // of the templates under way
	related [len(relatedNames)][]string
	builder strictjson.Builder
}

// maxSteps bounds the turns of all loops over one record.
const maxSteps = 200_000

// maxWork bounds what the expressions over one message read and make, in bytes
// of text and elements of lists: a turn of a loop is cheap only while what it
// handles is small.
const maxWork = 128 << 20

// elementWork is what going past an element or member costs, in bytes of text.
const elementWork = 16

// errSteps ends the evaluation of a record that makes too much work.
type errSteps struct{}

// maxRoom bounds the room that an object in the making is given at once, in
// members.
const maxRoom = 64

func (e *env) step() {
	if e.steps++; e.steps > maxSteps {
		panic(errSteps{})
	}
}

// work charges n bytes or elements, before they are made where they are.
func (e *env) work(n int) {
	if e.worked += n; e.worked > maxWork {
		panic(errSteps{})
	}
}

// read charges the text of a value, which is taken out of its record or goes
// where it may be written once more.
func (e *env) read(v value) value {
	e.work(len(v.text))
	return v
}

// given charges what a function may go through of an argument.
func (e *env) given(v value) value {
	if v.kind == list || v.kind == object {
		e.parts(v)
		return v
	}
	return e.read(v)
}

// parts charges those of a list or object.
func (e *env) parts(v value) {
	if v.made.read.Exists() {
		e.work(len(v.made.read.Raw()))
		return
	}
	e.work(elementWork * v.len())
}

// compiler compiles the expressions of one mapping and gathers what is wrong.
type compiler struct {
	m      *Mapping
	diags  hcl.Diagnostics
	vars   []string // variables of the loops around
	first  int      // place of the outermost of them
	later  []func() // what is done when all names are known
	locals []kinds  // that locals may have
	looped bool     // item and index are there
	most   int      // places of variables
	kept   map[string]int
}

func (c *compiler) fault(at hcl.Range, summary, format string, args ...any) expr {
	c.diags = append(c.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at,
	})
	return func(*env) value { return value{} }
}

func (c *compiler) expr(x hclsyntax.Expression) expr {
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return c.literal(x.Val, x.Range())
	case *hclsyntax.TemplateExpr:
		return c.template(x)
	case *hclsyntax.TemplateWrapExpr:
		return c.expr(x.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		return c.expr(x.Expression)
	case *hclsyntax.ScopeTraversalExpr:
		return c.traversal(x)
	case *hclsyntax.RelativeTraversalExpr:
		return c.relative(c.expr(x.Source), x.Traversal)
	case *hclsyntax.IndexExpr:
		return c.at(c.expr(x.Collection), c.expr(x.Key), literal(x.Key))
	case *hclsyntax.SplatExpr:
		return c.splat(x)
	case *hclsyntax.FunctionCallExpr:
		return c.call(x)
	case *hclsyntax.ConditionalExpr:
		cond, yes, no := c.cond(x.Condition), c.expr(x.TrueResult), c.expr(x.FalseResult)
		return func(e *env) value {
			if cond(e) {
				return yes(e)
			}
			return no(e)
		}
	case *hclsyntax.BinaryOpExpr:
		return c.binary(x)
	case *hclsyntax.UnaryOpExpr:
		return c.unary(x)
	case *hclsyntax.TupleConsExpr:
		return constantly(x, c.tuple(x))
	case *hclsyntax.ObjectConsExpr:
		return constantly(x, c.object(x))
	case *hclsyntax.ForExpr:
		return c.loop(x)
	case *hclsyntax.AnonSymbolExpr:
		n := c.variable("*")
		return func(e *env) value { return e.read(e.vars[n]) }
	}
	return c.fault(x.Range(), "unsupported expression", "Mappings use literals, templates, names, operators, conditionals, for, [*] and functions.")
}

func (c *compiler) literal(v cty.Value, at hcl.Range) expr {
	var out value
	switch {
	case v.IsNull():
	case v.Type() == cty.String:
		out = literalText(v.AsString())
	case v.Type() == cty.Bool:
		out = boolOf(v.True())
	case v.Type() == cty.Number:
		f := v.AsBigFloat()
		if n, exact := f.Int(nil); exact == big.Exact {
			out = numberOf(n.String())
		} else {
			out = numberOf(f.Text('g', -1))
		}
	default:
		return c.fault(at, "unsupported literal", "Write a text, a number, true, false or null.")
	}
	return func(*env) value { return out }
}

// constant is the text of an expression that is one, "" with ok false if it is
// not.
func constant(x hclsyntax.Expression) (string, bool) {
	switch x := x.(type) {
	case *hclsyntax.TemplateExpr:
		if len(x.Parts) == 0 {
			return "", true
		}
		if len(x.Parts) == 1 {
			return constant(x.Parts[0])
		}
	case *hclsyntax.LiteralValueExpr:
		if !x.Val.IsNull() && x.Val.Type() == cty.String {
			return x.Val.AsString(), true
		}
	}
	return "", false
}

func (c *compiler) template(x *hclsyntax.TemplateExpr) expr {
	if s, ok := constant(x); ok {
		v := literalText(s)
		return func(*env) value { return v }
	}
	type part struct {
		text string // as it is written
		of   expr   // nil: text
	}
	parts := make([]part, len(x.Parts))
	for i, p := range x.Parts {
		if s, ok := constant(p); ok {
			parts[i].text = s
		} else {
			parts[i].of = c.expr(p)
		}
	}
	return func(e *env) value {
		base := len(e.text)
		for i := range parts {
			s := parts[i].text
			if of := parts[i].of; of != nil {
				var ok bool
				if s, ok = of(e).string(); !ok { // which may write a template itself
					e.text = e.text[:base]
					return value{}
				}
			}
			e.work(len(s))
			e.text = append(e.text, s...)
		}
		out := textOf(string(e.text[base:]))
		e.text = e.text[:base]
		return out
	}
}

// variable is where a loop's variable is kept, -1 if there is none of the name.
func (c *compiler) variable(name string) int {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i] == name {
			return c.first + i
		}
	}
	return -1
}

// within compiles f with further variables.
func (c *compiler) within(names []string, f func()) (first int) {
	n := len(c.vars)
	c.vars = append(c.vars, names...)
	c.most = max(c.most, c.first+len(c.vars))
	f()
	c.vars = c.vars[:n]
	return c.first + n
}

func (c *compiler) tuple(x *hclsyntax.TupleConsExpr) expr {
	parts := make([]expr, len(x.Exprs))
	for i, p := range x.Exprs {
		parts[i] = c.expr(p)
	}
	return func(e *env) value {
		out := e.arena.values.take(len(parts))[:0]
		for _, p := range parts {
			if v := p(e); v.kind != absent {
				out = append(out, v)
			}
		}
		return e.listOf(out)
	}
}

// constantly evaluates a list or object of nothing but literals here and now. Values
// are never changed once they were made, so all records can share it.
func constantly(x hclsyntax.Expression, f expr) expr {
	if !literal(x) {
		return f
	}
	v := f(new(env))
	return func(*env) value { return v }
}

// literal reports whether an expression needs no record.
func literal(x hclsyntax.Expression) bool {
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		_, ok := constant(x)
		return ok
	case *hclsyntax.TupleConsExpr:
		return !slices.ContainsFunc(x.Exprs, func(e hclsyntax.Expression) bool { return !literal(e) })
	case *hclsyntax.ObjectConsExpr:
		return !slices.ContainsFunc(x.Items, func(it hclsyntax.ObjectConsItem) bool {
			_, named := keyOf(it.KeyExpr)
			return !named || !literal(it.ValueExpr)
		})
	}
	return false
}

// keyOf is the name of a constructed member, ok false if it is computed.
func keyOf(x hclsyntax.Expression) (string, bool) {
	if k, ok := x.(*hclsyntax.ObjectConsKeyExpr); ok {
		if word := hcl.ExprAsKeyword(k.Wrapped); word != "" && !k.ForceNonLiteral {
			return word, true
		}
		return constant(unwrap(k.Wrapped))
	}
	return constant(x)
}

func unwrap(x hclsyntax.Expression) hclsyntax.Expression {
	for {
		p, ok := x.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return x
		}
		x = p.Expression
	}
}

func (c *compiler) object(x *hclsyntax.ObjectConsExpr) expr {
	type slot struct {
		member      // its name, and nothing as its value
		key    expr // nil: the name
		val    expr
	}
	slots := make([]slot, len(x.Items))
	seen := map[string]bool{}
	computed := false
	for i, it := range x.Items {
		s := &slots[i]
		s.val = c.expr(it.ValueExpr)
		if name, ok := keyOf(it.KeyExpr); ok {
			if seen[name] {
				c.fault(it.KeyExpr.Range(), fmt.Sprintf("member %q given twice", name), "Once is enough.")
			}
			seen[name] = true
			s.name = name
			continue
		}
		computed = true
		if k, ok := it.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok {
			s.key = c.expr(k.Wrapped)
		} else {
			s.key = c.expr(it.KeyExpr)
		}
	}
	c.later = append(c.later, func() {
		for i := range slots {
			slots[i].name, slots[i].class = c.m.names.known(slots[i].name)
		}
	})
	return func(e *env) value {
		out := e.object(len(slots))
		for i := range slots {
			s := &slots[i]
			v := s.val(e)
			if v.empty() {
				continue
			}
			if !computed {
				out.made.add(s.name, s.class, v)
				continue
			}
			m := member{s.name, s.class, v}
			if s.key != nil {
				name, ok := s.key(e).string()
				if !ok {
					continue
				}
				m = e.member(name, v)
			}
			e.work(4 * len(out.made.members)) // which are looked through for the name
			out.set(m)
		}
		return out
	}
}
