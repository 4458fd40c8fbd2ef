package set

import (
	"errors"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// subject reads the primary subject, sub_id at the top level (SET-16), and
// holds it against the formats the event permits.
func (r *reading) subject() error {
	switch v := r.text.Get("sub_id"); {
	case v.Exists():
		s, err := r.parseSubject("sub_id", v)
		if err != nil {
			return err
		}
		r.signal.Subject = s
	case r.issuer.rules.lift != nil:
		if err := r.issuer.rules.lift(r); err != nil {
			return err
		}
	}
	if r.signal.Subject.IsZero() {
		return r.reject(pipeline.InvalidRequest, "SET-16", "claim sub_id is missing")
	}
	if r.known != nil {
		if err := r.known.CheckSubject(r.signal.Subject, r.issuer.payload); err != nil {
			return r.badEvent(r.known, err)
		}
	}
	return nil
}

func (r *reading) parseSubject(place string, v strictjson.Value) (event.Subject, error) {
	s, applied, err := event.ParseSubject(v, r.issuer.subject)
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

// repeated compares the subject with the one an old event may repeat in its
// payload. The primary one counts; that they differ is noted (LEGACY-02).
func (r *reading) repeated() error {
	if !r.text.Get("sub_id").Exists() {
		return nil
	}
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
	return nil
}

// stream holds events about the stream itself against the stream: they must
// name it, and a verification's state must be one we asked for.
func (r *reading) stream() error {
	if r.known == nil || r.known.Family != "ssf" {
		return nil
	}
	verification := r.known.Name == "verification"
	if want := r.issuer.StreamID; want != "" && r.signal.Subject.Member("id") != want {
		requirement := "EVT-31"
		if verification {
			requirement = "SSF-TX-80"
		}
		return r.reject(pipeline.InvalidRequest, requirement, "sub_id does not name this receiver's stream")
	}
	if !verification {
		return nil
	}
	for i := range r.signal.Events {
		state := r.signal.Events[i].Body.Get("state")
		if !state.Exists() { // the transmitter's own idea (SSF-RX-28)
			continue
		}
		if r.issuer.States == nil || !r.issuer.States.Expected(r.issuer.StreamID, state.Text()) {
			return r.reject(pipeline.InvalidState, "SSF-RX-26", "state is not one this receiver asked for")
		}
	}
	return nil
}

// discard marks a token whose subject has a critical member we cannot process:
// it is well formed and acknowledged, but must not have effects (SUB-26).
func (r *reading) discard() {
	for _, name := range r.issuer.critical {
		if _, ok := r.signal.Subject.Part(name); ok {
			r.signal.Discard = "subject member " + name + " is critical to the issuer and not understood here (SUB-26)"
			return
		}
	}
}
