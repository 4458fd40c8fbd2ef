package store

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func numberedMark(kind string, n int) markID { return markIDOf(kind + strconv.Itoa(n)) }

// TestMarkFilter: no mark that was added is taken for absent, over several
// parts, and few others for present.
func TestMarkFilter(t *testing.T) {
	var room atomic.Int64
	room.Store(1 << 20)
	f := newMarkFilter(&room, true)
	const marks = 3 * firstPart * blockMarks // fills the second part
	for n := range marks {
		f.add(numberedMark("in", n))
	}
	if n := len(*f.parts.Load()); n != 2 || room.Load() != 1<<20-3*firstPart*blockBytes {
		t.Errorf("%d parts, %d bytes left", n, room.Load())
	}
	present := 0
	for n := range marks {
		if f.absent(numberedMark("in", n)) {
			t.Fatalf("mark %d is taken for absent", n)
		}
		if !f.absent(numberedMark("out", n)) {
			present++
		}
	}
	if present > marks/20 {
		t.Errorf("%d of %d absent marks are taken for present", present, marks)
	}
}

// TestMarkFilterKnows: nothing is absent before the filter is whole, and after
// it gave up or was ended; then its room is free again.
func TestMarkFilterKnows(t *testing.T) {
	var room atomic.Int64
	const one = firstPart * blockBytes
	room.Store(one)
	id := numberedMark("out", 1)
	old := newMarkFilter(&room, false)
	old.add(numberedMark("in", 1))
	if old.absent(id) {
		t.Error("absent before every mark was added")
	}
	if old.complete(); !old.absent(id) || room.Load() != 0 {
		t.Errorf("present in a whole filter, or %d bytes left", room.Load())
	}
	late := newMarkFilter(&room, true)
	if !late.absent(id) {
		t.Error("present in an empty filter")
	}
	late.add(id)
	if late.complete(); late.absent(id) || late.absent(numberedMark("out", 2)) {
		t.Error("absent from a filter that had no room")
	}
	if old.end(); old.absent(id) || room.Load() != one {
		t.Errorf("absent from a filter that ended, or %d bytes left", room.Load())
	}
}

// TestSeenGenerationAgain: a generation that was dropped may still have marks,
// so one that the clock brings back knows nothing of those it has not.
func TestSeenGenerationAgain(t *testing.T) {
	var g generations
	g.room.Store(filterRoom)
	id := numberedMark("out", 1)
	g.add(5, true).add(numberedMark("in", 1))
	g.add(7, true)
	g.drop(7)
	if g.room.Load() != filterRoom {
		t.Errorf("%d bytes are left", g.room.Load())
	}
	if g.add(6, true).absent(id) || !g.add(7, true).absent(id) || !g.add(8, true).absent(id) {
		t.Error("a dropped generation knows its marks, or a new one does not")
	}
	if len(g.get()) != 3 {
		t.Errorf("generations %v", g.get())
	}
}

// TestSeenAfterReopen: marks of before a restart are found whether or not the
// filters have been filled, and those made meanwhile too.
func TestSeenAfterReopen(t *testing.T) {
	files := vfs.NewMem()
	now := time.Unix(10_000_000, 0)
	o := Options{SeenFor: 3 * time.Hour, Now: func() time.Time { return now }}
	s := mustOpen(t, "data", o, files)
	for _, id := range []string{"old", "young"} {
		if err := Update(t.Context(), s, nil, func(tx Tx) error { tx.MarkSeen(id, Mark{}); return nil }); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, "data", o, files)
	defer func() { _ = s.Close() }()
	check := func() {
		t.Helper()
		tx, err := s.Begin(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		for _, id := range []string{"old", "young"} {
			if _, ok, err := tx.Seen(id); !ok || err != nil {
				t.Errorf("%s: seen %t, %v", id, ok, err)
			}
		}
		if _, ok, err := tx.Seen("never"); ok || err != nil {
			t.Errorf("never: seen %t, %v", ok, err)
		}
	}
	check()
	for _, g := range s.seen.get() {
		for !g.marks.whole.Load() {
			runtime.Gosched()
		}
		if !g.marks.absent(markIDOf("never")) {
			t.Error("a filter that was filled does not know what is absent")
		}
	}
	check()
}
