package state

import (
	"strings"
	"time"
)

// orphanAge is how long a session is kept of which no user ever became known.
const orphanAge = 30 * 24 * time.Hour

// ExpiringPrefixes are the keys that Expired knows about. All other keys are
// bounded by their entity.
var ExpiringPrefixes = []string{"s/", "w/"}

// Expired reports whether a stored value no longer means anything: a window
// whose every count has left it, or a session without a user that has not been
// heard of for 30 days. Deleting such a key, under its own lock, changes no
// decision. Housekeeping asks it of the keys it scans.
func Expired(key string, value []byte, now time.Time) bool {
	switch {
	case strings.HasPrefix(key, "w/"):
		t, err := decodeTally(value)
		return err == nil && t.newest()+t.over <= millis(now)
	case strings.HasPrefix(key, "s/"):
		p, err := decodePointer(value)
		if err != nil || p.user != "" {
			return false
		}
		last := int64(0)
		for _, r := range p.inventory.rows {
			last = max(last, r.last, r.ended)
		}
		return last+orphanAge.Milliseconds() <= millis(now)
	}
	return false
}
