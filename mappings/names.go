package mappings

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// names of a traversal from its n-th step on, as far as they are names.
func names(t hcl.Traversal) (path []string, rest hcl.Traversal) {
	for i, step := range t {
		switch s := step.(type) {
		case hcl.TraverseAttr:
			path = append(path, s.Name)
			continue
		case hcl.TraverseIndex:
			if s.Key.Type() == cty.String {
				path = append(path, s.Key.AsString())
				continue
			}
		}
		return path, t[i:]
	}
	return path, nil
}

func (c *compiler) traversal(x *hclsyntax.ScopeTraversalExpr) expr {
	root, at := x.Traversal.RootName(), x.Traversal.SourceRange()
	if n := c.variable(root); n >= 0 {
		path, rest := names(x.Traversal[1:])
		return c.relative(c.under(n, path, func(e *env) value { return e.vars[n] }), rest)
	}
	switch root {
	case "raw":
		path, rest := names(x.Traversal[1:])
		n := c.m.paths.slot(&c.m.names, path)
		return c.relative(func(e *env) value { return e.read(e.slots[n]) }, rest)
	case "envelope":
		return c.envelope(x.Traversal[1:])
	case "item", "index":
		if !c.looped {
			return c.fault(at, root+" without each", "%s is there in an event block with each = <list>.", root)
		}
		if root == "index" {
			return func(e *env) value { return intOf(int64(e.index)) }
		}
		path, rest := names(x.Traversal[1:])
		return c.relative(c.under(bindingItem, path, func(e *env) value { return e.item }), rest)
	case "meta":
		return c.meta(x)
	case "local":
		return c.local(x)
	}
	return c.fault(at, fmt.Sprintf("unknown name %q", root), "%s",
		nearest.Advice(root, append([]string{"raw", "envelope", "item", "index", "meta", "local"}, c.vars...), "names"))
}

// envelope is a member of the outermost envelope that has it.
func (c *compiler) envelope(t hcl.Traversal) expr {
	path, rest := names(t)
	if len(path) == 0 {
		return c.fault(t.SourceRange(), "envelope of what", "Write envelope.<member>.")
	}
	name := c.m.names.attr(path[0])
	out := func(e *env) value {
		for _, v := range e.envelopes {
			if m := e.attribute(v, &name); m.kind != absent {
				return m
			}
		}
		return value{}
	}
	return c.relative(c.membersOf(out, path[1:]), rest)
}

// metaNames are what is known of a message beside its body.
var metaNames = []string{"source", "position", "received", "made"}

func (c *compiler) meta(x *hclsyntax.ScopeTraversalExpr) expr {
	path, _ := names(x.Traversal[1:])
	if len(path) != 1 {
		return c.fault(x.Range(), "meta of what", "Write meta.%s.", strings.Join(metaNames, ", meta."))
	}
	switch path[0] {
	case "source":
		return func(e *env) value { return textOf(e.source) }
	case "position":
		return func(e *env) value { return textOf(e.position) }
	case "received":
		return func(e *env) value { return e.momentOf(e.received) }
	case "made":
		return func(e *env) value { return e.momentOf(e.sent) }
	}
	return c.fault(x.Range(), fmt.Sprintf("unknown name %q", "meta."+path[0]), "%s", nearest.Advice(path[0], metaNames, "names of meta"))
}

func (c *compiler) local(x *hclsyntax.ScopeTraversalExpr) expr {
	path, rest := names(x.Traversal[1:])
	if len(path) == 0 {
		return c.fault(x.Range(), "local of what", "Write local.<name>, with a name from a locals block.")
	}
	n, ok := c.m.localAt[path[0]]
	if !ok {
		return c.fault(x.Range(), fmt.Sprintf("unknown local %q", path[0]), "%s", nearest.Advice(path[0], c.m.localNames(), "locals"))
	}
	if n >= len(c.m.locals) { // locals see those above them only, so that none is made of itself
		return c.fault(x.Range(), fmt.Sprintf("local %q is not known here yet", path[0]), "Locals may use those that stand above them.")
	}
	if len(path) == 1 {
		return c.relative(func(e *env) value { return e.read(*e.local(n)) }, rest)
	}
	attrs := c.attrs(path[1:])
	if len(attrs) == 1 {
		return c.relative(func(e *env) value { return e.read(e.attribute(*e.local(n), &attrs[0])) }, rest)
	}
	return c.relative(c.under(bindingLocals, path[1:], func(e *env) value { return *e.local(n) }, path[0]), rest)
}

