package pipelinetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// sorted are documents with every kind of value to sort and group by.
var sorted = []searched{
	{id: "a", at: "2026-02-03T10:00:00.000Z", json: `"event":{"severity":73,"action":"risk-level-change"},"user":{"name":"jane"},"source":{"ip":"10.0.0.9"},"related":{"ip":["10.0.0.9","192.0.2.1"]},"set":{"verified":true,"iat":"2026-02-03T09:00:00.000Z","applied":["alpha","beta"]},"tags":["x"],"chain":{"depth":100}`},
	{id: "b", at: "2026-02-03T10:30:00.000Z", json: `"event":{"severity":9,"action":"risk-level-change"},"user":{"name":"Jane"},"source":{"ip":"10.0.0.10"},"set":{"verified":false,"iat":"2026-02-03T09:00:00.001Z","applied":["beta","beta"]},"chain":{"depth":300}`},
	{id: "c", at: "2026-02-03T11:00:00.000Z", made: "2026-02-02T11:00:00.000Z", json: `"event":{"severity":73,"action":"session-revoked"},"user":{"name":"jane"},"source":{"ip":"2001:db8::1"},"set":{"applied":["gamma","alpha"]},"chain":{"depth":200}`},
	{id: "d", at: "2026-02-03T11:59:59.999Z", json: `"event":{"severity":-1,"action":"session-revoked"},"user":{"name":""},"set":{"verified":true,"applied":[]}`},
	{id: "e", at: "2026-02-02T23:59:59.999Z", json: `"event":{"action":"session-revoked"},"user":{"name":null},"source":{"ip":"10.0.0.9"},"set":{"applied":"delta"}`},
	{id: "f", at: "2026-02-03T10:00:00.000Z", json: `"event":{"severity":10},"user":{"name":"joe"}`},
}

func sortedDocuments() []pipeline.Delivery {
	var list []pipeline.Delivery
	for i, s := range sorted {
		list = append(list, made(s, i))
	}
	return list
}

// orders are sorts and what they make of the documents of sorted.
var orders = []struct{ sort, want string }{
	{"@timestamp:asc", "e a f b c d"},
	{"@timestamp:desc", "d c b f a e"},
	// Numbers by value; missing last both ways; ties by time, same direction.
	{"event.severity:asc", "d b f a c e"},
	{"event.severity:desc", "c a f b d e"},
	// Keywords by bytes: the empty one, upper case, lower case.
	{"user.name:asc", "d b a c f e"},
	{"user.name:desc", "f c a b d e"},
	// Addresses as numbers, version 4 before the documentation block of 6.
	{"source.ip:asc", "e a b c f d"},
	{"source.ip:desc", "c b a e d f"},
	{"set.iat:asc", "a b e f c d"},
	{"set.iat:desc", "b a d c f e"},
	{"set.verified:asc", "b a d e f c"},
	{"set.verified:desc", "d a b c f e"},
	// Several values: the smallest when ascending, the largest when descending.
	{"set.applied:asc", "a c b e f d"},
	{"set.applied:desc", "c e b a d f"},
	{"related.ip:desc", "a d c b f e"},
}

func testSort(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	deliver(t, sink, sortedDocuments()...)
	for _, c := range orders {
		s, err := query.ParseSort(c.sort)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(c.want)
		if got := listed(search(t, searcher, "*", query.Options{Sort: s})); !slices.Equal(got, want) {
			t.Errorf("by %s is %v, want %v", c.sort, got, want)
		}
		for size := 1; size <= len(want)+1; size++ {
			for _, skip := range []bool{false, true} {
				got := pages(t, searcher, "*", query.Options{Sort: s, Size: size, SkipTotal: skip}, len(want))
				if !slices.Equal(got, want) {
					t.Errorf("by %s in pages of %d, skip %v, is %v, want %v", c.sort, size, skip, got, want)
				}
			}
		}
	}
}

// testSortedPages checks that documents which come between two pages make
// nothing appear twice or be left out.
func testSortedPages(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	named := func(id, name string, n int) pipeline.Delivery {
		return made(searched{id: id, at: "2026-02-03T10:00:00.000Z", json: fmt.Sprintf(`"user":{"name":%q}`, name)}, n)
	}
	deliver(t, sink, named("b", "b", 1), named("d", "d", 2), named("f", "f", 3))
	o := query.Options{Sort: query.Sort{Field: "user.name", Asc: true}, Size: 2, Now: SearcherNow}
	first := search(t, searcher, "*", o)
	deliver(t, sink, named("a", "a", 4), named("c", "c", 5), named("e", "e", 6))
	o.After = first.Next
	got := append(listed(first), pages(t, searcher, "*", o, 6)...)
	if want := []string{"b", "d", "e", "f"}; !slices.Equal(got, want) {
		t.Errorf("pages with documents between them are %v, want %v", got, want)
	}
}

// testBeyond pages through more documents than one page may hold.
func testBeyond(t *testing.T, open func(t *testing.T) (pipeline.Sink, query.Searcher)) {
	sink, searcher := open(t)
	const n = query.MaxSize + 50
	var docs []pipeline.Delivery
	for i := range n {
		at := SearcherNow.Add(-time.Duration(i/3) * time.Second)
		docs = append(docs, made(searched{id: fmt.Sprintf("doc-%05d", i), at: at.Format(time.RFC3339), json: fmt.Sprintf(`"event":{"severity":%d}`, i%7)}, i))
	}
	for batch := range slices.Chunk(docs, 1000) {
		deliver(t, sink, batch...)
	}
	for _, s := range []query.Sort{{}, {Field: "event.severity"}} {
		for _, size := range []int{query.MaxSize, 4000} {
			got := pages(t, searcher, "*", query.Options{Sort: s, Size: size, SkipTotal: true}, n)
			if len(got) != n {
				t.Errorf("by %s in pages of %d gives %d documents, want %d", s, size, len(got), n)
			}
			slices.Sort(got)
			if twice := len(got) - len(slices.Compact(got)); twice > 0 {
				t.Errorf("by %s in pages of %d gives %d documents twice", s, size, twice)
			}
		}
	}
}
