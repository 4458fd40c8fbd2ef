package api

import (
	"context"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// RotateRequest asks for a new signing key.
type RotateRequest struct {
	By        string `json:"by"`
	Comment   string `json:"comment,omitempty"`
	Algorithm string `json:"algorithm,omitempty"` // "": ES256
	Lead      string `json:"lead,omitempty"`      // a duration: the new key is published so long before it signs
	Keep      string `json:"keep"`                // a duration: the keys before stay published so long after that
}

// RotateAnswer is what a rotation did.
type RotateAnswer struct {
	Key     jose.OwnKey   `json:"key"`               // the new one
	Keys    []jose.OwnKey `json:"keys"`              // published now
	Dropped []jose.OwnKey `json:"dropped,omitempty"` // gone at once
}

// MaxKeep bounds how long a key that was rotated out can stay published, MaxLead
// how long a new one can wait.
const (
	MaxKeep = 90 * 24 * time.Hour
	MaxLead = 7 * 24 * time.Hour
)

// RotateKeys makes a new signing key.
func (c *Client) RotateKeys(ctx context.Context, r RotateRequest) (a RotateAnswer, err error) {
	return a, c.do(ctx, http.MethodPost, "/v1/keys/rotate", nil, r, &a)
}

func (b Backend) rotateKeys(r *http.Request) (any, error) {
	var req RotateRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if req.By == "" {
		return nil, &Error{Message: "by: say who gives the command"}
	}
	keep, err := time.ParseDuration(req.Keep)
	if err != nil || keep < 0 || keep > MaxKeep {
		return nil, &Error{Message: "keep: give a duration such as 168h, at most 2160h"}
	}
	var lead time.Duration
	if req.Lead != "" {
		if lead, err = time.ParseDuration(req.Lead); err != nil || lead < 0 || lead > MaxLead {
			return nil, &Error{Message: "lead: give a duration such as 10m, at most 168h"}
		}
	}
	return b.RotateKeys(r.Context(), req, lead, keep)
}

// Rotate makes a new key in a key store and drops those whose time is over.
func Rotate(keys *jose.KeyStore, algorithm string, lead, keep time.Duration, now time.Time) (a RotateAnswer, err error) {
	if a.Key, err = keys.Rotate(algorithm, lead, keep, now); err != nil {
		return a, err
	}
	_, a.Dropped, err = keys.Settle(now)
	a.Keys = keys.Keys()
	return a, err
}
