package sqlite

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// rendered makes the documents of n session events with decisions.
func rendered(b *testing.B, from, n int) []pipeline.Delivery {
	b.Helper()
	var docs []pipeline.Delivery
	for i := from; i < from+n; i++ {
		user := fmt.Sprintf("user-%d@example.com", i%1000)
		at := now.Add(time.Duration(i) * time.Millisecond)
		list, err := document.Deliveries(uint64(i+1), &pipeline.Record{
			Kind: pipeline.InputRecord, At: at,
			Input: &pipeline.InputPart{ID: pipeline.SETInputID("https://idp.example.com", fmt.Sprint(i)), Source: "idp", Delivery: "push", Received: at,
				Verdict: pipeline.Accepted, Assurance: "signed", Issuer: "https://idp.example.com", JTI: fmt.Sprint(i), Txn: fmt.Sprint("txn-", i), SHA256: fmt.Sprintf("%064x", i)},
			Outcomes: []pipeline.Outcome{{
				Event: pipeline.EventPart{ID: fmt.Sprint("e-", i), Type: "session-revoked", Family: "caep", URI: "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
					Time: at, TimeSource: "iat", Subject: json.RawMessage(`{"format":"email","email":"` + user + `"}`), Body: json.RawMessage(`{"reason_admin":{"en":"impossible travel"}}`)},
				Decision: &pipeline.DecisionPart{ID: fmt.Sprint("d-", i), Revision: "r-1", Result: "no_action", Quiet: []string{"credential_compromise"}},
				Entities: pipeline.EntitiesPart{User: &pipeline.EntityPart{ID: user, Keys: []string{"email:" + user}, Email: user}},
			}},
		})
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, list...)
	}
	return docs
}

func openBench(b *testing.B) *Index {
	b.Helper()
	x, err := Open(b.TempDir(), Options{Now: clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = x.Close() })
	return x
}

// BenchmarkDeliver measures one batch of 1,000 documents, fsync included.
func BenchmarkDeliver(b *testing.B) {
	x := openBench(b)
	n := 0
	for b.Loop() {
		b.StopTimer()
		batch := rendered(b, n, 500)
		n += 500
		b.StartTimer()
		if _, err := x.Deliver(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*1000)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkSearch measures queries over 20,000 documents.
func BenchmarkSearch(b *testing.B) {
	x := openBench(b)
	if _, err := x.Deliver(b.Context(), rendered(b, 0, 10_000)); err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{"user.email:user-7@example.com", "user.email:*-7@example.com", "impossible", "*"} {
		q, err := query.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				p, err := x.Search(b.Context(), q, query.Options{})
				if err != nil || p.Total == 0 {
					b.Fatal(p.Total, err)
				}
			}
		})
	}
}

// BenchmarkAggregate measures counting over a day of 200,000 documents.
func BenchmarkAggregate(b *testing.B) {
	x := openBench(b)
	for i := range 200 {
		if _, err := x.Deliver(b.Context(), rendered(b, i*500, 500)); err != nil {
			b.Fatal(err)
		}
	}
	hour, _ := query.ParseInterval("1h")
	latest, _ := query.ParseMetric("max:event.created")
	for _, c := range []struct {
		name, query string
		a           query.Aggregation
	}{
		{"histogram", "*", query.Aggregation{Every: hour}},
		{"top", "*", query.Aggregation{By: []string{"user.name"}}},
		{"top of decisions", "event.dataset:ssf.decision", query.Aggregation{By: []string{"user.name"}}},
		{"histogram by field", "*", query.Aggregation{Every: hour, By: []string{"event.action"}}},
		{"metric", "*", query.Aggregation{By: []string{"event.module", "event.provider"}, Metrics: []query.Metric{latest}}},
	} {
		q, err := query.Parse(c.query)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				r, err := x.Aggregate(b.Context(), q, c.a)
				if err != nil || r.Total < 100_000 || r.Partial != "" {
					b.Fatal(r.Total, r.Partial, err)
				}
			}
		})
	}
	sorted := query.Options{Sort: query.Sort{Field: "user.name"}, SkipTotal: true}
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			if p, err := x.Search(b.Context(), query.Query{}, sorted); err != nil || p.Partial != "" {
				b.Fatal(p.Partial, err)
			}
		}
	})
}
