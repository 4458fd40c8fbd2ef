package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// testFile is one *_test.rego with the data of its cases.
type testFile struct {
	file   file
	module *ast.Module
	cases  file // zero: none
	data   any  // of the cases
}

// ruleOf is the rule that a test file is about: the one of its name, or of the
// longest name that its own begins with, as in <rule>_<topic>_test.rego. Nil if
// there is none.
func (p *pack) ruleOf(base string) (found *rule) {
	for _, ru := range p.rules {
		if ru.name != base && !strings.HasPrefix(base, ru.name+"_") {
			continue
		}
		if found == nil || len(ru.name) > len(found.name) {
			found = ru
		}
	}
	return found
}

// check holds the inputs that tests give against what the rule can see, since
// nothing else would: a test that passes on an input that cannot exist proves
// nothing.
func (t *testFile) check(r *report, p *pack) {
	tested := p.ruleOf(t.file.base)
	var input *shape
	if tested != nil && tested.needs != unsaid {
		input = tested.input
	}
	if strings.HasPrefix(t.file.path, "signals/") && tested == nil && p.complete {
		r.errorf(at(t.module.Package.Location), "name the file and its package after the rule: <rule>_test or <rule>_<topic>_test", "there is no rule %q to test", t.file.base)
	}
	if t.cases.name != "" {
		t.checkCases(r, input)
	}
	if input == nil {
		return
	}
	in := inputCheck{r: r, constants: map[ast.Var]*ast.Term{}}
	for _, ru := range t.module.Rules {
		if h := ru.Head; len(h.Ref()) == 1 && h.Key == nil && len(h.Args) == 0 && h.Value != nil && len(ru.Body) == 1 {
			in.constants[h.Name] = h.Value
		}
	}
	ast.WalkExprs(t.module, func(e *ast.Expr) bool {
		for _, w := range e.With {
			target, ok := w.Target.Value.(ast.Ref)
			if !ok || !target.HasPrefix(ast.InputRootRef) {
				continue
			}
			s := input
			for n, step := range target[1:] {
				name, isName := step.Value.(ast.String)
				if s = in.step(at(step.Location), s, target[:n+1].String(), string(name), isName); s == nil {
					break
				}
			}
			if s != nil {
				in.term(s, w.Value, target.String(), 0)
			}
		}
		return false
	})
}

// checkCases reads data.cases.<name>; whatever stands there under the name input
// must be one.
func (t *testFile) checkCases(r *report, input *shape) {
	v, err := strictjson.Parse([]byte(t.cases.text), strictjson.Limits{Depth: 64})
	if err != nil {
		r.errorf(place{file: t.cases.name}, "", "the cases cannot be read: %v", err)
		return
	}
	t.data = v.Any()
	if input == nil {
		return
	}
	var walk func(v strictjson.Value, path string)
	walk = func(v strictjson.Value, path string) {
		for name, m := range v.Members() {
			if name == "input" {
				for _, problem := range input.violations(m, "input") {
					r.errorf(place{file: t.cases.name}, "", "%s: %s", path, problem)
				}
				continue
			}
			walk(m, path+"."+name)
		}
		n := 0
		for e := range v.Elements() {
			walk(e, fmt.Sprintf("%s[%d]", path, n))
			n++
		}
	}
	walk(v, "data.cases."+t.file.base)
}

// violations says how a JSON value differs from the shape.
func (s *shape) violations(v strictjson.Value, path string) []string {
	if s == nil || s.kind == "" {
		return nil
	}
	if v.Kind().String() != s.kind {
		return []string{fmt.Sprintf("%s must be of type %s, not %s", path, s.kind, v.Kind())}
	}
	var list []string
	if s.enum != nil && !slices.Contains(s.enum, v.Text()) {
		list = append(list, advise(fmt.Sprintf("%s is never %q", path, v.Text()), didYouMean(v.Text(), s.enum)))
	}
	for _, name := range s.required {
		if v.Kind() == strictjson.Object && !v.Get(name).Exists() {
			list = append(list, fmt.Sprintf("%s.%s is missing: it is always there", path, name))
		}
	}
	if s.members != nil {
		for name, m := range v.Members() {
			if s.members[name] == nil {
				list = append(list, advise(fmt.Sprintf("the rule cannot see %s.%s", path, name), didYouMean(name, s.names())))
				continue
			}
			list = append(list, s.members[name].violations(m, path+"."+name)...)
		}
	}
	n := 0
	for e := range v.Elements() {
		list = append(list, s.items.violations(e, fmt.Sprintf("%s[%d]", path, n))...)
		n++
	}
	return list
}

func advise(problem, advice string) string {
	if advice == "" {
		return problem
	}
	return problem + ", " + advice
}

// inputCheck holds literal inputs of a test's text against a shape.
type inputCheck struct {
	r         *report
	constants map[ast.Var]*ast.Term
}

// step goes to a member and reports one that cannot be there.
func (c inputCheck) step(p place, s *shape, parent, name string, isName bool) *shape {
	if s.members == nil || !isName {
		return nil
	}
	next := s.members[name]
	if next == nil {
		c.r.errorf(p, didYouMean(name, s.names()), "the rule cannot see %s.%s", parent, name)
	}
	return next
}

// term checks what is constant of a term; the rest is for the test to know.
func (c inputCheck) term(s *shape, t *ast.Term, path string, depth int) {
	if s == nil || s.kind == "" || depth > 32 {
		return
	}
	kind := ""
	switch v := t.Value.(type) {
	case ast.Var:
		if constant := c.constants[v]; constant != nil {
			c.term(s, constant, path, depth+1)
		}
		return
	case ast.String:
		kind = "string"
		if s.enum != nil && s.kind == kind && !slices.Contains(s.enum, string(v)) {
			c.r.errorf(at(t.Location), didYouMean(string(v), s.enum), "%s is never %s", path, t)
			return
		}
	case ast.Number:
		kind = "number"
	case ast.Boolean:
		kind = "boolean"
	case ast.Null:
		kind = "null"
	case *ast.Array:
		kind = "array"
	case ast.Object:
		kind = "object"
	default:
		return
	}
	if kind != s.kind {
		c.r.errorf(at(t.Location), "", "%s must be of type %s, not %s", path, s.kind, kind)
		return
	}
	switch v := t.Value.(type) {
	case *ast.Array:
		v.Foreach(func(e *ast.Term) { c.term(s.items, e, path+"[]", depth+1) })
	case ast.Object:
		v.Foreach(func(k, e *ast.Term) {
			name, isName := k.Value.(ast.String)
			if next := c.step(at(k.Location), s, path, string(name), isName); next != nil {
				c.term(next, e, path+"."+string(name), depth+1)
			}
		})
		if s.members != nil {
			for _, name := range s.required {
				if v.Get(ast.StringTerm(name)) == nil {
					c.r.errorf(at(t.Location), "add it", "%s.%s is missing: it is always there", path, name)
				}
			}
		}
	}
}
