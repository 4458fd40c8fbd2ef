package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// receivers tells how the streams of every sink stand.
func (a *App) receivers(ctx context.Context) (api.ReceiversAnswer, error) {
	answer := api.ReceiversAnswer{Running: true, Streams: []api.ReceiverStream{}}
	for _, s := range a.sinks {
		if streamer, ok := s.sink.(kind.Streamer); ok {
			list, err := streamer.Streams(ctx)
			if err != nil {
				return answer, fmt.Errorf("streams of %s: %w", s.name, err)
			}
			answer.Streams = append(answer.Streams, ofSink(s.name, list)...)
		}
	}
	return answer, nil
}

// InspectReceivers tells the same of a product that does not run, from its store.
// The error is store.ErrNone where there is none.
func InspectReceivers(ctx context.Context, cfg *config.Config) (answer api.ReceiversAnswer, err error) {
	answer.Streams = []api.ReceiverStream{}
	st, err := store.OpenReadOnly(storeDir(cfg), storeOptions(cfg))
	if err != nil {
		return answer, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	for _, s := range cfg.Sinks {
		if i, ok := s.Config.(kind.StreamInspector); ok {
			list, err := i.InspectStreams(ctx, s.Name, st)
			if err != nil {
				return answer, err
			}
			answer.Streams = append(answer.Streams, ofSink(s.Name, list)...)
		}
	}
	return answer, nil
}

func ofSink(name string, list []kind.StreamState) (out []api.ReceiverStream) {
	for _, x := range list {
		out = append(out, api.ReceiverStream{Sink: name, StreamStatus: api.StreamStatus(x)})
	}
	return out
}

// statusVerbs are the verbs of the audit records, by the status asked for.
var statusVerbs = map[string]string{"enabled": "enable-stream", "paused": "pause-stream", "disabled": "disable-stream"}

// setReceiverStatus changes the status of a stream for an operator and tells the
// journal.
func (a *App) setReceiverStatus(ctx context.Context, r api.ReceiverStatusRequest) (answer api.ReceiverStatusAnswer, err error) {
	if statusVerbs[r.Status] == "" {
		return answer, &api.Error{Message: fmt.Sprintf("status: %q is none", r.Status), Hint: "enabled, paused or disabled"}
	}
	all, err := a.receivers(ctx)
	if err != nil {
		return answer, err
	}
	meant := slices.DeleteFunc(slices.Clone(all.Streams), func(x api.ReceiverStream) bool {
		return x.ID != r.Stream || r.Sink != "" && x.Sink != r.Sink
	})
	switch {
	case len(meant) == 0:
		return answer, &api.Error{Message: fmt.Sprintf("stream: there is no stream %q", r.Stream), Hint: streamHint(all.Streams, r.Stream)}
	case len(meant) > 1:
		return answer, &api.Error{Message: fmt.Sprintf("sink: %s and %s have a stream %q", meant[0].Sink, meant[1].Sink, r.Stream), Hint: "say which one"}
	}
	sink := meant[0].Sink
	at := slices.IndexFunc(a.sinks, func(s namedSink) bool { return s.name == sink })
	note := pipeline.OperatorPart{Verb: statusVerbs[r.Status], By: r.By, Comment: r.Reason, Detail: fmt.Sprintf("stream %s of receiver %s at %s", r.Stream, meant[0].Receiver, sink)}
	answer.Was, err = a.sinks[at].sink.(kind.Streamer).SetStatus(ctx, r.Stream, r.Status, r.Reason)
	if err != nil {
		return answer, &api.Error{Message: err.Error()}
	}
	note.Detail += ", was " + answer.Was
	if err := a.line.Note(ctx, note); err != nil {
		return answer, err
	}
	all, err = a.receivers(ctx)
	for _, x := range all.Streams {
		if x.Sink == sink && x.ID == r.Stream {
			answer.Stream = x
		}
	}
	return answer, err
}

// streamHint names the streams that may be meant.
func streamHint(all []api.ReceiverStream, given string) string {
	if len(all) == 0 {
		return `no sink "ssf" has a stream: its receivers make them, or stream blocks of the configuration do`
	}
	var ids []string
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	if near := nearest.Name(given, ids); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	more := ""
	if len(ids) > 8 {
		ids, more = ids[:8], ", ..."
	}
	return "there is " + strings.Join(ids, ", ") + more
}
