package pipeline

import "testing"

// TestRecent: the ring gives back what it was given last, and nothing too large
// is kept by it.
func TestRecent(t *testing.T) {
	r := new(recent)
	small, large, later := new(Record), new(Record), new(Record)
	r.put(1, small, maxRecent)
	r.put(2, large, maxRecent+1)
	if r.get(1) != small || r.get(2) != nil || r.get(3) != nil {
		t.Error("another record than was put")
	}
	next := 1 + uint64(len(r.ring))
	if r.put(next, later, 1); r.get(1) != nil || r.get(next) != later {
		t.Error("the ring holds more than its size")
	}
	if r.put(1, small, 1); r.get(1) != nil || r.get(next) != later {
		t.Error("an older record took the place of a newer one")
	}
}

// TestRecentAwaits: what was put, was overtaken, is too large or was there
// before the process is not waited for; everything else is, in whatever order
// the records come.
func TestRecentAwaits(t *testing.T) {
	r := &recent{before: 10}
	next := 20 + uint64(len(r.ring))
	r.put(13, new(Record), 1)
	r.put(12, new(Record), maxRecent+1)
	r.put(next, new(Record), 1)
	for seq, want := range map[uint64]bool{10: false, 11: true, 12: false, 13: false, 14: true, 20: false, next: false} {
		if r.awaits(seq) != want {
			t.Errorf("record %d: awaited %t, want %t", seq, !want, want)
		}
	}
}
