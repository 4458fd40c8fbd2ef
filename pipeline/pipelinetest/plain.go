package pipelinetest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Plain is a Verifier of unsigned claims, for tests of what comes after
// verification. The body is a JSON object with the claims iss, jti, iat, toe,
// txn, sub_id and events of a SET; events are named by their short names. The
// member "discard" makes the signal one to drop. A body that is no such object
// is refused; the body "unavailable" cannot be verified now.
type Plain struct{}

var _ pipeline.Verifier = Plain{}

// ErrUnavailable is what Plain returns for the body "unavailable".
var ErrUnavailable = errors.New("keys are out of reach")

// Verify implements pipeline.Verifier.
func (Plain) Verify(_ context.Context, m pipeline.Message) (pipeline.Signal, error) {
	if string(m.Body) == "unavailable" {
		return pipeline.Signal{}, ErrUnavailable
	}
	claims, err := strictjson.Parse(m.Body, strictjson.DefaultLimits)
	if err != nil {
		return pipeline.Signal{}, &pipeline.RejectError{Code: pipeline.InvalidRequest, Description: err.Error()}
	}
	text := func(name string) string { return claims.Get(name).Text() }
	seconds := func(name string) time.Time {
		if n, ok := claims.Get(name).Int(); ok {
			return time.Unix(n, 0).UTC()
		}
		return time.Time{}
	}
	s := pipeline.Signal{
		Message: m, InputID: pipeline.SETInputID(text("iss"), text("jti")),
		Assurance: event.Signed, Issuer: text("iss"), JTI: text("jti"), Txn: text("txn"),
		Alg: "none", Dialect: "plain", IssuedAt: seconds("iat"), TimeOf: seconds("toe"), Discard: text("discard"),
	}
	if sub := claims.Get("sub_id"); sub.Exists() {
		if s.Subject, _, err = event.ParseSubject(sub, event.SubjectOptions{}); err != nil {
			return pipeline.Signal{}, &pipeline.RejectError{Code: pipeline.InvalidRequest, Description: err.Error()}
		}
	}
	for name, body := range claims.Get("events").Members() {
		t, ok := event.ByName(name)
		if !ok {
			t = event.Unknown
		}
		s.Events = append(s.Events, pipeline.Statement{URI: t.URI, Type: t, Body: body})
	}
	return s, nil
}

// Claims are a message for Plain.
type Claims struct {
	Issuer  string
	JTI     string
	Txn     string
	At      time.Time      // iat
	Subject string         // canonical key, "" for none
	Events  map[string]any // short name to payload; nil is an empty object
	Discard string
}

// Message makes the message, as received at that time from source "test".
func (c Claims) Message(received time.Time) pipeline.Message {
	events := map[string]any{}
	for name, body := range c.Events {
		if events[name] = body; body == nil {
			events[name] = map[string]any{}
		}
	}
	m := map[string]any{"iss": c.Issuer, "jti": c.JTI, "events": events}
	for name, v := range map[string]string{"txn": c.Txn, "discard": c.Discard} {
		if v != "" {
			m[name] = v
		}
	}
	if !c.At.IsZero() {
		m["iat"] = c.At.Unix()
	}
	if c.Subject != "" {
		s, err := event.ParseKey(c.Subject)
		if err != nil {
			panic(err)
		}
		m["sub_id"] = s
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return pipeline.Message{
		Source: "test", Sender: "tester", Delivery: "push", ContentType: "application/json", Body: body, Received: received,
	}
}
