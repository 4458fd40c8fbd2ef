package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// TestTraces follows a signal by its spans and finds their trace in its
// documents.
func TestTraces(t *testing.T) {
	type spans struct {
		ResourceSpans []struct {
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Name string
					Links                               []struct{ TraceID, SpanID string }
				}
			}
		}
	}
	var mu sync.Mutex
	var got []spans
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var s spans
		if err := json.Unmarshal(text, &s); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s)
	}))
	defer collector.Close()
	s := newSite(t)
	s.configure(fmt.Sprintf("traces {\n endpoint = %q\n sample = 1\n}", collector.URL))
	a := s.open()
	push(t, a, s.token("traced-1", "jane@example.com"))
	settled(t, a)
	q, err := query.Parse(`set.jti:"traced-1"`)
	if err != nil {
		t.Fatal(err)
	}
	page, err := a.Searcher().Search(t.Context(), q, query.Options{})
	if err != nil || len(page.Docs) == 0 {
		t.Fatalf("%d documents, %v", len(page.Docs), err)
	}
	var doc struct {
		Trace struct{ ID string }
	}
	if err := json.Unmarshal(page.Docs[0].JSON, &doc); err != nil || len(doc.Trace.ID) != 32 {
		t.Fatalf("trace %q, %v in %s", doc.Trace.ID, err, page.Docs[0].JSON)
	}
	s.stop(a) // sends what is queued
	mu.Lock()
	defer mu.Unlock()
	var names []string
	linked := false
	for _, r := range got {
		for _, sp := range r.ResourceSpans[0].ScopeSpans[0].Spans {
			if sp.TraceID == doc.Trace.ID {
				names = append(names, sp.Name)
				if (sp.ParentSpanID == "") != (sp.Name == "handle") {
					t.Errorf("parent %q of %s", sp.ParentSpanID, sp.Name)
				}
			}
			for _, l := range sp.Links {
				linked = linked || sp.Name == "index" && l.TraceID == doc.Trace.ID
			}
		}
	}
	slices.Sort(names)
	if strings.Join(names, " ") != "commit decide handle verify" || !linked {
		t.Errorf("spans %v, index linked: %v", names, linked)
	}
}
