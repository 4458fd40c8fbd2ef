package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestAgree plays the same random calls to both implementations, which share
// the schedule and the locks but nothing of storage, and compares every answer.
// Embedded is closed and opened now and then, when no lease is running.
func TestAgree(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_000_000, 0)
			o := Options{
				SeenFor: 30 * time.Second, Keep: 40 * time.Second, MaxJournal: 4000,
				SweepEvery: time.Hour, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
			}
			files := vfs.NewMem()
			e := mustOpen(t, "data", o, files)
			e.values = newValues(int64(len(e.values.parts)) * 2 * 300)
			defer func() { _ = e.Close() }()
			m := NewMemory(o, Faults{})
			p := &player{random: rand.New(rand.NewPCG(seed, 0)), ctx: t.Context()}
			for call := range 400 {
				now = now.Add(time.Duration(p.random.IntN(1500)) * time.Millisecond)
				if p.random.IntN(40) == 0 {
					now = now.Add(leaseTime)
					if err := e.Close(); err != nil {
						t.Fatal(err)
					}
					e = mustOpen(t, "data", o, files)
				}
				play := p.next(now)
				if a, b := play(e), play(m); a != b {
					t.Fatalf("call %d: Embedded says\n%s\nMemory says\n%s", call, a, b)
				}
			}
		})
	}
}

const leaseTime = 3 * time.Second

// player draws calls. Each call returns what the store answered as text.
type player struct {
	random *rand.Rand
	ctx    context.Context
}

func (p *player) name() string { return string(rune('a' + p.random.IntN(6))) }

func (p *player) next(now time.Time) func(Store) string {
	switch n := p.random.IntN(10); {
	case n < 6:
		return p.transaction(now)
	case n < 7:
		max := 1 + p.random.IntN(3)
		return func(s Store) string {
			items, next, err := s.Claim(p.ctx, "q", max, now, leaseTime)
			var b strings.Builder
			for _, it := range items {
				fmt.Fprintf(&b, "%s %s %s %d %d\n", it.ID, it.Key, it.Payload, it.Attempt, it.Enqueued.UnixNano())
			}
			return fmt.Sprint(b.String(), next.Sub(now), err)
		}
	case n < 8:
		max := 1 + p.random.IntN(3)
		return func(s Store) string {
			timers, next, err := s.ClaimTimers(p.ctx, max, now, leaseTime)
			var b strings.Builder
			for _, tm := range timers {
				fmt.Fprintf(&b, "%s %s %d\n", tm.ID, tm.Data, tm.Due.UnixNano())
			}
			return fmt.Sprint(b.String(), next.Sub(now), err)
		}
	case n < 9:
		return func(s Store) string {
			return fmt.Sprint(s.(interface{ Sweep(context.Context) error }).Sweep(p.ctx))
		}
	}
	return func(s Store) string { return p.look(s, now) }
}

// look reads everything there is.
func (p *player) look(s Store, now time.Time) string {
	var b strings.Builder
	n, oldest := s.Pending("q")
	u := s.Usage()
	fmt.Fprintf(&b, "last %d pending %d %v cursors %v usage %d %d\n", s.Last(), n, oldest.Sub(now), s.Cursors(), u.First, u.JournalBytes)
	err := s.Journal(p.ctx, 0, func(seq uint64, data []byte) bool {
		fmt.Fprintf(&b, "%d %s\n", seq, data)
		return true
	})
	fmt.Fprintln(&b, err)
	err = s.Scan(p.ctx, "", func(k string, v []byte) bool {
		fmt.Fprintf(&b, "%s=%s\n", k, v)
		return true
	})
	fmt.Fprintln(&b, err)
	tx, err := s.Begin(p.ctx, nil)
	if err != nil {
		return err.Error()
	}
	defer tx.Rollback()
	for c := 'a'; c < 'g'; c++ {
		id := string(c)
		at, err := s.Locate(p.ctx, id)
		mark, seen, err2 := tx.Seen(id)
		tm, set, err3 := tx.Timer(id)
		fmt.Fprintln(&b, id, at, mark.Seq, mark.Digest, seen, tm.Due.UnixNano(), string(tm.Data), set, errors.Join(err, err2, err3))
	}
	return b.String()
}

// transaction draws the calls of one transaction.
func (p *player) transaction(now time.Time) func(Store) string {
	var calls []func(tx Tx) string
	add := func(f func(tx Tx)) { calls = append(calls, func(tx Tx) string { f(tx); return "" }) }
	for range 1 + p.random.IntN(5) {
		id, n := p.name(), p.random.IntN(100)
		text := []byte(fmt.Sprint(n))
		later := now.Add(time.Duration(n%10-3) * time.Second)
		switch p.random.IntN(14) {
		case 0:
			add(func(tx Tx) { tx.Put(id, text) })
		case 1:
			add(func(tx Tx) { tx.Delete(id) })
		case 2:
			calls = append(calls, func(tx Tx) string {
				v, ok, err := tx.Get(id)
				return fmt.Sprint(string(v), ok, err)
			})
		case 3, 4:
			add(func(tx Tx) { tx.Append(Record{Data: text, IDs: []string{id}, Exempt: n%2 == 0}) })
		case 5:
			add(func(tx Tx) {
				tx.MarkSeen(id, Mark{Seq: tx.Append(Record{Data: text}), Digest: [16]byte{byte(n)}})
			})
		case 6:
			calls = append(calls, func(tx Tx) string {
				m, ok, err := tx.Seen(id)
				return fmt.Sprint(m.Digest, m.Seq, ok, err)
			})
		case 7, 8:
			key := []string{"", "k", "l"}[n%3]
			add(func(tx Tx) { tx.Enqueue(Item{Queue: "q", ID: id, Key: key, Payload: text, NotBefore: later}) })
		case 9:
			add(func(tx Tx) { tx.Finish("q", id) })
		case 10:
			add(func(tx Tx) {
				tx.Reschedule(Item{Queue: "q", ID: id, Payload: text, Attempt: n, NotBefore: later})
			})
		case 11:
			// One timer for each moment, so that the order is certain.
			due := later.Truncate(time.Second).Add(time.Duration(id[0]) * time.Millisecond)
			add(func(tx Tx) { tx.SetTimer(Timer{ID: id, Due: due, Data: text}) })
		case 12:
			add(func(tx Tx) { tx.CancelTimer(id) })
		case 13:
			if n < 10 {
				add(func(tx Tx) { tx.DropCursor(id) })
			} else {
				calls = append(calls, func(tx Tx) string {
					at, err := tx.Cursor(id)
					tx.MoveCursor(id, at+uint64(n))
					return fmt.Sprint(at, err)
				})
			}
		}
	}
	keep := p.random.IntN(8) > 0
	return func(s Store) string {
		tx, err := s.Begin(p.ctx, []string{"a", "b", "c", "d", "e", "f"})
		if err != nil {
			return err.Error()
		}
		defer tx.Rollback()
		var b strings.Builder
		for _, c := range calls {
			fmt.Fprintln(&b, c(tx))
		}
		if !keep {
			return b.String()
		}
		err = tx.Commit(p.ctx)
		if errors.Is(err, ErrFull) {
			err = ErrFull // the words differ
		}
		return fmt.Sprint(b.String(), err)
	}
}
