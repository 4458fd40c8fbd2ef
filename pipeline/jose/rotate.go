package jose

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// UntilExt is the extension of the file beside a key that says when the key is
// dropped: a time of RFC 3339.
const UntilExt = ".until"

// OwnKey is one key of a KeyStore, without its private part.
type OwnKey struct {
	KeyID     string    `json:"kid"`
	Algorithm string    `json:"alg"`
	Signs     bool      `json:"signs"`          // tokens are signed with it
	Until     time.Time `json:"until,omitzero"` // published until then, zero: no end is set
}

// Keys lists the published keys by file name. Safe for concurrent use.
func (s *KeyStore) Keys() (list []OwnKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.keys {
		signs := !slices.ContainsFunc(s.keys[i+1:], func(later storedKey) bool { return later.signer.alg == k.signer.alg })
		list = append(list, OwnKey{k.signer.kid, k.signer.alg, signs, k.until})
	}
	return list
}

// Rotate makes a new key for an algorithm, ES256 when alg is empty, which signs
// from now on. Those before stay published for keep, then Retire drops them; an
// earlier end that was set before stays (KEY-05). It returns the new key.
func (s *KeyStore) Rotate(alg string, keep time.Duration, now time.Time) (OwnKey, error) {
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
	if err := s.write(file, key); err != nil {
		return OwnKey{}, err
	}
	signer, err := LoadSigner(filepath.Join(s.dir, file))
	if err != nil {
		return OwnKey{}, err
	}
	until := now.Add(keep).UTC().Truncate(time.Second)
	for i := range s.keys {
		k := &s.keys[i]
		if k.signer.alg != alg || !k.until.IsZero() && k.until.Before(until) {
			continue
		}
		if err := s.mark(k.file, until); err != nil {
			return OwnKey{}, err
		}
		k.until = until
	}
	s.add(file, signer)
	return OwnKey{KeyID: signer.kid, Algorithm: alg, Signs: true}, nil
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

// Retire drops the keys whose time is over, with their private part, and returns
// them. One that signs is never dropped.
func (s *KeyStore) Retire(now time.Time) (gone []OwnKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []storedKey
	for i, k := range s.keys {
		signs := !slices.ContainsFunc(s.keys[i+1:], func(later storedKey) bool { return later.signer.alg == k.signer.alg })
		if signs || k.until.IsZero() || now.Before(k.until) {
			kept = append(kept, k)
			continue
		}
		path := filepath.Join(s.dir, k.file)
		if rerr := os.Remove(path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("drop signing key: %w", rerr))
			kept = append(kept, k)
			continue
		}
		_ = os.Remove(path + UntilExt) // means nothing without its key
		gone = append(gone, OwnKey{k.signer.kid, k.signer.alg, false, k.until})
	}
	if len(gone) > 0 {
		s.keys = kept
		s.publish()
		err = errors.Join(err, syncDir(s.dir))
	}
	return gone, err
}

// mark sets the end of a key.
func (s *KeyStore) mark(file string, until time.Time) error {
	path := filepath.Join(s.dir, file+UntilExt)
	tmp := path + ".new"
	err := os.WriteFile(tmp, []byte(until.Format(time.RFC3339)+"\n"), 0o600)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("rotate signing key: %w", err)
	}
	return syncDir(s.dir)
}

// readUntil is the end of a key, zero if none is set.
func readUntil(path string) (time.Time, error) {
	text, err := os.ReadFile(path + UntilExt)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return t, fmt.Errorf("%s holds no time of RFC 3339; mend or remove it", path+UntilExt)
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
