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
