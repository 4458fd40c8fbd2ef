package transmitter

import (
	"net/http"
	"time"
)

// fault is why a request is refused: its status, and what the error object of the
// answer says. No fault tells more than the caller may know.
type fault struct {
	status int
	code   string // err of the error object
	text   string
	after  time.Duration // Retry-After
}

// Error implements error.
func (f *fault) Error() string { return f.text }

func malformed(text string) *fault {
	return &fault{status: http.StatusBadRequest, code: "invalid_request", text: text}
}

func tooMany(text string) *fault {
	return &fault{status: http.StatusForbidden, code: "access_denied", text: text}
}

// noStream is what is said of a stream that is not there, and of one of somebody
// else (SSF-TX-48).
var noStream = &fault{status: http.StatusNotFound, code: "not_found", text: "there is no such stream"}

func busy(after time.Duration) *fault {
	return &fault{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", text: "try again later", after: after}
}
