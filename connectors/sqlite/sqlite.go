// Package sqlite is the embedded index: documents in SQLite files beside the
// journal, one per day, searched with package query. It needs no server.
//
// A file holds the documents whose event.created lies on its day, in UTC. That
// is the product's own clock and part of the document, so a rebuilt index has
// the same files, and a stranger's timestamps, which can name any day, cannot
// make files. Old days are removed whole. Within a file documents are kept in
// the order of their delivery, which is that of the journal.
//
// # Delivery
//
// A document is taken once per delivery id; offering it again changes nothing.
// When Deliver has returned, its documents are on disk and survive a crash and
// a loss of power: the index's cursor moves right after it, so a document lost
// then would be missing for good. That costs one fsync per batch, which nobody
// waits for.
//
// The index is a view of the journal and can be rebuilt from it. Rebuild removes
// the files of days that lie in the journal whole; the day the journal begins on
// keeps what it has and is completed.
//
// # Search
//
// Every value of a document is a token of a full-text table, which narrows a
// query to candidates; each is then compared in Go by the rules of package
// query, of which only the fields asked for are read. Orders other than by time,
// groups and metrics look at every match; a large day is counted by several
// goroutines. Searches are bounded in time and in documents looked at; when a bound
// is reached the page says so. Newer days are read first, older ones first when
// that is the order asked for.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// errClosed is returned after Close.
var errClosed = errors.New("sqlite: index is closed")

// Options bounds an index. Zero members mean the defaults.
type Options struct {
	Keep    time.Duration    // age at which a day is removed; default 30 days
	Timeout time.Duration    // longest search; default 10 seconds
	MaxScan int              // most documents a search compares; default 2,000,000
	Now     func() time.Time // default time.Now
}

// The defaults.
const (
	defaultKeep    = 30 * 24 * time.Hour
	defaultTimeout = 10 * time.Second
	defaultMaxScan = 2_000_000
)

// Index is an open index. It is safe for concurrent use.
type Index struct {
	dir string
	o   Options

	writing sync.Mutex // held by Deliver: one writer
	swept   string     // day of the last sweep; guarded by writing

	mu   sync.Mutex // guards days
	days map[string]*day
	shut bool
}

var (
	_ pipeline.Sink  = (*Index)(nil)
	_ query.Searcher = (*Index)(nil)

	_ pipeline.Rebuilder = (*Index)(nil)
)

// Open opens the index in a directory of its own, making it if need be. Days
// older than Options.Keep are removed.
func Open(dir string, o Options) (*Index, error) {
	o.Keep = cmp.Or(o.Keep, defaultKeep)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.MaxScan = cmp.Or(o.MaxScan, defaultMaxScan)
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sqlite: make index folder: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("sqlite: index folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("sqlite: read index folder: %w", err)
	}
	x := &Index{dir: dir, o: o, days: map[string]*day{}}
	for _, e := range entries {
		if name, ok := dayOfFile(e.Name()); ok {
			x.days[name] = newDay(dir, name)
		}
	}
	if err := x.sweep(); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// Close ends the index. Searches under way are waited for.
func (x *Index) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	x.mu.Lock()
	days := x.days
	x.days, x.shut = nil, true
	x.mu.Unlock()
	var err error
	for _, d := range days {
		err = errors.Join(err, d.close())
	}
	return err
}

// day finds or makes the file of a day.
func (x *Index) day(name string) (*day, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.shut {
		return nil, errClosed
	}
	d := x.days[name]
	if d == nil {
		d = newDay(x.dir, name)
		x.days[name] = d
	}
	return d, nil
}

// all lists the days, the oldest first.
func (x *Index) all() ([]*day, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.shut {
		return nil, errClosed
	}
	list := make([]*day, 0, len(x.days))
	for _, d := range x.days {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *day) int { return cmp.Compare(a.name, b.name) })
	return list, nil
}

// oldest is the first day that is kept. Earlier names sort before it.
func (x *Index) oldest() string { return dayName(x.o.Now().Add(-x.o.Keep)) }

// sweep removes the days that are older than Keep. The caller holds writing or
// is alone.
func (x *Index) sweep() error {
	x.swept = dayName(x.o.Now())
	oldest := x.oldest()
	return x.remove(func(name string) bool { return name < oldest })
}

// remove removes the days that are to go. The caller holds writing or is alone.
func (x *Index) remove(goes func(name string) bool) error {
	x.mu.Lock()
	var gone []*day
	for name, d := range x.days {
		if goes(name) {
			gone = append(gone, d)
			delete(x.days, name)
		}
	}
	x.mu.Unlock()
	var err error
	for _, d := range gone {
		err = errors.Join(err, d.remove())
	}
	return err
}

// Rebuild implements pipeline.Rebuilder. A file that cannot be read or is of
// another version goes like any other.
func (x *Index) Rebuild(_ context.Context, from time.Time) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	first := ""
	if !from.IsZero() {
		first = dayName(from)
	}
	return x.remove(func(name string) bool { return name > first })
}

// Deliver implements pipeline.Sink. Deliveries are documents: the kind is the
// data stream, the payload the JSON. A payload that is no document is refused
// for good; documents of days that are no longer kept are taken and dropped.
func (x *Index) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	results := make([]pipeline.Result, len(batch))
	var order []string
	rows := map[string][]row{}
	oldest := x.oldest()
	for i, d := range batch {
		r, err := newRow(d)
		switch {
		case err != nil:
			results[i].Err = &pipeline.FinalError{Code: "bad_document", Err: err}
			continue
		case r.day < oldest:
			results[i].Info = "older than is kept"
			continue
		}
		if rows[r.day] == nil {
			order = append(order, r.day)
		}
		rows[r.day] = append(rows[r.day], r)
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	if x.swept != dayName(x.o.Now()) {
		if err := x.sweep(); err != nil {
			return nil, err
		}
	}
	for _, name := range order {
		d, err := x.day(name)
		if err != nil {
			return nil, err
		}
		if err := d.insert(ctx, rows[name]); err != nil {
			return nil, err
		}
	}
	return results, nil
}
