package transmitter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// push sends one token and reads the answer (RFC 8935 section 2.1).
func (s *sink) push(ctx context.Context, token []byte) pipeline.Result {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(token))
	if err != nil {
		return pipeline.Result{Err: fmt.Errorf("push to %s: %w", s.name, err)}
	}
	req.Header.Set("Content-Type", ssf.MediaTypeSET)
	req.Header.Set("Accept", ssf.MediaTypeJSON)
	req.Header.Set("User-Agent", "signalbox")
	if s.authorization != "" {
		req.Header.Set("Authorization", s.authorization)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return s.unreachable(err)
	}
	defer resp.Body.Close()
	// What the body says matters with 400 only, and a success is one whatever
	// becomes of the rest of the answer. Reading it lets the connection be used
	// again.
	body, err := io.ReadAll(io.LimitReader(resp.Body, ssf.MaxErrorObject))
	if err != nil && resp.StatusCode == http.StatusBadRequest {
		return s.unreachable(err)
	}
	return s.judge(resp, body)
}

// unreachable is the result of a push without an answer. An address that is not
// allowed is held like any other fault of the configuration.
func (s *sink) unreachable(err error) pipeline.Result {
	err = outbound.Cause(err)
	r := pipeline.Result{Err: fmt.Errorf("push to %s: %w", s.name, err), Info: "no answer"}
	if errors.Is(err, outbound.ErrAddress) {
		r.After, r.Info = outbound.HoldFor, "address refused"
	}
	return r
}
