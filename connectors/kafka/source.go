package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// source is a configured source "kafka".
type source struct {
	name   string
	group  string
	start  string
	rules  []rule
	opts   []kgo.Opt
	most   int // messages in a batch
	log    *slog.Logger
	now    func() time.Time
	letter *producer // of refused records; nil without a dead-letter topic

	rebalances, commitFailures atomic.Uint64
	current                    atomic.Pointer[run]
	trouble                    atomic.Pointer[error] // that ended the last run; nil once the group was joined
}

var (
	_ pipeline.Source = (*source)(nil)
	_ kind.Explainer  = (*source)(nil)
	_ kind.Readier    = (*source)(nil)
	_ io.Closer       = (*source)(nil)
)

// Bounds of what waits here and at the client, of all partitions together where
// nothing else is said.
const (
	maxPoll      = 5000     // records of one poll
	maxFetched   = 16 << 20 // bytes of one answer of a broker
	maxWaiting   = 64 << 20 // bytes that wait for the line, shared by the partitions
	maxWaitingOf = 4 << 20  // of one partition
	minWaitingOf = 128 << 10
	inHand       = 16 // batches handed over at a time
)

// Times of giving up a partition and of telling the broker.
const (
	finishTime  = 10 * time.Second
	commitTime  = 10 * time.Second
	commitEvery = 100 * time.Millisecond
	leaveTime   = 5 * time.Second
	sessionTime = 10 * time.Second // so long partitions of a member that was killed wait
	watchEvery  = 10 * time.Second
	fetchWait   = 500 * time.Millisecond // so long a request waits for records, and partitions assigned meanwhile for it
)

func newSource(c *SourceConfig, env kind.Env, opts []kgo.Opt) *source {
	fetch, _ := c.maxBytes()
	s := &source{
		name: env.Name, group: c.Group, start: c.Start, rules: c.rules(), most: env.Messages(maxBatch),
		log: env.Logger(), now: env.Clock(),
	}
	topics := make([]string, len(s.rules))
	for i, r := range s.rules {
		topics[i] = r.expr.String()
	}
	s.opts = append(opts[:len(opts):len(opts)],
		kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(topics...), kgo.ConsumeRegex(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(fetchWait), kgo.FetchMaxBytes(max(maxFetched, int32(fetch))), kgo.FetchMaxPartitionBytes(int32(fetch)),
		kgo.RebalanceTimeout(time.Minute), kgo.SessionTimeout(sessionTime), kgo.MetadataMinAge(time.Second), kgo.MetadataMaxAge(time.Minute), // so long a new topic of a pattern waits
	)
	return s
}

// Ready implements kind.Readier: the source is a member of the group, and its
// partitions get on.
func (s *source) Ready() bool {
	r := s.current.Load()
	return r != nil && r.joined.Load() && !r.silent.Load() && !r.anyStuck()
}

// Why implements kind.Explainer.
func (s *source) Why() string {
	r := s.current.Load()
	switch {
	case s.Ready():
		return ""
	case r != nil && r.silent.Load():
		return "brokers do not answer; the log says why"
	case r != nil && r.anyStuck():
		return "the pipeline takes no records now, which wait at the broker; the log says why"
	}
	if err := s.trouble.Load(); err != nil {
		return (*err).Error()
	}
	return "it is not a member of its group yet"
}

// Close closes what writes refused records.
func (s *source) Close() error {
	if s.letter != nil {
		s.letter.client.Close()
	}
	return nil
}

// run is the source between the start and the end of Run.
type run struct {
	src    *source
	line   pipeline.Handler
	client *kgo.Client
	admin  *kadm.Client
	ctx    context.Context
	fail   context.CancelCauseFunc
	slots  chan struct{}
	made   chan struct{} // closed when client and admin are there: the group does not wait for it
	joined atomic.Bool
	silent atomic.Bool // no broker answers

	news     chan struct{} // positions to tell the broker
	assigned atomic.Int64  // partitions
	commitMu sync.Mutex

	mu      sync.Mutex
	workers map[place]*worker
}

// Run implements pipeline.Source.
func (s *source) Run(ctx context.Context, h pipeline.Handler) error {
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := &run{
		src: s, line: h, ctx: inner, fail: fail, slots: make(chan struct{}, inHand), news: make(chan struct{}, 1), made: make(chan struct{}), workers: map[place]*worker{},
	}
	client, err := kgo.NewClient(append(s.opts[:len(s.opts):len(s.opts)],
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {
			r.joined.Store(true)
			s.trouble.Store(nil)
			s.rebalances.Add(1)
		}),
		kgo.AdjustFetchOffsetsFn(r.resume),
		kgo.OnPartitionsRevoked(r.revoked), kgo.OnPartitionsLost(r.lost))...)
	if err != nil {
		return fmt.Errorf("kafka source: %w", err)
	}
	r.client, r.admin = client, kadm.NewClient(client)
	close(r.made)
	s.current.Store(r)
	defer s.current.Store(nil)
	var loops sync.WaitGroup
	if err = r.reach(inner); err == nil {
		loops.Go(r.commits)
		loops.Go(r.watch)
		err = r.poll(inner)
	}
	r.leave()
	fail(nil)
	loops.Wait()
	if ctx.Err() != nil {
		return nil
	}
	err = fmt.Errorf("kafka source: %w", advise(err))
	s.trouble.Store(&err)
	return err
}

