package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// testMark is the member by which a receiver can tell an event that an operator
// sent to test it. Who does not know it ignores it (SET-18).
const testMark = "urn:signalbox:test"

// emitFor is how long an event without a stream's own rules is worth sending.
const emitFor = 24 * time.Hour

// emit states an event to receivers on behalf of an operator and tells the
// journal who did so.
func (a *App) emit(ctx context.Context, r api.EmitRequest) (answer api.EmitAnswer, err error) {
	t, ok := event.ByName(r.Event)
	if !ok || t == event.Unknown {
		hint := "signalbox events lists them"
		if near := nearest.Name(r.Event, event.QualifiedNames()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return answer, &api.Error{Message: fmt.Sprintf("event: there is no event %q", r.Event), Hint: hint}
	}
	sink, streams, err := a.emitTo(ctx, r)
	if err != nil {
		return answer, err
	}
	name, err := a.takenAs(sink.name, t)
	if err != nil {
		return answer, err
	}
	trial := kind.Trial{Event: name, Txn: "t-" + strings.ToLower(rand.Text()), Undelivered: r.Undelivered}
	_, streamed := sink.sink.(kind.Streamer)
	if trial.Subject, err = emitSubject(t, r.Subject, sink.name, streamed); err != nil {
		return answer, err
	}
	if trial.Body, err = emitBody(t, r, trial.Subject, a.o.Now()); err != nil {
		return answer, err
	}
	answer.Event, answer.Sink, answer.Body, answer.Streams = t.QualifiedName(), sink.name, trial.Body, []api.EmittedStream{}
	if streamed {
		for _, s := range streams {
			answer.Streams = append(answer.Streams, emitToStream(ctx, sink.sink.(kind.Streamer), s, t, trial))
		}
	} else {
		answer.Streams = append(answer.Streams, a.emitToSink(ctx, sink.name, t, trial))
	}
	if err := a.line.Note(ctx, emitNote(answer, r)); err != nil {
		return answer, err
	}
	answer.Stopped, err = a.line.Stopped(ctx)
	return answer, err
}

// emitNote tells who sent what to whom.
func emitNote(a api.EmitAnswer, r api.EmitRequest) pipeline.OperatorPart {
	note := pipeline.OperatorPart{Verb: "emit", By: r.By, Comment: r.Comment, Detail: a.Event + " to " + a.Sink}
	var ids []string
	sent := false
	for _, s := range a.Streams {
		sent = sent || s.Action != ""
		if s.Action != "" && s.Stream != "" {
			ids = append(ids, s.Stream)
		}
	}
	switch {
	case !sent:
		note.Detail, note.Failed = a.Event+" to nobody at "+a.Sink, "nobody takes it"
	case len(ids) > 0:
		note.Detail += ": " + strings.Join(ids, ", ")
	}
	if r.Undelivered {
		note.Detail += ", delivered or not"
	}
	return note
}

func emitToStream(ctx context.Context, s kind.Streamer, to kind.StreamState, t *event.Type, e kind.Trial) api.EmittedStream {
	x := api.EmittedStream{Stream: to.ID, Receiver: to.Receiver, Method: to.Method, Status: to.Status}
	if t.Family == "ssf" {
		e.Subject = opaque(to.ID)
	}
	var err error
	if x.Action, err = s.Emit(ctx, to.ID, e); err != nil {
		x.Problem = err.Error()
	}
	return x
}

// emitToSink queues an event for a sink that has one receiver and no streams.
func (a *App) emitToSink(ctx context.Context, name string, t *event.Type, e kind.Trial) api.EmittedStream {
	var x api.EmittedStream
	if n, _ := a.line.Pending(name); n >= a.cfg.Limits.MaxPending {
		x.Problem = fmt.Sprintf("%d actions wait for %s, which is as many as may", n, name)
		return x
	}
	now := a.o.Now().UTC()
	act := pipeline.Action{
		ID:   pipeline.StreamActionID(name, e.Event, rand.Text()),
		Type: e.Event, Emits: e.Event, Target: name, Mode: pipeline.Enforce, Test: true, Reason: "an operator tests the receiver",
		Subject: e.Subject.AppendJSON(nil), Key: e.Subject.Key(), Body: e.Body, Txn: e.Txn, Made: now, Received: now, Expires: now.Add(emitFor),
	}
	err := a.line.Transact(ctx, nil, func(tx store.Tx, add func(pipeline.Action)) error {
		if err := act.Identify(tx, e.Subject, t, now); err != nil {
			return err
		}
		if err := pipeline.Enqueue(tx, &act, now); err != nil {
			return err
		}
		add(act)
		return nil
	})
	if err != nil {
		x.Problem = err.Error()
		return x
	}
	x.Action = act.ID
	return x
}

// emitSubject reads whom the event is about. What is about the stream itself has
// the stream as its subject (SSF-TX-80); a sink without streams is one.
func emitSubject(t *event.Type, text json.RawMessage, sink string, streamed bool) (s event.Subject, err error) {
	if t.Family == "ssf" && len(text) == 0 {
		return opaque(sink), nil
	}
	if t.Family == "ssf" && streamed {
		return s, &api.Error{Message: "subject: " + t.Name + " is about the stream itself", Hint: "give no subject"}
	}
	if len(text) == 0 {
		return s, &api.Error{Message: "subject: say whom the event is about", Hint: "such as " + t.ExampleSubject()}
	}
	v, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err == nil {
		s, _, err = event.ParseSubject(v, event.SubjectOptions{})
	}
	if err == nil && !t.Inside() { // inside it is made complex
		err = t.CheckSubject(s, event.CheckOptions{})
	}
	if err != nil {
		return s, &api.Error{Message: "subject: " + err.Error(), Hint: "such as " + t.ExampleSubject()}
	}
	return s, nil
}

// emitBody is the payload with the mark, once it is what its type defines.
func emitBody(t *event.Type, r api.EmitRequest, about event.Subject, now time.Time) (json.RawMessage, error) {
	text := r.Body
	if len(text) == 0 {
		text = t.Example(now)
	}
	members := map[string]json.RawMessage{}
	_, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	for name, value := range r.Set {
		if string(value) == "null" {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
	if err == nil {
		members[testMark] = json.RawMessage("true")
		text, err = json.Marshal(members)
	}
	if err == nil && t.Inside() {
		text, err = t.PutSubject(text, about)
	}
	if err == nil {
		err = payloadProblem(t, text)
	}
	if err != nil {
		return nil, &api.Error{Message: "body: " + err.Error(), Hint: "signalbox events " + t.QualifiedName() + " shows its members; without --body, an example is sent"}
	}
	return text, nil
}

// payloadProblem holds a payload against the definition of its type.
func payloadProblem(t *event.Type, text []byte) error {
	v, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err == nil {
		err = t.Check(v)
	}
	if err == nil && t.Inside() {
		_, _, err = event.ParseSubject(v.Get("subject"), event.SubjectOptions{Bare: true})
	}
	return err
}

// opaque stands for a stream in events about itself.
func opaque(id string) (s event.Subject) {
	s, _ = event.NewSimple("opaque", "id", id) // of our own making
	return s
}

// stating are the sinks that state events as signed tokens: transmitters with
// streams of receivers, and those with one receiver and a queue.
func (a *App) stating() (list []namedSink) {
	for _, s := range a.sinks {
		_, streams := s.sink.(kind.Streamer)
		_, makes := s.sink.(pipeline.Preparer)
		at := slices.IndexFunc(a.cfg.Sinks, func(c config.Sink) bool { return c.Name == s.name })
		_, signs := a.cfg.Sinks[at].Config.(kind.Stater)
		if streams || makes && signs {
			list = append(list, s)
		}
	}
	return list
}

// takenAs is the name by which a sink takes an event. One with a dialect of its own
// takes few, and writes them in it by itself.
func (a *App) takenAs(sink string, t *event.Type) (string, error) {
	at := slices.IndexFunc(a.cfg.Sinks, func(c config.Sink) bool { return c.Name == sink })
	dialect, ok := a.cfg.Sinks[at].Config.(kind.Taker)
	if !ok {
		return t.QualifiedName(), nil
	}
	for _, name := range []string{t.QualifiedName(), t.Name} {
		if slices.Contains(dialect.Takes(), name) {
			return name, nil
		}
	}
	return "", &api.Error{Message: fmt.Sprintf("event: sink %s does not take %s", sink, t.QualifiedName()), Hint: "it takes " + strings.Join(dialect.Takes(), ", ")}
}

// emitTo finds the sink and the streams that are meant; a sink that has no
// streams by design has none.
func (a *App) emitTo(ctx context.Context, r api.EmitRequest) (sink namedSink, list []kind.StreamState, err error) {
	all := a.stating()
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	switch {
	case len(all) == 0:
		return sink, nil, &api.Error{Message: "no sink states events", Hint: `add a sink "ssf" for the receiver`}
	case r.Sink != "" && !slices.Contains(names, r.Sink):
		return sink, nil, &api.Error{Message: fmt.Sprintf("sink: no sink %q states events", r.Sink), Hint: "there is " + strings.Join(names, ", ")}
	case r.Sink == "" && r.Stream == "" && len(all) > 1:
		return sink, nil, &api.Error{Message: "sink: several state events: " + strings.Join(names, ", "), Hint: "say which one"}
	}
	for _, s := range all {
		if r.Sink != "" && r.Sink != s.name {
			continue
		}
		streamer, ok := s.sink.(kind.Streamer)
		if !ok {
			if r.Stream == "" {
				return s, nil, nil
			}
			continue
		}
		streams, err := streamer.Streams(ctx)
		if err != nil {
			return sink, nil, fmt.Errorf("streams of %s: %w", s.name, err)
		}
		if r.Stream != "" {
			streams = slices.DeleteFunc(streams, func(x kind.StreamState) bool { return x.ID != r.Stream })
		} else if len(streams) == 0 {
			return sink, nil, &api.Error{Message: "sink " + s.name + " has no stream yet", Hint: "its receivers make them, or stream blocks of the configuration do"}
		}
		if len(streams) > 0 {
			return s, streams, nil
		}
	}
	return sink, nil, &api.Error{Message: fmt.Sprintf("stream: there is no stream %q at %s", r.Stream, strings.Join(names, ", ")), Hint: "signalbox receivers list tells their ids"}
}
