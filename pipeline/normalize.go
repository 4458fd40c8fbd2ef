package pipeline

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Statements is the Normalizer of Security Event Tokens: one event per
// statement that is not an alternative name of another's (SET-13), about the
// statement's own subject if it has one.
type Statements struct{}

var _ Normalizer = Statements{}

// Normalize implements Normalizer.
func (Statements) Normalize(_ context.Context, s Signal) ([]event.Event, error) {
	events := make([]event.Event, 0, len(s.Events))
	for _, st := range s.Events {
		if st.Alternative {
			continue
		}
		subject := st.Subject
		if subject.IsZero() {
			subject = s.Subject
		}
		at, source := eventTime(s, st)
		i := len(events)
		events = append(events, event.Event{
			ID: EventID(s.InputID, i), Index: i,
			Type: st.Type, URI: st.URI,
			Source: s.Message.Source, Issuer: s.Issuer, Assurance: s.Assurance,
			Time: at, TimeSource: source, Received: s.Message.Received,
			Txn: s.Txn, Subject: subject, Body: st.Body,
			Concepts: st.Type.ConceptsOf(st.Body), Applied: s.Applied,
		})
	}
	return events, nil
}

// eventTime picks the time of a statement (EVT-06).
func eventTime(s Signal, st Statement) (at time.Time, source string) {
	switch {
	case !st.Time.IsZero():
		return st.Time, "event_timestamp"
	case !s.TimeOf.IsZero():
		return s.TimeOf, "toe"
	case !s.IssuedAt.IsZero():
		return s.IssuedAt, "iat"
	}
	return s.Message.Received, "received"
}
