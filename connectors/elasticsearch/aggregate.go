package elasticsearch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

const (
	// groupPage is how many groups are asked for at once, and filterPage for how
	// many figures are.
	groupPage, filterPage = 5_000, 100
	// distinctExact is up to how many different values are counted exactly, nearly.
	distinctExact = 40_000
)

// Aggregate implements query.Aggregator. Groups are counted first, all of them,
// and figures and intervals then asked for of those that are answered.
func (x *index) Aggregate(ctx context.Context, q query.Query, a query.Aggregation) (query.Buckets, error) {
	if a.Now.IsZero() {
		a.Now = x.now()
	}
	a, err := a.Normalize()
	if err != nil {
		return query.Buckets{}, err
	}
	all := []query.Query{q}
	for _, m := range a.Metrics {
		all = append(all, m.Where)
	}
	t, within, err := x.translator(ctx, a.Now, a.From, a.To, all...)
	if err != nil {
		return query.Buckets{}, err
	}
	g := &grouping{x: x, a: a, t: t, condition: object{"bool": object{"filter": []object{within, t.node(q.Root())}}}}
	if err := g.count(ctx); err != nil {
		return query.Buckets{}, err
	}
	if err := g.figures(ctx); err != nil {
		return query.Buckets{}, err
	}
	return g.sum, nil
}

// grouping is one aggregation under way.
type grouping struct {
	x         *index
	a         query.Aggregation
	t         translator
	condition object
	sum       query.Buckets
	cells     int
}

// composite is a page of groups.
type composite struct {
	After   map[string]json.RawMessage `json:"after_key"`
	Buckets []struct {
		Key   map[string]json.RawMessage `json:"key"`
		Count int                        `json:"doc_count"`
	} `json:"buckets"`
}

// count finds the groups to answer and their counts.
func (g *grouping) count(ctx context.Context) error {
	var after map[string]any
	if g.a.After != "" {
		keys, err := g.a.ParseAfter()
		if err != nil {
			return err
		}
		after = g.place(keys)
	}
	for seen := 0; ; {
		page, err := g.page(ctx, after, seen == 0)
		if err != nil || len(g.a.By) == 0 {
			return err
		}
		for _, b := range page.Buckets {
			keys, err := g.keys(b.Key)
			if err != nil {
				return err
			}
			if seen++; g.a.ByKey && len(g.sum.Groups) == g.a.Size {
				g.sum.Next, g.sum.Found = g.a.Cursor(g.sum.Groups[g.a.Size-1].Keys), -1
				return nil
			}
			g.sum.Groups = append(g.sum.Groups, query.Bucket{Keys: keys, Count: b.Count})
		}
		if !g.a.ByKey {
			slices.SortFunc(g.sum.Groups, g.a.Compare)
			g.sum.Groups = g.sum.Groups[:min(len(g.sum.Groups), g.a.Size)]
		}
		g.sum.Found = seen
		if page.After == nil || len(page.Buckets) == 0 {
			break
		}
		if seen >= query.TrackedGroups {
			g.sum.Partial = cmp.Or(g.sum.Partial, fmt.Sprintf("there are more than %d groups", query.TrackedGroups))
			g.sum.Found = -1
			break
		}
		after = map[string]any{}
		for name, raw := range page.After {
			after[name] = raw
		}
	}
	if g.a.After != "" {
		g.sum.Found = -1 // those before are not counted
	}
	return nil
}

// nobody matches no document, which keeps a query from being one for all of them:
// then the cluster reads groups by a short cut that leaves out, from the second
// page on, that of documents without the field.
var nobody = object{"ids": object{"values": []string{"-"}}}

// page asks for the groups behind a place, and for the total if it is the first.
func (g *grouping) page(ctx context.Context, after map[string]any, first bool) (composite, error) {
	body := object{"size": 0, "query": object{"bool": object{"filter": g.condition, "must_not": nobody}}, "track_total_hits": first}
	if len(g.a.By) > 0 {
		var sources []object
		for i, field := range g.a.By {
			sources = append(sources, object{source(i): object{"terms": object{"field": field, "missing_bucket": true, "missing_order": "last", "order": "asc"}}})
		}
		size := groupPage
		if g.a.ByKey {
			size = min(size, g.a.Size+1)
		}
		groups := object{"size": size, "sources": sources}
		if after != nil {
			groups["after"] = after
		}
		body["aggs"] = object{"groups": object{"composite": groups}}
	}
	var answer struct {
		Hits struct {
			Total struct {
				Value int `json:"value"`
			} `json:"total"`
		} `json:"hits"`
		Aggregations struct {
			Groups composite `json:"groups"`
		} `json:"aggregations"`
	}
	partial, err := g.x.ask(ctx, body, &answer)
	if err != nil {
		return composite{}, err
	}
	g.sum.Partial = cmp.Or(g.sum.Partial, partial)
	if first {
		g.sum.Total = answer.Hits.Total.Value
	}
	if len(g.a.By) == 0 {
		g.sum.Groups, g.sum.Found = []query.Bucket{{Count: g.sum.Total}}, 1
	}
	return answer.Aggregations.Groups, nil
}

// source names the i-th field of the groups.
func source(i int) string { return "k" + strconv.Itoa(i) }

