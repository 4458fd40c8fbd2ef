package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/evidence"
)

// ExportRequest asks for a bundle of evidence.
type ExportRequest struct {
	Kind        string    `json:"kind"` // user, device, session, chain or query
	Value       string    `json:"value"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	NoOriginals bool      `json:"no_originals,omitempty"`
	By          string    `json:"by"`
	Comment     string    `json:"comment,omitempty"`
}

// ExportAnswer is the bundle.
type ExportAnswer struct {
	Manifest evidence.Manifest `json:"manifest"`
	Key      string            `json:"key"` // thumbprint of the key that signed it
	Bundle   []byte            `json:"bundle"`
}

// ExportKinds are what a bundle can be about.
var ExportKinds = []string{"user", "device", "session", "chain", "query"}

func (b Backend) export(r *http.Request) (any, error) {
	var req ExportRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	switch {
	case req.By == "":
		return nil, &Error{Message: "by: say who gives the command"}
	case !slices.Contains(ExportKinds, req.Kind):
		return nil, &Error{Message: "kind: choose user, device, session, chain or query"}
	}
	return b.Export(r.Context(), req)
}

// Export asks for a bundle of evidence.
func (c *Client) Export(ctx context.Context, req ExportRequest) (a ExportAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/export", nil, req, &a)
}
