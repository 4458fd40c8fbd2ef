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
	Tracer     Tracer           // nil: nothing is traced
	MaxBatch   int              // messages of one Handle; 0: 1000
	MaxPending int              // queued actions per sink; 0: 100,000
	MaxWaiting int              // actions that wait for a person; 0: 10,000
	BudgetEach time.Duration    // how often budgets are looked at; 0: 5 s
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
	tracer     Tracer
	maxBatch   int
	maxPending int
	budgetEach time.Duration
	maxWaiting int

	settings atomic.Pointer[Settings]
	entrance entrance
	recent   recent
	samples  sampler
	keys     keysKnown

	spreaders sync.Map // sink name -> Spreader
}

// New returns a pipeline that refuses everything until Use was called.
func New(o Options) *Pipeline {
	p := &Pipeline{
		store: o.Store, log: o.Log, now: o.Now, node: o.Node, obs: o.Observer, tracer: o.Tracer,
		maxBatch: o.MaxBatch, maxPending: o.MaxPending, maxWaiting: o.MaxWaiting, budgetEach: o.BudgetEach,
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
	if p.budgetEach == 0 {
		p.budgetEach = defaultBudgetEach
	}
	if p.maxWaiting == 0 {
		p.maxWaiting = defaultMaxWaiting
	}
	p.recent.before = p.store.Last()
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
	return p.entrance.close(ctx)
}

var _ Handler = (*Pipeline)(nil)

// Handle implements Handler: verify, normalize, decide and commit. Nothing in
// it waits for a sink or an index.
func (p *Pipeline) Handle(ctx context.Context, msgs []Message) ([]Receipt, error) {
	if !p.entrance.enter() {
		return nil, &BusyError{Reason: "shutting down", After: 5 * time.Second}
	}
	defer p.entrance.leave()
	gen := p.settings.Load()
	if gen == nil {
		return nil, &BusyError{Reason: "starting", After: time.Second}
	}
	if len(msgs) > p.maxBatch {
		return nil, errors.New("handle: batch is larger than the configured bound")
	}
	b := p.newBatch(ctx, gen, msgs)
	if err := b.run(ctx); err != nil {
		return nil, err
	}
	return b.receipts(), nil
}

// run brings the batch to its durable outcome.
func (b *batch) run(ctx context.Context) (err error) {
	b.trace = b.p.startTrace()
	start := time.Now()
	defer func() { b.endTrace(start, err) }()
	b.verify(ctx)
	verified := time.Now()
	b.obs.Took("verify", len(b.units), verified.Sub(start))
	b.station("verify", start, verified)
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.p.rememberKeys(ctx, b.units); err != nil {
		return err
	}
	err = b.commit(ctx)
	if errors.Is(err, store.ErrFull) {
		return &BusyError{Reason: "journal or disk is full", After: 30 * time.Second}
	}
	return err
}
