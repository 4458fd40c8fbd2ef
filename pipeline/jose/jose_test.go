package jose_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

const claims = `{"iss":"https://idp.example.com","jti":"j-1"}`

// keys are made once per run; RSA keys are slow to make.
var keys = struct {
	rsa2048, rsa3072, rsa1024 *rsa.PrivateKey
	p256, p384                *ecdsa.PrivateKey
	ed                        ed25519.PrivateKey
}{mustRSA(2048), mustRSA(3072), mustRSA(1024), mustEC(elliptic.P256()), mustEC(elliptic.P384()), mustEd()}

func mustRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func mustEC(c elliptic.Curve) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func mustEd() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// member is the public JWK of a key with further members.
func member(t testing.TB, key any, extra map[string]any) map[string]any {
	t.Helper()
	k, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for name, v := range extra {
		m[name] = v
	}
	return m
}

func jwks(t testing.TB, members ...map[string]any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": members})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func static(t testing.TB, members ...map[string]any) *jose.Set {
	t.Helper()
	s, err := jose.Static(jwks(t, members...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func enc(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sign signs the header and payload as given with the library, whatever the
// header says.
func sign(t testing.TB, alg jwa.SignatureAlgorithm, key any, header, payload string) string {
	t.Helper()
	signer, err := jws.NewSigner(alg)
	if err != nil {
		t.Fatal(err)
	}
	input := enc(header) + "." + enc(payload)
	sig, err := signer.Sign([]byte(input), key)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + enc(string(sig))
}
