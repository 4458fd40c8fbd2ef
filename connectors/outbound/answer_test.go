package outbound

import (
	"net/http"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 700e6, time.UTC)

func TestByStatus(t *testing.T) {
	special := map[int]Verdict{
		401: Held, 403: Held, 404: Held, 405: Held, 407: Held, 415: Held, 421: Held, 501: Held, 505: Held,
		408: Again, 425: Again, 429: Again,
	}
	for status := 0; status < 1000; status++ {
		want, ok := special[status]
		if !ok {
			switch status / 100 {
			case 2:
				want = Taken
			case 3:
				want = Held
			case 4:
				want = Refused
			default:
				want = Again
			}
		}
		if got := ByStatus(status); got != want {
			t.Errorf("ByStatus(%d) = %d, want %d", status, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	date := func(d time.Duration) string { return now.Add(d).UTC().Format(http.TimeFormat) }
	for value, want := range map[string]time.Duration{
		"":                                0,
		"0":                               0,
		"120":                             2 * time.Minute,
		"0000000000000000000000000000120": 2 * time.Minute,
		"3600":                            time.Hour,
		"3601":                            time.Hour,
		"99999999999999999999":            time.Hour,
		"-1":                              0,
		"+1":                              0,
		"1.5":                             0,
		"1s":                              0,
		" 5":                              0,
		"soon":                            0,
		date(time.Minute):                 time.Minute - 700*time.Millisecond, // HTTP dates are whole seconds
		date(-time.Minute):                0,
		date(1000 * time.Hour):            time.Hour,
		"Sunday, 01-Mar-26 12:00:10 GMT":  9300 * time.Millisecond,
		"Sun Mar  1 12:00:10 2026":        9300 * time.Millisecond,
		"Fri, 31 Dec 9999 23:59:59 GMT":   time.Hour,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"120", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999", "-0", "Sun Mar  1 12:00:10 2026"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got < 0 || got > LongestFor {
			t.Errorf("RetryAfter(%q) = %v", value, got)
		}
	})
}
