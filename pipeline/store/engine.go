package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// errStop ends a scan without an error.
var errStop = errors.New("stop")

// prefixRange is where the keys with a first byte are.
func prefixRange(prefix byte) (lo, hi []byte) { return []byte{prefix}, []byte{prefix + 1} }

// read returns a copy of the value of a key. The caller is inside the gate, or
// opening.
func (s *Embedded) read(key []byte) ([]byte, bool, error) {
	v, closer, err := s.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("store: read: %w", err)
	}
	out := slices.Clone(v)
	return out, true, closer.Close()
}

// scan calls f for every key from lo up to hi, nil for no bound, until it
// returns an error; errStop ends the scan well. Key and value are valid during
// the call only.
func (s *Embedded) scan(lo, hi []byte, f func(k, v []byte) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return fmt.Errorf("store: scan: %w", err)
	}
	defer func() {
		if e := it.Close(); e != nil && err == nil {
			err = fmt.Errorf("store: scan: %w", e)
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("store: scan: %w", err)
		}
		if err := f(it.Key(), v); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
	return nil
}

// get implements backend.
func (s *Embedded) get(_ *tx, key string) ([]byte, bool, error) {
	if err := s.gate.enter(); err != nil {
		return nil, false, err
	}
	defer s.gate.leave()
	return s.values.get(key, func() ([]byte, bool, error) {
		var buf [128]byte
		return s.read(stringKey(buf[:0], statePrefix, key))
	})
}

// timer implements backend.
func (s *Embedded) timer(id string) (Timer, bool, error) {
	if err := s.gate.enter(); err != nil {
		return Timer{}, false, err
	}
	defer s.gate.leave()
	v, ok, err := s.read(stringKey(nil, timerPrefix, id))
	if err != nil || !ok {
		return Timer{}, false, err
	}
	t, err := readTimer(id, v)
	if err != nil {
		return Timer{}, false, fmt.Errorf("store: timer %q: %w", id, err)
	}
	return t, true, nil
}

// Scan implements Store.
func (s *Embedded) Scan(ctx context.Context, prefix string, f func(key string, value []byte) bool) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	lo := stringKey(nil, statePrefix, prefix)
	return s.scan(lo, after(lo), func(k, v []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.gate.open() {
			return ErrClosed
		}
		if !f(string(k[1:]), slices.Clone(v)) {
			return errStop
		}
		return nil
	})
}

// after is the first key that does not start with the prefix. The prefix starts
// with one of ours, so there is one.
func after(prefix []byte) []byte {
	b := slices.Clone(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b[:i+1]
		}
	}
	return nil
}

// Claim implements Store.
func (s *Embedded) Claim(ctx context.Context, queue string, max int, now time.Time, lease time.Duration) ([]Item, time.Time, error) {
	if err := s.gate.enter(); err != nil {
		return nil, time.Time{}, err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	due, next := s.schedule.claim(queue, max, now, lease)
	items, err := s.payloads(due)
	if err != nil {
		return nil, time.Time{}, err
	}
	return items, next, nil
}

// payloads reads those of items, without items that were finished meanwhile.
func (s *Embedded) payloads(found []claimed) ([]Item, error) {
	items := make([]Item, 0, len(found))
	for _, c := range found {
		payload, ok, err := s.read(numberKey(nil, payloadPrefix, c.order))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		c.Payload = payload
		items = append(items, c.Item)
	}
	return items, nil
}

// Waiting implements Store.
func (s *Embedded) Waiting(ctx context.Context, queue string, max int) ([]Item, error) {
	if err := s.gate.enter(); err != nil {
		return nil, err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.payloads(s.schedule.waiting(queue, max))
}

// item implements backend.
func (s *Embedded) item(queue, id string) (Item, bool, error) {
	if err := s.gate.enter(); err != nil {
		return Item{}, false, err
	}
	defer s.gate.leave()
	c, ok := s.schedule.find(queue, id)
	if !ok {
		return Item{}, false, nil
	}
	items, err := s.payloads([]claimed{c})
	if err != nil || len(items) == 0 {
		return Item{}, false, err
	}
	return items[0], true, nil
}

// Pending implements Store.
func (s *Embedded) Pending(queue string) (int, time.Time) { return s.schedule.pending(queue) }

// ClaimTimers implements Store.
func (s *Embedded) ClaimTimers(ctx context.Context, max int, now time.Time, lease time.Duration) ([]Timer, time.Time, error) {
	if err := s.gate.enter(); err != nil {
		return nil, time.Time{}, err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	timers, next := s.schedule.claimTimers(max, now, lease)
	return timers, next, nil
}
