package push

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// sender is how a transmitter shows who it is: a shared Authorization value.
type sender struct {
	anonymous bool
	name      string            // "" when anonymous
	want      [sha256.Size]byte // of the expected value in normal form; of no value when there is none
	challenge string            // WWW-Authenticate
}

func newSender(o Options) sender {
	s := sender{anonymous: o.Anonymous, challenge: "Bearer"}
	if o.Anonymous || o.Authorization == "" {
		return s
	}
	value := normal(o.Authorization)
	if strings.HasPrefix(value, "basic ") {
		s.challenge = `Basic realm="push"`
	}
	s.name, s.want = o.Sender, sha256.Sum256([]byte(value))
	return s
}

// authentic reports whether the request carries the expected value. The
// comparison takes the same time whatever the value; digests are compared, so
// not even the length shows.
func (s *sender) authentic(h http.Header) bool {
	if s.anonymous {
		return true
	}
	values := h.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	got := sha256.Sum256([]byte(normal(values[0])))
	return subtle.ConstantTimeCompare(got[:], s.want[:]) == 1
}

// normal brings an Authorization value into one form: the scheme in lower case,
// one space, the credentials as they are. A value without a scheme is a bearer
// token.
func normal(value string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok {
		return "bearer " + scheme
	}
	return strings.ToLower(scheme) + " " + strings.TrimLeft(rest, " ")
}

// Credentials is the part of an Authorization value that is secret.
func Credentials(value string) string {
	_, credentials, _ := strings.Cut(normal(value), " ")
	return credentials
}
