package pipeline

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// Decider is a compiled policy set. It is immutable and safe for concurrent
// use; a reload makes a new one.
type Decider interface {
	// Select names the rules that speak to the event and what they need. It
	// does not look at state and costs nothing when no rule is interested.
	Select(e *event.Event) Selection

	// Decide is pure: time and state come in with the input, nothing is
	// fetched, the same input gives the same decision. A rule that fails or
	// overruns its budget is in Decision.Errors and does not touch the others;
	// the returned error is for a broken engine only.
	Decide(ctx context.Context, in Input) (Decision, error)

	// Revision identifies the set: a digest over all rule texts, lists, schemas
	// and the engine's version.
	Revision() string
}

// Selection is what Select found. Its zero value means that no rule speaks to
// the event.
type Selection struct {
	Rules   []string // rule names, sorted
	Needs   Needs    // union over the rules
	Windows []Window // union over the rules
}

// What rules ask of state is defined where it is kept.
type (
	Needs  = state.Needs  // branches of state, see state.Needs
	Window = state.Window // a count over time, see state.Window
	Fact   = state.Fact   // something to remember, see state.Fact
)

// The branches of state a rule may ask for.
const (
	NeedUserAccount   = state.NeedUserAccount
	NeedUserSessions  = state.NeedUserSessions
	NeedUserRisk      = state.NeedUserRisk
	NeedUserDevices   = state.NeedUserDevices
	NeedDevice        = state.NeedDevice
	NeedDeviceRisk    = state.NeedDeviceRisk
	NeedSession       = state.NeedSession
	NeedHistoryUser   = state.NeedHistoryUser
	NeedHistoryDevice = state.NeedHistoryDevice
	NeedFactsUser     = state.NeedFactsUser
	NeedFactsDevice   = state.NeedFactsDevice
)

// NeedNames maps the names of the contract to branches.
var NeedNames = state.NeedNames

// Input is what rules see of one event.
type Input struct {
	Event     *event.Event
	Selection Selection
	Document  []byte // the input document (policies/schema/input.schema.json), exactly as journaled
}

// Decision is what the rules said about one event.
type Decision struct {
	Proposals []Proposal
	Facts     []Fact
	Timers    []TimerOrder
	Notes     []Note
	Fired     []Fired     // bodies that held, in rule order
	Quiet     []string    // rules that were selected and made nothing, sorted
	Errors    []RuleError // rules, or documents of rules, that failed
	Steps     int         // evaluation steps, all rules together
}

// Proposal is an action as a rule asked for it, before the guards.
type Proposal struct {
	Rule     string         `json:"rule"`
	Branch   string         `json:"branch,omitempty"`   // title of the body that made it
	Severity string         `json:"severity,omitempty"` // of the rule
	Mode     Mode           `json:"mode"`               // of the rule: shadow, approve, enforce
	Type     string         `json:"type"`               // action type
	Subject  map[string]any `json:"subject,omitempty"`  // subject identifier; nil = the event's
	Key      string         `json:"key,omitempty"`      // tells apart equal actions of one rule and event
	Reason   string         `json:"reason"`             // for analysts
	With     map[string]any `json:"with,omitempty"`     // further members, for templates: credential_type, level
	Limit    Limit          `json:"-"`
}

// Mode says how far a rule may go alone.
type Mode string

// The modes, from careful to bold.
const (
	Shadow  Mode = "shadow"
	Approve Mode = "approve"
	Enforce Mode = "enforce"
)

// Lower returns the more careful of the two modes; the zero Mode yields.
func (m Mode) Lower(o Mode) Mode {
	rank := func(m Mode) int {
		switch m {
		case Shadow:
			return 1
		case Approve:
			return 2
		}
		return 3
	}
	if o != "" && (m == "" || rank(o) < rank(m)) {
		return o
	}
	return m
}

// Limit bounds the actions of one rule in a window. Zero means none.
type Limit struct {
	Actions int
	Per     time.Duration
}

// TimerOrder asks for a timer event; the zero After cancels.
type TimerOrder struct {
	Rule  string         `json:"rule"`
	Name  string         `json:"name"`
	After time.Duration  `json:"after"`
	Data  map[string]any `json:"data,omitempty"`
}

// Note is a sentence for analysts.
type Note struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// Fired names a body that held.
type Fired struct {
	Rule   string `json:"rule"`
	Branch string `json:"branch,omitempty"`
}

// RuleError is a failure of one rule's document.
type RuleError struct {
	Rule     string `json:"rule"`
	Document string `json:"document"` // actions, facts, timers or notes
	Message  string `json:"message"`
}
