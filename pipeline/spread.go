package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// StreamQueue is the name of the queue of a stream, which no sink has: their
// names are without a slash. Without a stream it is that of the sink.
func StreamQueue(sink, stream string) string {
	if stream == "" {
		return sink
	}
	return sink + "/" + stream
}

// ControlQueue is the queue of what a stream gets whatever its status is: the
// word that it was paused or disabled (SSF section 8.1.5).
func ControlQueue(sink, stream string) string { return StreamQueue(sink, stream) + "!" }

// Spreader is a sink in front of streams, each with a receiver, an audience and
// a queue of its own (StreamQueue). What is queued for the sink is not handed to
// Deliver: each stream that wants it gets a copy in its queue, in one
// transaction with the end of the original, so that a stream gets each once. From
// then on the copies share nothing.
type Spreader interface {
	// SpreadLock is the key that is locked while Spread decides. It starts with
	// "~t".
	SpreadLock() string
	// Spread says which streams get the order. It reads by the transaction only.
	Spread(tx store.Tx, o Order) ([]Copy, error)
	// Serves reports whether there is such a stream.
	Serves(tx store.Tx, stream string) bool
}

// Copy is what one stream gets of an order.
type Copy struct {
	Stream string
	Refuse string // why the stream wants it and cannot have it; "": it is queued
}

// serves reports whether the stream of a part is still there.
func (p *Pipeline) serves(tx store.Tx, part *Action) bool {
	s, ok := p.spreaders.Load(part.Target)
	return ok && s.(Spreader).Serves(tx, part.Stream)
}

// spread gives every item to the streams that want it.
func (d *dispatcher) spread(ctx context.Context, s Spreader, items []store.Item, now time.Time) error {
	// What the streams were given must be known even when ctx has just ended.
	return d.p.record(context.WithoutCancel(ctx), []string{s.SpreadLock()}, func(tx store.Tx, add func(Action, string)) error {
		for _, it := range items {
			l := load{item: it}
			tx.Finish(d.name, it.ID)
			if err := json.Unmarshal(it.Payload, &l.parcel); err != nil {
				l = d.unreadable(it, err)
				add(l.Action, "")
				continue
			}
			if l.expired(now) {
				add(l.Action, l.Merge)
				continue
			}
			if err := d.copies(tx, s, l, now, add); err != nil {
				return err
			}
		}
		return nil
	})
}

// copies puts an action into the queues of the streams that want it.
func (d *dispatcher) copies(tx store.Tx, s Spreader, l load, now time.Time, add func(Action, string)) error {
	o, err := d.order(l)
	if err != nil {
		a := l.Action
		a.Status, a.Why = Dead, err.Error()
		add(a, l.Merge)
		return nil
	}
	list, err := s.Spread(tx, o)
	if err != nil {
		return fmt.Errorf("spread %s: %w", l.Action.ID, err)
	}
	var names []string
	for _, c := range list {
		a := l.Action
		a.Stream, a.Attempt = c.Stream, 0
		if c.Refuse != "" {
			a.Status, a.Guard, a.Why = Dead, "stream", c.Refuse
			add(a, "")
			continue
		}
		if err := enqueue(tx, &a, l.Merge, now); err != nil {
			return err
		}
		add(a, "")
		names = append(names, c.Stream)
	}
	a := l.Action
	a.Status, a.Guard, a.Why = Superseded, "stream", "no stream of "+d.name+" wants it"
	if len(names) > 0 {
		a.Why = "goes to " + strings.Join(names[:min(len(names), 8)], ", ")
		if more := len(names) - 8; more > 0 {
			a.Why += fmt.Sprintf(" and %d more", more)
		}
	}
	add(a, "")
	return nil
}

// Enqueue puts a part of an action into the queue of its sink or stream and
// makes it say so. The transaction should tell the journal, too.
func Enqueue(tx store.Tx, a *Action, now time.Time) error { return enqueue(tx, a, "", now) }

func enqueue(tx store.Tx, a *Action, merge string, now time.Time) error {
	a.Status, a.Guard, a.Why = Queued, "", ""
	item, err := newItem(*a, nil, merge, now)
	if err != nil {
		return err
	}
	tx.Enqueue(item)
	return nil
}
