package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// testMark is the member by which a receiver can tell an event that an operator
// sent to test it. Who does not know it ignores it (SET-18).
const testMark = "urn:signalbox:test"

// emit states an event to streams of receivers on behalf of an operator and tells
// the journal who did so.
func (a *App) emit(ctx context.Context, r api.EmitRequest) (answer api.EmitAnswer, err error) {
	t, ok := event.ByName(r.Event)
	if !ok || t == event.Unknown {
		return answer, &api.Error{Message: fmt.Sprintf("event: there is no event %q", r.Event), Hint: "signalbox events lists them"}
	}
	about, err := emitSubject(t, r.Subject)
	if err != nil {
		return answer, err
	}
	if answer.Body, err = emitBody(t, r.Body); err != nil {
		return answer, err
	}
	sink, streams, err := a.emitStreams(ctx, r)
	if err != nil {
		return answer, err
	}
	answer.Event, answer.Sink, answer.Streams = t.Name, sink.name, []api.EmittedStream{}
	var ids []string
	for _, s := range streams {
		x := api.EmittedStream{Stream: s.ID, Receiver: s.Receiver, Method: s.Method, Status: s.Status}
		to := about
		if t.Family == "ssf" {
			to = streamSubject(s.ID)
		}
		if x.Action, err = sink.sink.(kind.Streamer).Emit(ctx, s.ID, t.Name, to, answer.Body); err != nil {
			x.Problem = err.Error()
		} else {
			ids = append(ids, s.ID)
		}
		answer.Streams = append(answer.Streams, x)
	}
	note := pipeline.OperatorPart{Verb: "emit", By: r.By, Comment: r.Comment}
	if len(ids) == 0 {
		note.Detail, note.Failed = fmt.Sprintf("%s to no stream of %s", t.Name, sink.name), "no stream takes it"
	} else {
		note.Detail = fmt.Sprintf("%s to %s: %s", t.Name, sink.name, strings.Join(ids, ", "))
	}
	if err := a.line.Note(ctx, note); err != nil {
		return answer, err
	}
	answer.Stopped, err = a.line.Stopped(ctx)
	return answer, err
}

// emitSubject reads whom the event is about: of one about the stream itself that
// is known (SSF-TX-80).
func emitSubject(t *event.Type, text json.RawMessage) (s event.Subject, err error) {
	if t.Family == "ssf" {
		if len(text) > 0 {
			return s, &api.Error{Message: "subject: " + t.Name + " is about the stream itself", Hint: "give no subject"}
		}
		return s, nil
	}
	if len(text) == 0 {
		return s, &api.Error{Message: "subject: say whom the event is about", Hint: `such as email:jane@example.com or {"format":"opaque","id":"u-1"}`}
	}
	v, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err == nil {
		s, _, err = event.ParseSubject(v, event.SubjectOptions{})
	}
	if err == nil {
		err = t.CheckSubject(s, event.CheckOptions{})
	}
	if err != nil {
		return s, &api.Error{Message: "subject: " + err.Error(), Hint: "signalbox events " + t.Name + " tells whom it may be about"}
	}
	return s, nil
}

// emitBody is the payload with the mark, once it is what its type defines.
func emitBody(t *event.Type, text json.RawMessage) (json.RawMessage, error) {
	if len(text) == 0 {
		text = json.RawMessage(`{}`)
	}
	v, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err == nil {
		err = t.Check(v)
	}
	members := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		return nil, &api.Error{Message: "body: " + err.Error(), Hint: "signalbox events " + t.Name + " shows its members; give them by --body"}
	}
	members[testMark] = json.RawMessage("true")
	return json.Marshal(members)
}

// streamSubject stands for a stream in events about itself.
func streamSubject(id string) (s event.Subject) {
	text, _ := json.Marshal(map[string]string{"format": "opaque", "id": id})
	_ = s.UnmarshalJSON(text) // of our own making
	return s
}

// emitStreams finds the sink and the streams that are meant.
func (a *App) emitStreams(ctx context.Context, r api.EmitRequest) (sink namedSink, list []kind.StreamState, err error) {
	var names []string
	found := false
	for _, s := range a.sinks {
		streamer, ok := s.sink.(kind.Streamer)
		if !ok {
			continue
		}
		names = append(names, s.name)
		if r.Sink != "" && r.Sink != s.name {
			continue
		}
		all, err := streamer.Streams(ctx)
		if err != nil {
			return sink, nil, fmt.Errorf("streams of %s: %w", s.name, err)
		}
		if r.Stream == "" {
			if found {
				return sink, nil, &api.Error{Message: "sink: several have streams: " + strings.Join(names, ", "), Hint: "say which one"}
			}
			found, sink, list = true, s, all
			continue
		}
		for _, x := range all {
			if x.ID == r.Stream {
				found, sink, list = true, s, append(list, x)
			}
		}
	}
	switch {
	case len(names) == 0:
		return sink, nil, &api.Error{Message: "there is no sink with receivers", Hint: `only streams of a sink "ssf" with receiver blocks can be sent to`}
	case !found && r.Stream != "":
		return sink, nil, &api.Error{Message: fmt.Sprintf("stream: there is no stream %q at %s", r.Stream, strings.Join(names, ", ")),
			Hint: "leave it out to send to every stream; the answer tells their ids"}
	case !found:
		return sink, nil, &api.Error{Message: fmt.Sprintf("sink: no sink %q has streams", r.Sink), Hint: "there is " + strings.Join(names, ", ")}
	case len(list) == 0:
		return sink, nil, &api.Error{Message: "sink " + sink.name + " has no stream yet", Hint: "its receivers make them, or stream blocks of the configuration do"}
	}
	return sink, list, nil
}
