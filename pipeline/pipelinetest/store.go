package pipelinetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestStore checks that a store keeps the promises of store.Store and store.Tx.
// open returns a new, empty store under the options; the suite closes it. The
// store must have a Sweep method, and its clock is the one of the options.
func TestStore(t *testing.T, open func(t *testing.T, o store.Options) store.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *storeUnderTest)
		opts store.Options
	}{
		{name: "own writes", run: testOwnWrites},
		{name: "atomicity", run: testAtomicity},
		{name: "ended transactions", run: testEnded},
		{name: "locks isolate", run: testIsolation},
		{name: "waiting for a lock", run: testLockWait},
		{name: "further locks", run: testFurtherLocks},
		{name: "update retries", run: testUpdate},
		{name: "scan", run: testScan},
		{name: "close", run: testClose},
		{name: "journal", run: testJournal},
		{name: "journal under concurrency", run: testJournalConcurrency},
		{name: "changed", run: testChanged},
		{name: "cursors", run: testCursors},
		{name: "journal by age", run: testKeep, opts: store.Options{Keep: time.Hour}},
		{name: "journal by size", run: testFull, opts: store.Options{MaxJournal: 20_000}},
		{name: "seen marks", run: testSeen},
		{name: "seen marks collide", run: testSeenConflict},
		{name: "seen marks expire", run: testSeenExpiry, opts: store.Options{SeenFor: 30 * time.Hour}},
		{name: "enqueue is idempotent", run: testEnqueue},
		{name: "items are found by id and listed", run: testItem},
		{name: "order per key", run: testQueueOrder},
		{name: "leases", run: testLease},
		{name: "reschedule", run: testReschedule},
		{name: "claim in portions", run: testClaimPortions},
		{name: "pending", run: testPending},
		{name: "timers", run: testTimers},
		{name: "timer leases", run: testTimerLease},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &storeUnderTest{T: t, clock: newClock()}
			test.opts.Now = s.clock.Now
			s.Store = open(t, test.opts)
			t.Cleanup(func() {
				if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(t, s)
		})
	}
}

// clock is a clock that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// storeUnderTest is a store with calls that fail the test.
type storeUnderTest struct {
	store.Store
	*testing.T
	clock *clock
}

// do commits what fn does and returns the transaction, for its Seq.
func (s *storeUnderTest) do(locks []string, fn func(tx store.Tx)) store.Tx {
	s.Helper()
	tx := s.begin(locks...)
	fn(tx)
	if err := tx.Commit(s.Context()); err != nil {
		s.Fatalf("Commit: %v", err)
	}
	return tx
}

func (s *storeUnderTest) begin(locks ...string) store.Tx {
	s.Helper()
	tx, err := s.Begin(s.Context(), locks)
	if err != nil {
		s.Fatalf("Begin: %v", err)
	}
	s.Cleanup(tx.Rollback)
	return tx
}

// value is what is committed under the key, "-" for nothing.
func (s *storeUnderTest) value(key string) string {
	s.Helper()
	tx := s.begin()
	defer tx.Rollback()
	return s.valueIn(tx, key)
}

func (s *storeUnderTest) valueIn(tx store.Tx, key string) string {
	s.Helper()
	v, ok, err := tx.Get(key)
	if err != nil {
		s.Fatalf("Get(%q): %v", key, err)
	}
	if !ok {
		return "-"
	}
	return string(v)
}

func (s *storeUnderTest) want(key, want string) {
	s.Helper()
	if got := s.value(key); got != want {
		s.Errorf("value of %q is %q, want %q", key, got, want)
	}
}

func (s *storeUnderTest) sweep() {
	s.Helper()
	sweeper, ok := s.Store.(interface{ Sweep(context.Context) error })
	if !ok {
		s.Fatalf("%T has no Sweep method", s.Store)
	}
	if err := sweeper.Sweep(s.Context()); err != nil {
		s.Fatalf("Sweep: %v", err)
	}
}

func testOwnWrites(t *testing.T, s *storeUnderTest) {
	s.do([]string{"a", "b"}, func(tx store.Tx) {
		tx.Put("a", []byte("1"))
		tx.Put("b", []byte("1"))
	})
	tx := s.begin("a", "b", "c")
	tx.Put("a", []byte("2"))
	tx.Delete("b")
	tx.Put("c", []byte{})
	tx.MarkSeen("i-1", store.Mark{Digest: [16]byte{1}})
	tx.SetTimer(store.Timer{ID: "t", Due: s.clock.Now(), Data: []byte("x")})
	tx.MoveCursor("index", 7)
	for key, want := range map[string]string{"a": "2", "b": "-", "c": "", "d": "-"} {
		if got := s.valueIn(tx, key); got != want {
			t.Errorf("own value of %q is %q, want %q", key, got, want)
		}
	}
	if m, ok, err := tx.Seen("i-1"); err != nil || !ok || m.Digest != [16]byte{1} {
		t.Errorf("own mark: %v %v %v", m, ok, err)
	}
	if tm, ok, err := tx.Timer("t"); err != nil || !ok || string(tm.Data) != "x" {
		t.Errorf("own timer: %v %v %v", tm, ok, err)
	}
	tx.CancelTimer("t")
	if _, ok, err := tx.Timer("t"); err != nil || ok {
		t.Errorf("own cancelled timer: %v %v", ok, err)
	}
	if seq, err := tx.Cursor("index"); err != nil || seq != 7 {
		t.Errorf("own cursor: %d %v", seq, err)
	}
	s.want("a", "1") // others do not see them
	s.want("b", "1")
	s.want("c", "-")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.want("a", "2")
	s.want("b", "-")
	s.want("c", "")
}

