package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// slicesPerWindow cuts a sliding window: a counter forgets up to one slice
// late, on the careful side.
const slicesPerWindow = 10

// counter counts over a sliding window.
type counter struct {
	Last   int64      `json:"last"`   // milliseconds since the epoch, when it was last charged
	Slices [][2]int64 `json:"slices"` // number of the slice since the epoch, and its count
}

// count is how often the counter was charged within the window.
func count(tx store.Tx, key string, window time.Duration, now time.Time) (int, error) {
	c, err := readCounter(tx, key, window, now)
	n := int64(0)
	for _, s := range c.Slices {
		n += s[1]
	}
	return int(n), err
}

// charge adds one.
func charge(tx store.Tx, key string, window time.Duration, now time.Time) error {
	c, err := readCounter(tx, key, window, now)
	if err != nil {
		return err
	}
	at := sliceOf(window, now)
	if last := len(c.Slices) - 1; last >= 0 && c.Slices[last][0] >= at {
		c.Slices[last][1]++
	} else {
		c.Slices = append(c.Slices, [2]int64{at, 1})
	}
	c.Last = now.UnixMilli()
	v, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("counter %s: %w", key, err)
	}
	tx.Put(key, v)
	return nil
}

func sliceOf(window time.Duration, now time.Time) int64 {
	return now.UnixNano() / max(1, int64(window/slicesPerWindow))
}

// readCounter reads the slices that still count.
func readCounter(tx store.Tx, key string, window time.Duration, now time.Time) (c counter, err error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return c, err
	}
	if err := json.Unmarshal(v, &c); err != nil {
		return c, fmt.Errorf("counter %s: %w", key, err)
	}
	oldest := sliceOf(window, now) - slicesPerWindow
	for len(c.Slices) > 0 && c.Slices[0][0] < oldest {
		c.Slices = c.Slices[1:]
	}
	return c, nil
}
