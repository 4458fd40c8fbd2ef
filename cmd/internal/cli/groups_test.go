package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// answering is an index that gives one answer and keeps what it was asked.
type answering struct {
	buckets []query.Buckets
	asked   []query.Aggregation
	docs    int
	sort    query.Sort
	skipped int // pages asked for without the total
}

func (a *answering) Aggregate(_ context.Context, _ query.Query, agg query.Aggregation) (query.Buckets, error) {
	if _, err := agg.Normalize(); err != nil {
		return query.Buckets{}, err
	}
	a.asked = append(a.asked, agg)
	b := a.buckets[0]
	a.buckets = a.buckets[1:]
	return b, nil
}

func (a *answering) Search(_ context.Context, _ query.Query, o query.Options) (query.Page, error) {
	o, err := o.Normalize()
	if err != nil {
		return query.Page{}, err
	}
	a.sort = o.Sort
	first := 0
	if o.After != "" {
		at, _ := query.ParseCursor(o.After, o.Sort)
		first = int(at.Sequence)
	}
	p := query.Page{Total: a.docs}
	if o.SkipTotal {
		a.skipped++
		p.Total = -1
	}
	for i := first; i < min(first+o.Size, a.docs); i++ {
		p.Docs = append(p.Docs, query.Hit{JSON: fmt.Appendf(nil, `{"@timestamp":"2026-02-03T10:00:00.000Z","event":{"dataset":"ssf.set"},"message":"document %d"}`, i)})
	}
	if first+o.Size < a.docs {
		p.Next = query.Cursor{Sequence: int64(first + o.Size)}.Text(o.Sort)
	}
	return p, nil
}

// serve offers the interface of a product whose index is the one given, and
// returns its configuration.
func serve(t *testing.T, index query.Searcher, now func() time.Time) (conf string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sb") // short enough for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conf = filepath.Join(dir, "config.hcl")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "data_dir = %q\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", api.Socket(dir))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: api.Handler(api.Backend{Searcher: index, Now: now}), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return conf
}

// ask runs a command against a product whose index is the one given.
func ask(t *testing.T, index query.Searcher, args ...string) (out, errs string, code int) {
	t.Helper()
	return told(t, serve(t, index, time.Now), args...)
}

// told runs a command with a configuration, unless it is "".
func told(t *testing.T, conf string, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if conf != "" {
		args = append(slices.Clone(args), "--config", conf)
	}
	code = Run(t.Context(), args, Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: func(string) (string, bool) { return "", false }})
	return stdout.String(), stderr.String(), code
}

func key(typ document.Type, text string) query.Key {
	k, _ := query.KeyOf(typ, text)
	return k
}

func name(text string) []query.Key { return []query.Key{key(document.Keyword, text)} }

func hour(h, n int) query.Cell {
	return query.Cell{Start: time.Date(2026, 2, 3, h, 0, 0, 0, time.UTC), Count: n}
}

func TestQueryTop(t *testing.T) {
	answer := query.Buckets{Total: 66, Found: 57, Groups: []query.Bucket{
		{Keys: name("jane@example.com"), Count: 40, Values: []query.Number{{Value: 2, OK: true}, {Value: 1770113704120, OK: true}}},
		{Keys: name("joe\x1b[31m"), Count: 21, Values: []query.Number{{Value: 12.3456, OK: true}, {}}},
		{Keys: []query.Key{{}}, Count: 1, Values: []query.Number{{Value: 0, OK: true}, {}}},
	}}
	index := &answering{buckets: []query.Buckets{answer}}
	out, errs, code := ask(t, index, "query", "--top", "user.name,3", "--measure", "distinct:source.ip", "--measure", "max:@timestamp", "*")
	want := `user.name         count  distinct:source.ip            max:@timestamp
jane@example.com     40                   2  2026-02-03 10:15:04.120Z  #############################
joe [31m             21               12.34                         -  ###############
(none)                1                   0                         -  #
`
	if code != 0 || out != want || errs != "3 of 57 groups of 66 documents; --top user.name,57 shows more\n" {
		t.Errorf("exit %d, prints\n%s%s\nwant\n%s", code, out, errs, want)
	}
	if a := index.asked[0]; a.Size != 3 || a.By[0] != "user.name" || len(a.Metrics) != 2 {
		t.Errorf("asks for %+v", a)
	}

	index = &answering{buckets: []query.Buckets{answer}}
	out, _, _ = ask(t, index, "query", "--top", "user.name", "--measure", "distinct:source.ip", "--measure", "max:@timestamp", "--format", "ndjson", "*")
	first, _, _ := strings.Cut(out, "\n")
	if first != `{"count":40,"distinct:source.ip":2,"max:@timestamp":"2026-02-03T10:15:04.12Z","user.name":"jane@example.com"}` || !strings.Contains(out, `"user.name":null`) {
		t.Errorf("lines are %s", out)
	}
}

