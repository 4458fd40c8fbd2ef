// Package store is the durable transaction: one commit holds everything a
// message caused, or nothing.
//
// The seam is narrow on purpose so that an engine does not shape the callers:
// lock keys, get, put, delete, mark seen, append to the journal, enqueue, set
// timers, commit; claim due work; move cursors. Two implementations share one
// conformance suite (pipelinetest.TestStore): Embedded on Pebble, and Memory
// with injected conflicts for tests.
//
// What Commit has acknowledged survives the loss of power, and what anybody was
// shown (a journal record, a claimed item, an empty transaction that came back)
// was on disk before. It knows bytes and keys, not what they mean.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// ErrConflict is returned by Commit when another transaction got in the way.
// The step is pure: run it again. Update does.
var ErrConflict = errors.New("store: transaction conflict")

// ErrFull is returned by Commit when the journal's budget or the free disk is
// used up and the transaction appends input. Deliveries and operator records
// (Record.Exempt) still commit.
var ErrFull = errors.New("store: journal is full")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("store: closed")

// Store is the durable state of one product. Safe for concurrent use.
type Store interface {
	// Begin locks the keys, in byte order, and opens a transaction that sees
	// everything committed before. It waits for locks until ctx ends. The locks
	// are the caller's discipline: Get of a key under no lock is a read of what
	// was last committed.
	Begin(ctx context.Context, locks []string) (Tx, error)

	// Journal calls f for every record with a sequence greater than after, in
	// order, until f returns false or the end. The record is valid only during
	// the call. Records above a transaction not yet durable are not shown.
	Journal(ctx context.Context, after uint64, f func(seq uint64, record []byte) bool) error

	// Record returns the journal record at seq, or nil.
	Record(ctx context.Context, seq uint64) ([]byte, error)

	// Locate returns the sequences of the records appended under the id, oldest
	// first.
	Locate(ctx context.Context, id string) ([]uint64, error)

	// Last is the newest durable sequence, 0 for an empty journal.
	Last() uint64

	// Changed returns a channel closed when the next commit that appended to the
	// journal or touched a queue or a timer is durable. Take the channel first,
	// then look for work, then wait.
	Changed() <-chan struct{}

	// Claim leases up to max due items of a queue: not before their time, not
	// leased, and only the oldest of each key, so that order per key is kept.
	// A lease ends with Finish, Reschedule, its time, or a restart. next is when
	// further work falls due, zero if none is waiting. What it costs depends on
	// the items claimed, not on those that wait.
	Claim(ctx context.Context, queue string, max int, now time.Time, lease time.Duration) (items []Item, next time.Time, err error)

	// Pending counts the items of a queue and tells the age of the oldest.
	Pending(queue string) (n int, oldest time.Time)

	// Waiting returns up to max durable items of a queue in the order of
	// enqueueing, leased or not. It leases nothing.
	Waiting(ctx context.Context, queue string, max int) ([]Item, error)

	// ClaimTimers leases up to max timers due at now, oldest first. A timer may
	// be replaced or cancelled between the claim and the transaction that acts on
	// it, which must therefore compare it with Tx.Timer. A lease ends with
	// SetTimer, CancelTimer, its time, or a restart.
	ClaimTimers(ctx context.Context, max int, now time.Time, lease time.Duration) (timers []Timer, next time.Time, err error)

	// Cursors returns every cursor that was moved and not dropped.
	Cursors() map[string]uint64

	// Scan calls f for every stored key with the prefix, in byte order, until it
	// returns false. For operators and tests, not for the hot path.
	Scan(ctx context.Context, prefix string, f func(key string, value []byte) bool) error

	// Usage tells how full the budgets are.
	Usage() Usage

	// Close waits for the calls under way and releases everything. A transaction
	// still open fails with ErrClosed.
	Close() error
}

