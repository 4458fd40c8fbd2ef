package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// groupings are aggregations of the documents of sorted and what they give.
// The answer is written as the total, then each group: its keys, count and
// metrics, and its intervals in brackets.
var groupings = []struct {
	query   string
	by      string // fields with spaces between
	every   string
	metrics []string
	size    int
	byKey   bool
	want    string
}{
	{query: "*", want: "6: 6"},
	{query: "event.severity:1000", want: "0: 0"},
	{query: "event.severity:1000", by: "user.name", want: "0:"},

	// Values as written, the largest first, ties by value, missing last.
	{query: "*", by: "user.name", want: `6: jane 2, "" 1, Jane 1, joe 1, - 1`},
	{query: "*", by: "user.name", size: 2, want: `6: jane 2, "" 1, of 5`},
	{query: "*", by: "event.severity", want: "6: 73 2, -1 1, 9 1, 10 1, - 1"},
	{query: "*", by: "source.ip", want: "6: 10.0.0.9 2, - 2, 10.0.0.10 1, 2001:db8::1 1"},
	{query: "*", by: "set.verified", want: "6: - 3, true 2, false 1"},
	{query: "*", by: "set.iat", want: "6: - 4, 2026-02-03T09:00:00.000Z 1, 2026-02-03T09:00:00.001Z 1"},
	{query: "*", by: "user.name", byKey: true, want: `6: "" 1, Jane 1, jane 2, joe 1, - 1`},
	{query: "user.name:jane", by: "user.name", want: "3: jane 2, Jane 1"},

	// Several values: once in each different one.
	{query: "*", by: "set.applied", want: "6: alpha 2, beta 2, - 2, delta 1, gamma 1"},
	{query: "set.applied:beta", by: "set.applied", want: "2: beta 2, alpha 1"},

	// Several fields: the combinations there are.
	{query: "*", by: "event.action set.verified", want: "6: session-revoked|- 2, risk-level-change|false 1, risk-level-change|true 1, session-revoked|true 1, -|- 1"},
	{query: "set.applied:alpha", by: "event.severity set.applied", want: "2: 73|alpha 2, 73|beta 1, 73|gamma 1"},

	// Intervals, by multiples in UTC, weeks from Monday; empty ones left out.
	{query: "*", every: "1h", want: "6: 6 [02-02T23:00 1, 02-03T10:00 3, 02-03T11:00 2]"},
	{query: "*", every: "1d", want: "6: 6 [02-02T00:00 1, 02-03T00:00 5]"},
	{query: "*", every: "1w", want: "6: 6 [02-02T00:00 6]"},
	{query: "*", every: "7h", want: "6: 6 [02-02T23:00 1, 02-03T06:00 5]"},
	{query: "*", by: "event.action", every: "1d", want: "6: session-revoked 3 [02-02T00:00 1, 02-03T00:00 2], risk-level-change 2 [02-03T00:00 2], - 1 [02-03T00:00 1]"},

	// Metrics.
	{query: "*", metrics: []string{"distinct:user.name", "distinct:set.applied", "distinct:related.ip", "count"}, want: "6: 6 (4 4 2 6)"},
	{query: "*", metrics: []string{"min:event.severity", "max:event.severity", "max:@timestamp"}, want: "6: 6 (-1 73 1770119999999)"},
	{query: "*", by: "event.action", metrics: []string{"max:chain.depth", "p50:chain.depth", "count WHERE set.verified:true", "distinct:source.ip"},
		want: "6: session-revoked 3 (200 200 1 2), risk-level-change 2 (300 100..300 1 2), - 1 (- - 0 0)"},
	{query: "event.action:*", every: "1d", metrics: []string{"max:event.severity WHERE user.name:jane"}, want: "5: 5 (73) [02-02T00:00 1 (-), 02-03T00:00 4 (73)]"},
}

func testGroups(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	aggregator, ok := searcher.(query.Aggregator)
	if !ok {
		t.Skip("the searcher does not aggregate")
	}
	deliver(t, sink, sortedDocuments()...)
	for _, c := range groupings {
		a := query.Aggregation{By: strings.Fields(c.by), Size: c.size, ByKey: c.byKey, Now: SearcherNow}
		if c.every != "" {
			a.Every, _ = query.ParseInterval(c.every)
		}
		for _, text := range c.metrics {
			m, err := query.ParseMetric(text)
			if err != nil {
				t.Fatal(err)
			}
			a.Metrics = append(a.Metrics, m)
		}
		q, err := query.Parse(c.query)
		if err != nil {
			t.Fatal(err)
		}
		b, err := aggregator.Aggregate(t.Context(), q, a)
		if err != nil {
			t.Errorf("%s by %s: %v", c.query, c.by, err)
			continue
		}
		if b.Partial != "" {
			t.Errorf("%s by %s is partial: %s", c.query, c.by, b.Partial)
		}
		if got := grouped(b, a); !alike(got, c.want) {
			t.Errorf("%s by %q every %q %v gives\n\t%s\n\twant %s", c.query, c.by, c.every, c.metrics, got, c.want)
		}
	}

	// The window is that of a search.
	exact := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	b, err := aggregator.Aggregate(t.Context(), query.Query{}, query.Aggregation{From: exact, To: exact.Add(time.Hour)})
	if err != nil || b.Total != 3 {
		t.Errorf("an hour holds %d documents, %v, want 3", b.Total, err)
	}
}

