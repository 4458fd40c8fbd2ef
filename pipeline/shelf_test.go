package pipeline

import (
	"bytes"
	"slices"
	"testing"
)

// TestShelf: a shelf is read as it was stored, and damage is found wherever it
// was cut off, but where an entry ends.
func TestShelf(t *testing.T) {
	s := &shelf{entries: []shelved{{"q-1", 1 << 40}, {"", 0}, {"q-00000000000000000000000002", 300}}}
	stored := s.encode()
	if got, err := decodeShelf(stored); err != nil || !slices.Equal(got.entries, s.entries) {
		t.Fatalf("%+v, %v", got, err)
	}
	var whole []int
	for n := range s.entries {
		whole = append(whole, len((&shelf{entries: s.entries[:n]}).encode()))
	}
	for n := range stored {
		got, err := decodeShelf(stored[:n])
		if ok := slices.Contains(whole, n); ok != (err == nil) || ok && !bytes.Equal(got.encode(), stored[:n]) {
			t.Errorf("cut to %d bytes: %+v, %v", n, got, err)
		}
	}
	for _, bad := range [][]byte{{'{'}, {shelfVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, {shelfVersion, 200, 1, 'q'}} {
		if got, err := decodeShelf(bad); err == nil {
			t.Errorf("%x: %+v", bad, got)
		}
	}
}
