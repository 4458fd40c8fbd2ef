package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// What a sink in front of streams needs of the line, beside Deliver and Outbox:
// its streams, subjects and queues are part of the same transactions.

// DeliverStream is Deliver for the queue of one stream, in one loop. There may be
// many streams, so it is not woken by every commit but by a channel that changed
// gives.
func (p *Pipeline) DeliverStream(ctx context.Context, queue string, sink Sink, changed func() <-chan struct{}) error {
	d := &dispatcher{p: p, name: queue, sink: sink, changed: changed}
	return d.run(ctx)
}

// Scan calls f for every stored key with the prefix, in order, until it returns
// false.
func (p *Pipeline) Scan(ctx context.Context, prefix string, f func(key string, value []byte) bool) error {
	return p.store.Scan(ctx, prefix, f)
}

// Transact runs fn in one transaction over the locks, again from the start on a
// conflict. Every action it adds becomes a delivery record of the journal.
func (p *Pipeline) Transact(ctx context.Context, locks []string, fn func(tx store.Tx, add func(Action)) error) error {
	return p.record(ctx, locks, func(tx store.Tx, add func(Action, string)) error {
		return fn(tx, func(a Action) { add(a, "") })
	})
}

// Read runs fn in a transaction without locks that changes nothing.
func (p *Pipeline) Read(ctx context.Context, fn func(tx store.Tx) error) error {
	tx, err := p.store.Begin(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return fn(tx)
}

// Pending counts what waits in a queue and tells since when the oldest does.
func (p *Pipeline) Pending(queue string) (n int, oldest time.Time) { return p.store.Pending(queue) }

// Changed returns a channel that is closed when something may have come into a
// queue.
func (p *Pipeline) Changed() <-chan struct{} { return p.store.Changed() }

// discardBatch is how many items one transaction of Discard ends.
const discardBatch = 200

// Discard ends all that waits in a queue, as long as still holds under the lock,
// and tells the journal why.
func (p *Pipeline) Discard(ctx context.Context, queue, lock, why string, still func(tx store.Tx) (bool, error)) error {
	for ctx.Err() == nil {
		items, err := p.store.Waiting(ctx, queue, discardBatch)
		if err != nil || len(items) == 0 {
			return err
		}
		over := false
		err = p.record(ctx, []string{lock}, func(tx store.Tx, add func(Action, string)) error {
			if ok, err := still(tx); err != nil || !ok {
				over = true
				return err
			}
			for _, it := range items {
				tx.Finish(queue, it.ID)
				var l parcel
				if json.Unmarshal(it.Payload, &l) != nil {
					continue
				}
				l.Action.Status, l.Action.Guard, l.Action.Why = Superseded, "stream", why
				l.Action.Attempt, l.Action.Token = it.Attempt, ""
				add(l.Action, l.Merge)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("discard what waits in %s: %w", queue, err)
		}
		if over {
			return nil
		}
	}
	return ctx.Err()
}
