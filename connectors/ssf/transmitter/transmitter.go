// Package transmitter is the sink "ssf": it states what the product did to
// receivers of the Shared Signals Framework, as signed Security Event Tokens
// pushed to their endpoints (RFC 8935).
//
// # Promise
//
// At least once. A token is made and signed once, by Prepare, and every try
// sends the same bytes, so a receiver knows a repeat by its jti. Order is kept
// per subject: the pipeline offers the next delivery of a key when the one
// before has come to its end.
//
// What an answer means is said in package push (PUSH-12). Held deliveries end
// when the action's time is over; until then an operator can put endpoint,
// credentials or keys in order and nothing is lost. Where it connects, and what
// it bears of a peer, is said in package outbound.
package transmitter

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// sink is a configured sink "ssf".
type sink struct {
	name     string
	issuer   string
	audience []string
	client   *push.Client
	signer   kind.Signer
	lanes    *outbound.Lanes
	now      func() time.Time
}

var (
	_ pipeline.Sink     = (*sink)(nil)
	_ pipeline.Preparer = (*sink)(nil)
)

func newSink(c *Config, env kind.Env, signer kind.Signer, client *http.Client) *sink {
	b, _ := c.Push.bounds()
	return &sink{
		name:     env.Name,
		issuer:   c.Issuer,
		audience: c.Audience,
		client: &push.Client{
			Name: env.Name, Endpoint: c.Push.Endpoint, Authorization: string(c.Push.Authorization),
			Timeout: b.timeout, HTTP: client, Now: env.Clock(),
		},
		signer: signer,
		lanes:  outbound.NewLanes(b.inFlight),
		now:    env.Clock(),
	}
}

// Prepare implements pipeline.Preparer: it makes and signs the token of an
// order. Its jti follows from the action and the sink alone; it is issued now,
// never ahead of the clock. An order of which no token can be made fails for
// good; a signer out of reach is asked again.
func (s *sink) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	t, ok := event.ByName(o.Event)
	if !ok {
		return nil, unmakeable(o, fmt.Errorf("event %q is not in the catalogue", o.Event))
	}
	claims, err := set.Build(set.Claims{
		Issuer:   s.issuer,
		Audience: s.audience,
		IssuedAt: s.now().Truncate(time.Second),
		JTI:      pipeline.TokenID(o.ActionID, s.name),
		Txn:      o.Txn,
		Subject:  o.Subject,
		Event:    t.URI,
		Body:     o.Body,
	})
	if err != nil {
		return nil, unmakeable(o, err)
	}
	token, err := s.signer.Sign(claims)
	if err != nil {
		return nil, fmt.Errorf("prepare %s for %s: %w", o.ActionID, s.name, err)
	}
	return token, nil
}

// unmakeable says that no token can ever be made of the order.
func unmakeable(o pipeline.Order, err error) error {
	return &pipeline.FinalError{Code: "unmakeable", Err: fmt.Errorf("prepare %s for %s: %w", o.ActionID, o.Stream, err)}
}

// Deliver implements pipeline.Sink. It pushes deliveries of different keys
// concurrently and those of one key one after the other; when one of a key is
// to be tried again, those after it wait.
func (s *sink) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	return s.lanes.Deliver(ctx, batch, func(ctx context.Context, d pipeline.Delivery) pipeline.Result {
		return s.client.Push(ctx, d.Payload)
	}), nil
}

// Close releases idle connections.
func (s *sink) Close() error {
	s.client.HTTP.CloseIdleConnections()
	return nil
}
