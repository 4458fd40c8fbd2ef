// Package receiver is the source "ssf": it takes Security Event Tokens that
// transmitters of the Shared Signals Framework push (RFC 8935).
//
// # Promise
//
// A request is answered 202 when the outcome of its token is durable, and not
// before; repeated, reused and discarded tokens are answered like new ones
// (PUSH-09). A token that will never be taken is answered 400 with an error
// object. Whatever keeps an outcome from becoming durable is answered 503 or
// 429 with Retry-After, and the transmitter tries again. Nothing is dropped:
// when a peer goes away before the answer, its token is handled all the same
// and only the answer is lost.
//
// # Order of checks
//
// What costs least comes first (PUSH-17): method, content type, sender,
// rate, announced length, free slot; only then the body is read, under a bound
// and a time limit. Verification is the handler's.
//
// # Batches
//
// Concurrent requests share transactions: a worker takes all that queued while
// the last commit ran and hands it over as one batch. Nobody lingers to fill
// one.
package receiver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// How messages reach the handler.
const (
	workers    = 3   // batches in flight
	maxBatch   = 200 // messages in one
	drainGrace = 8 * time.Second
)

// source is a configured source "ssf".
type source struct {
	name   string
	issuer string
	path   string
	bounds bounds
	most   int // messages in a batch
	sender sender
	bucket *bucket
	slots  chan struct{} // one element per request in flight
	log    *slog.Logger
	now    func() time.Time

	refused tally

	mu    sync.RWMutex
	queue chan *push // nil while the source does not run; never full: slots bound it
}

var (
	_ pipeline.Source = (*source)(nil)
	_ kind.Readier    = (*source)(nil)
)

func newSource(c *Config, env kind.Env) *source {
	b, _ := c.Push.bounds()
	return &source{
		name:   env.Name,
		issuer: c.Issuer,
		path:   c.Mounts(env.Name)[0],
		bounds: b,
		most:   env.Messages(maxBatch),
		sender: newSender(c.Push),
		bucket: newBucket(b.rate, b.burst),
		slots:  make(chan struct{}, b.inFlight),
		log:    env.Logger(),
		now:    env.Clock(),
	}
}

// push is a message on its way to its outcome. Its slot is free again when the
// outcome is known, even if nobody waits for the answer any more.
type push struct {
	msg    pipeline.Message
	answer chan answer // takes one without blocking
}

// Run implements pipeline.Source. When ctx ends, further requests are refused
// and those already read are finished; after a grace of eight seconds their
// handling is cut and they are answered 503.
func (s *source) Run(ctx context.Context, h pipeline.Handler) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	queue := make(chan *push, cap(s.slots))
	s.open(queue)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { s.work(work, queue, h) })
	}
	<-ctx.Done()
	s.close(queue)
	defer time.AfterFunc(drainGrace, cut).Stop()
	wg.Wait()
	return nil
}

func (s *source) open(queue chan *push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = queue
}

// close ends the queue: what is in it is still taken out.
func (s *source) close(queue chan *push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = nil
	close(queue)
}

// Ready reports whether pushes are taken: Run has begun and is not ending.
func (s *source) Ready() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queue != nil
}

// enqueue hands a push to the workers, false if the source does not run. It
// does not block.
func (s *source) enqueue(p *push) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.queue == nil {
		return false
	}
	s.queue <- p
	return true
}

// work handles batches until the queue is closed and empty.
func (s *source) work(ctx context.Context, queue <-chan *push, h pipeline.Handler) {
	batch := make([]*push, 0, s.most)
	for first := range queue {
		batch = fill(append(batch[:0], first), s.most, queue)
		s.handle(ctx, batch, h)
		clear(batch)
	}
}

// fill adds what is in the queue now, up to most.
func fill(batch []*push, most int, queue <-chan *push) []*push {
	for len(batch) < most {
		select {
		case p, ok := <-queue:
			if !ok {
				return batch
			}
			batch = append(batch, p)
		default:
			return batch
		}
	}
	return batch
}

// handle takes a batch to its outcome and answers each push with its own.
func (s *source) handle(ctx context.Context, batch []*push, h pipeline.Handler) {
	msgs := make([]pipeline.Message, len(batch))
	for i, p := range batch {
		msgs[i] = p.msg
	}
	receipts, err := h.Handle(ctx, msgs)
	if err == nil && len(receipts) != len(batch) {
		err = errors.New("handler gave another number of receipts than it got messages")
	}
	if err != nil {
		s.failed(err, len(batch))
	}
	for i, p := range batch {
		<-s.slots
		if err != nil {
			p.answer <- refusal(err)
		} else {
			p.answer <- outcome(receipts[i])
		}
	}
}

// failed logs that a batch was not committed. Being busy is no fault.
func (s *source) failed(err error, n int) {
	var busy *pipeline.BusyError
	if errors.As(err, &busy) {
		s.log.Info("push answered 503", "messages", n, "reason", busy.Reason)
		return
	}
	s.log.Error("push answered 503", "messages", n, "err", err)
}
