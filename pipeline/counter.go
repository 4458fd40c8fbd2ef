package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// A counter in the store counts over a sliding window cut into ten slices, so
// it forgets up to a tenth of the window late: on the careful side.
const slices10 = 10

// slice is one tenth of a window: its number since the epoch and its count.
type slice [2]int64

// count is how often the counter was charged within the window.
func count(tx store.Tx, key string, window time.Duration, now time.Time) (int, error) {
	list, err := slicesOf(tx, key, window, now)
	n := int64(0)
	for _, s := range list {
		n += s[1]
	}
	return int(n), err
}

// charge adds one.
func charge(tx store.Tx, key string, window time.Duration, now time.Time) error {
	list, err := slicesOf(tx, key, window, now)
	if err != nil {
		return err
	}
	at := sliceAt(window, now)
	if last := len(list) - 1; last >= 0 && list[last][0] == at {
		list[last][1]++
	} else {
		list = append(list, slice{at, 1})
	}
	v, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("counter %s: %w", key, err)
	}
	tx.Put(key, v)
	return nil
}

func sliceAt(window time.Duration, now time.Time) int64 {
	return now.UnixNano() / max(1, int64(window/slices10))
}

// slicesOf reads the slices that still count.
func slicesOf(tx store.Tx, key string, window time.Duration, now time.Time) ([]slice, error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	var list []slice
	if err := json.Unmarshal(v, &list); err != nil {
		return nil, fmt.Errorf("counter %s: %w", key, err)
	}
	oldest := sliceAt(window, now) - slices10
	for len(list) > 0 && list[0][0] < oldest {
		list = list[1:]
	}
	return list, nil
}
