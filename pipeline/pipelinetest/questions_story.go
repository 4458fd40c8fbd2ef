package pipelinetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// The sources of the story.
const (
	storyIdP  = "https://idp.example.com"
	storyFeed = "https://feed.example.net"
)

// story makes journal records and has them rendered as the product does.
type story struct {
	t    testing.TB
	n    int
	docs []pipeline.Delivery
}

// onDay is a moment of the day of SearcherNow.
func onDay(text string) time.Time {
	at, err := time.Parse("15:04:05", text)
	if err != nil {
		panic(err)
	}
	y, m, d := SearcherNow.Date()
	return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
}

func storyID(kind string, n int) string { return fmt.Sprintf("%s-%026d", kind, n) }

func (s *story) record(r *pipeline.Record) {
	s.t.Helper()
	r.Node = "node-1"
	s.n++
	docs, err := document.Deliveries(uint64(s.n), r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.docs = append(s.docs, docs...)
}

func storyUser(name string) *pipeline.EntityPart {
	mail := name + "@example.com"
	return &pipeline.EntityPart{ID: "u-email:" + mail, Keys: []string{"email:" + mail}, Email: mail}
}

func storyDevice(name string) *pipeline.EntityPart {
	return &pipeline.EntityPart{ID: "d-opaque:" + name, Keys: []string{"opaque:" + name}, Name: name}
}

func storySession(id string) *pipeline.EntityPart {
	return &pipeline.EntityPart{ID: "s-opaque:" + id, Keys: []string{"opaque:" + id}}
}

// told is one event that came by a signed token, or by a mapping.
type told struct {
	at                    time.Time
	user, device, session string
	issuer, mapping       string
	typ, body, change     string
	decision              *pipeline.DecisionPart
	actions               []pipeline.Action
}

// tell records an event and gives the number its ids are made of.
func (s *story) tell(x told) int {
	s.t.Helper()
	n := s.n + 1
	body := fmt.Sprintf("token %d", n)
	sum := sha256.Sum256([]byte(body))
	in := &pipeline.InputPart{
		ID: storyID("i", n), Source: "idp", Sender: "idp", RemoteAddr: "192.0.2.7", Delivery: "push", Received: x.at.Add(time.Second),
		Body: body, SHA256: hex.EncodeToString(sum[:]), Verdict: pipeline.Accepted, Assurance: event.Signed, Dialect: "ssf",
		Issuer: x.issuer, JTI: fmt.Sprintf("jti-%d", n), Txn: fmt.Sprintf("txn-%d", n), IssuedAt: x.at, Alg: "ES256", KeyID: "k1", Typ: "secevent+jwt",
	}
	e := pipeline.EventPart{
		ID: storyID("e", n), Type: x.typ, Family: "caep", URI: "https://schemas.openid.net/secevent/caep/event-type/" + x.typ,
		Time: x.at, TimeSource: "toe", Body: json.RawMessage(x.body),
	}
	switch {
	case x.mapping != "":
		in.Mapping, in.Source, in.Assurance, in.Issuer, in.JTI, in.Alg, in.KeyID, in.Typ = x.mapping, "edr", event.Channel, "", "", "", "", ""
		e.Family, e.URI = "local", event.LocalBase+x.typ
	case x.issuer == storyFeed:
		in.Source = "feed"
	}
	o := pipeline.Outcome{Event: e, Change: json.RawMessage(x.change)}
	if x.user != "" {
		o.Entities.User = storyUser(x.user)
	}
	if x.device != "" {
		o.Entities.Device = storyDevice(x.device)
	}
	if x.session != "" {
		o.Entities.Session = storySession(x.session)
	}
	if x.decision != nil {
		d := *x.decision
		d.ID, d.Revision = storyID("d", n), first(d.Revision, "r-42")
		o.Decision = &d
	}
	r := &pipeline.Record{Kind: pipeline.InputRecord, At: in.Received.Add(30 * time.Millisecond), Input: in, Outcomes: []pipeline.Outcome{o}}
	for i, a := range x.actions {
		a.ID, a.Event, a.Decision, a.Chain, a.Depth, a.Txn = storyID("a", 10*n+i), e.ID, storyID("d", n), in.ID, 1, in.Txn
		a.Made, a.Received, a.Key = r.At, in.Received, "email:"+x.user+"@example.com"
		a.User, a.Session = o.Entities.User, o.Entities.Session
		a.Severity, a.Mode = first(a.Severity, "high"), pipeline.Mode(first(string(a.Mode), string(pipeline.Enforce)))
		r.Actions = append(r.Actions, a)
	}
	s.record(r)
	return n
}

// first is the first text that is not empty.
func first(list ...string) string {
	for _, text := range list {
		if text != "" {
			return text
		}
	}
	return ""
}

// went records that an action of the last event came to a status.
func (s *story) went(at time.Time, a pipeline.Action) {
	s.t.Helper()
	s.record(&pipeline.Record{Kind: pipeline.DeliveryRecord, At: at, Actions: []pipeline.Action{a}})
}

// fired is a decision to act.
func fired(rule string) *pipeline.DecisionPart {
	return &pipeline.DecisionPart{Result: "act", Fired: []pipeline.Fired{{Rule: rule, Branch: "older sessions end"}}}
}

func asked(rule, typ, target string, status pipeline.Status) pipeline.Action {
	return pipeline.Action{Rule: rule, Type: typ, Emits: "session-revoked", Target: target, Status: status, Reason: "user risk is high"}
}

const (
	risen    = `{"principal":"USER","current_level":"HIGH","previous_level":"LOW","reason_admin":{"en":"impossible travel"}}`
	riskUp   = `{"entity":"user.risk","from":"low","to":"high","applied":true}`
	noLonger = `{"current_status":"not-compliant","previous_status":"compliant"}`
	strayed  = `{"entity":"device.compliance","from":"compliant","to":"not-compliant","applied":true}`
)

// QuestionDocuments is a day of a small company, as the documents the product
// makes of it. Everything is before SearcherNow.
func QuestionDocuments(t testing.TB) []pipeline.Delivery {
	s := &story{t: t}
	quiet := &pipeline.DecisionPart{Result: "no_action", Quiet: []string{"credential_compromise"}}

	// A feed that spoke yesterday evening for the last time.
	s.tell(told{at: onDay("20:00:00").AddDate(0, 0, -1), issuer: storyFeed, user: "tom", typ: "credential-compromise", body: `{"credential_type":"password"}`, decision: quiet})

	// Ola's laptop stops complying, and she opens a session. Pat's does so after
	// the session.
	s.tell(told{at: onDay("06:59:00"), issuer: storyIdP, user: "pat", session: "s-400", typ: "session-established", body: `{}`})
	s.tell(told{at: onDay("07:00:00"), issuer: storyIdP, user: "ola", device: "LAPTOP-9", typ: "device-compliance-change", body: noLonger, change: strayed, decision: quiet})
	s.tell(told{at: onDay("07:30:00"), issuer: storyIdP, user: "pat", device: "LAPTOP-4", typ: "device-compliance-change", body: noLonger, change: strayed, decision: quiet})
	s.tell(told{at: onDay("08:00:00"), issuer: storyIdP, user: "ola", session: "s-900", typ: "session-established", body: `{}`})

	// Jane: a session, an alert on her laptop, high risk, the session ends.
	s.tell(told{at: onDay("09:00:00"), issuer: storyIdP, user: "jane", session: "s-100", typ: "session-established", body: `{}`})
	s.tell(told{at: onDay("09:30:00"), mapping: "crowdstrike", user: "jane", device: "LAPTOP-7", typ: "alert",
		body: `{"alert_id":"1","severity":"high","title":"Token theft","reason":"cookie replayed"}`, decision: quiet})
	n := s.tell(told{at: onDay("09:38:00"), issuer: storyIdP, user: "jane", session: "s-100", typ: "risk-level-change", body: risen, change: riskUp,
		decision: fired("credential_compromise"), actions: []pipeline.Action{asked("credential_compromise", "revoke-session", "downstream", pipeline.Queued)}})
	jane := asked("credential_compromise", "revoke-session", "downstream", pipeline.Acked)
	jane.ID, jane.Event, jane.Decision, jane.Chain, jane.Depth, jane.Mode = storyID("a", 10*n), storyID("e", n), storyID("d", n), storyID("i", n), 1, pipeline.Enforce
	jane.Key, jane.User, jane.Session = "email:jane@example.com", storyUser("jane"), storySession("s-100")
	jane.Received, jane.Attempt, jane.Info, jane.JTI = onDay("09:38:01"), 1, "202", "out-1"
	s.went(onDay("09:38:01").Add(240*time.Millisecond), jane)
	s.record(&pipeline.Record{Kind: pipeline.OperatorRecord, At: onDay("11:00:00"), Operator: &pipeline.OperatorPart{Verb: "verdict", By: "ana", Comment: "she was travelling",
		Judgement: &pipeline.JudgementPart{Verdict: pipeline.FalsePositive, ID: storyID("d", n), Event: storyID("e", n), Type: "risk-level-change", Decision: storyID("d", n),
			Input: storyID("i", n), Chain: storyID("i", n), Rules: []string{"credential_compromise"}, Entities: pipeline.EntitiesPart{User: storyUser("jane"), Session: storySession("s-100")}}}})

	// John's risk is high and no rule acts; so is Tom's, a moment ago.
	s.tell(told{at: onDay("10:00:00"), issuer: storyIdP, user: "john", typ: "risk-level-change", body: risen, change: riskUp, decision: quiet})
	s.tell(told{at: onDay("11:58:00"), issuer: storyIdP, user: "tom", typ: "risk-level-change", body: risen, change: riskUp, decision: quiet})

	// Kim's action is given up, Lee's is never answered, Mia's waits for a
	// person, Ned's was released by one.
	n = s.tell(told{at: onDay("10:10:00"), issuer: storyIdP, user: "kim", typ: "credential-compromise", body: `{"credential_type":"password"}`,
		decision: fired("credential_compromise"), actions: []pipeline.Action{asked("credential_compromise", "revoke-session", "okta", pipeline.Queued)}})
	kim := jane
	kim.ID, kim.Event, kim.Decision, kim.Chain, kim.Key, kim.User, kim.Session = storyID("a", 10*n), storyID("e", n), storyID("d", n), storyID("i", n), "email:kim@example.com", storyUser("kim"), nil
	kim.Target, kim.Received, kim.JTI, kim.Info = "okta", onDay("10:10:01"), "out-2", "503"
	kim.Status, kim.Attempt = pipeline.Failed, 1
	s.went(onDay("10:10:02"), kim)
	kim.Status, kim.Attempt, kim.Why = pipeline.Dead, 12, "given up after 12 tries"
	s.went(onDay("10:40:00"), kim)

	n = s.tell(told{at: onDay("10:20:00"), issuer: storyIdP, user: "lee", typ: "credential-compromise", body: `{"credential_type":"password"}`,
		decision: fired("credential_compromise"), actions: []pipeline.Action{asked("credential_compromise", "revoke-session", "downstream", pipeline.Queued)}})
	lee := jane
	lee.ID, lee.Event, lee.Decision, lee.Chain, lee.Key, lee.User, lee.Session = storyID("a", 10*n), storyID("e", n), storyID("d", n), storyID("i", n), "email:lee@example.com", storyUser("lee"), nil
	lee.Received, lee.Attempt, lee.Info, lee.JTI = onDay("10:20:01"), 0, "", ""
	s.tell(told{at: onDay("11:55:00"), issuer: storyIdP, user: "lee", typ: "session-revoked", body: `{}`,
		decision: fired("session_hijack"), actions: []pipeline.Action{asked("session_hijack", "revoke-session", "downstream", pipeline.Queued)}})

	held := asked("credential_compromise", "disable-account", "", pipeline.Held)
	held.Guard, held.Why, held.Expires = "protected", "protected subject: break-glass account", onDay("10:30:00").AddDate(0, 0, 1)
	needs := fired("credential_compromise")
	needs.Result = "needs_approval"
	s.tell(told{at: onDay("10:30:00"), issuer: storyIdP, user: "mia", typ: "credential-compromise", body: `{"credential_type":"password"}`, decision: needs, actions: []pipeline.Action{held}})

	pending := asked("device_compliance", "disable-account", "", pipeline.PendingApproval)
	pending.Guard, pending.Why, pending.Expires = "limit", "over 50 actions in 10m0s", onDay("10:45:00").AddDate(0, 0, 1)
	needs = fired("device_compliance")
	needs.Result = "needs_approval"
	n = s.tell(told{at: onDay("10:45:00"), issuer: storyIdP, user: "ned", device: "LAPTOP-3", typ: "device-compliance-change", body: noLonger, change: strayed, decision: needs, actions: []pipeline.Action{pending}})
	ned := pending
	ned.ID, ned.Event, ned.Decision, ned.Chain, ned.Depth, ned.Mode = storyID("a", 10*n), storyID("e", n), storyID("d", n), storyID("i", n), 1, pipeline.Enforce
	ned.Key, ned.User, ned.Received = "email:ned@example.com", storyUser("ned"), onDay("10:45:01")
	ned.Status, ned.Why = pipeline.Approved, "approved by kim: called him"
	queued := ned
	queued.Status, queued.Target, queued.Guard, queued.Why = pipeline.Queued, "okta", "", ""
	s.record(&pipeline.Record{Kind: pipeline.OperatorRecord, At: onDay("10:50:00"), Actions: []pipeline.Action{ned, queued},
		Operator: &pipeline.OperatorPart{Verb: "approve-action", By: "kim", Comment: "called him", Detail: ned.ID}})
	queued.Status, queued.Attempt, queued.Info = pipeline.Acked, 1, "200"
	s.went(onDay("10:50:01"), queued)

	// A rule in the shadow.
	shadow := asked("unplanned_leaver", "disable-account", "", pipeline.Suppressed)
	shadow.Mode, shadow.Guard, shadow.Why = pipeline.Shadow, "mode", "rule is in shadow mode"
	would := fired("unplanned_leaver")
	would.Result = "suppressed"
	s.tell(told{at: onDay("11:10:00"), issuer: storyIdP, user: "uma", typ: "account-disabled", body: `{}`, decision: would, actions: []pipeline.Action{shadow}})

	// Somebody tries tokens of a key that is not the issuer's, and one text that
	// is no token.
	for i, from := range []string{"198.51.100.1", "198.51.100.1", "198.51.100.2"} {
		s.refuse(onDay("11:20:00").Add(time.Duration(i)*time.Second), from, storyIdP, pipeline.InvalidKey, "signature does not verify")
	}
	s.refuse(onDay("11:21:00"), "198.51.100.9", "", pipeline.InvalidRequest, "not a compact token")

	// What Lee's application has to do waits in a stream of the sink.
	lee.Status, lee.Why = pipeline.Superseded, "goes to s-1"
	s.went(onDay("10:20:02"), lee)
	lee.Status, lee.Why, lee.Stream = pipeline.Queued, "", "s-1"
	s.went(onDay("10:20:02"), lee)
	return s.docs
}

func (s *story) refuse(at time.Time, from, issuer, code, why string) {
	s.t.Helper()
	body := fmt.Sprintf("refused %d", s.n+1)
	sum := sha256.Sum256([]byte(body))
	in := &pipeline.InputPart{
		Source: "idp", Sender: "idp", RemoteAddr: from, Delivery: "push", Received: at, Body: body, SHA256: hex.EncodeToString(sum[:]),
		Verdict: pipeline.Rejected, Assurance: event.None, Issuer: issuer, Reject: &pipeline.RejectPart{Code: code, Description: why},
	}
	if issuer != "" {
		in.JTI = strings.ReplaceAll(body, " ", "-")
	}
	s.record(&pipeline.Record{Kind: pipeline.RejectRecord, At: at, Input: in})
}
