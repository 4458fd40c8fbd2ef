package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// parcel is what waits in a sink's queue: the action, and once made the bytes
// that every try sends.
type parcel struct {
	Action Action   `json:"action"`
	Bytes  []byte   `json:"bytes,omitempty"`
	Merge  string   `json:"merge,omitempty"` // by which equal actions are known
	Then   []Action `json:"then,omitempty"`  // parts that wait for this one, which is a call
}

// newItem is the queue item of a part of an action, with the parts that wait
// for it.
func newItem(a Action, then []Action, merge string, now time.Time) (store.Item, error) {
	payload, err := json.Marshal(parcel{Action: a, Merge: merge, Then: then})
	if err != nil {
		return store.Item{}, fmt.Errorf("queue %s: %w", a.ID, err)
	}
	id := a.ID + "/" + strconv.Itoa(a.Part)
	if a.Stream != "" {
		id = TokenID(a.partID(), a.queue()) // by which its receiver acknowledges it
	}
	return store.Item{
		Queue: a.queue(), ID: id, Key: a.Key,
		Payload: payload, Attempt: a.Attempt, NotBefore: now, Enqueued: now,
	}, nil
}

// How deliveries are paced. A batch is cut off before its lease ends, so that
// nobody else takes up what is still in flight.
const (
	claimBatch  = 64
	claimLease  = 2 * time.Minute
	claimWork   = 90 * time.Second
	firstRetry  = time.Second
	lastRetry   = 5 * time.Minute
	sinkLoops   = 4 // batches in flight per sink
	maxSinkRest = time.Minute
)

// dispatcher carries one sink's queue to it.
type dispatcher struct {
	p    *Pipeline
	name string
	sink Sink
	// changed gives the channel that is closed when there may be more to deliver.
	changed func() <-chan struct{}

	mu     sync.Mutex
	failed int       // batches in a row that got nothing through
	rest   time.Time // nothing is tried before
}

// Deliver carries the actions queued for the sink to it until ctx ends, in
// order per subject, each with the same bytes at every try. What is in flight
// when ctx ends is cut off and goes out at the next start, unless the sink has
// answered: its answer is written down. The first fault of the store ends all
// loops and is returned.
func (p *Pipeline) Deliver(ctx context.Context, name string, sink Sink) error {
	d := &dispatcher{p: p, name: name, sink: sink, changed: p.store.Changed}
	if s, ok := sink.(Spreader); ok {
		p.spreaders.Store(name, s)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, sinkLoops)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			defer cancel()
			errs[i] = d.run(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *dispatcher) run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := d.changed()
		wait, err := d.once(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("deliver to %s: %w", d.name, err)
		}
		if wait == 0 {
			continue
		}
		pause(ctx, changed, wait)
	}
	return nil
}

// once claims, prepares and delivers one batch. It tells how long to wait
// before the next; 0 means not at all.
func (d *dispatcher) once(ctx context.Context) (time.Duration, error) {
	now := d.p.now()
	if wait := d.resting(now); wait > 0 {
		return wait, nil
	}
	if stopped, err := d.p.Stopped(ctx); err != nil || stopped {
		return time.Second, err
	}
	items, next, err := d.p.store.Claim(ctx, d.name, claimBatch, now, claimLease)
	if err != nil {
		return 0, err
	}
	if len(items) == 0 {
		return untilDue(next, now), nil
	}
	if s, ok := d.sink.(Spreader); ok {
		return 0, d.spread(ctx, s, items, now)
	}
	work, cancel := context.WithTimeout(ctx, claimWork)
	defer cancel()
	ready, err := d.prepare(work, items, now)
	if err != nil || len(ready) == 0 {
		return 0, err
	}
	return 0, d.deliver(work, ready)
}

func (d *dispatcher) resting(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rest.Sub(now)
}

// load is a claimed item with its parcel.
type load struct {
	item store.Item
	parcel
}

