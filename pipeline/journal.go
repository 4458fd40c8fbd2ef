package pipeline

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// RecordKind says what a journal record is about.
type RecordKind string

// The kinds of journal records.
const (
	InputRecord    RecordKind = "input"    // one accepted message with all it caused
	RejectRecord   RecordKind = "reject"   // a refused message of an authenticated sender, or a sample of strangers'
	DeliveryRecord RecordKind = "delivery" // an action changed its status on the way out
	OperatorRecord RecordKind = "operator" // what an operator or the system did to the product
)

// Record is one entry of the journal. Index documents, explain and export are
// pure functions of it.
type Record struct {
	Kind  RecordKind `json:"kind"`
	At    time.Time  `json:"at"`              // when it was committed
	Node  string     `json:"node,omitempty"`  // service.node.name
	Trace string     `json:"trace,omitempty"` // span of the batch: trace and span id in hexadecimal, where it was traced
	Input *InputPart `json:"input,omitempty"` // input and reject records
	// Outcomes of an input: one per event, in order.
	Outcomes []Outcome `json:"outcomes,omitempty"`
	// Actions of an input record (all states they went through before the
	// commit are folded into Status), the one action of a delivery record, or
	// the states an operator brought parts of one action to, in order.
	Actions  []Action      `json:"actions,omitempty"`
	Operator *OperatorPart `json:"operator,omitempty"`
}

// InputPart is the message and what verification made of it.
type InputPart struct {
	ID         string          `json:"id"`              // input id
	Chain      string          `json:"chain,omitempty"` // input id of the root cause, when it is another input
	Source     string          `json:"source"`
	Sender     string          `json:"sender,omitempty"`
	RemoteAddr string          `json:"remote_addr,omitempty"`
	Position   string          `json:"position,omitempty"`
	Mapping    string          `json:"mapping,omitempty"` // that read it, "" for tokens
	Delivery   string          `json:"delivery"`          // push, poll, kafka, file, internal
	Received   time.Time       `json:"received"`
	Body       string          `json:"body"`              // as received, size-capped for rejects
	Bytes      []byte          `json:"bytes,omitempty"`   // instead of Body, when that is no UTF-8
	SHA256     string          `json:"sha256"`            // of the whole body, hex
	Verdict    Verdict         `json:"verdict"`           //
	Assurance  event.Assurance `json:"assurance"`         //
	Dialect    string          `json:"dialect,omitempty"` // rule set
	Issuer     string          `json:"issuer,omitempty"`
	JTI        string          `json:"jti,omitempty"`
	Txn        string          `json:"txn,omitempty"`
	Audience   []string        `json:"aud,omitempty"`
	IssuedAt   time.Time       `json:"iat,omitzero"`
	TimeOf     time.Time       `json:"toe,omitzero"`
	Alg        string          `json:"alg,omitempty"`
	KeyID      string          `json:"kid,omitempty"`
	Typ        string          `json:"typ,omitempty"`
	Applied    []string        `json:"applied,omitempty"`
	Discard    string          `json:"discard,omitempty"`
	Reject     *RejectPart     `json:"reject,omitempty"`

	// What the channel brought beside the body, of a refused message only.
	Key     []byte    `json:"key,omitempty"`
	Headers []Header  `json:"headers,omitempty"`
	Made    time.Time `json:"made,omitzero"` // when the channel says it was made

	Test bool `json:"test,omitempty"` // a drill of the product's own
}

// Raw is the message as received, as far as it was kept.
func (in *InputPart) Raw() []byte {
	if in.Bytes != nil {
		return in.Bytes
	}
	return []byte(in.Body)
}

// RejectPart is why a message was refused.
type RejectPart struct {
	Code        string `json:"code"`
	Description string `json:"description"`
	Requirement string `json:"requirement,omitempty"`
	Quarantine  string `json:"quarantine,omitempty"` // id under which the message is kept, "" if it is not
}

// Outcome is one event with the decision about it.
type Outcome struct {
	Event    EventPart       `json:"event"`
	Decision *DecisionPart   `json:"decision,omitempty"` // nil: outside the remit, or no policies
	Remit    string          `json:"remit,omitempty"`    // why the event was recorded only
	Change   json.RawMessage `json:"change,omitempty"`   // state.Change as JSON
	Entities EntitiesPart    `json:"entities,omitzero"`
}

