package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/sqlite"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// Provoke has a product count what comes of nothing a quick test does, so that the
// table of metrics has it.
func Provoke(a *App) {
	a.metrics.Notice("pager", pipeline.DeadLetter, "sent")
	a.metrics.Noted("crowdstrike", string(mappings.UnknownValue), "severity")
	a.metrics.budgetReached(pipeline.Budget{Name: pipeline.DiskBudget}, 70)
}

// FitIndex holds all documents that a product left in its embedded indices
// against the templates, at the end of the test.
func FitIndex(t testing.TB, dataDir string) {
	t.Helper()
	t.Cleanup(func() {
		found, err := filepath.Glob(filepath.Join(dataDir, "index", "*"))
		if _, ran := os.Stat(dataDir); err != nil || ran == nil && len(found) == 0 {
			t.Errorf("no index is in %s: %v", dataDir, err)
		}
		for _, dir := range found {
			x, err := sqlite.Open(dir, sqlite.Options{})
			if err != nil {
				t.Errorf("%s: %v", dir, err)
				continue
			}
			o := query.Options{Size: 1000, SkipTotal: true}
			for more := true; more; more = o.After != "" {
				page, err := x.Search(context.Background(), query.Query{}, o)
				if err != nil {
					t.Errorf("%s: %v", dir, err)
					break
				}
				var docs []pipeline.Delivery
				for _, d := range page.Docs {
					docs = append(docs, pipeline.Delivery{ID: d.ID, Kind: d.Stream, Payload: d.JSON})
				}
				pipelinetest.Fit(t, docs...)
				o.After = page.Next
			}
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestMappedDocumentsFit: what the shipped mappings make of every record they are
// tested with fits the templates.
func TestMappedDocumentsFit(t *testing.T) {
	goldens, err := filepath.Glob("../../../mappings/testdata/*/*.golden")
	if err != nil || len(goldens) < 50 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	n := 0
	for _, name := range goldens {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		record, made, _ := bytes.Cut(text, []byte("\n---\n"))
		var out mappings.Outcome
		if err := json.Unmarshal(made, &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		r := &pipeline.Record{Kind: pipeline.InputRecord, At: at, Input: &pipeline.InputPart{
			ID: "i-1", Source: "vendor", Sender: "vendor", Mapping: filepath.Base(filepath.Dir(name)), Delivery: "kafka", Position: "topic/0/7", Received: at,
			Body: string(record), SHA256: "00", Verdict: pipeline.Accepted, Assurance: event.Channel,
		}}
		for i, e := range out.Events {
			typ, ok := event.ByName(e.Type)
			if !ok {
				t.Fatalf("%s: unknown event %s", name, e.Type)
			}
			part := pipeline.EventPart{
				ID: fmt.Sprintf("e-%d", i), Type: typ.Name, Family: typ.Family, URI: typ.URI, Time: e.Time, TimeSource: e.TimeSource,
				Subject: e.Subject, Body: e.Body, Concepts: e.Concepts, ECS: e.ECS,
			}
			for _, note := range e.Notes {
				part.Applied = append(part.Applied, string(note.Kind))
			}
			r.Outcomes = append(r.Outcomes, pipeline.Outcome{Event: part})
		}
		docs, err := document.Deliveries(7, r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n += len(docs)
		pipelinetest.Fit(t, docs...)
	}
	t.Logf("%d documents of %d records", n, len(goldens))
}
