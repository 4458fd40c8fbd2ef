package jose_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestStaticTakesPublicSignatureKeysOnly(t *testing.T) {
	private := func() map[string]any {
		k, err := jwk.FromRaw(keys.rsa2048)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]any{}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	rsaKey := func(extra map[string]any) map[string]any { return member(t, keys.rsa2048, extra) }
	for _, c := range []struct {
		name string
		key  map[string]any
		want int
	}{
		{"plain", rsaKey(nil), 1},
		{"use sig", rsaKey(map[string]any{"use": "sig"}), 1},
		{"key_ops verify", rsaKey(map[string]any{"key_ops": []string{"encrypt", "verify"}}), 1},
		{"alg PS512", rsaKey(map[string]any{"alg": "PS512"}), 1},
		{"use enc", rsaKey(map[string]any{"use": "enc"}), 0},
		{"use of another kind", rsaKey(map[string]any{"use": []string{"sig"}}), 0},
		{"key_ops encrypt", rsaKey(map[string]any{"key_ops": []string{"encrypt"}}), 0},
		{"key_ops empty", rsaKey(map[string]any{"key_ops": []string{}}), 0},
		{"alg for encryption", rsaKey(map[string]any{"alg": "RSA-OAEP"}), 0},
		{"alg of another type", rsaKey(map[string]any{"alg": "ES256"}), 0},
		{"alg HS256", rsaKey(map[string]any{"alg": "HS256"}), 0},
		{"kid number", rsaKey(map[string]any{"kid": 7}), 0},
		{"private", private(), 0},
		{"symmetric", map[string]any{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}, 0},
		{"type of the future", map[string]any{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}, 0},
		{"ed25519", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64url(32)}, 1},
		{"ed25519 without a value", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": ""}, 0},
		{"ed25519 too short", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64url(31)}, 0},
		{"ed25519 too long", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64url(64)}, 0},
		{"point beside the curve", map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(32), "y": base64url(32)}, 0},
		{"coordinates too long", map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(2000), "y": base64url(2000)}, 0},
		{"broken", map[string]any{"kty": "RSA", "n": "!", "e": "AQAB"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A good key beside it stays usable.
			s := static(t, c.key, member(t, keys.p256, map[string]any{"kid": "ec"}))
			req.Equal(t, "JWT-02 JWT-03", s.Len()-1, c.want)
			if _, err := s.Key(context.Background(), "ec", "ES256"); err != nil {
				t.Error(err)
			}
		})
	}
}

// base64url is a member of n bytes.
func base64url(n int) string { return base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{9}, n)) }

// TestMalformedKeysVerifyNothing: a key set with keys of a wrong length must not
// bring down whoever verifies with it.
func TestMalformedKeysVerifyNothing(t *testing.T) {
	policy := jose.Policy{Algorithms: []string{"EdDSA"}, Types: []string{"secevent+jwt"}}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","typ":"secevent+jwt","kid":"k"}`))
	c, err := jose.ParseCompact([]byte(header + ".e30." + base64url(64)))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 31, 33, 64} {
		s := static(t, map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": base64url(n)})
		var refused *jose.Error
		if _, err := jose.Verify(t.Context(), c, s, policy); !errors.As(err, &refused) || refused.Reason != jose.BadKey {
			t.Errorf("with a key of %d bytes: %v", n, err)
		}
	}
}

func TestStaticSameName(t *testing.T) {
	s := static(t,
		member(t, keys.rsa2048, map[string]any{"kid": "k"}),
		member(t, keys.p256, map[string]any{"kid": "k"}))
	for _, alg := range []string{"RS256", "ES256"} {
		if err := verifiable(s, "k", alg); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	if _, err := s.Key(context.Background(), "other", "RS256"); !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
}

func verifiable(s jose.KeySet, kid, alg string) error {
	k, err := s.Key(context.Background(), kid, alg)
	if err == nil && k.ID() != kid {
		return errors.New("another key: " + k.ID())
	}
	return err
}

func TestStaticRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"keys":{}}`, `{"keys":[],"keys":[]}`, `{"keys":[]} x`} {
		if _, err := jose.Static([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestStaticFile(t *testing.T) {
	dir := t.TempDir()
	good, empty := filepath.Join(dir, "good.json"), filepath.Join(dir, "empty.json")
	for path, text := range map[string][]byte{
		good:  jwks(t, member(t, keys.p256, map[string]any{"kid": "ec"})),
		empty: []byte(`{"keys":[]}`),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := jose.StaticFile(good); err != nil || s.Len() != 1 {
		t.Errorf("good file: %v", err)
	}
	for _, path := range []string{empty, filepath.Join(dir, "none.json")} {
		if _, err := jose.StaticFile(path); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}

func FuzzStatic(f *testing.F) {
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"k"}]}`))
	f.Add(jwks(f, member(f, keys.rsa2048, nil), member(f, keys.ed, nil)))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := jose.Static(text)
		if err != nil {
			return
		}
		for _, alg := range []string{"RS256", "ES256", "EdDSA", "none", "HS256"} {
			k, err := s.Key(context.Background(), "", alg)
			if err == nil && (alg == "none" || alg == "HS256") {
				t.Fatalf("key %q for %s", k.ID(), alg)
			}
		}
	})
}
