package elasticsearch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// answering makes an index on a server that answers everything alike.
func answering(t *testing.T, status int, text string) *index {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	x, err := (&Config{Addresses: []string{server.URL}}).open(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestNoIndex searches before there is anything.
func TestNoIndex(t *testing.T) {
	x := answering(t, http.StatusOK, `{"timed_out":false,"_shards":{"total":0,"failed":0},"hits":{"total":{"value":0},"hits":[]}}`)
	p, err := x.Search(t.Context(), query.Query{}, query.Options{})
	if err != nil || p.Total != 0 || len(p.Docs) != 0 || p.Next != "" || p.Partial != "" {
		t.Errorf("a search gives %+v, %v", p, err)
	}
	every, err := query.ParseInterval("1h")
	if err != nil {
		t.Fatal(err)
	}
	b, err := x.Aggregate(t.Context(), query.Query{}, query.Aggregation{Every: every, Metrics: []query.Metric{{Func: "count"}, {Func: "max", Field: "event.severity"}}})
	if err != nil || len(b.Groups) != 1 || len(b.Groups[0].Values) != 2 || !b.Groups[0].Values[0].OK || b.Groups[0].Values[1].OK {
		t.Errorf("an aggregation gives %+v, %v", b, err)
	}
	if b, err = x.Aggregate(t.Context(), query.Query{}, query.Aggregation{By: []string{"user.name"}}); err != nil || len(b.Groups) != 0 {
		t.Errorf("groups are %+v, %v", b, err)
	}
}

// TestPartial: what may be missing is said.
func TestPartial(t *testing.T) {
	for text, want := range map[string]string{
		`{"timed_out":true,"_shards":{"failed":0},"hits":{"hits":[]}}`:  "stopped",
		`{"timed_out":false,"_shards":{"failed":2},"hits":{"hits":[]}}`: "2 parts",
	} {
		p, err := answering(t, http.StatusOK, text).Search(t.Context(), query.Query{}, query.Options{})
		if err != nil || !strings.Contains(p.Partial, want) {
			t.Errorf("%s: partial %q, %v", text, p.Partial, err)
		}
	}
}

// TestSearchErrors: what the asker can help is a *query.Error, and the rest says
// what to do.
func TestSearchErrors(t *testing.T) {
	x := answering(t, http.StatusBadRequest, `{"error":{"type":"search_phase_execution_exception","reason":"all shards failed","caused_by":{"type":"too_many_nested_clauses","reason":"maxClauseCount is set to 10"}}}`)
	_, err := x.Search(t.Context(), query.Query{}, query.Options{})
	var asked *query.Error
	if !errors.As(err, &asked) {
		t.Errorf("too many clauses: %v", err)
	}
	x = answering(t, http.StatusForbidden, `{"error":{"type":"security_exception","reason":"no"}}`)
	if _, err = x.Search(t.Context(), query.Query{}, query.Options{}); err == nil || !strings.Contains(err.Error(), "may read") {
		t.Errorf("without rights: %v", err)
	}
	x = answering(t, http.StatusOK, `<html>`)
	if _, err = x.Search(t.Context(), query.Query{}, query.Options{}); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("something else: %v", err)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*travel", "Impossible TRAVEL", true},
		{"trav?l", "travel", true},
		{"trav?l", "travl", false},
		{`a\*b`, "a*b", true},
		{`a\*b`, "axb", false},
		{`a.b`, "axb", false},
		{"k*", "\u212aelvin", false},
		{"*", "line\nbreak", true},
	} {
		if got := globOf(c.pattern).MatchString(c.text); got != c.want {
			t.Errorf("%s on %q is %v", c.pattern, c.text, got)
		}
	}
}
