package set

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// reading is one authenticated token on its way through the rules.
type reading struct {
	issuer *issuer
	text   strictjson.Value
	now    time.Time
	signal pipeline.Signal
}

// read holds the claims against the rules and fills the signal.
func (r *reading) read() error {
	rules := r.issuer.rules
	for i := range rules.claims {
		rule := &rules.claims[i]
		if problem := rule.check(r, r.text.Get(rule.claim)); problem != "" {
			return r.reject(rule.code, rule.requirement, "claim "+rule.claim+" "+problem)
		}
	}
	for _, step := range [...]func(*reading) error{(*reading).statements, rules.together, rules.subject, (*reading).formats, (*reading).stream} {
		if err := step(r); err != nil {
			return err
		}
	}
	r.discard()
	slices.Sort(r.signal.Applied)
	return nil
}

func (r *reading) reject(code, requirement, description string) error {
	return reject(r.text, code, requirement, description)
}

// apply notes a workaround or hint once.
func (r *reading) apply(requirement string) {
	if !slices.Contains(r.signal.Applied, requirement) {
		r.signal.Applied = append(r.signal.Applied, requirement)
	}
}

// ahead reports whether a time is further in the future than clocks differ.
func (r *reading) ahead(t time.Time) bool {
	return t.Sub(r.now) > r.issuer.MaxSkew
}

// plausible drops the time of an event that would not have happened yet: taken
// at its word it would make everything later look late. The next best time
// stands in (EVT-06).
func (r *reading) plausible(t time.Time) time.Time {
	if r.ahead(t) {
		r.apply("EVT-06")
		return time.Time{}
	}
	return t
}

// maxStatements bounds what one token makes the product do (JWT-09). No sender
// is known to state more than a handful.
const maxStatements = 64

// statements reads the events claim: at least one, each an object under a URI
// (SET-09 to SET-11).
func (r *reading) statements() error {
	events := r.text.Get("events")
	if events.Kind() != strictjson.Object || events.Len() == 0 {
		return r.reject(pipeline.InvalidRequest, "SET-09", "claim events must be an object with at least one member")
	}
	if events.Len() > maxStatements {
		return r.reject(pipeline.InvalidRequest, "JWT-09", fmt.Sprintf("claim events must not have more than %d members", maxStatements))
	}
	r.signal.Events = make([]pipeline.Statement, 0, events.Len())
	for uri, body := range events.Members() {
		t := r.lookup(uri)
		if t == event.Unknown && !isURI(uri) {
			return r.reject(pipeline.InvalidRequest, "SET-10", "an event name in claim events is not a URI")
		}
		if body.Kind() != strictjson.Object {
			return r.reject(pipeline.InvalidRequest, "SET-11", "the payload of event "+t.Name+" must be an object")
		}
		r.signal.Events = append(r.signal.Events, pipeline.Statement{URI: uri, Type: t, Body: body})
		if err := r.payload(len(r.signal.Events) - 1); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds the type of an event. Spellings the rule set does not read, and
// events only the product itself may state, are unknown types: kept, never
// acted upon (EVT-33).
func (r *reading) lookup(uri string) *event.Type {
	rules := r.issuer.rules
	t, alias := event.Lookup(uri, rules.dialect)
	switch {
	case t.Family == "local" && ownWord(t.Name):
		return event.Unknown
	case !alias:
		return t
	case t.Family == "scim":
		r.apply("SCIM-11")
		return t
	}
	requirement, ok := rules.alias(uri)
	if !ok {
		return event.Unknown
	}
	r.apply(requirement)
	return t
}

// ownWord names the local events that say something about the product: from
// outside they would be forgeries.
func ownWord(name string) bool {
	switch name {
	case "timer", "approval", "operator-command", "feed-health":
		return true
	}
	return false
}

// payload holds a statement against the definition of its type.
func (r *reading) payload(i int) error {
	s := &r.signal.Events[i]
	if s.Type != event.Unknown {
		applied, err := s.Type.CheckWith(s.Body, r.issuer.payload)
		if err != nil {
			return r.badEvent(s.Type, err)
		}
		for _, requirement := range applied {
			r.apply(requirement)
		}
	}
	stamp := s.Body.Get("event_timestamp")
	if at, ok := numericDate(stamp); ok {
		s.Time = at
	}
	if r.issuer.rules.statement != nil {
		if err := r.issuer.rules.statement(r, i); err != nil {
			return err
		}
	}
	if s.Time.IsZero() && stamp.Kind() == strictjson.Number {
		r.apply("EVT-06")
	}
	s.Time = r.plausible(s.Time)
	return nil
}

func (r *reading) badEvent(t *event.Type, err error) error {
	e := (*event.PayloadError)(nil)
	if !errors.As(err, &e) {
		return r.reject(pipeline.InvalidRequest, "EVT-34", "event "+t.Name+": "+err.Error())
	}
	where := "event " + t.Name + ": "
	if e.Field != "" {
		where += e.Field + " "
	}
	return r.reject(pipeline.InvalidRequest, e.Requirement, where+e.Problem)
}

// isURI reports whether an event name of no known type is an absolute URI
// (RFC 3986): a scheme, a colon and something after it, in its characters.
func isURI(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || scheme == "" || rest == "" {
		return false
	}
	for i, c := range []byte(scheme) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	for _, c := range []byte(rest) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}
