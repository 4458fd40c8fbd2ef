package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// slicesPerWindow cuts a sliding window: a counter forgets up to one slice
// late, on the careful side.
const slicesPerWindow = 10

// counter counts over a sliding window.
type counter struct {
	Last   int64      `json:"last"`   // milliseconds since the epoch, when it was last charged
	Width  int64      `json:"width"`  // nanoseconds of a slice
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

func sliceWidth(window time.Duration) int64 { return max(1, int64(window/slicesPerWindow)) }

func sliceOf(window time.Duration, now time.Time) int64 { return now.UnixNano() / sliceWidth(window) }

// readCounter reads the slices that still count.
func readCounter(tx store.Tx, key string, window time.Duration, now time.Time) (c counter, err error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return counter{Width: sliceWidth(window)}, err
	}
	if err := json.Unmarshal(v, &c); err != nil {
		return c, fmt.Errorf("counter %s: %w", key, err)
	}
	at := sliceOf(window, now)
	if width := sliceWidth(window); c.Width != width { // the window was configured anew
		for i, n := range c.Slices {
			c.Slices[i][0] = min(at, ((n[0]+1)*c.Width-1)/width)
		}
		c.Width = width
	}
	// What lies further ahead than a window was counted by a clock that has been
	// put right since.
	c.Slices = slices.DeleteFunc(c.Slices, func(n [2]int64) bool {
		return n[0] < at-slicesPerWindow || n[0] > at+slicesPerWindow
	})
	return c, nil
}