// everything writes one of each kind, so that atomicity can be looked at.
func everything(tx store.Tx, s *storeUnderTest) {
	now := s.clock.Now()
	tx.Put("a", []byte("new"))
	seq := tx.Append(store.Record{Data: []byte("record"), IDs: []string{"i-1"}})
	tx.MarkSeen("i-1", store.Mark{Digest: [16]byte{1}, Seq: seq, At: now})
	tx.Enqueue(store.Item{Queue: "q", ID: "1", Payload: []byte("p")})
	tx.SetTimer(store.Timer{ID: "t", Due: now})
	tx.MoveCursor("index", 1)
}

// traces lists which kinds of everything are there.
func traces(s *storeUnderTest) (found []string) {
	s.Helper()
	add := func(ok bool, kind string) {
		if ok {
			found = append(found, kind)
		}
	}
	tx := s.begin()
	defer tx.Rollback()
	add(s.valueIn(tx, "a") == "new", "state")
	add(s.Last() == 1, "journal")
	m, seen, err := tx.Seen("i-1")
	if err != nil {
		s.Fatal(err)
	}
	add(seen && m.Seq == 1, "mark")
	n, _ := s.Pending("q")
	add(n == 1, "item")
	_, set, err := tx.Timer("t")
	if err != nil {
		s.Fatal(err)
	}
	add(set, "timer")
	cursor, err := tx.Cursor("index")
	if err != nil {
		s.Fatal(err)
	}
	add(cursor == 1, "cursor")
	return found
}

var allTraces = []string{"state", "journal", "mark", "item", "timer", "cursor"}

func testAtomicity(t *testing.T, s *storeUnderTest) {
	tx := s.begin("a")
	everything(tx, s)
	tx.Rollback()
	if got := traces(s); len(got) > 0 {
		t.Fatalf("after a rollback there are %v", got)
	}
	tx = s.begin("a")
	everything(tx, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tx.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Commit under an ended context: %v", err)
	}
	if got := traces(s); len(got) > 0 {
		t.Fatalf("after a commit that was not done there are %v", got)
	}
	s.do([]string{"a"}, func(tx store.Tx) { everything(tx, s) })
	if got := traces(s); !slices.Equal(got, allTraces) {
		t.Fatalf("after a commit there are only %v", got)
	}
}

func testEnded(t *testing.T, s *storeUnderTest) {
	tx := s.do([]string{"a"}, func(tx store.Tx) { tx.Put("a", []byte("1")) })
	tx.Rollback() // no-op
	s.want("a", "1")
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a second Commit succeeded")
	}
	if _, _, err := tx.Get("a"); err == nil {
		t.Error("Get after Commit succeeded")
	}
	if err := tx.Lock(t.Context(), []string{"b"}); err == nil {
		t.Error("Lock after Commit succeeded")
	}
	if tx := s.begin(); tx.Commit(t.Context()) != nil {
		t.Error("an empty transaction does not commit")
	}
}

