package jose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// minRSABits is the floor under every policy (INTEROP-20).
const minRSABits = 2048

// Policy says what a signature must be like. The zero Policy allows nothing.
type Policy struct {
	Algorithms []string // allow list (JWT-02)
	MinRSABits int      // at least 2048 whatever it says
	Types      []string // allowed typ: lower case, without application/; "" allows a missing one
}

// Verify checks a token against the policy, in an order that lets a stranger
// cause no work: type, then algorithm, then the look-up of the key, then the
// signature over the bytes as received. It returns the key. An *Error is final for the token; any
// other error means that it could not be verified now.
func Verify(ctx context.Context, c Compact, keys KeySet, p Policy) (Key, error) {
	h := c.Header
	if !slices.Contains(p.Types, h.MediaType) {
		if h.Type == "" {
			return Key{}, refuse(BadType, "SET-01", "header member typ is missing")
		}
		return Key{}, refuse(BadType, "SET-01", "header member typ is "+quote(h.Type)+", not one accepted here")
	}
	if !slices.Contains(p.Algorithms, h.Algorithm) {
		return Key{}, refuse(BadAlgorithm, "JWT-02", "algorithm "+quote(h.Algorithm)+" is not accepted from this issuer")
	}
	key, err := keys.Key(ctx, h.KeyID, h.Algorithm)
	if errors.Is(err, ErrUnknownKey) {
		return Key{}, refuse(BadKey, "KEY-03", unknownKey(h.KeyID, err))
	}
	if err != nil {
		return Key{}, fmt.Errorf("look up key %s: %w", quote(h.KeyID), err)
	}
	use := key.use(h.Algorithm)
	if use == nil {
		return Key{}, refuse(BadAlgorithm, "JWT-02", "key "+quote(h.KeyID)+" is not for algorithm "+quote(h.Algorithm))
	}
	if least := max(p.MinRSABits, minRSABits); key.bits != 0 && key.bits < least {
		return Key{}, refuse(BadKey, "INTEROP-20", "key "+quote(h.KeyID)+" is an RSA key of less than "+strconv.Itoa(least)+" bits")
	}
	if err := use.verifier.Verify(c.SigningInput, c.Signature, key.public); err != nil {
		return Key{}, refuse(BadSignature, "JWT-04", "signature does not verify with key "+quote(h.KeyID))
	}
	if c.learn != nil {
		c.learn.add(c.encoded, h)
	}
	return key, nil
}

// unknownKey says that the issuer has no such key; err may say more.
func unknownKey(id string, err error) string {
	if err == ErrUnknownKey && id != "" {
		return "key " + quote(id) + " is not in the issuer's key set"
	}
	return "key " + quote(id) + ": " + err.Error()
}
