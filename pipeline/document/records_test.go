package document

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func jane() *pipeline.EntityPart {
	return &pipeline.EntityPart{
		ID:    "u-email:jane@example.com",
		Keys:  []string{"email:jane@example.com", "iss_sub:https://idp.example.com|00u%7C1"},
		Email: "jane@example.com", Name: "Jane Doe",
	}
}

func laptop() *pipeline.EntityPart {
	return &pipeline.EntityPart{ID: "d-opaque:7", Keys: []string{"opaque:7"}, Name: "LAPTOP-7"}
}

func session() *pipeline.EntityPart {
	return &pipeline.EntityPart{ID: "s-opaque:s-1", Keys: []string{"opaque:s-1"}}
}

func input() *pipeline.InputPart {
	return &pipeline.InputPart{
		ID: "i-00000000000000000000000001", Source: "idp", Sender: "idp", RemoteAddr: "192.0.2.7", Delivery: "push",
		Received: at("2026-02-03T10:15:05.002Z"), Body: "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJ4In0.c2ln",
		SHA256: strings.Repeat("0a", 32), Verdict: pipeline.Accepted, Assurance: event.Signed, Dialect: "ssf",
		Issuer: "https://idp.example.com", JTI: "756E69717565", Txn: "8675309", Audience: []string{"https://rx.example.com"},
		IssuedAt: at("2026-02-03T10:15:04Z"), Alg: "RS256", KeyID: "k1", Typ: "secevent+jwt", Applied: []string{"LEGACY-03"},
	}
}

const riskBody = `{"event_timestamp":1770113704,"principal":"USER","current_level":"HIGH","previous_level":"LOW",` +
	`"initiating_entity":"policy","risk_reason":"impossible travel","reason_admin":{"de":"Unmögliche Reise","en":"impossible travel"}}`

// acted is a record with everything: two events, of which one is acted on, an
// action on its way and one held.
func acted() *pipeline.Record {
	const decision = "d-00000000000000000000000011"
	action := pipeline.Action{
		ID: "a-00000000000000000000000021", Event: "e-00000000000000000000000011", Decision: decision,
		Chain: "i-00000000000000000000000001", Depth: 1, Rule: "credential_compromise", Branch: "older sessions end",
		Severity: "high", Mode: pipeline.Enforce, Type: "revoke-session", Emits: "session-revoked", Target: "downstream",
		Subject: json.RawMessage(`{"format":"email","email":"jane@example.com"}`), Key: "email:jane@example.com",
		Reason: "user risk is high", Status: pipeline.Queued, Txn: "8675309",
		Made: at("2026-02-03T10:15:05.031Z"), Received: at("2026-02-03T10:15:05.002Z"), Expires: at("2026-02-03T11:15:05.031Z"),
		User: jane(), Session: session(),
	}
	held := action
	held.ID, held.Type, held.Emits, held.Target, held.Status = "a-00000000000000000000000022", "disable-account", "account-disabled", "", pipeline.Held
	held.Guard, held.Why = "protected", "protected subject"
	return &pipeline.Record{
		Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.031Z"), Node: "node-1",
		Trace: "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", Input: input(),
		Outcomes: []pipeline.Outcome{{
			Event: pipeline.EventPart{
				ID: "e-00000000000000000000000011", Type: "risk-level-change", Family: "caep",
				URI:  "https://schemas.openid.net/secevent/caep/event-type/risk-level-change",
				Time: at("2026-02-03T10:15:04.120Z"), TimeSource: "event_timestamp",
				Subject: json.RawMessage(`{"format":"email","email":"jane@example.com"}`), Body: json.RawMessage(riskBody),
				Concepts: []string{"user-risk"}, Late: true,
			},
			Decision: &pipeline.DecisionPart{
				ID: decision, Revision: "r-42", Result: "act", Fired: []pipeline.Fired{{Rule: "credential_compromise", Branch: "older sessions end"}},
				Quiet: []string{"device_compliance"}, Notes: []pipeline.Note{{Rule: "credential_compromise", Text: "two sources agree"}},
				Facts:  []pipeline.Fact{{Rule: "credential_compromise", Name: "exposed \"since\"", Of: "user", Value: json.Number("1770113704")}},
				Errors: []pipeline.RuleError{{Rule: "unplanned_leaver", Document: "facts", Message: "over budget"}}, Steps: 117,
			},
			Change:   json.RawMessage(`{"entity":"user.risk","from":"low","to":"high","applied":true}`),
			Entities: pipeline.EntitiesPart{User: jane(), Session: session()},
		}, {
			Event: pipeline.EventPart{
				ID: "e-00000000000000000000000012", Type: "device-compliance-change", Family: "caep",
				URI:  "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change",
				Time: at("2026-02-03T10:15:04Z"), TimeSource: "iat",
				Body: json.RawMessage("{\n\"current_status\": \"not-compliant\",\r\n\"previous_status\":\"compliant\"}"), Stale: true,
			},
			Remit:    "the issuer may not speak of devices",
			Entities: pipeline.EntitiesPart{User: jane(), Device: laptop()},
		}},
		Actions: []pipeline.Action{action, held},
	}
}

