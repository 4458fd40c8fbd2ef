package pipelinetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

const testLeaseTime = time.Minute

// claim claims up to max items of "q" and returns their ids.
func (s *storeUnderTest) claim(max int) (ids []string) {
	s.Helper()
	items, _, err := s.Claim(s.Context(), "q", max, s.clock.Now(), testLeaseTime)
	if err != nil {
		s.Fatalf("Claim: %v", err)
	}
	for _, it := range items {
		ids = append(ids, it.ID)
	}
	return ids
}

func (s *storeUnderTest) wantClaim(max int, want ...string) {
	s.Helper()
	if got := s.claim(max); !slices.Equal(got, want) {
		s.Errorf("claimed %q, want %q", got, want)
	}
}

func (s *storeUnderTest) enqueue(items ...store.Item) {
	s.Helper()
	s.do(nil, func(tx store.Tx) {
		for _, it := range items {
			it.Queue = "q"
			tx.Enqueue(it)
		}
	})
}

func (s *storeUnderTest) finish(ids ...string) {
	s.Helper()
	s.do(nil, func(tx store.Tx) {
		for _, id := range ids {
			tx.Finish("q", id)
		}
	})
}

func testEnqueue(t *testing.T, s *storeUnderTest) {
	now := s.clock.Now()
	in := store.Item{
		ID: "1", Key: "k", Payload: []byte("first"), Attempt: 3,
		NotBefore: now.Add(-time.Second), Enqueued: now.Add(-time.Minute),
	}
	s.enqueue(in)
	s.enqueue(store.Item{ID: "1", Payload: []byte("second")}, store.Item{ID: "2"}, store.Item{ID: "2"})
	s.do(nil, func(tx store.Tx) { tx.Enqueue(store.Item{Queue: "other", ID: "1"}) })
	items, _, err := s.Claim(t.Context(), "q", 9, now, testLeaseTime)
	if err != nil || len(items) != 2 {
		t.Fatalf("claimed %v, %v", items, err)
	}
	in.Queue = "q"
	if got := items[0]; fmt.Sprint(got) != fmt.Sprint(in) {
		t.Errorf("claimed %+v, want %+v", got, in)
	}
	if !items[1].Enqueued.Equal(now) {
		t.Errorf("an item enqueued without a time has %v", items[1].Enqueued)
	}
	s.finish("1", "2", "never there")
	s.wantClaim(9)
	s.enqueue(store.Item{ID: "1"}) // not pending any more
	s.wantClaim(9, "1")
	s.do(nil, func(tx store.Tx) { // there and gone in one transaction
		tx.Enqueue(store.Item{Queue: "q", ID: "3"})
		tx.Finish("q", "3")
	})
	s.do(nil, func(tx store.Tx) { // gone and there again
		tx.Finish("q", "1")
		tx.Enqueue(store.Item{Queue: "q", ID: "1", Payload: []byte("again")})
	})
	items, _, err = s.Claim(t.Context(), "q", 9, now, testLeaseTime)
	if err != nil || len(items) != 1 || string(items[0].Payload) != "again" {
		t.Errorf("claimed %v, %v", items, err)
	}
	if items, next, err := s.Claim(t.Context(), "none", 9, now, testLeaseTime); err != nil || len(items) > 0 || !next.IsZero() {
		t.Errorf("claimed %v %v %v of an unknown queue", items, next, err)
	}
}

func testQueueOrder(t *testing.T, s *storeUnderTest) {
	later := s.clock.Now().Add(time.Hour)
	s.enqueue(
		store.Item{ID: "a1", Key: "a", NotBefore: later}, store.Item{ID: "b1", Key: "b"}, store.Item{ID: "-1"},
		store.Item{ID: "a2", Key: "a"}, store.Item{ID: "b2", Key: "b"}, store.Item{ID: "-2"},
	)
	s.enqueue(store.Item{ID: "b3", Key: "b"})
	s.wantClaim(9, "b1", "-1", "-2") // a2 waits for a1
	s.wantClaim(9)
	s.finish("-1")
	s.wantClaim(9)
	s.finish("b1")
	s.wantClaim(9, "b2")
	s.finish("b3") // before its turn
	s.finish("b2")
	s.wantClaim(9)
	s.enqueue(store.Item{ID: "b4", Key: "b"})
	s.wantClaim(9, "b4")
	s.clock.Advance(time.Hour)
	s.finish("-2", "b4")
	s.wantClaim(9, "a1")
	s.finish("a1")
	s.wantClaim(9, "a2")
}

