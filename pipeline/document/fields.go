package document

import (
	"slices"
	"strings"
)

// Type is how the values of a field compare.
type Type string

// The types, named as Elasticsearch names them.
const (
	Date      Type = "date"      // a moment in milliseconds, RFC 3339 in UTC
	Keyword   Type = "keyword"   // a string compared whole
	Text      Type = "text"      // a sentence compared by words
	Long      Type = "long"      // a 64-bit integer
	Float     Type = "float"     // a number
	Boolean   Type = "boolean"   //
	IP        Type = "ip"        // an IPv4 or IPv6 address
	Flattened Type = "flattened" // an object of any form; every leaf is a keyword
	Stored    Type = "stored"    // text that is kept and not searched: a keyword without index
)

// Ordered reports whether documents can be sorted and grouped by fields of the
// type.
func (t Type) Ordered() bool {
	switch t {
	case Date, Keyword, Long, Float, Boolean, IP:
		return true
	}
	return false
}

// Streams is a set of data streams.
type Streams uint8

// The data streams.
const (
	Set      Streams = 1 << iota // tokens received, accepted or rejected
	Alert                        // events that have no standard form: vendor alerts, posture, activity
	Decision                     // what the policies said about one event
	Action                       // an action, once per state it reached
	Audit                        // what an operator or the system did to the product
	Error                        // input that nothing could read
)

// The names of the data streams, as in Doc.Stream.
const (
	SetStream      = "ssf.set"
	AlertStream    = "ssf.alert"
	DecisionStream = "ssf.decision"
	ActionStream   = "ssf.action"
	AuditStream    = "ssf.audit"
	ErrorStream    = "ssf.error"
)

var streamNames = [...]string{SetStream, AlertStream, DecisionStream, ActionStream, AuditStream, ErrorStream}

