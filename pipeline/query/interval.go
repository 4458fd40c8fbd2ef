package query

import (
	"fmt"
	"strconv"
	"time"
)

// Interval is a length of time that histograms are cut into. The zero Interval
// is none.
type Interval struct {
	n    int64
	unit byte // s, m, h, d or w
}

// longestInterval bounds an interval.
const longestInterval = 100 * 365 * 24 * time.Hour

// ParseInterval reads a whole number and a unit: 30s, 5m, 1h, 1d or 1w. The
// error is an *Error.
func ParseInterval(text string) (Interval, error) {
	bad := &Error{-1, fmt.Sprintf("%q is no interval", clip(text)), "write a number and a unit, such as 30s, 5m, 1h, 1d or 1w"}
	if len(text) < 2 {
		return Interval{}, bad
	}
	unit := text[len(text)-1]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 31)
	size, known := units[unit]
	if err != nil || !known || n == 0 || time.Duration(n) > longestInterval/size {
		return Interval{}, bad
	}
	return Interval{int64(n), unit}, nil
}

// String is the interval as ParseInterval reads it.
func (i Interval) String() string {
	if i.IsZero() {
		return ""
	}
	return strconv.FormatInt(i.n, 10) + string(i.unit)
}

// IsZero reports whether there is no interval.
func (i Interval) IsZero() bool { return i.n == 0 }

// Length is how long it is.
func (i Interval) Length() time.Duration { return time.Duration(i.n) * units[i.unit] }

// Offset is the first start of an interval after 1970 began: nothing, but for
// weeks, which begin on Mondays, the time to the first one.
func (i Interval) Offset() time.Duration {
	if i.unit == 'w' {
		return 4 * 24 * time.Hour
	}
	return 0
}

// Start is the beginning of the interval that holds a moment, both in
// milliseconds since 1970.
func (i Interval) Start(ms int64) int64 {
	length, offset := i.Length().Milliseconds(), i.Offset().Milliseconds()
	rest := (ms - offset) % length
	if rest < 0 {
		rest += length
	}
	return ms - rest
}
