package receiver

import (
	"sync"
	"time"
)

// bucket is a token bucket: it fills at a rate up to a depth, and every request
// takes one token. A nil bucket is never empty. Safe for concurrent use.
type bucket struct {
	rate  float64 // tokens per second
	depth float64

	mu     sync.Mutex
	tokens float64
	at     time.Time // when tokens was counted
}

// newBucket returns a full bucket, nil for rate 0.
func newBucket(rate float64, depth int) *bucket {
	if rate == 0 {
		return nil
	}
	return &bucket{rate: rate, depth: float64(depth)}
}

// take takes a token and returns 0, or takes none and tells how long to wait.
func (b *bucket) take(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// Before the first request, at is so long ago that the bucket is full.
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.depth, b.tokens+passed.Seconds()*b.rate)
		b.at = now
	}
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return max(1, time.Duration((1-b.tokens)/b.rate*float64(time.Second)))
}
