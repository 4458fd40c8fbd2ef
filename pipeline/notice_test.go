package pipeline_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
)

func TestNotices(t *testing.T) {
	action := func(change ...func(*pipeline.Action)) pipeline.Action {
		a := pipeline.Action{
			ID: "a-1", Rule: "threat_alert", Type: "revoke-session", Severity: "high", Mode: pipeline.Enforce,
			Key: "email:jane@example.com", User: &pipeline.EntityPart{Email: "jane@example.com"}, Reason: "phished",
		}
		for _, f := range change {
			f(&a)
		}
		return a
	}
	is := func(s pipeline.Status, guard, why string) func(*pipeline.Action) {
		return func(a *pipeline.Action) { a.Status, a.Guard, a.Why = s, guard, why }
	}
	at := func(sink string) func(*pipeline.Action) { return func(a *pipeline.Action) { a.Target = sink } }
	acts := func(kind pipeline.RecordKind, list ...pipeline.Action) pipeline.Record {
		return pipeline.Record{Kind: kind, At: morning, Actions: list}
	}
	for name, c := range map[string]struct {
		rec  pipeline.Record
		want []string // kind, severity, summary, detail, command, group
	}{
		"waits": {acts(pipeline.InputRecord, action(is(pipeline.PendingApproval, "mode", "rule acts on approval only"))), []string{
			"approval-waiting|high|revoke-session for jane@example.com waits for approval (rule threat_alert)|phished (rule acts on approval only)|signalbox action show a-1|threat_alert revoke-session",
		}},
		"protected": {acts(pipeline.InputRecord, action(is(pipeline.Held, "protected", "protected subject: vip"))), []string{
			"approval-waiting|high|revoke-session for jane@example.com waits for approval (rule threat_alert)|phished (protected subject: vip)|signalbox action show a-1|threat_alert revoke-session",
		}},
		"limit": {acts(pipeline.InputRecord, action(is(pipeline.PendingApproval, "limit", "limit of all rules"))), []string{
			"approval-waiting|high|revoke-session for jane@example.com waits for approval (rule threat_alert)|phished (limit of all rules)|signalbox action show a-1|threat_alert revoke-session",
			"brake-tripped|high|the limit guard holds actions: revoke-session for jane@example.com|limit of all rules|signalbox query 'action.guard:limit' --since 1h|limit threat_alert ",
		}},
		"loop": {acts(pipeline.InputRecord, action(is(pipeline.Suppressed, "loop", "transaction t keeps asking"))), []string{
			"brake-tripped|high|the loop guard holds actions: revoke-session for jane@example.com|transaction t keeps asking|signalbox query 'action.guard:loop' --since 1h|loop threat_alert ",
		}},
		"suppressed by remit": {acts(pipeline.InputRecord, action(is(pipeline.Suppressed, "remit", "may not"))), nil},
		"in the shadow":       {acts(pipeline.InputRecord, action(is(pipeline.Held, "protected", "vip"), func(a *pipeline.Action) { a.Mode = pipeline.Shadow })), nil},
		"queued":              {acts(pipeline.InputRecord, action(is(pipeline.Queued, "", ""), at("app"))), nil},
		"failed":              {acts(pipeline.DeliveryRecord, action(is(pipeline.Failed, "", "503"), at("app"))), nil},
		"dead, with what waited for it": {acts(pipeline.DeliveryRecord, action(is(pipeline.Dead, "", "410: gone"), at("app")), action(is(pipeline.Dead, "do", "the call"), at("other"))), []string{
			"dead-letter|high|revoke-session for jane@example.com came to nothing at app|410: gone|signalbox action show a-1|dead app revoke-session",
		}},
		"expired": {acts(pipeline.DeliveryRecord, action(is(pipeline.Expired, "", "not handed over"), at("app"))), []string{
			"dead-letter|high|revoke-session for jane@example.com came to nothing at app|not handed over|signalbox explain a-1|expired app revoke-session",
		}},
		"parts of one action": {acts(pipeline.InputRecord, action(is(pipeline.PendingApproval, "mode", "")), action(is(pipeline.PendingApproval, "mode", ""))), []string{
			"approval-waiting|high|revoke-session for jane@example.com waits for approval (rule threat_alert)|phished|signalbox action show a-1|threat_alert revoke-session",
		}},
		"rule fails": {pipeline.Record{Kind: pipeline.InputRecord, At: morning, Outcomes: []pipeline.Outcome{{
			Event: pipeline.EventPart{Type: "session-revoked"},
			Decision: &pipeline.DecisionPart{ID: "d-1", Errors: []pipeline.RuleError{
				{Rule: "a", Document: "actions", Message: "conflict"}, {Rule: "a", Document: "facts", Message: "again"}, {Rule: "b", Document: "notes", Message: "budget"},
			}},
		}}}, []string{
			"rule-failing|medium|rule a fails for session-revoked|actions: conflict|signalbox explain d-1|a",
			"rule-failing|medium|rule b fails for session-revoked|notes: budget|signalbox explain d-1|b",
		}},
		"source blind": {pipeline.Record{Kind: pipeline.InputRecord, At: morning, Outcomes: []pipeline.Outcome{{
			Event: pipeline.EventPart{Type: "feed-health", Body: []byte(`{"source":"idp","status":"blind","reason":"no signal for 2h"}`)},
		}}}, []string{"stream-dead|high|a source fell silent: idp: no signal for 2h||signalbox status|idp"}},
		"source healthy": {pipeline.Record{Kind: pipeline.InputRecord, At: morning, Outcomes: []pipeline.Outcome{{
			Event: pipeline.EventPart{Type: "feed-health", Body: []byte(`{"source":"idp","status":"healthy"}`)},
		}}}, nil},
		"noted as dead": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{Verb: pipeline.VerbStreamDead, By: "signalbox", Detail: "app.main of receiver app at signals: 3 SETs wait"}}, []string{
			"stream-dead|high|a stream to a receiver stands still: app.main of receiver app at signals: 3 SETs wait||signalbox receivers list|",
		}},
		"stopped": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{Verb: "stop-actions", By: "kim", Comment: "storm"}}, []string{
			"actions-stopped|high|all actions were stopped by kim|storm|signalbox stop-actions --resume|",
		}},
		"budget warns": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{
			Verb: pipeline.BudgetWarning, By: "signalbox", Detail: "disk at 71 %: 1.0 GiB must stay free and 1.4 GiB are", Comment: "at 100 % intake answers 503", Budget: "disk",
		}}, []string{"budget-filling|medium|disk at 71 %: 1.0 GiB must stay free and 1.4 GiB are|at 100 % intake answers 503|signalbox store status|budget-warning disk"}},
		"budget used up": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{
			Verb: pipeline.BudgetExhausted, By: "signalbox", Detail: "100 % of the actions", Comment: "further actions are held", Budget: "pending/app",
		}}, []string{"budget-filling|high|100 % of the actions|further actions are held|signalbox store status|budget-exhausted pending/app"}},
		"budget eased": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{Verb: pipeline.BudgetEased, By: "signalbox", Budget: "disk"}}, nil},
		"our own note": {pipeline.Record{Kind: pipeline.OperatorRecord, At: morning, Operator: &pipeline.OperatorPart{Verb: "notify", By: "signalbox", Failed: "x"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, n := range pipeline.Notices(&c.rec) {
				got = append(got, strings.Join([]string{string(n.Kind), n.Severity, n.Summary, n.Detail, n.Command, strings.TrimPrefix(n.Group, string(n.Kind)+" ")}, "|"))
				if n.Count != 1 || !n.First.Equal(morning) || !n.Last.Equal(morning) || !slices.Contains(pipeline.NoticeKinds, n.Kind) {
					t.Errorf("notice %+v", n)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("notices\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestNoticeOfStrangers: what strangers name themselves does nothing in a chat.
func TestNoticeOfStrangers(t *testing.T) {
	for in, want := range map[string]string{
		"opaque:@channel":                        "opaque:(at)channel",
		"@here":                                  "(at)here",
		"jane@example.com":                       "jane@example.com",
		"<!channel>":                             "'!channel'",
		"<https://evil.example.com|reset>":       "'https[:]//evil.example.com'reset'",
		"`rm -rf`\n*bold*\x1b[2J\u202e":          "'rm -rf' 'bold'?[2J?",
		"a " + strings.Repeat("very long ", 500): "a " + strings.Repeat("very long ", 29) + "very lon ...",
	} {
		rec := pipeline.Record{Kind: pipeline.DeliveryRecord, At: morning, Actions: []pipeline.Action{{
			ID: "a-1", Type: "x", Rule: "r", Key: in, Reason: in, Why: in, Status: pipeline.Dead,
		}}}
		n := pipeline.Notices(&rec)[0]
		if n.Subject != want || n.Detail != want || !strings.Contains(n.Summary, want) {
			t.Errorf("subject %q, detail %q, summary %q; want %q", n.Subject, n.Detail, n.Summary, want)
		}
	}
}

func TestNoticeText(t *testing.T) {
	for count, want := range map[int]string{
		1: "s", 2: "s, and 1 more", 1000: "s, and 999 more", 10_000: "s, and 9,999 more", 1_000_002: "s, and 1,000,001 more",
	} {
		n := pipeline.Notice{Summary: "s", Count: count}
		if got := n.Text(); got != want {
			t.Errorf("%d: %q, want %q", count, got, want)
		}
	}
}

// FuzzNotices: whatever a record holds, notices are of the closed set, grouped
// and short.
func FuzzNotices(f *testing.F) {
	f.Add([]byte(`{"kind":"delivery","at":"2026-02-03T10:00:00Z","actions":[{"id":"a-1","status":"dead","why":"x"}]}`))
	f.Add([]byte(`{"kind":"input","outcomes":[{"event":{"type":"feed-health","body":{"status":"blind"}},"decision":{"errors":[{"rule":"a"}]}}]}`))
	f.Add([]byte(`{"kind":"operator","operator":{"verb":"budget-exhausted","by":"signalbox","detail":"<disk>","budget":"disk"}}`))
	f.Add([]byte(`{"kind":"operator","operator":{"verb":"stop-actions","by":"<@U1>"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec := new(pipeline.Record)
		if json.Unmarshal(data, rec) != nil {
			return
		}
		for _, n := range pipeline.Notices(rec) {
			if !slices.Contains(pipeline.NoticeKinds, n.Kind) || n.Count != 1 || n.Group == "" || n.Command == "" {
				t.Errorf("%+v", n)
			}
			if s := fmt.Sprint(n.Subject, n.Detail); strings.ContainsAny(s, "<>`\n\x1b") || len(s) > 2000 {
				t.Errorf("%q", s)
			}
		}
	})
}
