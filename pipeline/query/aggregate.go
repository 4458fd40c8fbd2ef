package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Bounds of an aggregation.
const (
	DefaultGroups = 10
	MaxGroups     = 10_000 // groups of one answer
	MaxKeys       = 5      // fields to group by
	MaxMetrics    = 8
	MaxCells      = 10_000 // intervals of one answer, all groups together
	// TrackedGroups is how many groups a searcher tells apart while it counts.
	// When there are more, the answer says so in Partial.
	TrackedGroups = 100_000
)

// Aggregator counts documents by group and by time. A searcher that can is
// found by assertion.
type Aggregator interface {
	// Aggregate groups and measures the documents that match, by the rules of
	// the package comment. A bad aggregation is an *Error; any other error means
	// that the index could not be read. Safe for concurrent use.
	Aggregate(ctx context.Context, q Query, a Aggregation) (Buckets, error)
}

// Aggregation says how documents are grouped and what is told of each group.
// The zero value counts all documents in one group.
type Aggregation struct {
	From time.Time // as in Options
	To   time.Time
	Now  time.Time
	// By is the fields whose values make the groups, together when there are
	// several. Without any there is one group, also of no documents.
	By []string
	// Size is how many groups are given; 0 means DefaultGroups.
	Size int
	// ByKey orders groups by their keys, so that After can continue behind the
	// last; otherwise the largest come first.
	ByKey bool
	After string // Buckets.Next of the page before; only with ByKey
	// Every cuts each group into intervals of @timestamp; zero: not.
	Every   Interval
	Metrics []Metric
}

// Metric is one figure told of each group and interval.
type Metric struct {
	Func  string // count, distinct, min, max, or p1 to p99 for a percentile
	Field string // "" for count; a number or date for min, max and percentiles
	Where Query  // only what also matches this; zero: everything in the group
}

// Buckets is the answer to an Aggregation.
type Buckets struct {
	Total  int // documents that match, each once
	Groups []Bucket
	Found  int    // groups there are, given or not; -1 when not counted
	Next   string // cursor of the next groups, "" after the last; only with ByKey
	// Partial says why the answer may be incomplete, as in Page.
	Partial string
}

// Bucket is one group.
type Bucket struct {
	Keys   []Key // one for each field of By; the zero Key: without the field
	Count  int
	Values []Number // one for each metric
	Cells  []Cell   // intervals that hold documents, the oldest first
}

// Cell is one interval of a group.
type Cell struct {
	Start  time.Time
	Count  int
	Values []Number
}

// Number is the value of a metric; dates are milliseconds since 1970. OK is
// false where no document has a value.
type Number struct {
	Value float64
	OK    bool
}

// Normalize checks the aggregation and fills in the defaults. The error is an
// *Error. Every aggregator calls it first.
func (a Aggregation) Normalize() (Aggregation, error) {
	o, err := Options{From: a.From, To: a.To, Now: a.Now}.Normalize()
	if err != nil {
		return a, err
	}
	a.Now = o.Now
	switch {
	case len(a.By) > MaxKeys:
		return a, &Error{-1, fmt.Sprintf("%d fields to group by are too many", len(a.By)), fmt.Sprintf("give at most %d", MaxKeys)}
	case a.Size < 0 || a.Size > MaxGroups:
		return a, &Error{-1, fmt.Sprintf("%d groups are out of range", a.Size), fmt.Sprintf("ask for at most %d", MaxGroups)}
	case len(a.Metrics) > MaxMetrics:
		return a, &Error{-1, fmt.Sprintf("%d metrics are too many", len(a.Metrics)), fmt.Sprintf("give at most %d", MaxMetrics)}
	}
	for i, name := range a.By {
		if _, err := ordered(name, "group by", "grouped by"); err != nil {
			return a, err
		}
		if slices.Contains(a.By[:i], name) {
			return a, &Error{-1, fmt.Sprintf("%s is given twice to group by", name), ""}
		}
	}
	for _, m := range a.Metrics {
		if err := m.check(); err != nil {
			return a, err
		}
	}
	if a.Size == 0 {
		a.Size = DefaultGroups
	}
	if a.After != "" {
		if _, err := a.ParseAfter(); err != nil {
			return a, err
		}
	}
	if n := a.Every; !n.IsZero() && !a.From.IsZero() {
		to := a.To
		if to.IsZero() {
			to = a.Now
		}
		if to.Sub(a.From)/n.Length() >= MaxCells {
			return a, a.TooFine()
		}
	}
	return a, nil
}

