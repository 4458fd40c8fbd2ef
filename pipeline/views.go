package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Renderer makes index documents of a journal record. It is pure.
type Renderer func(seq uint64, r *Record) ([]Delivery, error)

// Records read and documents handed over at once by an index loop.
const (
	viewRecords = 500
	viewBytes   = 8 << 20
)

// viewLinger lets what is being committed gather before an idle index loop
// takes it: nobody waits for an index.
const viewLinger = 2 * time.Millisecond

// viewPatience is how long an index loop waits for a record that is committed
// to be given to it: the goroutine that committed may be late on busy cores, and
// reading a record back costs as much as rendering it.
const viewPatience = 25 * time.Millisecond

// Index renders the journal into the sink until ctx ends, from where its
// cursor stands. The cursor moves after the sink took the documents, so a
// restart may render some again; their ids are the same. A record that cannot
// be rendered and a document that the sink refuses for good are logged, counted
// and left out. From the first call on the journal keeps what the index has not
// taken.
func (p *Pipeline) Index(ctx context.Context, name string, render Renderer, sink Sink) error {
	if _, known := p.store.Cursors()[indexCursor(name)]; !known {
		err := store.Update(context.WithoutCancel(ctx), p.store, nil, func(tx store.Tx) error {
			tx.MoveCursor(indexCursor(name), 0)
			return nil
		})
		if err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
	}
	failed := 0
	for ctx.Err() == nil {
		changed := p.store.Changed()
		at, err := p.indexPlace(ctx, name)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("index %s: %w", name, err)
		}
		if err := p.makeRoom(ctx, at, sink); err != nil {
			failed++
			p.log.Warn("index does not make room for a rebuild, will try again", "index", name, "err", err)
			pause(ctx, nil, backoff(failed, maxSinkRest))
			continue
		}
		var cause links
		start := time.Now()
		docs, last, err := p.render(ctx, name, at.taken, cause.traced(p, render))
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("index %s: %w", name, err)
		}
		if last == at.taken && !at.rebuilding {
			select {
			case <-ctx.Done():
			case <-changed:
				pause(ctx, nil, viewLinger)
			}
			continue
		}
		err = p.push(ctx, name, sink, docs)
		p.linked("index", name, start, len(docs), cause, err != nil)
		if err != nil {
			failed++
			p.log.Warn("index does not take documents, will try again", "index", name, "err", err)
			pause(ctx, nil, backoff(failed, maxSinkRest))
			continue
		}
		failed = 0
		if err := p.advance(ctx, name, at, last); err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
	}
	return nil
}

// IndexFromNow makes an index that never ran begin after what is in the journal
// now.
func (p *Pipeline) IndexFromNow(ctx context.Context, name string) error {
	if _, known := p.store.Cursors()[indexCursor(name)]; known {
		return nil
	}
	err := store.Update(ctx, p.store, nil, func(tx store.Tx) error {
		tx.MoveCursor(indexCursor(name), p.store.Last())
		return nil
	})
	if err != nil {
		return fmt.Errorf("index %s: %w", name, err)
	}
	return nil
}

// DropIndexes forgets the indexes that are selected by name. They must not run.
func (p *Pipeline) DropIndexes(ctx context.Context, drop func(name string) bool) error {
	for cursor := range p.store.Cursors() {
		name, ok := strings.CutPrefix(cursor, indexCursor(""))
		if !ok || !drop(name) {
			continue
		}
		err := store.Update(ctx, p.store, nil, func(tx store.Tx) error {
			tx.DropCursor(cursor)
			return nil
		})
		if err != nil {
			return fmt.Errorf("forget index %s: %w", name, err)
		}
	}
	return nil
}

func (p *Pipeline) render(ctx context.Context, name string, after uint64, render Renderer) (docs []Delivery, last uint64, err error) {
	start := time.Now()
	n, size := 0, 0
	// The cursor goes past a record that cannot be rendered: it will not get
	// better, and must not stop the index for ever.
	skip := func(seq uint64, err error) {
		p.log.Error("journal record cannot be rendered", "index", name, "seq", seq, "err", err)
		p.obs.Action("document", name, Dead, "")
		n++
	}
	take := func(seq uint64, rec *Record) {
		list, err := render(seq, rec)
		if err != nil {
			skip(seq, err)
			return
		}
		n++
		for _, d := range list {
			size += len(d.Payload)
		}
		docs = append(docs, list...)
	}
	last, err = p.follow(ctx, after, take, skip, func() bool { return n >= viewRecords || size >= viewBytes })
	if n > 0 {
		p.obs.Took("render", n, time.Since(start))
	}
	return docs, last, err
}

// follow calls take for the journal's records after a position, in order, until
// full or the end, and skip for one that cannot be read. It returns the position
// of the last.
func (p *Pipeline) follow(ctx context.Context, after uint64, take func(uint64, *Record), skip func(uint64, error), full func() bool) (last uint64, err error) {
	// What was just written is still here, decoded: reading it back would cost
	// more than all the rest and push the state out of the store's cache.
	last = after
	var waited time.Duration
	for end := p.store.Last(); err == nil && last < end && !full(); {
		if rec := p.recent.get(last + 1); rec != nil {
			last++
			take(last, rec)
			continue
		}
		if p.recent.awaits(last + 1) {
			if last > after {
				break // the next round has it
			}
			if waited < viewPatience && ctx.Err() == nil {
				waited += viewLinger / 2
				pause(ctx, nil, viewLinger/2)
				continue
			}
		}
		err = p.store.Journal(ctx, last, func(seq uint64, data []byte) bool {
			last = seq
			rec := new(Record)
			if err := json.Unmarshal(data, rec); err != nil {
				skip(seq, err)
			} else {
				take(seq, rec)
			}
			return !full() && p.recent.get(seq+1) == nil
		})
	}
	return last, err
}

func (p *Pipeline) push(ctx context.Context, name string, sink Sink, docs []Delivery) error {
	for len(docs) > 0 {
		start := time.Now()
		results, err := sink.Deliver(ctx, docs)
		if err != nil {
			return err
		}
		if len(results) != len(docs) {
			return fmt.Errorf("sink returned %d results for %d documents", len(results), len(docs))
		}
		p.obs.Took("index", len(docs), time.Since(start))
		var again []Delivery
		for i, r := range results {
			var final *FinalError
			switch {
			case r.Err == nil:
			case errors.As(r.Err, &final):
				p.log.Error("index refused a document", "index", name, "id", docs[i].ID, "err", final)
				p.obs.Action("document", name, Dead, "")
			default:
				err = r.Err
				again = append(again, docs[i])
			}
		}
		if err != nil {
			return fmt.Errorf("%d of %d documents not taken: %w", len(again), len(docs), err)
		}
		docs = nil
	}
	return nil
}
