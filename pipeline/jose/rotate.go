package jose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The extensions of the files beside a key, each of which holds a time of RFC 3339.
const (
	FromExt  = ".from"  // when the key begins to sign
	UntilExt = ".until" // when it is dropped
)

// OwnKey is one key of a KeyStore, without its private part.
type OwnKey struct {
	KeyID     string    `json:"kid"`
	Algorithm string    `json:"alg"`
	Signs     bool      `json:"signs"`          // tokens are signed with it
	From      time.Time `json:"from,omitzero"`  // published already, signs from then on; zero: is not waited for
	Until     time.Time `json:"until,omitzero"` // published until then, zero: no end is set
}

// Keys lists the published keys by file name. Safe for concurrent use.
func (s *KeyStore) Keys() (list []OwnKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		list = append(list, s.own(i))
	}
	return list
}

// own is the key at a place. The caller holds the lock.
func (s *KeyStore) own(i int) OwnKey {
	k := s.keys[i]
	return OwnKey{KeyID: k.signer.kid, Algorithm: k.signer.alg, Signs: s.signing(k.signer.alg) == i, From: k.from, Until: k.until}
}

// signing is the place of the key that signs: the last one of the algorithm that
// waits for no time, or the first where all wait; -1 where there is none. The
// caller holds the lock.
func (s *KeyStore) signing(alg string) int {
	at := -1
	for i, k := range s.keys {
		if k.signer.alg == alg && (at < 0 || k.from.IsZero()) {
			at = i
		}
	}
	return at
}

// Rotate makes a new key for an algorithm, ES256 when alg is empty. It is published
// now and signs once Settle finds that lead is over, so that no receiver meets it
// before the key set that it keeps for a while has it; without lead it signs at once.
// Those before stay published for keep from then on, then Settle drops them; an
// earlier end that was set before stays (KEY-05). It returns the new key.
func (s *KeyStore) Rotate(alg string, lead, keep time.Duration, now time.Time) (OwnKey, error) {
	if alg == "" {
		alg = DefaultSigning
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := -1
	for i, k := range s.keys {
		if k.signer.alg == alg {
			last = i
		}
	}
	if last < 0 {
		return OwnKey{}, fmt.Errorf("rotate signing key: there is no key for %s; the first is made when a sink signs with it", alg)
	}
	key, err := generate(alg)
	if err != nil {
		return OwnKey{}, err
	}
	file := s.nextFile(s.keys[last].file, alg)
	if _, err := os.Stat(filepath.Join(s.dir, file)); !errors.Is(err, fs.ErrNotExist) {
		return OwnKey{}, fmt.Errorf("rotate signing key: %s is there already: another process rotates, or the product was not restarted since it was added", file)
	}
	var from time.Time
	if lead > 0 {
		from = now.Add(lead).UTC().Truncate(time.Second)
		err = s.mark(file+FromExt, from) // before the key, which would sign without it
	} else if err = os.Remove(filepath.Join(s.dir, file+FromExt)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = s.write(file, key)
	}
	if err != nil {
		return OwnKey{}, err
	}
	signer, err := LoadSigner(filepath.Join(s.dir, file))
	if err != nil {
		return OwnKey{}, err
	}
	until := now.Add(lead + keep).UTC().Truncate(time.Second)
	for i := range s.keys {
		k := &s.keys[i]
		if k.signer.alg != alg || !k.until.IsZero() && k.until.Before(until) {
			continue
		}
		if err := s.mark(k.file+UntilExt, until); err != nil {
			return OwnKey{}, err
		}
		k.until = until
	}
	return s.own(s.add(storedKey{file: file, signer: signer, from: from})), nil
}

// nextFile is the name of a key that sorts after one of the same algorithm.
func (s *KeyStore) nextFile(last, alg string) string {
	prefix := strings.ToLower(alg) + "-"
	var n int
	if _, err := fmt.Sscanf(strings.TrimPrefix(last, prefix), "%04d.pem", &n); err == nil {
		if file := fmt.Sprintf("%s%04d.pem", prefix, n+1); file > last {
			return file
		}
	}
	return strings.TrimSuffix(last, ".pem") + "-0001.pem" // a name of somebody's own
}

// Settle lets keys sign whose time has come, and drops those whose time is over,
// with their private part. It returns both. A key that signs is never dropped.
func (s *KeyStore) Settle(now time.Time) (begun, gone []OwnKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		k := &s.keys[i]
		if k.from.IsZero() || now.Before(k.from) {
			continue
		}
		if rerr := os.Remove(filepath.Join(s.dir, k.file+FromExt)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("begin to sign with a key: %w", rerr))
			continue
		}
		k.from = time.Time{}
		begun = append(begun, s.own(i))
	}
	var kept []storedKey
	for i, k := range s.keys {
		if s.signing(k.signer.alg) == i || k.until.IsZero() || now.Before(k.until) {
			kept = append(kept, k)
			continue
		}
		path := filepath.Join(s.dir, k.file)
		if rerr := os.Remove(path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("drop signing key: %w", rerr))
			kept = append(kept, k)
			continue
		}
		for _, ext := range []string{FromExt, UntilExt} { // mean nothing without their key
			_ = os.Remove(path + ext)
		}
		gone = append(gone, s.own(i))
	}
	if len(gone) > 0 {
		s.keys = kept
		s.publish()
	}
	if len(begun)+len(gone) > 0 {
		err = errors.Join(err, syncDir(s.dir))
	}
	return begun, gone, err
}

// mark writes a time beside a key.
func (s *KeyStore) mark(name string, at time.Time) error {
	path := filepath.Join(s.dir, name)
	tmp := path + ".new"
	err := os.WriteFile(tmp, []byte(at.Format(time.RFC3339)+"\n"), 0o600)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	return syncDir(s.dir)
}

// readMark is a time beside a key, zero if none is set.
func readMark(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return t, fmt.Errorf("%s holds no time of RFC 3339; mend or remove it", path)
	}
	return t, nil
}

// Current signs with whatever key of an algorithm signs at the time, so that a
// rotation needs no restart. It is safe for concurrent use.
type Current struct {
	store *KeyStore
	alg   string
}

// Current returns the signer of an algorithm, whose key is made on first demand.
func (s *KeyStore) Current(alg string) (*Current, error) {
	if _, err := s.Signer(alg); err != nil {
		return nil, err
	}
	return &Current{s, alg}, nil
}

// Sign returns the compact token of claims as JSON.
func (c *Current) Sign(payload []byte) ([]byte, error) {
	signer, err := c.store.Signer(c.alg)
	if err != nil {
		return nil, err
	}
	return signer.Sign(payload)
}
