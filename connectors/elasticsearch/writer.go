package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

const (
	// patience bounds how long Deliver goes on without a document taken before it
	// says what is wrong. Nothing is forgotten by that.
	patience = time.Minute
	// The first wait of a document that is to be sent again, and the longest.
	firstWait, mostWait = 250 * time.Millisecond, 15 * time.Second
	// unreached is how often in a row nobody may answer before Deliver returns:
	// there may be several nodes.
	unreached = 3
	// mostItems bounds the documents of a request.
	mostItems = 10_000
	// leastShare is the size from which a batch is shared among the requests that
	// may be under way at once.
	leastShare = 256 << 10
)

// Deliver implements pipeline.Sink. Deliveries are documents: the kind is the
// data stream, the payload the JSON. What is not taken when it returns is offered
// again by the caller; what it knows of that batch is kept until the next call.
func (x *index) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	w := &delivery{x: x, results: make([]pipeline.Result, len(batch)), finished: make(chan *request), until: time.Now().Add(patience)}
	items := make([]item, len(batch))
	for i, d := range batch {
		it := &items[i]
		if err := it.take(i, d); err != nil {
			w.results[i].Err = &pipeline.FinalError{Code: "bad_document", Err: err}
			continue
		}
		if it.state = x.left[d.ID]; it.state == taken {
			w.results[i].Info = "already there"
			continue
		}
		w.queue = append(w.queue, it)
	}
	for _, it := range w.queue {
		w.share += it.size()
	}
	w.share = max(leastShare, w.share/x.pace.requests+1)
	w.run(ctx)
	x.left = w.remember(batch)
	return w.results, ctx.Err()
}

// take checks that a delivery is a document which can stand on a line, and makes
// it the item's.
func (it *item) take(at int, d pipeline.Delivery) error {
	p := d.Payload
	if bytes.IndexByte(p, '\n') >= 0 {
		var line bytes.Buffer
		if err := json.Compact(&line, p); err != nil {
			return errors.New("the document is no JSON")
		}
		p = line.Bytes()
	}
	switch {
	case d.ID == "" || len(d.ID) > 512:
		return errors.New("a document has an id of at most 512 bytes")
	case !streams.Has(d.Kind):
		return fmt.Errorf("there is no data stream %q", d.Kind)
	case len(p) < 2 || p[0] != '{' || p[len(p)-1] != '}':
		return errors.New("the document is no JSON object")
	}
	*it = item{at: at, id: d.ID, stream: d.Kind, payload: p, made: madeAt(p)}
	return nil
}

// madeAt reads event.created. The first member of that name is it; in texts its
// quotes would be escaped.
func madeAt(payload []byte) time.Time {
	const member = `"created":"`
	_, rest, _ := bytes.Cut(payload, []byte(member))
	text, _, ok := bytes.Cut(rest, []byte{'"'})
	if !ok {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return time.Time{}
	}
	return at
}

// delivery is one call of Deliver.
type delivery struct {
	x        *index
	results  []pipeline.Result
	queue    []*item // to be sent
	finished chan *request
	flying   int
	share    int       // bytes of a request that leave enough for the others
	missed   int       // requests in a row that nobody answered
	halt     error     // nothing more is sent
	until    time.Time // moved on by every request of which a document was taken
	got      bool      // a document was taken since
}

// request is one bulk request.
type request struct {
	items []*item // those already there are not sent
	limit int     // bytes of a request when it was made
	sent  []*item
	size  int
	body  []byte
	took  time.Duration
	got   answer
	err   error
}

