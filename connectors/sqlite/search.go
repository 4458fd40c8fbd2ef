package sqlite

import (
	"container/heap"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// maxPageBytes bounds the documents of one page; a page over it is cut and
// continued by its cursor.
const maxPageBytes = 64 << 20

// Search implements query.Searcher.
func (x *Index) Search(ctx context.Context, q query.Query, o query.Options) (query.Page, error) {
	if o.Now.IsZero() {
		o.Now = x.o.Now()
	}
	o, err := o.Normalize()
	if err != nil {
		return query.Page{}, err
	}
	days, err := x.all()
	if err != nil {
		return query.Page{}, err
	}
	if o.Sort.ByTime() && !o.Sort.Asc {
		slices.Reverse(days)
	}
	s := newSearch(q, o, x.o.MaxScan)
	limited, cancel := context.WithTimeout(ctx, x.o.Timeout)
	defer cancel()
	for _, d := range days {
		err := d.use(limited, func(db *sql.DB) error { return s.day(limited, db) })
		switch {
		case err == nil:
		case errors.Is(err, errScanned):
			return s.page(fmt.Sprintf("stopped after %d documents", x.o.MaxScan)), nil
		case ctx.Err() != nil:
			return query.Page{}, ctx.Err()
		case limited.Err() != nil:
			return s.page(fmt.Sprintf("stopped after %v", x.o.Timeout)), nil
		default:
			return query.Page{}, fmt.Errorf("sqlite: search %s: %w", d.name, err)
		}
	}
	return s.page(""), nil
}

// errScanned ends a search that has looked at as much as it may.
var errScanned = errors.New("sqlite: scan limit reached")

// search is one search under way.
type search struct {
	o       query.Options
	match   predicate // nil: everything
	by      *column   // sorted by; nil: by time
	sql     string
	args    []any
	after   query.Cursor
	left    int // documents that may still be compared
	best    hits
	size    int // hits the page may have
	bytes   int // of the documents in best
	total   int
	keys    []query.Key // used again for each document
	dropped bool        // a match behind the page was seen
}

func newSearch(q query.Query, o query.Options, maxScan int) *search {
	s := &search{o: o, left: maxScan, size: o.Size, best: hits{sort: o.Sort}}
	if _, all := q.Root().(query.All); !all {
		s.match = compile(q.Root(), o.Now)
	}
	if o.After != "" {
		s.after, _ = query.ParseCursor(o.After, o.Sort) // Normalize has checked it
	}
	from, to := window(o.From, o.To)
	if o.After != "" && o.SkipTotal && o.Sort.ByTime() { // nothing before the cursor is asked for
		if o.Sort.Asc {
			from = max(from, s.after.Time)
		} else if s.after.Time < math.MaxInt64 {
			to = min(to, s.after.Time+1)
		}
	}
	condition, args := candidates(q, from, to)
	s.sql, s.args = "SELECT id, stream, ts, seq, json FROM docs WHERE "+condition, args
	switch {
	case !o.Sort.ByTime():
		c := newColumn(o.Sort.Field)
		s.by = &c
	case o.Sort.Asc:
		s.sql += " ORDER BY ts, seq, id"
	default:
		s.sql += " ORDER BY ts DESC, seq DESC, id DESC"
	}
	return s
}

// window is a time range in milliseconds, its end left out.
func window(from, to time.Time) (first, end int64) {
	first, end = math.MinInt64, math.MaxInt64
	if !from.IsZero() {
		first = ceilMilli(from)
	}
	if !to.IsZero() {
		end = ceilMilli(to)
	}
	return first, end
}

// candidates is the condition that every match in the range satisfies.
func candidates(q query.Query, from, to int64) (condition string, args []any) {
	condition, args = "ts >= ? AND ts < ?", []any{from, to}
	if expr, ok := filter(q.Root(), 0); ok {
		condition += " AND n IN (SELECT rowid FROM terms WHERE terms MATCH ?)"
		args = append(args, expr)
	}
	return condition, args
}

// ceilMilli is the first whole millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// day looks through the candidates of one file, in the order of the page.
func (s *search) day(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, s.sql, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if s.left--; s.left < 0 {
			return errScanned
		}
		var h hit
		var raw sql.RawBytes
		if err := rows.Scan(&h.ID, &h.Stream, &h.at.Time, &h.at.Sequence, &raw); err != nil {
			return err
		}
		if s.match != nil && !s.match(&stored{raw: raw}) {
			continue
		}
		s.total++
		h.at.ID = h.ID
		if s.by != nil {
			s.keys = s.by.keys(s.keys[:0], raw)
			h.at.Key = s.o.Sort.Pick(s.keys)
		}
		if s.o.After != "" && !s.best.before(s.after, h.at) {
			continue
		}
		if s.full() && !s.best.before(h.at, s.best.list[0].at) {
			s.dropped = true
			if s.o.SkipTotal && s.by == nil {
				return nil
			}
			continue
		}
		h.JSON = slices.Clone(raw)
		s.add(h)
	}
	return rows.Err()
}

func (s *search) full() bool { return len(s.best.list) >= s.size }

// add takes a hit into the page and drops what no longer fits.
func (s *search) add(h hit) {
	heap.Push(&s.best, h)
	s.bytes += len(h.JSON)
	if s.bytes > maxPageBytes && len(s.best.list) > 1 {
		s.size = min(s.size, len(s.best.list)-1)
	}
	for len(s.best.list) > s.size {
		s.bytes -= len(heap.Pop(&s.best).(hit).JSON)
		s.dropped = true
	}
}

// page is the answer; partial says why it may lack documents.
func (s *search) page(partial string) query.Page {
	p := query.Page{Docs: make([]query.Hit, len(s.best.list)), Total: s.total, Partial: partial}
	if s.o.SkipTotal {
		p.Total = -1
	}
	for i := len(p.Docs) - 1; i >= 0; i-- {
		h := heap.Pop(&s.best).(hit)
		if i == len(p.Docs)-1 && s.dropped {
			p.Next = h.at.Text(s.o.Sort)
		}
		h.Time = time.UnixMilli(h.at.Time).UTC()
		p.Docs[i] = h.Hit
	}
	return p
}

// hit is a hit with its place in the order.
type hit struct {
	query.Hit
	at query.Cursor
}

// hits is a heap of the best hits so far, the worst on top.
type hits struct {
	list []hit
	sort query.Sort
}

// before reports whether a comes before b in the order of the page.
func (h *hits) before(a, b query.Cursor) bool {
	return h.sort.Compare(a, b) < 0
}

func (h *hits) Len() int           { return len(h.list) }
func (h *hits) Less(i, j int) bool { return h.before(h.list[j].at, h.list[i].at) }
func (h *hits) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *hits) Push(v any)         { h.list = append(h.list, v.(hit)) }
func (h *hits) Pop() any {
	last := len(h.list) - 1
	v := h.list[last]
	h.list = h.list[:last]
	return v
}
