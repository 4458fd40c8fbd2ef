package config

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var days = regexp.MustCompile(`^([0-9]{1,6})d`)

// parseDuration reads a Go duration that may start with whole days, such as
// "30d" or "1d12h". A negative one is refused.
func parseDuration(s string) (time.Duration, bool) {
	var whole time.Duration
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		if n > 36500 {
			return 0, false
		}
		whole, rest = time.Duration(n)*24*time.Hour, s[len(m[0]):]
		if rest == "" {
			return whole, true
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.ContainsAny(rest, "+-") || d > math.MaxInt64-whole {
		return 0, false
	}
	return whole + d, true
}

// sizes are the units of parseBytes.
var sizes = map[string]int64{
	"": 1, "B": 1,
	"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// parseBytes reads a whole number of bytes with a unit, such as "512MiB".
func parseBytes(s string) (int64, bool) {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	unit, known := sizes[strings.TrimPrefix(s[end:], " ")]
	if err != nil || !known || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}
