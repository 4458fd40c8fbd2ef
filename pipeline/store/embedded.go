package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Embedded is the Store of one process, on Pebble in a directory of its own.
// Every acknowledged transaction is synced to disk; transactions that commit at
// the same time share the sync. The directory is locked against other
// processes.
type Embedded struct {
	dir   string
	fs    vfs.FS
	db    *pebble.DB
	dirMu *pebble.Lock
	opts  Options

	gate     gate
	locks    *lockTable
	schedule *schedule
	changed  broadcast

	// commitMu is held while a transaction gets its place: its number, the
	// sequences of its records, its position in the log.
	commitMu sync.Mutex
	recent   recentMarks                 // guarded by commitMu
	journal  atomic.Pointer[journalHead] // set under commitMu
	applied  atomic.Uint64               // number of the last commit, set under commitMu

	durable publisher
	values  *values
	seen    generations
	cursors cursorTable
	disk    diskGauge
	readers markReaders
	damaged *damaged // files found damaged
	full    *diskWait

	readOnly   bool
	stop       context.CancelFunc
	background sync.WaitGroup
}

var _ Store = (*Embedded)(nil)

// Open opens the store in dir, which is made if it is not there, and starts its
// background work; Close ends both. The errors are for the operator: the directory is
// in use, cannot be written, holds damaged data or another format.
func Open(dir string, o Options) (*Embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: make data_dir: %w", err)
	}
	return open(dir, o, vfs.Default)
}

// open is Open on any file system.
func open(dir string, o Options, files vfs.FS) (*Embedded, error) {
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: make data_dir: %w", err)
	}
	return openMode(dir, o, files, false)
}

func openMode(dir string, o Options, files vfs.FS, readOnly bool) (*Embedded, error) {
	o = o.defaults()
	lock, err := pebble.LockDirectory(dir, files)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, fmt.Errorf("store: data_dir %s cannot be written: %w", dir, err)
		}
		return nil, fmt.Errorf("store: data_dir %s is in use by another signalbox: stop it, or choose another data_dir (%w)", dir, err)
	}
	found := &damaged{}
	full, files := newDiskWait(files, dir, o)
	if o.Free == nil {
		o.Free = func() (uint64, error) {
			u, err := files.GetDiskUsage(dir)
			return u.AvailBytes, err
		}
	}
	if err := checkLogs(dir, files, found); err != nil {
		_ = lock.Close()
		return nil, openError(dir, err, found)
	}
	eo := engineOptions(o, files, lock, found)
	eo.ReadOnly = readOnly
	db, err := pebble.Open(dir, eo)
	if err != nil {
		_ = lock.Close()
		return nil, openError(dir, err, found)
	}
	s := &Embedded{
		dir: dir, fs: files, db: db, dirMu: lock, opts: o, damaged: found, full: full, readOnly: readOnly,
		values: newValues(valuesShare(o.Cache)), locks: newLockTable(), schedule: newSchedule(true), stop: func() {},
	}
	if err := s.load(); err != nil {
		_ = db.Close()
		_ = lock.Close()
		return nil, openError(dir, err, found)
	}
	if readOnly {
		return s, nil
	}
	full.armed.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.background.Go(func() { s.sweepUntil(ctx) })
	s.background.Go(func() { s.learnSeen(ctx) })
	return s, nil
}

// engineOptions tunes Pebble for many small random writes beside a journal: the
// large memtable halves the cost of a commit, and the filters make the look-up
// of a key that is not there cheap.
func engineOptions(o Options, files vfs.FS, lock *pebble.Lock, found *damaged) *pebble.Options {
	po := &pebble.Options{
		FS:                          files,
		Lock:                        lock,
		CacheSize:                   o.Cache - valuesShare(o.Cache),
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               512 << 20,
		FlushDelayDeleteRange:       10 * time.Second,
		Logger:                      engineLog{o.Log},
		EventListener: &pebble.EventListener{
			// The engine would end the process; the read that found it returns an
			// error all the same.
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				if found.note(info.Path) {
					o.Log.Error("data in data_dir is damaged: stop, and restore a backup with signalbox restore", "file", info.Path, "err", info.Details.Error())
				}
			},
		},
	}
	po.TargetFileSizes[0] = 32 << 20
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		po.Levels[i].BlockSize = 4 << 10
		po.Levels[i].IndexBlockSize = 256 << 10 // one level of index in every table
		po.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.FastestCompression }
	}
	// Flushes write the journal by this size: one record a block is packed less.
	po.Levels[0].BlockSize = 32 << 10
	separateJournal(po)
	return po
}

