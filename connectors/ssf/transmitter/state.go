package transmitter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// How long what is said of a stream itself is worth saying.
const (
	verificationFor = time.Hour
	updateFor       = 24 * time.Hour
)

// itself is the subject that stands for a stream (SSF-TX-80, EVT-31).
func itself(id string) (s event.Subject) {
	s, _ = event.NewSimple("opaque", "id", id) // of our own making
	return s
}

// statement is an event for one stream, as an action of the product. What is
// about the stream itself keeps no order with the rest.
func (h *hub) statement(id, name string, subject event.Subject, body []byte, validFor time.Duration) pipeline.Action {
	now := h.now().UTC()
	text, _ := subject.MarshalJSON()
	a := pipeline.Action{
		ID:   pipeline.StreamActionID(pipeline.StreamQueue(h.name, id), name, newStreamID()),
		Type: name, Emits: name, Target: h.name, Stream: id, Mode: pipeline.Enforce,
		Subject: text, Key: subject.Key(), Body: body, Made: now, Received: now, Expires: now.Add(validFor),
	}
	return a
}

// state puts a statement into its queue and tells the journal.
func (h *hub) state(tx store.Tx, a pipeline.Action, add func(pipeline.Action)) error {
	if err := pipeline.Enqueue(tx, &a, h.now()); err != nil {
		return err
	}
	add(a)
	return nil
}

// tellStatus tells the receiver what the status of its stream is now, whatever
// that is (EVT-30).
func (h *hub) tellStatus(tx store.Tx, s *stream, add func(pipeline.Action)) error {
	body := map[string]string{"status": s.Status}
	if s.Reason != "" {
		body["reason"] = s.Reason
	}
	text, _ := json.Marshal(body)
	a := h.statement(s.ID, "stream-updated", itself(s.ID), text, updateFor)
	a.Control = true
	return h.state(tx, a, add)
}

// verify queues a verification event. state is echoed as it came (SSF-TX-77);
// nil is none (SSF-TX-78).
func (h *hub) verify(tx store.Tx, id string, state *string, add func(pipeline.Action)) error {
	body := []byte(`{}`)
	if state != nil {
		body, _ = json.Marshal(map[string]string{"state": *state})
	}
	return h.state(tx, h.statement(id, "verification", itself(id), body, verificationFor), add)
}

// Emit implements kind.Streamer.
func (h *hub) Emit(ctx context.Context, id string, e kind.Trial) (string, error) {
	t, ok := event.ByName(e.Event)
	if !ok || t == event.Unknown {
		return "", fmt.Errorf("emit to stream %s: there is no event %s", id, strconv.Quote(e.Event))
	}
	if e.Body == nil {
		e.Body = []byte(`{}`)
	}
	a := h.statement(id, t.QualifiedName(), e.Subject, e.Body, updateFor)
	a.Test, a.Reason, a.Txn = true, "an operator tests the receiver", e.Txn
	err := h.change(ctx, func(tx store.Tx, add func(pipeline.Action)) error {
		s, err := h.load(tx, id)
		switch {
		case err != nil:
			return err
		case s == nil:
			return fmt.Errorf("there is no stream %q", id)
		case s.Status == disabled:
			return fmt.Errorf("stream %s is disabled: what is sent to it would be held for nobody", id)
		}
		r := h.receivers[s.Receiver]
		switch {
		case r == nil:
			return fmt.Errorf("the receiver of stream %s is not configured", id)
		case t.Family != "ssf" && !e.Undelivered && !slices.Contains(s.delivered(h.supported(s, r)), t.URI): // SSF-TX-22
			return fmt.Errorf("stream %s does not deliver %s: its receiver must request it, and be permitted to", id, t.QualifiedName())
		case t.Family != "ssf" && !r.entitled(e.Subject): // SSF-TX-74
			return fmt.Errorf("receiver %s may not be told of %s: see its subjects in the configuration", r.name, e.Subject.Key())
		}
		if why := h.full(id); why != "" {
			return fmt.Errorf("%s", why)
		}
		if err := a.Identify(tx, e.Subject, t, h.now()); err != nil {
			return err
		}
		return h.state(tx, a, add)
	})
	if err != nil {
		return "", fmt.Errorf("emit to stream: %w", err)
	}
	return a.ID, nil
}
