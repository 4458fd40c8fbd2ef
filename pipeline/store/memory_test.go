package store

import (
	"errors"
	"testing"
)

func TestMemoryConflicts(t *testing.T) {
	s := NewMemory(Options{}, Faults{ConflictEvery: 3})
	runs := 0
	for range 6 {
		err := Update(t.Context(), s, []string{"a"}, func(tx Tx) error {
			runs++
			v, _, err := tx.Get("a")
			tx.Put("a", append([]byte("."), v...))
			tx.Append(Record{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if runs != 8 || s.Last() != 6 {
		t.Errorf("%d runs made %d records, want 8 and 6", runs, s.Last())
	}
	s = NewMemory(Options{}, Faults{ConflictEvery: 1})
	err := Update(t.Context(), s, nil, func(tx Tx) error { tx.Put("a", nil); return nil })
	if !errors.Is(err, ErrConflict) {
		t.Errorf("nothing but conflicts gives %v", err)
	}
}

// TestMemoryReads has a key change between its reading and the commit.
func TestMemoryReads(t *testing.T) {
	for _, test := range []struct {
		name     string
		before   bool // the key is there from the start
		locks    []string
		change   func(Tx)
		conflict bool
	}{
		{"changed", true, nil, func(tx Tx) { tx.Put("a", []byte("2")) }, true},
		{"deleted", true, nil, func(tx Tx) { tx.Delete("a") }, true},
		{"made", false, nil, func(tx Tx) { tx.Put("a", nil) }, true},
		{"another key", true, nil, func(tx Tx) { tx.Put("b", nil) }, false},
		{"read under a lock", true, []string{"a"}, func(tx Tx) { tx.Put("a", nil) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewMemory(Options{}, Faults{})
			commit := func(fn func(Tx)) {
				t.Helper()
				if err := Update(t.Context(), s, nil, func(tx Tx) error { fn(tx); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if test.before {
				commit(func(tx Tx) { tx.Put("a", []byte("1")) })
			}
			tx, err := s.Begin(t.Context(), test.locks)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := tx.Get("a"); err != nil {
				t.Fatal(err)
			}
			commit(test.change)
			tx.Put("c", nil)
			if err := tx.Commit(t.Context()); errors.Is(err, ErrConflict) != test.conflict {
				t.Errorf("Commit returned %v", err)
			}
		})
	}
}

func TestMemoryFaults(t *testing.T) {
	fault, lost := errors.New("fault"), errors.New("lost")
	s := NewMemory(Options{}, Faults{
		FailCommit: func(n int) error {
			if n == 1 {
				return fault
			}
			return nil
		},
		LoseCommit: func(n int) error {
			if n == 2 {
				return lost
			}
			return nil
		},
	})
	for _, want := range []struct {
		err  error
		last uint64
	}{{fault, 0}, {lost, 1}, {nil, 2}} {
		err := Update(t.Context(), s, nil, func(tx Tx) error { tx.Append(Record{}); return nil })
		if !errors.Is(err, want.err) || s.Last() != want.last {
			t.Errorf("Commit returned %v with %d records, want %v and %d", err, s.Last(), want.err, want.last)
		}
	}
}
