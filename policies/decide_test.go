package policies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/policies"
)

// ruleOf is a rule about verification events with the given bodies.
func ruleOf(bodies string) string {
	return `# METADATA
# title: A rule
# custom:
#   on: [verification]
#   needs: []
#   mode: approve
#   severity: high
#   limit: {actions: 5, per: 1h}
package signals.rule

` + bodies
}

const verification = `{"now":1,"event":{"id":"e","type":"verification","source":"s","issuer":"i","assurance":"signed","time":1,"received":1,"body":{}},"user":{"id":"u","keys":[]}}`

func decide(t *testing.T, set *policies.Set, document string) pipeline.Decision {
	t.Helper()
	e := eventOf(t, "verification")
	d, err := set.Decide(t.Context(), pipeline.Input{Event: e, Selection: set.Select(e), Document: []byte(document)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecide(t *testing.T) {
	set := only(t, "rule", ruleOf(`
# METADATA
# title: One
actions contains {
	"type": "notify", "reason": "one", "mode": "shadow", "key": "k", "subject": "email:Jane@example.com",
	"level": 1.0, "list": [1e3, 9007199254740993, "x"],
} if input.event.type == "verification"

# METADATA
# title: Two
actions contains {"type": "notify", "reason": "two", "mode": "enforce", "subject": {"user": "email:jane@example.com", "session": "opaque:s"}} if {
	input.event.type == "verification"
}

# METADATA
# title: Three asks again for what one asked for
actions contains {"type": "notify", "reason": "three", "key": "k", "subject": {"format": "email", "email": "Jane@example.com"}} if {
	input.event.type == "verification"
}

# METADATA
# title: Remember
facts.seen := {"value": {"n": 1}, "ttl": "1d"} if input.event.type == "verification"

timers contains {"name": "later", "after": 90, "data": {"a": true}} if input.event.type == "verification"

notes contains $"{input.event.issuer} verified" if input.event.type == "verification"

notes contains "never" if input.event.family == "caep"
`[1:]), policies.Options{ActionTypes: []string{"notify"}, Clock: time.Minute})
	d := decide(t, set, verification)
	want := pipeline.Decision{
		Proposals: []pipeline.Proposal{
			{
				Rule: "rule", Branch: "One", Severity: "high", Mode: pipeline.Shadow, Type: "notify", Key: "k", Reason: "one",
				Subject: map[string]any{"format": "email", "email": "Jane@example.com"},
				With:    map[string]any{"level": json.Number("1"), "list": []any{json.Number("1000"), json.Number("9007199254740993"), "x"}},
				Limit:   pipeline.Limit{Actions: 5, Per: time.Hour},
			},
			{
				Rule: "rule", Branch: "Two", Severity: "high", Mode: pipeline.Approve, Type: "notify", Reason: "two",
				Subject: map[string]any{
					"format": "complex", "user": map[string]any{"format": "email", "email": "jane@example.com"},
					"session": map[string]any{"format": "opaque", "id": "s"},
				},
				Limit: pipeline.Limit{Actions: 5, Per: time.Hour},
			},
		},
		Facts:  []pipeline.Fact{{Rule: "rule", Name: "seen", Of: "user", Value: map[string]any{"n": json.Number("1")}, TTL: 24 * time.Hour}},
		Timers: []pipeline.TimerOrder{{Rule: "rule", Name: "later", After: 90 * time.Second, Data: map[string]any{"a": true}}},
		Notes:  []pipeline.Note{{Rule: "rule", Text: "i verified"}},
		Fired: []pipeline.Fired{
			{Rule: "rule", Branch: "One"}, {Rule: "rule", Branch: "Two"}, {Rule: "rule", Branch: "Three asks again for what one asked for"},
			{Rule: "rule", Branch: "Remember"}, {Rule: "rule", Branch: "timers"}, {Rule: "rule", Branch: "notes"},
		},
		Steps: d.Steps,
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
	if d.Steps == 0 {
		t.Error("no steps were counted")
	}
	quietly := decide(t, set, strings.Replace(verification, `"type":"verification"`, `"type":"other"`, 1))
	if want := (pipeline.Decision{Quiet: []string{"rule"}}); !reflect.DeepEqual(quietly, want) {
		t.Errorf("got %+v", quietly)
	}
}

// TestBadResults: a document that cannot be used is an error of the rule, and
// the other documents stand.
func TestBadResults(t *testing.T) {
	for _, c := range []struct{ name, bodies, document, want string }{
		{"no type", `actions contains object.remove({"type": "notify", "reason": "r"}, ["type"])`, "actions", "an action needs type as text"},
		{"reason", `actions contains {"type": "notify", "reason": input.event.body.reason}`, "actions", "an action needs reason as text"},
		{"type", `actions contains {"type": concat("", ["no", "thing"]), "reason": "r"}`, "actions", `there is no action type "nothing"`},
		{"mode", `actions contains {"type": "notify", "reason": "r", "mode": lower("X")}`, "actions", `unknown mode "x"`},
		{"subject", `actions contains {"type": "notify", "reason": "r", "subject": "nonsense"}`, "actions", `subject of notify: parse subject key`},
		{"complex", `actions contains {"type": "notify", "reason": "r", "subject": {"user": 3}}`, "actions", `subject of notify: user must be a canonical key`},
		{"identifier", `actions contains {"type": "notify", "reason": "r", "subject": {"format": "email"}}`, "actions", `subject of notify: `},
		{"many", `actions contains {"type": "notify", "reason": "r", "key": format_int(i, 10)} if some i in numbers.range(1, 300)`, "actions", "more than 200 actions"},
		{"function", `actions contains {"type": "notify", "reason": $"{to_number(input.event.issuer)}"}`, "actions", "to_number"},
		{"ttl", `facts.x := {"value": 1, "ttl": concat("", ["", "soon"])}`, "facts", `ttl of fact "x": "soon" is not a duration`},
		{"of", `facts.x := {"value": 1, "ttl": "1d", "of": lower("TENANT")}`, "facts", "fact x is of neither user nor device"},
		{"value", `facts.x := {"value": numbers.range(1, 2000), "ttl": "1d"}`, "facts", "longer than"},
		{"conflict", "facts.x := {\"value\": 1, \"ttl\": \"1d\"}\n\n# METADATA\n# title: second\nfacts.x := {\"value\": 2, \"ttl\": \"1d\"}", "facts", `two bodies give fact "x" different values`},
		{"after", `timers contains {"name": "t", "after": -1}`, "timers", `after of timer "t": -1 is not a number of seconds`},
		{"data", `timers contains {"name": "t", "after": 1, "data": 3}`, "timers", `data of timer "t" must be an object`},
		{"note", `notes contains input.event.body.note`, "notes", "a note must be text, not 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			title := "# METADATA\n# title: bad\n"
			text := strings.Replace(ruleOf(title+c.bodies+"\n\nnotes contains \"stands\"\n"), "[verification]", "[verification, unknown]", 1)
			set := only(t, "rule", text, policies.Options{ActionTypes: []string{"notify"}})
			d := decide(t, set, strings.Replace(verification, `"body":{}`, `"body":{"reason":3,"note":3}`, 1))
			if len(d.Errors) != 1 || d.Errors[0].Document != c.document || !strings.Contains(d.Errors[0].Message, c.want) {
				t.Fatalf("got %+v", d.Errors)
			}
			if len(d.Proposals)+len(d.Facts)+len(d.Timers) > 0 {
				t.Errorf("results of a document that failed: %+v", d)
			}
			if c.document != "notes" && len(d.Notes) != 1 {
				t.Errorf("the error took the notes along: %+v", d)
			}
		})
	}
}

// endless runs for ten million rounds if nobody stops it.
const endless = `
notes contains $"{count(l)}" if {
	input.event.type == "verification"
	l := {[a, b, c] | some a in numbers.range(1, 200); some b in numbers.range(1, 200); some c in numbers.range(1, 250); a + b == c * 2}
}

facts.x := {"value": 1, "ttl": "1d"}
`

func TestBudget(t *testing.T) {
	text := ruleOf(strings.Replace(endless, "facts.x", "# METADATA\n# title: x\nfacts.x", 1))
	t.Run("steps", func(t *testing.T) {
		set := only(t, "rule", text, policies.Options{Steps: 5000})
		first := decide(t, set, verification)
		want := []pipeline.RuleError{{Rule: "rule", Document: "notes", Message: "stopped after 5000 evaluation steps"}}
		if !reflect.DeepEqual(first.Errors, want) || len(first.Facts) != 1 {
			t.Fatalf("got %+v", first)
		}
		if again := decide(t, set, verification); !reflect.DeepEqual(again, first) {
			t.Errorf("got %+v, then %+v", first, again)
		}
	})
	t.Run("clock", func(t *testing.T) {
		set := only(t, "rule", text, policies.Options{Steps: 1 << 30, Clock: time.Nanosecond})
		d := decide(t, set, verification)
		want := "stopped by the clock after 1ns, before its budget of steps was used up"
		if len(d.Errors) != 1 || d.Errors[0].Message != want {
			t.Errorf("got %+v", d.Errors)
		}
	})
	t.Run("context", func(t *testing.T) {
		set := only(t, "rule", text, policies.Options{Steps: 1 << 30})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		e := eventOf(t, "verification")
		if _, err := set.Decide(ctx, pipeline.Input{Event: e, Selection: set.Select(e), Document: []byte(verification)}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDecideRefuses(t *testing.T) {
	set := only(t, "quiet", quiet, policies.Options{})
	for _, in := range []pipeline.Input{
		{Selection: pipeline.Selection{Rules: []string{"quiet"}}, Document: []byte(`{"a":1,"a":2}`)},
		{Selection: pipeline.Selection{Rules: []string{"nobody"}}, Document: []byte(`{}`)},
	} {
		if d, err := set.Decide(t.Context(), in); err == nil {
			t.Errorf("%s: %+v", in.Document, d)
		}
	}
}

func TestSelect(t *testing.T) {
	header := func(name, on, needs string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf("# METADATA\n# title: %s\n# custom:\n#   on: %s\n#   needs: %s\npackage signals.%s\n\nnotes contains \"n\" if input.event.id == \"x\"\n", name, on, needs, name))}
	}
	set, problems := policies.Load(fstest.MapFS{
		"signals/standard.rego": header("standard", "[session-revoked]", "[user.risk]"),
		"signals/vendor.rego":   header("vendor", "['okta:session-revoked']", "[session]"),
		"signals/phish.rego":    header("phish", "[concept:phishing, verification]", "[user.account]"),
		"signals/other.rego":    header("other", "[unknown]", "[]"),
	}, policies.Options{Bare: true})
	if set == nil {
		t.Fatal(lines(problems))
	}
	unknown := eventOf(t, "unknown")
	alert := eventOf(t, "alert")
	alert.Concepts = []string{"malware", "phishing"}
	phishedVerification := eventOf(t, "verification")
	phishedVerification.Concepts = []string{"phishing"}
	phishedRevocation := eventOf(t, "session-revoked")
	phishedRevocation.Concepts = []string{"phishing", "session-revoked"}
	for _, c := range []struct {
		name  string
		e     *event.Event
		want  []string
		needs pipeline.Needs
	}{
		{"nobody", eventOf(t, "alert"), nil, 0},
		{"standard form", eventOf(t, "session-revoked"), []string{"standard"}, pipeline.NeedUserRisk},
		{"dialect", eventOf(t, "okta:session-revoked"), []string{"standard", "vendor"}, pipeline.NeedUserRisk | pipeline.NeedSession},
		{"concept", alert, []string{"phish"}, pipeline.NeedUserAccount},
		{"concept and type of one rule", phishedVerification, []string{"phish"}, pipeline.NeedUserAccount},
		{"concept and type of two rules", phishedRevocation, []string{"phish", "standard"}, pipeline.NeedUserAccount | pipeline.NeedUserRisk},
		{"unknown", unknown, []string{"other"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := set.Select(c.e)
			if !reflect.DeepEqual(got.Rules, c.want) || got.Needs != c.needs {
				t.Errorf("got %+v", got)
			}
		})
	}
}
