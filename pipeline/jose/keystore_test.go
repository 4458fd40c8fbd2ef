package jose_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func open(t *testing.T, dir string) *jose.KeyStore {
	t.Helper()
	s, err := jose.OpenKeyStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyStoreMakesAndKeepsKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	ec, err := s.Signer("")
	if err != nil {
		t.Fatal(err)
	}
	if ec.Algorithm() != "ES256" {
		t.Errorf("default key signs %s", ec.Algorithm())
	}
	rs, err := s.Signer("RS256")
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	for _, was := range []*jose.Signer{ec, rs} {
		is, err := again.Signer(was.Algorithm())
		if err != nil || is.KeyID() != was.KeyID() {
			t.Errorf("%s: key %v became %v, %v", was.Algorithm(), was.KeyID(), is.KeyID(), err)
		}
	}
	if string(again.JWKS()) != string(s.JWKS()) {
		t.Error("published keys changed")
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", e.Name(), info.Mode(), err)
		}
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "es256-0001.pem rs256-0001.pem" {
		t.Errorf("files: %s", got)
	}
}

func TestKeyStorePublishesPublicKeysOnly(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	for _, alg := range []string{"RS256", "EdDSA"} {
		if _, err := s.Signer(alg); err != nil {
			t.Fatal(err)
		}
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(s.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 3 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			req.True(t, "KEY-06", k[private] == nil, "member %s is published", private)
		}
		if k["kid"] == nil || k["alg"] == nil || k["use"] != "sig" {
			t.Errorf("key is not labelled: %v", k)
		}
	}
}

func TestSignedTokensVerify(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys"))
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		signer, err := s.Signer(alg)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		for _, published := range [][]byte{s.JWKS(), signer.JWKS()} {
			set, err := jose.Static(published)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify(t, string(token), set, policy); err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			library, err := jwk.Parse(published)
			if err != nil {
				t.Fatal(err)
			}
			if payload, err := jws.Verify(token, jws.WithKeySet(library)); err != nil || string(payload) != claims {
				t.Errorf("%s: the library says %v", alg, err)
			}
		}
		m, err := jws.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		h := m.Signatures()[0].ProtectedHeaders()
		req.Equal(t, "SET-01 SET-20", h.Type()+" "+h.KeyID()+" "+h.Algorithm().String(), "secevent+jwt "+signer.KeyID()+" "+alg)
	}
}

func TestKeyStoreFirstRunRaces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	ids := make([]string, 4)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := jose.OpenKeyStore(dir)
			if err != nil {
				t.Error(err)
				return
			}
			signer, err := s.Signer("")
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = signer.KeyID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("processes sign with different keys: %v", ids)
		}
	}
}

func TestKeyStoreNewestSigns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	other := filepath.Join(t.TempDir(), "other")
	open(t, dir)
	next, err := open(t, other).Signer("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, "es256-0001.pem"), filepath.Join(dir, "es256-0002.pem")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if signer, err := s.Signer("ES256"); err != nil || signer.KeyID() != next.KeyID() {
		t.Errorf("signs with %v, %v", signer.KeyID(), err)
	}
	set, err := jose.Static(s.JWKS())
	req.True(t, "KEY-05", err == nil && set.Len() == 2, "the older key is not published: %v", err)
}

func TestKeyStoreRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(dir string) error
		want   string
	}{
		{"readable key", func(dir string) error { return os.Chmod(filepath.Join(dir, "es256-0001.pem"), 0o640) }, "chmod 600"},
		{"writable directory", func(dir string) error { return os.Chmod(dir, 0o777) }, "chmod 700"},
		{"no PEM", func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.pem"), []byte("x"), 0o600) }, "no PKCS #8"},
		{"cut short", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "x.pem"), []byte("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"), 0o600)
		}, "not a PKCS #8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "keys")
			open(t, dir)
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := jose.OpenKeyStore(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("misnamed key", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "keys")
		open(t, dir)
		if err := os.Rename(filepath.Join(dir, "es256-0001.pem"), filepath.Join(dir, "rs256-0001.pem")); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, dir).Signer("RS256"); err == nil || !strings.Contains(err.Error(), "holds a key for ES256") {
			t.Errorf("got %v", err)
		}
	})
	if _, err := jose.GenerateSigner("HS256"); err == nil {
		t.Error("made an HMAC key")
	}
	_, err := jose.NewSigner(keys.rsa1024)
	req.True(t, "INTEROP-20", err != nil, "took a weak key")
}
