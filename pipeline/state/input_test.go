package state_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// inputMembers is every member of the input document with its type; "?" marks
// one that may be missing. It is the contract with rule authors.
var inputMembers = map[string]string{
	"": "now:number event:object change:object? subject:object? user:object? device:object? session:object? window:object?",
	"event": "id:string type:string family:string uri:string source:string issuer:string assurance:string time:number received:number " +
		"txn:string? concepts:array late:boolean stale:boolean applied:array body:object",
	"change":            "entity:string from:string to:string applied:boolean",
	"subject":           "key:string format:string user:string? device:string? session:string?",
	"user":              "id:string keys:array email:string? account:object risk:object sessions:array devices:array history:array facts:object",
	"user.account":      "state:string since:number? by:string? reason:string?",
	"user.risk":         "level:string since:number? sources:array",
	"user.risk.sources": "issuer:string level:string since:number reason:string?",
	"user.sessions":     "id:string device:string? issuer:string state:string established:number? last_seen:number acr:string? amr:array? ua:string?",
	"user.devices":      "id:string compliance:string",
	"user.history": "id:string type:string time:number issuer:string level:string? status:string? reason:string? " +
		"credential_type:string? change_type:string?",
	"device":            "id:string keys:array compliance:object risk:object history:array facts:object",
	"device.compliance": "status:string since:number? by:string? changes:number",
	"device.risk":       "level:string since:number? sources:array",
	"device.history": "id:string type:string time:number issuer:string level:string? status:string? reason:string? " +
		"credential_type:string? change_type:string?",
	"session": "id:string state:string established:number? last_seen:number? ended:number? ua:string? ua_changed:boolean backing:string " +
		"user:string? device:string?",
}

// conforms reports every member of v that the contract does not know, and every
// one it lacks.
func conforms(t *testing.T, path string, v any) {
	t.Helper()
	spec, known := inputMembers[path]
	if !known {
		return
	}
	if list, ok := v.([]any); ok {
		for _, e := range list {
			conforms(t, path, e)
		}
		return
	}
	members, ok := v.(map[string]any)
	if !ok {
		t.Errorf("%s is no object", path)
		return
	}
	rest := maps.Clone(members)
	for field := range strings.FieldsSeq(spec) {
		name, kind, _ := strings.Cut(field, ":")
		kind, optional := strings.CutSuffix(kind, "?")
		value, there := rest[name]
		delete(rest, name)
		switch {
		case !there && optional:
			continue
		case !there:
			t.Errorf("%s.%s is missing", path, name)
			continue
		}
		got := "other"
		switch value.(type) {
		case string:
			got = "string"
		case float64:
			got = "number"
		case bool:
			got = "boolean"
		case []any:
			got = "array"
		case map[string]any:
			got = "object"
		}
		if got != kind {
			t.Errorf("%s.%s is a %s, want %s", path, name, got, kind)
		}
		conforms(t, strings.TrimPrefix(path+"."+name, "."), value)
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		t.Errorf("%s.%s is not in the contract", path, name)
	}
}

// fullStory fills every branch of the state of jane and her laptop.
func fullStory(t *testing.T, m *memory) {
	both := complexOf("user", jane, "device", laptop)
	fact := func(of string) state.Fact {
		return state.Fact{Rule: "r", Name: "n", Of: of, Value: []any{1, "x"}, TTL: time.Hour}
	}
	m.take(occurs(t, "account-disabled", idp, aliases(jane, janeID), 1, `{"reason":"hijacking"}`))
	m.take(occurs(t, "risk-level-change", risk, both, 2, `{"principal":"USER","current_level":"HIGH","risk_reason":"travel"}`), fact("user"), fact("device"))
	m.take(occurs(t, "risk-level-change", risk, both, 3, `{"principal":"DEVICE","current_level":"LOW","risk_reason":"scan"}`))
	m.take(occurs(t, "device-compliance-change", mdm, both, 4, `{"previous_status":"compliant","current_status":"not-compliant"}`))
	m.take(occurs(t, "credential-change", idp, jane, 5, `{"credential_type":"app","change_type":"create"}`))
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "device", laptop, "session", named("s1")), 6, `{"acr":"AAL2","amr":["pwd"],"fp_ua":"ua"}`))
}

