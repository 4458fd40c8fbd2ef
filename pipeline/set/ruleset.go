package set

import (
	"maps"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// ruleset is how the tokens of an issuer are read.
type ruleset struct {
	name       string
	types      []string // typ, lower case and without application/; "" allows a missing one
	algorithms []string // all that may sign, whatever the issuer is allowed; nil: no such limit
	keyID      string   // requirement that makes kid a must; "": it may be missing
	dialect    string   // of the event catalogue
	claims     []claimRule
	tolerant   bool // subjects and payloads of earlier drafts are read as meant

	// typed notes a workaround for the token's type; nil: none is possible.
	typed func(r *reading, mediaType string)
	// alias says whether another spelling of a type's URI is read as the type,
	// and which workaround that is.
	alias func(uri string) (requirement string, ok bool)
	// statement holds one statement whose payload passed its checks against
	// further rules, and puts it into the form rules expect; nil: neither.
	statement func(r *reading, i int) error
	// together holds the statements against each other once all are read, and
	// marks those that are alternative names.
	together func(r *reading) error
	// subject finds the primary subject, or each statement's own.
	subject func(r *reading) error
}

// rulesets are all there are, by name.
var rulesets = map[string]*ruleset{
	ssf.name:     &ssf,
	interop.name: &interop,
	scim.name:    &scim,
	okta.name:    &okta,
	legacy.name:  &legacy,
}

// RuleSets returns the names an Issuer's Rules can have, sorted.
func RuleSets() []string { return slices.Sorted(maps.Keys(rulesets)) }

// Algorithms returns those of the allowed algorithms that the rule set accepts
// too. None left means that nothing of the issuer could be accepted.
func Algorithms(rules string, allowed []string) []string {
	s := rulesets[rules]
	if s == nil || s.algorithms == nil {
		return allowed
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(alg string) bool { return !slices.Contains(s.algorithms, alg) })
}

// sameEvent lets a token state one event, under several names perhaps: at most
// one catalogued type, and every name beside it is an alternative (SET-12,
// SET-13).
func sameEvent(r *reading) error {
	events := r.signal.Events
	if len(events) == 1 {
		return nil
	}
	known := -1
	for i := range events {
		switch {
		case events[i].Type == event.Unknown:
		case known < 0:
			known = i
		case events[i].Type != events[known].Type:
			return r.reject(pipeline.InvalidRequest, "SET-12",
				"token states the independent events "+events[known].Type.Name+" and "+events[i].Type.Name)
		}
	}
	for i := range events {
		events[i].Alternative = known >= 0 && i != known
	}
	return nil
}

// independent lets each statement be an event of its own.
func independent(*reading) error { return nil }