func (w *delivery) run(ctx context.Context) {
	for {
		for w.halt == nil && ctx.Err() == nil && w.flying < w.x.pace.requests && time.Now().Before(w.until) {
			r := w.cut(time.Now())
			if r == nil {
				break
			}
			w.flying++
			go func() {
				w.x.send(ctx, r)
				w.finished <- r
			}()
		}
		if w.flying == 0 && (len(w.queue) == 0 || w.halt != nil || ctx.Err() != nil || time.Now().After(w.until)) {
			return
		}
		var due <-chan time.Time
		var timer *time.Timer
		if w.halt == nil && w.flying < w.x.pace.requests && len(w.queue) > 0 {
			timer = time.NewTimer(min(time.Until(w.soonest()), time.Until(w.until)+time.Millisecond))
			due = timer.C
		}
		done := ctx.Done()
		if w.flying > 0 {
			done = nil // the requests end with it
		}
		select {
		case r := <-w.finished:
			w.flying--
			w.settle(r)
			if w.got {
				w.got, w.until = false, time.Now().Add(patience)
			}
		case <-due:
		case <-done:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// soonest is when the first document in the queue may be sent.
func (w *delivery) soonest() time.Time {
	at := w.queue[0].next
	for _, it := range w.queue[1:] {
		if it.next.Before(at) {
			at = it.next
		}
	}
	return at
}

// cut takes documents that may be sent out of the queue, as many as one request
// is to have; nil if there are none.
func (w *delivery) cut(now time.Time) *request {
	r := &request{limit: w.x.pace.bytes}
	rest := w.queue[:0]
	for i, it := range w.queue {
		full := len(r.items) >= mostItems || len(r.items) > 0 && r.size+it.size() > min(r.limit, w.share)
		if full {
			rest = append(rest, w.queue[i:]...)
			break
		}
		if it.next.After(now) {
			rest = append(rest, it)
			continue
		}
		r.items = append(r.items, it)
		r.size += it.size()
	}
	clear(w.queue[len(rest):])
	w.queue = rest
	if len(r.items) == 0 {
		return nil
	}
	return r
}

// send looks up what may be there already, and sends the others.
func (x *index) send(ctx context.Context, r *request) {
	if r.err = x.lookUp(ctx, r.items); r.err != nil {
		return
	}
	body := newBody(r.size + len(r.items)*len(x.namespace) + 64)
	for _, it := range r.items {
		if it.state != taken {
			r.sent = append(r.sent, it)
			body = x.encode(body, it)
		}
	}
	if len(r.sent) == 0 {
		return
	}
	start := time.Now()
	r.got, r.err = x.client.do(ctx, http.MethodPost, "/_bulk", x.bulkQuery(), "application/x-ndjson", body)
	r.took, r.body = time.Since(start), body
	if r.err != nil && !errors.Is(r.err, errUnsent) {
		for _, it := range r.sent {
			it.state = unsure
		}
	}
}

// settle draws the conclusions from a request that has ended.
func (w *delivery) settle(r *request) {
	for _, it := range r.items {
		if it.state == taken {
			w.done(it)
		}
	}
	if refusal, ok := errors.AsType[*apiError](r.err); ok && (refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusForbidden) {
		r.err = fmt.Errorf("%w: %w: check the credentials, and that they may view_index_metadata and read", errHold, r.err)
	}
	switch {
	case errors.Is(r.err, errHold):
		w.hold(r.items, r.err)
	case errors.Is(r.err, errUnsent):
		if w.missed++; w.missed >= unreached {
			w.halt = r.err
		}
		w.again(r.items, r.err, 0)
	case r.err != nil: // nobody knows
		w.x.pace.busy(r.limit)
		w.again(r.items, r.err, 0)
	case len(r.sent) > 0:
		w.missed = 0
		w.answered(r)
	}
}

// answered draws the conclusions from an answer.
func (w *delivery) answered(r *request) {
	x := w.x
	switch s := r.got.status; {
	case s == http.StatusOK:
		outcomes, err := decode(r.got.body, r.sent)
		if err != nil {
			w.uncertain(r, err)
			return
		}
		reuse(r.body)
		w.outcomes(r, outcomes)
	case s == http.StatusRequestEntityTooLarge && len(r.sent) == 1:
		w.refuse(r.sent[0], "too_large", "it is larger than the server takes")
	case s == http.StatusRequestEntityTooLarge:
		x.pace.large(r.size)
		w.queue = append(w.queue, r.sent...)
	case s == http.StatusTooManyRequests:
		x.pace.busy(r.limit)
		w.again(r.sent, x.client.problem(r.got), r.got.after)
	case s >= 500:
		x.pace.busy(r.limit)
		w.uncertain(r, x.client.problem(r.got))
	default:
		w.hold(r.sent, fmt.Errorf("%w: %w%s", errHold, x.client.problem(r.got), advice(s)))
	}
}

// advice is what to do about a status.
func advice(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return ": check api_key, or username and password"
	case http.StatusForbidden:
		return ": grant create_doc, auto_configure, view_index_metadata and read on logs-ssf.*, and see that nothing makes the index read-only"
	case http.StatusNotFound:
		return ": run signalbox index setup"
	}
	return ""
}

// outcomes takes the documents of a request one by one.
func (w *delivery) outcomes(r *request, list []outcome) {
	x, busy := w.x, false
	for i, o := range list {
		it := r.sent[i]
		switch {
		case o.status == http.StatusCreated || o.status == http.StatusOK:
			x.noticed(it.stream, o.index)
			it.state, it.info = taken, "201"
			w.done(it)
		case o.status == http.StatusConflict:
			it.state, it.info = taken, "409 already there"
			w.done(it)
		case o.status == http.StatusTooManyRequests:
			busy = true
			it.state = fresh
			w.again([]*item{it}, w.itemError(o), r.got.after)
		case o.status >= 500:
			busy = true
			it.state = unsure
			w.again([]*item{it}, w.itemError(o), 0)
		case o.status == http.StatusBadRequest && documentFault(o.detail, list):
			w.refuse(it, x.client.clean(o.detail.Type, 64), fault(o.detail))
		default:
			it.state = fresh
			w.hold([]*item{it}, fmt.Errorf("%w: %w%s", errHold, w.itemError(o), advice(o.status)))
		}
	}
	if busy {
		x.pace.busy(r.limit)
	} else {
		x.pace.well(r.took, r.size)
	}
}

func (w *delivery) itemError(o outcome) error {
	return &apiError{o.status, w.x.client.clean(o.detail.Type, 64), w.x.client.clean(o.detail.Reason, 300)}
}

// uncertain sends everything again whose fate an answer does not tell.
func (w *delivery) uncertain(r *request, err error) {
	for _, it := range r.sent {
		it.state = unsure
	}
	w.again(r.sent, err, 0)
}

// done ends the way of a document.
func (w *delivery) done(it *item) {
	w.results[it.at] = pipeline.Result{Err: it.refusal, Info: it.info}
	w.got = true
}

// again puts documents that are not taken back into the queue.
func (w *delivery) again(items []*item, err error, after time.Duration) {
	now := time.Now()
	for _, it := range items {
		if it.state == taken {
			continue
		}
		it.tries++
		wait := min(mostWait, firstWait<<min(it.tries-1, 10))
		it.next, it.err = now.Add(max(after, wait/2+rand.N(wait/2))), err
		w.queue = append(w.queue, it)
	}
}

// hold stops everything for a cause that no document has.
func (w *delivery) hold(items []*item, err error) {
	w.halt = err
	w.again(items, err, 0)
}

// refuse gives up a document. In its place one of the stream ssf.error is written
// that says why; it stands for the document until then.
func (w *delivery) refuse(it *item, code, reason string) {
	if it.refusal != nil { // the cluster does not even take the reason
		it.state = taken
		w.done(it)
		return
	}
	refusal := &pipeline.FinalError{Code: code, Err: errors.New(reason)}
	doc, err := document.Refused(it.stream, it.id, it.payload, code, reason)
	if err != nil {
		w.results[it.at] = pipeline.Result{Err: refusal}
		return
	}
	w.queue = append(w.queue, &item{at: it.at, id: doc.ID, stream: doc.Stream, payload: doc.JSON, made: it.made, refusal: refusal})
}

// remember tells the next call what is known if this one was not taken whole, and
// writes down why.
func (w *delivery) remember(batch []pipeline.Delivery) map[string]mark {
	if len(w.queue) == 0 {
		return nil
	}
	left := make(map[string]mark, len(batch))
	for i, d := range batch {
		if w.results[i].Err == nil {
			left[d.ID] = taken
		}
	}
	for _, it := range w.queue {
		err := it.err
		if err == nil {
			err = w.halt
		}
		if err == nil {
			err = errors.New("not sent yet")
		}
		w.results[it.at] = pipeline.Result{Err: err, After: max(0, time.Until(it.next))}
		left[batch[it.at].ID] = it.state
		if it.refusal != nil {
			left[batch[it.at].ID] = fresh // it will be refused again
		}
	}
	return left
}
