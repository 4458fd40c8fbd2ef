package cli

import (
	"context"
	"fmt"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

const emitHelp = `
To test receivers: a signed SET goes into one stream, or every stream, of a sink
"ssf" with receivers, whatever subjects were added to it. Its payload has the
member "urn:signalbox:test", its documents have the tag test, and the journal
tells who sent it. Receivers may act on it as on any other: choose a subject made
for that. A stream gets what it delivers and its receiver may be told, no more.

SUBJECT is a key (email:jane@example.com) or JSON; verification and stream-updated
are about the stream itself and take none. signalbox events shows every payload.
Ends with 1 when no stream was sent anything.
`

// runEmit sends an event to streams of the running product.
func runEmit(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	name := c.flags.String("event", "", "`name` of the event in the catalogue")
	about := c.flags.String("subject", "", "`SUBJECT` of the event")
	body := c.flags.String("body", "{}", "payload of the event as `JSON`, or @FILE")
	sink := c.flags.String("sink", "", "`name` of the sink, where several have streams")
	stream := c.flags.String("stream", "", "`id` of the one stream to send to; without, every stream of the sink")
	comment := c.flags.String("comment", "", "`why`, for the audit record")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if err := oneOf("format", *format, "text", "json"); err != nil {
		return err
	}
	if *name == "" {
		return usagef("--event: say which event; signalbox events lists them")
	}
	typ, _, err := eventArg(*name)
	if err != nil {
		return err
	}
	req := api.EmitRequest{By: c.operator(), Comment: *comment, Sink: *sink, Stream: *stream, Event: typ.Name}
	if req.Body, err = bodyArg(*body); err != nil {
		return err
	}
	if *about != "" {
		subject, err := subjectArg(*about)
		if err != nil {
			return usagef("--subject: %v", err)
		}
		req.Subject = subject.AppendJSON(nil)
	} else if typ.Family != "ssf" {
		return usagef("--subject: say whom the event is about, such as email:jane@example.com")
	}
	if _, err := strictjson.Parse(req.Body, strictjson.DefaultLimits); err != nil {
		return usagef("--body: %v", err)
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

func printEmitted(c *call, a api.EmitAnswer, sent int, about, path string) error {
	lines := []string{fmt.Sprintf("%s%s %s", a.Event, said(" about ", about), a.Body)}
	for _, s := range a.Streams {
		text := s.Action + " is pushed"
		switch {
		case s.Problem != "":
			text = "not sent: " + s.Problem
		case s.Status == "paused":
			text = s.Action + " waits, the stream is paused"
		case s.Method == "poll":
			text = s.Action + " waits to be polled"
		}
		lines = append(lines, fmt.Sprintf("  %s of %s: %s", s.Stream, s.Receiver, text))
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
