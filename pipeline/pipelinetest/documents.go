package pipelinetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// What documents can be about, besides the events of the catalogue.
var (
	statuses = []pipeline.Status{
		pipeline.Proposed, pipeline.Held, pipeline.PendingApproval, pipeline.Approved, pipeline.RejectedByHuman, pipeline.Expired, pipeline.Merged,
		pipeline.Superseded, pipeline.Suppressed, pipeline.Queued, pipeline.Sent, pipeline.Done, pipeline.Acked, pipeline.Failed, pipeline.Dead, pipeline.Reverted,
	}
	guards = []string{"remit", "protected", "stop", "stale", "late", "merge", "loop", "limit", "mode", "template", "backlog", "do", "stream"}
	codes  = []string{
		pipeline.InvalidRequest, pipeline.InvalidKey, pipeline.InvalidIssuer, pipeline.InvalidAudience,
		pipeline.AuthenticationFailed, pipeline.AccessDenied, pipeline.InvalidState, pipeline.Unmapped,
	}
	// Acts beside those that document files, and beside verdicts, which are judged.
	unfiled   = []string{"compact", "rebuild-index", "drop-timer", pipeline.VerbStreamDead}
	verdicts  = []pipeline.Verdict{pipeline.Accepted, pipeline.Repeated, pipeline.Reused, pipeline.Discarded}
	decisions = []string{"act", "no_action", "suppressed", "needs_approval", "error"}
)

// EveryDocument has the product's own renderer make a document of every kind that
// the product writes, all of the last hour: each event of the catalogue by each
// way it can come, with each result of a decision; each state of an action by
// each guard; each refusal; each act of an operator and of the product, done and
// failed; each finding of an analyst; a message that nothing could read; a
// document that an index refused; and every field that mappings may set. Test what
// writes or takes documents with it.
func EveryDocument(t testing.TB) []pipeline.Delivery {
	t.Helper()
	e := every{story: &story{t: t}, at: time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour)}
	for i, typ := range event.Types() {
		e.event(typ, decisions[i%len(decisions)])
	}
	for i, status := range statuses {
		for k, guard := range append(guards, "") {
			e.action(status, guard, i*len(statuses)+k)
		}
	}
	for _, code := range codes {
		e.rejected(code, true)
		e.rejected(code, false)
	}
	for _, v := range verdicts {
		in := e.input()
		in.Verdict, in.Discard = v, "the subject is not in the stream"
		e.record(&pipeline.Record{Kind: pipeline.InputRecord, At: e.next(), Input: in})
	}
	acts := slices.DeleteFunc(document.Verbs(), func(verb string) bool { return verb == "verdict" })
	for _, verb := range append(acts, unfiled...) {
		for _, failed := range []string{"", "disk is full"} {
			o := &pipeline.OperatorPart{Verb: verb, By: "ana", Comment: "case 7", Detail: "what exactly", Failed: failed}
			if strings.HasPrefix(verb, "budget") {
				o.Budget = "disk"
			}
			e.record(&pipeline.Record{Kind: pipeline.OperatorRecord, At: e.next(), Operator: o})
		}
	}
	for _, j := range pipeline.Judgements {
		e.judged(j)
	}
	e.mapped()
	refused := e.docs[0]
	doc, err := document.Refused(refused.Kind, refused.ID, refused.Payload, "document_parsing_exception", "field user.name cannot hold its value")
	if err != nil {
		t.Fatal(err)
	}
	return append(e.docs, pipeline.Delivery{ID: doc.ID, Kind: doc.Stream, Payload: doc.JSON, Attempt: 1})
}

// every makes documents of every kind.
type every struct {
	*story
	at time.Time
}

// next is a moment that no document has yet.
func (e *every) next() time.Time {
	e.at = e.at.Add(time.Millisecond)
	return e.at
}

