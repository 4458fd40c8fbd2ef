package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// checker walks one module as its author wrote it and finds what the type
// checker cannot: values outside an enum, members that exist but were not
// declared, whole branches handed to functions, and references to what is not
// the rule's business.
type checker struct {
	r       *report
	pack    *pack
	rule    *rule // nil for a library
	self    ast.Ref
	used    pipeline.Needs
	aliases map[ast.Var]ast.Ref // of imports
	globals scope               // private rules that are another name for a part of the input
}

// scope maps variables to the part of the input they stand for.
type scope map[ast.Var]*shape

// checkRule runs the checks of a rule's text.
func checkRule(r *report, p *pack, ru *rule, o Options) {
	c := &checker{r: r, pack: p, rule: ru}
	c.module(ru.module)
	for _, n := range ru.needNames {
		if !c.used.Has(pipeline.NeedNames[n]) && !r.failedIn(ru.file) {
			r.warnf(ru.place, "remove it from needs: what is needed is read and locked for every event", "the rule needs %s and never reads it", n)
		}
	}
	for _, d := range ru.documents {
		if d.name == actionsDoc {
			for _, b := range d.bodies {
				checkAction(r, b, o)
			}
		}
	}
}

// checkLibrary runs the checks of a library's text.
func checkLibrary(r *report, p *pack, m *ast.Module) {
	c := &checker{r: r, pack: p}
	c.module(m)
}

func (c *checker) module(m *ast.Module) {
	c.self, c.aliases, c.globals = m.Package.Path, map[ast.Var]ast.Ref{}, scope{}
	for _, imp := range m.Imports {
		ref, ok := imp.Path.Value.(ast.Ref)
		if !ok || ref[0].Equal(ast.VarTerm("rego")) || ref[0].Equal(ast.VarTerm("future")) {
			continue
		}
		if !ref.HasPrefix(ast.MustParseRef("data.lib")) && !ref.HasPrefix(ast.MustParseRef("data.lists")) {
			c.r.errorf(at(imp.Path.Location), "only data.lib and data.lists can be imported", "import of %s", ref)
			continue
		}
		c.aliases[imp.Name()] = ref
	}
	definitions := map[ast.Var]int{}
	for _, ru := range m.Rules {
		definitions[ru.Head.Ref()[0].Value.(ast.Var)]++
	}
	for range 2 { // one may stand for another
		for _, ru := range m.Rules {
			name := ru.Head.Ref()[0].Value.(ast.Var)
			if definitions[name] == 1 && len(ru.Head.Ref()) == 1 && len(ru.Head.Args) == 0 && ru.Head.Key == nil && ru.Head.Value != nil {
				if s := c.shapeOf(ru.Head.Value, c.globals); s != nil {
					c.globals[name] = s
				}
			}
		}
	}
	for _, ru := range m.Rules {
		for ; ru != nil; ru = ru.Else {
			c.definition(ru)
		}
	}
}

func (c *checker) definition(ru *ast.Rule) {
	env := maps.Clone(c.globals)
	for _, a := range ru.Head.Args {
		ast.WalkVars(a, func(v ast.Var) bool { delete(env, v); return false })
	}
	c.body(ru.Body, env)
	for _, t := range ru.Head.Ref()[1:] {
		c.term(t, env)
	}
	c.term(ru.Head.Key, env)
	c.term(ru.Head.Value, env)
}

// body binds the variables of a body, in whatever order they are written, and
// checks its expressions. It adds to env.
func (c *checker) body(b ast.Body, env scope) {
	for range 3 {
		for _, e := range b {
			c.bind(e, env)
		}
	}
	for _, e := range b {
		c.expr(e, env)
	}
}

