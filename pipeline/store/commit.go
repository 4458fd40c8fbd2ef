package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// A commit has two moments. When the batch is applied, other transactions see
// it and the locks are released; whoever builds on it comes later in the log.
// When the log is synced, Commit returns and everybody who hands something out
// sees it: journal readers, claims, cursors, transactions without writes. A
// crash between the two loses the end of the log, that is, the transaction with
// all that was built on it, and nothing that anybody was told of.

// commit implements backend.
func (s *Embedded) commit(_ context.Context, t *tx) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if t.reader != nil {
		s.readers.close(t.reader)
		t.reader = nil
	}
	if t.empty() {
		t.release()
		return s.durable.wait()
	}
	if s.readOnly {
		return errReadOnly
	}
	limited, size := t.input()
	batch := s.db.NewBatchWithSize(t.sizeHint(size), pebble.WithMaxRetainedSizeBytes(maxRetained))
	if err := encode(batch, t); err != nil {
		_ = batch.Close()
		return fmt.Errorf("store: commit: %w", err)
	}
	c, err := s.apply(batch, t, limited, size)
	if err != nil {
		_ = batch.Close()
		return err
	}
	t.release()
	if c == nil { // everything it did was done already
		_ = batch.Close()
		return s.durable.wait()
	}
	if err := batch.SyncWait(); err != nil {
		return s.durable.fail(err)
	}
	s.durable.publish(c.number, s.settle)
	t.first = c.first
	_ = batch.Close() // returns it to its pool
	return nil
}

// maxRetained is the size of an encoded transaction above which its memory is
// not kept for the next: a batch of some hundred events has some megabytes, and
// new ones for each were a sixth of all that was allocated.
const maxRetained = 8 << 20

// sizeHint is about how long a transaction is when it is encoded, so that its
// memory need not grow. Its records have the given size.
func (t *tx) sizeHint(records int64) int {
	n := 1<<10 + int(records) + 64*len(t.marks) + 128*(len(t.timers)+len(t.cursors))
	for k, w := range t.state {
		n += 16 + len(k) + len(w.value)
	}
	for i := range t.queued {
		n += 256 + len(t.queued[i].item.Payload)
	}
	return n
}

// encode writes what does not depend on the order of commits.
func encode(b *pebble.Batch, t *tx) error {
	var buf []byte
	set := func(key, value []byte, gone bool) error {
		buf = key[:0]
		if gone {
			return b.Delete(key, nil)
		}
		return b.Set(key, value, nil)
	}
	// Keys next to each other in order are put in faster.
	for _, k := range slices.Sorted(maps.Keys(t.state)) {
		w := t.state[k]
		if err := set(stringKey(buf, statePrefix, k), w.value, w.gone); err != nil {
			return err
		}
	}
	for id, op := range t.timers {
		if err := set(stringKey(buf, timerPrefix, id), appendTimer(nil, op.timer), op.gone); err != nil {
			return err
		}
	}
	for name, op := range t.cursors {
		if err := set(stringKey(buf, cursorPrefix, name), numberKey(nil, cursorPrefix, op.seq)[1:], op.gone); err != nil {
			return err
		}
	}
	return nil
}

// apply gives the transaction its place and makes it visible. It returns nil if
// nothing was left to write.
func (s *Embedded) apply(b *pebble.Batch, t *tx, limited bool, size int64) (*applied, error) {
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if err := s.durable.failed(); err != nil {
		return nil, err
	}
	conflict, err := s.marksConflict(t)
	if err != nil {
		return nil, err
	}
	if conflict {
		return nil, ErrConflict
	}
	now := s.opts.Now()
	if limited {
		if err := s.admit(size, now); err != nil {
			return nil, err
		}
	}
	c := &applied{number: s.applied.Load() + 1, cursors: t.cursors, done: make(chan struct{})}
	head := *s.journal.Load()
	if len(t.records) > 0 {
		c.first = head.last + 1
		for i := range t.records {
			head.add(&t.records[i], now)
			if err := encodeRecord(b, &head, &t.records[i]); err != nil {
				return nil, err
			}
		}
		if err := encodeIDs(b, t.records, c.first); err != nil {
			return nil, err
		}
	}
	c.last = head.last
	if len(t.marks) > 0 {
		generation := generationOf(now, s.opts.SeenFor)
		filter := s.seen.add(generation, true)
		var key, value [64]byte
		for _, id := range slices.SortedFunc(maps.Keys(t.marks), markID.compare) {
			filter.add(id) // before anybody sees the commit
			m := t.marks[id]
			if m.Seq&provisional != 0 {
				m.Seq = c.first + m.Seq&^provisional
			}
			if err := b.Set(seenKey(key[:0], generation, id), appendMark(value[:0], m), nil); err != nil {
				return nil, err
			}
		}
	}
	c.wake = len(t.records)+len(t.queued)+len(t.timers) > 0
	c.changes = t.stage(s.schedule, now,
		func(order uint64, it Item) {
			_ = b.Set(numberKey(nil, queuePrefix, order), appendItem(nil, it), nil)
			_ = b.Set(numberKey(nil, payloadPrefix, order), it.Payload, nil)
		},
		func(order uint64) {
			_ = b.Delete(numberKey(nil, queuePrefix, order), nil)
			_ = b.Delete(numberKey(nil, payloadPrefix, order), nil)
		})
	if b.Empty() {
		return nil, nil
	}
	s.durable.add(c)
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return nil, s.durable.fail(err)
	}
	s.values.wrote(t.state)
	s.journal.Store(&head)
	s.recent.add(c.number, t.marks)
	s.applied.Store(c.number)
	return c, nil
}

// settle lets everybody see a commit that is on disk.
func (s *Embedded) settle(c *applied) {
	s.schedule.settle(c.changes)
	s.cursors.settle(c.cursors)
	if c.wake {
		s.changed.wake()
	}
}

// applied is a commit that is visible and waits to be on disk.
type applied struct {
	number      uint64
	first, last uint64 // sequence of its first record, 0 for none; end of the journal
	changes     []func()
	cursors     map[string]cursorOp
	wake        bool
	done        chan struct{} // closed when it is on disk, or never will be
}

// publisher settles commits in their order. The log is synced from its start,
// so when one commit is on disk all before it are.
type publisher struct {
	mu      sync.Mutex
	pending []*applied
	err     error         // why nothing can be written any more
	last    atomic.Uint64 // end of the journal on disk
}

func (p *publisher) add(c *applied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = append(p.pending, c)
}

// publish settles every commit up to the number.
func (p *publisher) publish(number uint64, settle func(*applied)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for ; n < len(p.pending) && p.pending[n].number <= number; n++ {
		c := p.pending[n]
		p.last.Store(c.last)
		settle(c)
		close(c.done)
		p.pending[n] = nil
	}
	p.pending = p.pending[n:]
}

// wait returns when every commit applied so far is on disk.
func (p *publisher) wait() error {
	p.mu.Lock()
	if p.err != nil || len(p.pending) == 0 {
		defer p.mu.Unlock()
		return p.err
	}
	c := p.pending[len(p.pending)-1]
	p.mu.Unlock()
	<-c.done
	return p.failed()
}

func (p *publisher) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// fail ends all writing: what is in memory is ahead of the disk and must not be
// built on. Opening the store anew brings it back to what is on disk.
func (p *publisher) fail(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = fmt.Errorf("store: cannot write any more, restart after looking at the disk: %w", err)
	}
	for _, c := range p.pending {
		close(c.done)
	}
	p.pending = nil
	return p.err
}
