package sqlite

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// Bounds of what an aggregation holds in memory.
const (
	maxTrackedValues = 2_000_000 // for distinct counts and percentiles, all groups together
	maxTrackedCells  = 500_000
	maxCombinations  = 1_000 // groups one document counts in
)

// tally is an aggregation under way.
type tally struct {
	q     query.Query
	a     query.Aggregation
	match predicate // nil: everything
	by    []column
	of    []measure
	after []query.Key

	total  int
	groups map[string]*group
	cells  int
	values int
	lost   string // why something was left out

	keys  [][]query.Key // of the document at hand, used again
	combo []query.Key
	name  []byte
	found [][]query.Key
	holds []bool
}

// measure is a metric made ready.
type measure struct {
	query.Metric
	column
	where      predicate // nil: everything
	percentile int
}

// group is what is known of one group.
type group struct {
	keys []query.Key
	figures
	cells map[int64]*figures
}

// figures are the count and metrics of a group or one of its intervals.
type figures struct {
	count int
	of    []figure
}

// figure is one metric as far as it is known.
type figure struct {
	n        int
	min, max float64
	set      map[query.Key]struct{}
	list     []float64
}

func newTally(q query.Query, a query.Aggregation) *tally {
	t := &tally{q: q, a: a, groups: map[string]*group{}}
	if _, all := q.Root().(query.All); !all {
		t.match = compile(q.Root(), a.Now)
	}
	for _, name := range a.By {
		t.by = append(t.by, newColumn(name))
	}
	for _, m := range a.Metrics {
		x := measure{Metric: m}
		if m.Field != "" {
			x.column = newColumn(m.Field)
		}
		if _, all := m.Where.Root().(query.All); !all {
			x.where = compile(m.Where.Root(), a.Now)
		}
		x.percentile, _ = m.Percentile()
		t.of = append(t.of, x)
	}
	if a.After != "" {
		t.after, _ = a.ParseAfter() // Normalize has checked it
	}
	t.keys, t.combo = make([][]query.Key, len(t.by)), make([]query.Key, len(t.by))
	t.found, t.holds = make([][]query.Key, len(t.of)), make([]bool, len(t.of))
	if len(t.by) == 0 {
		t.groups[""] = t.newGroup(nil)
	}
	return t
}

// reads reports whether documents are looked into.
func (t *tally) reads() bool { return t.match != nil || len(t.by) > 0 || len(t.of) > 0 }

func (t *tally) newGroup(keys []query.Key) *group {
	return &group{keys: slices.Clone(keys), figures: figures{of: make([]figure, len(t.of))}}
}

// add counts one document.
func (t *tally) add(ts int64, raw []byte) {
	t.total++
	for i, m := range t.of {
		t.holds[i] = m.where == nil || m.where(&stored{raw: raw})
		if t.found[i] = t.found[i][:0]; t.holds[i] && m.Field != "" {
			t.found[i] = m.keys(t.found[i], raw)
		}
	}
	combinations := 1
	for i, c := range t.by {
		if t.keys[i] = c.keys(t.keys[i][:0], raw); len(t.keys[i]) == 0 {
			t.keys[i] = append(t.keys[i], query.Key{})
		}
		if combinations *= len(t.keys[i]); combinations > maxCombinations {
			t.lost = fmt.Sprintf("a document stands in more than %d groups and was left out", maxCombinations)
			return
		}
	}
	t.each(0, ts)
}

// each counts the document at hand in every combination of its keys.
func (t *tally) each(i int, ts int64) {
	if i < len(t.by) {
		for _, k := range t.keys[i] {
			t.combo[i] = k
			t.each(i+1, ts)
		}
		return
	}
	if t.after != nil && query.CompareKeys(t.combo, t.after) <= 0 {
		return
	}
	t.name = nameOf(t.name[:0], t.combo)
	g := t.groups[string(t.name)]
	if g == nil {
		if len(t.groups) >= query.TrackedGroups {
			t.full()
			return
		}
		g = t.newGroup(t.combo)
		t.groups[string(t.name)] = g
	}
	t.count(&g.figures)
	if t.a.Every.IsZero() {
		return
	}
	start := t.a.Every.Start(ts)
	c := g.cells[start]
	if c == nil {
		if t.cells >= maxTrackedCells {
			t.lost = fmt.Sprintf("more than %d intervals in all groups; those that appeared later are left out", maxTrackedCells)
			return
		}
		t.cells++
		c = &figures{of: make([]figure, len(t.of))}
		if g.cells == nil {
			g.cells = map[int64]*figures{}
		}
		g.cells[start] = c
	}
	t.count(c)
}

func (t *tally) full() {
	t.lost = fmt.Sprintf("more than %d groups; those that appeared later are left out", query.TrackedGroups)
}

// nameOf writes keys so that different ones have different names.
func nameOf(b []byte, keys []query.Key) []byte {
	for _, k := range keys {
		if !k.Exists() {
			b = append(b, '-')
			continue
		}
		b = strconv.AppendInt(b, int64(len(k.Text())), 10)
		b = append(append(b, ':'), k.Text()...)
	}
	return b
}

