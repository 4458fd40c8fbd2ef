package store

import (
	"sync"
	"time"
)

// diskGauge remembers for a second how much disk is free.
type diskGauge struct {
	mu   sync.Mutex
	at   time.Time
	free int64
}

// free is how many bytes of disk are free for the store. A reading that fails
// leaves the one before.
func (s *Embedded) free(now time.Time) int64 {
	g := &s.disk
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := now.Sub(g.at); g.at.IsZero() || age >= time.Second || age < 0 {
		g.at = now
		if free, err := s.opts.Free(); err == nil {
			g.free = int64(min(free, 1<<62))
		} else {
			s.opts.Log.Warn("free disk cannot be read", "err", err.Error())
		}
	}
	return g.free
}

// Usage implements Store.
func (s *Embedded) Usage() Usage {
	if err := s.gate.enter(); err != nil {
		return Usage{}
	}
	defer s.gate.leave()
	head := s.journal.Load()
	return Usage{
		JournalBytes: head.live(), JournalMax: s.opts.MaxJournal, HeldBytes: s.held(head),
		DiskFree: s.free(s.opts.Now()), DiskMin: s.opts.MinFree,
		First: head.first, Last: s.Last(),
	}
}

// held is the size of the records that a cursor keeps.
func (s *Embedded) held(head *journalHead) int64 {
	from := s.cursors.lowest(head.last) + 1
	switch {
	case from > head.last:
		return 0
	case from <= head.first:
		return head.live()
	}
	h, err := s.headerAt(from)
	if err != nil {
		// It has just been removed, or is damaged, which whoever reads it is told.
		return 0
	}
	return head.total - h.before
}

// Metrics are figures of the engine, for those who watch it.
type Metrics struct {
	DiskBytes       int64 // all files
	LogBytes        int64 // log not yet in tables
	MemtableBytes   int64
	CacheBytes      int64
	CacheHits       int64
	CacheMisses     int64
	Compactions     int64
	CompactionDebt  int64 // bytes still to be rewritten
	ReadAmplify     int   // tables a read may have to look into
	CommitsApplied  uint64
	JournalDurable  uint64
	SeenGenerations int
}

// Metrics reads the figures. It costs some microseconds.
func (s *Embedded) Metrics() Metrics {
	if err := s.gate.enter(); err != nil {
		return Metrics{}
	}
	defer s.gate.leave()
	m := s.db.Metrics()
	return Metrics{
		DiskBytes: int64(m.DiskSpaceUsage()), LogBytes: int64(m.WAL.Size), MemtableBytes: int64(m.MemTable.Size),
		CacheBytes: m.BlockCache.Size, CacheHits: m.BlockCache.Hits, CacheMisses: m.BlockCache.Misses,
		Compactions: m.Compact.Count, CompactionDebt: int64(m.Compact.EstimatedDebt), ReadAmplify: m.ReadAmp(),
		CommitsApplied: s.applied.Load(), JournalDurable: s.Last(), SeenGenerations: len(s.seen.get()),
	}
}
