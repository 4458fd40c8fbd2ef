package policies

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// capturedSuffix ends the names of the test and case files that Capture writes,
// so that those people write are never touched.
const capturedSuffix = "_captured"

// CaptureRequest asks for a test of what one rule makes of an input.
type CaptureRequest struct {
	Rule  string
	Name  string   // of the case; "" is the type of the event and a number
	Input []byte   // as journaled
	Keep  []string // texts that are not replaced
}

// Captured is a new test case.
type Captured struct {
	Rule     string
	Name     string
	Branches []string          // bodies that held
	Files    map[string][]byte // by path in the tree, with their whole new content

	text string // of the case
}

// Capture makes a test of what a rule decides on an input, for the tree of a
// user over the shipped pack. Identifiers are replaced in the same form
// everywhere, and what the rule does not read is left out. It fails rather than
// give away an identifier, or a case on which the rule decides otherwise than on
// the original, or one whose test does not pass. Nothing is written: the caller
// gets the content of the files.
func Capture(ctx context.Context, fsys fs.FS, o Options, req CaptureRequest) (*Captured, []Problem, error) {
	o.Rules = nil
	set, problems := Load(fsys, o)
	if set == nil {
		return nil, problems, nil
	}
	ru := set.rules[req.Rule]
	if ru == nil {
		return nil, nil, fmt.Errorf("there is no rule %q%s", req.Rule, orElse(didYouMean(req.Rule, slices.Collect(maps.Keys(set.rules)))))
	}
	root, err := strictjson.Parse(req.Input, inputLimits)
	if err != nil {
		return nil, nil, fmt.Errorf("read the input document: %w", err)
	}
	original, _ := ru.input.only(root.Any()).(map[string]any)
	p := readPack(&report{sources: map[string]string{}}, fsys, o)
	modules := []*ast.Module{ru.module}
	for _, m := range p.libs {
		modules = append(modules, m)
	}
	red := newRedaction(root, literals(modules...), req.Keep)
	for name := range set.rules {
		red.words[name] = true
	}
	redacted, _ := red.value(original, ru.input, false).(map[string]any)
	document, err := json.Marshal(redacted)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range ru.input.violations(mustParse(document), "input") {
		return nil, nil, fmt.Errorf("rule %s cannot see this input: %s; it may have changed since", req.Rule, v)
	}
	branches, err := set.sameDecision(ctx, ru, original, document)
	if err != nil {
		return nil, nil, err
	}
	want, err := set.documentsOf(ctx, ru, document)
	if err != nil {
		return nil, nil, err
	}
	c, err := p.newCase(ru, req.Name, document, want)
	if err != nil {
		return nil, nil, err
	}
	c.Branches = branches
	if leak := red.leak(c.Name+"\n"+c.text, modules); leak != "" {
		return nil, nil, fmt.Errorf("%q of the input would still be in the case; if it may be in a test name it with --keep", leak)
	}
	o.extra = c.Files
	r, err := Test(ctx, fsys, o, `\.`+ru.name+capturedSuffix+`_test\.`)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range r.Tests {
		if t.Outcome != Passed {
			return nil, nil, fmt.Errorf("the test of the case does not pass: %s", cmp.Or(t.Error, t.Failure))
		}
	}
	return c, r.Problems, nil
}

func orElse(advice string) string {
	if advice == "" {
		return ""
	}
	return "; " + advice
}

// mustParse reads what was just marshalled.
func mustParse(text []byte) strictjson.Value {
	v, _ := strictjson.Parse(text, inputLimits)
	return v
}

// only returns what of a value a rule with this input can see.
func (s *shape) only(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if s == nil || s.members == nil {
			return v
		}
		m := map[string]any{}
		for name, e := range v {
			if member := s.members[name]; member != nil {
				m[name] = member.only(e)
			}
		}
		return m
	case []any:
		if s == nil || s.items == nil {
			return v
		}
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = s.items.only(e)
		}
		return list
	}
	return v
}

// sameDecision holds the decision on the redacted input against that on the
// original, as far as they can be compared, and returns the bodies that held.
func (s *Set) sameDecision(ctx context.Context, ru *rule, original map[string]any, redacted []byte) ([]string, error) {
	before, err := json.Marshal(original)
	if err != nil {
		return nil, err
	}
	var seen [2]string
	var branches []string
	for i, doc := range [][]byte{before, redacted} {
		d, err := s.Decide(ctx, pipeline.Input{Selection: pipeline.Selection{Rules: []string{ru.name}}, Document: doc})
		if err != nil {
			return nil, err
		}
		branches = nil
		var parts []string
		for _, e := range d.Errors {
			return nil, fmt.Errorf("rule %s fails on this input: %s", ru.name, e.Message)
		}
		for _, f := range d.Fired {
			branches = append(branches, f.Branch)
			parts = append(parts, "held "+f.Branch)
		}
		for _, p := range d.Proposals {
			parts = append(parts, fmt.Sprint("action ", p.Type, p.Mode, p.Branch, p.Key != "", sortedNames(p.With), p.Subject != nil))
		}
		for _, f := range d.Facts {
			parts = append(parts, "fact "+f.Name+f.Of)
		}
		for _, t := range d.Timers {
			parts = append(parts, fmt.Sprint("timer ", t.Name, t.After))
		}
		parts = append(parts, fmt.Sprint("notes ", len(d.Notes)))
		slices.Sort(parts)
		seen[i] = strings.Join(parts, "\n")
	}
	if seen[0] != seen[1] {
		return nil, fmt.Errorf("with identifiers replaced rule %s decides otherwise: it compares with a text that was replaced; name that text with --keep if it may be in a test", ru.name)
	}
	return branches, nil
}

