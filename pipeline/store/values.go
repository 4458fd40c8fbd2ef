package store

import (
	"hash/maphash"
	"sync"
)

// values keeps state that was lately read or written, present or not, so that
// the subjects of many events are not looked up in the engine each time. It
// holds what was last committed, as the engine does.
//
// An entry is put in by the commit that wrote it, or by a reader who found it
// in the engine. A reader's find may be outdated by the time it is put in; so
// each part counts its commits, and the find counts only if there was none
// since the reader looked.
type values struct {
	seed  maphash.Seed
	parts [64]part
}

// part is one of many so that cores do not wait for each other. What was not
// asked for while young filled up goes when it fills up the next time.
type part struct {
	mu         sync.Mutex
	young, old map[string]held
	size, max  int    // bytes of young
	commits    uint64 // that wrote here
}

// held is a value, or that there is none.
type held struct {
	value []byte
	ok    bool
}

// heldSize is what an entry takes beside its bytes.
const heldSize = 128

// valuesShare is how much of Options.Cache it gets. The engine's blocks of state
// hold cold keys beside the warm ones, so a byte here serves more reads.
func valuesShare(cache int64) int64 { return cache / 4 }

// newValues makes one that takes about the given bytes.
func newValues(size int64) *values {
	v := &values{seed: maphash.MakeSeed()}
	for i := range v.parts {
		v.parts[i].max = int(size) / len(v.parts) / 2
	}
	return v
}

func (v *values) part(key string) *part {
	return &v.parts[maphash.String(v.seed, key)%uint64(len(v.parts))]
}

// get returns the value of a key from memory, or by find.
func (v *values) get(key string, find func() ([]byte, bool, error)) ([]byte, bool, error) {
	p := v.part(key)
	h, known, commits := p.look(key)
	if known {
		return h.value, h.ok, nil
	}
	value, ok, err := find()
	if err != nil {
		return nil, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.commits == commits {
		p.put(key, held{value, ok})
	}
	return value, ok, nil
}

// look finds an entry and keeps it for longer.
func (p *part) look(key string) (h held, known bool, commits uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h, known = p.young[key]; known {
		return h, true, p.commits
	}
	if h, known = p.old[key]; known {
		p.put(key, h)
	}
	return h, known, p.commits
}

// put is called with the part locked.
func (p *part) put(key string, h held) {
	if before, known := p.young[key]; known {
		p.size += cap(h.value) - cap(before.value)
	} else {
		p.size += heldSize + len(key) + cap(h.value)
	}
	if p.young == nil {
		p.young = map[string]held{}
	}
	p.young[key] = h
	if p.size > p.max {
		p.old, p.young, p.size = p.young, make(map[string]held, len(p.young)), 0
	}
}

// wrote takes what a commit has just written. Until it returns, a reader may
// still be given what was before, so the locks of the transaction are released
// after it.
func (v *values) wrote(state map[string]write) {
	for key, w := range state {
		p := v.part(key)
		p.mu.Lock()
		p.commits++
		p.put(key, held{w.value, !w.gone})
		p.mu.Unlock()
	}
}