// bind notes what an expression says a variable stands for.
func (c *checker) bind(e *ast.Expr, env scope) {
	switch t := e.Terms.(type) {
	case []*ast.Term:
		op := operator(e)
		if (op == "assign" || op == "eq") && len(t) == 3 {
			if v, ok := t[1].Value.(ast.Var); ok {
				if s := c.shapeOf(t[2], env); s != nil {
					env[v] = s
				} else if op == "assign" {
					delete(env, v)
				}
			}
		}
	case *ast.SomeDecl:
		if len(t.Symbols) != 1 {
			return
		}
		call, ok := t.Symbols[0].Value.(ast.Call)
		if !ok || len(call) < 3 {
			return
		}
		c.bindElement(call[len(call)-2], call[len(call)-1], env)
	}
}

// bindElement lets a variable stand for the elements of a collection.
func (c *checker) bindElement(value, domain *ast.Term, env scope) {
	v, ok := value.Value.(ast.Var)
	if !ok {
		return
	}
	if s := c.shapeOf(domain, env); s != nil && s.items != nil {
		env[v] = s.items
	} else {
		delete(env, v)
	}
}

func (c *checker) expr(e *ast.Expr, env scope) {
	for _, w := range e.With {
		c.r.errorf(at(w.Location), "a rule sees its input as it is; with is for tests", "with in a rule")
	}
	switch t := e.Terms.(type) {
	case *ast.Term:
		c.term(t, env)
	case []*ast.Term:
		c.call(t, env)
	case *ast.SomeDecl:
		for _, s := range t.Symbols {
			c.term(s, env)
		}
	case *ast.Every:
		c.domain(t.Domain, env)
		inner := maps.Clone(env)
		c.bindElement(t.Value, t.Domain, inner)
		c.body(t.Body, inner)
	}
}

// call checks an operator or function with its operands.
func (c *checker) call(t []*ast.Term, env scope) {
	op := t[0].String()
	c.term(t[0], env)
	switch op {
	case "assign", "eq", "equal", "neq":
		if len(t) == 3 {
			c.compare(t[1], t[2], env)
			c.compare(t[2], t[1], env)
		}
	case "internal.member_2", "internal.member_3":
		c.compare(t[len(t)-2], t[len(t)-1], env)
		c.domain(t[len(t)-1], env)
	default:
		for _, arg := range t[1:] {
			if s := c.shapeOf(arg, env); s.branch() {
				c.r.errorf(at(arg.Location), "hand on the members it needs, such as "+arg.String()+"."+s.names()[0], "%s is handed to %s whole", arg, op)
			}
		}
	}
	for _, arg := range t[1:] {
		c.term(arg, env)
	}
}

// domain refuses iteration over the members of a branch.
func (c *checker) domain(t *ast.Term, env scope) {
	if s := c.shapeOf(t, env); s.branch() {
		c.r.errorf(at(t.Location), "name the members", "%s is walked over", t)
	}
}

// compare checks literals against the values their other side can have.
func (c *checker) compare(side, other *ast.Term, env scope) {
	s := c.shapeOf(side, env)
	if s == nil || s.enum == nil {
		return
	}
	check := func(lit *ast.Term) {
		text, ok := lit.Value.(ast.String)
		if !ok || slices.Contains(s.enum, string(text)) {
			return
		}
		detail := didYouMean(string(text), s.enum)
		if _, known := event.ByName(string(text)); known && c.rule != nil && s == c.rule.input.members["event"].members["type"] {
			detail = "the rule is not about it: add it to on"
		}
		c.r.errorf(at(lit.Location), detail, "%s is never %s", side, lit)
	}
	switch v := other.Value.(type) {
	case ast.String:
		check(other)
	case ast.Set:
		v.Foreach(check)
	case *ast.Array:
		v.Foreach(check)
	}
}

