package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// A step is one transaction of a worker in the crash tests. It leaves one trace
// of every kind, all derived from the worker and the number of the step, and
// counts on under a key shared by all workers, so that every transaction builds
// on the one before.

func stepID(worker, n int) string { return fmt.Sprintf("w%d/%d", worker, n) }

func step(ctx context.Context, s Store, worker, n int) error {
	id := stepID(worker, n)
	own := fmt.Sprintf("own/%d", worker)
	return Update(ctx, s, []string{own, "shared"}, func(tx Tx) error {
		v, _, err := tx.Get("shared")
		if err != nil {
			return err
		}
		count := uint64(1)
		if len(v) == 8 {
			count = binary.BigEndian.Uint64(v) + 1
		}
		tx.Put("shared", binary.BigEndian.AppendUint64(nil, count))
		tx.Put(own, fmt.Append(nil, n))
		data := fmt.Appendf(nil, "%s %d", id, count)
		if worker > 0 {
			data = fmt.Appendf(data, " %0300d", count) // long enough to lie beside the tables
		}
		seq := tx.Append(Record{Data: data, IDs: []string{id}})
		tx.MarkSeen(id, Mark{Seq: seq})
		tx.Enqueue(Item{Queue: "q", ID: id, Payload: []byte(id)})
		tx.SetTimer(Timer{ID: id, Due: time.Unix(1, 0), Data: []byte(id)})
		tx.MoveCursor("c/"+own, count)
		return nil
	})
}

// checkWhole checks that what is in the store is a sequence of whole steps, and
// returns how many steps of each worker there are.
func checkWhole(t *testing.T, s Store) map[int]int {
	t.Helper()
	ctx := t.Context()
	tx, err := s.Begin(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	items := map[string]string{}
	claimed, _, err := s.Claim(ctx, "q", math.MaxInt, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range claimed {
		items[it.ID] = string(it.Payload)
	}
	done := map[int]int{}
	var total uint64
	err = s.Journal(ctx, 0, func(seq uint64, data []byte) bool {
		total++
		id, rest, _ := strings.Cut(string(data), " ")
		count, rest, _ := strings.Cut(rest, " ")
		var worker, n int
		if _, err := fmt.Sscanf(id, "w%d/%d", &worker, &n); err != nil {
			t.Errorf("record %d is %q", seq, data)
			return false
		}
		done[worker]++
		long := worker == 0 && rest == "" || worker > 0 && rest == fmt.Sprintf("%0300d", total)
		if seq != total || count != fmt.Sprint(total) || !long || n != done[worker] {
			t.Errorf("record %d is %q, the %d. of all and the %d. of its worker", seq, data, total, done[worker])
		}
		if m, ok, err := tx.Seen(id); err != nil || !ok || m.Seq != seq {
			t.Errorf("%s: mark %+v, %v, %v", id, m, ok, err)
		}
		if tm, ok, err := tx.Timer(id); err != nil || !ok || string(tm.Data) != id {
			t.Errorf("%s: timer %+v, %v, %v", id, tm, ok, err)
		}
		if at, err := s.Locate(ctx, id); err != nil || len(at) != 1 || at[0] != seq {
			t.Errorf("%s: located at %v, %v", id, at, err)
		}
		if items[id] != id {
			t.Errorf("%s: queued payload %q", id, items[id])
		}
		return !t.Failed()
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != int(total) || s.Last() != total {
		t.Errorf("%d records, %d items, last is %d", total, len(items), s.Last())
	}
	for worker, n := range done {
		v, _, err := tx.Get(fmt.Sprintf("own/%d", worker))
		if err != nil || string(v) != fmt.Sprint(n) {
			t.Errorf("worker %d: state %s after %d steps, %v", worker, v, n, err)
		}
	}
	if v, _, err := tx.Get("shared"); err != nil || total > 0 && binary.BigEndian.Uint64(v) != total {
		t.Errorf("shared count is %x after %d records, %v", v, total, err)
	}
	return done
}
