package pipelinetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// SearcherNow is the moment the searcher suite plays at: its documents are of
// this day and the one before, and searches pass it as Options.Now.
var SearcherNow = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

// TestSearcher holds an index to the meaning package query gives its language,
// and to the contracts of pipeline.Sink and query.Searcher; and of
// query.Aggregator where the searcher is one. open gives an empty
// index and its two sides; it is called once per subtest.
func TestSearcher(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	t.Run("Meaning", func(t *testing.T) { testMeaning(t, open) })
	t.Run("Window", func(t *testing.T) { testWindow(t, open) })
	t.Run("Order", func(t *testing.T) { testOrder(t, open) })
	t.Run("Pages", func(t *testing.T) { testPages(t, open) })
	t.Run("Deliver", func(t *testing.T) { testDeliverDocuments(t, open) })
	t.Run("Options", func(t *testing.T) { testSearchOptions(t, open) })
	t.Run("Timeline", func(t *testing.T) { testTimeline(t, open) })
	t.Run("Sort", func(t *testing.T) { testSort(t, open) })
	t.Run("SortedPages", func(t *testing.T) { testSortedPages(t, open) })
	t.Run("Beyond", func(t *testing.T) { testBeyond(t, open) })
	t.Run("Groups", func(t *testing.T) { testGroups(t, open) })
	t.Run("GroupPages", func(t *testing.T) { testGroupPages(t, open) })
	t.Run("GroupOptions", func(t *testing.T) { testGroupOptions(t, open) })
}

func testMeaning(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, seededDocuments()...)
	for _, c := range meanings {
		p := search(t, searcher, c.query, query.Options{})
		if got := ids(p); got != c.want {
			t.Errorf("%s\n\tfinds %s\n\twant  %s", c.query, got, c.want)
		}
		if p.Total != len(p.Docs) || p.Next != "" || p.Partial != "" {
			t.Errorf("%s: total %d, next %q, partial %q of %d documents", c.query, p.Total, p.Next, p.Partial, len(p.Docs))
		}
	}
	want := map[string]pipeline.Delivery{}
	for _, d := range seededDocuments() {
		want[d.ID] = d
	}
	for _, h := range search(t, searcher, "*", query.Options{}).Docs {
		d := want[h.ID]
		if h.Stream != d.Kind || !equalJSON(t, h.JSON, d.Payload) {
			t.Errorf("%s comes back as %s %s", h.ID, h.Stream, h.JSON)
		}
		if at := member(t, h.JSON, "@timestamp"); h.Time.UTC().Format("2006-01-02T15:04:05.000Z") != at {
			t.Errorf("%s has time %v, its document %s", h.ID, h.Time, at)
		}
	}
}

// testWindow checks Options.From and To, the first included, the second not.
func testWindow(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, seededDocuments()...)
	exact := time.Date(2026, 2, 3, 10, 15, 4, 120e6, time.UTC)
	for _, c := range []struct {
		from, to time.Time
		want     string
	}{
		{exact, time.Time{}, "quoted revoked risk"},
		{exact.Add(1), time.Time{}, "quoted"},
		{time.Time{}, exact, "early rejected star"},
		{time.Time{}, exact.Add(1), "early rejected revoked risk star"},
		{exact, exact.Add(time.Millisecond), "revoked risk"},
		{exact, exact, ""},
		{exact.AddDate(0, 0, -1), exact, "rejected star"},
	} {
		p := search(t, searcher, "*", query.Options{From: c.from, To: c.to})
		if got := ids(p); got != c.want || p.Total != len(p.Docs) {
			t.Errorf("from %v to %v finds %s of %d, want %s", c.from, c.to, got, p.Total, c.want)
		}
	}
}

// testOrder checks both directions and the ties.
func testOrder(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	docs := []pipeline.Delivery{
		made(searched{id: "d", at: "2026-02-03T10:00:00.001Z"}, 7),
		made(searched{id: "b", at: "2026-02-03T10:00:00.000Z"}, 9),
		made(searched{id: "c", at: "2026-02-03T10:00:00.000Z"}, 10),
		made(searched{id: "a2", at: "2026-02-03T10:00:00.000Z", made: "2026-02-02T10:00:00.000Z"}, 8),
		made(searched{id: "a1", at: "2026-02-03T10:00:00.000Z"}, 8),
		made(searched{id: "e", at: "2026-02-03T11:00:00.000Z", made: "2026-02-02T10:00:00.000Z"}, 1),
	}
	deliver(t, sink, docs...)
	want := []string{"a1", "a2", "b", "c", "d", "e"}
	if got := listed(search(t, searcher, "*", query.Options{Sort: query.Sort{Asc: true}})); !slices.Equal(got, want) {
		t.Errorf("oldest first is %v, want %v", got, want)
	}
	slices.Reverse(want)
	for _, field := range []string{"", "@timestamp"} {
		if got := listed(search(t, searcher, "*", query.Options{Sort: query.Sort{Field: field}})); !slices.Equal(got, want) {
			t.Errorf("newest first is %v, want %v", got, want)
		}
	}
}