// term checks everything inside a term.
func (c *checker) term(t *ast.Term, env scope) {
	if t == nil {
		return
	}
	switch v := t.Value.(type) {
	case ast.Ref:
		c.ref(v, t, env)
		for _, p := range v[1:] {
			c.term(p, env)
		}
		if _, isVar := v[0].Value.(ast.Var); !isVar {
			c.term(v[0], env)
		}
	case ast.Var:
		if v.Equal(ast.InputRootDocument.Value) || v.Equal(ast.DefaultRootDocument.Value) {
			c.ref(ast.Ref{t}, t, env)
		}
	case ast.Call:
		c.call(v, env)
	case ast.Object:
		v.Foreach(func(k, e *ast.Term) { c.term(k, env); c.term(e, env) })
	case *ast.Array:
		v.Foreach(func(e *ast.Term) { c.term(e, env) })
	case ast.Set:
		v.Foreach(func(e *ast.Term) { c.term(e, env) })
	case *ast.ArrayComprehension:
		inner := maps.Clone(env)
		c.body(v.Body, inner)
		c.term(v.Term, inner)
	case *ast.SetComprehension:
		inner := maps.Clone(env)
		c.body(v.Body, inner)
		c.term(v.Term, inner)
	case *ast.ObjectComprehension:
		inner := maps.Clone(env)
		c.body(v.Body, inner)
		c.term(v.Key, inner)
		c.term(v.Value, inner)
	case *ast.TemplateString:
		for _, part := range v.Parts {
			switch part := part.(type) {
			case *ast.Expr:
				c.expr(part, env)
			case *ast.Term:
				c.term(part, env)
			}
		}
	}
}

// ref checks one reference.
func (c *checker) ref(ref ast.Ref, t *ast.Term, env scope) {
	root, ok := ref[0].Value.(ast.Var)
	if !ok {
		return
	}
	if full, ok := c.aliases[root]; ok {
		c.data(full.Concat(ref[1:]), t)
		return
	}
	switch s := env[root]; {
	case root.Equal(ast.DefaultRootDocument.Value):
		c.data(ref, t)
	case root.Equal(ast.InputRootDocument.Value) && c.rule == nil:
		c.r.errorf(at(t.Location), "give it as an argument", "a library function must not read input")
	case root.Equal(ast.InputRootDocument.Value) && len(ref) == 1:
		c.r.errorf(at(t.Location), "name the members", "the whole input is used")
	case root.Equal(ast.InputRootDocument.Value):
		c.walk(c.rule.input, contract, ref)
	case s != nil:
		c.walk(s, nil, ref)
	}
}

// walk follows a reference through the input and reports the first step that
// leads nowhere. Full is the input of a rule that needs everything, for telling
// what is misspelt from what is not declared.
func (c *checker) walk(s, full *shape, ref ast.Ref) {
	for i, step := range ref[1:] {
		if s == nil {
			return
		}
		c.used |= pipeline.NeedNames[s.needs]
		name, isName := step.Value.(ast.String)
		switch {
		case s.branch() && !isName:
			c.r.errorf(at(step.Location), "name the member", "%s is looked up by a value", ref[:i+1])
			return
		case s.members != nil:
			next := s.members[string(name)]
			var declared *shape
			if full != nil && full.members != nil {
				declared = full.members[string(name)]
			}
			if next == nil {
				c.missing(at(step.Location), ref[:i+1], string(name), s, declared)
				return
			}
			s, full = next, declared
		case s.kind == "array":
			s, full = s.items, nil
		default:
			return
		}
	}
	if s != nil {
		c.used |= pipeline.NeedNames[s.needs]
	}
}

// missing reports a member that the rule cannot see.
func (c *checker) missing(p place, parent ast.Ref, name string, s, declared *shape) {
	switch {
	case declared != nil && declared.needs != "":
		c.r.errorf(p, "add "+declared.needs+" to needs", "%s.%s is not declared", parent, name)
	case name == "window" && len(parent) == 1:
		c.r.errorf(p, "add windows to the METADATA block", "the rule has no windows")
	default:
		detail := didYouMean(name, s.names())
		if parent.String() == "input.event.body" && detail == "" {
			detail = "the payloads of the events in on have " + strings.Join(s.names(), ", ")
		}
		c.r.errorf(p, detail, "there is no %s.%s", parent, name)
	}
}