func TestInputConforms(t *testing.T) {
	m := newMemory(t)
	full := complexOf("user", jane, "device", laptop, "session", named("s1"))
	windows := []state.Window{{Name: "w", Key: "user", Over: time.Hour, Count: "events"}}

	empty := occurs(t, "session-revoked", idp, full, 0, "")
	conforms(t, "", m.takeWith(empty, state.LoadOptions{Needs: allNeeds, Windows: windows, Links: true, Now: empty.Time}).doc)

	fullStory(t, m)
	e := occurs(t, "session-revoked", idp, full, 7, `{"reason_admin":{"en":"a \"quoted\" reason"},"x":null}`)
	e.Concepts, e.Applied, e.Stale = []string{"session-revoked"}, []string{"LEGACY-09"}, true
	got := m.takeWith(e, state.LoadOptions{Needs: allNeeds, Windows: windows, Links: true, Now: at(8)})
	conforms(t, "", got.doc)
	expect(t, got.doc, "event.stale", true, "event.applied", "[LEGACY-09]", "event.concepts", "[session-revoked]",
		"change.to", "revoked", "device.compliance.status", "not-compliant", "device.risk.level", "low", "device.facts.r.n", "[1 x]",
		"device.history.0.type", "session-established", "user.devices.0.compliance", "not-compliant",
		"session.state", "live", "window.w", 2)
	if !bytes.Contains(got.input, e.Body.Raw()) {
		t.Error("the body is not as received")
	}
	if i := bytes.Index(got.input, []byte("null")); i >= 0 && !bytes.Contains(e.Body.Raw(), []byte("null")) {
		t.Errorf("null in %s", got.input)
	}
}

func TestInputHasOnlyWhatIsNeeded(t *testing.T) {
	full := complexOf("user", jane, "device", laptop, "session", named("s1"))
	member := map[string]string{
		"history.user": "user.history", "history.device": "device.history", "facts.user": "user.facts", "facts.device": "device.facts",
	}
	for name, need := range state.NeedNames {
		m := newMemory(t)
		fullStory(t, m)
		e := occurs(t, "activity", idp, full, 9, `{"action":"x"}`)
		got := m.takeWith(e, state.LoadOptions{Needs: need, Now: e.Time})
		want := member[name]
		if want == "" {
			want = name
		}
		if get(got.doc, want) == nil {
			t.Errorf("%s: %s is missing", name, want)
		}
		branches := 0
		for _, path := range []string{"user.account", "user.risk", "user.sessions", "user.devices", "user.history", "user.facts",
			"device.compliance", "device.risk", "device.history", "device.facts", "session"} {
			if get(got.doc, path) != nil {
				branches++
			}
		}
		if branches != 1 {
			t.Errorf("%s: %d branches, want 1", name, branches)
		}
	}
}

func TestReadsOnlyWhatIsNeeded(t *testing.T) {
	m := newMemory(t)
	fullStory(t, m)
	for _, c := range []struct {
		kind, who string
		needs     state.Needs
		want      int
	}{
		{"account-enabled", jane, 0, 1},
		{"account-enabled", jane, state.NeedUserAccount | state.NeedUserRisk, 1},
		{"account-enabled", jane, state.NeedUserSessions, 3}, // and the device of the session
		{"account-enabled", jane, state.NeedFactsUser, 2},
		{"session-presented", complexOf("user", jane, "session", named("s1")), 0, 4},
		{"verification", named("stream"), allNeeds, 0},
	} {
		m.reads = 0
		e := occurs(t, c.kind, idp, c.who, 20, "")
		m.takeWith(e, state.LoadOptions{Needs: c.needs, Now: e.Time})
		if m.reads != c.want {
			t.Errorf("%s with needs %b: %d reads, want %d", c.kind, c.needs, m.reads, c.want)
		}
	}
}

func TestChangeJSON(t *testing.T) {
	c := state.Change{Entity: "user.account", From: "enabled", To: "disabled", Applied: true}
	var got map[string]any
	if err := json.Unmarshal(c.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "map[applied:true entity:user.account from:enabled to:disabled]" {
		t.Errorf("%v", got)
	}
}
