package transmitter

import (
	"context"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// streamStatus is a status as a receiver reads it (SSF-TX-49).
type streamStatus struct {
	StreamID string `json:"stream_id"`
	Status   string `json:"status"`
	Reason   string `json:"reason,omitempty"`
}

// readStatus implements GET of the status endpoint.
func (h *hub) readStatus(ctx context.Context, c *call) (a answer, err error) {
	id, given, err := queryID(c.r)
	if err != nil {
		return a, err
	}
	if !given {
		return a, malformed("the query parameter stream_id is missing")
	}
	err = h.line.Read(ctx, func(tx store.Tx) error {
		s, err := h.own(tx, c, id)
		if err == nil {
			a = answer{http.StatusOK, streamStatus{s.ID, s.Status, s.Reason}}
		}
		return err
	})
	return a, err
}

// updateStatus implements POST of the status endpoint (SSF-TX-57). Who asked for
// a status is not told of it by an event (SSF-TX-60).
func (h *hub) updateStatus(ctx context.Context, c *call) (a answer, err error) {
	id, err := bodyID(c.body)
	if err != nil {
		return a, err
	}
	status, reason := c.body.Get("status"), c.body.Get("reason")
	err = h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		s, err := h.own(tx, c, id)
		if err != nil {
			return err
		}
		switch status.Text() {
		case enabled, paused, disabled:
		default:
			return malformed("status must be one of enabled, paused, disabled")
		}
		if given(reason) && reason.Kind() != strictjson.String {
			return malformed("reason must be a string")
		}
		if s.Held && status.Text() != s.Status {
			return &fault{status: http.StatusForbidden, code: "access_denied", text: "the stream was " + s.Status + " by the operator of the transmitter, who alone can change that"}
		}
		s.Status, s.Reason, s.Active = status.Text(), cut(reason.Text(), maxDescription), h.now().UTC()
		a = answer{http.StatusOK, streamStatus{s.ID, s.Status, s.Reason}}
		return h.save(tx, s)
	})
	return a, err
}

// addSubject implements POST of the endpoint to add subjects (SSF-TX-64).
func (h *hub) addSubject(ctx context.Context, c *call) (answer, error) {
	return answer{status: http.StatusOK}, h.putSubject(ctx, c, true)
}

// removeSubject implements POST of the endpoint to remove subjects (SSF-TX-68).
func (h *hub) removeSubject(ctx context.Context, c *call) (answer, error) {
	return answer{status: http.StatusNoContent}, h.putSubject(ctx, c, false)
}

func (h *hub) putSubject(ctx context.Context, c *call, in bool) error {
	id, err := bodyID(c.body)
	if err != nil {
		return err
	}
	return h.change(ctx, func(tx store.Tx, _ func(pipeline.Action)) error {
		s, err := h.own(tx, c, id)
		if err != nil {
			return err
		}
		subject, _, err := event.ParseSubject(c.body.Get("subject"), event.SubjectOptions{})
		if err != nil {
			return malformed(err.Error())
		}
		if v := c.body.Get("verified"); in && given(v) && v.Kind() != strictjson.Bool {
			return malformed("verified must be true or false")
		}
		if s.isItself(subject) {
			if in {
				return nil
			}
			return malformed("the subject of the stream itself is always in it")
		}
		// Nobody learns by an answer whom we may speak of (SSF-TX-66, SSF-TX-75).
		if in && !c.receiver.entitled(subject) {
			return nil
		}
		if err := h.subjectsOf(tx, s).put(subject, in); err != nil {
			return err
		}
		s.Active = h.now().UTC()
		return h.save(tx, s)
	})
}

// maxState bounds the state of a verification, in bytes.
const maxState = 4096

// requestVerification implements POST of the verification endpoint (SSF-TX-76).
func (h *hub) requestVerification(ctx context.Context, c *call) (answer, error) {
	id, err := bodyID(c.body)
	if err != nil {
		return answer{}, err
	}
	err = h.change(ctx, func(tx store.Tx, add func(pipeline.Action)) error {
		s, err := h.own(tx, c, id)
		if err != nil {
			return err
		}
		var state *string
		if v := c.body.Get("state"); given(v) {
			if v.Kind() != strictjson.String || len(v.Text()) > maxState {
				return malformed("state must be a string of at most 4096 bytes")
			}
			text := v.Text()
			state = &text
		}
		if s.Status == disabled {
			return malformed("the stream is disabled: enable it first")
		}
		now := h.now()
		// A clock that was put back holds nobody up.
		if wait := h.terms.verifyEvery - now.Sub(s.Verified); wait > 0 && !s.Verified.After(now) {
			return &fault{status: http.StatusTooManyRequests, code: "too_many_requests", after: wait,
				text: "verification may be requested once in " + h.terms.verifyEvery.String()}
		}
		if why := h.full(id); why != "" {
			return &fault{status: http.StatusTooManyRequests, code: "too_many_requests", after: time.Minute, text: why}
		}
		s.Verified, s.Active = now.UTC(), now.UTC()
		if err := h.save(tx, s); err != nil {
			return err
		}
		return h.verify(tx, id, state, add)
	})
	return answer{status: http.StatusNoContent}, err
}
