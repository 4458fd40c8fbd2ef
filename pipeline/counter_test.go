package pipeline

import (
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestCounter: what was charged counts for its window and at most a slice
// longer, also when the window is configured anew.
func TestCounter(t *testing.T) {
	s := store.NewMemory(store.Options{}, store.Faults{})
	at := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	use := func(f func(tx store.Tx)) {
		t.Helper()
		if err := store.Update(t.Context(), s, []string{"~r/x"}, func(tx store.Tx) error { f(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	add := func(window time.Duration) {
		t.Helper()
		use(func(tx store.Tx) {
			if err := charge(tx, "~r/x", window, at); err != nil {
				t.Fatal(err)
			}
		})
	}
	expect := func(window time.Duration, want int) {
		t.Helper()
		use(func(tx store.Tx) {
			if n, err := count(tx, "~r/x", window, at); err != nil || n != want {
				t.Errorf("at %s: %d within %s, error %v, want %d", at.Format(time.TimeOnly), n, window, err, want)
			}
		})
	}
	expect(10*time.Minute, 0)
	add(10 * time.Minute)
	at = at.Add(5 * time.Minute)
	add(10 * time.Minute)
	expect(10*time.Minute, 2)
	at = at.Add(5 * time.Minute)
	expect(10*time.Minute, 2)
	at = at.Add(time.Minute)
	expect(10*time.Minute, 1)

	add(10 * time.Minute)
	expect(10*time.Minute, 2)

	expect(time.Hour, 2)
	add(time.Hour) // from now on an hour
	expect(time.Hour, 3)
	at = at.Add(54 * time.Minute)
	expect(time.Hour, 3)
	at = at.Add(20 * time.Minute)
	expect(time.Hour, 0)
	add(time.Hour)
	expect(time.Minute, 1)
	add(time.Minute) // from now on a minute
	at = at.Add(30 * time.Second)
	expect(time.Minute, 2)
	at = at.Add(-40 * time.Second) // the clock is put back a little
	expect(time.Minute, 2)
	add(time.Minute)
	expect(time.Minute, 3)
	at = at.Add(3 * time.Minute)
	expect(time.Minute, 0)
	add(time.Minute)
	at = at.Add(-365 * 24 * time.Hour) // it had been far ahead
	expect(time.Minute, 0)
	add(time.Minute)
	expect(time.Minute, 1)
	use(func(tx store.Tx) { tx.Put("~r/x", []byte("{")) })
	use(func(tx store.Tx) {
		if _, err := count(tx, "~r/x", time.Minute, at); err == nil {
			t.Error("a damaged counter was read")
		}
	})
}
