package pipeline

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Statements is the Normalizer of Security Event Tokens: one event per
// statement. A statement of unknown type beside a known one is an alternative
// name of the same event (SET-13) and makes none of its own.
type Statements struct{}

var _ Normalizer = Statements{}

// Normalize implements Normalizer.
func (Statements) Normalize(_ context.Context, s Signal) ([]event.Event, error) {
	known := false
	for _, st := range s.Events {
		known = known || st.Type != event.Unknown
	}
	events := make([]event.Event, 0, len(s.Events))
	for _, st := range s.Events {
		if st.Type == event.Unknown && known {
			continue
		}
		at, source := eventTime(s, st)
		i := len(events)
		events = append(events, event.Event{
			ID: EventID(s.InputID, i), Index: i,
			Type: st.Type, URI: st.URI,
			Source: s.Message.Source, Issuer: s.Issuer, Assurance: s.Assurance,
			Time: at, TimeSource: source, Received: s.Message.Received,
			Txn: s.Txn, Subject: s.Subject, Body: st.Body,
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
