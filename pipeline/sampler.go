package pipeline

import (
	"sync"
	"time"
)

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

// sample is whether a refused message is recorded. It is asked once, so that
// further attempts of its batch decide the same.
type sample int8

const (
	unasked sample = iota
	kept
	dropped
)

// sampled reports whether a refused message is recorded. One of a channel read
// by position always is: nobody will offer it again.
func (b *batch) sampled(u *unit, source string, known bool, now time.Time) bool {
	if u.sample == unasked {
		u.sample = dropped
		if b.dry || u.msg.Progress != nil || b.p.samples.allow(source, known, now) {
			u.sample = kept
		}
	}
	return u.sample == kept
}

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
