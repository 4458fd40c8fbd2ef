package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// AggregateRequest groups and measures documents; see query.Aggregation.
type AggregateRequest struct {
	Query   string
	From    time.Time
	To      time.Time
	By      []string // fields whose values make the groups
	Every   string   // interval of time, such as 1h
	Metrics []string // such as distinct:source.ip
	Size    int
	ByKey   bool
	After   string
}

// AggregateAnswer is what was counted.
type AggregateAnswer struct {
	Total   int     `json:"total"`
	Found   int     `json:"found"` // groups there are, -1 when not counted
	Next    string  `json:"next,omitempty"`
	Partial string  `json:"partial,omitempty"`
	Groups  []Group `json:"groups"`
}

// Group is one group: a key for each field, null for documents without it.
type Group struct {
	Keys   []*string  `json:"keys"`
	Count  int        `json:"count"`
	Values []*float64 `json:"values,omitempty"` // one for each metric, null where there is none; dates in milliseconds since 1970
	Cells  []Cell     `json:"intervals,omitempty"`
}

// Cell is one interval of a group.
type Cell struct {
	Start  time.Time  `json:"start"`
	Count  int        `json:"count"`
	Values []*float64 `json:"values,omitempty"`
}

func (b Backend) aggregate(r *http.Request) (any, error) {
	if b.Searcher == nil {
		return nil, noIndex()
	}
	aggregator, ok := b.Searcher.(query.Aggregator)
	if !ok {
		return nil, &Error{Message: "the index cannot count by group"}
	}
	p := r.URL.Query()
	q, err := query.Parse(p.Get("q"))
	if err != nil {
		return nil, badQuery(err)
	}
	a := query.Aggregation{By: p["by"], Now: b.Now(), ByKey: p.Get("order") == "key", After: p.Get("after")}
	if err := readTimes(p, &a.From, &a.To); err != nil {
		return nil, err
	}
	if err := readNumber(p, "size", &a.Size); err != nil {
		return nil, err
	}
	if text := p.Get("every"); text != "" {
		if a.Every, err = query.ParseInterval(text); err != nil {
			return nil, badQuery(err)
		}
	}
	for _, text := range p["metric"] {
		m, err := query.ParseMetric(text)
		if err != nil {
			return nil, badQuery(err)
		}
		a.Metrics = append(a.Metrics, m)
	}
	found, err := aggregator.Aggregate(r.Context(), q, a)
	if err != nil {
		return nil, badQuery(err)
	}
	answer := AggregateAnswer{Total: found.Total, Found: found.Found, Next: found.Next, Partial: found.Partial, Groups: make([]Group, len(found.Groups))}
	for i, g := range found.Groups {
		out := Group{Keys: make([]*string, len(g.Keys)), Count: g.Count, Values: numbers(g.Values)}
		for j, k := range g.Keys {
			if k.Exists() {
				text := k.Text()
				out.Keys[j] = &text
			}
		}
		for _, c := range g.Cells {
			out.Cells = append(out.Cells, Cell{Start: c.Start, Count: c.Count, Values: numbers(c.Values)})
		}
		answer.Groups[i] = out
	}
	return answer, nil
}

func numbers(list []query.Number) []*float64 {
	var out []*float64
	for _, n := range list {
		if !n.OK {
			out = append(out, nil)
			continue
		}
		v := n.Value
		out = append(out, &v)
	}
	return out
}

// readTimes reads from and to of a search.
func readTimes(p url.Values, from, to *time.Time) error {
	for name, at := range map[string]*time.Time{"from": from, "to": to} {
		if text := p.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				return &Error{Message: name + ": not a time", Hint: "write it as in 2026-02-03T10:15:00Z"}
			}
			*at = t
		}
	}
	return nil
}

func readNumber(p url.Values, name string, n *int) (err error) {
	if text := p.Get(name); text != "" {
		if *n, err = strconv.Atoi(text); err != nil {
			return &Error{Message: name + ": not a number"}
		}
	}
	return nil
}

func noIndex() error {
	return &Error{Message: "no index can be searched", Hint: `add an index block, such as index "sqlite" "local" {}`}
}

// Aggregate groups and measures documents.
func (c *Client) Aggregate(ctx context.Context, q AggregateRequest) (a AggregateAnswer, err error) {
	v := url.Values{"q": {q.Query}, "by": q.By, "metric": q.Metrics}
	setTimes(v, q.From, q.To)
	set(v, "every", q.Every)
	set(v, "after", q.After)
	if q.Size != 0 {
		v.Set("size", strconv.Itoa(q.Size))
	}
	if q.ByKey {
		v.Set("order", "key")
	}
	return a, c.do(ctx, http.MethodGet, "/v1/aggregate", v, nil, &a)
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setTimes(v url.Values, from, to time.Time) {
	if !from.IsZero() {
		v.Set("from", from.Format(time.RFC3339Nano))
	}
	if !to.IsZero() {
		v.Set("to", to.Format(time.RFC3339Nano))
	}
}
