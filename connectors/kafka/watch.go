package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// watch asks the broker now and then where the logs end: for the figures, and
// to notice when nobody answers.
func (r *run) watch() {
	for pause := time.Second; ; pause = watchEvery {
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(pause):
		}
		ctx, cancel := context.WithTimeout(r.ctx, requestTime)
		err := r.look(ctx)
		cancel()
		if r.ctx.Err() != nil {
			return
		}
		was := r.silent.Swap(err != nil)
		switch {
		case err != nil && !was:
			r.src.log.Error("brokers do not answer, the client tries again", "err", advise(err))
		case err == nil && was:
			r.src.log.Info("brokers answer again")
		}
	}
}

func (r *run) look(ctx context.Context) error {
	var topics []string
	workers := r.all()
	for _, w := range workers {
		if !slices.Contains(topics, w.place.topic) {
			topics = append(topics, w.place.topic)
		}
	}
	if len(topics) == 0 {
		return r.client.Ping(ctx)
	}
	ends, err := r.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	for _, w := range workers {
		o, ok := ends.Lookup(w.place.topic, w.place.partition)
		switch {
		case !ok:
		case errors.Is(o.Err, kerr.UnknownTopicOrPartition): // deleted; the group will notice
		case o.Err != nil:
			err = o.Err
		default:
			w.mu.Lock()
			w.end = o.Offset
			w.mu.Unlock()
		}
	}
	return err
}

var _ kind.Positioned = (*source)(nil)

// Positions implements kind.Positioned.
func (s *source) Positions() kind.Positions {
	p := kind.Positions{Rebalances: s.rebalances.Load(), CommitFailures: s.commitFailures.Load(), Topics: make([]kind.TopicPosition, len(s.rules))}
	if s.letter != nil {
		p.DeadLetters = s.letter.taken.Load()
	}
	for i := range s.rules {
		p.Topics[i].Topic = s.rules[i].label
	}
	r := s.current.Load()
	if r == nil {
		return p
	}
	for _, w := range r.all() {
		t := &p.Topics[slices.IndexFunc(s.rules, func(r rule) bool { return r.label == w.how.label })]
		w.mu.Lock()
		t.Partitions++
		t.Behind += max(0, w.end-w.track.at)
		w.mu.Unlock()
	}
	return p
}
