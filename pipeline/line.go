package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Options is what a Pipeline keeps for its whole life.
type Options struct {
	Store      store.Store
	Log        *slog.Logger     // nil: discard
	Now        func() time.Time // nil: time.Now
	Node       string           // service.node.name in the journal
	Observer   Observer         // nil: Blind
	MaxBatch   int              // messages of one Handle; 0: 1000
	MaxPending int              // queued actions per sink; 0: 100,000
}

// Pipeline is the line from a message to its durable outcome, and the loops
// that carry what was decided to the outside. Create it with New, give it
// settings with Use, feed it through Handle, and let Deliver, Index and Timers
// run. All methods are safe for concurrent use.
type Pipeline struct {
	store      store.Store
	log        *slog.Logger
	now        func() time.Time
	node       string
	obs        Observer
	maxBatch   int
	maxPending int

	settings atomic.Pointer[Settings]
	closing  atomic.Bool
	handling sync.WaitGroup
	recent   recent
	samples  sampler
}

// New returns a pipeline that refuses everything until Use was called.
func New(o Options) *Pipeline {
	p := &Pipeline{
		store: o.Store, log: o.Log, now: o.Now, node: o.Node, obs: o.Observer,
		maxBatch: o.MaxBatch, maxPending: o.MaxPending,
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.obs == nil {
		p.obs = Blind{}
	}
	if p.maxBatch == 0 {
		p.maxBatch = 1000
	}
	if p.maxPending == 0 {
		p.maxPending = 100_000
	}
	return p
}

// Use exchanges the settings. Messages already on the line finish under the
// settings they started with.
func (p *Pipeline) Use(s Settings) { p.settings.Store(s.compile()) }

// Revision is the revision of the policy set in use, "" without one.
func (p *Pipeline) Revision() string {
	if s := p.settings.Load(); s != nil && s.Decider != nil {
		return s.Decider.Revision()
	}
	return ""
}

// Close makes Handle refuse further messages and waits for those on the line
// until ctx ends.
func (p *Pipeline) Close(ctx context.Context) error {
	p.closing.Store(true)
	done := make(chan struct{})
	go func() {
		p.handling.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var _ Handler = (*Pipeline)(nil)

// Handle implements Handler: verify, normalize, decide and commit. Nothing in
// it waits for a sink or an index.
func (p *Pipeline) Handle(ctx context.Context, msgs []Message) ([]Receipt, error) {
	p.handling.Add(1)
	defer p.handling.Done()
	if p.closing.Load() {
		return nil, &BusyError{Reason: "shutting down", After: 5 * time.Second}
	}
	gen := p.settings.Load()
	if gen == nil {
		return nil, &BusyError{Reason: "starting", After: time.Second}
	}
	if len(msgs) > p.maxBatch {
		return nil, errors.New("handle: batch is larger than the configured bound")
	}
	b := p.newBatch(gen, msgs)
	start := time.Now()
	b.verify(ctx)
	p.obs.Took("verify", len(msgs), time.Since(start))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := b.commit(ctx); err != nil {
		if errors.Is(err, store.ErrFull) {
			return nil, &BusyError{Reason: "journal is full", After: 30 * time.Second}
		}
		return nil, err
	}
	return b.receipts(), nil
}

// recent keeps the last committed records decoded, so that the index loops
// need not read back what was just written.
type recent struct {
	mu   sync.Mutex
	ring [4096]struct {
		seq uint64
		rec *Record
	}
}

func (r *recent) put(seq uint64, rec *Record) {
	r.mu.Lock()
	slot := &r.ring[seq%uint64(len(r.ring))]
	slot.seq, slot.rec = seq, rec
	r.mu.Unlock()
}

func (r *recent) get(seq uint64) *Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slot := &r.ring[seq%uint64(len(r.ring))]; slot.seq == seq {
		return slot.rec
	}
	return nil
}

// sampler bounds how many rejects are recorded per source: the count is exact
// in the metrics, the journal keeps a sample.
type sampler struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	last   time.Time
}

// Rejects of authenticated senders and of strangers kept per source and second.
const (
	knownRejects    = 500
	strangerRejects = 1
	rejectBurst     = 60 // seconds' worth
)

func (s *sampler) allow(source string, known bool, now time.Time) bool {
	rate, key := float64(strangerRejects), "?"+source
	if known {
		rate, key = knownRejects, "="+source
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = map[string]*bucket{}
	}
	b := s.buckets[key]
	if b == nil {
		b = &bucket{tokens: rate * rejectBurst, last: now}
		s.buckets[key] = b
	}
	b.tokens = min(rate*rejectBurst, b.tokens+rate*max(0, now.Sub(b.last).Seconds()))
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
