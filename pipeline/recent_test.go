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
}
