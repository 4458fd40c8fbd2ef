package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// place names a partition.
type place struct {
	topic     string
	partition int32
}

// Bounds of one batch, and how long to wait before something is offered again.
const (
	maxBatch      = 500
	maxBatchBytes = 1 << 20
	firstPause    = 200 * time.Millisecond
	lastPause     = 30 * time.Second
	patientTries  = 4 // failures in a row before the source is not ready any more
)

// parcel is a message with its place.
type parcel struct {
	msg pipeline.Message
	*item
}

// worker carries one partition's records to the line, in order. What cannot be
// done now is offered again, while what comes after goes on as long as no more
// than one batch waits.
type worker struct {
	run   *run
	place place
	how   *rule
	name  string // of the partition, with the topic's id
	log   func(msg string, args ...any)

	wake   chan struct{}
	ended  chan struct{}
	halt   context.CancelFunc // no further batch
	cancel context.CancelFunc // abandons the batch in hand

	mu        sync.Mutex
	track     track
	committed int64 // what the broker was told
	from      int64 // first position the next message stands for
	fresh     []parcel
	again     []parcel  // to be offered again,
	due       time.Time // not before
	bytes     int       // of fresh
	paused    bool
	busy      bool  // the line takes nothing now
	fails     int   // of calls, in a row
	tries     int   // of what is offered again, in a row
	end       int64 // of the log, when the broker was last asked
}

func newWorker(r *run, p place, how *rule, name string, at, from, committed int64) *worker {
	w := &worker{
		run: r, place: p, how: how, name: name, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		track: track{at: at, epoch: -1}, committed: committed, from: from,
	}
	log := r.src.log.With("topic", p.topic, "partition", p.partition)
	w.log = log.Warn
	var halted, work context.Context
	work, w.cancel = context.WithCancel(context.WithoutCancel(r.ctx))
	halted, w.halt = context.WithCancel(work)
	go func() {
		defer close(w.ended)
		w.loop(halted, work)
	}()
	return w
}

// stop lets the batch in hand come to its end within the time, and abandons it
// otherwise. What is abandoned is offered again to whoever gets the partition.
func (w *worker) stop(within time.Duration) {
	w.halt()
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-w.ended:
	case <-t.C:
		w.log("batch did not come to its end before the partition was given up, and is abandoned", "after", within)
	}
	w.cancel()
	<-w.ended
}

// push takes records that were fetched. It does not block.
func (w *worker) push(records []*kgo.Record, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		if n := len(w.track.open); r.Offset < w.track.at || n > 0 && r.Offset <= w.track.open[n-1].offset {
			continue // handed over already
		}
		p := parcel{item: &item{offset: r.Offset, epoch: r.LeaderEpoch}}
		if r.Value == nil { // a tombstone says that there is nothing any more
			p.done = true
			w.track.enter(p.item)
			continue
		}
		w.track.enter(p.item)
		p.msg = message(w.run.src.name, w.how, w.name, r, now)
		p.msg.Progress.From = w.from
		w.from = r.Offset + 1
		w.fresh = append(w.fresh, p)
		w.bytes += len(r.Value) + len(r.Key)
	}
	w.throttle()
	w.signal()
}

func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// throttle pauses the partition at the broker while enough waits here, or the
// line takes nothing. The lock is held.
func (w *worker) throttle() {
	most := w.run.share()
	full := len(w.fresh) >= 4*maxBatch || w.bytes >= most
	drained := len(w.fresh) < maxBatch && w.bytes < most/2
	switch {
	case !w.paused && (full || w.busy):
		w.paused = true
		w.run.client.PauseFetchPartitions(w.partitions())
	case w.paused && drained && !w.busy:
		w.paused = false
		w.run.client.ResumeFetchPartitions(w.partitions())
	}
}

func (w *worker) partitions() map[string][]int32 {
	return map[string][]int32{w.place.topic: {w.place.partition}}
}

// loop hands batches over until halted, the one in hand until work ends.
func (w *worker) loop(halted, work context.Context) {
	for {
		batch, wait := w.take(w.run.src.now())
		if halted.Err() != nil {
			return
		}
		if len(batch) > 0 {
			w.offer(halted, work, batch)
			continue
		}
		select {
		case <-halted.Done():
			return
		case <-w.wake:
		case <-timer(wait):
		}
	}
}

// timer fires after a time; never, if that is 0.
func timer(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// take gives the next batch, or how long to wait for one; 0 is until woken.
func (w *worker) take(now time.Time) (batch []parcel, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	most := w.run.src.most
	if len(w.again) > 0 {
		if wait = w.due.Sub(now); wait <= 0 {
			batch, w.again = w.again, nil
			return batch, 0
		}
		if len(w.again) >= most {
			return nil, wait
		}
	}
	for size := 0; len(w.fresh) > 0 && len(batch) < most && size < maxBatchBytes; {
		p := w.fresh[0]
		w.fresh[0] = parcel{}
		w.fresh = w.fresh[1:]
		size += len(p.msg.Body)
		w.bytes -= len(p.msg.Body) + len(p.msg.Key)
		batch = append(batch, p)
	}
	if len(batch) > 0 {
		w.throttle()
	}
	return batch, wait
}

// offer takes a batch to its outcome. It gives up when halted, between two
// tries: nothing of the batch is known to be done then.
func (w *worker) offer(halted, work context.Context, batch []parcel) {
	msgs := make([]pipeline.Message, len(batch))
	for i := range batch {
		msgs[i] = batch[i].msg
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		receipts, err := w.run.handle(work, msgs)
		if err == nil {
			w.settle(batch, receipts)
			return
		}
		if work.Err() != nil {
			return
		}
		after := pause
		busy, ok := errors.AsType[*pipeline.BusyError](err)
		if ok && busy.After > 0 {
			after = busy.After
		}
		w.failed(true)
		if !ok || w.fails == 1 {
			w.log("records cannot be handled now, will be offered again", "in", after, "err", err)
		}
		select {
		case <-halted.Done():
			return
		case <-time.After(after):
		}
	}
}

// failed notes whether the line takes anything.
func (w *worker) failed(busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = busy
	w.fails++
	if !busy {
		w.fails = 0
	}
	w.throttle()
}

// settle writes down what is done, and keeps the rest to be offered again.
func (w *worker) settle(batch []parcel, receipts []pipeline.Receipt) {
	if w.busy {
		w.failed(false)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	retried := false
	for i, r := range receipts {
		if r.Retry != nil {
			w.again = append(w.again, batch[i])
			retried = true
			continue
		}
		w.track.done(batch[i].item)
	}
	if retried {
		w.due = w.run.src.now().Add(min(lastPause, firstPause<<min(w.tries, 10)))
		w.tries++
	} else if len(w.again) == 0 {
		w.tries = 0
	}
	if w.track.at > w.committed {
		w.run.dirty()
	}
}

// stuck reports whether the worker has got nothing through for a while.
func (w *worker) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fails >= patientTries
}

// position is up to where the partition is done and what of it the broker does
// not know yet.
func (w *worker) position() (at int64, epoch int32, news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.track.at, w.track.epoch, w.track.at > w.committed
}

func (w *worker) told(at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed = max(w.committed, at)
}

// handle calls the line, of which so many calls are made at a time.
func (r *run) handle(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.slots }()
	receipts, err := r.line.Handle(ctx, msgs)
	if err == nil && len(receipts) != len(msgs) {
		err = fmt.Errorf("handler gave %d receipts for %d messages", len(receipts), len(msgs))
	}
	return receipts, err
}
