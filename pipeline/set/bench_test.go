package set_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// benchToken is a token of 1.2 KB with its signature apart.
func benchToken(b *testing.B) (s *setting, token, input, signature []byte) {
	b.Helper()
	s = readSetting(b, "testdata/vectors")
	token = s.token(b, []byte(header), with(object{
		"sub_id": object{"format": "complex",
			"user":   object{"format": "iss_sub", "iss": s.Issuer, "sub": "u-100482"},
			"device": object{"format": "opaque", "id": "dev-55aa10"}},
		"events": object{caep + "session-revoked": object{
			"event_timestamp": 1767224900, "initiating_entity": "policy",
			"reason_admin": object{"en": "Landspeed policy violated: C076E82F"},
			"reason_user":  object{"en": "Access attempt from several regions", "es-410": "Intento de acceso"}}},
	}))
	input = token[:strings.LastIndexByte(string(token), '.')]
	signature, err := s.sign("RS256", "k-2026-01", input)
	if err != nil {
		b.Fatal(err)
	}
	return s, token, input, signature
}

// BenchmarkBound is the least a verified token can cost: the digest and the
// standard library's verification.
func BenchmarkBound(b *testing.B) {
	s, token, input, signature := benchToken(b)
	key := &s.private["k-2026-01"].PublicKey
	b.SetBytes(int64(len(token)))
	b.ReportAllocs()
	for b.Loop() {
		if err := bound(key, input, signature); err != nil {
			b.Fatal(err)
		}
	}
}

func bound(key *rsa.PublicKey, input, signature []byte) error {
	sum := sha256.Sum256(input)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// BenchmarkVerify is a token on its way to a signal.
func BenchmarkVerify(b *testing.B) {
	s, token, _, _ := benchToken(b)
	v, m := s.verifier(b, s.issuer(b, "ssf")), message(token)
	b.SetBytes(int64(len(token)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(context.Background(), m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRatio takes turns between the two, since the speed of a shared host
// moves, and reports how many bounds a token costs: the median over the turns.
func BenchmarkRatio(b *testing.B) {
	s, token, input, signature := benchToken(b)
	v, m := s.verifier(b, s.issuer(b, "ssf")), message(token)
	key := &s.private["k-2026-01"].PublicKey
	const turn = 20
	var ratios []float64
	for b.Loop() {
		whole := timed(b, turn, func() error { return verify(v, m) })
		least := timed(b, turn, func() error { return bound(key, input, signature) })
		ratios = append(ratios, float64(whole)/float64(least))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "bounds/op")
}

func verify(v *set.Verifier, m pipeline.Message) error {
	_, err := v.Verify(context.Background(), m)
	return err
}

func timed(b *testing.B, n int, f func() error) time.Duration {
	b.Helper()
	start := time.Now()
	for range n {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}
