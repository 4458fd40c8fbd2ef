package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Faults are what Memory does to its callers. Commits are counted from 1,
// transactions without writes left out.
type Faults struct {
	// ConflictEvery makes every nth commit an ErrConflict; 0 for none. With 1
	// no transaction ever commits.
	ConflictEvery int
	// FailCommit is asked before commit n is applied. What it returns is
	// returned by Commit, and nothing of the transaction is there.
	FailCommit func(n int) error
	// LoseCommit is asked after commit n was applied. What it returns is
	// returned by Commit although the transaction is there, as when the answer
	// of a server is lost.
	LoseCommit func(n int) error
}

// Memory is the Store of tests: nothing is kept beyond Close. It is stricter
// than Embedded where engines differ: a transaction conflicts if a key that it
// read without a lock has changed since.
type Memory struct {
	opts     Options
	faults   Faults
	gate     gate
	locks    *lockTable
	schedule *schedule
	changed  broadcast
	cursors  cursorTable

	mu      sync.RWMutex
	commits uint64 // applied
	tries   int    // as Faults counts
	state   map[string]version
	marks   map[markID]memoryMark
	timers  map[string]Timer
	ids     map[string][]uint64
	records []memoryRecord // the first is head.first
	head    journalHead
}

type version struct {
	value  []byte
	gone   bool
	commit uint64
}

type memoryMark struct {
	Mark
	generation uint32
	commit     uint64
}

