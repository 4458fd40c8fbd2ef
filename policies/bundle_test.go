package policies

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// stock evaluates a bundle as the stock opa program does: from files alone,
// with nothing of this package.
type stock struct {
	t    *testing.T
	path string
	all  rego.PreparedEvalQuery // every document of the shipped rules
}

func newStock(t *testing.T, files fstest.MapFS) stock {
	t.Helper()
	var bundle map[string][]byte
	var problems []Problem
	if files == nil {
		bundle, problems = Bundle(nil, Options{})
	} else {
		bundle, problems = Bundle(files, Options{})
	}
	if bundle == nil {
		t.Fatal(problems)
	}
	dir := t.TempDir()
	for name, text := range bundle {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return stock{t: t, path: dir}
}

// shippedStock is the shipped pack, prepared for agrees.
func shippedStock(t *testing.T, set *Set) stock {
	t.Helper()
	s := newStock(t, nil)
	var rules []string
	for _, ru := range set.order {
		var docs []string
		for _, d := range ru.documents {
			docs = append(docs, fmt.Sprintf("%q: data.signals.%s.%s", d.name, ru.name, d.name))
		}
		rules = append(rules, fmt.Sprintf("%q: {%s}", ru.name, strings.Join(docs, ", ")))
	}
	var err error
	if s.all, err = rego.New(rego.LoadBundle(s.path), rego.Query("{"+strings.Join(rules, ", ")+"}")).PrepareForEval(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// eval is opa eval -b DIR -i INPUT QUERY --strict-builtin-errors.
func (s stock) eval(query string, input []byte) any {
	s.t.Helper()
	var doc any
	if err := json.Unmarshal(input, &doc); err != nil {
		s.t.Fatal(err)
	}
	found, err := rego.New(rego.LoadBundle(s.path), rego.Query(query), rego.Input(doc), rego.StrictBuiltinErrors(true)).Eval(s.t.Context())
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	if len(found) != 1 {
		return nil
	}
	return found[0].Expressions[0].Value
}

// decided is what a decision says of one rule, in the form of its documents.
func decided(t *testing.T, d pipeline.Decision, rule string) (actions []any, facts map[string]any) {
	t.Helper()
	actions, facts = []any{}, map[string]any{}
	for _, p := range d.Proposals {
		if p.Rule != rule {
			continue
		}
		a := map[string]any{"type": p.Type, "reason": p.Reason}
		if p.Key != "" {
			a["key"] = p.Key
		}
		for name, v := range p.With {
			a[name] = v
		}
		actions = append(actions, a)
	}
	for _, f := range d.Facts {
		if f.Rule == rule {
			facts[f.Name] = f.Value
		}
	}
	return plainly(t, actions).([]any), plainly(t, facts).(map[string]any)
}

// plainly is a value as JSON gives it back.
func plainly(t *testing.T, v any) (out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text(v)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// agrees holds a decision against what the stock library makes of its input: the
// actions and facts of every rule, so that what an author sees in an editor is
// what the product does. It returns how many actions there were.
func (s stock) agrees(set *Set, in pipeline.Input, d pipeline.Decision) (acted int) {
	s.t.Helper()
	var doc any
	if err := json.Unmarshal(in.Document, &doc); err != nil {
		s.t.Fatal(err)
	}
	found, err := s.all.Eval(s.t.Context(), rego.EvalInput(doc))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%v, %v on %s", found, err, in.Document)
	}
	everything := found[0].Expressions[0].Value.(map[string]any)
	for _, rule := range in.Selection.Rules {
		got := plainly(s.t, everything[rule]).(map[string]any)
		actions, facts := []any{}, map[string]any{}
		list, _ := got[actionsDoc].([]any)
		for _, a := range list {
			a := a.(map[string]any)
			delete(a, "subject") // a short form, which the decision has in full
			delete(a, "mode")    // of the action or the rule, whichever is lower
			actions = append(actions, a)
		}
		byName, _ := got[factsDoc].(map[string]any)
		for name, f := range byName {
			facts[name] = f.(map[string]any)["value"]
		}
		wantActions, wantFacts := decided(s.t, d, rule)
		for _, list := range [][]any{wantActions, actions} {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		}
		if !reflect.DeepEqual(actions, wantActions) || !reflect.DeepEqual(facts, wantFacts) {
			s.t.Errorf("%s on %s\nstock OPA: %s %s\ndecision:  %s %s", rule, in.Document, text(actions), text(facts), text(wantActions), text(wantFacts))
		}
		acted += len(wantActions)
	}
	return acted
}

// TestBundleData: lists and cases stand where rules and tests look for them.
func TestBundleData(t *testing.T) {
	outside := newStock(t, fstest.MapFS{
		"signals/quiet.rego": {Data: []byte(`# METADATA
# title: Quiet
# custom:
#   on: [verification]
#   needs: []
package signals.quiet

notes contains "seen" if {
	input.event.type == "verification"
	data.lists.hosts[input.event.issuer]
}
`)},
		"signals/quiet_test.rego":  {Data: []byte("package signals.quiet_test\n\ntest_x if data.cases.quiet.one\n")},
		"signals/quiet_cases.json": {Data: []byte(`{"one": {"x": 1}}`)},
		"lists/hosts.json":         {Data: []byte(`{"https://idp.example.com": {"a": 1}}`)},
	})
	if v := outside.eval("data.signals.quiet.notes", []byte(`{"event": {"type": "verification", "issuer": "https://idp.example.com"}}`)); !reflect.DeepEqual(v, []any{"seen"}) {
		t.Errorf("got %v", v)
	}
	if v := outside.eval("data.signals.quiet_test.test_x", []byte(`{}`)); v != true {
		t.Errorf("got %v", v)
	}
}

// TestBundleOfBroken: nothing is bundled that would not be used.
func TestBundleOfBroken(t *testing.T) {
	files, problems := Bundle(fstest.MapFS{"signals/x.rego": {Data: []byte("package")}}, Options{})
	if files != nil || len(problems) == 0 {
		t.Errorf("got %v, %v", files, problems)
	}
}
