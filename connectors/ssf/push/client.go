package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Client pushes SETs to one receiver. Its fields must not change once it is
// used. Safe for concurrent use.
type Client struct {
	Name          string // of the sink, in errors
	Endpoint      string
	Authorization string        // value of the header, sent as it stands; "" sends none
	Timeout       time.Duration // for one push, answer included
	HTTP          *http.Client  // as package outbound makes them
	Now           func() time.Time
	Terms         Terms
}

// Terms is what a family of receivers means by its answers beyond RFC 8935. The
// zero value means what the standards say.
type Terms struct {
	// Class says what an error code means; nil: ssf.ClassOf.
	Class func(code string) ssf.Class
	// Wait reads how long the receiver asks to wait, 0 if it does not;
	// nil: outbound.RetryAfter.
	Wait func(h http.Header, now time.Time) time.Duration
}

// Push sends one token and reads the answer (RFC 8935 section 2.1).
func (c *Client) Push(ctx context.Context, token []byte) pipeline.Result {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint, bytes.NewReader(token))
	if err != nil {
		return pipeline.Result{Err: fmt.Errorf("push to %s: %w", c.Name, err)}
	}
	req.Header.Set("Content-Type", ssf.MediaTypeSET)
	req.Header.Set("Accept", ssf.MediaTypeJSON)
	req.Header.Set("User-Agent", "signalbox")
	if c.Authorization != "" {
		req.Header.Set("Authorization", c.Authorization)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	// What the body says matters with 400 only, and a success is one whatever
	// becomes of the rest of the answer. Reading it lets the connection be used
	// again.
	body, err := outbound.Read(resp, ssf.MaxErrorObject)
	if err != nil && resp.StatusCode == http.StatusBadRequest {
		return c.unreachable(err)
	}
	return c.judge(resp, body)
}

// unreachable is the result of a push without an answer. An address that is not
// allowed is held like any other fault of the configuration.
func (c *Client) unreachable(err error) pipeline.Result {
	err = outbound.Cause(err, outbound.Secrets(c.Authorization)...)
	r := pipeline.Result{Err: fmt.Errorf("push to %s: %w", c.Name, err), Info: "no answer"}
	if errors.Is(err, outbound.ErrAddress) {
		r.After, r.Info = outbound.HoldFor, "address refused"
	}
	return r
}
