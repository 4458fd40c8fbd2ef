package store

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"
)

// cursorTable is the memory of the cursors on disk.
type cursorTable struct {
	mu sync.Mutex
	at map[string]uint64
}

func (c *cursorTable) settle(ops map[string]cursorOp) {
	if len(ops) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[string]uint64{}
	}
	for name, op := range ops {
		if op.gone {
			delete(c.at, name)
		} else {
			c.at[name] = op.seq
		}
	}
}

// lowest is the smallest of the cursors and the limit.
func (c *cursorTable) lowest(limit uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, seq := range c.at {
		limit = min(limit, seq)
	}
	return limit
}

func (c *cursorTable) all() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.at)
}

// Cursors implements Store.
func (s *Embedded) Cursors() map[string]uint64 { return s.cursors.all() }

// cursor implements backend.
func (s *Embedded) cursor(name string) (uint64, error) {
	if err := s.gate.enter(); err != nil {
		return 0, err
	}
	defer s.gate.leave()
	v, ok, err := s.read(stringKey(nil, cursorPrefix, name))
	if err != nil || !ok {
		return 0, err
	}
	return readCursor(name, v)
}

func readCursor(name string, v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, fmt.Errorf("store: cursor %q: %w", name, errDamaged)
	}
	return binary.BigEndian.Uint64(v), nil
}

func (s *Embedded) loadCursors() error {
	lo, hi := prefixRange(cursorPrefix)
	return s.scan(lo, hi, func(k, v []byte) error {
		name := string(k[1:])
		seq, err := readCursor(name, v)
		if err == nil {
			s.cursors.settle(map[string]cursorOp{name: {seq: seq}})
		}
		return err
	})
}