// reach finds out whether brokers answer and take us for who we say we are,
// which the client alone would try for ever.
func (r *run) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	if err := r.client.Ping(ctx); err != nil {
		return fmt.Errorf("reach brokers: %w", err)
	}
	for _, rule := range r.src.rules {
		if !rule.exact {
			continue
		}
		m, err := r.admin.Metadata(ctx, rule.label)
		if err != nil {
			return fmt.Errorf("look up topic %s: %w", rule.label, err)
		}
		switch err := m.Topics[rule.label].Err; {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			r.src.log.Warn("topic is not there yet: it is read as soon as somebody makes it", "topic", rule.label)
		case err != nil && needsSomebody(err):
			return fmt.Errorf("topic %s: %w", rule.label, err)
		}
	}
	return nil
}

// poll gives what is fetched to the workers until ctx ends or somebody must see
// to a fault.
func (r *run) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches := r.client.PollRecords(ctx, maxPoll)
		now := r.src.now()
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) == 0 {
				return
			}
			if w := r.worker(place{p.Topic, p.Partition}); w != nil {
				w.push(p.Records, now)
			}
		})
		r.client.AllowRebalance()
		for _, e := range fetches.Errors() {
			if ctx.Err() != nil {
				break
			}
			err := e.Err
			if e.Topic != "" {
				err = fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
			}
			if needsSomebody(err) || errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kgo.ErrClientClosed) {
				return err
			}
			r.src.log.Warn("fault of the broker, the client tries again", "err", advise(err))
		}
	}
	return context.Cause(ctx)
}

func (r *run) worker(p place) *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.workers[p]
}

// all gives the workers there are.
func (r *run) all() []*worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*worker, 0, len(r.workers))
	for _, w := range r.workers {
		list = append(list, w)
	}
	return list
}

func (r *run) anyStuck() bool {
	for _, w := range r.all() {
		if w.stuck() {
			return true
		}
	}
	return false
}

// share is how many bytes of one partition may wait for the line.
func (r *run) share() int {
	return max(minWaitingOf, min(maxWaitingOf, maxWaiting/max(1, int(r.assigned.Load()))))
}

// leave gives everything back: the group's last revocation finishes and commits.
func (r *run) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime+commitTime+leaveTime)
	defer cancel()
	r.client.AllowRebalance()
	left := make(chan struct{})
	go func() {
		defer close(left)
		_ = r.client.LeaveGroupContext(ctx)
	}()
	r.stop(nil, finishTime)
	<-left
	r.client.CloseAllowingRebalance()
}
