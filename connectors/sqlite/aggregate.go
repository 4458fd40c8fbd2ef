package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

var _ query.Aggregator = (*Index)(nil)

// splitRows is from how many rows on a file is read by several goroutines.
const splitRows = 20_000

// wideWindow is from how many milliseconds on most rows of a day are read.
const wideWindow = 6 * 3600 * 1000

// Aggregate implements query.Aggregator. Counts, distinct values and
// percentiles are exact within the bounds of a search.
func (x *Index) Aggregate(ctx context.Context, q query.Query, a query.Aggregation) (query.Buckets, error) {
	if a.Now.IsZero() {
		a.Now = x.o.Now()
	}
	a, err := a.Normalize()
	if err != nil {
		return query.Buckets{}, err
	}
	days, err := x.all()
	if err != nil {
		return query.Buckets{}, err
	}
	limited, cancel := context.WithTimeout(ctx, x.o.Timeout)
	defer cancel()
	left := &atomic.Int64{}
	left.Store(int64(x.o.MaxScan))
	sum := newTally(q, a)
	partial := ""
	for _, d := range days {
		err := d.use(limited, func(db *sql.DB) error { return sum.day(limited, db, left) })
		switch {
		case err == nil:
			continue
		case errors.Is(err, errScanned):
			partial = fmt.Sprintf("stopped after %d documents", x.o.MaxScan)
		case ctx.Err() != nil:
			return query.Buckets{}, ctx.Err()
		case limited.Err() != nil:
			partial = fmt.Sprintf("stopped after %v", x.o.Timeout)
		default:
			return query.Buckets{}, fmt.Errorf("sqlite: aggregate %s: %w", d.name, err)
		}
		break
	}
	return sum.buckets(partial)
}

// day counts the documents of one file, each part of a large one for itself.
func (t *tally) day(ctx context.Context, db *sql.DB, left *atomic.Int64) error {
	var first, last int64
	err := db.QueryRowContext(ctx, "SELECT coalesce(min(n), 0), coalesce(max(n), -1) FROM docs").Scan(&first, &last)
	if err != nil {
		return err
	}
	parts := int64(1)
	if last-first >= splitRows {
		parts = int64(min(runtime.GOMAXPROCS(0), 4))
	}
	step := (last-first)/parts + 1
	tallies, errs := make([]*tally, parts), make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		tallies[i] = newTally(t.q, t.a)
		wg.Go(func() { errs[i] = tallies[i].rows(ctx, db, first+i*step, first+(i+1)*step, left) })
	}
	wg.Wait()
	for _, part := range tallies {
		t.merge(part)
	}
	return errors.Join(errs...)
}

// rows counts the matching rows whose numbers are from first up to end.
func (t *tally) rows(ctx context.Context, db *sql.DB, first, end int64, left *atomic.Int64) error {
	from, to := window(t.a.From, t.a.To)
	condition, args := candidates(t.q, from, to)
	columns := "ts, json"
	switch {
	case !t.reads():
		columns = "ts, NULL"
	case to-from < 0 || to-from > wideWindow:
		// The plus keeps the index of times out: rows are read as they lie.
		condition = strings.ReplaceAll(condition, "ts ", "+ts ")
	}
	rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM docs WHERE n >= ? AND n < ? AND "+condition, slices.Concat([]any{first, end}, args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if left.Add(-1) < 0 {
			return errScanned
		}
		var ts int64
		var raw sql.RawBytes
		if err := rows.Scan(&ts, &raw); err != nil {
			return err
		}
		if t.match == nil || t.match(&stored{raw: raw}) {
			t.add(ts, raw)
		}
	}
	return rows.Err()
}