// EventPart is an event as recorded.
type EventPart struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"` // catalogue short name or "unknown"
	Family     string          `json:"family,omitempty"`
	URI        string          `json:"uri"`
	Time       time.Time       `json:"time"`
	TimeSource string          `json:"time_source"`
	Subject    json.RawMessage `json:"subject,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	ECS        json.RawMessage `json:"ecs,omitempty"` // further fields of the document, from a mapping
	Concepts   []string        `json:"concepts,omitempty"`
	Applied    []string        `json:"applied,omitempty"`
	Stale      bool            `json:"stale,omitempty"`
	Late       bool            `json:"late,omitempty"`
}

// EntitiesPart names the entities an event was resolved to, with the
// identifiers known of them, for documents.
type EntitiesPart struct {
	User    *EntityPart `json:"user,omitempty"`
	Device  *EntityPart `json:"device,omitempty"`
	Session *EntityPart `json:"session,omitempty"`
}

// EntityPart is one entity.
type EntityPart struct {
	ID    string   `json:"id"`              // entity id
	Keys  []string `json:"keys"`            // canonical subject keys, sorted
	Email string   `json:"email,omitempty"` // users
	Name  string   `json:"name,omitempty"`  // best name for people
}

// DecisionPart is the decision as recorded.
type DecisionPart struct {
	ID       string          `json:"id"`
	Revision string          `json:"revision"` // policy set
	Result   string          `json:"result"`   // act, no_action, suppressed, needs_approval, error
	Input    json.RawMessage `json:"input,omitempty"`
	Fired    []Fired         `json:"fired,omitempty"`
	Quiet    []string        `json:"quiet,omitempty"`
	Notes    []Note          `json:"notes,omitempty"`
	Facts    []Fact          `json:"facts,omitempty"`
	Timers   []TimerOrder    `json:"timers,omitempty"`
	Errors   []RuleError     `json:"errors,omitempty"`
	Steps    int             `json:"steps,omitempty"`
}

// Action is one action, or its part for one target, at one point of its life.
type Action struct {
	ID       string          `json:"id"`
	Event    string          `json:"event"`    // id of the causing event
	Decision string          `json:"decision"` // id
	Chain    string          `json:"chain"`    // input id of the root cause
	Depth    int             `json:"depth"`    // hops from the root
	Rule     string          `json:"rule"`
	Branch   string          `json:"branch,omitempty"`
	Severity string          `json:"severity,omitempty"`
	Mode     Mode            `json:"mode"`
	Type     string          `json:"type"`              // action type
	Part     int             `json:"part,omitzero"`     // place among the parts of the action
	After    int             `json:"after,omitzero"`    // calls of the action that must be taken before this part goes out
	Call     *CallPart       `json:"call,omitempty"`    // what is asked of the target; nil for a part that emits
	Emits    string          `json:"emits"`             // event short name, "" for a part that calls
	Target   string          `json:"target"`            // sink name; "" while not routed
	Stream   string          `json:"stream,omitempty"`  // of the sink: which of its streams it goes to
	Control  bool            `json:"control,omitempty"` // it goes to the stream whatever its status is
	Subject  json.RawMessage `json:"subject"`           // subject identifier
	Key      string          `json:"key"`               // canonical subject key
	Body     json.RawMessage `json:"body,omitempty"`    // event payload, or body of the call
	Reason   string          `json:"reason"`
	Status   Status          `json:"status"`
	Guard    string          `json:"guard,omitempty"`  // the guard that stopped it: remit, protected, stop, stale, late, mode, merge, loop, limit, template, backlog, do, stream
	Why      string          `json:"why,omitempty"`    // one sentence on the status
	Into     string          `json:"into,omitempty"`   // merged: id of the action it became part of; superseded: of the one that did the same
	Txn      string          `json:"txn,omitempty"`    //
	JTI      string          `json:"jti,omitempty"`    // of the SET, once signed
	Token    string          `json:"token,omitempty"`  // compact SET, in the record of its first hand-over
	Attempt  int             `json:"attempt,omitzero"` //
	Info     string          `json:"info,omitempty"`   // peer's answer: status or code
	Made     time.Time       `json:"made"`
	Received time.Time       `json:"received"` // when the causing input was received
	Expires  time.Time       `json:"expires,omitzero"`
	User     *EntityPart     `json:"user,omitempty"`
	Device   *EntityPart     `json:"device,omitempty"`
	Session  *EntityPart     `json:"session,omitempty"`
	Test     bool            `json:"test,omitempty"`  // caused by a drill
	Trace    string          `json:"trace,omitempty"` // Record.Trace of the causing input
}

// queue is where the part waits: that of its sink, or one of a stream of it.
func (a *Action) queue() string {
	if a.Control {
		return ControlQueue(a.Target, a.Stream)
	}
	return StreamQueue(a.Target, a.Stream)
}

// partID tells the parts of one action apart; the id alone is that of the first.
func (a *Action) partID() string {
	if a.Part > 0 {
		return a.ID + "/" + strconv.Itoa(a.Part)
	}
	return a.ID
}

// CallPart is the call of a part, without its body. It holds no secret: host and
// credentials are the sink's.
type CallPart struct {
	Method string `json:"method,omitempty"` // "": the sink's own
	Path   string `json:"path,omitempty"`   // escaped, below the sink's URL
}

// OperatorPart is an act on the product.
type OperatorPart struct {
	Verb      string         `json:"verb"` // stop-actions, resume-actions, approve-action, reject-action, retry-action, verdict, reload, start, stop, notify
	By        string         `json:"by"`
	Comment   string         `json:"comment,omitempty"`
	Detail    string         `json:"detail,omitempty"`
	Failed    string         `json:"failed,omitempty"`    // error text
	Judgement *JudgementPart `json:"judgement,omitempty"` // of a verdict
	Budget    string         `json:"budget,omitempty"`    // of what is told of a budget: its name, and the sink after a slash
}

// Status is where an action stands.
type Status string

// The statuses, in the order of their rank.
const (
	Proposed        Status = "proposed"
	Held            Status = "held"
	PendingApproval Status = "pending_approval"
	Approved        Status = "approved"
	RejectedByHuman Status = "rejected"
	Expired         Status = "expired"
	Merged          Status = "merged"
	Superseded      Status = "superseded"
	Suppressed      Status = "suppressed"
	Queued          Status = "queued"
	Sent            Status = "sent"
	Done            Status = "done"
	Acked           Status = "acked"
	Failed          Status = "failed"
	Dead            Status = "dead"
	Reverted        Status = "reverted"
)

// statuses is the one table of ranks and allowed transitions.
var statuses = map[Status]struct {
	rank  int
	final bool
	next  []Status
}{
	// A part that waits for a call is proposed until that call is taken, and
	// shares its end if it is not.
	Proposed:        {0, false, []Status{Held, PendingApproval, Expired, Merged, Superseded, Suppressed, Queued, Dead, RejectedByHuman}},
	Held:            {10, false, []Status{PendingApproval, Approved, RejectedByHuman, Expired, Superseded, Queued}},
	PendingApproval: {20, false, []Status{Approved, RejectedByHuman, Expired, Superseded}},
	Approved:        {30, false, []Status{Queued, Expired}},
	RejectedByHuman: {90, true, nil},
	Expired:         {91, true, nil},
	Merged:          {92, true, nil},
	Superseded:      {93, true, nil},
	Suppressed:      {94, true, nil},
	Queued:          {40, false, []Status{Sent, Done, Acked, Failed, Dead, Expired, Superseded}},
	Sent:            {50, false, []Status{Done, Acked, Failed, Dead, Expired, Superseded}},
	Failed:          {55, false, []Status{Sent, Done, Acked, Failed, Dead, Expired, Superseded}},
	Done:            {60, false, []Status{Sent, Acked, Failed, Dead, Reverted}},
	Acked:           {70, true, []Status{Reverted}},
	Dead:            {95, true, []Status{Queued}},
	Reverted:        {99, true, nil},
}

// Rank orders the statuses of one action: a later one has the higher rank.
func (s Status) Rank() int { return statuses[s].rank }

// Final reports whether the action has come to its end.
func (s Status) Final() bool { return statuses[s].final }

// May reports whether an action may go from s to the next status.
func (s Status) May(next Status) bool {
	for _, n := range statuses[s].next {
		if n == next {
			return true
		}
	}
	return false
}
