package set

import (
	"errors"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// primarySubject reads sub_id at the top level (SET-16).
func primarySubject(r *reading) error {
	v := r.text.Get("sub_id")
	if !v.Exists() {
		return r.reject(pipeline.InvalidRequest, "SET-16", "claim sub_id is missing")
	}
	s, err := r.parseSubject("sub_id", v, r.issuer.subject)
	if err != nil {
		return err
	}
	r.signal.Subject = s
	r.repeated()
	return nil
}

// repeated compares the primary subject with the one an old event may repeat in
// its payload. The primary one counts; that they differ is noted (LEGACY-02).
func (r *reading) repeated() {
	for i := range r.signal.Events {
		v := r.signal.Events[i].Body.Get("subject")
		if v.Kind() != strictjson.Object {
			continue
		}
		s, _, err := event.ParseSubject(v, event.SubjectOptions{Tolerant: true, Formats: r.issuer.Formats})
		if err == nil && s.Key() != r.signal.Subject.Key() {
			r.apply("LEGACY-02")
		}
	}
}

// subjectOf returns whom a statement is about.
func (r *reading) subjectOf(s *pipeline.Statement) event.Subject {
	if s.Subject.IsZero() {
		return r.signal.Subject
	}
	return s.Subject
}

// formats holds the subjects against the formats the events permit.
func (r *reading) formats() error {
	for i := range r.signal.Events {
		s := &r.signal.Events[i]
		if err := s.Type.CheckSubject(r.subjectOf(s), r.issuer.payload); err != nil {
			return r.badEvent(s.Type, err)
		}
	}
	return nil
}

func (r *reading) parseSubject(place string, v strictjson.Value, o event.SubjectOptions) (event.Subject, error) {
	s, applied, err := event.ParseSubject(v, o)
	if err != nil {
		requirement, problem := "SUB-13", err.Error()
		if e := (*event.SubjectError)(nil); errors.As(err, &e) {
			requirement, problem = e.Requirement, e.Problem
			if e.Path != "" {
				place += "." + e.Path
			}
		}
		return event.Subject{}, r.reject(pipeline.InvalidRequest, requirement, place+" "+problem)
	}
	for _, requirement := range applied {
		r.apply(requirement)
	}
	return s, nil
}

// stream holds events about the stream itself against the stream: they must
// name it, and a verification's state must be one we asked for.
func (r *reading) stream() error {
	for i := range r.signal.Events {
		s := &r.signal.Events[i]
		if s.Type.Family != "ssf" {
			continue
		}
		verification := s.Type.Name == "verification"
		if want := r.issuer.StreamID; want != "" && r.subjectOf(s).Member("id") != want {
			requirement := "EVT-31"
			if verification {
				requirement = "SSF-TX-80"
			}
			return r.reject(pipeline.InvalidRequest, requirement, "subject is not this receiver's stream")
		}
		state := s.Body.Get("state")
		if !verification || !state.Exists() { // no state: the transmitter's own idea (SSF-RX-28)
			continue
		}
		if r.issuer.States == nil || !r.issuer.States.Expected(r.subjectOf(s).Member("id"), state.Text(), r.signal.JTI) {
			return r.reject(pipeline.InvalidState, "SSF-RX-26", "state is not one this receiver asked for")
		}
	}
	return nil
}

// discard marks a token whose subject, or one of whose subjects, has a critical
// member we cannot process: it is well formed and acknowledged, but must not
// have effects (SUB-26).
func (r *reading) discard() {
	for _, name := range r.issuer.critical {
		for i := range r.signal.Events {
			if _, ok := r.subjectOf(&r.signal.Events[i]).Part(name); ok {
				r.signal.Discard = "subject member " + name + " is critical to the issuer and not understood here (SUB-26)"
				return
			}
		}
	}
}
