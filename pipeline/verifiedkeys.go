package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// verifiedKeys is the prefix of what is kept, per issuer, of the keys its tokens
// were verified with.
const verifiedKeys = "~k/"

// maxVerifiedKeys bounds the keys kept of one issuer; the oldest go first.
const maxVerifiedKeys = 64

// VerifiedKey is a public key that a signature was verified with. Which of an
// issuer's keys a token was verified with is told by the signature itself, so
// that nothing more is kept of each token.
type VerifiedKey struct {
	Thumbprint string          `json:"thumbprint"` // RFC 7638, SHA-256
	JWK        json.RawMessage `json:"jwk"`
	First      time.Time       `json:"first"` // when the first token was verified with it
}

// keysKnown are the keys that are in the store, by issuer, so that nothing is
// looked up for most tokens.
type keysKnown struct {
	mu   sync.RWMutex
	have map[string][]string // thumbprints
}

func (k *keysKnown) has(issuer, thumbprint string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Contains(k.have[issuer], thumbprint)
}

func (k *keysKnown) set(issuer string, list []VerifiedKey) {
	prints := make([]string, len(list))
	for i, v := range list {
		prints[i] = v.Thumbprint
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.have == nil {
		k.have = map[string][]string{}
	}
	k.have[issuer] = prints
}

// rememberKeys stores the keys of verified tokens that are not stored yet. They
// are durable before anything that was verified with them is acknowledged.
func (p *Pipeline) rememberKeys(ctx context.Context, units []*unit) error {
	for _, u := range units {
		key := u.sig.Key
		if u.retry != nil || u.reject != nil || key.Thumbprint == "" || p.keys.has(u.sig.Issuer, key.Thumbprint) {
			continue
		}
		if err := p.rememberKey(ctx, u.sig.Issuer, key); err != nil {
			return fmt.Errorf("remember key %s of %s: %w", key.Thumbprint, u.sig.Issuer, err)
		}
	}
	return nil
}

func (p *Pipeline) rememberKey(ctx context.Context, issuer string, key SignalKey) error {
	at := verifiedKeys + issuer
	var list []VerifiedKey
	err := store.Update(ctx, p.store, []string{at}, func(tx store.Tx) error {
		list = nil
		value, ok, err := tx.Get(at)
		if err != nil {
			return err
		}
		if ok {
			if err := json.Unmarshal(value, &list); err != nil {
				return fmt.Errorf("read the keys kept: %w", err)
			}
		}
		if slices.ContainsFunc(list, func(v VerifiedKey) bool { return v.Thumbprint == key.Thumbprint }) {
			return nil
		}
		list = append(list, VerifiedKey{Thumbprint: key.Thumbprint, JWK: key.JWK, First: p.now().UTC()})
		list = list[max(0, len(list)-maxVerifiedKeys):]
		if value, err = json.Marshal(list); err != nil {
			return err
		}
		tx.Put(at, value)
		return nil
	})
	if err == nil {
		p.keys.set(issuer, list)
	}
	return err
}

// VerifiedKeys are the keys that tokens of an issuer were verified with, the
// oldest first.
func (p *Pipeline) VerifiedKeys(ctx context.Context, issuer string) (list []VerifiedKey, err error) {
	at := verifiedKeys + issuer
	var bad error
	err = p.store.Scan(ctx, at, func(key string, value []byte) bool {
		if key == at {
			bad = json.Unmarshal(value, &list)
		}
		return false // the key itself comes before those it begins
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read the keys kept of %s: %w", issuer, err)
	}
	return list, nil
}
