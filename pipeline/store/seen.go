package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Seen marks are stored by generation, a third of Options.SeenFor each, so that
// what expired goes by one range delete. A mark is looked up in the four
// generations that can hold one young enough, less those that are empty and
// those whose filter knows that it is not there.

// generationOf numbers the generation of a time.
func generationOf(t time.Time, seenFor time.Duration) uint32 {
	return uint32(max(0, t.UnixNano()/int64(max(1, seenFor/3))))
}

// oldestLive is the first generation that may hold a mark young enough.
func oldestLive(now time.Time, seenFor time.Duration) uint32 {
	g := generationOf(now, seenFor)
	return g - min(g, 3)
}

// generation is one that holds marks.
type generation struct {
	number uint32
	marks  *markFilter
}

func (g generation) compare(number uint32) int { return cmp.Compare(g.number, number) }

// generations knows which generations hold marks.
type generations struct {
	list    atomic.Pointer[[]generation] // sorted, never changed in place
	room    atomic.Int64                 // bytes for filters
	dropped uint32                       // generations before may have had marks
}

func (g *generations) get() []generation {
	if p := g.list.Load(); p != nil {
		return *p
	}
	return nil
}

// live returns the generations from the oldest on.
func (g *generations) live(oldest uint32) []generation {
	list := g.get()
	i, _ := slices.BinarySearchFunc(list, oldest, generation.compare)
	return list[i:]
}

// add returns the filter of a generation, which is added if it is not there. It
// holds nothing yet if it is new. add and drop are called under the commit lock.
func (g *generations) add(n uint32, isNew bool) *markFilter {
	list := g.get()
	i, ok := slices.BinarySearchFunc(list, n, generation.compare)
	if !ok {
		f := newMarkFilter(&g.room, isNew && n >= g.dropped)
		list = slices.Insert(slices.Clone(list), i, generation{n, f})
		g.list.Store(&list)
	}
	return list[i].marks
}

func (g *generations) drop(oldest uint32) {
	list := slices.Clone(g.live(oldest))
	for _, gone := range g.get()[:len(g.get())-len(list)] {
		gone.marks.end()
	}
	g.list.Store(&list)
	g.dropped = max(g.dropped, oldest)
}

// loadSeen finds the generations on disk, one seek each.
func (s *Embedded) loadSeen() error {
	s.seen.room.Store(filterRoom)
	for lo, hi := prefixRange(seenPrefix); ; {
		found := false
		err := s.scan(lo, hi, func(k, _ []byte) error {
			if len(k) != 1+4+len(markID{}) {
				return fmt.Errorf("seen mark %x: %w", k[1:], errDamaged)
			}
			n := uint32(k[1])<<24 | uint32(k[2])<<16 | uint32(k[3])<<8 | uint32(k[4])
			s.seen.add(n, false)
			lo, found = after(k[:5]), true
			return errStop
		})
		if err != nil || !found {
			return err
		}
	}
}

// learnSeen fills the filters of the generations that were on disk, the newest
// first. Until that is done their marks are searched for.
func (s *Embedded) learnSeen(ctx context.Context) {
	for _, g := range slices.Backward(s.seen.get()) {
		lo := binary.BigEndian.AppendUint32([]byte{seenPrefix}, g.number)
		err := s.scan(lo, after(lo), func(k, _ []byte) error {
			if len(k) != len(lo)+len(markID{}) {
				return fmt.Errorf("seen mark %x: %w", k[1:], errDamaged)
			}
			g.marks.add(markID(k[len(lo):]))
			return ctx.Err()
		})
		if err != nil {
			if ctx.Err() == nil {
				s.opts.Log.Error("reading seen marks failed, they are searched for one by one", "err", err.Error())
			}
			return
		}
		g.marks.complete()
	}
}

// markReader looks marks up for one transaction. It is an iterator rather than
// point reads because only an iterator asks the filters of the last level,
// where most marks are.
type markReader struct{ it *pebble.Iterator }

