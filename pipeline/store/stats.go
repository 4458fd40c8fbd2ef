package store

import (
	"fmt"
	"path/filepath"
	"time"
)

// Stats tells operators what is in a store.
type Stats struct {
	Format int
	Usage
	FirstAt, LastAt time.Time // when the first and last journal record were committed; zero without one
	Parts           []Part    // what the tables hold
	TableBytes      int64     // files of tables and of records beside them, also those about to be removed
	LogBytes        int64     // log, part of which is not in tables yet
	Cursors         map[string]uint64
	Queues          []QueueStats
	Timers          int
	NextTimer       time.Time // zero: none
}

// Part is one kind of data and how many bytes its tables have on disk, after
// compression.
type Part struct {
	Name  string
	Bytes int64
}

// QueueStats tells what waits in a queue.
type QueueStats struct {
	Name   string
	Items  int
	Oldest time.Time // when the oldest was enqueued
}

// parts names the key space for people.
var parts = []struct {
	name     string
	prefixes []byte
}{
	{"journal", []byte{idPrefix, journalPrefix}},
	{"state", []byte{statePrefix}},
	{"seen marks", []byte{seenPrefix}},
	{"queues", []byte{payloadPrefix, queuePrefix}},
	{"timers", []byte{timerPrefix}},
}

// Stats reads the figures. It costs a millisecond or so and reads no table.
func (s *Embedded) Stats() (Stats, error) {
	usage := s.Usage()
	if err := s.gate.enter(); err != nil {
		return Stats{}, err
	}
	defer s.gate.leave()
	st := Stats{Format: Format, Usage: usage, Cursors: s.cursors.all()}
	head := s.journal.Load()
	if head.last >= head.first && head.last > 0 {
		first, err := s.headerAt(head.first)
		if err != nil {
			return Stats{}, s.damage(err)
		}
		st.FirstAt, st.LastAt = first.at, head.at
	}
	for _, p := range parts {
		part := Part{Name: p.name}
		for _, prefix := range p.prefixes {
			lo, hi := prefixRange(prefix)
			n, err := s.db.EstimateDiskUsage(lo, hi)
			if err != nil {
				return Stats{}, fmt.Errorf("store: size of %s: %w", p.name, err)
			}
			part.Bytes += int64(n)
		}
		st.Parts = append(st.Parts, part)
	}
	names, err := s.fs.List(s.dir)
	if err != nil {
		return Stats{}, fmt.Errorf("store: %w", err)
	}
	for _, name := range names {
		info, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
		if err != nil {
			continue // removed meanwhile
		}
		switch filepath.Ext(name) {
		case ".sst", ".blob":
			st.TableBytes += info.Size()
		case ".log":
			st.LogBytes += info.Size()
		}
	}
	st.Queues, st.Timers, st.NextTimer = s.schedule.stats()
	return st, nil
}