func testLease(t *testing.T, s *storeUnderTest) {
	s.enqueue(store.Item{ID: "1", Key: "k"}, store.Item{ID: "2", Key: "k"})
	s.wantClaim(9, "1")
	s.clock.Advance(testLeaseTime - time.Nanosecond)
	s.wantClaim(9)
	s.clock.Advance(time.Nanosecond)
	s.wantClaim(9, "1") // ran out; 2 still waits for it
	s.finish("1")
	s.wantClaim(9, "2")
	tx := s.begin()
	tx.Finish("q", "2")
	tx.Rollback()
	s.wantClaim(9)
	s.clock.Advance(testLeaseTime)
	s.wantClaim(9, "2")
}

func testReschedule(t *testing.T, s *storeUnderTest) {
	now := s.clock.Now()
	s.enqueue(store.Item{ID: "1", Key: "k", Payload: []byte("p")}, store.Item{ID: "2", Key: "k"}, store.Item{ID: "3", Key: "other"})
	s.wantClaim(1, "1")
	s.do(nil, func(tx store.Tx) {
		tx.Reschedule(store.Item{Queue: "q", ID: "1", Payload: []byte("signed"), Attempt: 1, NotBefore: now.Add(10 * time.Second)})
		tx.Reschedule(store.Item{Queue: "q", ID: "gone", Payload: []byte("x")})
	})
	items, next, err := s.Claim(t.Context(), "q", 9, now, testLeaseTime)
	if err != nil || len(items) != 1 || items[0].ID != "3" || !next.Equal(now.Add(10*time.Second)) {
		t.Fatalf("claimed %v, next %v, %v", items, next, err)
	}
	now = s.clock.Advance(10 * time.Second)
	items, _, err = s.Claim(t.Context(), "q", 9, now, testLeaseTime)
	if err != nil || len(items) != 1 || items[0].ID != "1" || items[0].Key != "k" || items[0].Attempt != 1 || string(items[0].Payload) != "signed" {
		t.Fatalf("claimed %v, %v", items, err)
	}
	s.do(nil, func(tx store.Tx) { tx.Reschedule(items[0]) }) // at once
	s.wantClaim(9, "1")
	s.finish("1")
	s.wantClaim(9, "2")
}