func (r *markReader) get(generation uint32, id markID) (m Mark, ok bool, err error) {
	var buf [32]byte
	if !r.it.SeekPrefixGE(seenKey(buf[:0], generation, id)) {
		return Mark{}, false, r.it.Error()
	}
	v, err := r.it.ValueAndErr()
	if err == nil {
		m, err = readMark(v)
	}
	return m, err == nil, err
}

// markReaders knows the open readers, which the engine wants closed before
// itself.
type markReaders struct {
	mu   sync.Mutex
	open map[*markReader]struct{}
}

func (rs *markReaders) add(r *markReader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.open == nil {
		rs.open = map[*markReader]struct{}{}
	}
	rs.open[r] = struct{}{}
}

func (rs *markReaders) close(r *markReader) {
	rs.mu.Lock()
	delete(rs.open, r)
	rs.mu.Unlock()
	_ = r.it.Close() // its errors were reported by get
}

func (rs *markReaders) closeAll() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for r := range rs.open {
		_ = r.it.Close()
	}
	rs.open = nil
}

// mark implements backend. What others marked since the reader was opened is
// not found, but makes the commit a conflict.
func (s *Embedded) mark(t *tx, id markID) (Mark, bool, error) {
	if err := s.gate.enter(); err != nil {
		return Mark{}, false, err
	}
	defer s.gate.leave()
	live := s.seen.live(oldestLive(s.opts.Now(), s.opts.SeenFor))
	for _, g := range slices.Backward(live) {
		if g.marks.absent(id) {
			continue
		}
		if t.reader == nil {
			lo, hi := prefixRange(seenPrefix)
			it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi, UseL6Filters: true})
			if err != nil {
				return Mark{}, false, fmt.Errorf("store: look up seen mark: %w", err)
			}
			t.reader = &markReader{it}
			s.readers.add(t.reader)
		}
		m, ok, err := t.reader.get(g.number, id)
		if err != nil {
			return Mark{}, false, fmt.Errorf("store: look up seen mark: %w", err)
		}
		if ok {
			return m, true, nil
		}
	}
	return Mark{}, false, nil
}

// rolledBack implements backend.
func (s *Embedded) rolledBack(t *tx) {
	if t.reader == nil || s.gate.enter() != nil {
		return
	}
	defer s.gate.leave()
	s.readers.close(t.reader)
	t.reader = nil
}

// recentMarks remembers in which commit the latest marks were made, so that two
// transactions that found an id unmarked cannot both mark it. It is guarded by
// the commit lock.
type recentMarks struct {
	young, old map[markID]uint64
	floor      uint64 // marks of this and earlier commits may be forgotten
	turned     uint64 // newest commit in old
}

// recentSize is how many marks a half holds: far more than are made while a
// transaction runs.
const recentSize = 1 << 13

// conflict reports whether the id was marked after the commit since; sure is
// false if that was too long ago to tell.
func (r *recentMarks) conflict(id markID, since uint64) (conflict, sure bool) {
	n, ok := r.young[id]
	if !ok {
		n = r.old[id]
	}
	return n > since, n > since || since >= r.floor
}

// add notes the marks of a commit.
func (r *recentMarks) add(n uint64, marks map[markID]Mark) {
	if len(r.young) >= recentSize {
		r.floor, r.turned = r.turned, n-1
		r.old, r.young = r.young, nil
	}
	if r.young == nil {
		r.young = make(map[markID]uint64, recentSize)
	}
	for id := range marks {
		r.young[id] = n
	}
}

// marksConflict reports whether another transaction made one of the marks since
// this one began. The caller holds the commit lock.
func (s *Embedded) marksConflict(t *tx) (bool, error) {
	for id := range t.marks {
		conflict, sure := s.recent.conflict(id, t.since)
		if !sure {
			for _, g := range s.seen.get() {
				_, ok, err := s.read(seenKey(nil, g.number, id))
				if err != nil {
					return false, err
				}
				conflict = conflict || ok
			}
		}
		if conflict {
			return true, nil
		}
	}
	return false, nil
}
