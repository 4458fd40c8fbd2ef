package jose

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultSigning is the algorithm of the key a KeyStore makes by itself: thirty
// times cheaper to sign with than RS256.
const DefaultSigning = "ES256"

// KeyStore is a directory of the product's own private keys, one PKCS #8 file
// of mode 0600 each, named for algorithm and number: es256-0001.pem. All keys
// in it are published; of each algorithm the last one by name signs that does not
// wait for its time, so a key is rotated by adding a file (KEY-05), which Rotate
// does. It is safe for concurrent use.
type KeyStore struct {
	dir string

	mu   sync.Mutex
	keys []storedKey // by file name
	jwks []byte
}

type storedKey struct {
	file   string
	signer *Signer
	from   time.Time // signs from then on, zero: need not wait
	until  time.Time // published until then, zero: without end
}

// OpenKeyStore reads the directory, which it makes with mode 0700 if need be,
// and makes a first ES256 key when there is none. Files that others than the
// owner can read, and files that hold no key we sign with, are errors.
func OpenKeyStore(dir string) (*KeyStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("open key store: others may write to %s; run chmod 700 on it", dir)
	}
	s := &KeyStore{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".pem" {
			continue
		}
		signer, err := LoadSigner(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("open key store: %w", err)
		}
		k := storedKey{file: e.Name(), signer: signer}
		for ext, at := range map[string]*time.Time{FromExt: &k.from, UntilExt: &k.until} {
			if *at, err = readMark(filepath.Join(dir, k.file+ext)); err != nil {
				return nil, fmt.Errorf("open key store: %w", err)
			}
		}
		s.add(k)
	}
	if len(s.keys) == 0 {
		if _, err := s.Signer(DefaultSigning); err != nil {
			return nil, fmt.Errorf("open key store: %w", err)
		}
	}
	return s, nil
}

// Signer returns the signer of an algorithm, ES256 when alg is empty. Its key
// is made and stored on first demand.
func (s *KeyStore) Signer(alg string) (*Signer, error) {
	if alg == "" {
		alg = DefaultSigning
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.signing(alg); i >= 0 {
		return s.keys[i].signer, nil
	}
	key, err := generate(alg)
	if err != nil {
		return nil, err
	}
	file := strings.ToLower(alg) + "-0001.pem"
	if err := s.write(file, key); err != nil {
		return nil, err
	}
	// What lies on disk counts: another process may have been first.
	signer, err := LoadSigner(filepath.Join(s.dir, file))
	if err != nil {
		return nil, err
	}
	if signer.alg != alg {
		return nil, fmt.Errorf("make a signing key: %s in the key store holds a key for %s", file, signer.alg)
	}
	s.add(storedKey{file: file, signer: signer})
	return signer, nil
}

// JWKS returns the public keys as a JWK Set, ready to be served.
func (s *KeyStore) JWKS() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.jwks)
}

// add takes a key in, renews the public set and tells its place. The caller holds
// the lock or is the only one to know s.
func (s *KeyStore) add(k storedKey) int {
	at, _ := slices.BinarySearchFunc(s.keys, k, func(a, b storedKey) int { return strings.Compare(a.file, b.file) })
	s.keys = slices.Insert(s.keys, at, k)
	s.publish()
	return at
}

// publish renews the public set. The caller holds the lock.
func (s *KeyStore) publish() {
	signers := make([]*Signer, len(s.keys))
	for i, k := range s.keys {
		signers[i] = k.signer
	}
	s.jwks = appendSet(nil, signers...)
}

// write stores a key so that the file appears whole or not at all, and never
// in place of another.
func (s *KeyStore) write(file string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	tmp, err := os.CreateTemp(s.dir, "."+file+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	defer os.Remove(tmp.Name())
	err = pem.Encode(tmp, &pem.Block{Type: pemType, Bytes: der})
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(tmp.Name(), filepath.Join(s.dir, file))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("store signing key: %w", err)
	}
	return syncDir(s.dir)
}

// syncDir makes a new name in the directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	return nil
}

const pemType = "PRIVATE KEY"

// LoadSigner reads a private key from a PKCS #8 PEM file, which only its owner
// may be able to read.
func LoadSigner(path string) (*Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load signing key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load signing key: others may read %s; run chmod 600 on it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("load signing key: %s holds no PKCS #8 private key in PEM form", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load signing key: %s: not a PKCS #8 private key", path)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("load signing key: %s: key cannot sign", path)
	}
	s, err := NewSigner(key)
	if err != nil {
		return nil, fmt.Errorf("load signing key: %s: %w", path, err)
	}
	return s, nil
}
