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
	Example string // one value; JSON for flattened fields
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
		{"@timestamp", Date, one, every, "When it happened: the event's own time for events, the time of the record for everything else.", "2026-02-03T10:15:04.120Z"},
		{"message", Text, one, every, "One sentence for a timeline.", "idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)"},
		{"tags", Keyword, many, every, "Marks: stale, late, shadow, claims-omitted; test for what a drill caused; of a mapping: unknown-value, dropped-member, dropped-field, subject-unusable, timestamp-fallback, unreadable-text, unmapped.", "late"},
		{"ecs.version", Keyword, one, every, "Version of the Elastic Common Schema.", "9.3.0"},
		{"service.name", Keyword, one, every, "Always signalbox.", "signalbox"},
		{"service.node.name", Keyword, one, every, "The process that wrote the journal record.", "node-1"},
		{"trace.id", Keyword, one, every, "OpenTelemetry trace of the batch the cause was handled in, where it was traced. For operators; what belongs together is in chain.root.", "4bf92f3577b34da6a3ce929d0e0e4736"},
		{"event.id", Keyword, one, every, "Id of the thing: event id, decision id, action id and status, or document id.", "e-00000000000000000000000011"},
		{"event.kind", Keyword, one, every, "alert if the source asserts a detection, pipeline_error for unreadable input, else event.", "alert"},
		{"event.category", Keyword, many, every, "ECS category.", "iam"},
		{"event.type", Keyword, many, every, "ECS type.", "info"},
		{"event.action", Keyword, one, every, "What happened: the event's short name, set-rejected, policy-decision, action-<status>, an operator's verb.", "risk-level-change"},
		{"event.outcome", Keyword, one, every, "success, failure or unknown.", "unknown"},
		{"event.module", Keyword, one, every, "ssf for tokens, the vendor for records that a mapping read.", "ssf"},
		{"event.dataset", Keyword, one, every, "The data stream, such as ssf.set.", "ssf.set"},
		{"event.provider", Keyword, one, every, "The issuer that states it, or the product.", "https://idp.example.com"},
		{"event.severity", Long, one, every, "10 informational, 21 low, 47 medium, 73 high, 99 critical.", "73"},
		{"event.created", Date, one, every, "When the product first saw or made it.", "2026-02-03T10:15:05.002Z"},
		{"event.sequence", Long, one, every, "Order of documents: journal position times 65536, plus the place in the record. Unique in one journal.", "458752"},
		{"event.reason", Keyword, one, every, "One sentence why, from the source, the rule or the operator.", "impossible travel"},
		{"event.hash", Keyword, one, inputs, "SHA-256 of the bytes received, hexadecimal.", "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"},
		{"event.original", Stored, one, inputs, "The bytes received; only where configured.", "eyJhbGciOiJFUzI1NiJ9…"},

		// Entities.
		{"user.id", Keyword, one, chained, "Entity id of the affected user.", "u-email:jane@example.com"},
		{"user.name", Keyword, one, chained | Audit, "Best name of the affected user, always there when a user is; in audit documents the operator.", "jane@example.com"},
		{"user.email", Keyword, one, chained, "E-mail address of the affected user.", "jane@example.com"},
		{"user.domain", Keyword, one, chained, "Domain of the e-mail address.", "example.com"},
		{"user.risk.static_level", Keyword, one, events, "Risk of the user as the source states it: Low, Moderate, High.", "High"},
		{"host.id", Keyword, one, chained, "Id of the device.", "7"},
		{"host.name", Keyword, one, chained, "Name of the device.", "LAPTOP-7"},
		{"host.risk.static_level", Keyword, one, events, "Risk of the device as the source states it.", "Moderate"},
		{"device.id", Keyword, one, chained, "Id of the device.", "7"},
		{"session.id", Keyword, one, chained | Audit, "Id of the session at its issuer.", "s-1"},
		{"session.keys", Keyword, many, chained | Audit, "Every identifier known of the session.", "s-1"},
		{"related.user", Keyword, many, chained | Audit, "Every identifier known of the user.", "jane@example.com"},
		{"related.hosts", Keyword, many, chained | Audit, "Every identifier known of the device.", "LAPTOP-7"},
		{"related.ip", IP, many, inputs, "Every address in the document.", "192.0.2.7"},
		{"source.ip", IP, one, inputs, "Address of the peer that handed the message over.", "192.0.2.7"},

		// Tokens.
		{"set.jti", Keyword, one, Set | Action | Error, "Token id: of the token received, or of the one an action sent.", "756E69717565"},
		{"set.iss", Keyword, one, Set | Error, "Issuer claim; unverified where set.verified is false.", "https://idp.example.com"},
		{"set.aud", Keyword, many, Set, "Audience claim.", "https://rx.example.com"},
		{"set.txn", Keyword, one, chained | Error, "Transaction id, as received or made, carried through to the tokens sent.", "8675309"},
		{"set.iat", Date, one, Set, "When the token was issued.", "2026-02-03T10:15:04.000Z"},
		{"set.toe", Date, one, Set, "Time of event claim.", "2026-02-03T10:15:01.000Z"},
		{"set.event_type", Keyword, one, events, "URI of the event as received.", "https://schemas.openid.net/secevent/caep/event-type/risk-level-change"},
		{"set.event_name", Keyword, one, events, "Short name of the event in the catalogue, or unknown.", "risk-level-change"},
		{"set.profile", Keyword, one, events, "Family of the event: caep, risc, ssf, okta, scim, local or unknown.", "caep"},
		{"set.time_source", Keyword, one, events, "Where @timestamp comes from: event_timestamp, toe, iat, record, channel or received.", "event_timestamp"},
		{"set.sub_id.format", Keyword, one, events, "Format of the subject identifier.", "email"},
		{"set.subject", Flattened, one, events, "The subject identifier.", `{"format":"email","email":"jane@example.com"}`},
		{"set.alg", Keyword, one, Set, "Algorithm in the token's header.", "RS256"},
		{"set.kid", Keyword, one, Set, "Key id in the token's header.", "k1"},
		{"set.typ", Keyword, one, Set, "Type in the token's header.", "secevent+jwt"},
		{"set.verified", Boolean, one, Set, "Signature, issuer, audience and form are right.", "true"},
		{"set.verdict", Keyword, one, inputs, "accepted, repeated, reused, rejected or discarded.", "accepted"},
		{"set.assurance", Keyword, one, inputs, "What stands behind it: signed, channel, internal or none.", "signed"},
		{"set.dialect", Keyword, one, inputs, "Rule set it was read by: ssf, interop, scim, okta or legacy.", "ssf"},
		{"set.applied", Keyword, many, events, "Tolerances that were needed to read it, by requirement id.", "LEGACY-03"},
		{"set.discard", Keyword, one, Set, "Why it was acknowledged and not processed.", "the subject is not in the stream"},
		{"set.remit", Keyword, one, events, "Why the event was recorded and not offered to the policies.", "the issuer may not speak of devices"},
		{"set.reject.code", Keyword, one, Set | Error, "Error code of the refusal.", "invalid_key"},
		{"set.reject.quarantine", Keyword, one, Set | Error, "Id under which the refused message is kept for another try.", "q-0123456789abcdefghjkmnpqrs"},
		{"set.reject.requirement", Keyword, one, Set | Error, "Rule that was broken.", "SET-05"},
		{"set.claims", Flattened, one, events, "The event's payload.", `{"reason":"hijacking"}`},
		{"set.previous_level", Keyword, one, Set, "Level before, lower case.", "low"},
		{"set.current_level", Keyword, one, Set, "Level now, lower case.", "high"},
		{"set.previous_status", Keyword, one, Set, "Status before, lower case.", "compliant"},
		{"set.current_status", Keyword, one, Set, "Status now, lower case.", "not-compliant"},
		{"set.credential_type", Keyword, one, Set, "Kind of credential, lower case.", "fido2-roaming"},
		{"set.change_type", Keyword, one, Set, "What happened to the credential: create, update, revoke, delete.", "revoke"},
		{"set.principal", Keyword, one, Set, "Whose risk: user, device, session, tenant, org_unit or group.", "user"},
		{"set.initiating_entity", Keyword, one, Set, "Who began it: admin, user, policy or system.", "policy"},
		{"set.reason_admin", Keyword, one, Set, "Reason for administrators, in English where given.", "impossible travel"},
		{"set.reason_user", Keyword, one, Set, "Reason for users, in English where given.", "clé perdue"},

		// Plumbing.
		{"ssf.direction", Keyword, one, inputs | Action, "inbound or outbound.", "inbound"},
		{"ssf.source", Keyword, one, inputs, "Name of the configured source.", "idp"},
		{"ssf.sender", Keyword, one, inputs, "Authenticated sender.", "idp"},
		{"ssf.delivery", Keyword, one, inputs, "How it came: push, poll, kafka, file or internal.", "push"},
		{"ssf.position", Keyword, one, inputs, "Where it stands in its source: file and line, topic, partition and offset.", "in.jsonl:3"},
		{"ssf.received", Date, one, inputs, "When the message was received.", "2026-02-03T10:15:05.002Z"},
		{"ssf.size", Long, one, Error, "Bytes of the message that were kept.", "41"},
		{"ssf.concept", Keyword, many, events, "Concepts the event stands for, such as credential-compromise.", "user-risk"},
		{"ssf.latency_ms", Long, one, Action, "Milliseconds from receipt of the cause to this state.", "29"},

		// Events without a standard form.
		{"alert.name", Keyword, one, Alert, "Kind of local event: alert, posture, activity, timer.", "alert"},
		{"alert.severity", Keyword, one, Alert, "Severity in the source's words, lower case.", "critical"},

		{"feed.source", Keyword, one, Alert, "Of feed-health: the source whose feed it is about.", "idp"},
		{"feed.status", Keyword, one, Alert, "Of feed-health: healthy, degraded or blind.", "degraded"},
		{"feed.last_seen", Date, one, Alert, "Of feed-health: when a token last came.", "2026-02-03T10:10:05.000Z"},
		{"feed.last_verified", Date, one, Alert, "Of feed-health: when a verification event last came back.", "2026-02-03T10:10:05.000Z"},
		{"feed.keys_fetched", Date, one, Alert, "Of feed-health: when the key set of the issuer was last fetched.", "2026-02-03T10:05:05.000Z"},
		{"feed.waiting", Long, one, Alert, "Of feed-health: tokens fetched and not acknowledged.", "0"},
		{"feed.clock_offset", Float, one, Alert, "Of feed-health: how far the transmitter's clock is ahead of ours, in seconds.", "0.5"},

		// What an event changed.
		{"change.entity", Keyword, one, events, "What the event changes: user.account, device.compliance, session.", "user.risk"},
		{"change.from", Keyword, one, events, "State before.", "low"},
		{"change.to", Keyword, one, events, "State after.", "high"},
		{"change.applied", Boolean, one, events, "Whether it was applied; not so when newer knowledge exists.", "true"},

		// Decisions.
		{"policy.decision_id", Keyword, one, judged | Audit, "Id of the decision.", "d-00000000000000000000000011"},
		{"policy.revision", Keyword, one, Decision, "Digest of the policy set.", "r-42"},
		{"policy.result", Keyword, one, Decision, "act, no_action, suppressed, needs_approval or error.", "act"},
		{"policy.mode", Keyword, many, judged, "How far the rules may go alone: shadow, approve, enforce.", "enforce"},
		{"policy.rules", Keyword, many, Decision, "Rules that fired.", "credential_compromise"},
		{"policy.quiet", Keyword, many, Decision, "Rules that looked and asked for nothing.", "device_compliance"},
		{"policy.reasons", Keyword, many, Decision, "Why, in sentences: reasons of actions and notes of rules.", "user risk is high"},
		{"policy.branch", Keyword, many, judged, "Titles of the rule bodies that held.", "older sessions end"},
		{"policy.errors", Keyword, many, Decision, "Failures of rules.", "unplanned_leaver: over budget"},
		{"policy.facts", Flattened, one, Decision, "Facts the rules wanted remembered, by rule and name.", `{"credential_compromise.exposed":true}`},
		{"policy.steps", Long, one, Decision, "Evaluation steps, all rules together.", "117"},
		{"rule.name", Keyword, many, judged | Audit | Alert, "Rules that fired; of a verdict, those judged; of an alert, the vendor's rule.", "credential_compromise"},
		{"rule.version", Keyword, one, Decision, "Digest of the policy set.", "r-42"},

		// Actions.
		{"action.id", Keyword, one, Action | Audit, "Id of the action.", "a-00000000000000000000000021"},
		{"action.type", Keyword, one, Action, "Declared action type, such as revoke-session.", "revoke-session"},
		{"action.event", Keyword, one, Action, "Short name of the event it emits; absent where it calls.", "session-revoked"},
		{"action.part", Long, one, Action, "Place among the parts of the action, from 0; absent for the first and for an action as a whole.", "1"},
		{"action.method", Keyword, one, Action, "Method of the call it makes of its target, where the action names one.", "POST"},
		{"action.path", Keyword, one, Action, "Path of the call it makes of its target, below the URL of the sink.", "/users/00u1/lifecycle/suspend"},
		{"action.target", Keyword, one, Action, "Sink it goes to.", "downstream"},
		{"action.stream", Keyword, one, Action, "Stream of the sink it goes to, where the sink has several.", "app.main"},
		{"action.subject", Keyword, one, Action, "Canonical key of its subject.", "email:jane@example.com"},
		{"action.status", Keyword, one, Action, "Where it stands: held, queued, sent, acked, failed, dead and so on.", "queued"},
		{"action.status_rank", Long, one, Action, "Order of the statuses; the highest of an action is the newest.", "40"},
		{"action.final", Boolean, one, Action, "Nothing more will happen to it.", "false"},
		{"action.jti", Keyword, one, Action, "Id of the token sent.", "9b2"},
		{"action.guard", Keyword, one, Action, "Guard that held it: remit, protected, stop, stale, late, merge, loop, limit, mode, template, backlog; do where the call before it was not taken; stream where the streams of its sink decided.", "protected"},
		{"action.why", Keyword, one, Action, "One sentence on the status.", "protected subject"},
		{"action.into", Keyword, one, Action, "Action it was merged into, or that did the same while it waited for a person.", "a-0"},
		{"action.attempt", Long, one, Action, "Which try.", "0"},
		{"action.info", Keyword, one, Action, "The peer's answer.", "202"},
		{"action.http_status", Long, one, Action, "HTTP status of the peer's answer.", "202"},
		{"action.expires", Date, one, Action, "After this it is not sent any more.", "2026-02-03T11:15:05.031Z"},

		// Operators, errors, causes.
		{"audit.detail", Keyword, one, Audit, "What exactly was done.", "12 held"},
		{"audit.verdict", Keyword, one, Audit, "What an analyst found: true, benign, false, duplicate or test.", "false"},
		{"audit.judged", Keyword, one, Audit, "What the verdict is about: id of an action or decision, of an event where nothing was decided.", "a-00000000000000000000000021"},
		{"error.code", Keyword, one, Set | Error, "Error code.", "invalid_key"},
		{"error.message", Text, one, Set | Decision | Audit | Error, "What is wrong.", "unplanned_leaver: over budget"},
		{"chain.root", Keyword, one, chained | Audit | Error, "Input id of the first cause.", "i-00000000000000000000000001"},
		{"chain.parent", Keyword, many, chained | Audit, "Ids of the direct causes: input of an event, event of a decision, decision of an action.", "i-00000000000000000000000001"},
		{"chain.depth", Long, one, chained | Audit | Error, "Steps from the root.", "0"},
	}
	rows = append(rows, lifted...)
	slices.SortFunc(rows, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return rows
}()
