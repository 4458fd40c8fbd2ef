package store

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// lockTable hands out exclusive locks on keys within the process. Waiters of a
// key are served in the order they came. It does not look for deadlocks: the
// transaction takes its keys in byte order, which makes them impossible.
type lockTable struct {
	seed    maphash.Seed
	stripes [64]lockStripe
}

// lockStripe holds the locks of the keys that hash to it. A key is in the map
// while it is held; its value lists who waits for it.
type lockStripe struct {
	mu   sync.Mutex
	held map[string][]chan struct{}
	_    [40]byte // a cache line of its own
}

func newLockTable() *lockTable {
	t := &lockTable{seed: maphash.MakeSeed()}
	for i := range t.stripes {
		t.stripes[i].held = map[string][]chan struct{}{}
	}
	return t
}

func (t *lockTable) stripe(key string) *lockStripe {
	return &t.stripes[maphash.String(t.seed, key)%uint64(len(t.stripes))]
}

// lock takes one key, waiting until ctx ends.
func (t *lockTable) lock(ctx context.Context, key string) error {
	s := t.stripe(key)
	s.mu.Lock()
	waiters, taken := s.held[key]
	if !taken {
		s.held[key] = nil
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	s.held[key] = append(waiters, turn)
	s.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	waiters = s.held[key]
	if i := slices.Index(waiters, turn); i >= 0 {
		s.held[key] = slices.Delete(waiters, i, i+1)
		s.mu.Unlock()
		return ctx.Err()
	}
	s.mu.Unlock()
	t.unlock(key) // it was handed over meanwhile
	return ctx.Err()
}

// unlock gives the key to the next in line, or frees it.
func (t *lockTable) unlock(key string) {
	s := t.stripe(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	waiters := s.held[key]
	if len(waiters) == 0 {
		delete(s.held, key)
		return
	}
	s.held[key] = waiters[1:]
	close(waiters[0])
}
