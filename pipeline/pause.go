package pipeline

import (
	"context"
	"time"
)

// idle is how long a loop sleeps when nothing is due.
const idle = time.Minute

// pause waits for the time to pass, for a change, or for the end of ctx. A nil
// channel never changes.
func pause(ctx context.Context, changed <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-t.C:
	}
}

// untilDue is how long a loop may sleep whose next work falls due then; the
// zero time means that there is none.
func untilDue(next, now time.Time) time.Duration {
	if next.IsZero() {
		return idle
	}
	return min(idle, max(time.Millisecond, next.Sub(now)))
}
