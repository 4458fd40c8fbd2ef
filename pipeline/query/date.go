package query

import (
	"strconv"
	"strings"
	"time"
)

// dateForm is how moments are written: RFC 3339 in UTC with milliseconds.
const dateForm = "2006-01-02T15:04:05.000Z"

// maxShift bounds how far from now a date can be.
const maxShift = 100 * 365 * 24 * time.Hour

// canonicalDate checks a date and gives its canonical text: a moment in UTC, a
// day, or now with a shift.
func canonicalDate(text string) (string, bool) {
	if shift, ok := strings.CutPrefix(text, "now"); ok {
		if _, ok := parseShift(shift); !ok {
			return "", false
		}
		return text, true
	}
	if len(text) == len(time.DateOnly) {
		_, err := time.Parse(time.DateOnly, text)
		return text, err == nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", false
	}
	t = t.UTC()
	return t.Format(dateForm), t.Year() >= 0 && t.Year() <= 9999
}

// Span is what a canonical date of a Match or Bound stands for: the
// milliseconds from the first moment up to, without, the second. A day stands
// for its 24 hours, everything else for one millisecond. Comparisons are with
// the whole: > means after its end, <= up to its end.
func Span(date string, now time.Time) (from, to time.Time) {
	if shift, ok := strings.CutPrefix(date, "now"); ok {
		d, _ := parseShift(shift)
		from = now.Add(d).UTC().Truncate(time.Millisecond)
		return from, from.Add(time.Millisecond)
	}
	if len(date) == len(time.DateOnly) {
		from, _ = time.Parse(time.DateOnly, date)
		return from, from.AddDate(0, 0, 1)
	}
	from, _ = time.Parse(time.RFC3339Nano, date)
	return from, from.Add(time.Millisecond)
}

// parseShift adds up a shift such as -1d+2h, which may be empty.
func parseShift(s string) (sum time.Duration, ok bool) {
	for s != "" {
		sign := time.Duration(1)
		switch s[0] {
		case '-':
			sign = -1
		case '+':
		default:
			return 0, false
		}
		i := 1
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.ParseUint(s[1:i], 10, 32)
		if err != nil || i == len(s) {
			return 0, false
		}
		unit, known := units[s[i]]
		if !known || time.Duration(n) > maxShift/unit {
			return 0, false
		}
		if sum += sign * time.Duration(n) * unit; sum > maxShift || sum < -maxShift {
			return 0, false
		}
		s = s[i+1:]
	}
	return sum, true
}

var units = map[byte]time.Duration{
	's': time.Second,
	'm': time.Minute,
	'h': time.Hour,
	'd': 24 * time.Hour,
	'w': 7 * 24 * time.Hour,
}
