package outbound

import (
	"net/http"
	"strconv"
	"time"
)

// How long to wait before the next try.
const (
	HoldFor    = 5 * time.Minute // where somebody has to put something in order
	LongestFor = time.Hour       // however long a peer asks for
)

// NoRedirects is what to do about an answer that points elsewhere.
const NoRedirects = "redirects are not followed; configure the URL it points to"

// Verdict is what an answer means for a delivery.
type Verdict uint8

// The verdicts.
const (
	Taken   Verdict = iota
	Again           // the peer cannot take it now
	Held            // the peer takes it once somebody put something in order
	Refused         // the peer will never take it
)

// ByStatus judges an answer by its status alone (PUSH-12). What a status says of
// the endpoint is held, since the configuration of either side can be put
// right; what it says of the message is refused for good.
func ByStatus(status int) Verdict {
	switch {
	case status >= 200 && status < 300:
		return Taken
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return Again
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired,
		status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusUnsupportedMediaType,
		status == http.StatusMisdirectedRequest, status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported,
		status >= 300 && status < 400:
		return Held
	case status >= 400 && status < 500:
		return Refused
	}
	return Again
}

// RetryAfter reads the Retry-After of an answer, seconds or a date (RFC 9110
// section 10.2.3): at most one hour, 0 for what says nothing.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if isDigits(value) {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n > int64(LongestFor/time.Second) {
			return LongestFor // digits that do not fit are a very long time
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), LongestFor)
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
