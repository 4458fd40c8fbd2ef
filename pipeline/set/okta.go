package set

import (
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// okta is what Okta's SET intake takes and what its senders write: several
// events of different kinds in one token (OKTA-09), each with its own subject
// inside (OKTA-04). The members of the payloads are those of the catalogue's
// dialect (OKTA-04 to OKTA-07); events without a variant there have their
// standard form.
var okta = ruleset{
	name:     "okta",
	types:    []string{setType},
	keyID:    "OKTA-02",
	dialect:  "okta",
	claims:   claims,
	alias:    noAlias,
	together: independent,
	subject:  ownSubjects,
}

// ownSubjects reads the subject of each statement. A sub_id is not part of the
// dialect (OKTA-03), but a sender of standard events has one: it stands for
// the statements that name no subject themselves, and is noted where it stands
// for none.
func ownSubjects(r *reading) error {
	if v := r.text.Get("sub_id"); v.Exists() {
		s, err := r.parseSubject("sub_id", v, r.issuer.subject)
		if err != nil {
			return err
		}
		r.signal.Subject = s
	}
	used := false
	for i := range r.signal.Events {
		if err := ownSubject(r, i); err != nil {
			return err
		}
		used = used || r.signal.Events[i].Subject.IsZero()
	}
	if !used && !r.signal.Subject.IsZero() {
		r.apply("OKTA-03")
	}
	return nil
}

// ownSubject reads the subject inside a statement, whose name was "subjects"
// once. An event that is not catalogued may have any form: what it holds is no
// reason to refuse it (EVT-33).
func ownSubject(r *reading, i int) error {
	s := &r.signal.Events[i]
	place := "subject"
	v := s.Body.Get(place)
	if !v.Exists() {
		place = "subjects"
		v = s.Body.Get(place)
	}
	if s.Type == event.Unknown {
		s.Subject, _, _ = event.ParseSubject(v, r.issuer.inside)
		return nil
	}
	if !v.Exists() {
		if r.signal.Subject.IsZero() {
			return r.reject(pipeline.InvalidRequest, "OKTA-04", "event "+s.Type.Name+": subject is required")
		}
		return nil
	}
	var err error
	s.Subject, err = r.parseSubject("event "+s.Type.Name+": "+place, v, r.issuer.inside)
	return err
}