// input is a token with everything that one can have.
func (e *every) input() *pipeline.InputPart {
	n := e.n + 1
	return &pipeline.InputPart{
		ID: storyID("i", n), Source: "idp", Sender: "idp", RemoteAddr: "192.0.2.7", Position: "in.jsonl:3", Delivery: "push", Received: e.at,
		Body: "token", SHA256: fmt.Sprintf("%064d", n), Verdict: pipeline.Accepted, Assurance: event.Signed, Dialect: "ssf",
		Issuer: storyIdP, JTI: fmt.Sprintf("jti-%d", n), Txn: fmt.Sprintf("txn-%d", n), Audience: []string{"https://siem.example.com"},
		IssuedAt: e.next(), TimeOf: e.at, Alg: "ES256", KeyID: "k1", Typ: "secevent+jwt", Applied: []string{"LEGACY-03"},
	}
}

// record has a record rendered that was traced.
func (e *every) record(r *pipeline.Record) {
	e.t.Helper()
	r.Trace = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
	e.story.record(r)
}

func (e *every) entities() pipeline.EntitiesPart {
	return pipeline.EntitiesPart{User: storyUser("jane"), Device: storyDevice("LAPTOP-7"), Session: storySession("s-1")}
}

// event is one of the catalogue, as a token and, of what only channels bring, as a
// record that a mapping read.
func (e *every) event(typ *event.Type, result string) {
	in := e.input()
	if typ.Name == "session-revoked" {
		in.Test = true
	}
	if typ.Family == "local" {
		in.Mapping, in.Assurance, in.Source, in.Issuer, in.JTI = "acme", event.Channel, "edr", "", ""
	}
	n := e.n + 1
	part := pipeline.EventPart{
		ID: storyID("e", n), Type: typ.Name, Family: typ.Family, URI: typ.URI, Time: e.at, TimeSource: "toe", Body: bodyOf(typ, e.at),
		Subject: json.RawMessage(`{"format":"email","email":"jane@example.com"}`), Concepts: []string{"user-risk"}, Stale: true, Late: true, Applied: []string{"LEGACY-07"},
	}
	decision := &pipeline.DecisionPart{
		ID: storyID("d", n), Revision: "r-42", Result: result, Fired: []pipeline.Fired{{Rule: "credential_compromise", Branch: "older sessions end"}},
		Quiet: []string{"device_compliance"}, Notes: []pipeline.Note{{Rule: "credential_compromise", Text: "two sources agree"}}, Steps: 117,
		Facts: []pipeline.Fact{{Rule: "credential_compromise", Name: "exposed", Of: "user", Value: json.Number("1770113704")}},
	}
	if result == "error" {
		decision.Errors = []pipeline.RuleError{{Rule: "unplanned_leaver", Document: "facts", Message: "over budget"}}
	}
	bare := part
	bare.ID = storyID("e", n+10_000)
	e.record(&pipeline.Record{
		Kind: pipeline.InputRecord, At: e.next(), Input: in, Actions: []pipeline.Action{e.asked(typ.Name, n)},
		Outcomes: []pipeline.Outcome{{
			Event: part, Decision: decision, Entities: e.entities(), Remit: "the issuer may not speak of devices",
			Change: json.RawMessage(`{"entity":"user.risk","from":"low","to":"high","applied":true}`),
		}, {Event: bare, Entities: pipeline.EntitiesPart{Device: storyDevice("LAPTOP-7")}}},
	})
}

// asked is an action of the decision on an event.
func (e *every) asked(about string, n int) pipeline.Action {
	x := e.entities()
	return pipeline.Action{
		ID: storyID("a", n), Event: storyID("e", n), Decision: storyID("d", n), Chain: storyID("i", 1), Depth: 1, Rule: "credential_compromise", Branch: "older sessions end",
		Severity: "high", Mode: pipeline.Shadow, Type: "revoke-session", Emits: "session-revoked", Target: "downstream", Stream: "app.main", Part: 1, Key: "email:jane@example.com",
		Subject: []byte(`{"format":"email","email":"jane@example.com"}`), Body: []byte(`{}`), Reason: about, Status: pipeline.Held, Guard: "protected", Why: "protected subject",
		Into: storyID("a", 2), Attempt: 2, Info: "202", JTI: "9b2", Txn: "txn-1", Made: e.at, Received: e.at, Expires: e.at.Add(time.Hour), User: x.User, Device: x.Device, Session: x.Session,
	}
}

