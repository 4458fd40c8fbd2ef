package jose_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func published(t *testing.T, s *jose.KeyStore) (ids []string) {
	t.Helper()
	for _, k := range s.Keys() {
		ids = append(ids, k.KeyID)
	}
	set, err := jose.Static(s.JWKS())
	if err != nil || set.Len() != len(ids) {
		t.Fatalf("%d keys are published, %d are there: %v", set.Len(), len(ids), err)
	}
	return ids
}

// TestRotate: a new key without lead signs at once, with signers that were there before; the
// old one is published until its time is over, over restarts, and then gone.
func TestRotate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	if _, err := s.Signer("RS256"); err != nil {
		t.Fatal(err)
	}
	current, err := s.Current("ES256")
	if err != nil {
		t.Fatal(err)
	}
	before, err := current.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	old, _ := s.Signer("ES256")
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	made, err := s.Rotate("ES256", 0, time.Hour, now)
	if err != nil || made.KeyID == old.KeyID() {
		t.Fatalf("rotated to %v, %v", made, err)
	}
	after, err := current.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // as it is, and opened again
		set, err := jose.Static(s.JWKS())
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range [][]byte{before, after} {
			req.True(t, "KEY-05", verify(t, string(token), set, policy) == nil, "a token does not verify while both keys are published")
		}
		if only, err := s.Signer("ES256"); err != nil || only.KeyID() != made.KeyID {
			t.Errorf("signs with %v, %v", only, err)
		}
		if _, gone, err := s.Settle(now.Add(time.Hour - time.Second)); len(gone) > 0 || err != nil {
			t.Errorf("dropped early: %v, %v", gone, err)
		}
		s = open(t, dir)
	}
	// A second rotation does not lengthen the first key's time.
	if _, err := s.Rotate("", 0, 2*time.Hour, now); err != nil {
		t.Fatal(err)
	}
	_, gone, err := s.Settle(now.Add(time.Hour))
	if err != nil || len(gone) != 1 || gone[0].KeyID != old.KeyID() {
		t.Fatalf("dropped %v, %v", gone, err)
	}
	if ids := published(t, s); len(ids) != 3 || slices.Contains(ids, old.KeyID()) {
		t.Errorf("published %v", ids)
	}
	set, err := jose.Static(s.JWKS())
	if err != nil || verify(t, string(before), set, policy) == nil {
		t.Errorf("a token of a dropped key verifies, %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "es256-0001*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, gone, err := s.Settle(now.Add(1000 * time.Hour)); len(gone) != 1 || err != nil {
		t.Errorf("dropped %v, %v", gone, err)
	}
	if ids := published(t, open(t, dir)); len(ids) != 2 {
		t.Errorf("published %v", ids)
	}
}

func TestRotateRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, other := open(t, dir), open(t, dir)
	if _, err := s.Rotate("EdDSA", 0, time.Hour, time.Now()); err == nil {
		t.Error("rotated an algorithm that nothing signs with")
	}
	if _, err := other.Rotate("", 0, time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rotate("", 0, time.Hour, time.Now()); err == nil {
		t.Error("rotated over another process")
	}
	if err := os.WriteFile(filepath.Join(dir, "es256-0001.pem.until"), []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jose.OpenKeyStore(dir); err == nil {
		t.Error("opened with an end that is no time")
	}
}

// TestRotateWithLead: a new key is published before it signs, over restarts, and the
// one before is dropped its time after that.
func TestRotateWithLead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s := open(t, dir)
	old, err := s.Signer("")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	made, err := s.Rotate("", 10*time.Minute, time.Hour, now)
	if err != nil || made.Signs || !made.From.Equal(now.Add(10*time.Minute)) {
		t.Fatalf("rotated to %+v, %v", made, err)
	}
	for range 2 { // as it is, and opened again
		if begun, gone, err := s.Settle(now.Add(10*time.Minute - time.Second)); len(begun)+len(gone) > 0 || err != nil {
			t.Errorf("settled early: %v, %v, %v", begun, gone, err)
		}
		signs, err := s.Signer("")
		req.Equal(t, "KEY-05", signs.KeyID(), old.KeyID())
		if ids := published(t, s); err != nil || !slices.Contains(ids, made.KeyID) || !slices.Contains(ids, old.KeyID()) {
			t.Errorf("published %v, %v", ids, err)
		}
		s = open(t, dir)
	}
	begun, gone, err := s.Settle(now.Add(10 * time.Minute))
	if err != nil || len(gone) > 0 || len(begun) != 1 || begun[0].KeyID != made.KeyID || !begun[0].Signs {
		t.Fatalf("begun %+v, gone %v, %v", begun, gone, err)
	}
	s = open(t, dir)
	if signs, err := s.Signer(""); err != nil || signs.KeyID() != made.KeyID {
		t.Errorf("signs with %v, %v", signs, err)
	}
	if _, gone, err := s.Settle(now.Add(70*time.Minute - time.Second)); len(gone) > 0 || err != nil {
		t.Errorf("dropped early: %v, %v", gone, err)
	}
	if _, gone, err := s.Settle(now.Add(70 * time.Minute)); len(gone) != 1 || gone[0].KeyID != old.KeyID() || err != nil {
		t.Errorf("dropped %v, %v", gone, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.pem.*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}

	// One that leaked goes at once, whatever waits.
	if _, err := s.Rotate("", time.Hour, time.Hour, now); err != nil {
		t.Fatal(err)
	}
	last, err := s.Rotate("", 0, 0, now)
	if err != nil || !last.Signs {
		t.Fatalf("rotated to %+v, %v", last, err)
	}
	if _, gone, err := s.Settle(now); len(gone) != 2 || err != nil {
		t.Errorf("dropped %v, %v", gone, err)
	}
	if ids := published(t, open(t, dir)); len(ids) != 1 || ids[0] != last.KeyID {
		t.Errorf("published %v", ids)
	}
}
