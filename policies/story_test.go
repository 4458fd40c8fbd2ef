package policies

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// memory is a state that a story changes.
type memory map[string][]byte

func (m memory) Get(key string) ([]byte, bool, error) { v, ok := m[key]; return v, ok, nil }
func (m memory) Put(key string, value []byte)         { m[key] = slices.Clone(value) }
func (m memory) Delete(key string)                    { delete(m, key) }

// TestStories plays the shipped rules on real state: what state writes is what
// the schema promises, the rules do what their journeys say, and the stock
// library says the same of them.
func TestStories(t *testing.T) {
	set, problems := Load(nil, Options{ActionTypes: ShippedActionTypes})
	if set == nil {
		t.Fatal(problems)
	}
	outside, acted := shippedStock(t, set), 0
	see := func(in pipeline.Input, d pipeline.Decision) { acted += outside.agrees(set, in, d) }
	const (
		jane     = `{"format":"email","email":"jane@example.com"}`
		john     = `{"format":"email","email":"john@example.com"}`
		mary     = `{"format":"email","email":"mary@example.com"}`
		janeS1   = `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"session":{"format":"opaque","id":"s-1"}}`
		janeS2   = `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"session":{"format":"opaque","id":"s-2"}}`
		janeS3   = `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"session":{"format":"opaque","id":"s-3"}}`
		laptop   = `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"device":{"format":"opaque","id":"laptop"}}`
		laptopS1 = `{"format":"complex","user":{"format":"email","email":"jane@example.com"},"device":{"format":"opaque","id":"laptop"},"session":{"format":"opaque","id":"s-1"}}`
	)
	failing := `{"previous_status":"compliant","current_status":"not-compliant"}`
	healthy := `{"previous_status":"not-compliant","current_status":"compliant"}`
	type step struct {
		at            int // minutes from the beginning
		typ, who, how string
		want          string // "type subject" of each action, then notes: and timers:
	}
	for _, story := range []struct {
		name  string
		steps []step
	}{
		{"unplanned leaver (J-10)", []step{
			{0, "session-established", janeS1, `{}`, ""},
			{10, "employment-change", jane, `{"change":"terminated"}`, "disable-account email:jane@example.com; revoke-session email:jane@example.com"},
			{11, "account-disabled", jane, `{}`, "revoke-session email:jane@example.com"},
			{20, "session-presented", janeS1, `{}`, "revoke-session event; notes: 1"},
			{30, "account-enabled", jane, `{}`, ""},
			{40, "session-presented", janeS1, `{}`, ""},
			{50, "account-disabled", jane, `{"reason":"hijacking"}`, "revoke-session email:jane@example.com; notes: 1"},
			{60, "session-presented", janeS1, `{}`, "revoke-session complex:session=opaque:s-1&user=email:jane@example.com"},
		}},
		{"threat alert (J-12)", []step{
			{0, "session-established", janeS1, `{}`, ""},
			{20, "session-established", janeS2, `{}`, ""},
			{10, "credential-compromise", jane, `{"credential_type":"password"}`,
				"raise-risk email:jane@example.com; require-credential-change email:jane@example.com; " +
					"revoke-session complex:session=opaque:s-2&user=email:jane@example.com; notes: 1; timers: unchanged 72h0m0s"},
			{31, "credential-compromise", john, `{"credential_type":"password"}`,
				"raise-risk email:john@example.com; require-credential-change email:john@example.com; revoke-session email:john@example.com; " +
					"timers: unchanged 72h0m0s"},
			{32, "credential-compromise", mary, `{"credential_type":"password"}`,
				"raise-risk email:mary@example.com; require-credential-change email:mary@example.com; " +
					"revoke-session email:mary@example.com; step-up email:mary@example.com; notes: 1; timers: unchanged 72h0m0s"},
			{33, "risk-level-change", mary, `{"principal":"USER","current_level":"HIGH"}`, "notes: 1"},
			{34, "credential-compromise", mary, `{"credential_type":"pin"}`,
				"require-credential-change email:mary@example.com; revoke-session email:mary@example.com; step-up email:mary@example.com; notes: 2"},
		}},
		{"device compliance (J-20)", []step{
			{0, "device-compliance-change", laptop, failing,
				"restrict-access complex:device=opaque:laptop&user=email:jane@example.com; " +
					"revoke-session complex:device=opaque:laptop&user=email:jane@example.com; timers: settle 0s"},
			{60, "device-compliance-change", laptop, healthy, "restore-access complex:device=opaque:laptop&user=email:jane@example.com"},
			{70, "device-compliance-change", laptop, failing,
				"restrict-access complex:device=opaque:laptop&user=email:jane@example.com; " +
					"revoke-session complex:device=opaque:laptop&user=email:jane@example.com; timers: settle 0s"},
			{80, "device-compliance-change", laptop, healthy, "restore-access complex:device=opaque:laptop&user=email:jane@example.com"},
			{90, "device-compliance-change", laptop, failing,
				"restrict-access complex:device=opaque:laptop&user=email:jane@example.com; " +
					"revoke-session complex:device=opaque:laptop&user=email:jane@example.com; timers: settle 0s"},
			{100, "device-compliance-change", laptop, healthy, "notes: 1; timers: settle 4h0m0s"},
			{340, "timer", laptop, `{"rule":"device_compliance","name":"settle","due":1}`, "restore-access complex:device=opaque:laptop&user=email:jane@example.com"},
			{341, "device-compliance-change", jane, failing, "notes: 1"},
		}},
		{"device loss (J-05)", []step{
			{0, "credential-change", laptop, `{"credential_type":"fido2-platform","change_type":"create"}`, ""},
			{10, "device-lost", laptop, `{"state":"stolen"}`,
				"credential-compromise complex:device=opaque:laptop&user=email:jane@example.com; " +
					"restrict-access complex:device=opaque:laptop&user=email:jane@example.com; " +
					"revoke-session complex:device=opaque:laptop&user=email:jane@example.com; notes: 1"},
			{20, "session-established", laptopS1, `{}`, "revoke-session complex:session=opaque:s-1&user=email:jane@example.com"},
			{30, "posture", laptop, `{"status":"compliant"}`, "notes: 1"},
			{40, "device-compliance-change", laptop, healthy, "notes: 2"},
			{50, "device-lost", laptop, `{"state":"found"}`, "restore-access complex:device=opaque:laptop&user=email:jane@example.com"},
			{60, "session-presented", laptopS1, `{}`, ""},
		}},
		{"session inventory (J-11)", []step{
			{0, "session-presented", janeS2, `{}`, ""},
			{10, "session-established", janeS1, `{}`, ""},
			{20, "session-presented", janeS1, `{}`, ""},
			{30, "session-revoked", jane, `{}`, ""},
			{31, "session-presented", janeS1, `{}`, ""},
			{40, "session-presented", janeS1, `{}`, "revoke-session complex:session=opaque:s-1&user=email:jane@example.com; notes: 1"},
			{50, "session-presented", janeS3, `{}`, "step-up complex:session=opaque:s-3&user=email:jane@example.com; notes: 1"},
			{60, "session-presented", janeS3, `{}`, ""},
		}},
		{"session hijack (J-14)", []step{
			{0, "session-established", janeS1, `{"fp_ua":"ua-1"}`, ""},
			{10, "session-presented", janeS1, `{"fp_ua":"ua-1"}`, ""},
			{20, "session-presented", janeS1, `{"fp_ua":"ua-2"}`,
				"revoke-session complex:session=opaque:s-1&user=email:jane@example.com; " +
					"step-up complex:session=opaque:s-1&user=email:jane@example.com"},
			{30, "risk-level-change", janeS1, `{"principal":"SESSION","current_level":"HIGH"}`,
				"revoke-session complex:session=opaque:s-1&user=email:jane@example.com"},
			{40, "credential-change", jane, `{"credential_type":"password","change_type":"update"}`, ""},
			{35, "credential-compromise", jane, `{"credential_type":"password"}`, "notes: 2"},
			{50, "session-presented", janeS1, `{"fp_ua":"ua-2"}`,
				"revoke-session complex:session=opaque:s-1&user=email:jane@example.com; " +
					"step-up complex:session=opaque:s-1&user=email:jane@example.com"},
			{70, "credential-compromise", jane, `{"credential_type":"pin"}`,
				"raise-risk email:jane@example.com; require-credential-change email:jane@example.com; notes: 1"},
			{80, "session-presented", janeS1, `{"fp_ua":"ua-2"}`, "revoke-session email:jane@example.com"},
			{90, "ip-change", janeS1, `{"current_ip_address":"198.51.100.7","previous_ip_address":"203.0.113.9"}`, ""},
		}},
		{"leaked credentials (J-16)", []step{
			{0, "credential-change", jane, `{"credential_type":"password","change_type":"update"}`, ""},
			{10, "breach-exposure", jane, `{"breach":"b","credential_type":"password","exposed_at":1767000000}`, "notes: 1"},
			{20, "breach-exposure", jane, `{"breach":"c","credential_type":"password"}`, "require-credential-change email:jane@example.com; timers: unchanged 72h0m0s"},
			{30, "breach-exposure", jane, `{"breach":"c","credential_type":"password"}`, "require-credential-change email:jane@example.com"},
			{4340, "timer", jane, `{"rule":"leaked_credentials","name":"unchanged","due":1,"data":{"exposed":1767226800}}`, "disable-account email:jane@example.com"},
			{4350, "credential-change", jane, `{"credential_type":"password","change_type":"update"}`, ""},
			{4360, "timer", jane, `{"rule":"leaked_credentials","name":"unchanged","due":1,"data":{"exposed":1767226800}}`, ""},
		}},
		{"compromised account (P-01)", []step{
			{0, "risk-level-change", jane, `{"principal":"USER","current_level":"HIGH"}`, "step-up email:jane@example.com"},
			{10, "risk-level-change", jane, `{"principal":"USER","current_level":"HIGH"}`, ""},
			{20, "risk-level-change", jane, `{"principal":"USER","current_level":"LOW"}`, ""},
			{30, "user-risk-change", jane, `{"current_level":"high","previous_level":"low"}`, "restrict-access email:jane@example.com"},
			{40, "user-risk-change", jane, `{"current_level":"secure","previous_level":"high"}`, "restore-access email:jane@example.com"},
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			known := memory{}
			for n, s := range story.steps {
				typ, _ := event.ByName(s.typ)
				at := time.Unix(1767225600, 0).Add(time.Duration(s.at) * time.Minute)
				subject, _, err := event.ParseSubject(parsed(t, s.who), event.SubjectOptions{})
				if err != nil {
					t.Fatal(err)
				}
				e := &event.Event{
					ID: fmt.Sprint("e-", n), Type: typ, URI: typ.URI, Source: "test", Issuer: "https://idp.example.com", Assurance: event.Signed,
					Time: at, Received: at, Txn: "story", Subject: subject, Body: parsed(t, s.how), Concepts: typ.Concepts,
				}
				if got := play(t, set, known, e, see); got != s.want {
					t.Errorf("step %d, %s: got\n%s\nwant\n%s", n, s.typ, got, s.want)
				}
			}
		})
	}
	if acted < 40 {
		t.Errorf("the stock library was asked about %d actions", acted)
	}
}