func testIsolation(t *testing.T, s *storeUnderTest) {
	const workers, rounds = 8, 25
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			// Two keys in either order: the store sorts them.
			locks := []string{"x", "y"}
			if w%2 == 1 {
				slices.Reverse(locks)
			}
			for range rounds {
				err := store.Update(t.Context(), s, locks, func(tx store.Tx) error {
					x, _, err := tx.Get("x")
					if err != nil {
						return err
					}
					y, _, err := tx.Get("y")
					if err != nil {
						return err
					}
					if !bytes.Equal(x, y) {
						return fmt.Errorf("x is %d and y is %d", len(x), len(y))
					}
					tx.Put("x", append(slices.Clone(x), '.'))
					tx.Put("y", append(slices.Clone(y), '.'))
					return nil
				})
				if err != nil {
					t.Errorf("Update: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.want("x", strings.Repeat(".", workers*rounds))
	s.want("y", strings.Repeat(".", workers*rounds))
}

func testLockWait(t *testing.T, s *storeUnderTest) {
	holder := s.begin("b")
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := s.Begin(ctx, []string{"a", "b"})
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("Begin under an ended context: %v", err)
	}
	s.begin("a").Rollback() // given back by the one that failed

	order := make(chan string, 1)
	go func() {
		tx, err := s.Begin(t.Context(), []string{"b"})
		if err != nil {
			order <- err.Error()
			return
		}
		defer tx.Rollback()
		v, _, err := tx.Get("b")
		order <- fmt.Sprint(string(v), err)
	}()
	holder.Put("b", []byte("held"))
	if err := holder.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-order; got != "held<nil>" {
		t.Errorf("the next holder of the lock sees %s", got)
	}
}

func testFurtherLocks(t *testing.T, s *storeUnderTest) {
	tx := s.begin("b", "c", "b") // a key named twice is locked once
	if err := tx.Lock(t.Context(), []string{"e", "d"}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"b", "c", "d", "e"} {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() {
			_, err := s.Begin(ctx, []string{key})
			got <- err
		}()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("key %s was not locked: %v", key, err)
		}
	}
	for _, key := range []string{"a", "c", "e"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Lock(%s) out of order did not panic", key)
				}
			}()
			_ = tx.Lock(t.Context(), []string{key})
		}()
	}
	tx.Rollback()
	s.begin("b", "c", "d", "e").Rollback()
}

func testUpdate(t *testing.T, s *storeUnderTest) {
	tries := 0
	err := store.Update(t.Context(), s, nil, func(tx store.Tx) error {
		tries++
		if tries == 1 { // somebody marks the id while this transaction runs
			s.do(nil, func(tx store.Tx) { tx.MarkSeen("i-1", store.Mark{}) })
		}
		tx.MarkSeen("i-1", store.Mark{})
		tx.Put("a", fmt.Append(nil, tries))
		return nil
	})
	if err != nil || tries != 2 {
		t.Errorf("Update tried %d times: %v", tries, err)
	}
	s.want("a", "2")

	fault := errors.New("fault")
	err = store.Update(t.Context(), s, []string{"a"}, func(tx store.Tx) error {
		tx.Put("a", []byte("never"))
		return fault
	})
	if !errors.Is(err, fault) {
		t.Errorf("Update returned %v", err)
	}
	s.want("a", "2")
}

func testScan(t *testing.T, s *storeUnderTest) {
	keys := []string{"a", "b/1", "b/2", "b/3", "b/\xff", "c"}
	s.do(keys, func(tx store.Tx) {
		for _, k := range keys {
			tx.Put(k, []byte(k))
		}
	})
	s.do([]string{"b/2"}, func(tx store.Tx) { tx.Delete("b/2") })
	for _, test := range []struct {
		prefix string
		max    int
		want   []string
	}{
		{"", 9, []string{"a", "b/1", "b/3", "b/\xff", "c"}},
		{"b/", 9, []string{"b/1", "b/3", "b/\xff"}},
		{"b/", 2, []string{"b/1", "b/3"}},
		{"b/\xff", 9, []string{"b/\xff"}},
		{"x", 9, nil},
	} {
		var got []string
		err := s.Scan(t.Context(), test.prefix, func(key string, value []byte) bool {
			if string(value) != key {
				t.Errorf("value of %q is %q", key, value)
			}
			got = append(got, key)
			return len(got) < test.max
		})
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("Scan(%q) found %q, want %q (%v)", test.prefix, got, test.want, err)
		}
	}
}

func testClose(t *testing.T, s *storeUnderTest) {
	ctx := t.Context()
	s.do([]string{"a"}, func(tx store.Tx) { everything(tx, s) })
	tx := s.begin("a")
	if _, _, err := tx.Seen("i-2"); err != nil {
		t.Fatal(err)
	}
	tx.Put("a", []byte("late"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Begin":       func() error { _, err := s.Begin(ctx, nil); return err },
		"Get":         func() error { _, _, err := tx.Get("b"); return err },
		"Seen":        func() error { _, _, err := tx.Seen("i-1"); return err },
		"Timer":       func() error { _, _, err := tx.Timer("t"); return err },
		"Cursor":      func() error { _, err := tx.Cursor("index"); return err },
		"Journal":     func() error { return s.Journal(ctx, 0, func(uint64, []byte) bool { return true }) },
		"Record":      func() error { _, err := s.Record(ctx, 1); return err },
		"Locate":      func() error { _, err := s.Locate(ctx, "i-1"); return err },
		"Scan":        func() error { return s.Scan(ctx, "", func(string, []byte) bool { return true }) },
		"Claim":       func() error { _, _, err := s.Claim(ctx, "q", 1, s.clock.Now(), time.Second); return err },
		"ClaimTimers": func() error { _, _, err := s.ClaimTimers(ctx, 1, s.clock.Now(), time.Second); return err },
		"Close":       s.Close,
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after Close returned %v", name, err)
		}
	}
	if err := tx.Commit(ctx); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Commit after Close returned %v", err)
	}
	tx.Rollback()
	s.Usage() // must not panic
}
