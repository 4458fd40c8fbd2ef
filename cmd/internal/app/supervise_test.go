package app

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitForLoops: whoever ends in time is waited for, and whoever does not is
// left.
func TestWaitForLoops(t *testing.T) {
	for lasts, ok := range map[time.Duration]bool{0: true, 9 * time.Second: true, 11 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			l := &loops{}
			l.wg.Go(func() { time.Sleep(lasts) })
			began := time.Now()
			err := l.wait(10)
			if took := time.Since(began); (err == nil) != ok || took != min(lasts, 10*time.Second) {
				t.Errorf("a part of %s: %v after %s", lasts, err, took)
			}
			l.wg.Wait()
			synctest.Wait() // for what waited beside the clock
		})
	}
}