// Tx is one transaction. It sees its own writes. Not safe for concurrent use.
// Exactly one of Commit and Rollback ends it; Rollback after either is a no-op.
type Tx interface {
	// Lock takes further locks. Every key must sort after all keys held, else
	// it panics: taking locks out of order is how deadlocks are made.
	Lock(ctx context.Context, keys []string) error

	// Get returns the value of a key. The bytes are not to be changed.
	Get(key string) (value []byte, ok bool, err error)
	// Put sets it. The value must not be changed afterwards.
	Put(key string, value []byte)
	// Delete removes it. A key without a value is no error.
	Delete(key string)

	// Seen looks an input id up among the marks.
	Seen(id string) (Mark, bool, error)
	// MarkSeen records the input id for at least the configured age, and at most
	// a third longer. m.Seq may be what Append returned in this transaction;
	// Commit stores the final sequence. When another transaction has marked the
	// id since this one began, Commit returns ErrConflict, locks or not.
	MarkSeen(id string, m Mark)

	// Append adds a record to the journal. Sequences are given in the order of
	// commits, so what it returns only stands for the sequence (its top bit is
	// set): it goes into Mark.Seq as it is, and Seq turns it into the sequence
	// once the transaction is committed.
	Append(r Record) (provisional uint64)
	// Seq returns the sequence for what Append or a Mark gave: final ones
	// unchanged, and 0 for a provisional one unless Commit returned nil.
	Seq(seq uint64) uint64

	// Item returns a pending item, leased or not, as the last commit left it; what
	// this transaction does to queues is not seen.
	Item(queue, id string) (Item, bool, error)
	// Enqueue adds an item to its queue. An item with the same queue and id
	// replaces nothing and is dropped: enqueueing is idempotent.
	Enqueue(it Item)
	// Finish removes an item. One that is not there is no error.
	Finish(queue, id string)
	// Reschedule ends the lease of an item and stores its payload, attempt and
	// NotBefore anew. It keeps its place among the items of its key, which wait
	// for it. An item that is not there is not brought back.
	Reschedule(it Item)

	// Timer returns the timer of that ID as it is set.
	Timer(id string) (Timer, bool, error)
	// SetTimer sets or replaces the timer of that ID.
	SetTimer(t Timer)
	// CancelTimer removes it if it is there.
	CancelTimer(id string)

	// Cursor reads the named position, 0 if it was never moved.
	Cursor(name string) (uint64, error)
	// MoveCursor sets it; from then on the journal keeps every record above it,
	// also above 0.
	MoveCursor(name string, seq uint64)
	// DropCursor forgets the name, and nothing is kept for it any more.
	DropCursor(name string)

	// Commit makes all of it durable and visible at once. Locks are released as
	// soon as the writes are visible to others; Commit returns when they are on
	// disk. After a crash a transaction is there only if all that it could have
	// seen is; for the same reason an empty transaction waits until all that it
	// could have seen is on disk. ctx is looked at before anything is written
	// and not after.
	Commit(ctx context.Context) error
	// Rollback forgets all of it and releases the locks.
	Rollback()
}

// Mark is what is remembered of a seen input.
type Mark struct {
	Digest [16]byte
	Seq    uint64
	At     time.Time
}

// Record is one journal entry.
type Record struct {
	Data   []byte
	IDs    []string // ids to Locate it by
	Exempt bool     // goes in even when the journal is full
}

// Item is one unit of queued work.
type Item struct {
	Queue     string
	ID        string
	Key       string // order is kept per key; "" means none
	Payload   []byte
	Attempt   int
	NotBefore time.Time
	Enqueued  time.Time
}

// Timer is a due date with data.
type Timer struct {
	ID   string
	Due  time.Time
	Data []byte
}

// Usage tells the fill of each budget.
type Usage struct {
	JournalBytes, JournalMax int64 // max 0: none
	HeldBytes                int64 // of JournalBytes: above the lowest cursor, never removed
	DiskFree, DiskMin        int64 // min 0: none
	First, Last              uint64
}

// Options bounds a store. The zero value means the defaults.
type Options struct {
	SeenFor    time.Duration    // how long marks are kept; default 30 days
	Keep       time.Duration    // age at which journal records go; 0 = until MaxJournal
	MaxJournal int64            // bytes, above which the oldest records go; 0 = no bound
	MinFree    int64            // free disk below which input is refused; 0 = none
	Cache      int64            // bytes of memory for what was lately read and written; default 256 MiB
	SweepEvery time.Duration    // how often expired data is removed; default 1 minute
	Now        func() time.Time // default time.Now
	Log        *slog.Logger     // faults of the engine; default slog.Default()

	// Free is how many bytes of disk are free for MinFree; default what the file
	// system says.
	Free func() (uint64, error)
}

// defaults fills in what is not set.
func (o Options) defaults() Options {
	if o.SeenFor <= 0 {
		o.SeenFor = 30 * 24 * time.Hour
	}
	if o.Cache <= 0 {
		o.Cache = 256 << 20
	}
	if o.SweepEvery <= 0 {
		o.SweepEvery = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Update runs fn in a transaction over the locks and commits, again from the
// start on ErrConflict, up to ten times. fn must be pure but for its Tx.
func Update(ctx context.Context, s Store, locks []string, fn func(Tx) error) error {
	for try := 1; ; try++ {
		err := update(ctx, s, locks, fn)
		if !errors.Is(err, ErrConflict) || try == 10 {
			return err
		}
	}
}

func update(ctx context.Context, s Store, locks []string, fn func(Tx) error) error {
	tx, err := s.Begin(ctx, locks)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