func (g *grouping) keys(values map[string]json.RawMessage) (keys []query.Key, err error) {
	for i, field := range g.a.By {
		raw, ok := values[source(i)]
		if !ok {
			return nil, fmt.Errorf("elasticsearch: aggregate: %w", errAnswer)
		}
		k, err := keyOf(field, raw)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func (g *grouping) place(keys []query.Key) map[string]any {
	after := map[string]any{}
	for i, k := range keys {
		after[source(i)] = sortValue(g.a.By[i], k)
	}
	return after
}

// figures asks for metrics and intervals of the groups found.
func (g *grouping) figures(ctx context.Context) error {
	if len(g.a.Metrics) == 0 && g.a.Every.IsZero() {
		return nil
	}
	if g.sum.Total == 0 { // there may not even be an index to ask
		for i := range g.sum.Groups {
			for _, m := range g.a.Metrics {
				g.sum.Groups[i].Values = append(g.sum.Groups[i].Values, query.Number{OK: m.Func == "count" || m.Func == "distinct"})
			}
		}
		return nil
	}
	for part := range slices.Chunk(g.sum.Groups, filterPage) {
		var filters []object
		for _, b := range part {
			filters = append(filters, g.filter(b.Keys))
		}
		var answer struct {
			Aggregations struct {
				Groups struct {
					Buckets []map[string]json.RawMessage `json:"buckets"`
				} `json:"groups"`
			} `json:"aggregations"`
		}
		partial, err := g.x.ask(ctx, object{"size": 0, "query": g.condition, "track_total_hits": false, "aggs": object{
			"groups": object{"filters": object{"filters": filters}, "aggs": g.parts()},
		}}, &answer)
		if e, ok := errors.AsType[*apiError](err); ok && strings.HasPrefix(e.Type, "too_many_buckets") {
			return g.a.TooFine()
		}
		if err != nil {
			return err
		}
		g.sum.Partial = cmp.Or(g.sum.Partial, partial)
		if len(answer.Aggregations.Groups.Buckets) != len(part) {
			return fmt.Errorf("elasticsearch: aggregate: %w", errAnswer)
		}
		for i := range part {
			if err := g.read(&part[i], answer.Aggregations.Groups.Buckets[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// filter is the condition of a group.
func (g *grouping) filter(keys []query.Key) object {
	if len(keys) == 0 {
		return everything
	}
	var list []object
	for i, k := range keys {
		field := g.a.By[i]
		if k.Exists() {
			list = append(list, object{"term": object{field: sortValue(field, k)}})
		} else {
			list = append(list, object{"bool": object{"must_not": object{"exists": object{"field": field}}}})
		}
	}
	return object{"bool": object{"filter": list}}
}

// parts are the metrics, and the intervals with theirs.
func (g *grouping) parts() object {
	parts := object{}
	for i, m := range g.a.Metrics {
		measure := object{}
		switch p, percentile := m.Percentile(); {
		case percentile:
			measure = object{"percentiles": object{"field": m.Field, "percents": []int{p}, "keyed": false}}
		case m.Func == "distinct":
			measure = object{"cardinality": object{"field": m.Field, "precision_threshold": distinctExact}}
		case m.Func != "count":
			measure = object{m.Func: object{"field": m.Field}}
		}
		wrapped := object{"filter": g.t.node(m.Where.Root())}
		if len(measure) > 0 {
			wrapped["aggs"] = object{"v": measure}
		}
		parts[metricName(i)] = wrapped
	}
	if g.a.Every.IsZero() {
		return parts
	}
	cells := object{"date_histogram": object{
		"field": "@timestamp", "fixed_interval": fmt.Sprintf("%ds", int64(g.a.Every.Length().Seconds())),
		"offset": fmt.Sprintf("%ds", int64(g.a.Every.Offset().Seconds())), "min_doc_count": 1,
	}}
	whole := object{"cells": cells}
	for name, p := range parts {
		whole[name] = p
	}
	if len(parts) > 0 {
		cells["aggs"] = parts
	}
	return whole
}

func metricName(i int) string { return "m" + strconv.Itoa(i) }

// read takes the figures of a group.
func (g *grouping) read(b *query.Bucket, raw map[string]json.RawMessage) (err error) {
	if b.Values, err = g.values(raw); err != nil || g.a.Every.IsZero() {
		return err
	}
	var cells struct {
		Buckets []map[string]json.RawMessage `json:"buckets"`
	}
	if err := json.Unmarshal(raw["cells"], &cells); err != nil {
		return fmt.Errorf("elasticsearch: aggregate: %w", err)
	}
	if g.cells += len(cells.Buckets); g.cells > query.MaxCells {
		return g.a.TooFine()
	}
	for _, c := range cells.Buckets {
		var start int64
		var cell query.Cell
		if err := errors.Join(json.Unmarshal(c["key"], &start), json.Unmarshal(c["doc_count"], &cell.Count)); err != nil {
			return fmt.Errorf("elasticsearch: aggregate: %w", err)
		}
		cell.Start = time.UnixMilli(start).UTC()
		if cell.Values, err = g.values(c); err != nil {
			return err
		}
		b.Cells = append(b.Cells, cell)
	}
	return nil
}

// values reads the metrics of a group or interval.
func (g *grouping) values(raw map[string]json.RawMessage) (list []query.Number, err error) {
	for i, m := range g.a.Metrics {
		var v struct {
			Count int `json:"doc_count"`
			V     struct {
				Value  *float64 `json:"value"`
				Values []struct {
					Value *float64 `json:"value"`
				} `json:"values"`
			} `json:"v"`
		}
		if err := json.Unmarshal(raw[metricName(i)], &v); err != nil {
			return nil, fmt.Errorf("elasticsearch: aggregate: %w", err)
		}
		value := v.V.Value
		if len(v.V.Values) == 1 {
			value = v.V.Values[0].Value
		}
		switch {
		case m.Func == "count":
			list = append(list, query.Number{Value: float64(v.Count), OK: true})
		case value == nil || math.IsInf(*value, 0):
			list = append(list, query.Number{})
		default:
			list = append(list, query.Number{Value: *value, OK: true})
		}
	}
	return list, nil
}
