package okta

import (
	"net/http"
	"strconv"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// refusal is what a sender is told, in the codes that Okta's page lists: a
// sender built for Okta knows no others.
func refusal(r *pipeline.RejectError) ssf.Error {
	e := ssf.FromReject(r)
	switch e.Code {
	case pipeline.AccessDenied:
		e.Code = pipeline.AuthenticationFailed
	case pipeline.InvalidState:
		e.Code = pipeline.InvalidRequest
	}
	return e
}

// The header members in which Okta tells of its rate limits.
const (
	rateLimit     = "X-Rate-Limit-Limit"
	rateRemaining = "X-Rate-Limit-Remaining"
	rateReset     = "X-Rate-Limit-Reset" // seconds since the epoch
)

// quota tells how much of the rate is left, as Okta does with every answer.
func quota(h http.Header, q push.Quota) {
	reset := q.Reset.Unix()
	if q.Reset.Nanosecond() > 0 {
		reset++
	}
	h.Set(rateLimit, strconv.Itoa(q.Limit))
	h.Set(rateRemaining, strconv.Itoa(q.Remaining))
	h.Set(rateReset, strconv.FormatInt(reset, 10))
}

// tooMany is Okta's error object of a 429.
var tooMany = []byte(`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.",` +
	`"errorLink":"E0000047","errorId":"signalbox","errorCauses":[]}`)
