// Package http is the sink "http": it calls an actuator (an identity provider's
// API, a vault, a ticket system) or a notifier (a chat, a pager) by requests of
// JSON.
//
// # Promise
//
// At least once. The request of an action, its method, path and body, is made
// once, by Prepare, and every try sends the same bytes under the same
// Idempotency-Key, so a peer that knows the header does nothing twice. Order is
// kept per subject: the pipeline offers the next delivery of a key when the one
// before has come to its end. An action that emits an event, and so has no
// request, is posted as one JSON object that says all the order says.
//
// An action names no host, credential or header: those are the sink's. Its path
// is appended to the sink's URL and can neither leave that host nor climb above
// that path.
//
// What an answer means:
//
//	success (2xx unless configured)         taken
//	already, as configured (409, 404, ...)  taken: what was asked for is so
//	refused, as configured                  refused for good
//	other 2xx                               held: not what success was said to be
//	401, 403, 407                           held: tried again at long intervals
//	404, 405, 415, 421, 501, 505, 3xx       held: the URL is not what it should be
//	400, 409, 410, 413, 422, other 4xx      refused for good
//	408, 425, 429, other 5xx, 1xx, network  tried again, Retry-After is honoured
//	an address that is not allowed          held
//
// Held deliveries end when the action's time is over; until then an operator can
// put URL, credentials or permissions in order and nothing is lost. Retry-After
// is read in both forms and followed for an hour at most. Where it connects, and
// what it bears of a peer, is said in package outbound.
//
// # What is told
//
// Journal, logs and errors name the sink, the status and, of an answer that is
// no success, one short sentence the peer gave in JSON. URL, headers and bodies
// never get there; a sentence that repeats a
// credential, or the path of the URL, is left out.
package http

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// sink is a configured sink "http".
type sink struct {
	name    string
	base    *url.URL
	method  string
	header  http.Header // of every request
	idKey   string      // header that carries Delivery.ID, "" for none
	secrets []string    // what must not be told

	success, already, refused []int
	timeout                   time.Duration
	most                      int64 // bytes of an answer
	lanes                     *outbound.Lanes
	client                    *http.Client
	now                       func() time.Time
}

var (
	_ pipeline.Sink     = (*sink)(nil)
	_ pipeline.Preparer = (*sink)(nil)
)

func newSink(c *Config, env kind.Env, base *url.URL, client *http.Client) *sink {
	b, _ := c.bounds()
	s := &sink{
		name: env.Name, base: base, method: c.method(), header: http.Header{}, idKey: c.idempotencyHeader(),
		success: c.Success, already: c.Already, refused: c.Refused,
		timeout: b.timeout, most: int64(b.bytes), lanes: outbound.NewLanes(b.inFlight), client: client, now: env.Clock(),
	}
	s.header.Set("Content-Type", "application/json")
	s.header.Set("Accept", "application/json")
	s.header.Set("User-Agent", "signalbox")
	for name, value := range c.Headers {
		s.header.Set(name, value)
	}
	for name, value := range c.SecretHeaders {
		s.header.Set(name, string(value))
		s.secrets = append(s.secrets, string(value))
	}
	if c.Authorization != "" {
		s.header.Set("Authorization", string(c.Authorization))
		s.secrets = append(s.secrets, outbound.Secrets(string(c.Authorization))...)
	}
	for _, part := range []string{base.Path, base.EscapedPath(), base.RawQuery} {
		if len(part) > 1 {
			s.secrets = append(s.secrets, part)
		}
	}
	return s
}

// Deliver implements pipeline.Sink. It calls for deliveries of different keys
// concurrently and for those of one key one after the other; when one of a key
// is to be tried again, those after it wait.
func (s *sink) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	return s.lanes.Deliver(ctx, batch, s.call), nil
}

// Close releases idle connections.
func (s *sink) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
