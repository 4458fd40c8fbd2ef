package pipelinetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestStoreReopen checks that a durable store keeps everything over a Close, as
// the supplement of TestStore. open opens the store of the directory.
func TestStoreReopen(t *testing.T, open func(t *testing.T, dir string, o store.Options) store.Store) {
	dir := t.TempDir()
	s := &storeUnderTest{T: t, clock: newClock()}
	opts := store.Options{Now: s.clock.Now, MaxJournal: 50_000}
	reopen := func() {
		t.Helper()
		if s.Store != nil {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
		}
		s.Store = open(t, dir, opts)
	}
	reopen()
	t.Cleanup(func() { _ = s.Close() })

	s.do([]string{"a"}, func(tx store.Tx) { everything(tx, s) })
	s.enqueue(store.Item{ID: "2", Key: "k", Payload: []byte("p2"), Attempt: 2, NotBefore: s.clock.Now()}, store.Item{ID: "3", Key: "k"})
	s.setTimer("far", time.Hour, "data")
	s.do([]string{"b"}, func(tx store.Tx) { tx.Put("b", []byte("1")) })
	s.do([]string{"b"}, func(tx store.Tx) { tx.Delete("b") })
	s.wantClaim(9, "1", "2")
	s.wantTimers(9, "t=")
	reopen()
	if n, _ := s.Pending("q"); n != 3 {
		t.Fatalf("%d items pending, want 3", n)
	}
	s.finish("3")
	if got := traces(s); !slices.Equal(got, slices.DeleteFunc(slices.Clone(allTraces), func(k string) bool { return k == "item" })) {
		t.Errorf("after opening again there are only %v", got)
	}
	s.want("b", "-")

	items, _, err := s.Claim(t.Context(), "q", 9, s.clock.Now(), testLeaseTime) // leases have ended
	if err != nil || len(items) != 2 || items[1].Attempt != 2 || string(items[1].Payload) != "p2" || items[1].Key != "k" || !items[1].Enqueued.Equal(s.clock.Now()) {
		t.Errorf("claimed %+v, %v", items, err)
	}
	s.wantTimers(9, "t=")
	s.do(nil, func(tx store.Tx) {
		tx.Reschedule(store.Item{Queue: "q", ID: "2", Payload: []byte("p2b"), Attempt: 3, NotBefore: s.clock.Now().Add(time.Second)})
		tx.CancelTimer("t")
		tx.Finish("q", "1")
		tx.Enqueue(store.Item{Queue: "q", ID: "4", Key: "k"})
		tx.DropCursor("index")
		tx.MoveCursor("other", 1)
	})
	reopen()
	s.wantClaim(9) // 4 waits for 2
	if got := s.Cursors(); !maps.Equal(got, map[string]uint64{"other": 1}) {
		t.Errorf("cursors are %v", got)
	}
	s.clock.Advance(time.Second)
	items, _, err = s.Claim(t.Context(), "q", 9, s.clock.Now(), testLeaseTime)
	if err != nil || len(items) != 1 || items[0].ID != "2" || items[0].Attempt != 3 || string(items[0].Payload) != "p2b" {
		t.Errorf("claimed %+v, %v", items, err)
	}
	s.finish("2", "4")

	// The journal goes on where it was, trimmed or not, with its size known.
	for round := range 4 {
		for range 30 {
			s.do(nil, func(tx store.Tx) {
				tx.Append(store.Record{Data: bytes.Repeat([]byte("x"), 1000), IDs: []string{fmt.Sprint("round", round)}})
			})
			s.do(nil, func(tx store.Tx) { tx.MoveCursor("other", s.Last()) })
		}
		before := s.Usage()
		reopen()
		after := s.Usage()
		if before.First != after.First || before.Last != after.Last || before.JournalBytes != after.JournalBytes {
			t.Errorf("usage was %+v and is %+v", before, after)
		}
	}
	if u := s.Usage(); u.First == 1 || u.Last != 121 {
		t.Errorf("the journal is %d to %d", u.First, u.Last)
	}
	if got, err := s.Locate(t.Context(), "round3"); err != nil || len(got) != 30 || got[29] != 121 {
		t.Errorf("Locate found %v, %v", got, err)
	}
	s.clock.Advance(time.Hour)
	s.wantTimers(9, "far=data")
}
