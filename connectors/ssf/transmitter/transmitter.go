// Package transmitter is the sink "ssf": it states what the product did to
// receivers of the Shared Signals Framework, as signed Security Event Tokens.
//
// In its short form it is one push stream (RFC 8935). With receivers it is a
// transmitter whose receivers make and manage streams of their own (SSF sections
// 7 and 8), which are pushed, or polled (RFC 8936). What a receiver may be told
// of, and by which events, is the configuration's word; who calls is told by a
// token, and a stream of another receiver is one that is not there (SSF-TX-17).
// What waits for a stream is a queue of the line's store, and so is what there
// is to know of the stream.
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
	"errors"
	"net/http"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// sink is a configured sink "ssf".
type sink struct {
	ssf.Mint
	client *push.Client
	lanes  *outbound.Lanes
	await  func(ctx context.Context) error // returns when a delivery may go out; nil: at any time
	told   func(pipeline.Result)           // is told what became of each; nil: nobody is
}

var (
	_ pipeline.Sink     = (*sink)(nil)
	_ pipeline.Preparer = (*sink)(nil)
)

// newSink returns what pushes the tokens of a mint to the endpoint of the block.
func newSink(p *Push, mint ssf.Mint, env kind.Env, client *http.Client) *sink {
	b, _ := p.bounds("")
	return &sink{
		Mint: mint,
		client: &push.Client{
			Name: mint.Sink, Endpoint: p.Endpoint, Authorization: string(p.Authorization),
			Timeout: b.timeout, HTTP: client, Now: env.Clock(),
		},
		lanes: outbound.NewLanes(b.inFlight),
	}
}

// Deliver implements pipeline.Sink. It pushes deliveries of different keys
// concurrently and those of one key one after the other; when one of a key is
// to be tried again, those after it wait.
func (s *sink) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	return s.lanes.Deliver(ctx, batch, func(ctx context.Context, d pipeline.Delivery) pipeline.Result {
		if s.await != nil {
			if err := s.await(ctx); err != nil {
				return pipeline.Result{Err: err}
			}
		}
		r := s.client.Push(ctx, d.Payload)
		if cutOff := errors.Is(r.Err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled); s.told != nil && !cutOff {
			s.told(r)
		}
		return r
	}), nil
}

// Close releases idle connections.
func (s *sink) Close() error {
	s.client.HTTP.CloseIdleConnections()
	return nil
}
