package pipelinetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// records reads the journal after a sequence as "seq data".
func (s *storeUnderTest) records(after uint64) (list []string) {
	s.Helper()
	err := s.Journal(s.Context(), after, func(seq uint64, data []byte) bool {
		list = append(list, fmt.Sprint(seq, " ", string(data)))
		return true
	})
	if err != nil {
		s.Fatalf("Journal: %v", err)
	}
	return list
}

func (s *storeUnderTest) append(data string, ids ...string) {
	s.Helper()
	s.do(nil, func(tx store.Tx) { tx.Append(store.Record{Data: []byte(data), IDs: ids}) })
}

func testJournal(t *testing.T, s *storeUnderTest) {
	if s.Last() != 0 || len(s.records(0)) != 0 {
		t.Fatal("a new journal is not empty")
	}
	s.append("one", "e-1", "x")
	var places []uint64
	tx := s.begin()
	for _, data := range []string{"two", "three", ""} {
		places = append(places, tx.Append(store.Record{Data: []byte(data), IDs: []string{"x", "x\x00" + data}}))
	}
	if got := tx.Seq(places[0]); got != 0 {
		t.Errorf("before the commit a sequence is %d", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, p := range places {
		if got := tx.Seq(p); got != uint64(i+2) {
			t.Errorf("record %d has sequence %d", i, got)
		}
	}
	if tx.Seq(99) != 99 || tx.Seq(0) != 0 {
		t.Error("Seq changes final sequences")
	}
	if s.Last() != 4 {
		t.Errorf("Last is %d, want 4", s.Last())
	}
	all := []string{"1 one", "2 two", "3 three", "4 "}
	for after := range all {
		if got := s.records(uint64(after)); !slices.Equal(got, all[after:]) {
			t.Errorf("after %d there are %q", after, got)
		}
	}
	if got := s.records(99); got != nil {
		t.Errorf("after the end there are %q", got)
	}
	n := 0
	if err := s.Journal(t.Context(), 0, func(uint64, []byte) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("Journal went on to %d records: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Journal(ctx, 0, func(uint64, []byte) bool { cancel(); return true })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Journal under an ended context: %v", err)
	}
	for seq, want := range map[uint64][]byte{0: nil, 1: []byte("one"), 3: []byte("three"), 5: nil} {
		if got, err := s.Record(t.Context(), seq); err != nil || !bytes.Equal(got, want) {
			t.Errorf("Record(%d) = %q, %v", seq, got, err)
		}
	}
	for id, want := range map[string][]uint64{"e-1": {1}, "x": {1, 2, 3, 4}, "x\x00two": {2}, "e": nil, "": nil} {
		if got, err := s.Locate(t.Context(), id); err != nil || !slices.Equal(got, want) {
			t.Errorf("Locate(%q) = %v, %v", id, got, err)
		}
	}
	u := s.Usage()
	if u.First != 1 || u.Last != 4 || u.JournalBytes <= 0 {
		t.Errorf("Usage is %+v", u)
	}
}

// testJournalConcurrency lets writers append while a reader follows: it must see
// every sequence once, in order, without a gap, and what a writer was told.
func testJournalConcurrency(t *testing.T, s *storeUnderTest) {
	const workers, rounds = 6, 20
	var mu sync.Mutex
	told := map[uint64]string{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				tx, err := s.Begin(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if i%5 == 4 {
					tx.Append(store.Record{Data: []byte("never")})
					tx.Rollback()
					continue
				}
				data := []string{fmt.Sprintf("%d/%d a", w, i), fmt.Sprintf("%d/%d b", w, i)}
				a := tx.Append(store.Record{Data: []byte(data[0])})
				b := tx.Append(store.Record{Data: []byte(data[1])})
				if err := tx.Commit(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if last := s.Last(); last < tx.Seq(b) || tx.Seq(b) != tx.Seq(a)+1 {
					t.Errorf("committed %d and %d, Last is %d", tx.Seq(a), tx.Seq(b), last)
				}
				mu.Lock()
				told[tx.Seq(a)], told[tx.Seq(b)] = data[0], data[1]
				mu.Unlock()
			}
		})
	}
	const total = workers * rounds * 4 / 5 * 2
	read := map[uint64]string{}
	var at uint64
	for at < total && !t.Failed() {
		changed := s.Changed()
		before := at
		err := s.Journal(t.Context(), at, func(seq uint64, data []byte) bool {
			if seq != at+1 {
				t.Errorf("sequence %d follows %d", seq, at)
			}
			at = seq
			read[seq] = string(data)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if at == before {
			<-changed
		}
	}
	wg.Wait()
	if !maps.Equal(read, told) {
		t.Errorf("%d records read are not the %d committed", len(read), len(told))
	}
}

func testChanged(t *testing.T, s *storeUnderTest) {
	now := s.clock.Now()
	for name, fn := range map[string]func(store.Tx){
		"append":  func(tx store.Tx) { tx.Append(store.Record{}) },
		"enqueue": func(tx store.Tx) { tx.Enqueue(store.Item{Queue: "q", ID: "1"}) },
		"timer":   func(tx store.Tx) { tx.SetTimer(store.Timer{ID: "t", Due: now}) },
	} {
		changed, also := s.Changed(), s.Changed()
		s.do(nil, fn)
		for _, ch := range []<-chan struct{}{changed, also} {
			select {
			case <-ch:
			default:
				t.Errorf("%s did not close the channel", name)
			}
		}
		select {
		case <-s.Changed():
			t.Errorf("after %s the next channel is closed already", name)
		default:
		}
	}
}

func testCursors(t *testing.T, s *storeUnderTest) {
	s.do(nil, func(tx store.Tx) {
		tx.MoveCursor("a", 3)
		tx.MoveCursor("b", 0)
	})
	s.do(nil, func(tx store.Tx) {
		if seq, err := tx.Cursor("a"); err != nil || seq != 3 {
			t.Errorf("Cursor is %d, %v", seq, err)
		}
		if seq, err := tx.Cursor("none"); err != nil || seq != 0 {
			t.Errorf("Cursor of no one is %d, %v", seq, err)
		}
		tx.MoveCursor("a", 2)
	})
	if got := s.Cursors(); !maps.Equal(got, map[string]uint64{"a": 2, "b": 0}) {
		t.Errorf("Cursors are %v", got)
	}
	s.do(nil, func(tx store.Tx) {
		tx.DropCursor("a")
		if seq, err := tx.Cursor("a"); err != nil || seq != 0 {
			t.Errorf("own dropped cursor is %d, %v", seq, err)
		}
	})
	if got := s.Cursors(); !maps.Equal(got, map[string]uint64{"b": 0}) {
		t.Errorf("Cursors are %v", got)
	}
}

func testKeep(t *testing.T, s *storeUnderTest) {
	for i := range 6 {
		s.append(fmt.Sprint("r", i+1), fmt.Sprint("id", i+1), "all")
		s.clock.Advance(20 * time.Minute)
	}
	first := func(want uint64) {
		t.Helper()
		s.sweep()
		if u := s.Usage(); u.First != want || u.Last != 6 {
			t.Errorf("the journal is %d to %d, want %d to 6", u.First, u.Last, want)
		}
		if got := s.records(0); len(got) != int(7-want) {
			t.Errorf("the journal holds %q, want %d to 6", got, want)
		}
	}
	s.do(nil, func(tx store.Tx) { tx.MoveCursor("slow", 0) })
	first(1) // registered at the start: everything stays
	s.do(nil, func(tx store.Tx) { tx.MoveCursor("slow", 2) })
	first(3)
	s.do(nil, func(tx store.Tx) { tx.MoveCursor("slow", 6) })
	first(5) // 5 and 6 are younger than an hour
	s.clock.Advance(time.Hour)
	first(6) // the last one always stays
	if got, err := s.Locate(t.Context(), "all"); err != nil || !slices.Equal(got, []uint64{6}) {
		t.Errorf("Locate found %v, %v", got, err)
	}
	if got, err := s.Record(t.Context(), 3); err != nil || got != nil {
		t.Errorf("a removed record is %q, %v", got, err)
	}
	if s.append("r7"); s.Last() != 7 {
		t.Errorf("the next record is %d, want 7", s.Last())
	}
}

func testFull(t *testing.T, s *storeUnderTest) {
	data := bytes.Repeat([]byte("x"), 1000)
	put := func(exempt bool) error {
		return store.Update(t.Context(), s, []string{"k"}, func(tx store.Tx) error {
			tx.Put("k", []byte(fmt.Sprint(exempt)))
			tx.Append(store.Record{Data: data, Exempt: exempt})
			return nil
		})
	}
	s.do(nil, func(tx store.Tx) { tx.MoveCursor("index", 0) })
	var err error
	for range 30 {
		if err = put(false); err != nil {
			break
		}
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("a full journal answers %v", err)
	}
	full := s.Last()
	if u := s.Usage(); full < 10 || u.JournalBytes > u.JournalMax || u.JournalMax != 20_000 {
		t.Errorf("full at %d records: %+v", full, u)
	}
	s.want("k", "false")
	if err := put(true); err != nil || s.Last() != full+1 {
		t.Errorf("an exempt record is refused: %v", err)
	}
	s.do([]string{"k"}, func(tx store.Tx) { tx.Put("k", []byte("no record")) })
	if err := put(false); !errors.Is(err, store.ErrFull) {
		t.Errorf("a full journal answers %v", err)
	}
	s.do(nil, func(tx store.Tx) { tx.MoveCursor("index", full) })
	for range 40 { // what the cursor has passed makes room
		if err := put(false); err != nil {
			t.Fatalf("after the cursor moved: %v", err)
		}
		if u := s.Usage(); u.JournalBytes > u.JournalMax {
			t.Fatalf("over the bound: %+v", u)
		}
		s.do(nil, func(tx store.Tx) { tx.MoveCursor("index", s.Last()) })
	}
	if u := s.Usage(); u.First <= full {
		t.Errorf("nothing was removed: %+v", u)
	}
}

func testSeen(t *testing.T, s *storeUnderTest) {
	mark := store.Mark{Digest: [16]byte{1, 2, 3}, At: s.clock.Now()}
	s.append("before")
	s.do(nil, func(tx store.Tx) {
		if _, ok, err := tx.Seen("i-1"); ok || err != nil {
			t.Errorf("Seen of a new id: %v, %v", ok, err)
		}
		m := mark
		m.Seq = tx.Append(store.Record{Data: []byte("r")})
		tx.MarkSeen("i-1", m)
		m.Seq = 1
		tx.MarkSeen("i-2", m)
		m.Seq = 0
		tx.MarkSeen("i-3", m)
	})
	tx := s.begin()
	defer tx.Rollback()
	for id, seq := range map[string]uint64{"i-1": 2, "i-2": 1, "i-3": 0} {
		m, ok, err := tx.Seen(id)
		if err != nil || !ok || m.Digest != mark.Digest || !m.At.Equal(mark.At) || m.Seq != seq {
			t.Errorf("mark of %s is %+v, %v, %v", id, m, ok, err)
		}
	}
	if _, ok, err := tx.Seen("i-"); ok || err != nil {
		t.Errorf("Seen of an id not marked: %v, %v", ok, err)
	}
}

func testSeenConflict(t *testing.T, s *storeUnderTest) {
	a, b := s.begin(), s.begin()
	for _, tx := range []store.Tx{a, b} {
		if _, ok, err := tx.Seen("i-1"); ok || err != nil {
			t.Fatalf("Seen: %v, %v", ok, err)
		}
		tx.MarkSeen("i-1", store.Mark{Seq: tx.Append(store.Record{Data: []byte("r")})})
	}
	if err := a.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(t.Context()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the second to mark an id got %v", err)
	}
	if s.Last() != 1 {
		t.Errorf("Last is %d, want 1", s.Last())
	}
	s.do(nil, func(tx store.Tx) { // knowingly
		if _, ok, err := tx.Seen("i-1"); !ok || err != nil {
			t.Fatalf("Seen: %v, %v", ok, err)
		}
		tx.MarkSeen("i-1", store.Mark{Seq: 9})
	})
}

func testSeenExpiry(t *testing.T, s *storeUnderTest) {
	seen := func(id string) bool {
		t.Helper()
		tx := s.begin()
		defer tx.Rollback()
		_, ok, err := tx.Seen(id)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	// One mark an hour; each must live for 30 hours and may for 40.
	const hours = 100
	for h := range hours {
		s.do(nil, func(tx store.Tx) { tx.MarkSeen(fmt.Sprint(h), store.Mark{}) })
		if h%7 == 0 {
			s.sweep()
		}
		for age := 0; age <= h; age++ {
			if ok := seen(fmt.Sprint(h - age)); ok && age > 40 || !ok && age < 30 {
				t.Fatalf("a mark of age %dh is seen: %v", age, ok)
			}
		}
		s.clock.Advance(time.Hour)
	}
}