// records are one of each kind.
func records() map[string]*pipeline.Record {
	acked := acted().Actions[0]
	acked.Status, acked.Attempt, acked.Info, acked.JTI = pipeline.Acked, 2, "202", "9b2"
	delivery := &pipeline.Record{Kind: pipeline.DeliveryRecord, At: at("2026-02-03T10:15:05.240Z"), Actions: []pipeline.Action{acked}}

	rejected := input()
	rejected.Verdict, rejected.Assurance, rejected.ID = pipeline.Rejected, event.None, ""
	rejected.Reject = &pipeline.RejectPart{Code: pipeline.InvalidKey, Description: "signature does not verify", Requirement: "SET-05", Quarantine: "q-0123456789abcdefghjkmnpqrs"}

	unreadable := &pipeline.InputPart{
		Source: "idp", RemoteAddr: "fe80::1%eth0", Delivery: "push", Received: at("2026-02-03T10:15:05.002Z"), Body: "not a\ntoken",
		SHA256: strings.Repeat("0b", 32), Verdict: pipeline.Rejected, Assurance: event.None,
		Reject: &pipeline.RejectPart{Code: pipeline.InvalidRequest, Description: "not a compact token"},
	}
	reused := input()
	reused.Verdict = pipeline.Reused
	discarded := input()
	discarded.Verdict, discarded.Discard = pipeline.Discarded, "the subject is not in the stream"

	alert := input()
	alert.Issuer, alert.JTI, alert.Txn, alert.Assurance, alert.Source, alert.Chain = "", "", "", event.Channel, "edr", "i-root"
	feed := input()
	feed.Issuer, feed.JTI, feed.Txn, feed.Assurance, feed.Source, feed.Chain = "feed", "", "", event.Internal, "feed", ""
	unmapped := input()
	unmapped.Verdict, unmapped.Reject = pipeline.Rejected, &pipeline.RejectPart{Code: pipeline.Unmapped, Description: "no mapping knows the record"}

	merged := acted().Actions[1]
	merged.Status, merged.Into, merged.Mode, merged.User, merged.Session = pipeline.Merged, "a-0", pipeline.Shadow, nil, nil
	listed := input()
	listed.TimeOf, listed.Position, listed.Applied = at("2026-02-03T10:15:01Z"), "in.jsonl:3", nil
	other := func(n, name, body string) pipeline.Outcome {
		return pipeline.Outcome{Event: pipeline.EventPart{ID: "e-" + n, Type: name, Family: "caep", URI: "urn:x:" + name,
			Time: at("2026-02-03T10:15:01Z"), TimeSource: "toe", Body: json.RawMessage(body), Applied: []string{"LEGACY-07"}},
			Entities: pipeline.EntitiesPart{User: &pipeline.EntityPart{ID: "u-2", Keys: []string{"opaque:2"}}, Device: laptop()}}
	}
	return map[string]*pipeline.Record{
		"acted":    acted(),
		"unmapped": {Kind: pipeline.RejectRecord, At: at("2026-02-03T10:15:05.003Z"), Input: unmapped},
		"several": {Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.003Z"), Input: listed, Actions: []pipeline.Action{merged},
			Outcomes: []pipeline.Outcome{
				other("1", "credential-change", `{"credential_type":"fido2-roaming","change_type":"revoke","reason_user":{"fr":"clé perdue"}}`),
				other("2", "risk-level-change", `{"principal":"DEVICE","current_level":"MEDIUM"}`),
				other("3", "unknown", `{"deep":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+`}`),
				other("4", "account-disabled", `{"reason":"hijacking"}`),
				other("5", "prov:deactivate", `{}`),
			}},
		"delivery":   delivery,
		"called":     called(),
		"copied":     copied(),
		"approved":   approved(),
		"rejected":   {Kind: pipeline.RejectRecord, At: at("2026-02-03T10:15:05.003Z"), Input: rejected},
		"unreadable": {Kind: pipeline.RejectRecord, At: at("2026-02-03T10:15:05.003Z"), Input: unreadable},
		"reused":     {Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.003Z"), Input: reused},
		"discarded":  {Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.003Z"), Input: discarded},
		"operator": {Kind: pipeline.OperatorRecord, At: at("2026-02-03T10:16:00Z"),
			Operator: &pipeline.OperatorPart{Verb: "stop-actions", By: "root", Comment: "too many revocations", Detail: "12 held"}},
		"verdict": {Kind: pipeline.OperatorRecord, At: at("2026-02-03T10:17:00Z"),
			Operator: &pipeline.OperatorPart{Verb: "verdict", By: "ana", Comment: "a drill", Judgement: &pipeline.JudgementPart{
				Verdict: pipeline.FalsePositive, ID: "a-00000000000000000000000021", Action: "a-00000000000000000000000021",
				Event: "e-00000000000000000000000011", Decision: "d-00000000000000000000000011", Type: "risk-level-change",
				Input: "i-00000000000000000000000001", Chain: "i-00000000000000000000000001", Rules: []string{"credential_compromise"},
				Entities: pipeline.EntitiesPart{User: jane(), Device: laptop(), Session: session()},
			}}},
		"operator_failed": {Kind: pipeline.OperatorRecord, At: at("2026-02-03T10:16:00Z"),
			Operator: &pipeline.OperatorPart{Verb: "reload", By: "system", Failed: "policies: 1 error"}},
		"alert": {Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.003Z"), Input: alert,
			Outcomes: []pipeline.Outcome{{
				Event: pipeline.EventPart{ID: "e-00000000000000000000000031", Type: "alert", Family: "local", URI: event.LocalBase + "alert",
					Time: at("2026-02-03T10:15:04Z"), TimeSource: "received",
					Body: json.RawMessage(`{"alert_id":"1","severity":"critical","title":"Token theft","reason":"cookie replayed"}`)},
				Decision: &pipeline.DecisionPart{ID: "d-00000000000000000000000031", Revision: "r-42", Result: "no_action", Quiet: []string{"threat_alert"}},
				Entities: pipeline.EntitiesPart{Device: laptop()},
			}}},
		"feed": {Kind: pipeline.InputRecord, At: at("2026-02-03T10:15:05.003Z"), Input: feed,
			Outcomes: []pipeline.Outcome{{
				Event: pipeline.EventPart{ID: "e-00000000000000000000000032", Type: "feed-health", Family: "local", URI: event.LocalBase + "feed-health",
					Time: at("2026-02-03T10:15:04Z"), TimeSource: "feed",
					Body: json.RawMessage(`{"source":"idp","status":"degraded","reason":"the clocks differ by 2m0s","since":1770113704,"last_seen":1770113404,"last_verified":1770113404,"keys_fetched":1770113104,"waiting":3,"clock_offset":120.5}`)},
				Decision: &pipeline.DecisionPart{ID: "d-00000000000000000000000032", Revision: "r-42", Result: "no_action"},
			}}},
	}
}

// called is the call of an actuator, taken.
func called() *pipeline.Record {
	return &pipeline.Record{Kind: pipeline.DeliveryRecord, At: at("2026-02-03T10:15:05.240Z"), Actions: []pipeline.Action{{
		ID: "a-00000000000000000000000031", Event: "e-00000000000000000000000011", Decision: "d-00000000000000000000000011",
		Chain: "i-00000000000000000000000001", Depth: 1, Rule: "credential_compromise", Severity: "high", Mode: pipeline.Enforce,
		Type: "disable-account", Call: &pipeline.CallPart{Method: "POST", Path: "/users/00u1/lifecycle/suspend"}, Target: "idp",
		Subject: []byte(`{"format":"email","email":"jane@example.com"}`), Key: "email:jane@example.com",
		Body: []byte(`{"reason":"user risk is high"}`), Reason: "user risk is high", Status: pipeline.Acked, Attempt: 1, Info: "200",
		Made: at("2026-02-03T10:15:05.031Z"), Received: at("2026-02-03T10:15:05.031Z"),
	}}}
}

// copied is what one stream of a sink took.
func copied() *pipeline.Record {
	r := called()
	a := &r.Actions[0]
	a.Call, a.Emits, a.Target, a.Stream, a.Info = nil, "account-disabled", "signals", "app.main", "202"
	return r
}

// approved is a person's word on an action of two parts.
func approved() *pipeline.Record {
	whole := called().Actions[0]
	call, fact := whole, whole
	whole.Call, whole.Target, whole.Body, whole.Info, whole.Attempt = nil, "", nil, "", 0
	whole.Status, whole.Guard, whole.Why = pipeline.Approved, "protected", "approved by kim: called her"
	call.Status, call.Info, call.Attempt = pipeline.Queued, "", 0
	fact.Status, fact.Info, fact.Attempt, fact.Part, fact.After = pipeline.Proposed, "", 0, 1, 1
	fact.Call, fact.Emits, fact.Target, fact.Why = nil, "account-disabled", "downstream", "waits for the call of idp"
	return &pipeline.Record{
		Kind: pipeline.OperatorRecord, At: at("2026-02-03T10:16:00Z"), Actions: []pipeline.Action{whole, call, fact},
		Operator: &pipeline.OperatorPart{Verb: "approve-action", By: "kim", Comment: "called her", Detail: whole.ID},
	}
}
