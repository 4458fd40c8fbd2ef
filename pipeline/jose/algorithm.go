package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// algorithm is one signature algorithm a key may be used with.
type algorithm struct {
	name     string
	verifier jws.Verifier
	fits     func(crypto.PublicKey) bool
}

// algorithms is the whole of what this package verifies: asymmetric signatures
// only, so that a public key can never serve as an HMAC secret (JWT-03).
var algorithms = []algorithm{
	{"RS256", verifier(jwa.RS256), isRSA},
	{"RS384", verifier(jwa.RS384), isRSA},
	{"RS512", verifier(jwa.RS512), isRSA},
	{"PS256", verifier(jwa.PS256), isRSA},
	{"PS384", verifier(jwa.PS384), isRSA},
	{"PS512", verifier(jwa.PS512), isRSA},
	{"ES256", verifier(jwa.ES256), onCurve(elliptic.P256())},
	{"ES384", verifier(jwa.ES384), onCurve(elliptic.P384())},
	{"ES512", verifier(jwa.ES512), onCurve(elliptic.P521())},
	{"EdDSA", verifier(jwa.EdDSA), isEd25519},
}

// Supported reports whether tokens signed with the algorithm can be verified
// at all. Neither none nor any HMAC algorithm is.
func Supported(alg string) bool {
	for i := range algorithms {
		if algorithms[i].name == alg {
			return true
		}
	}
	return false
}

// verifier gives the library's verifier; those are stateless and shared. An
// algorithm the library does not know is left without one and fits no key.
func verifier(alg jwa.SignatureAlgorithm) jws.Verifier {
	v, err := jws.NewVerifier(alg)
	if err != nil {
		return nil
	}
	return v
}

func isRSA(k crypto.PublicKey) bool {
	_, ok := k.(*rsa.PublicKey)
	return ok
}

// isEd25519 asks for the length too: the library takes any from a key set, and
// the standard library panics when it verifies with another.
func isEd25519(k crypto.PublicKey) bool {
	ed, ok := k.(ed25519.PublicKey)
	return ok && len(ed) == ed25519.PublicKeySize
}

// onCurve asks for a point of the curve; the library takes any two numbers.
func onCurve(c elliptic.Curve) func(crypto.PublicKey) bool {
	return func(k crypto.PublicKey) bool {
		ec, ok := k.(*ecdsa.PublicKey)
		if !ok || ec.Curve != c {
			return false
		}
		_, err := ec.ECDH()
		return err == nil
	}
}