// documentsOf evaluates the documents of a rule as a test sees them.
func (s *Set) documentsOf(ctx context.Context, ru *rule, input []byte) (map[string]any, error) {
	x := explainer{set: s, ctx: ctx, root: mustParse(input), terms: toValue(mustParse(input))}
	want := map[string]any{}
	for _, d := range ru.documents {
		v := x.evaluate(ru.module.Package.Path.Append(ast.StringTerm(d.name)))
		if v == nil {
			return nil, fmt.Errorf("%s of rule %s has no value on this input", d.name, ru.name)
		}
		want[d.name] = fromValue(v)
	}
	return want, nil
}

// newCase adds a case to those captured before, and the test that looks at all
// of them if there is none yet.
func (p *pack) newCase(ru *rule, name string, input []byte, want map[string]any) (*Captured, error) {
	base := ru.name + capturedSuffix
	cases := map[string]json.RawMessage{}
	c := &Captured{Rule: ru.name, Files: map[string][]byte{}}
	test := slices.IndexFunc(p.tests, func(t *testFile) bool { return t.file.path == "signals/"+base+"_test.rego" })
	if old, ok := p.cases[base]; ok {
		if err := json.Unmarshal([]byte(old.text), &cases); err != nil {
			return nil, fmt.Errorf("read the cases in %s: %w", old.name, err)
		}
	}
	if c.Name = name; name == "" {
		typ := strings.NewReplacer("-", "_", ":", "_").Replace(mustParse(input).Get("event", "type").Text())
		for n := 1; c.Name == "" || cases[c.Name] != nil; n++ {
			c.Name = fmt.Sprintf("%s_%d", typ, n)
		}
	}
	switch {
	case !namePattern.MatchString(c.Name):
		return nil, fmt.Errorf("%q is not a name for a case: begin with a letter; small letters, digits and _", c.Name)
	case cases[c.Name] != nil:
		return nil, fmt.Errorf("there is a case %q already; give another --name", c.Name)
	}
	one, err := json.Marshal(map[string]any{"input": json.RawMessage(input), "want": want})
	if err != nil {
		return nil, err
	}
	cases[c.Name], c.text = one, string(one)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(cases); err != nil {
		return nil, err
	}
	c.Files["signals/"+base+"_cases.json"] = out.Bytes()
	if test < 0 {
		c.Files["signals/"+base+"_test.rego"] = []byte(ru.capturedTest(base))
	}
	return c, nil
}

// capturedTest is the test of all captured cases of a rule.
func (ru *rule) capturedTest(base string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Decisions captured with signalbox test new: what the rule saw, with identifiers
# replaced, and what it made of it. The cases are in %[1]s_cases.json.
package signals.%[1]s_test

import data.signals.%[2]s

test_captured[name] if {
	some name, case in data.cases.%[1]s
`, base, ru.name)
	for _, d := range ru.documents {
		want := "{x | some x in case.want." + d.name + "}"
		if d.name == factsDoc {
			want = "case.want." + d.name
		}
		fmt.Fprintf(&b, "\t%s.%s == %s with input as case.input\n", ru.name, d.name, want)
	}
	b.WriteString("}\n")
	return b.String()
}

// leak returns a text that was to be replaced and is in what would be written.
// Short ones, and those that stand in rules or the contract anyway, are not
// looked for.
func (r *redaction) leak(written string, modules []*ast.Module) string {
	var anyway strings.Builder
	for _, m := range modules {
		anyway.WriteString(strings.ToLower(m.String()))
	}
	for word := range vocabulary {
		anyway.WriteString(strings.ToLower(word) + "\n")
	}
	anyway.WriteString(text(contract.schema()))
	written = strings.ToLower(written)
	for _, o := range r.replaced {
		o = strings.ToLower(o)
		if len(o) >= leastLeak && strings.Contains(written, o) && !strings.Contains(anyway.String(), o) {
			return o
		}
	}
	return ""
}

// leastLeak is how long a text must be to be looked for: shorter ones are in
// words of any language.
const leastLeak = 4
