package store

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestJournalSeparate follows the journal's bytes: out of the tables, through a
// rewriting of those, into a checkpoint, and off the disk once they are old.
func TestJournalSeparate(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	o := Options{Keep: time.Hour, SweepEvery: time.Hour, Now: func() time.Time { return now }}
	files := vfs.NewMem()
	s := mustOpen(t, "data", o, files)
	defer func() { _ = s.Close() }()
	record := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d", i), 250) }
	for i := range 1000 {
		err := Update(t.Context(), s, nil, func(tx Tx) error {
			tx.Append(Record{Data: record(i), IDs: []string{fmt.Sprint("id", i)}})
			tx.Put(fmt.Sprint("state", i%100), record(i))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 {
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := s.db.Metrics().BlobFiles.Local
	if before.LiveCount == 0 {
		t.Fatal("no record is outside the tables")
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := s.db.Metrics().BlobFiles.Local; after.LiveCount != before.LiveCount || after.LiveSize != before.LiveSize {
		t.Errorf("rewriting the tables made %d files of %d bytes out of %d of %d", after.LiveCount, after.LiveSize, before.LiveCount, before.LiveSize)
	}
	if err := s.Checkpoint("copy"); err != nil {
		t.Fatal(err)
	}
	kept := mustOpen(t, "copy", o, files)
	for i, s := range []*Embedded{s, kept} {
		n := 0
		err := s.Journal(t.Context(), 0, func(seq uint64, data []byte) bool {
			if !bytes.Equal(data, record(int(seq)-1)) {
				t.Errorf("store %d: record %d is another", i, seq)
			}
			n++
			return true
		})
		if err != nil || n != 1000 {
			t.Errorf("store %d: %d records, %v", i, n, err)
		}
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A file goes with the last of its records, and the newest record stays.
	if left := s.db.Metrics().BlobFiles.Local; left.LiveCount > 1 {
		t.Errorf("%d of %d files are left when all records are too old", left.LiveCount, before.LiveCount)
	}
}
