package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// checkShapes holds the types the compiler found for each body against what its
// document may hold. What has no type before it runs is checked then.
func checkShapes(r *report, c *ast.Compiler, ru *rule) {
	for _, d := range ru.documents {
		for _, b := range d.bodies {
			p := at(b.written.Head.Location)
			value := c.TypeEnv.GetByRef(b.hidden)
			if d.name == factsDoc {
				value = factType(value)
			} else if set, ok := value.(*types.Set); ok {
				value = set.Of()
			}
			for _, t := range alternatives(value) {
				checkResult(r, p, d.name, t)
			}
		}
	}
}

// factType is the type of the values of a facts body.
func factType(t types.Type) types.Type {
	obj, ok := t.(*types.Object)
	if !ok {
		return nil
	}
	if props := obj.StaticProperties(); len(props) == 1 {
		return props[0].Value
	}
	if dynamic := obj.DynamicProperties(); dynamic != nil {
		return dynamic.Value
	}
	return nil
}

// alternatives takes a union apart; a type that is not known gives none.
func alternatives(t types.Type) []types.Type {
	switch t := t.(type) {
	case nil:
		return nil
	case types.Any:
		return t
	}
	return []types.Type{t}
}

// checkResult checks one type a document may hold.
func checkResult(r *report, p place, document string, t types.Type) {
	if document == notesDoc {
		if !possible(t, "string") {
			r.errorf(p, "write a template string", "a note must be text, not %s", t)
		}
		return
	}
	obj, ok := t.(*types.Object)
	if !ok {
		r.errorf(p, "", "%s must be objects, not %s", document, t)
		return
	}
	required, optional := map[string][]string{
		actionsDoc: {"type", "reason"},
		factsDoc:   {"value", "ttl"},
		timersDoc:  {"name", "after"},
	}[document], map[string][]string{
		factsDoc:  {"of"},
		timersDoc: {"data"},
	}[document]
	given := map[string]types.Type{}
	for _, sp := range obj.StaticProperties() {
		if name, ok := sp.Key.(string); ok {
			given[name] = sp.Value
		}
	}
	if obj.DynamicProperties() == nil {
		for _, name := range required {
			if given[name] == nil {
				r.errorf(p, "add it", "this body of %s gives no %s", document, name)
			}
		}
	}
	known := slices.Concat(required, optional)
	for _, sp := range obj.StaticProperties() {
		name, _ := sp.Key.(string)
		switch {
		case document != actionsDoc && !slices.Contains(known, name):
			r.errorf(p, didYouMean(name, known), "unknown member %q of %s", name, document)
		case slices.Contains([]string{"type", "reason", "key", "mode", "name", "of"}, name) && !possible(sp.Value, "string"):
			r.errorf(p, "", "%s of %s must be text, not %s", name, document, sp.Value)
		case (name == "after" || name == "ttl") && !possible(sp.Value, "string") && !possible(sp.Value, "number"):
			r.errorf(p, `such as "15m"`, "%s of %s must be a duration, not %s", name, document, sp.Value)
		}
	}
}

// possible reports whether a value of the type can be of the kind.
func possible(t types.Type, kind string) bool {
	switch t := t.(type) {
	case types.Any:
		return len(t) == 0 || slices.ContainsFunc(t, func(o types.Type) bool { return possible(o, kind) })
	case types.String:
		return kind == "string"
	case types.Number:
		return kind == "number"
	case types.Boolean, types.Null, *types.Array, *types.Object, *types.Set:
		return false
	}
	return true
}
