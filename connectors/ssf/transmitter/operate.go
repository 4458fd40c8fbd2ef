package transmitter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// This file is what operators see of the streams and do to them.

// Streams implements kind.Streamer.
func (h *hub) Streams(ctx context.Context) (list []kind.StreamState, err error) {
	err = h.line.Read(ctx, func(tx store.Tx) error {
		list, err = h.states(tx, h.line.Pending)
		return err
	})
	return list, err
}

// InspectStreams implements kind.StreamInspector.
func (c *Config) InspectStreams(ctx context.Context, name string, s store.Store) ([]kind.StreamState, error) {
	if len(c.Receivers) == 0 {
		return nil, nil
	}
	tx, err := s.Begin(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("streams of %s: %w", name, err)
	}
	defer tx.Rollback()
	h := &hub{name: name, lock: lockPrefix + name}
	return h.states(tx, s.Pending)
}

// states tells how every stream stands that was not deleted, by id.
func (h *hub) states(tx store.Tx, pending func(queue string) (int, time.Time)) ([]kind.StreamState, error) {
	streams, err := h.loadAll(tx)
	if err != nil {
		return nil, err
	}
	var list []kind.StreamState
	for _, s := range streams {
		if s.Deleted {
			continue
		}
		x, err := h.stateOf(tx, s)
		if err != nil {
			return nil, err
		}
		x.Pending, x.Oldest = pending(pipeline.StreamQueue(h.name, s.ID))
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b kind.StreamState) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// stateOf is how a stream stands, what waits for it left out.
func (h *hub) stateOf(tx store.Tx, s *stream) (kind.StreamState, error) {
	c, err := h.courseOf(tx, s.ID)
	return kind.StreamState{
		ID: s.ID, Receiver: s.Receiver, Declared: s.Declared, Method: methodName(s.Method),
		Status: s.Status, Reason: s.Reason, Held: s.Held, Subjects: s.Subjects, Active: h.lastActive(s), Verified: s.Verified,
		Delivered: c.Delivered, Acked: c.Acked, Failed: c.Failed, Error: c.Error,
	}, err
}

// SetStatus implements kind.Streamer. The receiver is told of it, before the
// stream stops and when it goes on (SSF-TX-60 to SSF-TX-62).
func (h *hub) SetStatus(ctx context.Context, id, status, reason string) (was string, err error) {
	switch status {
	case enabled, paused, disabled:
	default:
		return "", fmt.Errorf("status of stream %s: %q is none of enabled, paused, disabled", id, status)
	}
	err = h.change(ctx, func(tx store.Tx, add func(pipeline.Action)) error {
		s, err := h.load(tx, id)
		if err == nil && s == nil {
			err = fmt.Errorf("there is no stream %q", id)
		}
		if err != nil {
			return err
		}
		was = s.Status
		s.Held = status != enabled
		if s.Status == status {
			return h.save(tx, s)
		}
		// It was not used while it could not be: inactivity counts from now.
		s.Status, s.Reason, s.Active = status, cut(pipeline.Clean(reason), maxDescription), h.now().UTC()
		if err := h.save(tx, s); err != nil {
			return err
		}
		return h.tellStatus(tx, s, add)
	})
	if err != nil {
		return "", fmt.Errorf("status of stream: %w", err)
	}
	return was, nil
}
