package okta

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// taken are the events an action can state to Okta, sorted, and the type each
// is sent as; "" is risk-level-change, whose type its principal decides.
var taken = map[string]string{
	"device-compliance-change": "okta:device-compliance-change",
	"device-risk-change":       "device-risk-change",
	"identifier-changed":       "okta:identifier-changed",
	"ip-change":                "ip-change",
	"risk-level-change":        "",
	"session-revoked":          "okta:session-revoked",
	"user-risk-change":         "user-risk-change",
}

// typeOf finds what an event is sent as.
func typeOf(name string, body strictjson.Value) (*event.Type, error) {
	as, ok := taken[name]
	if !ok {
		return nil, fmt.Errorf("okta takes no event %q", name)
	}
	if as == "" {
		switch principal := body.Get("principal").Text(); principal {
		case "USER":
			as = "user-risk-change"
		case "DEVICE":
			as = "device-risk-change"
		default:
			return nil, fmt.Errorf("okta is told the risk of users and devices, not of a %q", principal)
		}
	}
	t, ok := event.ByName(as)
	if !ok {
		return nil, fmt.Errorf("event %q is not in the catalogue", as)
	}
	return t, nil
}

// translate writes what an action states in Okta's dialect: the type, and the
// payload with its subject inside. An error is final.
func translate(o pipeline.Order, wholeUser bool) (*event.Type, []byte, error) {
	given := o.Body
	if given == nil {
		given = []byte(`{}`)
	}
	body, err := strictjson.Parse(given, strictjson.DefaultLimits)
	if err != nil {
		return nil, nil, fmt.Errorf("payload: %w", err)
	}
	t, err := typeOf(o.Event, body)
	if err != nil {
		return nil, nil, err
	}
	b := append(make([]byte, 0, 256+len(given)), `{"subject":`...)
	if b, err = appendSubject(b, o.Subject, strings.HasPrefix(t.Name, "device-"), wholeUser); err != nil {
		return nil, nil, err
	}
	for i := range t.Fields {
		name := t.Fields[i].Name
		if name == "subject" {
			continue
		}
		value := member(o, body, name)
		if value == nil {
			continue
		}
		b = append(b, ',')
		b = strictjson.AppendString(b, name)
		b = append(append(b, ':'), value...)
	}
	b = appendReason(b, o, t, body)
	b = append(b, '}')
	made, err := strictjson.Parse(b, strictjson.DefaultLimits)
	if err != nil {
		return nil, nil, fmt.Errorf("payload: %w", err)
	}
	if err := t.Check(made); err != nil {
		return nil, nil, fmt.Errorf("payload of %s: %w", t.Name, err)
	}
	return t, b, nil
}

// member is a member of the payload as Okta writes it, nil if there is none.
func member(o pipeline.Order, body strictjson.Value, name string) []byte {
	v := body.Get(name)
	switch name {
	case "event_timestamp": // int64, and required (OKTA-04)
		at, ok := v.Float()
		if !ok {
			at = float64(o.Made.Unix())
		}
		return strconv.AppendInt(nil, int64(math.Floor(at)), 10)
	case "current_level", "previous_level": // lower case, and required (OKTA-06)
		level := strings.ToLower(v.Text())
		if level == "" && name == "previous_level" {
			level = "none" // no risk was known to us
		}
		return strictjson.AppendString(nil, level)
	}
	if !v.Exists() {
		return nil
	}
	return v.Raw()
}

// appendReason gives a reason to an event that must have one and has none
// (OKTA-05): what else the payload says about why, or the rule that asked.
func appendReason(b []byte, o pipeline.Order, t *event.Type, body strictjson.Value) []byte {
	takes := slices.ContainsFunc(t.Fields, func(f event.Field) bool { return f.Name == "reason_admin" })
	if !takes || body.Get("reason_admin").Exists() || body.Get("reason_user").Exists() {
		return b
	}
	reason := body.Get("risk_reason").Text()
	if reason == "" {
		reason = "rule " + o.Rule
	}
	b = append(b, `,"reason_admin":{"en":`...)
	b = strictjson.AppendString(b, reason)
	return append(b, '}')
}

// roles are the members of Okta's subject, in the order they are written.
var roles = []string{"device", "tenant", "user"}

// appendSubject writes a subject as Okta reads it: an object without a format
// whose members are identifiers (OKTA-04). Nothing is said of more than the
// action is about: a session, or any other member Okta has no name for, cannot
// be left out, unless wholeUser permits it for sessions.
func appendSubject(b []byte, s event.Subject, device, wholeUser bool) ([]byte, error) {
	of := "user"
	if device {
		of = "device"
	}
	if s.Format() != "complex" {
		id, err := identifier(of, s)
		if err != nil {
			return nil, err
		}
		b = append(b, '{')
		b = strictjson.AppendString(b, of)
		b = append(b, ':')
		b = id.AppendJSON(b)
		return append(b, '}'), nil
	}
	for name := range s.Parts() {
		switch {
		case slices.Contains(roles, name):
		case name == "session" && wholeUser:
		case name == "session":
			return nil, errors.New("okta's subject has no session: whole_user = true permits to state it of the user")
		default:
			return nil, fmt.Errorf("okta's subject has no member %q", name)
		}
	}
	if _, ok := s.Part(of); !ok {
		return nil, fmt.Errorf("the subject has no %s", of)
	}
	b = append(b, '{')
	first := true
	for _, name := range roles {
		part, ok := s.Part(name)
		if !ok {
			continue
		}
		id, err := identifier(name, part)
		if err != nil {
			return nil, err
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = strictjson.AppendString(b, name)
		b = append(b, ':')
		b = id.AppendJSON(b)
	}
	return append(b, '}'), nil
}

// identifier picks one of the names somebody has: those that Okta's page shows
// come first.
func identifier(role string, s event.Subject) (event.Subject, error) {
	var best event.Subject
	rank := -1
	for id := range s.Identifiers() {
		r := slices.Index([]string{"opaque", "iss_sub", "email"}, id.Format())
		if best.IsZero() || r > rank {
			best, rank = id, r
		}
	}
	if best.IsZero() {
		return event.Subject{}, fmt.Errorf("the %s has no identifier", role)
	}
	return best, nil
}
