package pipeline

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Settings is everything of a pipeline that a reload exchanges as one. It must
// not be modified once given away.
type Settings struct {
	Verifier   Verifier
	Normalizer Normalizer // nil: one event per statement of the token
	Decider    Decider    // nil: nothing is decided, everything is recorded
	Remits     map[string]Remit
	Actions    map[string]ActionType
	Protect    []Protection
	Limit      Limit // of all actions together; zero: none
	Share      int   // how many of them one issuer may cause; 0: as many as all
	MaxHops    int   // equal actions for one subject and transaction; 0 means 3
	Quarantine Quarantine
	Own        []string // issuers this product signs as: their events are echoes
	Sinks      []string // names of the sinks there are; nil: whatever an action names is there

	compiled map[string]*remit
	own      map[string]bool
}

// Protection keeps actions off subjects.
type Protection struct {
	Subjects []string // patterns of event.MatchPattern
	Reason   string   // shown to analysts
}

// ActionType is what an action a rule asks for means here.
type ActionType struct {
	Name         string
	Dos          []Do          // calls, one after the other
	Emits        []Emit        // in order; no emit and no call: the action is recorded only
	Merge        time.Duration // equal actions within are one; 0: none
	ValidFor     time.Duration // what is not handed over by then is not sent; 0: 24h
	ReversibleBy string        // name of the action type that undoes it
	Known        bool          // its templates speak of what is known of the subject, which is looked up then
}

// Do is one step of an action type: call what a sink stands for, an actuator or
// a notifier. A call waits for those before it.
type Do struct {
	Sink string // sink name
	// Call makes the request. Its Body is a JSON object, or nil.
	Call func(ActionVars) (Request, error)
}

// Emit is one step of an action type: state a fact to some sinks.
type Emit struct {
	Event string   // catalogue short name
	To    []string // sink names
	After int      // how many of the calls must have been taken before it is stated
	// Body makes the event payload, a JSON object.
	Body func(ActionVars) ([]byte, error)
}

// ActionVars is what an action's templates may use.
type ActionVars struct {
	ID, Type, Rule, Severity, Reason string
	Subject                          event.Subject
	With                             map[string]any
	Event                            *event.Event
	Now                              time.Time
	// Known is what is known of whom the action's subject names; looked up for
	// types that say so.
	Known EntitiesPart
}

const (
	defaultValidFor = 24 * time.Hour
	defaultMaxHops  = 3
)

func (s Settings) compile() *Settings {
	s.compiled = make(map[string]*remit, len(s.Remits))
	for issuer, r := range s.Remits {
		s.compiled[issuer] = r.compile()
	}
	s.own = make(map[string]bool, len(s.Own))
	for _, iss := range s.Own {
		s.own[iss] = true
	}
	if s.Normalizer == nil {
		s.Normalizer = Statements{}
	}
	if s.MaxHops == 0 {
		s.MaxHops = defaultMaxHops
	}
	return &s
}
