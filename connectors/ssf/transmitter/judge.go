package transmitter

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// How long to wait before the next try.
const (
	holdFor    = 5 * time.Minute // where somebody has to put something in order
	longestFor = time.Hour       // however long a peer asks for
)

// verdict is what an answer means for a delivery.
type verdict uint8

const (
	taken verdict = iota
	again         // the peer cannot take it now
	held          // the peer takes it once somebody put something in order
	final         // the peer will never take it
)

// byStatus judges an answer without an error object (PUSH-12). What a status
// says of the endpoint is held, since the configuration of either side can be
// put right; what it says of the token is final.
func byStatus(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return taken
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		return again
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired,
		status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusUnsupportedMediaType,
		status == http.StatusMisdirectedRequest, status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported,
		status >= 300 && status < 400:
		return held
	case status >= 400 && status < 500:
		return final
	}
	return again
}

// judge turns an answer into a result.
func (s *sink) judge(resp *http.Response, body []byte) pipeline.Result {
	status := strconv.Itoa(resp.StatusCode)
	v, code, why := byStatus(resp.StatusCode), status, http.StatusText(resp.StatusCode)
	if resp.StatusCode == http.StatusBadRequest {
		if e, ok := ssf.ParseError(body); ok {
			if e.Description != "" {
				why = e.Description
			}
			switch ssf.ClassOf(e.Code) {
			case ssf.Final:
				code = e.Code
			case ssf.Hold:
				v, code = held, e.Code
			case ssf.Other:
				why = fmt.Sprintf("unknown code %q: %s", e.Code, why)
			}
		}
	}
	r := pipeline.Result{Info: note(status, code)}
	switch v {
	case taken:
		if resp.StatusCode != http.StatusAccepted {
			r.Info = status + " instead of 202"
		}
	case final:
		r.Err = &pipeline.FinalError{Code: code, Err: fmt.Errorf("refused by %s: %s", s.name, why)}
	case held:
		r.Err = fmt.Errorf("held by %s: %s: %s", s.name, code, why)
		r.After = max(holdFor, s.retryAfter(resp))
	case again:
		r.Err = fmt.Errorf("not taken by %s: %s: %s", s.name, code, why)
		r.After = s.retryAfter(resp)
	}
	return r
}

func note(status, code string) string {
	if code == status {
		return status
	}
	return status + " " + code
}

func (s *sink) retryAfter(resp *http.Response) time.Duration {
	return retryAfter(resp.Header.Get("Retry-After"), s.now())
}

// retryAfter reads a Retry-After value, seconds or a date (RFC 9110 section
// 10.2.3): at most one hour, 0 for what says nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if isDigits(value) {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n > int64(longestFor/time.Second) {
			return longestFor // digits that do not fit are a very long time
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), longestFor)
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
