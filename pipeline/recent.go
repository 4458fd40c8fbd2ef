package pipeline

import "sync"

// recent keeps the last committed records decoded, so that the index loops
// need not read back what was just written.
type recent struct {
	before uint64 // what was in the journal up to here is never put
	mu     sync.Mutex
	ring   [4096]struct {
		seq uint64
		rec *Record // nil: too large to be kept
	}
}

// maxRecent is the size of a stored record above which it is not kept: what the
// ring holds is bounded in bytes by that, whatever strangers send.
const maxRecent = 32 << 10

// put keeps a record of which size bytes were stored.
func (r *recent) put(seq uint64, rec *Record, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size > maxRecent {
		rec = nil
	}
	if slot := &r.ring[seq%uint64(len(r.ring))]; slot.seq < seq {
		slot.seq, slot.rec = seq, rec
	}
}

// awaits reports whether the record at seq may be on its way: a commit is shown
// by the store a moment before its records are put here, and of commits that
// share a sync the later may be the first to put its own.
func (r *recent) awaits(seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return seq > r.before && r.ring[seq%uint64(len(r.ring))].seq < seq
}

func (r *recent) get(seq uint64) *Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slot := &r.ring[seq%uint64(len(r.ring))]; slot.seq == seq {
		return slot.rec
	}
	return nil
}