// testPages walks all pages, of several sizes in both directions.
func testPages(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	var docs []pipeline.Delivery
	const n = 60
	for i := range n {
		at := SearcherNow.Add(-time.Duration(i/7) * time.Hour) // ties of seven
		created := SearcherNow.Add(-time.Duration(i%3) * 24 * time.Hour)
		docs = append(docs, made(searched{
			id: fmt.Sprintf("doc-%02d", i), at: at.Format(time.RFC3339), made: created.Format(time.RFC3339),
			json: fmt.Sprintf(`"event":{"severity":%d}`, i%2),
		}, i))
	}
	deliver(t, sink, docs...)
	for _, c := range []struct {
		query string
		total int
	}{{"*", n}, {"event.severity:1", n / 2}, {"event.severity:2", 0}} {
		for _, asc := range []bool{false, true} {
			whole := listed(search(t, searcher, c.query, query.Options{Sort: query.Sort{Asc: asc}}))
			if len(whole) != c.total {
				t.Fatalf("%s finds %d, want %d", c.query, len(whole), c.total)
			}
			for _, size := range []int{1, 7, 30, 59, 60, 61} {
				for _, skip := range []bool{false, true} {
					o := query.Options{Size: size, Sort: query.Sort{Asc: asc}, SkipTotal: skip}
					got := pages(t, searcher, c.query, o, c.total)
					if !slices.Equal(got, whole) {
						t.Errorf("%s by %d, asc %v, skip %v gives\n\t%v\n\twant %v", c.query, size, asc, skip, got, whole)
					}
				}
			}
		}
	}
}

func pages(t *testing.T, s query.Searcher, text string, o query.Options, total int) (all []string) {
	t.Helper()
	if o.SkipTotal {
		total = -1
	}
	for range 1000 {
		p := search(t, s, text, o)
		if p.Total != total || p.Partial != "" {
			t.Fatalf("%s: total %d, want %d; partial %q", text, p.Total, total, p.Partial)
		}
		if len(p.Docs) > o.Size || p.Next != "" && len(p.Docs) == 0 {
			t.Fatalf("%s: page of %d documents for %d", text, len(p.Docs), o.Size)
		}
		all = append(all, listed(p)...)
		if p.Next == "" {
			return all
		}
		o.After = p.Next
	}
	t.Fatalf("%s: pages do not end", text)
	return nil
}

// testDeliverDocuments checks the promises of a sink: once per id, results in
// order, bad documents refused alone.
func testDeliverDocuments(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	docs := seededDocuments()
	deliver(t, sink, docs...)
	deliver(t, sink, docs...)
	again := docs[0]
	again.Payload = docs[1].Payload
	deliver(t, sink, again, docs[2], docs[2])
	if p := search(t, searcher, "*", query.Options{}); p.Total != len(docs) {
		t.Errorf("%d documents after delivering %d more than once", p.Total, len(docs))
	}
	if p := search(t, searcher, "event.action:risk-level-change", query.Options{}); p.Total != 1 {
		t.Error("a delivery under a known id replaced the document")
	}

	fresh := made(searched{id: "fresh", at: "2026-02-03T10:00:00.000Z", json: `"message":"fresh"`}, 100)
	results, err := sink.Deliver(t.Context(), []pipeline.Delivery{{ID: "broken", Kind: "ssf.set", Payload: []byte(`{"@timestamp":`)}, fresh})
	if err != nil || len(results) != 2 {
		t.Fatalf("Deliver gives %d results, %v", len(results), err)
	}
	var final *pipeline.FinalError
	if !errors.As(results[0].Err, &final) || results[1].Err != nil {
		t.Errorf("results are %v and %v, want a final error and nil", results[0].Err, results[1].Err)
	}
	if p := search(t, searcher, "fresh", query.Options{}); p.Total != 1 {
		t.Error("a document beside a broken one is missing")
	}
	if results, err := sink.Deliver(t.Context(), nil); err != nil || len(results) != 0 {
		t.Errorf("an empty batch gives %v, %v", results, err)
	}
}