// Names lists the streams of the set by name.
func (s Streams) Names() []string {
	var names []string
	for i, n := range streamNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// Has reports whether the set holds the stream of that name.
func (s Streams) Has(name string) bool {
	i := slices.Index(streamNames[:], name)
	return i >= 0 && s&(1<<i) != 0
}

// Field is one row of the schema.
type Field struct {
	Name    string // path with dots
	Type    Type
	Multi   bool // may hold several values, as an array
	Streams Streams
	Doc     string // what it means, for people
}

// Fields is the schema: every field of every document, sorted by name.
func Fields() []Field { return slices.Clone(table) }

// Lookup finds a field by its whole name.
func Lookup(name string) (Field, bool) {
	i, ok := slices.BinarySearchFunc(table, name, func(f Field, n string) int { return strings.Compare(f.Name, n) })
	if !ok {
		return Field{}, false
	}
	return table[i], true
}

// Short names for the columns of the table.
const (
	one  = false
	many = true

	every   = Set | Alert | Decision | Action | Audit | Error
	inputs  = Set | Alert | Error
	events  = Set | Alert
	chained = Set | Alert | Decision | Action
	judged  = Decision | Action
)

var table = func() []Field {
	rows := []Field{
		// Every document.
		{"@timestamp", Date, one, every, "When it happened: the event's own time for events, the time of the record for everything else."},
		{"message", Text, one, every, "One sentence for a timeline."},
		{"tags", Keyword, many, every, "Marks: stale, late, shadow, claims-omitted; test for what a drill caused."},
		{"ecs.version", Keyword, one, every, "Version of the Elastic Common Schema."},
		{"service.name", Keyword, one, every, "Always signalbox."},
		{"service.node.name", Keyword, one, every, "The process that wrote the journal record."},
		{"event.id", Keyword, one, every, "Id of the thing: event id, decision id, action id and status, or document id."},
		{"event.kind", Keyword, one, every, "alert if the source asserts a detection, pipeline_error for unreadable input, else event."},
		{"event.category", Keyword, many, every, "ECS category."},
		{"event.type", Keyword, many, every, "ECS type."},
		{"event.action", Keyword, one, every, "What happened: the event's short name, set-rejected, policy-decision, action-<status>, an operator's verb."},
		{"event.outcome", Keyword, one, every, "success, failure or unknown."},
		{"event.module", Keyword, one, every, "ssf for tokens, the source's name for alerts."},
		{"event.dataset", Keyword, one, every, "The data stream, such as ssf.set."},
		{"event.provider", Keyword, one, every, "The issuer that states it, or the product."},
		{"event.severity", Long, one, every, "10 informational, 21 low, 47 medium, 73 high, 99 critical."},
		{"event.created", Date, one, every, "When the product first saw or made it."},
		{"event.sequence", Long, one, every, "Order of documents: journal position times 65536, plus the place in the record. Unique in one journal."},
		{"event.reason", Keyword, one, every, "One sentence why, from the source, the rule or the operator."},
		{"event.hash", Keyword, one, inputs, "SHA-256 of the bytes received, hexadecimal."},
		{"event.original", Stored, one, inputs, "The bytes received; only where configured."},

		// Entities.
		{"user.id", Keyword, one, chained, "Entity id of the affected user."},
		{"user.name", Keyword, one, chained | Audit, "Best name of the affected user, always there when a user is; in audit documents the operator."},
		{"user.email", Keyword, one, chained, "E-mail address of the affected user."},
		{"user.domain", Keyword, one, chained, "Domain of the e-mail address."},
		{"user.risk.static_level", Keyword, one, Set, "Risk of the user as the source states it: Low, Moderate, High."},
		{"host.id", Keyword, one, chained, "Id of the device."},
		{"host.name", Keyword, one, chained, "Name of the device."},
		{"host.risk.static_level", Keyword, one, Set, "Risk of the device as the source states it."},
		{"device.id", Keyword, one, chained, "Id of the device."},
		{"session.id", Keyword, one, chained | Audit, "Id of the session at its issuer."},
		{"session.keys", Keyword, many, chained | Audit, "Every identifier known of the session."},
		{"related.user", Keyword, many, chained | Audit, "Every identifier known of the user."},
		{"related.hosts", Keyword, many, chained | Audit, "Every identifier known of the device."},
		{"related.ip", IP, many, inputs, "Every address in the document."},
		{"source.ip", IP, one, inputs, "Address of the peer that handed the message over."},

		// Tokens.
		{"set.jti", Keyword, one, Set | Action | Error, "Token id: of the token received, or of the one an action sent."},
		{"set.iss", Keyword, one, Set | Error, "Issuer claim; unverified where set.verified is false."},
		{"set.aud", Keyword, many, Set, "Audience claim."},
		{"set.txn", Keyword, one, chained | Error, "Transaction id, as received or made, carried through to the tokens sent."},
		{"set.iat", Date, one, Set, "When the token was issued."},
		{"set.toe", Date, one, Set, "Time of event claim."},
		{"set.event_type", Keyword, one, events, "URI of the event as received."},
		{"set.event_name", Keyword, one, events, "Short name of the event in the catalogue, or unknown."},
		{"set.profile", Keyword, one, events, "Family of the event: caep, risc, ssf, okta, scim, local or unknown."},
		{"set.time_source", Keyword, one, events, "Where @timestamp comes from: event_timestamp, toe, iat or received."},
		{"set.sub_id.format", Keyword, one, events, "Format of the subject identifier."},
		{"set.subject", Flattened, one, events, "The subject identifier."},
		{"set.alg", Keyword, one, Set, "Algorithm in the token's header."},
		{"set.kid", Keyword, one, Set, "Key id in the token's header."},
		{"set.typ", Keyword, one, Set, "Type in the token's header."},
		{"set.verified", Boolean, one, Set, "Signature, issuer, audience and form are right."},
		{"set.verdict", Keyword, one, inputs, "accepted, repeated, reused, rejected or discarded."},
		{"set.assurance", Keyword, one, inputs, "What stands behind it: signed, channel, internal or none."},
		{"set.dialect", Keyword, one, inputs, "Rule set it was read by: ssf, interop, scim, okta or legacy."},
		{"set.applied", Keyword, many, events, "Tolerances that were needed to read it, by requirement id."},
		{"set.discard", Keyword, one, events, "Why it was acknowledged and not processed."},
		{"set.remit", Keyword, one, events, "Why the event was recorded and not offered to the policies."},
		{"set.reject.code", Keyword, one, Set | Error, "Error code of the refusal."},
		{"set.reject.requirement", Keyword, one, Set | Error, "Rule that was broken."},
		{"set.claims", Flattened, one, events, "The event's payload."},
		{"set.previous_level", Keyword, one, Set, "Level before, lower case."},
		{"set.current_level", Keyword, one, Set, "Level now, lower case."},
		{"set.previous_status", Keyword, one, Set, "Status before, lower case."},
		{"set.current_status", Keyword, one, Set, "Status now, lower case."},
		{"set.credential_type", Keyword, one, Set, "Kind of credential, lower case."},
		{"set.change_type", Keyword, one, Set, "What happened to the credential: create, update, revoke, delete."},
		{"set.principal", Keyword, one, Set, "Whose risk: user, device, session, tenant, org_unit or group."},
		{"set.initiating_entity", Keyword, one, Set, "Who began it: admin, user, policy or system."},
		{"set.reason_admin", Keyword, one, Set, "Reason for administrators, in English where given."},
		{"set.reason_user", Keyword, one, Set, "Reason for users, in English where given."},

		// Plumbing.
		{"ssf.direction", Keyword, one, chained | Error, "inbound or outbound."},
		{"ssf.source", Keyword, one, inputs, "Name of the configured source."},
		{"ssf.sender", Keyword, one, inputs, "Authenticated sender."},
		{"ssf.delivery", Keyword, one, inputs, "How it came: push, poll, kafka, file or internal."},
		{"ssf.position", Keyword, one, inputs, "Where it stands in its source: file and line, topic, partition and offset."},
		{"ssf.received", Date, one, inputs, "When the message was received."},
		{"ssf.size", Long, one, Error, "Bytes of the message that were kept."},
		{"ssf.concept", Keyword, many, events, "Concepts the event stands for, such as credential-compromise."},
		{"ssf.latency_ms", Long, one, Action, "Milliseconds from receipt of the cause to this state."},

		// Events without a standard form.
		{"alert.name", Keyword, one, Alert, "Kind of local event: alert, posture, activity, timer."},
		{"alert.severity", Keyword, one, Alert, "Severity in the source's words, lower case."},

		// What an event changed.
		{"change.entity", Keyword, one, events, "What the event changes: user.account, device.compliance, session."},
		{"change.from", Keyword, one, events, "State before."},
		{"change.to", Keyword, one, events, "State after."},
		{"change.applied", Boolean, one, events, "Whether it was applied; not so when newer knowledge exists."},

		// Decisions.
		{"policy.decision_id", Keyword, one, judged | Audit, "Id of the decision."},
		{"policy.revision", Keyword, one, Decision, "Digest of the policy set."},
		{"policy.result", Keyword, one, Decision, "act, no_action, suppressed, needs_approval or error."},
		{"policy.mode", Keyword, many, judged, "How far the rules may go alone: shadow, approve, enforce."},
		{"policy.rules", Keyword, many, Decision, "Rules that fired."},
		{"policy.quiet", Keyword, many, Decision, "Rules that looked and asked for nothing."},
		{"policy.reasons", Keyword, many, Decision, "Why, in sentences: reasons of actions and notes of rules."},
		{"policy.branch", Keyword, many, judged, "Titles of the rule bodies that held."},
		{"policy.errors", Keyword, many, Decision, "Failures of rules."},
		{"policy.facts", Flattened, one, Decision, "Facts the rules wanted remembered, by rule and name."},
		{"policy.steps", Long, one, Decision, "Evaluation steps, all rules together."},
		{"rule.name", Keyword, many, judged | Audit, "Rules that fired; of a verdict, those judged."},
		{"rule.version", Keyword, one, Decision, "Digest of the policy set."},

		// Actions.
		{"action.id", Keyword, one, Action | Audit, "Id of the action."},
		{"action.type", Keyword, one, Action, "Declared action type, such as revoke-session."},
		{"action.event", Keyword, one, Action, "Short name of the event it emits."},
		{"action.target", Keyword, one, Action, "Sink it goes to."},
		{"action.subject", Keyword, one, Action, "Canonical key of its subject."},
		{"action.status", Keyword, one, Action, "Where it stands: held, queued, sent, acked, failed, dead and so on."},
		{"action.status_rank", Long, one, Action, "Order of the statuses; the highest of an action is the newest."},
		{"action.final", Boolean, one, Action, "Nothing more will happen to it."},
		{"action.jti", Keyword, one, Action, "Id of the token sent."},
		{"action.guard", Keyword, one, Action, "Guard that held it: remit, protected, stop, stale, late, echo, merge, limit, mode."},
		{"action.why", Keyword, one, Action, "One sentence on the status."},
		{"action.into", Keyword, one, Action, "Action it was merged into."},
		{"action.attempt", Long, one, Action, "Which try."},
		{"action.info", Keyword, one, Action, "The peer's answer."},
		{"action.http_status", Long, one, Action, "HTTP status of the peer's answer."},
		{"action.expires", Date, one, Action, "After this it is not sent any more."},

		// Operators, errors, causes.
		{"audit.detail", Keyword, one, Audit, "What exactly was done."},
		{"audit.verdict", Keyword, one, Audit, "What an analyst found: true, benign, false, duplicate or test."},
		{"audit.judged", Keyword, one, Audit, "What the verdict is about: id of an action or decision, of an event where nothing was decided."},
		{"error.code", Keyword, one, Set | Decision | Audit | Error, "Error code."},
		{"error.message", Text, one, Set | Decision | Audit | Error, "What is wrong."},
		{"chain.root", Keyword, one, chained | Audit | Error, "Input id of the first cause."},
		{"chain.parent", Keyword, many, chained | Audit, "Ids of the direct causes: input of an event, event of a decision, decision of an action."},
		{"chain.depth", Long, one, chained | Audit | Error, "Steps from the root."},
	}
	slices.SortFunc(rows, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return rows
}()