func testClaimPortions(t *testing.T, s *storeUnderTest) {
	now := s.clock.Now()
	var want []string
	for i := range 50 {
		id := fmt.Sprint(i)
		want = append(want, id)
		s.enqueue(store.Item{ID: id, NotBefore: now.Add(-time.Duration(i) * time.Second)})
	}
	var got []string
	for len(got) < 50 {
		items, next, err := s.Claim(t.Context(), "q", 7, now, testLeaseTime)
		if err != nil || len(items) == 0 {
			t.Fatalf("claimed %d of 50: %v", len(got), err)
		}
		for _, it := range items {
			got = append(got, it.ID)
		}
		if more := len(got) < 50; more == next.After(now) {
			t.Errorf("after %d items next is %v from now", len(got), next.Sub(now))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("claimed %q, want the order of enqueueing", got)
	}
	if items, next, err := s.Claim(t.Context(), "q", 7, now, testLeaseTime); err != nil || len(items) > 0 || !next.Equal(now.Add(testLeaseTime)) {
		t.Errorf("claimed %v, next %v, %v", items, next, err)
	}
}

func testPending(t *testing.T, s *storeUnderTest) {
	want := func(n int, oldest time.Time) {
		t.Helper()
		if gotN, got := s.Pending("q"); gotN != n || !got.Equal(oldest) {
			t.Errorf("%d pending since %v, want %d since %v", gotN, got, n, oldest)
		}
	}
	want(0, time.Time{})
	first := s.clock.Now()
	s.enqueue(store.Item{ID: "1"})
	second := s.clock.Advance(time.Minute)
	s.enqueue(store.Item{ID: "2"}, store.Item{ID: "3"})
	want(3, first)
	s.claim(1)
	want(3, first)
	s.finish("1")
	want(2, second)
	s.finish("2", "3")
	want(0, time.Time{})
}

// timers claims up to max timers and returns their ids.
func (s *storeUnderTest) timers(max int) (ids []string) {
	s.Helper()
	list, _, err := s.ClaimTimers(s.Context(), max, s.clock.Now(), testLeaseTime)
	if err != nil {
		s.Fatalf("ClaimTimers: %v", err)
	}
	for _, tm := range list {
		ids = append(ids, tm.ID+"="+string(tm.Data))
	}
	return ids
}

func (s *storeUnderTest) wantTimers(max int, want ...string) {
	s.Helper()
	if got := s.timers(max); !slices.Equal(got, want) {
		s.Errorf("claimed timers %q, want %q", got, want)
	}
}

func (s *storeUnderTest) setTimer(id string, after time.Duration, data string) {
	s.Helper()
	due := s.clock.Now().Add(after)
	s.do(nil, func(tx store.Tx) { tx.SetTimer(store.Timer{ID: id, Due: due, Data: []byte(data)}) })
}

func testTimers(t *testing.T, s *storeUnderTest) {
	s.setTimer("c", 3*time.Second, "c")
	s.setTimer("a", 1*time.Second, "a")
	s.setTimer("b", 2*time.Second, "b")
	s.setTimer("x", 2*time.Second, "x")
	s.do(nil, func(tx store.Tx) {
		tx.CancelTimer("x")
		tx.CancelTimer("never set")
	})
	s.wantTimers(9)
	if _, next, err := s.ClaimTimers(t.Context(), 9, s.clock.Now(), testLeaseTime); err != nil || !next.Equal(s.clock.Now().Add(time.Second)) {
		t.Errorf("next is %v, %v", next, err)
	}
	s.setTimer("b", 5*time.Second, "b2") // replaced
	tx := s.begin()
	if tm, ok, err := tx.Timer("b"); err != nil || !ok || string(tm.Data) != "b2" || !tm.Due.Equal(s.clock.Now().Add(5*time.Second)) {
		t.Errorf("timer is %v, %v, %v", tm, ok, err)
	}
	if _, ok, err := tx.Timer("x"); ok || err != nil {
		t.Errorf("a cancelled timer is there: %v, %v", ok, err)
	}
	tx.Rollback()
	s.clock.Advance(3 * time.Second)
	s.wantTimers(1, "a=a")
	s.wantTimers(9, "c=c")
	s.clock.Advance(2 * time.Second)
	s.wantTimers(9, "b=b2")
	s.do(nil, func(tx store.Tx) {
		for _, id := range []string{"a", "b", "c"} {
			tx.CancelTimer(id)
		}
	})
	s.clock.Advance(time.Hour)
	s.wantTimers(9)
	if _, next, err := s.ClaimTimers(t.Context(), 9, s.clock.Now(), testLeaseTime); err != nil || !next.IsZero() {
		t.Errorf("next is %v, %v", next, err)
	}
}

func testTimerLease(t *testing.T, s *storeUnderTest) {
	s.setTimer("a", 0, "1")
	s.wantTimers(9, "a=1")
	s.wantTimers(9)
	s.clock.Advance(testLeaseTime)
	s.wantTimers(9, "a=1")
	s.setTimer("a", time.Second, "2") // replacing ends the lease
	s.wantTimers(9)
	s.clock.Advance(time.Second)
	s.wantTimers(9, "a=2")
	s.do(nil, func(tx store.Tx) { // cancelled and set in one transaction
		tx.CancelTimer("a")
		tx.SetTimer(store.Timer{ID: "a", Due: s.clock.Now(), Data: []byte("3")})
	})
	s.wantTimers(9, "a=3")
	s.do(nil, func(tx store.Tx) {
		tx.SetTimer(store.Timer{ID: "a", Due: s.clock.Now()})
		tx.CancelTimer("a")
	})
	s.clock.Advance(time.Hour)
	s.wantTimers(9)
}

func testItem(t *testing.T, s *storeUnderTest) {
	now := s.clock.Now()
	s.enqueue(
		store.Item{ID: "1", Key: "k", Payload: []byte("first")},
		store.Item{ID: "2", Key: "k", Payload: []byte("second")},
		store.Item{ID: "3", Payload: []byte("third"), NotBefore: now.Add(time.Hour)})
	s.wantClaim(9, "1")
	s.do(nil, func(tx store.Tx) {
		tx.Reschedule(store.Item{Queue: "q", ID: "1", Payload: []byte("changed"), Attempt: 1})
	})
	s.do(nil, func(tx store.Tx) {
		for id, want := range map[string]string{"1": "changed", "2": "second", "3": "third"} {
			it, ok, err := tx.Item("q", id)
			if err != nil || !ok || string(it.Payload) != want || it.Queue != "q" || it.ID != id {
				t.Errorf("Item(%s) = %+v, %t, %v", id, it, ok, err)
			}
		}
		for _, q := range []string{"q", "other"} {
			if _, ok, err := tx.Item(q, "4"); ok || err != nil {
				t.Errorf("Item(%s, 4): %t, %v", q, ok, err)
			}
		}
	})
	list := func(max int) (ids []string) {
		items, err := s.Waiting(t.Context(), "q", max)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			ids = append(ids, it.ID+"="+string(it.Payload))
		}
		return ids
	}
	if got := list(9); !slices.Equal(got, []string{"1=changed", "2=second", "3=third"}) {
		t.Errorf("waiting are %q", got)
	}
	if got := list(2); !slices.Equal(got, []string{"1=changed", "2=second"}) {
		t.Errorf("the first two waiting are %q", got)
	}
	s.finish("2")
	if got := list(9); !slices.Equal(got, []string{"1=changed", "3=third"}) {
		t.Errorf("without the second, waiting are %q", got)
	}
	s.do(nil, func(tx store.Tx) {
		if _, ok, _ := tx.Item("q", "2"); ok {
			t.Error("a finished item is found")
		}
	})
}
