package store

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The engine takes a failed write of its log for the end: what is in memory is
// then ahead of the disk. A disk that is full is no such end. Writes wait in
// place until there is room and are tried again, so that everything goes on
// where it stood. Meanwhile no input is admitted; what was on its way waits.

// diskWait holds writes while the disk is full.
type diskWait struct {
	files vfs.FS
	dir   string
	every time.Duration
	room  uint64 // free bytes at which writing goes on
	log   func(full bool, waited time.Duration)

	full  atomic.Bool
	armed atomic.Bool // not while opening, which is better refused
	once  sync.Once
	done  chan struct{} // closed to wait no longer
}

// How often a full disk is looked at, and how much must be free before writing
// goes on: enough to flush what is in memory.
const (
	diskFullEvery = time.Second
	diskFullRoom  = 64 << 20
)

func newDiskWait(files vfs.FS, dir string, o Options) (*diskWait, vfs.FS) {
	w := &diskWait{files: files, dir: dir, every: diskFullEvery, room: diskFullRoom, done: make(chan struct{})}
	w.log = func(full bool, waited time.Duration) {
		if full {
			o.Log.Error("disk of data_dir is full: nothing is taken in and writing waits; make room", "dir", dir)
		} else {
			o.Log.Warn("disk of data_dir has room again, writing goes on", "dir", dir, "waited", waited)
		}
	}
	return w, vfs.OnDiskFull(files, w.wait)
}

// wait returns when there is room. The write that failed is then tried once
// more.
func (w *diskWait) wait() {
	if !w.armed.Load() {
		return
	}
	began := time.Now()
	w.full.Store(true)
	w.log(true, 0)
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-tick.C:
		}
		if u, err := w.files.GetDiskUsage(w.dir); err == nil && u.AvailBytes >= w.room {
			break
		}
	}
	w.full.Store(false)
	w.log(false, time.Since(began))
}

// end lets writes fail that wait.
func (w *diskWait) end() { w.once.Do(func() { close(w.done) }) }