// TooFine is the error for more intervals than MaxCells.
func (a Aggregation) TooFine() error {
	return &Error{-1, fmt.Sprintf("intervals of %s make more than %d", a.Every, MaxCells), "choose a longer interval, a shorter time or fewer groups"}
}

// CompareKeys orders groups by their keys, the first field first.
func CompareKeys(a, b []Key) int {
	return slices.CompareFunc(a, b, Key.Compare)
}

// Compare orders two groups as the answer has them: negative when x comes
// first. Ties of counts are broken by the keys.
func (a Aggregation) Compare(x, y Bucket) int {
	if !a.ByKey && x.Count != y.Count {
		return sign(x.Count > y.Count)
	}
	return CompareKeys(x.Keys, y.Keys)
}

// afterText is the form of a cursor over groups outside.
type afterText struct {
	By   []string  `json:"g"`
	Keys []*string `json:"k"`
}

// Cursor is the text that continues behind the group with these keys.
func (a Aggregation) Cursor(keys []Key) string {
	t := afterText{By: a.By}
	for _, k := range keys {
		var text *string
		if k.Exists() {
			s := k.Text()
			text = &s
		}
		t.Keys = append(t.Keys, text)
	}
	return encodeCursor(t)
}

// ParseAfter reads After, which Cursor wrote for the same fields.
func (a Aggregation) ParseAfter() ([]Key, error) {
	var t afterText
	bad := &Error{-1, "the cursor is not one of these groups", "start again without it"}
	if !a.ByKey || !decodeCursor(a.After, &t) || !slices.Equal(t.By, a.By) || len(t.Keys) != len(a.By) {
		return nil, bad
	}
	keys := make([]Key, len(t.Keys))
	for i, text := range t.Keys {
		if text == nil {
			continue
		}
		f, _ := document.Lookup(a.By[i])
		var ok bool
		if keys[i], ok = KeyOf(f.Type, *text); !ok {
			return nil, bad
		}
	}
	return keys, nil
}

// Percentile is the rank of a metric in percent; ok is false for others.
func (m Metric) Percentile() (p int, ok bool) {
	digits, ok := strings.CutPrefix(m.Func, "p")
	if !ok || len(digits) > 2 || digits == "" || digits[0] == '0' {
		return 0, false
	}
	p, err := strconv.Atoi(digits)
	return p, err == nil && p > 0
}

func (m Metric) check() error {
	_, percentile := m.Percentile()
	switch {
	case m.Func == "count":
		if m.Field != "" {
			return &Error{-1, "count takes no field", "write distinct:" + clip(m.Field) + " for its different values, or count WHERE " + clip(m.Field) + ":*"}
		}
		return nil
	case m.Func != "distinct" && m.Func != "min" && m.Func != "max" && !percentile:
		return &Error{-1, fmt.Sprintf("unknown metric %q", clip(m.Func)), "use count, distinct, min, max, or a percentile such as p95"}
	case m.Field == "":
		return &Error{-1, m.Func + " needs a field", "as in " + m.Func + ":ssf.latency_ms"}
	}
	f, err := ordered(m.Field, "measure", "measured")
	if err != nil {
		return err
	}
	numeric := f.Type == document.Long || f.Type == document.Float
	if m.Func == "distinct" || numeric || f.Type == document.Date && !percentile {
		return nil
	}
	return &Error{-1, fmt.Sprintf("%s is of type %s and has no %s", f.Name, f.Type, m.Func), "distinct counts its values"}
}

// ParseMetric reads "count", "distinct:field", "max:field" and so on, each with
// " WHERE query" behind it or not. The error is an *Error with its place.
func ParseMetric(text string) (m Metric, err error) {
	what, where, filtered := strings.Cut(text, " WHERE ")
	m.Func, m.Field, _ = strings.Cut(strings.TrimSpace(what), ":")
	if err := m.check(); err != nil {
		return m, err
	}
	if filtered {
		if m.Where, err = Parse(where); err != nil {
			e := *err.(*Error)
			e.Offset += len(text) - len(where)
			return m, &e
		}
	}
	return m, nil
}

// String is the metric as ParseMetric reads it.
func (m Metric) String() string {
	text := m.Func
	if m.Field != "" {
		text += ":" + m.Field
	}
	if _, all := m.Where.Root().(All); !all {
		text += " WHERE " + m.Where.String()
	}
	return text
}