// data checks a reference into data.
func (c *checker) data(ref ast.Ref, t *ast.Term) {
	if len(ref) > 2 {
		group, _ := ref[1].Value.(ast.String)
		name, named := ref[2].Value.(ast.String)
		switch {
		case ref.HasPrefix(c.self):
			return
		case group == "lib" && named:
			return
		case group == "lists" && named:
			if _, ok := c.pack.lists[string(name)]; !ok {
				c.r.errorf(at(t.Location), didYouMean(string(name), slices.Collect(maps.Keys(c.pack.lists))), "there is no list %q", string(name))
			}
			return
		}
	}
	c.r.errorf(at(t.Location), "a rule reads input, its own package, data.lib.<name> and data.lists.<name>", "%s is out of reach", ref)
}

// shapeOf returns the part of the input a term stands for, nil if it is not one
// or cannot be told.
func (c *checker) shapeOf(t *ast.Term, env scope) *shape {
	switch v := t.Value.(type) {
	case ast.Var:
		if c.rule != nil && v.Equal(ast.InputRootDocument.Value) {
			return c.rule.input
		}
		return env[v]
	case ast.Ref:
		root, ok := v[0].Value.(ast.Var)
		if !ok {
			return nil
		}
		s := env[root]
		if root.Equal(ast.InputRootDocument.Value) && c.rule != nil {
			s = c.rule.input
		}
		for _, step := range v[1:] {
			if s == nil {
				return nil
			}
			name, isName := step.Value.(ast.String)
			switch {
			case s.members != nil && isName:
				s = s.members[string(name)]
			case s.kind == "array":
				s = s.items
			default:
				return nil
			}
		}
		return s
	}
	return nil
}

// operator is the name of the function an expression calls, "" if it is none.
func operator(e *ast.Expr) string {
	if t, ok := e.Terms.([]*ast.Term); ok && len(t) > 0 {
		return t[0].String()
	}
	return ""
}

// actionType is the action type that the body spells out, "" if it does not.
func (b *body) actionType() string {
	if b.document != actionsDoc {
		return ""
	}
	obj := literalAction(b.written)
	if obj == nil {
		return ""
	}
	if t := obj.Get(ast.StringTerm("type")); t != nil {
		if name, ok := t.Value.(ast.String); ok {
			return string(name)
		}
	}
	return ""
}

// checkAction checks the constants of an action where the body spells it out.
func checkAction(r *report, b *body, o Options) {
	obj := literalAction(b.written)
	if obj == nil {
		return
	}
	member := func(name string) *ast.Term { return obj.Get(ast.StringTerm(name)) }
	if t := member("type"); t != nil && o.ActionTypes != nil {
		if name, ok := t.Value.(ast.String); ok && !slices.Contains(o.ActionTypes, string(name)) {
			r.errorf(at(t.Location), didYouMean(string(name), o.ActionTypes), "there is no action type %q", string(name))
		}
	}
	if t := member("mode"); t != nil {
		if name, ok := t.Value.(ast.String); ok && !slices.Contains(modes, string(name)) {
			r.errorf(at(t.Location), didYouMean(string(name), modes), "unknown mode %q", string(name))
		}
	}
	if t := member("reason"); t != nil {
		if call, ok := t.Value.(ast.Call); ok && call[0].String() == "sprintf" {
			r.errorf(at(t.Location), `write $"... {value} ...", which keeps the action when a value is missing`, "the reason is made with sprintf")
		}
	}
}

// literalAction is the object a body adds to actions, found in its head or
// assigned to the variable in its head; nil if it is made otherwise.
func literalAction(written *ast.Rule) ast.Object {
	key := written.Head.Key
	if key == nil {
		return nil
	}
	if v, ok := key.Value.(ast.Var); ok {
		for _, e := range written.Body {
			if t, ok := e.Terms.([]*ast.Term); ok && len(t) == 3 && fmt.Sprint(t[0]) == "assign" && t[1].Value.Compare(v) == 0 {
				key = t[2]
			}
		}
	}
	obj, _ := key.Value.(ast.Object)
	return obj
}
