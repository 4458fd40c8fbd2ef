package question

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// count answers a Count: every group is looked at, because what decides on a
// row may be known only when all its figures are.
func (a *asking) count(c *Count) (Answer, error) {
	aggregator, ok := a.searcher.(query.Aggregator)
	if !ok {
		return Answer{}, errors.New("the index cannot count by group")
	}
	q, err := fill(c.Query, a.request.Values)
	if err != nil {
		return Answer{}, err
	}
	g := query.Aggregation{From: a.request.From, To: a.request.To, Now: a.request.Now, By: c.By, Size: query.MaxGroups, ByKey: true}
	for _, f := range c.Figures {
		if f.Metric == "" {
			continue
		}
		m, err := query.ParseMetric(f.Metric)
		if err != nil {
			return Answer{}, err
		}
		g.Metrics = append(g.Metrics, m)
	}
	every := a.request.Values[c.Every]
	if every != "" {
		if g.Every, err = query.ParseInterval(every); err != nil {
			return Answer{}, err
		}
	}
	t := newTable(c, every != "", g.Metrics)
	var answer Answer
	seen := 0
	for {
		b, err := aggregator.Aggregate(a.ctx, q, g)
		if err != nil {
			return Answer{}, err
		}
		answer.Partial = cmp.Or(b.Partial, answer.Partial)
		for _, group := range b.Groups {
			if err := t.add(group, a.request); err != nil {
				return Answer{}, err
			}
		}
		if seen += len(b.Groups); seen >= query.TrackedGroups && b.Next != "" {
			answer.Partial = "more than 100000 groups"
			break
		}
		if g.After = b.Next; g.After == "" {
			break
		}
	}
	t.sort()
	answer.Found = len(t.rows)
	answer.Columns, answer.Rows = t.shown(a.request.Limit)
	return answer, nil
}

// counted is a Count's rows while they are made.
type counted struct {
	c       *Count
	columns []Column
	every   bool
	rows    [][]any
}

func newTable(c *Count, every bool, metrics []query.Metric) *counted {
	t := &counted{c: c, every: every}
	if every {
		t.columns = append(t.columns, Column{"@timestamp", TimeColumn})
	}
	for _, name := range c.By {
		f, _ := document.Lookup(name)
		t.columns = append(t.columns, Column{name, kindOf(f.Type)})
	}
	for _, f := range c.Figures {
		k := NumberColumn
		switch {
		case f.Metric != "":
			m := metrics[0]
			metrics = metrics[1:]
			if field, _ := document.Lookup(m.Field); field.Type == document.Date && m.Func != "distinct" {
				k = TimeColumn
			}
		case f.Since != "":
			k = DurationColumn
		case f.Part != "":
			k = ShareColumn
		case f.Status != "":
			k = TextColumn
		}
		t.columns = append(t.columns, Column{f.Name, k})
	}
	return t
}

func kindOf(t document.Type) Kind {
	switch t {
	case document.Date:
		return TimeColumn
	case document.Long, document.Float:
		return NumberColumn
	}
	return TextColumn
}

// add takes a group with its intervals.
func (t *counted) add(g query.Bucket, r Request) error {
	if !t.every {
		return t.row(g.Keys, time.Time{}, g.Values, r)
	}
	for _, cell := range g.Cells {
		if err := t.row(g.Keys, cell.Start, cell.Values, r); err != nil {
			return err
		}
	}
	return nil
}

