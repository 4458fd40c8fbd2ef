package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

func TestStatementsNormalize(t *testing.T) {
	body, err := strictjson.Parse([]byte(`{}`), strictjson.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	named := func(id string) event.Subject {
		s, err := event.NewSimple("opaque", "id", id)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	revoked, _ := event.ByName("session-revoked")
	risk, _ := event.ByName("user-risk-change")
	says := func(t *event.Type, subject event.Subject) pipeline.Statement {
		return pipeline.Statement{Type: t, URI: t.URI, Body: body, Subject: subject}
	}
	alternative := pipeline.Statement{Type: event.Unknown, URI: "https://events.example.com/gone", Body: body, Alternative: true}
	none := event.Subject{}

	type made struct{ event, subject string }
	for _, c := range []struct {
		name    string
		subject event.Subject
		events  []pipeline.Statement
		want    []made
	}{
		{"the signal's subject", named("s"), []pipeline.Statement{says(revoked, none)}, []made{{"session-revoked", "opaque:s"}}},
		{"own subjects", none, []pipeline.Statement{says(risk, named("a")), says(revoked, named("b"))},
			[]made{{"user-risk-change", "opaque:a"}, {"session-revoked", "opaque:b"}}},
		{"own and the signal's", named("s"), []pipeline.Statement{says(risk, none), says(revoked, named("b"))},
			[]made{{"user-risk-change", "opaque:s"}, {"session-revoked", "opaque:b"}}},
		{"alternative name first", named("s"), []pipeline.Statement{alternative, says(revoked, none)}, []made{{"session-revoked", "opaque:s"}}},
		{"uncatalogued, but no alternative", named("s"), []pipeline.Statement{says(revoked, none), says(event.Unknown, none)},
			[]made{{"session-revoked", "opaque:s"}, {"unknown", "opaque:s"}}},
		{"about nobody", none, []pipeline.Statement{says(event.Unknown, none)}, []made{{"unknown", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := pipeline.Signal{InputID: "i-1", IssuedAt: time.Unix(1767225000, 0), Subject: c.subject, Events: c.events}
			events, err := pipeline.Statements{}.Normalize(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) != len(c.want) {
				t.Fatalf("%d events, want %d", len(events), len(c.want))
			}
			for i, e := range events {
				got := made{e.Type.Name, ""}
				if !e.Subject.IsZero() {
					got.subject = e.Subject.Key()
				}
				if got != c.want[i] {
					t.Errorf("event %d is %v, want %v", i, got, c.want[i])
				}
				if e.Index != i || e.ID != pipeline.EventID(s.InputID, i) {
					t.Errorf("event %d has index %d and id %s", i, e.Index, e.ID)
				}
			}
		})
	}
}