// prepare drops what expired and makes the bytes of parcels that have none.
// Those are stored and offered by a later claim; the rest is returned.
func (d *dispatcher) prepare(ctx context.Context, items []store.Item, now time.Time) ([]load, error) {
	var ready, made, ended []load
	var failed []error // per made: why not
	preparer, makes := d.sink.(Preparer)
	for _, it := range items {
		l := load{item: it}
		if err := json.Unmarshal(it.Payload, &l.parcel); err != nil {
			ended = append(ended, d.unreadable(it, err))
			continue
		}
		switch {
		case l.expired(now):
			ended = append(ended, l)
		case l.Bytes != nil:
			ready = append(ready, l)
		case !makes:
			l.Bytes = l.Action.Body
			ready = append(ready, l)
		default:
			err := d.make(ctx, preparer, &l)
			made, failed = append(made, l), append(failed, err)
		}
	}
	if len(made)+len(ended) == 0 {
		return ready, nil
	}
	// What was made must be kept even when ctx has just ended.
	err := d.p.record(context.WithoutCancel(ctx), locksFor(failed), func(tx store.Tx, add func(Action, string)) error {
		for i := range made {
			l := &made[i]
			if failed[i] != nil {
				if err := d.tell(ctx, tx, *l, Result{Err: failed[i], Info: "not prepared"}, now, add); err != nil {
					return err
				}
				continue
			}
			payload, err := json.Marshal(l.parcel)
			if err != nil {
				return err
			}
			l.item.Payload = payload
			tx.Reschedule(l.item)
		}
		for _, l := range ended {
			tx.Finish(d.name, l.item.ID)
			add(l.Action, l.Merge)
			for _, part := range l.Then {
				add(shareEnd(part, l.Action), "")
			}
		}
		return nil
	})
	return ready, err
}

// delivery is the load as a sink gets it.
func (l *load) delivery() Delivery {
	return Delivery{
		ID: l.item.ID, Key: l.item.Key, Kind: "action", Payload: l.Bytes, Attempt: l.item.Attempt + 1,
		Event: l.Action.Emits, JTI: l.Action.JTI, Txn: l.Action.Txn, Chain: l.Action.Chain,
	}
}

// expired ends a load whose time is over.
func (l *load) expired(now time.Time) bool {
	if l.Action.Expires.IsZero() || !now.After(l.Action.Expires) {
		return false
	}
	l.Action.Status, l.Action.Why = Expired, "not handed over before "+l.Action.Expires.Format(time.RFC3339)
	l.Action.Attempt, l.Action.Token = l.item.Attempt, ""
	return true
}

// make lets the sink make the bytes of a parcel.
func (d *dispatcher) make(ctx context.Context, preparer Preparer, l *load) error {
	o, err := d.order(*l)
	if err != nil {
		return &FinalError{Code: "unreadable", Err: err}
	}
	if l.Bytes, err = preparer.Prepare(ctx, o); err != nil {
		l.Bytes = nil
		return err
	}
	if l.Action.Call == nil {
		l.Action.JTI, l.Action.Token = TokenID(o.ActionID, d.name), string(l.Bytes)
	}
	l.Action.Status = Sent
	return nil
}

// unreadable ends an item whose parcel is damaged, with what the queue still
// knows of it: it must not stop what waits behind it.
func (d *dispatcher) unreadable(it store.Item, err error) load {
	id, _, _ := strings.Cut(it.ID, "/")
	return load{item: it, parcel: parcel{Action: Action{
		ID: id, Target: d.name, Key: it.Key, Status: Dead, Why: "what waited in the queue is damaged: " + err.Error(),
		Attempt: it.Attempt, Made: it.Enqueued,
	}}}
}

func (d *dispatcher) order(l load) (Order, error) {
	var subject event.Subject
	if err := json.Unmarshal(l.Action.Subject, &subject); err != nil {
		return Order{}, fmt.Errorf("subject of %s: %w", l.Action.ID, err)
	}
	o := Order{
		ActionID: l.Action.partID(), Rule: l.Action.Rule, Type: l.Action.Type, Event: l.Action.Emits,
		Subject: subject, Body: l.Action.Body, Txn: l.Action.Txn, Chain: l.Action.Chain,
		Made: l.Action.Made, Expires: l.Action.Expires, Stream: d.name,
	}
	if c := l.Action.Call; c != nil {
		o.Request, o.Body = &Request{Method: c.Method, Path: c.Path, Body: l.Action.Body}, nil
	}
	return o, nil
}

