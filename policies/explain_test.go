package policies_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/policies"
)

// TestExplain asks of every body of the shipped leaver rule why it did not hold
// for a session of an account in use, and of a few others.
func TestExplain(t *testing.T) {
	set, problems := policies.Load(nil, policies.Options{})
	if set == nil {
		t.Fatal(lines(problems))
	}
	e := eventOf(t, "session-presented")
	for _, c := range []struct {
		name, document, branch string
		held                   bool
		text                   string
		values                 []policies.Value
	}{
		{
			"another event", presented("disabled"), "Employment was terminated, so the sessions end", false,
			`input.event.type == "employment-change"`, []policies.Value{{Name: "input.event.type", JSON: `"session-presented"`}},
		},
		{
			"the account", presented("enabled"), "A session of a closed account was seen", false,
			`input.user.account.state in {"disabled", "purged"}`, []policies.Value{{Name: "input.user.account.state", JSON: `"enabled"`}},
		},
		{
			"a private rule", strings.Replace(presented("disabled"), `"since":1767225600`, `"since":1767226200`, 1), "A session of a closed account was seen", false,
			`after_closing`, []policies.Value{
				{Name: "after_closing"}, {Name: "input.user.account.since", JSON: "1767226200"}, {Name: "input.event.time", JSON: "1767226200"},
			},
		},
		{"held", presented("disabled"), "A session of a closed account was seen", true, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := set.Explain(t.Context(), pipeline.Input{Event: e, Selection: set.Select(e), Document: []byte(c.document)})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(x.Rules, func(r policies.RuleExplanation) bool { return r.Rule == "unplanned_leaver" })
			if i < 0 || len(x.Rules) != 3 || len(x.Rules[i].Bodies) != 6 {
				t.Fatalf("got %+v", x)
			}
			for _, b := range x.Rules[i].Bodies {
				if b.Branch != c.branch {
					continue
				}
				if b.Held != c.held || b.Error != "" || b.Held != (b.Miss == nil) {
					t.Fatalf("got %+v", b)
				}
				if c.held {
					return
				}
				if b.Miss.Text != c.text || b.Miss.Line <= b.Line || !strings.HasSuffix(b.Miss.File, "unplanned_leaver.rego") {
					t.Errorf("got %+v", b.Miss)
				}
				if len(b.Miss.Values) != len(c.values) {
					t.Fatalf("got %+v", b.Miss.Values)
				}
				for i, v := range c.values {
					if b.Miss.Values[i] != v {
						t.Errorf("got %+v, want %+v", b.Miss.Values[i], v)
					}
				}
				return
			}
			t.Errorf("branch %q is not explained", c.branch)
		})
	}
}

// TestExplainLocals shows what a variable stood for, and errors for what they
// are.
func TestExplainLocals(t *testing.T) {
	set := only(t, "rule", ruleOf(`notes contains "n" if {
	length := count(input.event.issuer)
	length > 10
}

notes contains $"{to_number(input.event.issuer)}"
`), policies.Options{})
	e := eventOf(t, "verification")
	x, err := set.Explain(t.Context(), pipeline.Input{Event: e, Selection: set.Select(e), Document: []byte(verification)})
	if err != nil {
		t.Fatal(err)
	}
	miss := x.Rules[0].Bodies[0].Miss
	if miss == nil || miss.Text != "length > 10" || len(miss.Values) != 1 || miss.Values[0] != (policies.Value{Name: "length", JSON: "1"}) {
		t.Errorf("got %+v", miss)
	}
	if b := x.Rules[0].Bodies[1]; b.Held || !strings.Contains(b.Error, "to_number") {
		t.Errorf("got %+v", b)
	}
}