func parsed(t *testing.T, text string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// play takes one event through state and rules and tells what was decided.
func play(t *testing.T, set *Set, known memory, e *event.Event, see func(pipeline.Input, pipeline.Decision)) string {
	t.Helper()
	sel := set.Select(e)
	x, err := state.Resolve(known, e)
	if err != nil {
		t.Fatal(err)
	}
	view, err := state.Load(known, x, e, state.LoadOptions{Needs: sel.Needs, Windows: sel.Windows, Links: true})
	if err != nil {
		t.Fatal(err)
	}
	in := pipeline.Input{Event: e, Selection: sel, Document: view.AppendInput(nil, e, sel.Needs, e.Received)}
	for _, name := range sel.Rules {
		ru := set.rules[name]
		alone, err := state.Load(known, x, e, state.LoadOptions{Needs: ru.needs, Windows: ru.windows, Links: true})
		if err != nil {
			t.Fatal(err)
		}
		own := alone.AppendInput(nil, e, ru.needs, e.Received)
		for _, v := range ru.input.violations(parsed(t, string(own)), "input") {
			t.Errorf("the input of %s: %s\n%s", name, v, own)
		}
	}
	d, err := set.Decide(t.Context(), in)
	if err != nil || len(d.Errors) > 0 {
		t.Fatalf("%v %+v\n%s", err, d.Errors, in.Document)
	}
	see(in, d)
	if err := view.Apply(known, d.Facts); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, p := range d.Proposals {
		who := "event"
		if p.Subject != nil {
			s, _, err := event.ParseSubject(parsed(t, text(p.Subject)), event.SubjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			who = s.Key()
		}
		if strings.Contains(p.Reason, "undefined") {
			t.Errorf("a value is missing in the reason: %s", p.Reason)
		}
		told = append(told, p.Type+" "+who)
	}
	slices.Sort(told)
	for _, n := range d.Notes {
		if strings.Contains(n.Text, "undefined") {
			t.Errorf("a value is missing in the note: %s", n.Text)
		}
	}
	if n := len(d.Notes); n > 0 {
		told = append(told, fmt.Sprintf("notes: %d", n))
	}
	for _, timer := range d.Timers {
		told = append(told, fmt.Sprintf("timers: %s %s", timer.Name, timer.After))
	}
	return strings.Join(told, "; ")
}