// count takes the document at hand into figures.
func (t *tally) count(f *figures) {
	f.count++
	for i := range t.of {
		m, x := &t.of[i], &f.of[i]
		if !t.holds[i] {
			continue
		}
		if m.Func == "count" {
			x.n++
			continue
		}
		for _, k := range t.found[i] {
			t.value(m, x, k)
		}
	}
}

func (t *tally) value(m *measure, x *figure, k query.Key) {
	if m.Func == "distinct" {
		if x.set == nil {
			x.set = map[query.Key]struct{}{}
		}
		if _, known := x.set[k]; !known && t.room() {
			x.set[k] = struct{}{}
		}
		return
	}
	v := k.Number()
	if m.percentile > 0 {
		if t.room() {
			x.list = append(x.list, v)
		}
		return
	}
	if x.n == 0 || v < x.min {
		x.min = v
	}
	if x.n == 0 || v > x.max {
		x.max = v
	}
	x.n++
}

// room takes room for one more value.
func (t *tally) room() bool {
	if t.values >= maxTrackedValues {
		t.lost = fmt.Sprintf("more than %d values to compare; metrics are of those", maxTrackedValues)
		return false
	}
	t.values++
	return true
}

// merge takes in what another tally of the same aggregation counted, which must
// not be used any more.
func (t *tally) merge(o *tally) {
	t.total += o.total
	if o.lost != "" {
		t.lost = o.lost
	}
	for name, g := range o.groups {
		have := t.groups[name]
		if have == nil {
			if len(t.groups) >= query.TrackedGroups {
				t.full()
				continue
			}
			have = t.newGroup(g.keys)
			t.groups[name] = have
		}
		t.mergeFigures(&have.figures, &g.figures)
		for start, c := range g.cells {
			into := have.cells[start]
			if into == nil {
				into = &figures{of: make([]figure, len(t.of))}
				if have.cells == nil {
					have.cells = map[int64]*figures{}
				}
				have.cells[start] = into
				t.cells++
			}
			t.mergeFigures(into, c)
		}
	}
}

func (t *tally) mergeFigures(into, from *figures) {
	into.count += from.count
	for i := range from.of {
		x, y := &into.of[i], &from.of[i]
		if y.n > 0 && (x.n == 0 || y.min < x.min) {
			x.min = y.min
		}
		if y.n > 0 && (x.n == 0 || y.max > x.max) {
			x.max = y.max
		}
		x.n += y.n
		for k := range y.set {
			t.value(&t.of[i], x, k)
		}
		for _, v := range y.list {
			if !t.room() {
				break
			}
			x.list = append(x.list, v)
		}
	}
}

// buckets is the answer; partial says why it may lack documents.
func (t *tally) buckets(partial string) (query.Buckets, error) {
	b := query.Buckets{Total: t.total, Found: len(t.groups), Partial: partial}
	if t.lost != "" {
		b.Partial = strings.TrimPrefix(partial+"; "+t.lost, "; ")
	}
	list := make([]*group, 0, len(t.groups))
	for _, g := range t.groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(x, y *group) int {
		return t.a.Compare(query.Bucket{Keys: x.keys, Count: x.count}, query.Bucket{Keys: y.keys, Count: y.count})
	})
	if len(list) > t.a.Size {
		list = list[:t.a.Size]
		if t.a.ByKey {
			b.Next = t.a.Cursor(list[len(list)-1].keys)
		}
	}
	if t.after != nil {
		b.Found = -1 // those before were passed over
	}
	cells := 0
	for _, g := range list {
		if cells += len(g.cells); cells > query.MaxCells {
			return query.Buckets{}, t.a.TooFine()
		}
		out := query.Bucket{Keys: g.keys, Count: g.count, Values: t.numbers(&g.figures)}
		for start, c := range g.cells {
			out.Cells = append(out.Cells, query.Cell{Start: time.UnixMilli(start).UTC(), Count: c.count, Values: t.numbers(c)})
		}
		slices.SortFunc(out.Cells, func(x, y query.Cell) int { return x.Start.Compare(y.Start) })
		b.Groups = append(b.Groups, out)
	}
	return b, nil
}

// numbers are the metrics of figures.
func (t *tally) numbers(f *figures) []query.Number {
	if len(t.of) == 0 {
		return nil
	}
	list := make([]query.Number, len(t.of))
	for i, m := range t.of {
		x := &f.of[i]
		switch {
		case m.Func == "count":
			list[i] = query.Number{Value: float64(x.n), OK: true}
		case m.Func == "distinct":
			list[i] = query.Number{Value: float64(len(x.set)), OK: true}
		case m.Func == "min":
			list[i] = query.Number{Value: x.min, OK: x.n > 0}
		case m.Func == "max":
			list[i] = query.Number{Value: x.max, OK: x.n > 0}
		default:
			list[i] = percentile(x.list, m.percentile)
		}
	}
	return list
}

// percentile puts the value at the rank on the line between its neighbours.
func percentile(list []float64, p int) query.Number {
	if len(list) == 0 {
		return query.Number{}
	}
	slices.Sort(list)
	rank := float64(p) / 100 * float64(len(list)-1)
	low := int(math.Floor(rank))
	v := list[low]
	if low+1 < len(list) {
		v += (list[low+1] - v) * (rank - float64(low))
	}
	return query.Number{Value: v, OK: true}
}
