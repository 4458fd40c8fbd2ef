package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

const emitHelp = `
To test receivers: a signed SET of any event of the catalogue goes to the receiver
of a sink "ssf", or into one stream, or every stream, of a sink with receivers,
whatever subjects were added to it. Its payload has the member
"urn:signalbox:test", its documents have the tag test and are in the timeline of
whom it is about, and the journal tells who sent it. Receivers may act on it as on
any other: choose a subject made for that. A stream gets what it delivers and its
receiver may be told, no more, unless --undelivered says so.

EVENT may be qualified, as in okta:session-revoked for Okta's form of it, which
has the subject inside. The payload is an example; --set changes members of it and
--body replaces it whole. signalbox events EVENT shows both. SUBJECT is a key
(email:jane@example.com) or JSON; verification and stream-updated are about the
stream itself and need none.

  signalbox emit --event credential-change --subject email:test@example.com \
      --set credential_type=password --set change_type=update

Ends with 1 when nobody was sent anything.

`

// runEmit sends an event to receivers of the running product.
func runEmit(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	name := c.flags.String("event", "", "`EVENT` of the catalogue")
	about := c.flags.String("subject", "", "`SUBJECT` of the event")
	body := c.flags.String("body", "", "payload of the event as `JSON`, or @FILE; without, an example")
	var sets []string
	c.flags.Func("set", "a member of the payload as `NAME=VALUE`, text or JSON; null removes it; may be given again", func(v string) error { sets = append(sets, v); return nil })
	sink := c.flags.String("sink", "", "`name` of the sink, where several state events")
	stream := c.flags.String("stream", "", "`id` of the one stream to send to; without, every stream of the sink")
	undelivered := c.flags.Bool("undelivered", false, "also to streams that do not deliver the event, to see what their receivers make of it")
	comment := c.flags.String("comment", "", "`why`, for the audit record")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if *name == "" {
		return usagef("--event: say which event; signalbox events lists them")
	}
	typ, _, err := eventArg(*name)
	if err != nil {
		return err
	}
	if typ == event.Unknown {
		return usagef("--event: %q is not in the catalogue; signalbox events lists what is", *name)
	}
	req := api.EmitRequest{By: c.operator(), Comment: *comment, Sink: *sink, Stream: *stream, Event: typ.QualifiedName(), Undelivered: *undelivered}
	if *body != "" {
		if req.Body, err = bodyArg(*body); err != nil {
			return err
		}
		if _, err := strictjson.Parse(req.Body, strictjson.DefaultLimits); err != nil {
			return usagef("--body: %v", err)
		}
	}
	if req.Set, err = c.setArgs(typ, sets); err != nil {
		return err
	}
	if *about != "" {
		subject, err := subjectArg(*about)
		if err != nil {
			return usagef("--subject: %v", err)
		}
		req.Subject = subject.AppendJSON(nil)
	} else if typ.Family != "ssf" {
		return usagef("--subject: say whom the event is about, such as %s", typ.ExampleSubject())
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	a, err := client.Emit(ctx, req)
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	sent := 0
	for _, s := range a.Streams {
		if s.Action != "" {
			sent++
		}
	}
	if *format == "json" {
		err = writeJSON(c.Out, a)
	} else {
		err = printEmitted(c, a, sent, *about, *path)
	}
	if err == nil && sent == 0 {
		err = &quietError{exitFailure}
	}
	return err
}

// setArgs reads NAME=VALUE for each member of a payload. A value need not be
// quoted where the type of the member tells what it is. A name the type does not
// define is sent, and said, as it may be misspelt.
func (c *call) setArgs(t *event.Type, args []string) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, usagef("--set %s: give NAME=VALUE", arg)
		}
		at := slices.IndexFunc(t.Fields, func(f event.Field) bool { return f.Name == name })
		of := event.FieldKind("")
		if at >= 0 {
			of = t.Fields[at].Kind
		} else {
			c.noteUndefined(t, name)
		}
		members[name] = memberArg(of, value)
	}
	return members, nil
}

func (c *call) noteUndefined(t *event.Type, name string) {
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	hint := ""
	if near := nearest.Name(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	fmt.Fprintf(c.Err, "Note: %s defines no member %q, receivers ignore it%s\n", t.QualifiedName(), plain(name), hint)
}

// memberArg is a value as JSON.
func memberArg(of event.FieldKind, value string) json.RawMessage {
	isJSON := json.Valid([]byte(value))
	text := func(v any) json.RawMessage { b, _ := json.Marshal(v); return b }
	switch {
	case value == "null":
		return json.RawMessage(value)
	case of == event.String && (!isJSON || value[0] != '"'):
		return text(value)
	case of == event.Strings && !isJSON:
		return text(strings.Split(value, ","))
	case (of == event.Messages || of == event.MessagesOrText) && !isJSON:
		return text(map[string]string{"en": value})
	case isJSON:
		return json.RawMessage(value)
	}
	return text(value)
}

func printEmitted(c *call, a api.EmitAnswer, sent int, about, path string) error {
	lines := []string{fmt.Sprintf("%s%s %s", a.Event, said(" about ", about), a.Body)}
	for _, s := range a.Streams {
		to, text := s.Stream+" of "+s.Receiver, s.Action+" is pushed"
		if s.Stream == "" {
			to, text = a.Sink, s.Action+" is queued"
		}
		switch {
		case s.Problem != "":
			text = "not sent: " + s.Problem
		case s.Status == "paused":
			text = s.Action + " waits, the stream is paused"
		case s.Method == "poll":
			text = s.Action + " waits to be polled"
		}
		lines = append(lines, fmt.Sprintf("  %s: %s", to, text))
	}
	if a.Stopped {
		lines = append(lines, "Actions are stopped: nothing leaves until signalbox stop-actions --resume.")
	}
	if sent > 0 {
		lines = append(lines, "What becomes of each: signalbox action show ID --config "+path)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(c.Out, plain(l)); err != nil {
			return err
		}
	}
	return nil
}
