package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// awkward has bodies of every kind that an index can take apart, or cannot.
const awkward = `# METADATA
# title: Awkward
# custom:
#   on: [session-presented, risk-level-change, concept:phishing]
#   needs: [user.account, user.risk, user.sessions, device.compliance, session]
package signals.awkward

# METADATA
# title: equality
actions contains {"type": "notify", "reason": "equality", "key": "equality"} if input.event.type == "session-presented"

# METADATA
# title: membership
actions contains {"type": "notify", "reason": "membership", "key": "membership"} if input.user.account.state in {"disabled", "purged"}

# METADATA
# title: through a variable
actions contains {"type": "notify", "reason": "variable", "key": "variable"} if {
	state := input.user.account.state
	state == "enabled"
}

# METADATA
# title: there
actions contains {"type": "notify", "reason": "there", "key": "there"} if input.session

# METADATA
# title: comparison
actions contains {"type": "notify", "reason": "comparison", "key": "comparison"} if input.device.compliance.changes > 2

# METADATA
# title: negation
actions contains {"type": "notify", "reason": "negation", "key": "negation"} if not input.user.risk.level == "low"

# METADATA
# title: private rule
actions contains {"type": "notify", "reason": "private", "key": "private"} if risky

# METADATA
# title: elements
actions contains {"type": "notify", "reason": $"session {session.id}", "key": session.id} if {
	some session in input.user.sessions
	session.state == "live"
	input.event.late == false
}

# METADATA
# title: two members
actions contains {"type": "notify", "reason": "two", "key": "two"} if input.event.type == input.event.family

# METADATA
# title: truth
actions contains {"type": "notify", "reason": "truth", "key": "truth"} if input.event.stale

# METADATA
# title: number
actions contains {"type": "notify", "reason": "number", "key": "number"} if input.device.compliance.changes == 1

# METADATA
# title: fact
facts.level := {"value": input.user.risk.level, "ttl": "1d"} if input.event.type == "risk-level-change"

# METADATA
# title: fact by name
facts[name] := {"value": true, "ttl": 60, "of": "device"} if {
	some name in ["a", "b"]
	input.device.compliance.status == "compliant"
}

timers contains {"name": "t", "after": "1h"} if input.event.assurance in {"signed", "internal"}

notes contains $"state {input.user.account.state}" if startswith(input.user.account.state, "d")

# Fails for keys that are no numbers.
notes contains $"{to_number(key)}" if {
	some key in input.user.keys
	input.event.assurance == "none"
}

risky if input.user.risk.level in {"medium", "high"}
`

// TestGate: the gate changes the cost of a decision and never the decision.
func TestGate(t *testing.T) {
	files := fstest.MapFS{"signals/awkward.rego": {Data: []byte(awkward)}}
	set, problems := Load(files, Options{})
	if set == nil {
		t.Fatal(problems)
	}
	seed := rand.New(rand.NewPCG(7, 11))
	missing, failed, turned := map[string]bool{}, 0, 0
	for _, ru := range set.order {
		for _, d := range ru.documents {
			for _, b := range d.bodies {
				missing[ru.name+": "+b.branch()] = true
			}
		}
	}
	for n := 0; n < 500 || n < 5000 && len(missing) > 0; n++ {
		for _, ru := range set.order {
			document := generate(seed, ru.input, "")
			gated, open := decideBoth(t, set, ru.name, document)
			if !reflect.DeepEqual(gated, open) {
				t.Fatalf("%s\ngated %+v\nopen  %+v", document, gated, open)
			}
			for _, f := range gated.Fired {
				delete(missing, f.Rule+": "+f.Branch)
			}
			failed += len(gated.Errors)
			if len(gated.Quiet) > 0 {
				turned++
			}
		}
	}
	for body := range missing {
		t.Errorf("no input of the corpus made it hold: %s", body)
	}
	if failed == 0 || turned == 0 {
		t.Errorf("the corpus is one-sided: %d failures, %d turned away", failed, turned)
	}
}

