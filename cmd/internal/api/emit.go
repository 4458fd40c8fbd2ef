package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// EmitRequest asks for an event to receivers, to test them.
type EmitRequest struct {
	By      string          `json:"by"`
	Comment string          `json:"comment,omitempty"`
	Sink    string          `json:"sink,omitempty"`    // "": the only one that states events, or that of the stream
	Stream  string          `json:"stream,omitempty"`  // "": every stream of the sink
	Event   string          `json:"event"`             // by catalogue name
	Subject json.RawMessage `json:"subject,omitempty"` // subject identifier; none for an event about the stream itself
	Body    json.RawMessage `json:"body,omitempty"`    // event payload; without, an example of it

	Set         map[string]json.RawMessage `json:"set,omitempty"`         // members of the payload in place of those there; null removes one
	Undelivered bool                       `json:"undelivered,omitempty"` // also to streams that do not deliver the event
}

// EmitAnswer is what was queued for whom.
type EmitAnswer struct {
	Event   string          `json:"event"`
	Sink    string          `json:"sink"`
	Stopped bool            `json:"actions_stopped"` // nothing leaves until the stop switch is off
	Body    json.RawMessage `json:"body"`            // as it is sent, with its mark
	Streams []EmittedStream `json:"streams"`
}

// EmittedStream is one stream an event was meant for, or the one receiver of a
// sink without streams.
type EmittedStream struct {
	Stream   string `json:"stream,omitempty"`   // what follows is "" of a sink without streams
	Receiver string `json:"receiver,omitempty"` //
	Method   string `json:"method,omitempty"`   // push or poll
	Status   string `json:"status,omitempty"`   // of the stream
	Action   string `json:"action,omitempty"`   // id, by which its fate is known; "" if nothing was sent
	Problem  string `json:"problem,omitempty"`  // why nothing was
}

// Emit sends an event to receivers.
func (c *Client) Emit(ctx context.Context, r EmitRequest) (a EmitAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/emit", nil, r, &a)
}

func (b Backend) emit(r *http.Request) (any, error) {
	var req EmitRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.By == "" {
		return nil, &Error{Message: "by: say who gives the command"}
	}
	return b.Emit(r.Context(), req)
}