func (t *counted) row(keys []query.Key, start time.Time, values []query.Number, r Request) error {
	var row []any
	if t.every {
		row = append(row, stamp(start))
	}
	for _, k := range keys {
		kind := t.columns[len(row)].Kind
		switch {
		case !k.Exists():
			row = append(row, nil)
		case kind == NumberColumn:
			row = append(row, k.Number())
		default:
			row = append(row, k.Text())
		}
	}
	for _, f := range t.c.Figures {
		var v any
		switch {
		case f.Metric != "":
			n := values[0]
			values = values[1:]
			if n.OK {
				v = n.Value
				if t.columns[len(row)].Kind == TimeColumn {
					v = stamp(time.UnixMilli(int64(n.Value)))
				}
			}
		case f.Since != "":
			if text, ok := row[t.at(f.Since)].(string); ok {
				if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
					v = r.Now.Sub(at).Seconds()
				}
			}
		case f.Part != "":
			part, ok1 := row[t.at(f.Part)].(float64)
			whole, ok2 := row[t.at(f.Whole)].(float64)
			if ok1 && ok2 && whole > 0 {
				v = part / whole
			}
		case f.Status != "":
			if rank, ok := row[t.at(f.Status)].(float64); ok {
				v = statusOf(int(rank))
			}
		}
		row = append(row, v)
	}
	keep, err := t.keep(row, r.Values)
	if keep {
		t.rows = append(t.rows, row)
	}
	return err
}

// at is the place of a column; the table's test finds those that are not there.
func (t *counted) at(name string) int {
	return slices.IndexFunc(t.columns, func(c Column) bool { return c.Name == name })
}

func (t *counted) keep(row []any, values map[string]string) (bool, error) {
	if len(t.c.Keep) == 0 {
		return true, nil
	}
	for _, all := range t.c.Keep {
		held := true
		for _, cond := range all {
			limit, err := cond.limit(values)
			if err != nil {
				return false, err
			}
			v, ok := row[t.at(cond.Column)].(float64)
			switch cond.Op {
			case "=":
				ok = ok && v == limit
			case ">":
				ok = ok && v > limit
			case "<":
				ok = ok && v < limit
			}
			held = held && ok
		}
		if held {
			return true, nil
		}
	}
	return false, nil
}

// limit is the number a condition compares with.
func (c Condition) limit(values map[string]string) (float64, error) {
	text := c.Value
	if name, ok := strings.CutPrefix(text, "{"); ok {
		text = values[strings.TrimSuffix(name, "}")]
	}
	if d, ok := parseDuration(text); ok {
		return d.Seconds(), nil
	}
	return strconv.ParseFloat(text, 64)
}

func (t *counted) sort() {
	slices.SortStableFunc(t.rows, func(a, b []any) int {
		if t.every {
			if c := compare(a[0], b[0], false); c != 0 {
				return c
			}
		}
		for _, name := range t.c.Order {
			column, down := strings.CutPrefix(name, "-")
			i := t.at(column)
			if c := compare(a[i], b[i], down); c != 0 {
				return c
			}
		}
		return 0
	})
}

// compare orders two values of a column; nil comes last.
func compare(a, b any, down bool) int {
	c := 0
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch x := a.(type) {
	case float64:
		c = cmp.Compare(x, b.(float64))
	case string:
		c = cmp.Compare(x, b.(string))
	}
	if down {
		return -c
	}
	return c
}

// shown leaves out hidden columns and what is over the limit.
func (t *counted) shown(limit int) ([]Column, [][]any) {
	var columns []Column
	var places []int
	for i, c := range t.columns {
		if !slices.Contains(t.c.Hide, c.Name) {
			columns, places = append(columns, c), append(places, i)
		}
	}
	rows := make([][]any, 0, min(limit, len(t.rows)))
	for _, full := range t.rows[:min(limit, len(t.rows))] {
		row := make([]any, len(places))
		for i, p := range places {
			row[i] = full[p]
		}
		rows = append(rows, row)
	}
	return columns, rows
}

// statusOf is the status with a rank.
func statusOf(rank int) any {
	for _, s := range statuses {
		if s.Rank() == rank {
			return string(s)
		}
	}
	return nil
}

var statuses = []pipeline.Status{
	pipeline.Proposed, pipeline.Held, pipeline.PendingApproval, pipeline.Approved, pipeline.Queued, pipeline.Sent, pipeline.Failed,
	pipeline.Done, pipeline.Acked, pipeline.RejectedByHuman, pipeline.Expired, pipeline.Merged, pipeline.Superseded,
	pipeline.Suppressed, pipeline.Dead, pipeline.Reverted,
}

// stamp writes a moment as columns hold it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
