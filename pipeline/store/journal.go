package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A journal record is stored with a header: when it was committed, how many
// bytes the records before it have had since the journal began, and its own
// size. So the fill is known and the place to trim to is found by bisection,
// with no count to keep.
const headerSize = 20

// recordOverhead is what is counted for a record beside its data, and idOverhead
// for an id beside its bytes.
const (
	recordOverhead = 1 + 8 + headerSize
	idOverhead     = 1 + 8 + 1 + 8
)

func recordSize(r *Record) int64 {
	n := recordOverhead + len(r.Data)
	for _, id := range r.IDs {
		n += idOverhead + len(id)
	}
	return int64(n)
}

// journalHead is where the journal starts and ends. Every value is immutable.
type journalHead struct {
	first, last uint64    // first is last+1 when it is empty
	base, total int64     // bytes before first, and through last
	at          time.Time // of the last record; times never go back
	size        int64     // of the last record
}

// live is the size of the records there are.
func (h *journalHead) live() int64 { return h.total - h.base }

// add moves the end past another record.
func (h *journalHead) add(r *Record, now time.Time) {
	h.last++
	h.size = recordSize(r)
	h.total += h.size
	if now.After(h.at) {
		h.at = now
	}
}

// encodeRecord writes the record at the end of the journal.
func encodeRecord(b *pebble.Batch, h *journalHead, r *Record) error {
	op := b.SetDeferred(9, headerSize+len(r.Data))
	numberKey(op.Key[:0], journalPrefix, h.last)
	v := appendTime(op.Value[:0], h.at)
	v = binary.BigEndian.AppendUint64(v, uint64(h.total-h.size))
	v = binary.BigEndian.AppendUint32(v, uint32(h.size))
	copy(op.Value[len(v):], r.Data)
	if err := op.Finish(); err != nil {
		return fmt.Errorf("store: append to journal: %w", err)
	}
	return nil
}

// encodeIDs writes the ids of records, the first of which has the given
// sequence, in the order of their keys, in which they are put in faster.
func encodeIDs(b *pebble.Batch, records []Record, first uint64) error {
	n, size := 0, 0
	for i := range records {
		for _, id := range records[i].IDs {
			n, size = n+1, size+idOverhead+len(id)
		}
	}
	keys, room := make([][]byte, 0, n), make([]byte, 0, size)
	for i := range records {
		seq := first + uint64(i)
		for _, id := range records[i].IDs {
			from := len(room)
			room = binary.BigEndian.AppendUint64(idKeyPrefix(room, seq>>idBlock, id), seq)
			keys = append(keys, room[from:])
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	for _, key := range keys {
		if err := b.Set(key, nil, nil); err != nil {
			return fmt.Errorf("store: append to journal: %w", err)
		}
	}
	return nil
}

// header is what stands before the data of a record.
type header struct {
	at     time.Time
	before int64
	size   int64
}

func readHeader(v []byte) (h header, data []byte, err error) {
	if len(v) < headerSize {
		return header{}, nil, errDamaged
	}
	h.at = readTime(v)
	h.before = int64(binary.BigEndian.Uint64(v[8:]))
	h.size = int64(binary.BigEndian.Uint32(v[16:]))
	return h, v[headerSize:], nil
}

// headerAt reads the header of one record that must be there.
func (s *Embedded) headerAt(seq uint64) (header, error) {
	v, closer, err := s.db.Get(numberKey(nil, journalPrefix, seq))
	if err != nil {
		return header{}, fmt.Errorf("store: journal record %d: %w", seq, err)
	}
	h, _, err := readHeader(v)
	if err != nil {
		err = fmt.Errorf("store: journal record %d: %w", seq, err)
	}
	_ = closer.Close()
	return h, err
}

// loadJournal finds both ends of the journal.
func (s *Embedded) loadJournal() error {
	lo, hi := prefixRange(journalPrefix)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return fmt.Errorf("store: read journal: %w", err)
	}
	head := journalHead{first: 1}
	if it.First() {
		head.first = number(it.Key())
		it.Last()
		head.last = number(it.Key())
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("store: read journal: %w", err)
	}
	if head.last > 0 {
		first, err := s.headerAt(head.first)
		if err != nil {
			return err
		}
		last, err := s.headerAt(head.last)
		if err != nil {
			return err
		}
		head.base, head.total, head.at = first.before, last.before+last.size, last.at
	}
	s.journal.Store(&head)
	s.durable.last.Store(head.last)
	return nil
}

// Last implements Store.
func (s *Embedded) Last() uint64 { return s.durable.last.Load() }

// Journal implements Store.
func (s *Embedded) Journal(ctx context.Context, after uint64, f func(seq uint64, record []byte) bool) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	last := s.Last()
	if after >= last {
		return ctx.Err()
	}
	return s.scan(numberKey(nil, journalPrefix, after+1), numberKey(nil, journalPrefix, last+1), func(k, v []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.gate.open() {
			return ErrClosed
		}
		_, data, err := readHeader(v)
		if err != nil {
			return fmt.Errorf("store: journal record %d: %w", number(k), err)
		}
		if !f(number(k), data) {
			return errStop
		}
		return nil
	})
}

// Record implements Store.
func (s *Embedded) Record(ctx context.Context, seq uint64) ([]byte, error) {
	if err := s.gate.enter(); err != nil {
		return nil, err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if seq > s.Last() {
		return nil, nil
	}
	v, ok, err := s.read(numberKey(nil, journalPrefix, seq))
	if err != nil || !ok {
		return nil, err
	}
	_, data, err := readHeader(v)
	if err != nil {
		return nil, fmt.Errorf("store: journal record %d: %w", seq, err)
	}
	return data, nil
}

// Locate implements Store.
func (s *Embedded) Locate(ctx context.Context, id string) ([]uint64, error) {
	if err := s.gate.enter(); err != nil {
		return nil, err
	}
	defer s.gate.leave()
	first, last := s.journal.Load().first, s.Last()
	var found []uint64
	for block := first >> idBlock; block <= last>>idBlock; block++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		lo := idKeyPrefix(nil, block, id)
		err := s.scan(lo, after(lo), func(k, _ []byte) error {
			if len(k) != len(lo)+8 {
				return nil // of another id
			}
			if seq := binary.BigEndian.Uint64(k[len(lo):]); first <= seq && seq <= last {
				found = append(found, seq)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.Compact(found), nil
}