// grouped writes an answer in the form of groupings.
func grouped(b query.Buckets, a query.Aggregation) string {
	numbers := func(list []query.Number) string {
		if len(list) == 0 {
			return ""
		}
		var parts []string
		for _, n := range list {
			if n.OK {
				parts = append(parts, fmt.Sprintf("%.15g", n.Value))
			} else {
				parts = append(parts, "-")
			}
		}
		return " (" + strings.Join(parts, " ") + ")"
	}
	var groups []string
	for _, g := range b.Groups {
		var keys []string
		for _, k := range g.Keys {
			switch {
			case !k.Exists():
				keys = append(keys, "-")
			case k.Text() == "":
				keys = append(keys, `""`)
			default:
				keys = append(keys, k.Text())
			}
		}
		text := strings.TrimPrefix(fmt.Sprintf("%s %d%s", strings.Join(keys, "|"), g.Count, numbers(g.Values)), " ")
		var cells []string
		for _, c := range g.Cells {
			cells = append(cells, fmt.Sprintf("%s %d%s", c.Start.UTC().Format("01-02T15:04"), c.Count, numbers(c.Values)))
		}
		if len(cells) > 0 {
			text += " [" + strings.Join(cells, ", ") + "]"
		}
		groups = append(groups, text)
	}
	if b.Found > len(b.Groups) {
		groups = append(groups, fmt.Sprintf("of %d", b.Found))
	}
	return strings.TrimSpace(fmt.Sprintf("%d: %s", b.Total, strings.Join(groups, ", ")))
}

// alike compares answers word by word; a..b stands for a number in between.
func alike(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	return slices.EqualFunc(g, w, func(got, want string) bool {
		var low, high, x float64
		if n, _ := fmt.Sscanf(strings.Trim(strings.ReplaceAll(want, "..", " "), "()"), "%g %g", &low, &high); n == 2 {
			_, err := fmt.Sscanf(strings.Trim(got, "()"), "%g", &x)
			return err == nil && x >= low && x <= high
		}
		return got == want
	})
}

// testGroupPages walks groups ordered by their keys.
func testGroupPages(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	aggregator, ok := searcher.(query.Aggregator)
	if !ok {
		t.Skip("the searcher does not aggregate")
	}
	deliver(t, sink, sortedDocuments()...)
	for _, by := range []string{"user.name", "event.severity", "source.ip", "set.applied", "set.verified", "event.action user.name", "set.applied related.ip"} {
		a := query.Aggregation{By: strings.Fields(by), ByKey: true, Size: 100, Now: SearcherNow}
		whole, err := aggregator.Aggregate(t.Context(), query.Query{}, a)
		if err != nil || whole.Next != "" {
			t.Fatalf("%s: %v, next %q", by, err, whole.Next)
		}
		for size := 1; size <= len(whole.Groups); size++ {
			a.Size, a.After = size, ""
			var got query.Buckets
			for range 100 {
				page, err := aggregator.Aggregate(t.Context(), query.Query{}, a)
				if err != nil || len(page.Groups) > size {
					t.Fatalf("%s: page of %d groups for %d, %v", by, len(page.Groups), size, err)
				}
				got.Total, got.Groups = page.Total, append(got.Groups, page.Groups...)
				if a.After = page.Next; a.After == "" {
					break
				}
			}
			if g, w := grouped(got, a), grouped(whole, a); g != w {
				t.Errorf("groups by %s in pages of %d are\n\t%s\n\twant %s", by, size, g, w)
			}
		}
	}
}

// testGroupOptions checks that a bad aggregation is the caller's fault.
func testGroupOptions(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	aggregator, ok := searcher.(query.Aggregator)
	if !ok {
		t.Skip("the searcher does not aggregate")
	}
	deliver(t, sink, sortedDocuments()...)
	for name, a := range map[string]query.Aggregation{
		"field":  {By: []string{"message"}},
		"metric": {Metrics: []query.Metric{{Func: "max", Field: "user.name"}}},
		"cursor": {By: []string{"user.name"}, ByKey: true, After: "nonsense"},
	} {
		_, err := aggregator.Aggregate(t.Context(), query.Query{}, a)
		var e *query.Error
		if !errors.As(err, &e) {
			t.Errorf("bad %s: error is %v, want a *query.Error", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := aggregator.Aggregate(ctx, query.Query{}, query.Aggregation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled aggregation gives %v", err)
	}
}
