package pipeline

import (
	"fmt"
	"time"
)

// The error codes of RFC 8935 section 2.4 and SSF section 8.1.4.1, and our own
// for the journal; only the former leave the product.
const (
	InvalidRequest       = "invalid_request"
	InvalidKey           = "invalid_key"
	InvalidIssuer        = "invalid_issuer"
	InvalidAudience      = "invalid_audience"
	AuthenticationFailed = "authentication_failed"
	AccessDenied         = "access_denied"
	InvalidState         = "invalid_state"
	Unmapped             = "unmapped" // no mapping knows the record
)

// RejectError is the final refusal of a message: asking again changes nothing
// until the message or the configuration does.
type RejectError struct {
	Code        string // one of the codes above
	Description string // for the sender: what is wrong, with its place; no secrets
	Requirement string // id of the rule broken, e.g. SET-05; for logs and the journal
	Issuer      string // iss the message claims, unverified; "" if unreadable
	JTI         string // likewise
}

// Error implements error.
func (e *RejectError) Error() string {
	if e.Requirement == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Description)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Code, e.Description, e.Requirement)
}

// BusyError says that a handler takes nothing now.
type BusyError struct {
	Reason string // "journal is full", "shutting down"
	After  time.Duration
}

// Error implements error.
func (e *BusyError) Error() string { return e.Reason }

// FinalError marks a delivery that will never succeed as it is.
type FinalError struct {
	Code string // the peer's code or a status, from a small set
	Err  error
}

// Error implements error.
func (e *FinalError) Error() string { return fmt.Sprintf("%s: %v", e.Code, e.Err) }

// Unwrap gives the cause.
func (e *FinalError) Unwrap() error { return e.Err }
