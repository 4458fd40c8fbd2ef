package push

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// MaxBatch is how many messages an endpoint hands over at once.
const MaxBatch = 200

// How messages reach the handler.
const (
	workers    = 3 // batches in flight
	drainGrace = 8 * time.Second
)

// Options is what an Endpoint is made of.
type Options struct {
	Source string // name of the source, in messages
	Sender string // who pushes, once the Authorization has shown it
	// Authorization is the value of the Authorization header a peer must send; a
	// value without a scheme is a bearer token.
	Authorization string
	// Anonymous takes pushes from anybody: the signature of a SET is then all
	// that stands behind it. Without it and without Authorization nobody may push.
	Anonymous bool
	Bounds    Bounds           // as Bounds.Fill returns them
	MaxBatch  int              // messages handed over at once; 0: 200
	Log       *slog.Logger     // nil: discard
	Now       func() time.Time // nil: time.Now
	Dialect   Dialect
}

// Dialect is how a family of receivers answers beyond RFC 8935. The zero value
// answers by the standard alone.
type Dialect struct {
	// Error is what a sender is told of a refusal; nil: ssf.FromReject.
	Error func(*pipeline.RejectError) ssf.Error
	// Quota writes how much of the rate is left into the header of an answer;
	// nil: nothing does. It is not called where there is no rate.
	Quota func(h http.Header, q Quota)
	// TooMany is the JSON body of a 429; nil: it has none.
	TooMany []byte
}

// Endpoint is a source that takes pushes as an http.Handler, which answers 503
// while Run does not. Safe for concurrent use.
type Endpoint struct {
	name    string
	bounds  Bounds
	most    int // messages in a batch
	sender  sender
	dialect Dialect
	bucket  *bucket
	slots   chan struct{} // one element per request in flight
	log     *slog.Logger
	now     func() time.Time

	refused tally

	mu    sync.RWMutex
	queue chan *push // nil while the source does not run; never full: slots bound it
}

var (
	_ pipeline.Source = (*Endpoint)(nil)
	_ kind.Readier    = (*Endpoint)(nil)
	_ http.Handler    = (*Endpoint)(nil)
)

// New returns an endpoint that is not mounted anywhere.
func New(o Options) *Endpoint {
	e := &Endpoint{
		name:    o.Source,
		bounds:  o.Bounds,
		most:    o.MaxBatch,
		sender:  newSender(o),
		dialect: o.Dialect,
		bucket:  newBucket(o.Bounds.Rate, o.Bounds.Burst),
		slots:   make(chan struct{}, o.Bounds.MaxInFlight),
		log:     o.Log,
		now:     o.Now,
	}
	if e.most == 0 {
		e.most = MaxBatch
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.dialect.Error == nil {
		e.dialect.Error = ssf.FromReject
	}
	return e
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
func (e *Endpoint) Run(ctx context.Context, h pipeline.Handler) error {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	queue := make(chan *push, cap(e.slots))
	e.open(queue)

	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { e.work(work, queue, h) })
	}
	<-ctx.Done()
	e.close(queue)
	defer time.AfterFunc(drainGrace, cut).Stop()
	wg.Wait()
	return nil
}

func (e *Endpoint) open(queue chan *push) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = queue
}

// close ends the queue: what is in it is still taken out.
func (e *Endpoint) close(queue chan *push) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = nil
	close(queue)
}

// Ready reports whether pushes are taken: Run has begun and is not ending.
func (e *Endpoint) Ready() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.queue != nil
}

// enqueue hands a push to the workers, false if the source does not run. It
// does not block.
func (e *Endpoint) enqueue(p *push) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.queue == nil {
		return false
	}
	e.queue <- p
	return true
}

// work handles batches until the queue is closed and empty.
func (e *Endpoint) work(ctx context.Context, queue <-chan *push, h pipeline.Handler) {
	batch := make([]*push, 0, e.most)
	for first := range queue {
		batch = fill(append(batch[:0], first), e.most, queue)
		e.handle(ctx, batch, h)
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
func (e *Endpoint) handle(ctx context.Context, batch []*push, h pipeline.Handler) {
	msgs := make([]pipeline.Message, len(batch))
	for i, p := range batch {
		msgs[i] = p.msg
	}
	receipts, err := h.Handle(ctx, msgs)
	if err == nil && len(receipts) != len(batch) {
		err = errors.New("handler gave another number of receipts than it got messages")
	}
	if err != nil {
		e.failed(err, len(batch))
	}
	for i, p := range batch {
		<-e.slots
		if err != nil {
			p.answer <- refusal(err)
		} else {
			p.answer <- e.outcome(receipts[i])
		}
	}
}

// failed logs that a batch was not committed. Being busy is no fault.
func (e *Endpoint) failed(err error, n int) {
	var busy *pipeline.BusyError
	if errors.As(err, &busy) {
		e.log.Info("push answered 503", "messages", n, "reason", busy.Reason)
		return
	}
	e.log.Error("push answered 503", "messages", n, "err", err)
}
