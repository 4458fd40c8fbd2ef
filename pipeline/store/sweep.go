package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"sort"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// sweepUntil sweeps until ctx ends.
func (s *Embedded) sweepUntil(ctx context.Context) {
	tick := time.NewTicker(s.opts.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil && s.gate.open() {
			s.opts.Log.Error("removing expired data failed", "err", err.Error())
		}
	}
}

// Sweep removes seen marks past their age and journal records past theirs or
// beyond the journal's bound, as far as every cursor has come. It runs by itself
// every Options.SweepEvery.
func (s *Embedded) Sweep(ctx context.Context) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.commitMu.Lock()
	defer s.commitMu.Unlock()
	if err := s.durable.failed(); err != nil {
		return err
	}
	now := s.opts.Now()
	if err := s.sweepSeen(now); err != nil {
		return fmt.Errorf("store: sweep seen marks: %w", err)
	}
	if err := s.trim(now, s.opts.MaxJournal); err != nil {
		return fmt.Errorf("store: sweep journal: %w", err)
	}
	return nil
}

func (s *Embedded) sweepSeen(now time.Time) error {
	oldest := oldestLive(now, s.opts.SeenFor)
	if len(s.seen.live(oldest)) == len(s.seen.get()) {
		return nil
	}
	end := binary.BigEndian.AppendUint32([]byte{seenPrefix}, oldest)
	if err := s.db.DeleteRange([]byte{seenPrefix}, end, pebble.NoSync); err != nil {
		return err
	}
	s.seen.drop(oldest)
	return nil
}

// admit lets size bytes of input into the journal, trimming it if it must. The
// caller holds the commit lock.
func (s *Embedded) admit(size int64, now time.Time) error {
	if s.full.full.Load() {
		return fmt.Errorf("%w: no space left on the disk", ErrFull)
	}
	if limit := s.opts.MaxJournal; limit > 0 && s.journal.Load().live()+size > limit {
		// Some more than needed, so that not every commit comes here.
		if err := s.trim(now, max(1, limit-size-limit/16)); err != nil {
			return fmt.Errorf("store: trim journal: %w", err)
		}
		if s.journal.Load().live()+size > limit {
			return fmt.Errorf("%w: %d bytes are bounded by %d and not every cursor has passed the oldest", ErrFull, s.journal.Load().live(), limit)
		}
	}
	if least := s.opts.MinFree; least > 0 {
		if free := s.free(now); free < least {
			return fmt.Errorf("%w: %d bytes of disk are free and %d must be", ErrFull, free, least)
		}
	}
	return nil
}

// trim removes records older than Options.Keep, and the oldest ones until no
// more than room bytes are left, 0 for any. Records above a cursor stay, and so
// does the last, which holds the count. The caller holds the commit lock.
//
// The deletion is not synced: a crash brings back records that were removed,
// never the other way round.
func (s *Embedded) trim(now time.Time, room int64) error {
	head := *s.journal.Load()
	last := s.Last()
	if last == 0 {
		return nil
	}
	end := min(s.cursors.lowest(last)+1, last) // the highest that may become the first
	if end <= head.first {
		return nil
	}
	first, err := trimTo(head, end, now, s.opts.Keep, room, s.headerAt)
	if err != nil || first == head.first {
		return err
	}
	h, err := s.headerAt(first)
	if err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	if err := b.DeleteRange([]byte{journalPrefix}, numberKey(nil, journalPrefix, first), nil); err != nil {
		return err
	}
	if first>>idBlock > head.first>>idBlock {
		if err := b.DeleteRange([]byte{idPrefix}, numberKey(nil, idPrefix, first>>idBlock), nil); err != nil {
			return err
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	head.first, head.base = first, h.before
	s.journal.Store(&head)
	return nil
}

// trimTo finds which record becomes the first, up to end.
func trimTo(head journalHead, end uint64, now time.Time, keep time.Duration, room int64, headerAt func(uint64) (header, error)) (uint64, error) {
	var failure error
	n := sort.Search(int(end-head.first), func(i int) bool {
		h, err := headerAt(head.first + uint64(i))
		if err != nil {
			failure = err
			return true
		}
		old := keep > 0 && !h.at.After(now.Add(-keep))
		over := room > 0 && head.total-h.before > room
		return !old && !over
	})
	if failure != nil {
		return 0, failure
	}
	return head.first + uint64(n), nil
}
