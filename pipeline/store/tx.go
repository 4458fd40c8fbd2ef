package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errOver is returned by a transaction that has been committed or rolled back.
var errOver = errors.New("store: transaction is over")

// provisional marks a sequence that only stands for a record of its
// transaction: the low bits are its place, from 0.
const provisional = 1 << 63

// markID is what a seen mark is stored under: the start of the SHA-256 of the
// input id, so that a stranger's choice of ids cannot lengthen keys.
type markID [16]byte

func (m markID) compare(o markID) int { return bytes.Compare(m[:], o[:]) }

func markIDOf(id string) (m markID) {
	h := sha256.Sum256([]byte(id))
	copy(m[:], h[:])
	return m
}

// backend is what differs between the implementations of Store, as a
// transaction sees it.
type backend interface {
	get(t *tx, key string) ([]byte, bool, error)
	mark(t *tx, id markID) (Mark, bool, error)
	timer(id string) (Timer, bool, error)
	item(queue, id string) (Item, bool, error)
	cursor(name string) (uint64, error)
	// commit makes the transaction durable, releases its locks on the way and
	// sets first.
	commit(ctx context.Context, t *tx) error
	// rolledBack ends a transaction that will not commit.
	rolledBack(t *tx)
}

// tx gathers the writes of a transaction in memory; nothing reaches the backend
// before Commit. It is the Tx of both implementations.
type tx struct {
	back  backend
	locks *lockTable
	held  []string // sorted
	since uint64   // number of the last commit visible when it began
	over  bool
	first uint64 // sequence of the first record, once committed

	state   map[string]write
	marks   map[markID]Mark
	records []Record
	queued  []queueOp
	timers  map[string]timerOp
	cursors map[string]cursorOp

	reads  map[string]uint64 // Memory: version of each key read without a lock
	reader *markReader       // Embedded: opened by the first look-up of a mark
}

type write struct {
	value []byte
	gone  bool
}

type timerOp struct {
	timer Timer
	gone  bool
}

type cursorOp struct {
	seq  uint64
	gone bool
}

// queueOp is one change of a queue, in the order of the calls.
type queueOp struct {
	kind queueKind
	item Item // finish: queue and id
}

type queueKind uint8

const (
	enqueueOp queueKind = iota
	finishOp
	rescheduleOp
)

var _ Tx = (*tx)(nil)