type memoryRecord struct {
	header
	data []byte
	ids  []string
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store. It starts no goroutine and uses neither
// disk nor the bounds on it; expired data goes when Sweep is called.
func NewMemory(o Options, f Faults) *Memory {
	return &Memory{
		opts: o.defaults(), faults: f, locks: newLockTable(), schedule: newSchedule(false),
		state: map[string]version{}, marks: map[markID]memoryMark{}, timers: map[string]Timer{},
		ids: map[string][]uint64{}, head: journalHead{first: 1},
	}
}

// Begin implements Store.
func (m *Memory) Begin(ctx context.Context, locks []string) (Tx, error) {
	if !m.gate.open() {
		return nil, ErrClosed
	}
	t, err := begin(ctx, m, m.locks, locks)
	if err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	t.since = m.commits
	return t, nil
}

// get implements backend.
func (m *Memory) get(t *tx, key string) ([]byte, bool, error) {
	if !m.gate.open() {
		return nil, false, ErrClosed
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.state[key]
	if !t.holds(key) {
		if t.reads == nil {
			t.reads = map[string]uint64{}
		}
		if _, again := t.reads[key]; !again {
			t.reads[key] = v.commit
		}
	}
	return v.value, ok && !v.gone, nil
}

// mark implements backend.
func (m *Memory) mark(_ *tx, id markID) (Mark, bool, error) {
	if !m.gate.open() {
		return Mark{}, false, ErrClosed
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	mark, ok := m.marks[id]
	if !ok || mark.generation < oldestLive(m.opts.Now(), m.opts.SeenFor) {
		return Mark{}, false, nil
	}
	return mark.Mark, true, nil
}

// timer implements backend.
func (m *Memory) timer(id string) (Timer, bool, error) {
	if !m.gate.open() {
		return Timer{}, false, ErrClosed
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	t, ok := m.timers[id]
	return t, ok, nil
}

// cursor implements backend.
func (m *Memory) cursor(name string) (uint64, error) {
	if !m.gate.open() {
		return 0, ErrClosed
	}
	return m.cursors.all()[name], nil
}

// rolledBack implements backend.
func (m *Memory) rolledBack(*tx) {}

// commit implements backend.
func (m *Memory) commit(_ context.Context, t *tx) error {
	if err := m.gate.enter(); err != nil {
		return err
	}
	defer m.gate.leave()
	if t.empty() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries++
	if m.faults.ConflictEvery > 0 && m.tries%m.faults.ConflictEvery == 0 || m.conflict(t) {
		return ErrConflict
	}
	if m.faults.FailCommit != nil {
		if err := m.faults.FailCommit(m.tries); err != nil {
			return err
		}
	}
	now := m.opts.Now()
	if limited, size := t.input(); limited {
		if err := m.admit(size, now); err != nil {
			return err
		}
	}
	m.apply(t, now)
	if m.faults.LoseCommit != nil {
		return m.faults.LoseCommit(m.tries)
	}
	return nil
}

func (m *Memory) conflict(t *tx) bool {
	for key, commit := range t.reads {
		if m.state[key].commit != commit {
			return true
		}
	}
	for id := range t.marks {
		if m.marks[id].commit > t.since {
			return true
		}
	}
	return false
}

func (m *Memory) apply(t *tx, now time.Time) {
	m.commits++
	for key, w := range t.state {
		m.state[key] = version{w.value, w.gone, m.commits} // a deleted key keeps its version
	}
	first := m.head.last + 1
	for i := range t.records {
		r := &t.records[i]
		m.head.add(r, now)
		m.records = append(m.records, memoryRecord{
			header{m.head.at, m.head.total - m.head.size, m.head.size}, slices.Clone(r.Data), slices.Clone(r.IDs),
		})
		for _, id := range r.IDs {
			if seqs := m.ids[id]; len(seqs) == 0 || seqs[len(seqs)-1] != m.head.last {
				m.ids[id] = append(seqs, m.head.last)
			}
		}
	}
	if len(t.records) > 0 {
		t.first = first
	}
	for id, mark := range t.marks {
		if mark.Seq&provisional != 0 {
			mark.Seq = first + mark.Seq&^provisional
		}
		m.marks[id] = memoryMark{mark, generationOf(now, m.opts.SeenFor), m.commits}
	}
	for id, op := range t.timers {
		if op.gone {
			delete(m.timers, id)
		} else {
			m.timers[id] = op.timer
		}
	}
	m.schedule.settle(t.stage(m.schedule, now, func(uint64, Item) {}, func(uint64) {}))
	m.cursors.settle(t.cursors)
	if len(t.records)+len(t.queued)+len(t.timers) > 0 {
		m.changed.wake()
	}
}

// admit lets size bytes of input into the journal, trimming it if it must.
func (m *Memory) admit(size int64, now time.Time) error {
	limit := m.opts.MaxJournal
	if limit <= 0 || m.head.live()+size <= limit {
		return nil
	}
	if err := m.trim(now, max(1, limit-size-limit/16)); err != nil {
		return err
	}
	if m.head.live()+size > limit {
		return fmt.Errorf("%w: %d bytes are bounded by %d", ErrFull, m.head.live(), limit)
	}
	return nil
}

func (m *Memory) trim(now time.Time, room int64) error {
	end := min(m.cursors.lowest(m.head.last)+1, m.head.last)
	if end <= m.head.first {
		return nil
	}
	at := func(seq uint64) (header, error) { return m.records[seq-m.head.first].header, nil }
	first, err := trimTo(m.head, end, now, m.opts.Keep, room, at)
	if err != nil {
		return err
	}
	for seq := m.head.first; seq < first; seq++ {
		for _, id := range m.records[seq-m.head.first].ids {
			m.ids[id] = slices.DeleteFunc(m.ids[id], func(n uint64) bool { return n == seq })
			if len(m.ids[id]) == 0 {
				delete(m.ids, id)
			}
		}
	}
	m.records = slices.Clone(m.records[first-m.head.first:])
	m.head.first, m.head.base = first, m.records[0].before
	return nil
}

// Sweep removes expired marks and journal records, as Embedded.Sweep does.
func (m *Memory) Sweep(ctx context.Context) error {
	if err := m.gate.enter(); err != nil {
		return err
	}
	defer m.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.opts.Now()
	oldest := oldestLive(now, m.opts.SeenFor)
	maps.DeleteFunc(m.marks, func(_ markID, mark memoryMark) bool { return mark.generation < oldest })
	return m.trim(now, m.opts.MaxJournal)
}

// Journal implements Store.
func (m *Memory) Journal(ctx context.Context, after uint64, f func(seq uint64, record []byte) bool) error {
	if err := m.gate.enter(); err != nil {
		return err
	}
	defer m.gate.leave()
	m.mu.RLock()
	first, records := m.head.first, m.records // appended to and replaced, never changed
	m.mu.RUnlock()
	for i, r := range records {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.gate.open() {
			return ErrClosed
		}
		if seq := first + uint64(i); seq > after && !f(seq, r.data) {
			return nil
		}
	}
	return ctx.Err()
}

// Record implements Store.
func (m *Memory) Record(ctx context.Context, seq uint64) ([]byte, error) {
	if err := m.gate.enter(); err != nil {
		return nil, err
	}
	defer m.gate.leave()
	m.mu.RLock()
	defer m.mu.RUnlock()
	if seq < m.head.first || seq > m.head.last {
		return nil, ctx.Err()
	}
	return slices.Clone(m.records[seq-m.head.first].data), ctx.Err()
}

// Locate implements Store.
func (m *Memory) Locate(ctx context.Context, id string) ([]uint64, error) {
	if err := m.gate.enter(); err != nil {
		return nil, err
	}
	defer m.gate.leave()
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.ids[id]), ctx.Err()
}

// Last implements Store.
func (m *Memory) Last() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head.last
}

// Changed implements Store.
func (m *Memory) Changed() <-chan struct{} { return m.changed.wait() }

// Claim implements Store.
func (m *Memory) Claim(ctx context.Context, queue string, max int, now time.Time, lease time.Duration) ([]Item, time.Time, error) {
	if err := m.gate.enter(); err != nil {
		return nil, time.Time{}, err
	}
	defer m.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	due, next := m.schedule.claim(queue, max, now, lease)
	items := make([]Item, len(due))
	for i, c := range due {
		items[i] = c.Item
	}
	return items, next, nil
}

// Pending implements Store.
func (m *Memory) Pending(queue string) (int, time.Time) { return m.schedule.pending(queue) }

// Waiting implements Store.
func (m *Memory) Waiting(ctx context.Context, queue string, max int) ([]Item, error) {
	if err := m.gate.enter(); err != nil {
		return nil, err
	}
	defer m.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := m.schedule.waiting(queue, max)
	items := make([]Item, len(found))
	for i, c := range found {
		items[i] = c.Item
	}
	return items, nil
}

// item implements backend.
func (m *Memory) item(queue, id string) (Item, bool, error) {
	if !m.gate.open() {
		return Item{}, false, ErrClosed
	}
	c, ok := m.schedule.find(queue, id)
	return c.Item, ok, nil
}

// ClaimTimers implements Store.
func (m *Memory) ClaimTimers(ctx context.Context, max int, now time.Time, lease time.Duration) ([]Timer, time.Time, error) {
	if err := m.gate.enter(); err != nil {
		return nil, time.Time{}, err
	}
	defer m.gate.leave()
	if err := ctx.Err(); err != nil {
		return nil, time.Time{}, err
	}
	timers, next := m.schedule.claimTimers(max, now, lease)
	return timers, next, nil
}

// Cursors implements Store.
func (m *Memory) Cursors() map[string]uint64 { return m.cursors.all() }

// Scan implements Store.
func (m *Memory) Scan(ctx context.Context, prefix string, f func(key string, value []byte) bool) error {
	if err := m.gate.enter(); err != nil {
		return err
	}
	defer m.gate.leave()
	m.mu.RLock()
	found := map[string][]byte{}
	for key, v := range m.state {
		if !v.gone && strings.HasPrefix(key, prefix) {
			found[key] = slices.Clone(v.value)
		}
	}
	m.mu.RUnlock()
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.gate.open() {
			return ErrClosed
		}
		if !f(key, found[key]) {
			return nil
		}
	}
	return ctx.Err()
}

// Usage implements Store.
func (m *Memory) Usage() Usage {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u := Usage{JournalBytes: m.head.live(), JournalMax: m.opts.MaxJournal, First: m.head.first, Last: m.head.last}
	if from := max(m.cursors.lowest(m.head.last)+1, m.head.first); from <= m.head.last {
		u.HeldBytes = m.head.total - m.records[from-m.head.first].before
	}
	return u
}

// Close implements Store.
func (m *Memory) Close() error { return m.gate.close() }