// testSearchOptions checks that bad options are the caller's fault and that a
// search ends with its context.
func testSearchOptions(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, seededDocuments()...)
	for name, o := range map[string]query.Options{
		"size":   {Size: query.MaxSize + 1},
		"sort":   {Sort: query.Sort{Field: "no.such"}},
		"text":   {Sort: query.Sort{Field: "message"}},
		"object": {Sort: query.Sort{Field: "set.claims"}},
		"cursor": {After: "nonsense"},
	} {
		_, err := searcher.Search(t.Context(), query.Query{}, o)
		var e *query.Error
		if !errors.As(err, &e) {
			t.Errorf("bad %s: error is %v, want a *query.Error", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := searcher.Search(ctx, query.Query{}, query.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled search gives %v", err)
	}
}

// testTimeline checks that one query finds everything about one thing.
func testTimeline(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, seededDocuments()...)
	deliver(t, sink,
		made(searched{id: "session", at: "2026-02-03T10:20:00.000Z", json: `"session":{"id":"s-1","keys":["s-1","opaque:s-1"]},"chain":{"root":"i-1"}`}, 50),
		made(searched{id: "device", at: "2026-02-03T10:21:00.000Z", json: `"host":{"name":"LAPTOP-7"},"chain":{"root":"i-1","parent":["d-1"]}`}, 51))
	for _, c := range []struct{ kind, value, want string }{
		{"user", "JANE@example.com", "revoked risk"},
		{"user", "u-1", "risk"},
		{"user", "*", ""},
		{"session", "opaque:s-1", "session"},
		{"device", "laptop-7", "device"},
		{"chain", "i-1", "device session"},
		{"chain", "d-1", "device"},
	} {
		q, err := query.Timeline(c.kind, c.value)
		if err != nil {
			t.Fatal(err)
		}
		p, err := searcher.Search(t.Context(), q, query.Options{Sort: query.Sort{Asc: true}})
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(p); got != c.want {
			t.Errorf("timeline of %s %s is %s, want %s", c.kind, c.value, got, c.want)
		}
	}
}

func search(t *testing.T, s query.Searcher, text string, o query.Options) query.Page {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	o.Now = SearcherNow
	p, err := s.Search(t.Context(), q, o)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func deliver(t *testing.T, s pipeline.Sink, docs ...pipeline.Delivery) {
	t.Helper()
	results, err := s.Deliver(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(docs) {
		t.Fatalf("%d results for %d documents", len(results), len(docs))
	}
	for i, r := range results {
		if r.Err != nil {
			t.Fatalf("%s: %v", docs[i].ID, r.Err)
		}
	}
}

func seededDocuments() []pipeline.Delivery {
	var list []pipeline.Delivery
	for i, s := range seeded {
		list = append(list, made(s, i))
	}
	return list
}

// made builds the delivery of a document.
func made(s searched, n int) pipeline.Delivery {
	created := s.made
	if created == "" {
		created = s.at
	}
	kind := s.kind
	if kind == "" {
		kind = "ssf.set"
	}
	order := `"created":` + strconv.Quote(created) + `,"sequence":` + strconv.Itoa(n)
	text := `{"@timestamp":` + strconv.Quote(s.at)
	switch rest, ok := strings.CutPrefix(s.json, `"event":{`); {
	case ok:
		text += `,"event":{` + order + `,` + rest
	case s.json != "":
		text += `,"event":{` + order + `},` + s.json
	default:
		text += `,"event":{` + order + `}`
	}
	return pipeline.Delivery{ID: s.id, Kind: kind, Payload: []byte(text + `}`), Attempt: 1}
}

// listed gives the ids of a page in its order.
func listed(p query.Page) (list []string) {
	for _, h := range p.Docs {
		list = append(list, h.ID)
	}
	return list
}

// ids gives the ids of a page, sorted.
func ids(p query.Page) string {
	list := listed(p)
	slices.Sort(list)
	return strings.Join(list, " ")
}

func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func member(t *testing.T, doc []byte, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatal(err)
	}
	s, _ := m[name].(string)
	return s
}
