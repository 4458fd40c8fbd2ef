package api

import (
	"context"
	"net/http"
	"time"
)

// ReceiversAnswer is how the streams of our receivers stand.
type ReceiversAnswer struct {
	Running bool             `json:"running"` // false: read from the files of a product that does not run
	Streams []ReceiverStream `json:"streams"`
}

// ReceiverStream is a stream of a sink.
type ReceiverStream struct {
	Sink string `json:"sink"`
	StreamStatus
}

// StreamStatus tells how a stream of a receiver stands.
type StreamStatus struct {
	ID        string    `json:"id"`
	Receiver  string    `json:"receiver"`
	Declared  bool      `json:"declared,omitempty"` // stated by the configuration
	Method    string    `json:"method"`             // push or poll
	Status    string    `json:"status"`             // enabled, paused or disabled
	Reason    string    `json:"reason,omitempty"`
	Held      bool      `json:"held,omitempty"` // by an operator: its receiver cannot enable it
	Pending   int       `json:"pending"`        // SETs its receiver has not taken
	Oldest    time.Time `json:"oldest,omitzero"`
	Subjects  int       `json:"subjects,omitempty"`      // added or removed
	Active    time.Time `json:"active,omitzero"`         // last call or poll that concerned it
	Verified  time.Time `json:"last_verified,omitzero"`  // when its receiver last asked for verification
	Delivered time.Time `json:"last_delivered,omitzero"` // when a SET was last pushed, or handed out to a poll
	Acked     time.Time `json:"last_acked,omitzero"`     // when its receiver last took one
	Failed    time.Time `json:"last_failed,omitzero"`    // when one last could not be delivered, or was refused
	Error     string    `json:"last_error,omitempty"`    // why
}

// ReceiverStatusRequest asks for another status of a stream of ours.
type ReceiverStatusRequest struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"` // for the receiver, and the audit record
	Sink   string `json:"sink,omitempty"`   // "": the one with the stream
	Stream string `json:"stream"`
	Status string `json:"status"` // enabled, paused or disabled
}

// ReceiverStatusAnswer is how the stream stands then.
type ReceiverStatusAnswer struct {
	Was    string         `json:"was"` // status before
	Stream ReceiverStream `json:"stream"`
}

// ReceiversBackend is the streams of receivers as the interface sees them.
type ReceiversBackend struct {
	List      func(context.Context) (ReceiversAnswer, error)
	SetStatus func(context.Context, ReceiverStatusRequest) (ReceiverStatusAnswer, error)
}

// Receivers asks how the streams of receivers stand.
func (c *Client) Receivers(ctx context.Context) (a ReceiversAnswer, err error) {
	return a, c.do(ctx, http.MethodGet, "/v1/receivers", nil, nil, &a)
}

// SetReceiverStatus changes the status of a stream.
func (c *Client) SetReceiverStatus(ctx context.Context, r ReceiverStatusRequest) (a ReceiverStatusAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/receivers/status", nil, r, &a)
}

func (b Backend) setReceiverStatus(r *http.Request) (any, error) {
	var req ReceiverStatusRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.By == "" {
		return nil, &Error{Message: "by: say who gives the command"}
	}
	return b.Receivers.SetStatus(r.Context(), req)
}
