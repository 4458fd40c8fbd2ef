package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// outboxLocks keep two answers about one delivery from both being written down.
const outboxLocks = "~o/"

// Outbox is the queue of a stream whose receiver comes for what waits and says
// later what became of it. Its items are known by the jti of their tokens. Safe
// for concurrent use.
type Outbox struct {
	d    *dispatcher
	lock string
}

// maker lets a Preparer stand where a sink is wanted.
type maker struct{ Preparer }

// Deliver implements Sink; an outbox delivers nothing by itself.
func (maker) Deliver(context.Context, []Delivery) ([]Result, error) {
	return nil, fmt.Errorf("an outbox does not deliver")
}

// Outbox returns the outbox of the stream's queue (StreamQueue). The preparer
// makes its tokens.
func (p *Pipeline) Outbox(queue string, preparer Preparer) *Outbox {
	return &Outbox{d: &dispatcher{p: p, name: queue, sink: maker{preparer}}, lock: outboxLocks + queue}
}

// Take returns up to max deliveries that are due, of each key only the oldest,
// with the bytes that every hand-over has. They are not offered again for the
// length of the lease, or until the next start. next is when more falls due, zero
// if nothing will. While actions are stopped nothing is.
func (o *Outbox) Take(ctx context.Context, max int, lease time.Duration) (batch []Delivery, next time.Time, err error) {
	d := o.d
	if stopped, err := d.p.Stopped(ctx); err != nil || stopped {
		return nil, d.p.now().Add(time.Second), err
	}
	for len(batch) < max {
		now := d.p.now()
		items, due, err := d.p.store.Claim(ctx, d.name, max-len(batch), now, lease)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("take from %s: %w", d.name, err)
		}
		if next = due; len(items) == 0 {
			break
		}
		ready, err := d.prepare(ctx, items, now) // what it makes is claimed by the next round
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("take from %s: %w", d.name, err)
		}
		for _, l := range ready {
			batch = append(batch, l.delivery())
		}
	}
	return batch, next, nil
}

// Settle writes down what the receiver said of deliveries, by jti, in one
// transaction. What is not in the queue is ignored; known are those that were.
func (o *Outbox) Settle(ctx context.Context, said map[string]Result) (known []string, err error) {
	d := o.d
	if len(said) == 0 {
		return nil, nil
	}
	failed := make([]error, 0, len(said))
	for _, r := range said {
		failed = append(failed, r.Err)
	}
	now := d.p.now()
	err = d.p.record(context.WithoutCancel(ctx), append(locksFor(failed), o.lock), func(tx store.Tx, add func(Action, string)) error {
		known = known[:0]
		for jti, r := range said {
			it, ok, err := tx.Item(d.name, jti)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			known = append(known, jti)
			l := load{item: it}
			if err := json.Unmarshal(it.Payload, &l.parcel); err != nil {
				l = d.unreadable(it, err)
				tx.Finish(d.name, it.ID)
				add(l.Action, "")
				continue
			}
			if err := d.tell(ctx, tx, l, r, now, add); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("settle deliveries of %s: %w", d.name, err)
	}
	return known, nil
}
