package jose

import (
	"context"
	"fmt"
	"os"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Set is a fixed KeySet, read from a JWK Set. It is immutable.
type Set struct {
	keys []Key
	byID map[string][]Key
}

var _ KeySet = (*Set)(nil)

// setLimits bounds a JWK Set; certificate chains in it are long.
var setLimits = strictjson.Limits{Bytes: 1 << 20, Depth: 8, Nodes: 8000, Members: 64}

// maxKeys bounds the keys of one set.
const maxKeys = 128

// Static reads a JWK Set (RFC 7517 section 5). Members that are no public
// signature keys of a kind we verify are left out, as the RFC asks; the set
// may end up empty, and then verifies nothing.
func Static(jwks []byte) (*Set, error) {
	v, err := strictjson.Parse(append([]byte(nil), jwks...), setLimits)
	if err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	list := v.Get("keys")
	if list.Kind() != strictjson.Array {
		return nil, fmt.Errorf("read key set: member keys must be an array")
	}
	if list.Len() > maxKeys {
		return nil, fmt.Errorf("read key set: more than %d keys", maxKeys)
	}
	s := &Set{byID: make(map[string][]Key, list.Len())}
	for e := range list.Elements() {
		k, err := readKey(e)
		if err != nil {
			continue
		}
		s.keys = append(s.keys, k)
		if k.id != "" {
			s.byID[k.id] = append(s.byID[k.id], k)
		}
	}
	return s, nil
}

// StaticFile reads a JWK Set from a file. Unlike Static it takes a set without
// any usable key for a mistake. Errors name the file only if it cannot be read:
// the caller knows it.
func StaticFile(path string) (*Set, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key set: %w", err)
	}
	s, err := Static(text)
	if err != nil {
		return nil, err
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("read key set: no usable public signature key in it")
	}
	return s, nil
}

// Len is the number of usable keys.
func (s *Set) Len() int { return len(s.keys) }

// Key implements KeySet.
func (s *Set) Key(_ context.Context, kid, alg string) (Key, error) {
	if kid == "" {
		return s.only(alg)
	}
	named := s.byID[kid]
	for _, k := range named {
		if k.use(alg) != nil {
			return k, nil
		}
	}
	if len(named) > 0 {
		return named[0], nil
	}
	return Key{}, ErrUnknownKey
}

// only is the key for a token that names none: there must be no choice.
func (s *Set) only(alg string) (Key, error) {
	var found *Key
	for i := range s.keys {
		if s.keys[i].use(alg) == nil {
			continue
		}
		if found != nil {
			return Key{}, fmt.Errorf("%w: token names no key and several would do", ErrUnknownKey)
		}
		found = &s.keys[i]
	}
	if found == nil {
		return Key{}, ErrUnknownKey
	}
	return *found, nil
}