func TestQueryHistogram(t *testing.T) {
	total := query.Buckets{Total: 13, Found: 1, Groups: []query.Bucket{{Count: 13, Cells: []query.Cell{hour(1, 4), hour(3, 8), hour(9, 1)}}}}
	by := query.Buckets{Total: 13, Found: 3, Groups: []query.Bucket{
		{Keys: name("login"), Count: 10, Cells: []query.Cell{hour(1, 4), hour(3, 6)}},
		{Keys: name(""), Count: 2, Cells: []query.Cell{hour(3, 2)}},
	}}
	out, errs, code := ask(t, &answering{buckets: []query.Buckets{by, total}}, "query", "--histogram", "1h", "--by", "event.action,2", "*")
	bar := func(n int) string { return strings.Repeat("#", n) }
	want := `@timestamp         count  login  ""
2026-02-03 01:00Z      4      4   0  ` + bar(31) + `
2026-02-03 02:00Z      0      0   0
2026-02-03 03:00Z      8      6   2  ` + bar(63) + `
  … 5 without documents
2026-02-03 09:00Z      1      0   0  ` + bar(7) + `
`
	if code != 0 || out != want || errs != "13 documents; columns for 2 of 3 values of event.action\n" {
		t.Errorf("exit %d, prints\n%s%s\nwant\n%s", code, out, errs, want)
	}
	out, _, _ = ask(t, &answering{buckets: []query.Buckets{by}}, "query", "--histogram", "1h", "--by", "event.action", "--format", "json", "*")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 3 || rows[0]["@timestamp"] != "2026-02-03T01:00:00Z" || rows[0]["event.action"] != "login" || rows[0]["count"] != 4.0 {
		t.Errorf("json is %s, %v", out, err)
	}
}

func TestQueryCount(t *testing.T) {
	if out, _, code := ask(t, &answering{buckets: []query.Buckets{{Total: 7, Groups: []query.Bucket{{Count: 7}}}}}, "query", "--count", "*"); out != "7\n" || code != 0 {
		t.Errorf("count prints %q, exit %d", out, code)
	}
	if out, errs, _ := ask(t, &answering{buckets: []query.Buckets{{Partial: "too much", Groups: []query.Bucket{{}}}}}, "query", "--count", "*"); out != "0\n" || errs != "incomplete: too much\n" {
		t.Errorf("an incomplete count prints %q, %q", out, errs)
	}
}

// TestQueryPages prints more documents than one page holds, in every format.
func TestQueryPages(t *testing.T) {
	const n = 12_345
	index := &answering{docs: n}
	out, errs, code := ask(t, index, "query", "--limit", "20000", "--format", "ndjson", "--sort", "event.severity:desc", "*")
	if lines := strings.Count(out, "\n"); lines != n || errs != "" || code != 0 {
		t.Errorf("%d lines, %q, exit %d", lines, errs, code)
	}
	if index.sort.String() != "event.severity:desc" || index.skipped != 12 {
		t.Errorf("sorted by %s, %d pages without total", index.sort, index.skipped)
	}
	out, _, _ = ask(t, &answering{docs: n}, "query", "--limit", "2500", "--format", "json", "*")
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2500 {
		t.Errorf("json has %d documents, %v", len(list), err)
	}
	if out, _, _ := ask(t, &answering{}, "query", "--format", "json", "*"); out != "[]\n" {
		t.Errorf("nothing as json is %q", out)
	}
	out, errs, _ = ask(t, &answering{docs: n}, "query", "--limit", "2500", "*")
	if lines := strings.Count(out, "\n"); lines != 2501 || errs != "2500 of 12345 documents; --limit shows more\n" {
		t.Errorf("the table has %d lines, %q", lines, errs)
	}
}

func TestPointed(t *testing.T) {
	if got, want := pointed("bad", 4, "say x", "aäb c"), "bad\n  aäb c\n     ^ say x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := strings.Repeat("x", 300)
	got := strings.Split(pointed("bad", 200, "", long), "\n")
	if len([]rune(got[1])) > 130 || len([]rune(got[2])) != len("  ")+1+60+1 {
		t.Errorf("a long query is shown as %q", got)
	}
}

func TestTableOfATerminal(t *testing.T) {
	page := []json.RawMessage{[]byte(`{"@timestamp":"2026-02-03T10:00:00.000Z","user":{"name":"jane"},"message":"one two three four five six seven"}`)}
	for most, want := range map[int]string{0: "three four five six seven\n", 60: "jane       one two three four fiv…\n", 10: "jane       one two three four …\n"} {
		var b strings.Builder
		p := newDocPrinter(&b, "table", []string{"user.name", "message"})
		p.most = most
		if err := p.print(page); err != nil || !strings.HasSuffix(b.String(), want) {
			t.Errorf("%d columns wide it is\n%s, %v", most, b.String(), err)
		}
	}
}