// deliver hands loads to the sink and writes down what it said.
func (d *dispatcher) deliver(ctx context.Context, loads []load) error {
	batch := make([]Delivery, len(loads))
	for i := range loads {
		batch[i] = loads[i].delivery()
	}
	start := time.Now()
	results, err := d.sink.Deliver(ctx, batch)
	obs, _ := d.p.observer(ctx)
	obs.Took("deliver", len(batch), time.Since(start))
	if err == nil && len(results) != len(batch) {
		err = fmt.Errorf("sink returned %d results for %d deliveries", len(results), len(batch))
	}
	d.traced(start, loads, err)
	if err != nil {
		results = slices.Repeat([]Result{{Err: err}}, len(batch))
	}
	now := d.p.now()
	d.pace(results, now)
	// What the sink said must be written down even when ctx has just ended:
	// else a delivery that arrived is sent again after the restart.
	keep := context.WithoutCancel(ctx)
	failed := make([]error, len(results))
	for i := range results {
		failed[i] = results[i].Err
	}
	return d.p.record(keep, locksFor(failed), func(tx store.Tx, add func(Action, string)) error {
		for i := range loads {
			if err := d.tell(ctx, tx, loads[i], results[i], now, add); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell settles a delivery and tells the journal, of the parts that wait for it
// too: they go out in the transaction that knows the call as taken, or share
// its end.
func (d *dispatcher) tell(ctx context.Context, tx store.Tx, l load, r Result, now time.Time, add func(Action, string)) error {
	a, err := d.settle(ctx, tx, l, r, now)
	if err != nil || a == nil {
		return err
	}
	add(*a, l.Merge)
	switch a.Status {
	case Acked:
		ready, waiting := split(slices.Clone(l.Then))
		if err := send(tx, ready, waiting, l.Merge, now); err != nil {
			return err
		}
		for _, part := range ready {
			add(part, "")
		}
	case Dead:
		again := *a
		again.Token, again.JTI, again.Info = "", "", ""
		then := make([]Action, len(l.Then))
		for i, part := range l.Then {
			then[i] = shareEnd(part, *a)
			add(then[i], "")
		}
		if a.Test {
			return nil
		}
		kept, err := d.p.keep(tx, Waiting{Action: again, Share: "sink " + d.name, Parts: append([]Action{again}, then...), Since: now.UTC(), Booking: booking{Merge: l.Merge}})
		if err == nil && !kept {
			d.p.log.Warn("too many actions wait for a person: a dead one cannot be sent again", "sink", d.name, "action", a.ID)
		}
		return err
	}
	return nil
}

// locksFor is what must be locked to write down results: a refusal for good
// leaves an action that a person may send again.
func locksFor(results []error) []string {
	var final *FinalError
	if slices.ContainsFunc(results, func(err error) bool { return errors.As(err, &final) }) {
		return []string{waitingKey}
	}
	return nil
}

// pace lets a sink rest that took nothing of a whole batch.
func (d *dispatcher) pace(results []Result, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range results {
		var final *FinalError
		if r.Err == nil || errors.As(r.Err, &final) {
			d.failed, d.rest = 0, time.Time{}
			return
		}
	}
	d.failed++
	d.rest = now.Add(backoff(d.failed, maxSinkRest))
}

// settle writes the result of one delivery into the transaction and returns
// the action as the journal is told of it, nil if there is no news.
func (d *dispatcher) settle(ctx context.Context, tx store.Tx, l load, r Result, now time.Time) (*Action, error) {
	a := l.Action
	a.Attempt, a.Info = l.item.Attempt+1, r.Info
	var final *FinalError
	switch {
	case r.Err == nil:
		a.Status, a.Why = Acked, ""
		tx.Finish(d.name, l.item.ID)
	case errors.As(r.Err, &final):
		a.Status, a.Why = Dead, final.Error()
		tx.Finish(d.name, l.item.ID)
		d.p.log.Error("action refused for good", "sink", d.name, "action", a.ID, "err", final)
	case errors.Is(r.Err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled):
		tx.Reschedule(l.item) // cut off by us, which is no failure of the sink
		return nil, nil
	default:
		a.Status, a.Why = Failed, r.Err.Error()
		it, err := d.again(l, r.After, now)
		if err != nil {
			return nil, err
		}
		tx.Reschedule(it)
		d.p.log.Warn("delivery failed, will be tried again", "sink", d.name, "action", a.ID, "attempt", a.Attempt, "err", r.Err)
	}
	return &a, nil
}

// again is the item of a load for its next try: not before what the sink asked
// for, but no later than it expires, so that this is noticed. The token goes
// into the journal once.
func (d *dispatcher) again(l load, after time.Duration, now time.Time) (store.Item, error) {
	it := l.item
	it.Attempt++
	it.NotBefore = now.Add(max(after, backoff(it.Attempt, lastRetry)))
	if x := l.Action.Expires; !x.IsZero() && it.NotBefore.After(x) {
		it.NotBefore = x.Add(time.Millisecond)
	}
	if l.Action.Token == "" {
		return it, nil
	}
	l.Action.Token = ""
	var err error
	it.Payload, err = json.Marshal(l.parcel)
	return it, err
}

// backoff is exponential with jitter: between half of and the whole step.
func backoff(attempt int, most time.Duration) time.Duration {
	step := most
	if attempt < 20 {
		step = min(most, firstRetry<<(attempt-1))
	}
	return step/2 + rand.N(step/2)
}

// record runs fn in a transaction of the queue; every action it adds becomes a
// delivery record of the journal.
func (p *Pipeline) record(ctx context.Context, locks []string, fn func(tx store.Tx, add func(Action, string)) error) error {
	type entry struct {
		seq   uint64
		rec   *Record
		size  int
		merge string
	}
	var last store.Tx
	var entries []entry
	now := p.now().UTC()
	err := store.Update(ctx, p.store, locks, func(tx store.Tx) error {
		last, entries = tx, entries[:0]
		return fn(tx, func(a Action, merge string) {
			rec := &Record{Kind: DeliveryRecord, At: now, Node: p.node, Trace: a.Trace, Actions: []Action{a}}
			data := rec.AppendJSON(nil)
			seq := tx.Append(store.Record{Data: data, IDs: []string{a.ID}, Exempt: true})
			entries = append(entries, entry{seq, rec, len(data), merge})
		})
	})
	if err != nil {
		return err
	}
	obs, _ := p.observer(ctx)
	for _, e := range entries {
		p.recent.put(last.Seq(e.seq), e.rec, e.size)
		a := &e.rec.Actions[0]
		obs.Action(a.Type, a.Target, a.Status, a.Guard)
		if a.Status == Acked {
			obs.Acked(a.Target, now.Sub(a.Received))
		}
		switch {
		case a.Status == Acked:
			p.supersede(ctx, e.merge, *a)
		case (a.Status == Dead || a.Status == Expired) && a.Stream == "": // the streams beside it go on
			p.unmerge(ctx, e.merge, a.ID)
		}
	}
	return nil
}

// unmerge lets equal actions go out again when the one they would become part
// of came to nothing. If it fails, they merge until the window ends.
func (p *Pipeline) unmerge(ctx context.Context, key, id string) {
	if key == "" {
		return
	}
	err := store.Update(ctx, p.store, []string{key}, func(tx store.Tx) error {
		into, _, err := merging(tx, key)
		if err == nil && into == id {
			tx.Delete(key)
		}
		return err
	})
	if err != nil {
		p.log.Warn("equal actions keep merging into one that ended", "action", id, "err", err)
	}
}
