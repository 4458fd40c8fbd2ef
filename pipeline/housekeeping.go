package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// How often what has expired is looked for, and how much is removed at once.
const (
	housekeepingInterval = time.Hour
	housekeepingBatch    = 500
)

// longestLimit is how long a counter of the guards may matter: limits are
// configured up to it.
const longestLimit = 31 * 24 * time.Hour

// Housekeeping removes state whose time is over until ctx ends. Readers never
// see it either way; this only gives the space back.
func (p *Pipeline) Housekeeping(ctx context.Context) error {
	for {
		pause(ctx, nil, housekeepingInterval)
		if ctx.Err() != nil {
			return nil
		}
		if _, err := p.Expire(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("housekeeping: %w", err)
		}
	}
}

// Expire removes what has expired by now and returns how many keys that were.
func (p *Pipeline) Expire(ctx context.Context) (int, error) {
	now := p.now()
	removed := 0
	for _, prefix := range slices.Concat(state.ExpiringPrefixes, []string{mergeKeys, hopKeys, limitKeys}) {
		for {
			var keys []string
			err := p.store.Scan(ctx, prefix, func(key string, value []byte) bool {
				if expired(key, value, now) {
					keys = append(keys, strings.Clone(key))
				}
				return len(keys) < housekeepingBatch
			})
			if err != nil {
				return removed, err
			}
			n, err := p.remove(ctx, keys, now)
			removed += n
			if err != nil {
				return removed, err
			}
			if len(keys) < housekeepingBatch {
				break
			}
		}
	}
	return removed, nil
}

// remove deletes the keys that are expired still when looked at under lock.
func (p *Pipeline) remove(ctx context.Context, keys []string, now time.Time) (n int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	slices.Sort(keys)
	err = store.Update(ctx, p.store, keys, func(tx store.Tx) error {
		n = 0
		for _, key := range keys {
			value, ok, err := tx.Get(key)
			if err != nil {
				return err
			}
			if ok && expired(key, value, now) {
				tx.Delete(key)
				n++
			}
		}
		return nil
	})
	return n, err
}

func expired(key string, value []byte, now time.Time) bool {
	switch {
	case strings.HasPrefix(key, mergeKeys):
		var until int64
		_, err := fmt.Sscanf(string(value), "%d ", &until)
		return err == nil && now.UnixMilli() >= until
	case strings.HasPrefix(key, hopKeys):
		return quietSince(value, hopWindow, now)
	case strings.HasPrefix(key, limitKeys):
		return quietSince(value, longestLimit, now)
	}
	return state.Expired(key, value, now)
}

// quietSince reports whether a counter was last charged longer ago than its
// window.
func quietSince(value []byte, window time.Duration, now time.Time) bool {
	var c counter
	if err := json.Unmarshal(value, &c); err != nil {
		return false
	}
	return now.Sub(time.UnixMilli(c.Last)) > window
}
