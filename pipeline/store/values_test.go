package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestValuesOutdatedFind commits while a reader looks the key up: what the
// reader found may not stay.
func TestValuesOutdatedFind(t *testing.T) {
	v := newValues(1 << 20)
	got, _, err := v.get("k", func() ([]byte, bool, error) {
		v.wrote(map[string]write{"k": {value: []byte("new")}})
		return []byte("old"), true, nil
	})
	if err != nil || string(got) != "old" {
		t.Fatalf("the reader itself got %q, %v", got, err)
	}
	never := func() ([]byte, bool, error) {
		t.Error("looked up again")
		return nil, false, nil
	}
	if got, ok, _ := v.get("k", never); !ok || string(got) != "new" {
		t.Errorf("then %q %v, want new", got, ok)
	}
	v.wrote(map[string]write{"k": {gone: true}})
	if got, ok, _ := v.get("k", never); ok {
		t.Errorf("%q is there after its end", got)
	}
}

// TestValuesBound puts in far more than there is room for and asks for one key
// again and again: it stays, and the whole keeps its size.
func TestValuesBound(t *testing.T) {
	const size = 1 << 20
	v := newValues(size)
	there := func() ([]byte, bool, error) { return make([]byte, 500), true, nil }
	finds := 0
	for i := range 20_000 {
		if _, _, err := v.get(strconv.Itoa(i), there); err != nil {
			t.Fatal(err)
		}
		_, _, _ = v.get("asked for", func() ([]byte, bool, error) { finds++; return there() })
	}
	if finds != 1 {
		t.Errorf("the key asked for was looked up %d times, want once", finds)
	}
	total := 0
	for i := range v.parts {
		for _, m := range []map[string]held{v.parts[i].young, v.parts[i].old} {
			for k, h := range m {
				total += heldSize + len(k) + len(h.value)
			}
		}
	}
	if total < size/2 || total > size+len(v.parts)*700 {
		t.Errorf("it holds %d bytes, want at most about %d", total, size)
	}
}

// TestReadersSeeCommits counts a key up while others read it without its lock,
// in a store that forgets soon: nobody sees the count go back, or less than was
// committed before.
func TestReadersSeeCommits(t *testing.T) {
	s := mustOpen(t, "data", Options{}, vfs.NewMem())
	defer s.Close()
	s.values = newValues(int64(len(s.values.parts)) * 2 * 300)
	value := func(tx Tx, key string) int {
		v, _, err := tx.Get(key)
		if err != nil {
			t.Error(err)
		}
		n, _ := strconv.Atoi(string(v))
		return n
	}
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	committed := map[string]int{}
	keys := []string{"a", "b", "c"}
	for _, key := range keys {
		wg.Go(func() {
			last := 0
			for ctx.Err() == nil {
				mu.Lock()
				floor := max(last, committed[key])
				mu.Unlock()
				tx, err := s.Begin(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if last = value(tx, key); last < floor {
					t.Errorf("%s is %d after %d", key, last, floor)
				}
				_, _, _ = tx.Get("other" + strconv.Itoa(last)) // pushes others out
				tx.Rollback()
			}
		})
	}
	for i := range 300 {
		key := keys[i%len(keys)]
		err := Update(t.Context(), s, []string{key}, func(tx Tx) error {
			tx.Put(key, fmt.Append(nil, value(tx, key)+1))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		committed[key]++
		mu.Unlock()
	}
	stop()
	wg.Wait()
	for _, key := range keys {
		tx, err := s.Begin(t.Context(), []string{key})
		if err != nil {
			t.Fatal(err)
		}
		if n := value(tx, key); n != 100 {
			t.Errorf("%s is %d in the end, want 100", key, n)
		}
		tx.Rollback()
	}
}
