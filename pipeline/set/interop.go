package set

import (
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// interop is ssf under the CAEP interoperability profile. The profile names
// the subject formats a receiver must take (INTEROP-17); it forbids no other,
// and complex subjects are common (INTEROP-18), so ssf's formats stay.
var interop = ruleset{
	name:       "interop",
	types:      []string{setType},
	algorithms: []string{"RS256"}, // INTEROP-19
	claims:     claims,
	alias:      noAlias,
	statement:  useCase,
	together:   oneStatement,
	subject:    primarySubject,
}

// useCases are the events for which the profile wants a reason.
var useCases = []struct{ event, requirement string }{
	{"session-revoked", "INTEROP-27"},
	{"credential-change", "INTEROP-28"},
	{"device-compliance-change", "INTEROP-29"},
}

// useCase asks for the reason that an event of a use case must give: a text in
// some language. That reason_admin has the right form was checked before.
func useCase(r *reading, i int) error {
	s := &r.signal.Events[i]
	for _, u := range useCases {
		if u.event == s.Type.Name && !says(s.Body.Get("reason_admin")) {
			return r.reject(pipeline.InvalidRequest, u.requirement, "event "+s.Type.Name+": reason_admin with a text is required")
		}
	}
	return nil
}

// says reports whether a message has a text in some language.
func says(messages strictjson.Value) bool {
	for _, text := range messages.Members() {
		if text.Text() != "" {
			return true
		}
	}
	return false
}

// oneStatement forbids alternative names as well (INTEROP-26).
func oneStatement(r *reading) error {
	if len(r.signal.Events) != 1 {
		return r.reject(pipeline.InvalidRequest, "INTEROP-26", "claim events must have exactly one member")
	}
	return nil
}
