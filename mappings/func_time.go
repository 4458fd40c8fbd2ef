package mappings

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var timeFunctions = []Function{
	{Name: "time", Args: "value…", Doc: "The first value that is a time: epoch seconds, milliseconds, microseconds or nanoseconds, a FILETIME (told apart by size), RFC 3339 with or without zone, and the forms of vendors. Times before 2000 or more than a day after the receipt are none.", least: 1, most: -1,
		run: func(e *env, args []value) value {
			for _, a := range args {
				if t, ok := readTime(a); ok && plausible(t, e) {
					return e.momentOf(t)
				}
				e.noTime(a)
			}
			return value{}
		}},
	{Name: "epoch", Args: "time", Doc: "Whole seconds since 1970, for members that are so defined.", least: 1, most: 1,
		run: func(e *env, args []value) value {
			if t, ok := readTime(args[0]); ok && plausible(t, e) {
				return intOf(t.Unix())
			}
			return value{}
		}},
	{Name: "deadline", Args: "time", Doc: "Whole seconds since 1970 of a time that may lie ahead, such as an expiry. Times before 2000 or after 2199 are none.", least: 1, most: 1,
		run: func(_ *env, args []value) value {
			if t, ok := readTime(args[0]); ok && !t.Before(earliest) && t.Before(latest) {
				return intOf(t.Unix())
			}
			return value{}
		}},
}

// noTime keeps a value that was taken for a time, to tell which it was.
func (e *env) noTime(v value) {
	if nullLike(v) {
		return
	}
	if s, ok := v.string(); ok {
		e.untimed = s
	} else {
		e.untimed = v.kind.String()
	}
}

// latest is after any time that a record can look ahead to.
var latest = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// earliest is before any time that a record can be about.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func plausible(t time.Time, e *env) bool {
	received := e.received
	return !t.Before(earliest) && (received.IsZero() || t.Before(received.Add(24*time.Hour)))
}

// readTime reads a time in one of the forms that products write.
func readTime(v value) (time.Time, bool) {
	switch v.kind {
	case moment:
		return v.made.at, true
	case number:
		return epochTime(v.text)
	case text:
		s := strings.TrimSpace(v.text)
		if s == "" {
			return time.Time{}, false
		}
		if ms, ok := strings.CutPrefix(s, "/Date("); ok { // of .NET, in milliseconds
			ms, _, _ = strings.Cut(ms, ")")
			return epochTime(ms)
		}
		if s[0] >= '0' && s[0] <= '9' && !strings.ContainsAny(s, "-/: TZ") {
			return epochTime(s)
		}
		return writtenTime(s)
	}
	return time.Time{}, false
}

// fileTimeEpoch is 1970 as a FILETIME: units of 100 ns since 1601.
const fileTimeEpoch = 116444736000000000

// epochTime reads a number, whose size tells its unit.
func epochTime(digits string) (time.Time, bool) {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		switch {
		case n < 1e8:
			return time.Time{}, false
		case n < 1e11:
			return time.Unix(n, 0).UTC(), true
		case n < 1e14:
			return time.UnixMilli(n).UTC(), true
		case n < 1e17:
			return time.UnixMicro(n).UTC(), true
		case n < 2e17:
			n -= fileTimeEpoch
			return time.Unix(n/1e7, n%1e7*100).UTC(), true
		}
		return time.Unix(0, n).UTC(), true
	}
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case err != nil || !(f >= 1e8 && f < 1e14):
		return time.Time{}, false
	case f < 1e11:
		f *= 1e6
	default:
		f *= 1e3
	}
	return time.UnixMicro(int64(math.Round(f))).UTC(), true
}

// forms are the written forms beside RFC 3339, without zone: UTC.
var forms = []string{
	"2006-01-02T15:04:05", // with any fraction
	"2006-01-02T15:04",
	"2006-01-02",
	"1/2/2006 3:04:05 PM",
	"1/2/2006 15:04:05",
	"Mon Jan _2 15:04:05 2006",
	"Jan _2 2006 15:04:05",
	"Jan _2, 2006 3:04:05 PM",
	"Jan _2, 2006 15:04:05",
	"_2 Jan 2006 15:04:05",
	"2006/01/02 15:04:05",
	"20060102T150405Z",
	"20060102T150405",
	"2.1.2006 15:04:05",
	"2.1.2006 15:04",
	"02/Jan/2006:15:04:05 -0700", // of web servers
	time.RFC1123,
	time.RFC1123Z,
}

// writtenTime reads a written time. A space may stand for the T, a zone as
// +0000 or UTC may follow, and an hour may have one digit.
func writtenTime(s string) (time.Time, bool) {
	if len(s) > 64 {
		return time.Time{}, false
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), true
	}
	if len(s) > 11 && (s[10] == ' ' || s[10] == 'T' || s[10] == 't') && s[4] == '-' {
		day, clock := s[:10], strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(s[11:]), " UTC"), " GMT")
		if len(clock) > 1 && clock[1] == ':' {
			clock = "0" + clock
		}
		clock = strings.Replace(clock, " ", "", 1) // before a zone
		s = day + "T" + clock
		for _, zone := range []string{"", "Z07:00", "Z0700"} {
			if t, err := time.Parse("2006-01-02T15:04:05"+zone, s); err == nil {
				return t.UTC(), true
			}
		}
	}
	for _, form := range forms {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
