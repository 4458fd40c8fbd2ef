package config

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

func vars(with map[string]any) pipeline.ActionVars {
	cause, _ := event.ByName("credential-compromise")
	return pipeline.ActionVars{
		Type: "revoke-session", Rule: "threat_alert", Reason: `says "now"`, Subject: subjectOf("email:jane@example.com"), With: with,
		Event: &event.Event{ID: "e-1", Type: cause, Issuer: "https://idp.example.com", Source: "idp", Txn: "t1", Time: time.Unix(1767225000, 0)},
		Now:   time.Unix(1767225600, 0),
	}
}

func subjectOf(key string) event.Subject {
	s, err := event.ParseKey(key)
	if err != nil {
		panic(err)
	}
	return s
}

func TestRender(t *testing.T) {
	for _, c := range []struct {
		name, body string
		with       map[string]any
		want       string
	}{
		{"text", `{ a = "${action.type}/${action.rule}: ${action.reason}" }`, nil, `{"a":"revoke-session/threat_alert: says \"now\""}`},
		{"event", `{ a = event.type, b = event.issuer, c = event.time, d = "${event.id} ${event.source} ${event.txn}" }`, nil,
			`{"a":"credential-compromise","b":"https://idp.example.com","c":1767225000,"d":"e-1 idp t1"}`},
		{"numbers stay numbers", `{ event_timestamp = now }`, nil, `{"event_timestamp":1767225600}`},
		{"absent members go", `{ a = action.with.level, b = { c = action.with.level, d = 1 } }`, nil, `{"b":{"d":1}}`},
		{"members keep their form", `{ claims = action.with.claims }`,
			map[string]any{"claims": map[string]any{"role": "none", "groups": []any{"a", 1.5, true, nil}}},
			`{"claims":{"groups":["a",1.5,true,null],"role":"none"}}`},
		{"numbers of a decision", `{ a = action.with.n }`, map[string]any{"n": json.Number("12345678901")}, `{"a":12345678901}`},
		{"functions", `{ a = upper(coalesce(action.with.level, "high")), b = lower("LOW"), c = upper(action.with.none) }`,
			map[string]any{"level": "medium"}, `{"a":"MEDIUM","b":"low"}`},
		{"by index", `{ a = action.with["credential-type"] }`, map[string]any{"credential-type": "pin"}, `{"a":"pin"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := compiled(t, c.body)
			got, err := b.Render(vars(c.with))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestRenderFails(t *testing.T) {
	for name, body := range map[string]string{
		"null in text":     `{ a = "level ${action.with.level}" }`,
		"not an object":    `action.with.list`,
		"null":             `action.with.level`,
		"wrong type":       `{ a = upper(action.with.list) }`,
		"member of a text": `{ a = action.with.text.more }`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := compiled(t, body).Render(vars(map[string]any{"list": []any{1}, "text": "x"}))
			if err == nil {
				t.Errorf("got %s", got)
			}
		})
	}
	if _, err := compiled(t, `{ a = action.with.f }`).Render(vars(map[string]any{"f": func() {}})); err == nil {
		t.Error("a value that is not JSON was rendered")
	}
}

// compiled takes a body through the loader as the body of an action.
func compiled(t *testing.T, text string) *Body {
	t.Helper()
	src := "action \"own\" {\n  emit \"session-revoked\" {\n    body = " + text + "\n  }\n}\n"
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatalf("%s: %s", list[0].Summary, list[0].Detail)
	}
	return cfg.Actions["own"].Emits[0].Body
}

// What shipped actions send fits the catalogue, with and without what a rule
// may give, and carries the reason.
func TestShippedBodies(t *testing.T) {
	emits := 0
	for name, a := range shippedActions() {
		if !a.Shipped || a.ValidFor == 0 || a.Routed() {
			t.Errorf("%s is %+v", name, a)
		}
		for _, e := range a.Emits {
			emits++
			for _, with := range []map[string]any{
				{"claims": map[string]any{"role": "none"}},
				{"claims": map[string]any{"role": "none"}, "level": "low", "previous_level": "high", "principal": "device",
					"credential_type": "pin", "cause": "hijacking", "previous_status": "not-compliant"},
			} {
				text, err := e.Body.Render(vars(with))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				payload, err := strictjson.Parse(text, strictjson.DefaultLimits)
				if err != nil {
					t.Errorf("%s: %s: %v", name, text, err)
					continue
				}
				if err := e.Event.Check(payload); err != nil {
					t.Errorf("%s: %s: %v", name, text, err)
				}
				ids := map[string]string{"session-revoked": "INTEROP-27", "device-compliance-change": "INTEROP-29"}[e.Event.Name]
				req.True(t, ids, strings.Contains(string(text), `"reason_admin":{"en":"says \"now\""}`), "%s: %s has no reason", name, text)
			}
		}
	}
	if emits != 10 {
		t.Errorf("%d shipped actions emit, want 10", emits)
	}
}

// What nobody wrote a body for carries the reason, too.
func TestCommonBody(t *testing.T) {
	for name, id := range map[string]string{"session-revoked": "INTEROP-27", "credential-change": "INTEROP-28", "device-compliance-change": "INTEROP-29"} {
		typ, _ := event.ByName(name)
		body, ok := newLoader(defaults("config.hcl", "."), testEnv).compile(commonBody(typ))
		if !ok {
			t.Fatalf("%s: the body does not compile", name)
		}
		text, err := body.Render(vars(nil))
		req.True(t, id, err == nil && strings.Contains(string(text), `"reason_admin":{"en":"says \"now\""}`), "%s: %s, %v", name, text, err)
	}
}

// A notify that calls somebody says what it is about without being told to.
func TestNotifySays(t *testing.T) {
	src := "sink \"file\" \"pager\" { path = \"x.jsonl\" }\naction \"notify\" {\n  do \"pager\" {}\n}\n"
	cfg, list := Parse("config.hcl", ".", []byte(src), testEnv)
	if len(list) > 0 {
		t.Fatalf("%s: %s", list[0].Summary, list[0].Detail)
	}
	v := vars(nil)
	v.ID, v.Severity = "a-1", "high"
	r, err := cfg.Actions["notify"].Dos[0].Render(v)
	const want = `{"action":"a-1","event":"e-1","rule":"threat_alert","severity":"high","subject":"email:jane@example.com","text":"says \"now\"","time":1767225600}`
	if err != nil || string(r.Body) != want || r.Path != "" || r.Method != "" {
		t.Errorf("%s, %v; want %s", r.Body, err, want)
	}
}

// Every action type of the contract with rule authors comes with the product.
func TestShippedActions(t *testing.T) {
	want := []string{
		"credential-compromise", "device-noncompliant", "disable-account", "enable-account", "lower-risk", "notify", "raise-risk",
		"require-credential-change", "restore-access", "restrict-access", "revoke-session", "step-up",
	}
	if got := sortedKeys(shippedActions()); !slices.Equal(got, want) {
		t.Errorf("shipped are %v, want %v", got, want)
	}
}

func BenchmarkRender(b *testing.B) {
	body := shippedActions()["raise-risk"].Emits[0].Body
	v := vars(map[string]any{"level": "high"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := body.Render(v); err != nil {
			b.Fatal(err)
		}
	}
}
