package pipeline

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// Remit says what an issuer may do here (P-07). The zero Remit allows nothing
// but being recorded and indexed.
type Remit struct {
	Events   []string      // type names, "family:*", "concept:<name>" or "*"
	Subjects []string      // patterns of event.MatchPattern
	Actions  []string      // action types its events may cause, or "*"
	Links    bool          // may teach that two identifiers are one entity
	MaxAge   time.Duration // older events are stale and never act alone; 0 = any age
}

// remit is a Remit made ready for the hot path.
type remit struct {
	Remit
	events map[*event.Type]bool
}

func (r Remit) compile() *remit {
	c := &remit{Remit: r, events: map[*event.Type]bool{}}
	for _, t := range append(event.Types(), event.Unknown) {
		c.events[t] = slices.ContainsFunc(r.Events, func(p string) bool { return matchType(p, t) })
	}
	return c
}

// matchType matches "*", "family:*", "family:name", "concept:<name>" and "name"
// with globs.
func matchType(pattern string, t *event.Type) bool {
	if concept, ok := strings.CutPrefix(pattern, "concept:"); ok {
		return slices.Contains(t.Concepts, concept)
	}
	name := t.Name
	if strings.Contains(pattern, ":") && !strings.Contains(t.Name, ":") {
		name = t.Family + ":" + t.Name
	}
	if family, all := strings.CutSuffix(pattern, ":*"); all {
		return family == t.Family
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// outside says why an event is recorded only, "" if it may be acted on.
func (r *remit) outside(e *event.Event) string {
	switch {
	case r == nil:
		if e.Assurance == event.Channel {
			return "source " + e.Source + " has no remit"
		}
		return "issuer " + e.Issuer + " has no remit"
	case !r.events[e.Type] && e.Type == event.Unknown:
		return "events of unknown types are outside the remit of " + e.Issuer
	case !r.events[e.Type]:
		return "event " + e.Type.Name + " is outside the remit of " + e.Issuer
	case !e.Subject.IsZero() && !r.covers(e.Subject):
		return "subject is outside the remit of " + e.Issuer
	}
	// A change of identifier speaks of two: who may speak of one only must not
	// reach the other through it.
	if renamed := state.NewIdentifier(e); !renamed.IsZero() && !r.covers(renamed) {
		return "new identifier is outside the remit of " + e.Issuer
	}
	// Beside a user a device narrows what is meant, but not where it is the
	// device that something is said of: that holds for all its users.
	if device := state.StatedDevice(e); !device.IsZero() && !r.covers(device) {
		return "device is outside the remit of " + e.Issuer
	}
	return ""
}

func (r *remit) covers(s event.Subject) bool {
	return event.MatchAll(r.Subjects, s)
}

// causes reports whether events of the issuer may cause the action type.
func (r *remit) causes(actionType string) bool {
	return slices.ContainsFunc(r.Actions, func(p string) bool { return p == "*" || p == actionType })
}