// engineLog passes on what an operator must know.
type engineLog struct{ log *slog.Logger }

func (l engineLog) Infof(string, ...any) {}

func (l engineLog) Errorf(format string, args ...any) {
	l.log.Error("store engine", "err", fmt.Sprintf(format, args...))
}

// Fatalf ends the process: the engine calls it when it cannot write its log any
// more, and a store that cannot must not go on answering. What was acknowledged
// is on disk.
func (l engineLog) Fatalf(format string, args ...any) {
	l.log.Error("store engine cannot go on", "err", fmt.Sprintf(format, args...))
	os.Exit(1)
}

// load checks the format and brings into memory what is kept there.
func (s *Embedded) load() error {
	if err := s.checkFormat(); err != nil {
		return err
	}
	for _, step := range []func() error{s.loadJournal, s.loadSeen, s.loadCursors, s.loadTimers, s.loadQueues} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat refuses a directory of another format, or of another program, and
// marks a new one.
func (s *Embedded) checkFormat() error {
	v, ok, err := s.read(formatKey)
	if err != nil {
		return fmt.Errorf("read format: %w", err)
	}
	if !ok {
		empty := true
		if err := s.scan(nil, nil, func(_, _ []byte) error { empty = false; return errStop }); err != nil {
			return err
		}
		if !empty {
			return errors.New("it holds the data of another program: choose another data_dir")
		}
		if s.readOnly {
			return nil
		}
		return s.db.Set(formatKey, []byte(strconv.Itoa(format)), pebble.Sync)
	}
	switch n, err := strconv.Atoi(string(v)); {
	case err != nil:
		return fmt.Errorf("read format: %w", errDamaged)
	case n > format:
		return fmt.Errorf("it was written by a newer signalbox (format %d, this one knows %d): run that version, or a later one", n, format)
	case n < format:
		return fmt.Errorf("it was written by an older signalbox (format %d, this one needs %d) and there is no way to convert it: use another data_dir", n, format)
	}
	return nil
}

func (s *Embedded) loadTimers() error {
	lo, hi := prefixRange(timerPrefix)
	return s.scan(lo, hi, func(k, v []byte) error {
		t, err := readTimer(string(k[1:]), v)
		if err != nil {
			return fmt.Errorf("timer %q: %w", k[1:], err)
		}
		s.schedule.loadTimer(t)
		return nil
	})
}

func (s *Embedded) loadQueues() error {
	lo, hi := prefixRange(queuePrefix)
	return s.scan(lo, hi, func(k, v []byte) error {
		it, err := readItem(v)
		if err != nil || len(k) != 9 {
			return fmt.Errorf("queue item %x: %w", k[1:], errDamaged)
		}
		s.schedule.load(number(k), it)
		return nil
	})
}

// Begin implements Store.
func (s *Embedded) Begin(ctx context.Context, locks []string) (Tx, error) {
	if !s.gate.open() {
		return nil, ErrClosed
	}
	t, err := begin(ctx, s, s.locks, locks)
	if err != nil {
		return nil, err
	}
	t.since = s.applied.Load()
	return t, nil
}

// Changed implements Store.
func (s *Embedded) Changed() <-chan struct{} { return s.changed.wait() }

// Close implements Store.
func (s *Embedded) Close() error {
	s.full.end()
	if err := s.gate.close(); err != nil {
		return err
	}
	s.stop()
	s.background.Wait()
	s.readers.closeAll()
	return errors.Join(s.db.Close(), s.dirMu.Close())
}
