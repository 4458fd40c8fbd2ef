package policies

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxDuration bounds what a rule may ask for: windows, limits, timers, facts.
const maxDuration = 400 * 24 * time.Hour

// parseDuration reads "90s", "10m", "12h", "30d" and sums of them such as
// "1h30m".
func parseDuration(s string) (time.Duration, error) {
	rest, total := s, time.Duration(0)
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return 0, fmt.Errorf("%q is not a duration such as 90s, 10m, 12h or 30d", s)
		}
		n, err := strconv.Atoi(rest[:i])
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[rest[i]]
		if err != nil || unit == 0 {
			return 0, fmt.Errorf("%q is not a duration such as 90s, 10m, 12h or 30d", s)
		}
		if time.Duration(n) > maxDuration/unit {
			return 0, fmt.Errorf("%q is longer than %d days", s, maxDuration/(24*time.Hour))
		}
		if total += time.Duration(n) * unit; total > maxDuration {
			return 0, fmt.Errorf("%q is longer than %d days", s, maxDuration/(24*time.Hour))
		}
		rest = rest[i+1:]
	}
	if s == "" {
		return 0, fmt.Errorf("a duration is missing")
	}
	return total, nil
}
