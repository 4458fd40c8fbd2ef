package jose

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// KeySet holds the public keys of one issuer; a token is verified with the key
// set of its issuer and no other (KEY-02). It is safe for concurrent use.
type KeySet interface {
	// Key returns the key named kid, preferring one that can be used with alg
	// should several bear the name. An empty kid stands for the only key fit
	// for alg. Errors wrap ErrUnknownKey or ErrUnavailable, or are the
	// context's.
	Key(ctx context.Context, kid, alg string) (Key, error)
}

// Key is a public key with the algorithms it may be used with. The zero Key
// can be used with none.
type Key struct {
	id     string
	public crypto.PublicKey
	bits   int         // size of the modulus; 0 unless RSA
	uses   []algorithm // by the key's type and its alg member (JWT-02)
	print  string
	text   []byte
}

// ID returns the key's name, "" if it has none.
func (k Key) ID() string { return k.id }

// Thumbprint is the RFC 7638 thumbprint (SHA-256, base64url), which names the
// key whatever its issuer calls it.
func (k Key) Thumbprint() string { return k.print }

// JWK is the public key as a JWK with its name: what a signature can be checked
// with once the issuer shows the key no more. It must not be modified.
func (k Key) JWK() []byte { return k.text }

func (k Key) use(alg string) *algorithm {
	for i := range k.uses {
		if k.uses[i].name == alg {
			return &k.uses[i]
		}
	}
	return nil
}

// maxRSABits bounds the work one verification can be made to take.
const maxRSABits = 8192

// newKey binds a public key to the algorithms that fit its type, or to the one
// named by alg.
func newKey(id, alg string, public crypto.PublicKey) (Key, error) {
	k := Key{id: id, public: public}
	if r, ok := public.(*rsa.PublicKey); ok {
		k.bits = r.N.BitLen()
		if k.bits > maxRSABits {
			return Key{}, fmt.Errorf("rsa key of %d bits is larger than %d", k.bits, maxRSABits)
		}
	}
	for _, a := range algorithms {
		if (alg == "" || alg == a.name) && a.verifier != nil && a.fits(public) {
			k.uses = append(k.uses, a)
		}
	}
	if len(k.uses) == 0 {
		return Key{}, fmt.Errorf("key of type %T cannot verify signatures of algorithm %q", public, alg)
	}
	return k, nil
}

// readKey makes a Key of one member of a JWK Set. It refuses what is not a
// public key for signatures: private and symmetric keys, and keys whose use,
// key_ops or alg say otherwise.
func readKey(v strictjson.Value) (Key, error) {
	if v.Kind() != strictjson.Object {
		return Key{}, fmt.Errorf("key is not a JSON object")
	}
	for _, name := range []string{"d", "k"} {
		if v.Get(name).Exists() {
			return Key{}, fmt.Errorf("key is private or symmetric")
		}
	}
	if use := v.Get("use"); use.Exists() && use.Text() != "sig" {
		return Key{}, fmt.Errorf("key is not for signatures")
	}
	if ops := v.Get("key_ops"); ops.Exists() {
		verify := func(e strictjson.Value) bool { return e.Text() == "verify" }
		if !slices.ContainsFunc(slices.Collect(ops.Elements()), verify) {
			return Key{}, fmt.Errorf("key is not for verifying")
		}
	}
	alg, kid := v.Get("alg"), v.Get("kid")
	if alg.Exists() && alg.Text() == "" || kid.Exists() && kid.Kind() != strictjson.String {
		return Key{}, fmt.Errorf("members alg and kid of a key must be strings")
	}
	parsed, err := jwk.ParseKey(v.Raw())
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	public, err := jwk.PublicRawKeyOf(parsed)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	k, err := newKey(kid.Text(), alg.Text(), public)
	if err != nil {
		return Key{}, err
	}
	return k, k.publish()
}

// publish makes the texts that name and show the key.
func (k *Key) publish() error {
	shown, err := jwk.FromRaw(k.public)
	if err != nil {
		return fmt.Errorf("publish key: %w", err)
	}
	sum, err := shown.Thumbprint(crypto.SHA256)
	if err != nil {
		return fmt.Errorf("name key: %w", err)
	}
	k.print = base64.RawURLEncoding.EncodeToString(sum)
	if k.id != "" {
		if err := shown.Set(jwk.KeyIDKey, k.id); err != nil {
			return fmt.Errorf("publish key: %w", err)
		}
	}
	if k.text, err = json.Marshal(shown); err != nil {
		return fmt.Errorf("publish key: %w", err)
	}
	return nil
}
