package push

import (
	"log/slog"
	"sync"
	"time"
)

// tally logs refused requests, at most one line per status and minute, so that
// a misconfigured transmitter is noticed and a flood does not fill the log. The
// zero value is ready. Safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	count map[int]int       // requests not yet logged, by status
	said  map[int]time.Time // when a status was logged last
}

const sayEvery = time.Minute

func (t *tally) note(log *slog.Logger, status int, remote string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count, t.said = map[int]int{}, map[int]time.Time{}
	}
	t.count[status]++
	if now.Sub(t.said[status]) < sayEvery {
		return
	}
	log.Warn("push requests refused", "status", status, "requests", t.count[status], "last_from", remote)
	t.count[status], t.said[status] = 0, now
}
