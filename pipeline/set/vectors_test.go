package set_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for RS384 and the like in further vectors
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

var (
	vectorDir = flag.String("vectors", "testdata/vectors", "directory of vectors: *.json there and in valid/ and invalid/, context.json there or above")
	profiles  = flag.String("profiles", strings.Join(set.RuleSets(), ","), "rule sets whose vectors are run; others are skipped")
)

// vector is one token with the expected verdict.
type vector struct {
	Name         string
	Header       json.RawMessage
	Claims       json.RawMessage
	ClaimsRaw    string `json:"claims_raw"`
	Expect       string
	Profile      string
	Requirement  string
	StrictExpect string `json:"strict_expect"`
	Err          *string
	Disposition  string
	Applied      []string // workarounds that must have been noted, ours only
}

// setting is the receiver every vector assumes.
type setting struct {
	Now           int64
	Skew          int64 `json:"max_future_skew_seconds"`
	Issuer        string
	Audience      []string
	StreamID      string   `json:"stream_id"`
	Critical      []string `json:"critical_subject_members"`
	Understood    []string `json:"understood_complex_members"`
	Formats       []string `json:"agreed_proprietary_formats"`
	Credentials   []string `json:"agreed_credential_types"`
	States        []string `json:"outstanding_verification_states"`
	Algs          []string `json:"allowed_algs"`
	Keys          map[string]struct{ Bits int }
	private       map[string]*rsa.PrivateKey
	stranger      *rsa.PrivateKey // in no key set
	strangerCurve *ecdsa.PrivateKey
}

// Expected implements set.StateChecker.
func (s *setting) Expected(streamID, state, _ string) bool {
	return streamID == s.StreamID && slices.Contains(s.States, state)
}

func readSetting(t testing.TB, dir string) *setting {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "context.json"))
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile(filepath.Join(dir, "..", "context.json"))
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &setting{private: map[string]*rsa.PrivateKey{}}
	if err := json.Unmarshal(text, s); err != nil {
		t.Fatal(err)
	}
	for kid, k := range s.Keys {
		s.private[kid] = rsaKey(t, kid, k.Bits)
	}
	s.stranger = rsaKey(t, "", 2048)
	if s.strangerCurve, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return s
}

// made holds the RSA keys of the test run by name and size; they are slow to
// make.
var made sync.Map

func rsaKey(t testing.TB, kid string, bits int) *rsa.PrivateKey {
	t.Helper()
	id := fmt.Sprint(kid, " ", bits)
	if k, ok := made.Load(id); ok {
		return k.(*rsa.PrivateKey)
	}
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	made.Store(id, k)
	return k
}

