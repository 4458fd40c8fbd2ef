package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Rebuilder is an index that can make room before it is given everything again.
type Rebuilder interface {
	// Rebuild removes, as far as it can, the documents with event.created from
	// the time on, all if it is zero: they are given again. Those it leaves are
	// met under the same ids.
	Rebuild(ctx context.Context, from time.Time) error
}

// indexPlace is where an index goes on. While it is rebuilt its cursor stays
// where it was, so that the journal need not keep what the index had taken
// once: a full journal would otherwise stop the intake until the rebuild is
// through.
type indexPlace struct {
	taken      uint64 // last record taken
	cursor     uint64
	rebuilding bool
	mark       []byte // what rebuildKey holds: the last record taken; nothing before the first
}

func indexCursor(name string) string { return "index/" + name }

// rebuildKey is set while an index is rebuilt.
func rebuildKey(name string) string { return "~i/" + name }

// Rebuild gives an index the whole journal again, from its first record. Its
// loop takes that up before its next batch; one that does not run, when it
// starts.
func (p *Pipeline) Rebuild(ctx context.Context, name, by string) error {
	return p.operate(ctx, OperatorPart{Verb: "rebuild-index", By: by, Detail: name}, func(tx store.Tx) {
		tx.Put(rebuildKey(name), nil)
	}, rebuildKey(name))
}

func (p *Pipeline) indexPlace(ctx context.Context, name string) (at indexPlace, err error) {
	tx, err := p.store.Begin(ctx, nil)
	if err != nil {
		return at, err
	}
	defer tx.Rollback()
	if at.cursor, err = tx.Cursor(indexCursor(name)); err != nil {
		return at, err
	}
	if at.mark, at.rebuilding, err = tx.Get(rebuildKey(name)); err != nil {
		return at, err
	}
	if !at.rebuilding {
		at.taken = at.cursor
		return at, nil
	}
	if len(at.mark) > 0 {
		at.taken, err = strconv.ParseUint(string(at.mark), 10, 64)
	}
	// What was removed from the journal will not come.
	if first := p.store.Usage().First; first > 0 {
		at.taken = max(at.taken, first-1)
	}
	return at, err
}

// makeRoom lets an index that is to be rebuilt remove what it will be given
// again.
func (p *Pipeline) makeRoom(ctx context.Context, at indexPlace, sink Sink) error {
	r, ok := sink.(Rebuilder)
	if !ok || !at.rebuilding || len(at.mark) > 0 {
		return nil
	}
	var from time.Time
	if at.taken > 0 { // the journal does not hold everything any more
		data, err := p.store.Record(ctx, at.taken+1)
		if err != nil {
			return err
		}
		if data == nil {
			return nil // nothing to give
		}
		var rec Record
		if err := json.Unmarshal(data, &rec); err != nil {
			return fmt.Errorf("journal record %d: %w", at.taken+1, err)
		}
		from = rec.At
	}
	return r.Rebuild(ctx, from)
}

// advance notes what an index has taken. If a rebuild was asked for meanwhile,
// that begins at its beginning.
func (p *Pipeline) advance(ctx context.Context, name string, at indexPlace, last uint64) error {
	return store.Update(context.WithoutCancel(ctx), p.store, []string{rebuildKey(name)}, func(tx store.Tx) error {
		if !at.rebuilding {
			tx.MoveCursor(indexCursor(name), last)
			return nil
		}
		mark, rebuilding, err := tx.Get(rebuildKey(name))
		switch {
		case err != nil || !rebuilding || !bytes.Equal(mark, at.mark):
			return err
		case last < at.cursor:
			tx.Put(rebuildKey(name), strconv.AppendUint(nil, last, 10))
		default:
			tx.Delete(rebuildKey(name))
			tx.MoveCursor(indexCursor(name), last)
		}
		return nil
	})
}

// Indexed is the sequence of the newest journal record an index has taken, or
// taken again while it is rebuilt.
func (p *Pipeline) Indexed(ctx context.Context, name string) (uint64, error) {
	at, err := p.indexPlace(ctx, name)
	return at.taken, err
}

// Lag is how many journal records an index has not taken, or not again while it
// is rebuilt.
func (p *Pipeline) Lag(ctx context.Context, name string) (uint64, error) {
	at, err := p.Indexed(ctx, name)
	last := p.store.Last()
	return last - min(at, last), err
}
