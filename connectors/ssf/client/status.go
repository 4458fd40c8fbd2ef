package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// The states of a stream (SSF section 8.1.2.1).
const (
	Enabled  = "enabled"
	Paused   = "paused"
	Disabled = "disabled"
)

// Statuses lists them.
var Statuses = []string{Enabled, Paused, Disabled}

// Status is the state of a stream.
type Status struct {
	ID     string `json:"stream_id"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"` // the transmitter's words, cleaned
}

func statusEndpoint(m *Metadata) string { return m.StatusEndpoint }

// Status reads the state of a stream (SSF section 8.1.2.1).
func (c *Client) Status(ctx context.Context, id string) (Status, error) {
	const op = "read status"
	at, err := c.endpoint(ctx, op, statusEndpoint)
	if err != nil {
		return Status{}, err
	}
	if at, err = withStream(at, id); err != nil {
		return Status{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.do(ctx, call{op: op, method: http.MethodGet, url: at}, http.StatusOK)
	if err != nil {
		return Status{}, err
	}
	return readStatus(op, a.body, id)
}

// SetStatus asks for another state (SSF section 8.1.2.2, SSF-RX-20).
func (c *Client) SetStatus(ctx context.Context, id, status, reason string) (Status, error) {
	const op = "set status"
	at, err := c.endpoint(ctx, op, statusEndpoint)
	if err != nil {
		return Status{}, err
	}
	body, err := json.Marshal(Status{id, status, reason})
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", op, err)
	}
	a, err := c.do(ctx, call{op: op, method: http.MethodPost, url: at, body: body}, http.StatusOK, http.StatusAccepted)
	switch {
	case err != nil:
		return Status{}, err
	case a.status == http.StatusAccepted:
		return Status{}, fmt.Errorf("%s: %w", op, ErrPending)
	}
	return readStatus(op, a.body, id)
}

func readStatus(op string, body []byte, id string) (Status, error) {
	v, err := strictjson.Parse(body, limits)
	if err != nil {
		return Status{}, fmt.Errorf("%s: the answer is not JSON: %w", op, err)
	}
	s := Status{ID: v.Get("stream_id").Text(), Status: v.Get("status").Text(), Reason: pipeline.Clean(v.Get("reason").Text())}
	switch {
	case s.ID != id && s.ID != "": // drafts left it out
		return Status{}, fmt.Errorf("%s: the answer is about stream %q", op, pipeline.Clean(s.ID))
	case !slices.Contains(Statuses, s.Status):
		return Status{}, fmt.Errorf("%s: the answer has the status %q, which is none", op, pipeline.Clean(s.Status))
	}
	s.ID = id
	return s, nil
}

// Verify asks for a verification event with that state, "" for one without (SSF
// section 8.1.4.2). Success means that it will come, now or later (SSF-RX-27).
func (c *Client) Verify(ctx context.Context, id, state string) error {
	const op = "request verification"
	at, err := c.endpoint(ctx, op, func(m *Metadata) string { return m.VerificationEndpoint })
	if err != nil {
		return err
	}
	members := map[string]string{"stream_id": id}
	if state != "" {
		members["state"] = state
	}
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err = c.do(ctx, call{op: op, method: http.MethodPost, url: at, body: body}, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	return err
}

// AddSubject asks for events about a subject (SSF section 8.1.3.2). Success does
// not mean that any will come (SSF-RX-22).
func (c *Client) AddSubject(ctx context.Context, id string, subject event.Subject, verified *bool) error {
	return c.subject(ctx, "add subject", id, subject, verified, func(m *Metadata) string { return m.AddSubject })
}

// RemoveSubject asks for no more events about a subject (SSF section 8.1.3.3).
// Some may still come (SSF-RX-23).
func (c *Client) RemoveSubject(ctx context.Context, id string, subject event.Subject) error {
	return c.subject(ctx, "remove subject", id, subject, nil, func(m *Metadata) string { return m.RemoveSubject })
}

// subject calls either endpoint; any success is one, since section 9.1 of SSF
// names another status than section 8.1.3.2.
func (c *Client) subject(ctx context.Context, op, id string, subject event.Subject, verified *bool, of func(*Metadata) string) error {
	at, err := c.endpoint(ctx, op, of)
	if err != nil {
		return err
	}
	members := map[string]any{"stream_id": id, "subject": json.RawMessage(subject.AppendJSON(nil))}
	if verified != nil {
		members["verified"] = *verified
	}
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	_, err = c.do(ctx, call{op: op, method: http.MethodPost, url: at, body: body}, http.StatusOK, http.StatusNoContent, http.StatusAccepted)
	return err
}
