package push

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

// Quota is how much of a rate is left.
type Quota struct {
	Limit     int       // requests at once
	Remaining int       // of them now
	Reset     time.Time // when there is one again, or all of them if there is one
}

// take takes a token and returns 0, or takes none and tells how long to wait.
func (b *bucket) take(now time.Time) (wait time.Duration, q Quota) {
	if b == nil {
		return 0, Quota{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// Before the first request, at is so long ago that the bucket is full.
	switch passed := now.Sub(b.at); {
	case passed > 0:
		b.tokens = min(b.depth, b.tokens+passed.Seconds()*b.rate)
		b.at = now
	case passed < -time.Second: // the clock was set back; it fills from here on
		b.at = now
	}
	missing := 1 - b.tokens
	if b.tokens >= 1 {
		b.tokens--
		missing = b.depth - b.tokens
	} else {
		wait = max(1, b.fills(missing))
	}
	return wait, Quota{Limit: int(b.depth), Remaining: int(b.tokens), Reset: now.Add(b.fills(missing))}
}

// fills is how long it takes until that many more tokens are there.
func (b *bucket) fills(tokens float64) time.Duration {
	return time.Duration(tokens / b.rate * float64(time.Second))
}
