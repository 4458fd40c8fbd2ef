package push

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// answer is what one request is told: a status, and with 400 the error object.
type answer struct {
	status int
	after  time.Duration // Retry-After, with 429 and 503
	reason ssf.Error     // with 400
	body   []byte        // with 429: JSON, or nothing
}

// Retry-After where nobody said when.
const (
	retrySoon   = time.Second
	retryLater  = 5 * time.Second
	longestWait = time.Hour
)

var accepted = answer{status: http.StatusAccepted}

// unavailable asks for another try after d.
func unavailable(d time.Duration) answer {
	return answer{status: http.StatusServiceUnavailable, after: d}
}

// outcome answers a message by its receipt.
func (e *Endpoint) outcome(r pipeline.Receipt) answer {
	switch {
	case r.Retry != nil:
		return refusal(r.Retry)
	case r.Reject != nil:
		return answer{status: http.StatusBadRequest, reason: e.dialect.Error(r.Reject)}
	}
	return accepted
}

// refusal answers a message whose outcome is not durable. What went wrong here
// is no business of the sender.
func refusal(err error) answer {
	var busy *pipeline.BusyError
	if errors.As(err, &busy) && busy.After > 0 {
		return unavailable(busy.After)
	}
	return unavailable(retryLater)
}

// write sends the answer. Success has an empty body and no content type
// (PUSH-02); a refused SET has an error object in a stated language (PUSH-03,
// PUSH-04); all else is a bare status (PUSH-06), but for what a dialect adds.
func (a answer) write(w http.ResponseWriter) {
	header := w.Header()
	if a.after > 0 {
		header.Set("Retry-After", seconds(a.after))
	}
	text := a.body
	if a.status == http.StatusBadRequest {
		text = a.reason.AppendJSON(nil)
		header.Set("Content-Language", "en")
	}
	if text == nil {
		w.WriteHeader(a.status)
		return
	}
	header.Set("Content-Type", ssf.MediaTypeJSON)
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // a peer that went away is no fault
}

// seconds writes a duration in whole seconds, rounded up and at least one.
func seconds(d time.Duration) string {
	d = min(max(d, time.Second), longestWait)
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
