package store

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// markFilter tells in memory which marks a generation surely does not hold, so
// that a token never seen before, as nearly every one is, costs no search of the
// engine. It is a Bloom filter of blocks of one cache line each (Putze, Sanders
// and Singler, 2007) that grows by parts, each twice as large as the one before.
// When there is no room for the next part it gives up and knows nothing more.
//
// Marks are digests, so their bytes serve as the hash. Who finds ids that
// collide in it gains a search of the engine.
type markFilter struct {
	whole atomic.Bool                   // every mark of the generation was added
	parts atomic.Pointer[[]*filterPart] // never changed in place

	mu    sync.Mutex // held to add
	room  *atomic.Int64
	taken int64 // of the room
	left  int   // marks that the newest part still takes
	over  bool  // it gave up
}

// filterPart is a power of two of blocks.
type filterPart []filterBlock

type filterBlock [8]atomic.Uint64

const (
	blockBytes = 64
	blockMarks = 48      // 10.7 bits a mark: 2 of 100 absent ones are taken for present
	firstPart  = 2 << 10 // blocks
	filterRoom = 64 << 20
)

// newMarkFilter makes a filter that takes its bytes from room. It is whole if
// the generation is new.
func newMarkFilter(room *atomic.Int64, whole bool) *markFilter {
	f := &markFilter{room: room}
	f.parts.Store(new([]*filterPart))
	f.whole.Store(whole)
	return f
}

// absent reports that the mark was surely not added.
func (f *markFilter) absent(id markID) bool {
	if !f.whole.Load() {
		return false
	}
	parts := *f.parts.Load()
	for _, p := range parts {
		if p.has(id) {
			return false
		}
	}
	return f.whole.Load() // it did not give up meanwhile
}

func (f *markFilter) add(id markID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	parts := *f.parts.Load()
	if f.left == 0 {
		blocks := firstPart << len(parts)
		size := int64(blocks) * blockBytes
		if f.room.Add(-size) < 0 {
			f.room.Add(size)
			f.giveUp()
			return
		}
		p := make(filterPart, blocks)
		parts = append(parts[:len(parts):len(parts)], &p)
		f.parts.Store(&parts)
		f.taken, f.left = f.taken+size, blocks*blockMarks
	}
	parts[len(parts)-1].add(id)
	f.left--
}

// complete is called once all marks of a generation that was there were added.
func (f *markFilter) complete() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole.Store(!f.over)
}

// end gives the room back. The filter knows nothing any more.
func (f *markFilter) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.giveUp()
}

func (f *markFilter) giveUp() {
	f.whole.Store(false)
	f.parts.Store(new([]*filterPart))
	f.room.Add(f.taken)
	f.taken, f.over = 0, true
}

// place is the block of a mark and the bits that stand for it, 9 of the rest of
// its bytes for each of six.
func (p filterPart) place(id markID) (b *filterBlock, bits uint64) {
	return &p[binary.LittleEndian.Uint64(id[:8])&uint64(len(p)-1)], binary.LittleEndian.Uint64(id[8:])
}

const bitsPerMark = 6

func (p filterPart) add(id markID) {
	b, bits := p.place(id)
	for range bitsPerMark {
		b[bits>>6&7].Or(1 << (bits & 63))
		bits >>= 9
	}
}

func (p filterPart) has(id markID) bool {
	b, bits := p.place(id)
	for range bitsPerMark {
		if b[bits>>6&7].Load()&(1<<(bits&63)) == 0 {
			return false
		}
		bits >>= 9
	}
	return true
}
