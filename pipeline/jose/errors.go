package jose

import "errors"

// ErrUnknownKey is returned by a KeySet that does not hold the key and has no
// reason to expect it (KEY-03). For the token at hand it is final.
var ErrUnknownKey = errors.New("key is not in the issuer's key set")

// ErrUnavailable is returned by a KeySet that cannot tell now because the
// issuer's keys are out of reach. The token may be offered again.
var ErrUnavailable = errors.New("key set is out of reach")

// Reason is why a token was refused, from a closed set.
type Reason uint8

// The reasons.
const (
	Malformed    Reason = iota + 1 // not a compact JWS of the form we read
	Unsigned                       // alg none (JWT-01)
	BadType                        // typ is not one the policy allows (SET-01)
	BadAlgorithm                   // alg not allowed, or not the key's (JWT-02, JWT-03)
	BadKey                         // key unknown, too weak, or brought along by the token
	BadSignature                   // the signature does not fit (JWT-04)
)

// Error is the final refusal of a token.
type Error struct {
	Reason      Reason
	Requirement string // id of the rule broken, e.g. JWT-06
	Problem     string // lower case; may quote the header, never key material
}

// Error implements error.
func (e *Error) Error() string { return e.Problem }

func refuse(r Reason, requirement, problem string) *Error {
	return &Error{Reason: r, Requirement: requirement, Problem: problem}
}