// keySet publishes the setting's keys.
func (s *setting) keySet(t testing.TB) *jose.Set {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	var members []string
	for kid, k := range s.private {
		members = append(members, fmt.Sprintf(`{"kty":"RSA","use":"sig","kid":%q,"n":%q,"e":%q}`,
			kid, b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())))
	}
	keys, err := jose.Static([]byte(`{"keys":[` + strings.Join(members, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (s *setting) issuer(t testing.TB, rules string) set.Issuer {
	return set.Issuer{
		URL: s.Issuer, Keys: s.keySet(t), Audience: s.Audience, Rules: rules, Algorithms: s.Algs,
		MaxSkew: time.Duration(s.Skew) * time.Second, Formats: s.Formats, CredentialTypes: s.Credentials,
		CriticalMembers: s.Critical, UnderstoodMembers: s.Understood, StreamID: s.StreamID, States: s,
	}
}

func (s *setting) verifier(t testing.TB, issuers ...set.Issuer) *set.Verifier {
	t.Helper()
	v, err := set.New(issuers, set.Options{Now: func() time.Time { return time.Unix(s.Now, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// token builds the token exactly as its header says, good or bad.
func (s *setting) token(t testing.TB, header, claims []byte) []byte {
	t.Helper()
	var h struct{ Alg, Kid string }
	if err := json.Unmarshal(header, &h); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, header); err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding
	input := enc.AppendEncode(nil, compact.Bytes())
	input = enc.AppendEncode(append(input, '.'), claims)
	signature, err := s.sign(h.Alg, h.Kid, input)
	if err != nil {
		t.Fatal(err)
	}
	return enc.AppendEncode(append(input, '.'), signature)
}

func (s *setting) sign(alg, kid string, input []byte) ([]byte, error) {
	key := s.private[kid]
	if key == nil {
		key = s.stranger
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[max(0, len(alg)-3):]]
	if hash == 0 {
		hash = crypto.SHA256
	}
	sum := hash.New()
	sum.Write(input)
	digest := sum.Sum(nil)
	switch {
	case strings.EqualFold(alg, "none"):
		return nil, nil
	case strings.HasPrefix(alg, "HS"): // the public key as the secret
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, public)
		mac.Write(input)
		return mac.Sum(nil), nil
	case strings.HasPrefix(alg, "ES"):
		r, ss, err := ecdsa.Sign(rand.Reader, s.strangerCurve, digest)
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), ss.FillBytes(make([]byte, 32))...), nil
	case strings.HasPrefix(alg, "PS"):
		return rsa.SignPSS(rand.Reader, key, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.SignPKCS1v15(nil, key, hash, digest)
}

// readVectors reads the files of a directory and its valid and invalid parts.
func readVectors(t testing.TB, dir string) map[string]vector {
	t.Helper()
	vectors := map[string]vector{}
	for _, part := range []string{"", "valid", "invalid"} {
		files, err := filepath.Glob(filepath.Join(dir, part, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			if name == "context" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			vectors[filepath.Join(part, name)] = v
		}
	}
	if len(vectors) == 0 {
		t.Fatalf("no vectors in %s", dir)
	}
	return vectors
}

func (v *vector) claims(t testing.TB) []byte {
	t.Helper()
	if v.ClaimsRaw != "" {
		return []byte(v.ClaimsRaw)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v.Claims); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestVectors(t *testing.T) {
	s := readSetting(t, *vectorDir)
	wanted := strings.Split(*profiles, ",")
	for name, v := range readVectors(t, *vectorDir) {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(wanted, v.Profile) {
				t.Skipf("profile %s is not among -profiles", v.Profile)
			}
			runVector(t, s, v)
		})
	}
}

// TestWhitePaper reads the shapes of the FIDO white paper's examples, which
// only the legacy rules take as they are meant.
func TestWhitePaper(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	for name, v := range readVectors(t, "testdata/whitepaper") {
		t.Run(name, func(t *testing.T) { runVector(t, s, v) })
	}
}

func runVector(t *testing.T, s *setting, v vector) {
	t.Helper()
	token := s.token(t, v.Header, v.claims(t))
	m := pipeline.Message{Source: "idp", Body: token, Received: time.Unix(s.Now, 0)}
	signal, err := s.verifier(t, s.issuer(t, v.Profile)).Verify(context.Background(), m)
	var r *pipeline.RejectError
	if err != nil && !errors.As(err, &r) {
		t.Fatalf("not a verdict: %v", err)
	}
	t.Logf("%s: verdict %v, applied %v", v.Requirement, err, signal.Applied)
	got, want := "accept", v.Expect
	switch {
	case err != nil:
		got = "reject"
	case signal.Discard != "":
		got = "discard"
	}
	if v.Disposition == "discard" {
		want = "discard"
	}
	req.Equal(t, v.Requirement, got, want)
	if err != nil && v.Err != nil {
		req.Equal(t, v.Requirement, r.Code, *v.Err)
	}
	if v.Applied != nil {
		ids := strings.Join(v.Applied, " ")
		req.Equal(t, ids, strings.Join(signal.Applied, " "), ids)
	}
	if v.StrictExpect == "" {
		return
	}
	_, err = s.verifier(t, s.issuer(t, "ssf")).Verify(context.Background(), m)
	got = "accept"
	if err != nil {
		got = "reject"
	}
	req.Equal(t, v.Requirement+" LEGACY-16", got, v.StrictExpect)
}