// FuzzGate: the same for any document.
func FuzzGate(f *testing.F) {
	set, problems := Load(fstest.MapFS{"signals/awkward.rego": {Data: []byte(awkward)}}, Options{})
	if set == nil {
		f.Fatal(problems)
	}
	seed := rand.New(rand.NewPCG(1, 2))
	for _, ru := range set.order {
		f.Add(generate(seed, ru.input, ""))
	}
	f.Add([]byte(`{"event":{"type":{"a":null},"body":[]},"user":[],"device":{"compliance":{"changes":1e0}}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		if _, err := strictjson.Parse(document, strictjson.DefaultLimits); err != nil {
			return
		}
		for _, ru := range set.order {
			gated, open := decideBoth(t, set, ru.name, document)
			if !reflect.DeepEqual(gated, open) {
				t.Fatalf("gated %+v\nopen  %+v", gated, open)
			}
		}
	})
}

// decideBoth decides with and without the gate. Steps are what differs: they
// are left out.
func decideBoth(t *testing.T, set *Set, rule string, document []byte) (gated, open pipeline.Decision) {
	t.Helper()
	in := pipeline.Input{Selection: pipeline.Selection{Rules: []string{rule}}, Document: document}
	gated, err := set.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	all := *set
	all.ungated = true
	if open, err = all.Decide(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	gated.Steps, open.Steps = 0, 0
	return gated, open
}

// generate makes a random input of the shape: members that can be absent are
// absent now and then, texts come from a small pool so that they meet.
func generate(r *rand.Rand, s *shape, name string) []byte {
	text, err := json.Marshal(generateValue(r, s, name))
	if err != nil {
		panic(err)
	}
	return text
}

func generateValue(r *rand.Rand, s *shape, name string) any {
	switch name {
	case "facts":
		return generateFacts(r)
	case "data":
		return map[string]any{"exposed": r.IntN(6)}
	case "credential_type":
		return oneOf(r, "password", "pin")
	case "entity":
		return oneOf(r, "user.risk", "session")
	case "principal":
		return oneOf(r, "SESSION", "USER")
	case "current_level":
		return oneOf(r, "HIGH", "LOW", "high")
	}
	switch {
	case s == nil || s.kind == "":
		return []any{"x", 1, true}[r.IntN(3)]
	case len(s.enum) > 0:
		return oneOf(r, s.enum...)
	}
	switch s.kind {
	case "object":
		m := map[string]any{}
		for _, name := range s.names() {
			if slices.Contains(s.required, name) || r.IntN(4) > 0 {
				m[name] = generateValue(r, s.members[name], name)
			}
		}
		return m
	case "array":
		list := []any{}
		for range r.IntN(4) {
			list = append(list, generateValue(r, s.items, name))
		}
		return list
	case "number":
		return r.IntN(6) + 1000*r.IntN(2) // on both sides of the grace that orders are given
	case "boolean":
		return r.IntN(2) == 0
	}
	pool := []string{"email:jane@example.com", "opaque:a", "iss_sub:https://idp.example.com|1", "scim:/Users/1"}
	switch name {
	case "change":
		pool = []string{"terminated", "hired"}
	case "rule":
		pool = []string{"device_compliance", "leaked_credentials"}
	case "name":
		pool = []string{"settle", "unchanged"}
	case "to":
		pool = []string{"high", "low"}
	case "type":
		pool = []string{"credential-change", "credential-compromise", "activity", "posture"}
	case "change_type":
		pool = []string{"create", "delete"}
	case "reason":
		pool = []string{"hijacking", "bulk-account"}
	}
	return oneOf(r, pool...)
}

func oneOf(r *rand.Rand, pool ...string) string { return pool[r.IntN(len(pool))] }

// generateFacts makes what the shipped rules remember, each now and then.
func generateFacts(r *rand.Rand) any {
	facts := map[string]any{
		"device_loss": map[string]any{"loss": map[string]any{"state": oneOf(r, "lost", "stolen", "found"), "since": r.IntN(6)}},
		"threat_alert": map[string]any{
			"suspect": map[string]any{"state": "open", "credential_type": oneOf(r, "password", "pin"), "since": r.IntN(6), "txn": "opaque:a"},
		},
		"session_hijack":     map[string]any{"replaced": map[string]any{"since": r.IntN(2)}},
		"leaked_credentials": map[string]any{"waiting": true},
		"compromised_account": map[string]any{
			"asked": r.IntN(6), "answer": oneOf(r, "restrict-access", "restore-access"),
		},
	}
	for _, rule := range slices.Sorted(maps.Keys(facts)) {
		if r.IntN(2) == 0 {
			delete(facts, rule)
		}
	}
	return facts
}

// TestDecidePure: deciding again, and at the same time elsewhere, gives the same
// to the step.
func TestDecidePure(t *testing.T) {
	set, problems := Load(nil, Options{})
	if set == nil {
		t.Fatal(problems)
	}
	seed := rand.New(rand.NewPCG(3, 5))
	for n := range 50 {
		ru := set.order[n%len(set.order)]
		in := pipeline.Input{Selection: pipeline.Selection{Rules: []string{ru.name}}, Document: generate(seed, ru.input, "")}
		first, err := set.Decide(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for range 5 {
				if again, err := set.Decide(t.Context(), in); err != nil || !reflect.DeepEqual(again, first) {
					t.Errorf("got %+v, %v\nwant %+v", again, err, first)
				}
			}
		})
	}
}