// What a path leads through is kept for the next path through it, as in
// x.account.name and x.account.id, until what it begins with means another value:
// a variable in the next turn of its loop, item in the next event, locals in the
// next record.
const (
	bindingLocals = -1 - iota
	bindingItem
	bindings = iota // beside those of variables
)

// kept is the value that a path leads through.
type kept struct {
	since uint64 // binding for which it was found; see env.bound
	value value
}

// bind says that what is bound at a place means another value from now on.
func (e *env) bind(place int) {
	e.binding++
	e.bound[bindings+place] = e.binding
}

// under compiles a path below what is bound at a place. More names tell apart
// what is bound at the same one.
func (c *compiler) under(place int, path []string, root expr, more ...string) expr {
	attrs := c.attrs(path)
	switch len(attrs) {
	case 0:
		return func(e *env) value { return e.read(root(e)) }
	case 1:
		return func(e *env) value { return e.read(e.attribute(root(e), &attrs[0])) }
	}
	through, last := attrs[:len(attrs)-1], &attrs[len(attrs)-1]
	key := fmt.Sprintf("%d %q %q", place, more, path[:len(path)-1])
	n, known := c.kept[key]
	if !known {
		n = len(c.kept)
		c.kept[key] = n
	}
	place += bindings
	return func(e *env) value {
		k := &e.kept[n]
		if since := e.bound[place]; k.since != since {
			k.value = e.below(root(e), through)
			k.since = since
		}
		return e.read(e.attribute(k.value, last))
	}
}

// local is the n-th local, which is computed once.
func (e *env) local(n int) *value {
	v := &e.locals[n]
	if !e.known[n] {
		e.known[n] = true
		*v = e.m.locals[n](e)
	}
	return v
}

// attrs are the names of a path, for below.
func (c *compiler) attrs(path []string) []attr {
	attrs := make([]attr, len(path))
	for i, name := range path {
		attrs[i] = c.m.names.attr(name)
	}
	return attrs
}

// below is a member of a member and so on.
func (e *env) below(v value, attrs []attr) value {
	for i := range attrs {
		if v.kind != object {
			return value{}
		}
		v = e.attribute(v, &attrs[i])
	}
	return v
}

func (c *compiler) membersOf(of expr, path []string) expr {
	if len(path) == 0 {
		return of
	}
	attrs := c.attrs(path)
	return func(e *env) value { return e.read(e.below(of(e), attrs)) }
}

func (c *compiler) relative(of expr, t hcl.Traversal) expr {
	for len(t) > 0 {
		path, rest := names(t)
		of = c.membersOf(of, path)
		if len(rest) == 0 {
			break
		}
		if step, ok := rest[0].(hcl.TraverseIndex); ok {
			of = c.at(of, c.literal(step.Key, step.SrcRange), true)
		}
		t = rest[1:]
	}
	return of
}

// at is an element by number or a member by name. A literal key needs no record.
func (c *compiler) at(of, key expr, literal bool) expr {
	if literal {
		if n, ok := key(nil).int(); ok {
			return func(e *env) value {
				v := of(e)
				if v.kind == absent {
					return v
				}
				if v.kind != object {
					e.work(2 * v.len())
					return e.element(v, int(n))
				}
				s, _ := key(e).string()
				return e.named(v, s)
			}
		}
	}
	return func(e *env) value {
		k, v := key(e), of(e)
		if v.kind == absent {
			return value{}
		}
		if n, ok := k.int(); ok && v.kind != object {
			e.work(2 * v.len())
			return e.element(v, int(n))
		}
		if s, ok := k.string(); ok {
			return e.named(v, s)
		}
		return value{}
	}
}