// begin locks the keys and sets up a transaction. The caller sets since.
func begin(ctx context.Context, b backend, locks *lockTable, keys []string) (*tx, error) {
	t := &tx{back: b, locks: locks}
	if err := t.Lock(ctx, keys); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

func (t *tx) Lock(ctx context.Context, keys []string) error {
	if t.over {
		return errOver
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	if !slices.IsSorted(keys) {
		keys = slices.Sorted(slices.Values(keys))
	}
	if len(keys) > 0 && len(t.held) > 0 && keys[0] <= t.held[len(t.held)-1] {
		panic(fmt.Sprintf("store: lock %q taken after %q", keys[0], t.held[len(t.held)-1]))
	}
	t.held = slices.Grow(t.held, len(keys))
	for i, k := range keys {
		if i > 0 && k == keys[i-1] {
			continue
		}
		if err := t.locks.lock(ctx, k); err != nil {
			return fmt.Errorf("store: wait for lock: %w", err)
		}
		t.held = append(t.held, k)
	}
	return nil
}

// holds reports whether the transaction has locked the key.
func (t *tx) holds(key string) bool {
	_, ok := slices.BinarySearch(t.held, key)
	return ok
}

func (t *tx) release() {
	for _, k := range t.held {
		t.locks.unlock(k)
	}
	t.held = nil
}

func (t *tx) Get(key string) ([]byte, bool, error) {
	if t.over {
		return nil, false, errOver
	}
	if w, ok := t.state[key]; ok {
		return w.value, !w.gone, nil
	}
	return t.back.get(t, key)
}

func (t *tx) Put(key string, value []byte) { t.write(key, write{value: value}) }

func (t *tx) Delete(key string) { t.write(key, write{gone: true}) }

func (t *tx) write(key string, w write) {
	if t.state == nil {
		t.state = map[string]write{}
	}
	t.state[key] = w
}

func (t *tx) Seen(id string) (Mark, bool, error) {
	if t.over {
		return Mark{}, false, errOver
	}
	m := markIDOf(id)
	if mark, ok := t.marks[m]; ok {
		return mark, true, nil
	}
	return t.back.mark(t, m)
}

func (t *tx) MarkSeen(id string, m Mark) {
	if t.marks == nil {
		t.marks = map[markID]Mark{}
	}
	t.marks[markIDOf(id)] = m
}

func (t *tx) Append(r Record) uint64 {
	t.records = append(t.records, r)
	return provisional | uint64(len(t.records)-1)
}

func (t *tx) Seq(seq uint64) uint64 {
	switch {
	case seq&provisional == 0:
		return seq
	case t.first == 0:
		return 0
	}
	return t.first + seq&^provisional
}

func (t *tx) Item(queue, id string) (Item, bool, error) {
	if t.over {
		return Item{}, false, errOver
	}
	return t.back.item(queue, id)
}

func (t *tx) Enqueue(it Item) { t.queued = append(t.queued, queueOp{enqueueOp, it}) }

func (t *tx) Finish(queue, id string) {
	t.queued = append(t.queued, queueOp{finishOp, Item{Queue: queue, ID: id}})
}

func (t *tx) Reschedule(it Item) { t.queued = append(t.queued, queueOp{rescheduleOp, it}) }

func (t *tx) Timer(id string) (Timer, bool, error) {
	if t.over {
		return Timer{}, false, errOver
	}
	if op, ok := t.timers[id]; ok {
		return op.timer, !op.gone, nil
	}
	return t.back.timer(id)
}

func (t *tx) SetTimer(timer Timer) { t.writeTimer(timer.ID, timerOp{timer: timer}) }

func (t *tx) CancelTimer(id string) { t.writeTimer(id, timerOp{gone: true}) }

func (t *tx) writeTimer(id string, op timerOp) {
	if t.timers == nil {
		t.timers = map[string]timerOp{}
	}
	t.timers[id] = op
}

func (t *tx) Cursor(name string) (uint64, error) {
	if t.over {
		return 0, errOver
	}
	if op, ok := t.cursors[name]; ok {
		return op.seq, nil
	}
	return t.back.cursor(name)
}

func (t *tx) MoveCursor(name string, seq uint64) { t.writeCursor(name, cursorOp{seq: seq}) }

func (t *tx) DropCursor(name string) { t.writeCursor(name, cursorOp{gone: true}) }

func (t *tx) writeCursor(name string, op cursorOp) {
	if t.cursors == nil {
		t.cursors = map[string]cursorOp{}
	}
	t.cursors[name] = op
}

func (t *tx) Commit(ctx context.Context) error {
	if t.over {
		return errOver
	}
	t.over = true
	defer t.release() // the backend releases earlier where it can
	if err := ctx.Err(); err != nil {
		t.back.rolledBack(t)
		return fmt.Errorf("store: commit: %w", err)
	}
	return t.back.commit(ctx, t)
}

func (t *tx) Rollback() {
	if t.over {
		return
	}
	t.over = true
	t.back.rolledBack(t)
	t.release()
}

// empty reports that there is nothing to write.
func (t *tx) empty() bool {
	return len(t.state) == 0 && len(t.marks) == 0 && len(t.records) == 0 && len(t.queued) == 0 &&
		len(t.timers) == 0 && len(t.cursors) == 0
}

// input reports that the transaction appends what must not go into a full
// journal, and how many bytes its records have in all.
func (t *tx) input() (limited bool, size int64) {
	for i := range t.records {
		limited = limited || !t.records[i].Exempt
		size += recordSize(&t.records[i])
	}
	return limited, size
}

// stage brings the changes of queues and timers into the schedule and returns
// what settles them. save is called with each item that is to be stored, drop
// with the order of each that is to go; timers the backend stores by itself.
func (t *tx) stage(s *schedule, now time.Time, save func(order uint64, it Item), drop func(order uint64)) []func() {
	settle := make([]func(), 0, len(t.queued)+len(t.timers))
	for _, op := range t.queued {
		switch op.kind {
		case enqueueOp:
			if op.item.Enqueued.IsZero() {
				op.item.Enqueued = now
			}
			if order, done, ok := s.stageEnqueue(op.item); ok {
				save(order, op.item)
				settle = append(settle, done)
			}
		case finishOp:
			if order, done, ok := s.stageFinish(op.item.Queue, op.item.ID); ok {
				drop(order)
				settle = append(settle, done)
			}
		case rescheduleOp:
			if order, changed, done, ok := s.stageReschedule(op.item); ok {
				save(order, changed)
				settle = append(settle, done)
			}
		}
	}
	for id, op := range t.timers {
		if !op.gone {
			settle = append(settle, s.stageTimer(op.timer))
		} else if done := s.stageCancel(id); done != nil {
			settle = append(settle, done)
		}
	}
	return settle
}
