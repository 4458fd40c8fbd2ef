package store

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func mustOpen(t *testing.T, dir string, o Options, files vfs.FS) *Embedded {
	t.Helper()
	s, err := open(dir, o, files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error %q does not say %q", err, p)
		}
	}
}

func TestOpenInUse(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{}, vfs.Default)
	_, err := Open(dir, Options{})
	wantError(t, err, dir, "in use by another signalbox")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, dir, Options{}, vfs.Default).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenNotADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(file, Options{})
	wantError(t, err, "make data_dir", file)
}

func TestOpenFormat(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		want             []string
	}{
		{"newer", "mformat", "2", []string{"written by a newer signalbox", "format 2"}},
		{"older", "mformat", "0", []string{"written by an older signalbox", "format 0"}},
		{"garbled", "mformat", "x", []string{"damaged"}},
		{"foreign", "other", "x", []string{"another program"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := vfs.NewMem()
			db, err := pebble.Open("data", &pebble.Options{FS: files, Logger: engineLog{slog.New(slog.DiscardHandler)}})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Set([]byte(test.key), []byte(test.value), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = open("data", Options{}, files)
			wantError(t, err, append(test.want, "data_dir data")...)
			_, err = open("data", Options{}, files)
			wantError(t, err, test.want...) // the directory was let go
		})
	}
}

func TestOpenDamaged(t *testing.T) {
	for _, key := range []string{"tname", "q12345678", "qshort", "cname", "s1"} {
		t.Run(key, func(t *testing.T) {
			files := vfs.NewMem()
			s := mustOpen(t, "data", Options{}, files)
			if err := s.db.Set([]byte(key), []byte("x"), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := open("data", Options{}, files)
			wantError(t, err, "data_dir data is damaged", "restore a backup")
		})
	}
}

// TestOpenTornTables overwrites the engine's files.
func TestOpenTornTables(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{}, vfs.Default)
	for n := range 50 {
		if err := step(t.Context(), s, 0, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, name := range tables {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(b) / 2 {
			b[i] ^= 0x55
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err = open(dir, Options{Log: slog.New(slog.DiscardHandler)}, vfs.Default)
	if err == nil {
		_ = s.Close()
	}
	wantError(t, err, "is damaged", "restore a backup")
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is of several lines: %q", err)
	}
}

// fullDisk reports the free disk it is told.
type fullDisk struct {
	vfs.FS
	free atomic.Uint64
}

func (f *fullDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	n := f.free.Load()
	if n == 0 {
		return vfs.DiskUsage{}, errors.New("no answer")
	}
	return vfs.DiskUsage{AvailBytes: n}, nil
}

func TestMinFree(t *testing.T) {
	files := &fullDisk{FS: vfs.NewMem()}
	now := time.Unix(1_000_000, 0)
	s := mustOpen(t, "data", Options{
		MinFree: 1000, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}, files)
	defer func() { _ = s.Close() }()
	put := func(exempt bool) error {
		return Update(t.Context(), s, nil, func(tx Tx) error {
			tx.Append(Record{Exempt: exempt})
			return nil
		})
	}
	for _, test := range []struct {
		free uint64
		full bool
	}{{0, true}, {1000, false}, {999, true}, {5000, false}, {0, false}} { // the last reading holds
		files.free.Store(test.free)
		now = now.Add(time.Second)
		if err := put(false); errors.Is(err, ErrFull) != test.full || err != nil && !test.full {
			t.Errorf("with %d bytes free: %v", test.free, err)
		}
		if err := put(true); err != nil {
			t.Errorf("exempt with %d bytes free: %v", test.free, err)
		}
	}
	if u := s.Usage(); u.DiskFree != 5000 || u.DiskMin != 1000 {
		t.Errorf("usage is %+v", u)
	}
}

// TestSyncFails lets the disk refuse to sync the log: the commit must not be
// acknowledged, nothing may be shown of it, and nothing committed after it.
func TestSyncFails(t *testing.T) {
	var broken atomic.Bool
	files := errorfs.Wrap(vfs.NewCrashableMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			return errorfs.ErrInjected
		}
		return nil
	}))
	s := mustOpen(t, "data", Options{Log: slog.New(slog.DiscardHandler)}, files)
	if err := step(t.Context(), s, 0, 1); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	wantError(t, step(t.Context(), s, 0, 2), "cannot write any more")
	if s.Last() != 1 {
		t.Errorf("Last is %d", s.Last())
	}
	if n, _ := s.Pending("q"); n != 1 {
		t.Errorf("%d items pending", n)
	}
	wantError(t, step(t.Context(), s, 0, 3), "cannot write any more")
	err := Update(t.Context(), s, nil, func(tx Tx) error {
		_, _, err := tx.Get("shared")
		return err
	})
	wantError(t, err, "cannot write any more") // it may have read what is lost
	wantError(t, s.Sweep(t.Context()), "cannot write any more")
}