// bodyOf is the example of a type, and for users what it says for administrators.
func bodyOf(typ *event.Type, at time.Time) []byte {
	return []byte(strings.Replace(string(typ.Example(at)), `"reason_admin"`, `"reason_user":{"fr":"clé perdue"},"reason_admin"`, 1))
}

// action is one in a state, of a call and of an event.
func (e *every) action(status pipeline.Status, guard string, n int) {
	a := e.asked("user risk is high", n+2000)
	a.Status, a.Guard = status, guard
	call := a
	call.ID, call.Call, call.Emits, call.Stream, call.Info = storyID("a", n+4000), &pipeline.CallPart{Method: "POST", Path: "/users/00u1/lifecycle/suspend"}, "", "", "connection refused"
	e.record(&pipeline.Record{Kind: pipeline.DeliveryRecord, At: e.next(), Actions: []pipeline.Action{a, call}})
}

// rejected is a refusal of an authenticated sender's, or of a message that says
// nothing of whom it is.
func (e *every) rejected(code string, known bool) {
	in := e.input()
	in.Verdict, in.Assurance = pipeline.Rejected, event.None
	in.Reject = &pipeline.RejectPart{Code: code, Description: "what is wrong", Requirement: "SET-05", Quarantine: "q-0123456789abcdefghjkmnpqrs"}
	if !known {
		in.ID, in.Issuer, in.JTI, in.Sender, in.RemoteAddr = "", "", "", "", "fe80::1%eth0"
		in.SHA256 = fmt.Sprintf("%064s", code)
	}
	e.record(&pipeline.Record{Kind: pipeline.RejectRecord, At: e.next(), Input: in})
}

func (e *every) judged(j pipeline.Judgement) {
	e.record(&pipeline.Record{Kind: pipeline.OperatorRecord, At: e.next(), Operator: &pipeline.OperatorPart{
		Verb: "verdict", By: "ana", Comment: string(j), Judgement: &pipeline.JudgementPart{
			Verdict: j, ID: storyID("a", 1), Action: storyID("a", 1), Event: storyID("e", 1), Decision: storyID("d", 1), Type: "risk-level-change",
			Input: storyID("i", 1), Chain: storyID("i", 1), Rules: []string{"credential_compromise"}, Entities: e.entities(),
		}}})
}

// mapped is a record whose mapping sets every field that a mapping may set.
func (e *every) mapped() {
	tree := map[string]any{}
	for _, f := range document.Fields() {
		if !document.Settable(f.Name) || !f.Streams.Has(document.AlertStream) {
			continue
		}
		v := map[document.Type]any{
			document.Date: "2026-02-03T10:15:04.000Z", document.Keyword: "x", document.Text: "x y", document.Long: 7, document.Float: 7.5,
			document.Boolean: true, document.IP: "192.0.2.9", document.Flattened: map[string]any{"k": map[string]any{"l": []any{1, "m"}}},
		}[f.Type]
		if f.Multi {
			v = []any{v, v}
		}
		at, path := tree, strings.Split(f.Name, ".")
		for _, name := range path[:len(path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		at[path[len(path)-1]] = v
	}
	ecs, err := json.Marshal(tree)
	if err != nil {
		e.t.Fatal(err)
	}
	in := e.input()
	in.Mapping, in.Assurance = "acme", event.Channel
	e.record(&pipeline.Record{Kind: pipeline.InputRecord, At: e.next(), Input: in, Outcomes: []pipeline.Outcome{{Event: pipeline.EventPart{
		ID: storyID("e", e.n+1), Type: "alert", Family: "local", URI: event.LocalBase + "alert", Time: e.at, TimeSource: "record",
		Body: json.RawMessage(`{"alert_id":"1","severity":"high"}`), ECS: ecs,
	}}}})
}
