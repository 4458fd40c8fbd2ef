package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// findIndex notes where the compiler keeps the rule index of the document. Facts
// with names of their own have one index each, unless there are facts[name]:
// then all share theirs.
func (d *document) findIndex(c *ast.Compiler, pkg ast.Ref) {
	path := pkg.Append(ast.StringTerm(d.name))
	d.byRow = map[position]*body{}
	for _, b := range d.bodies {
		d.byRow[positionOf(b.written.Head.Location)] = b
	}
	if ix := c.RuleIndex(path); ix != nil {
		d.index = []ast.RuleIndex{ix}
		return
	}
	var seen []ast.Ref
	for _, ru := range c.GetRulesWithPrefix(path) {
		at := ru.Ref().GroundPrefix()
		if slices.ContainsFunc(seen, func(o ast.Ref) bool { return o.Equal(at) }) {
			continue
		}
		seen = append(seen, at)
		if ix := c.RuleIndex(at); ix != nil {
			d.index = append(d.index, ix)
			continue
		}
		for _, other := range c.GetRulesExact(at) {
			if b := d.byRow[positionOf(other.Head.Location)]; b != nil && !slices.Contains(d.always, b) {
				d.always = append(d.always, b)
			}
		}
	}
}

// candidates returns the bodies that could hold for the input, in order, into
// the given slice. It fails towards evaluation: what the index cannot tell stays.
func (d *document) candidates(in ast.ValueResolver, list []*body) []*body {
	list = append(list[:0], d.always...)
	for _, ix := range d.index {
		found, err := ix.Lookup(in)
		if err != nil {
			return append(list[:0], d.bodies...)
		}
		for _, ru := range found.Rules {
			b := d.byRow[positionOf(ru.Head.Location)]
			if b == nil {
				ast.IndexResultPool.Put(found)
				return append(list[:0], d.bodies...)
			}
			list = append(list, b)
		}
		ast.IndexResultPool.Put(found)
	}
	if len(list) > 1 {
		slices.SortFunc(list, func(a, b *body) int { return a.order - b.order })
	}
	return list
}

// documentResolver answers the index from the input as it was written, before
// anything of the evaluator's is built. References it does not know are unknown,
// not undefined: undefined would skip rules in silence. Answers are kept, because
// the documents of a rule ask the same.
type documentResolver struct {
	root  strictjson.Value
	known [8]answer
	count int
}

type answer struct {
	ref   ast.Ref
	value ast.Value
}

// Resolve implements ast.ValueResolver.
func (d *documentResolver) Resolve(ref ast.Ref) (ast.Value, error) {
	for i := range d.known[:d.count] {
		if sameRef(d.known[i].ref, ref) {
			return d.known[i].value, nil
		}
	}
	if len(ref) == 0 || !ref[0].Equal(ast.InputRootDocument) {
		return nil, ast.UnknownValueErr{}
	}
	v := d.root
	for _, step := range ref[1:] {
		name, ok := step.Value.(ast.String)
		if !ok || v.Kind() == strictjson.Array {
			return nil, ast.UnknownValueErr{}
		}
		v = v.Get(string(name))
	}
	var value ast.Value
	if v.Exists() {
		value = toValue(v)
	}
	if d.count < len(d.known) {
		d.known[d.count] = answer{ref, value}
		d.count++
	}
	return value, nil
}

// sameRef reports whether two references are equal. Those of one input differ
// in their last steps, which are names, so it looks there first.
func sameRef(a, b ast.Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i := len(a) - 1; i >= 0; i-- {
		x, isName := a[i].Value.(ast.String)
		y, isToo := b[i].Value.(ast.String)
		if isName != isToo || isName && x != y || !isName && !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// IndexEveryCandidateEvaluated implements ast.IndexEveryCandidateEvaluated.
func (*documentResolver) IndexEveryCandidateEvaluated() bool { return true }

// strangerResolver is an event that no rule is about.
type strangerResolver struct{}

// Resolve implements ast.ValueResolver.
func (strangerResolver) Resolve(ref ast.Ref) (ast.Value, error) {
	if len(ref) == 0 || !ref[0].Equal(ast.InputRootDocument) {
		return nil, ast.UnknownValueErr{}
	}
	return ast.String("\x00nothing any rule is about"), nil
}

// warnUnindexed tells the author of bodies that every event of the rule enters.
func (ru *rule) warnUnindexed(r *report) {
	for _, d := range ru.documents {
		if d.name != actionsDoc {
			continue
		}
		for _, b := range d.candidates(strangerResolver{}, nil) {
			r.warnf(at(b.written.Head.Location),
				`add an equality such as input.event.type == "...": comparisons, negation and functions cannot turn an event away early`,
				"every event of the rule has to be evaluated for this body")
		}
	}
}