func TestSweeperRuns(t *testing.T) {
	var now atomic.Int64
	swept := make(chan struct{}, 1)
	s := mustOpen(t, "data", Options{
		SeenFor: time.Hour, SweepEvery: time.Millisecond,
		Now: func() time.Time {
			select {
			case swept <- struct{}{}:
			default:
			}
			return time.Unix(now.Load(), 0)
		},
	}, vfs.NewMem())
	now.Store(1_000_000)
	if err := Update(t.Context(), s, nil, func(tx Tx) error { tx.MarkSeen("i", Mark{}); return nil }); err != nil {
		t.Fatal(err)
	}
	now.Add(100_000)
	for len(s.seen.get()) > 0 {
		<-swept
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRecentMarks lets a transaction outlive the memory of recent marks.
func TestRecentMarks(t *testing.T) {
	s := mustOpen(t, "data", Options{}, vfs.NewMem())
	defer func() { _ = s.Close() }()
	old, err := s.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := s.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	mark := func(ids ...string) {
		t.Helper()
		err := Update(t.Context(), s, nil, func(tx Tx) error {
			for _, id := range ids {
				tx.MarkSeen(id, Mark{})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	mark("first")
	for batch := range 3 {
		var ids []string
		for i := range recentSize {
			ids = append(ids, stepID(batch, i))
		}
		mark(ids...)
	}
	old.MarkSeen("first", Mark{})
	if err := old.Commit(t.Context()); !errors.Is(err, ErrConflict) {
		t.Errorf("an id marked long ago: %v", err)
	}
	fresh.MarkSeen("new", Mark{})
	if err := fresh.Commit(t.Context()); err != nil {
		t.Errorf("an id not marked: %v", err)
	}
}

// TestLocateOverBlocks puts records on both sides of a border of id blocks.
func TestLocateOverBlocks(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := mustOpen(t, "data", Options{Keep: time.Hour, Now: func() time.Time { return now }}, vfs.NewMem())
	defer func() { _ = s.Close() }()
	head := *s.journal.Load()
	head.first, head.last = 1<<idBlock-2, 1<<idBlock-3
	s.journal.Store(&head)
	for range 5 {
		err := Update(t.Context(), s, nil, func(tx Tx) error {
			tx.Append(Record{IDs: []string{"x"}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := uint64(1<<idBlock - 2)
	want := []uint64{first, first + 1, first + 2, first + 3, first + 4}
	locate := func() {
		t.Helper()
		got, err := s.Locate(t.Context(), "x")
		if err != nil || len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("located at %v, want %v, %v", got, want, err)
		}
	}
	locate()
	now = now.Add(2 * time.Hour)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	want = want[4:]
	locate()
	lo, hi := prefixRange(idPrefix)
	n := 0
	if err := s.scan(lo, hi, func(_, _ []byte) error { n++; return nil }); err != nil || n != 3 {
		t.Errorf("%d id keys are left, want those of the last block: %v", n, err)
	}
}

func TestMetrics(t *testing.T) {
	s := mustOpen(t, "data", Options{}, vfs.NewMem())
	if err := step(t.Context(), s, 0, 1); err != nil {
		t.Fatal(err)
	}
	if m := s.Metrics(); m.CommitsApplied != 1 || m.JournalDurable != 1 || m.SeenGenerations != 1 || m.MemtableBytes == 0 {
		t.Errorf("metrics are %+v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if m := s.Metrics(); m != (Metrics{}) {
		t.Errorf("metrics after Close are %+v", m)
	}
}

// TestCloseWaits closes the store while a reader is inside.
func TestCloseWaits(t *testing.T) {
	s := mustOpen(t, "data", Options{}, vfs.NewMem())
	for n := range 3 {
		if err := step(context.Background(), s, 0, n+1); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	seen := 0
	err := s.Journal(t.Context(), 0, func(uint64, []byte) bool {
		if seen++; seen == 1 {
			go func() { closed <- s.Close() }()
			for s.gate.open() {
			}
		}
		return true
	})
	if !errors.Is(err, ErrClosed) || seen != 1 {
		t.Errorf("after %d records: %v", seen, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestDiskFull lets the disk run full under load: what was acknowledged is
// there, input is refused meanwhile, and everything goes on when there is room.
func TestDiskFull(t *testing.T) {
	disk := &fullDisk{FS: vfs.NewMem()}
	disk.free.Store(1 << 30)
	var noSpace atomic.Bool
	files := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if noSpace.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasSuffix(op.Path, ".log") {
			return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
		}
		return nil
	}))
	s := mustOpen(t, "data", Options{Log: slog.New(slog.DiscardHandler)}, files)
	s.full.every = time.Millisecond
	if err := step(t.Context(), s, 0, 1); err != nil {
		t.Fatal(err)
	}
	disk.free.Store(1)
	noSpace.Store(true)
	caught := make(chan error, 1)
	go func() { caught <- step(context.Background(), s, 0, 2) }() // is on its way when the disk runs full
	for !s.full.full.Load() {
		runtime.Gosched()
	}
	if err := step(t.Context(), s, 1, 1); !errors.Is(err, ErrFull) {
		t.Errorf("input while the disk is full: %v", err)
	}
	if s.Last() != 1 {
		t.Errorf("Last is %d", s.Last())
	}
	select {
	case err := <-caught:
		t.Fatalf("a commit ended while the disk was full: %v", err)
	default:
	}
	noSpace.Store(false)
	disk.free.Store(1 << 30)
	if err := <-caught; err != nil {
		t.Fatalf("a commit that waited for room: %v", err)
	}
	for s.full.full.Load() {
		runtime.Gosched()
	}
	for n := range 20 {
		if err := step(t.Context(), s, 1, n+1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, "data", Options{}, files)
	defer func() { _ = s.Close() }()
	checkAcked(t, map[int]int{0: 2, 1: 20}, checkWhole(t, s))
}
