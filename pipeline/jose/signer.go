package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// setType is the typ of the tokens a Signer makes (SET-01).
const setType = "secevent+jwt"

// Signer signs Security Event Tokens, or what As made it, with one private key. It is immutable and
// safe for concurrent use; the key never leaves it (KEY-06).
type Signer struct {
	alg     string
	kid     string
	private crypto.Signer
	library jws.Signer
	header  []byte // the protected header, encoded, with its dot
	public  json.RawMessage
}

// GenerateSigner makes a new key for ES256, RS256 (2048 bits) or EdDSA.
func GenerateSigner(alg string) (*Signer, error) {
	key, err := generate(alg)
	if err != nil {
		return nil, err
	}
	return NewSigner(key)
}

func generate(alg string) (crypto.Signer, error) {
	var (
		key crypto.Signer
		err error
	)
	switch alg {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, minRSABits)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("make a signing key: algorithm %q is none of ES256, RS256, EdDSA", alg)
	}
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return key, nil
}

// NewSigner signs with a private key: an *ecdsa.PrivateKey on P-256 signs
// ES256, an *rsa.PrivateKey of at least 2048 bits RS256, an ed25519.PrivateKey
// EdDSA. Its name is the RFC 7638 thumbprint of the key.
func NewSigner(key crypto.Signer) (*Signer, error) {
	alg, err := signingAlgorithm(key)
	if err != nil {
		return nil, err
	}
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("name signing key: %w", err)
	}
	s := &Signer{alg: alg, kid: base64.RawURLEncoding.EncodeToString(sum), private: key}
	if s.library, err = jws.NewSigner(jwa.SignatureAlgorithm(alg)); err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	for member, value := range map[string]string{jwk.KeyIDKey: s.kid, jwk.AlgorithmKey: alg, jwk.KeyUsageKey: "sig"} {
		if err := public.Set(member, value); err != nil {
			return nil, fmt.Errorf("name signing key: %w", err)
		}
	}
	if s.public, err = json.Marshal(public); err != nil {
		return nil, fmt.Errorf("publish signing key: %w", err)
	}
	s.header = header(alg, s.kid, setType)
	return s, nil
}

// As returns the signer of tokens of another type with the same key, such as
// "JWT"; a kid that is not empty names the key in place of its thumbprint.
func (s *Signer) As(typ, kid string) *Signer {
	c := *s
	if kid != "" {
		c.kid = kid
	}
	c.header = header(c.alg, c.kid, typ)
	return &c
}

// header is the protected header, encoded, with its dot.
func header(alg, kid, typ string) []byte {
	h := append([]byte(`{"alg":"`), alg...)
	h = append(h, `","kid":`...)
	h = strictjson.AppendString(h, kid)
	h = append(h, `,"typ":`...)
	h = strictjson.AppendString(h, typ)
	h = append(h, '}')
	return append(base64.RawURLEncoding.AppendEncode(nil, h), '.')
}

func signingAlgorithm(key crypto.Signer) (string, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() {
			return "ES256", nil
		}
	case *rsa.PrivateKey:
		if k.N.BitLen() >= minRSABits {
			return "RS256", nil
		}
	case ed25519.PrivateKey:
		return "EdDSA", nil
	}
	return "", fmt.Errorf("signing key must be ECDSA on P-256, RSA of at least %d bits, or Ed25519", minRSABits)
}

// Algorithm returns the alg of the tokens.
func (s *Signer) Algorithm() string { return s.alg }

// KeyID returns the kid of the tokens.
func (s *Signer) KeyID() string { return s.kid }

// JWKS returns the public key as a JWK Set.
func (s *Signer) JWKS() []byte { return appendSet(nil, s) }

// Sign returns the compact token over the payload.
func (s *Signer) Sign(payload []byte) ([]byte, error) {
	enc := base64.RawURLEncoding
	const signatureRoom = 360 // a dot and RS256 of 2048 bits
	token := make([]byte, 0, len(s.header)+enc.EncodedLen(len(payload))+signatureRoom)
	token = append(token, s.header...)
	token = enc.AppendEncode(token, payload)
	signature, err := s.library.Sign(token, s.private)
	if err != nil {
		return nil, fmt.Errorf("sign token with key %s: %w", s.kid, err)
	}
	token = append(token, '.')
	return enc.AppendEncode(token, signature), nil
}

// appendSet appends a JWK Set of the signers' public keys.
func appendSet(b []byte, signers ...*Signer) []byte {
	b = append(b, `{"keys":[`...)
	for i, s := range signers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s.public...)
	}
	return append(b, `]}`...)
}
