package client

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// ErrPending means that a change was accepted and not carried out yet: the same
// request, made again later, tells the outcome (SSF-RX-16).
var ErrPending = errors.New("accepted, not done yet")

// ErrUnoffered means that the transmitter's metadata has no such endpoint.
var ErrUnoffered = errors.New("the transmitter does not offer this")

// ErrMixUp means that an answer is not of the issuer that was asked (SSF-RX-03,
// SSF-RX-09). Nothing of it was used.
var ErrMixUp = errors.New("the answer is of another issuer")

// Error is a call that did not succeed.
type Error struct {
	Op          string        // what was to be done
	Status      int           // of the answer, 0 if there was none
	Code        string        // what the answer calls it, "" if nothing
	Description string        // likewise, for people
	Scope       string        // scopes that were missing, if the answer tells (RFC 6750 section 3)
	Resource    string        // resource_metadata of the answer (RFC 9728 section 5.1)
	After       time.Duration // how long the transmitter asks to wait, 0 if it does not
	Err         error         // why there was no answer
}

// Error implements error: what happened, and what to do where that is known.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Op + ": " + e.Err.Error()
	}
	text := fmt.Sprintf("%s: the transmitter answers %d", e.Op, e.Status)
	for _, part := range []string{e.Code, e.Description} {
		if part != "" {
			text += ": " + part
		}
	}
	if e.Scope != "" {
		text += " (scopes needed: " + e.Scope + ")"
	}
	if hint := hints[e.Status]; hint != "" {
		text += ": " + hint
	}
	if e.After > 0 {
		text += "; it asks to wait " + e.After.Round(time.Second).String()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

var hints = map[int]string{
	http.StatusMovedPermanently:  outbound.NoRedirects,
	http.StatusFound:             outbound.NoRedirects,
	http.StatusSeeOther:          outbound.NoRedirects,
	http.StatusTemporaryRedirect: outbound.NoRedirects,
	http.StatusPermanentRedirect: outbound.NoRedirects,
	http.StatusUnauthorized:      "check the credentials",
	http.StatusForbidden:         "the credentials are good and do not permit this; check scopes and the agreement with the transmitter",
	http.StatusNotFound:          "it is not there, or not ours",
	http.StatusConflict:          "there is one already, and the transmitter keeps one per receiver",
	http.StatusTooManyRequests:   "it is asked too often",
}

// StatusOf is the status of the answer that failed, 0 if that was not the
// trouble.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// Gone reports whether an error says that there is no such stream.
func Gone(err error) bool {
	status := StatusOf(err)
	return status == http.StatusNotFound || status == http.StatusGone
}

// challenge finds parameters of a WWW-Authenticate header.
var challenge = regexp.MustCompile(`(?:^|[\s,])(error|error_description|scope|resource_metadata)="([^"\\]*)"`)

// refused reads what a failing answer says of itself: an error object of
// RFC 8935, OAuth or a plain message, and the challenge of RFC 6750.
func refused(op string, a answer, now time.Time, secrets []string) *Error {
	e := &Error{Op: op, Status: a.status, After: outbound.RetryAfter(a.header, now)}
	show := func(s string) string {
		if outbound.Repeats(s, secrets) {
			return ""
		}
		return pipeline.Clean(s)
	}
	for _, m := range challenge.FindAllStringSubmatch(strings.Join(a.header.Values("WWW-Authenticate"), ", "), -1) {
		switch value := show(m[2]); m[1] {
		case "error":
			e.Code = value
		case "error_description":
			e.Description = value
		case "scope":
			e.Scope = value
		case "resource_metadata":
			e.Resource = value
		}
	}
	said, _ := strictjson.Parse(a.body, limits) // anything else says nothing
	first := func(already string, names ...string) string {
		for _, name := range names {
			if already == "" {
				already = show(said.Get(name).Text())
			}
		}
		return already
	}
	e.Code = first(e.Code, "err", "error", "errorCode")
	e.Description = first(e.Description, "description", "error_description", "message", "errorSummary")
	return e
}
