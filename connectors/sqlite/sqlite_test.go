package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

var now = pipelinetest.SearcherNow

func clock() time.Time { return now }

func open(t *testing.T, dir string, o Options) *Index {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	x, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func TestSearcher(t *testing.T) {
	pipelinetest.TestSearcher(t, func(t *testing.T) (pipeline.Sink, query.Searcher) {
		x := open(t, t.TempDir(), Options{})
		return x, x
	})
}

// doc makes a document created some days before now.
func doc(id string, daysAgo int) pipeline.Delivery {
	at := now.AddDate(0, 0, -daysAgo).Format(time.RFC3339)
	return pipeline.Delivery{ID: id, Kind: "ssf.set", Payload: fmt.Appendf(nil,
		`{"@timestamp":%q,"event":{"created":%q,"sequence":1},"message":"document %s"}`, at, at, id)}
}

func put(t *testing.T, x *Index, docs ...pipeline.Delivery) []pipeline.Result {
	t.Helper()
	results, err := x.Deliver(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return results
}

func find(t *testing.T, x *Index, text string) query.Page {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := x.Search(t.Context(), q, query.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), fileSuffix) {
			list = append(list, e.Name())
		}
	}
	return list
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir, Options{})
	put(t, x, doc("a", 0), doc("b", 1))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Search(t.Context(), query.Query{}, query.Options{}); !errors.Is(err, errClosed) {
		t.Errorf("search after Close gives %v", err)
	}
	if _, err := x.Deliver(t.Context(), []pipeline.Delivery{doc("c", 0)}); !errors.Is(err, errClosed) {
		t.Errorf("delivery after Close gives %v", err)
	}
	x = open(t, dir, Options{})
	put(t, x, doc("a", 0), doc("c", 0))
	if p := find(t, x, "message:document"); p.Total != 3 {
		t.Errorf("%d documents after reopening, want 3", p.Total)
	}
}

// TestCrash takes the files as a killed process leaves them: what Deliver has
// returned for is there.
func TestCrash(t *testing.T) {
	dir, left := t.TempDir(), t.TempDir()
	x := open(t, dir, Options{})
	for i := range 5 {
		put(t, x, doc(fmt.Sprint(i), i%2))
	}
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	x = open(t, left, Options{})
	if p := find(t, x, "message:document"); p.Total != 5 {
		t.Errorf("%d documents are left after a crash, want 5", p.Total)
	}
	put(t, x, doc("4", 0), doc("5", 0))
	if p := find(t, x, "*"); p.Total != 6 {
		t.Errorf("%d documents after going on, want 6", p.Total)
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	at := now
	x := open(t, dir, Options{Keep: 3 * 24 * time.Hour, Now: func() time.Time { return at }})
	results := put(t, x, doc("today", 0), doc("old", 3), doc("gone", 4))
	if results[1].Info != "" || results[2].Info == "" {
		t.Errorf("results are %+v, want only the last document dropped", results)
	}
	if got, want := files(t, dir), []string{"2026-01-31.db", "2026-02-03.db"}; !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	at = at.AddDate(0, 0, 1)
	put(t, x, doc("tomorrow", -1))
	if got, want := files(t, dir), []string{"2026-02-03.db", "2026-02-04.db"}; !slices.Equal(got, want) {
		t.Errorf("a day later files are %v, want %v", got, want)
	}
	if p := find(t, x, "*"); p.Total != 2 {
		t.Errorf("%d documents are left, want 2", p.Total)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, Options{Keep: 24 * time.Hour, Now: func() time.Time { return now.AddDate(0, 0, 2) }})
	if got, want := files(t, dir), []string{"2026-02-04.db"}; !slices.Equal(got, want) {
		t.Errorf("after opening with a shorter keep files are %v, want %v", got, want)
	}
}

func TestRemovedWhileInUse(t *testing.T) {
	d := newDay(t.TempDir(), "2026-02-03")
	r, err := newRow(doc("a", 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.insert(t.Context(), []row{r}); err != nil {
		t.Fatal(err)
	}
	if err := d.remove(); err != nil {
		t.Fatal(err)
	}
	s := newSearch(query.Query{}, query.Options{Size: 1}, 10)
	if err := d.use(t.Context(), nil); err != nil || s.total != 0 {
		t.Errorf("a removed day gives %d documents, %v", s.total, err)
	}
	if _, err := os.Stat(d.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a removed day is still there: %v", err)
	}
}

func TestBounds(t *testing.T) {
	x := open(t, t.TempDir(), Options{MaxScan: 3})
	put(t, x, doc("a", 0), doc("b", 0), doc("c", 1), doc("d", 2))
	p := find(t, x, "*")
	if len(p.Docs) != 3 || p.Partial == "" {
		t.Errorf("page has %d documents and says %q, want 3 and why", len(p.Docs), p.Partial)
	}
	if p = find(t, x, "message:d"); len(p.Docs) != 1 || p.Partial != "" {
		t.Errorf("a narrow query finds %d documents and says %q", len(p.Docs), p.Partial)
	}
	slow := open(t, t.TempDir(), Options{Timeout: 1})
	put(t, slow, doc("a", 0))
	if p = find(t, slow, "*"); p.Partial == "" {
		t.Error("a search out of time does not say so")
	}
}

func TestLargePageIsCut(t *testing.T) {
	s := newSearch(query.Query{}, query.Options{Size: 10}, 10)
	for i := range 3 {
		s.add(hit{Hit: query.Hit{ID: fmt.Sprint(i), JSON: make([]byte, maxPageBytes/2)}, at: query.Cursor{Time: int64(i)}})
	}
	p := s.page("")
	if len(p.Docs) != 2 || p.Docs[0].ID != "2" || p.Next == "" {
		t.Errorf("page has %d documents, next %q", len(p.Docs), p.Next)
	}
}

func TestBadDocuments(t *testing.T) {
	x := open(t, t.TempDir(), Options{})
	const good = `{"@timestamp":"2026-02-03T10:00:00Z","event":{"created":"2026-02-03T10:00:00Z"}}`
	for name, d := range map[string]pipeline.Delivery{
		"no id":     {Payload: []byte(good)},
		"no JSON":   {ID: "x", Payload: []byte("x")},
		"an array":  {ID: "x", Payload: []byte("[]")},
		"no time":   {ID: "x", Payload: []byte(`{"event":{"created":"2026-02-03T10:00:00Z"}}`)},
		"no origin": {ID: "x", Payload: []byte(`{"@timestamp":"2026-02-03T10:00:00Z"}`)},
	} {
		results, err := x.Deliver(t.Context(), []pipeline.Delivery{d})
		var final *pipeline.FinalError
		if err != nil || !errors.As(results[0].Err, &final) {
			t.Errorf("%s: %v, %v", name, results, err)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"notes.txt": "x", "other.db": "x", "2026-02-30.db": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := open(t, dir, Options{})
	put(t, x, doc("a", 0))
	if p := find(t, x, "*"); p.Total != 1 {
		t.Errorf("%d documents beside foreign files", p.Total)
	}

	for name, damage := range map[string]func(path string) error{
		"another version": func(path string) error {
			d := newDay(filepath.Dir(path), "2026-02-03")
			if err := d.open(context.Background()); err != nil {
				return err
			}
			_, err := d.db.Exec("PRAGMA user_version = 99")
			return errors.Join(err, d.close())
		},
		"no database": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("nonsense", 1000)), 0o600) },
	} {
		dir := t.TempDir()
		if err := damage(filepath.Join(dir, "2026-02-03.db")); err != nil {
			t.Fatal(err)
		}
		x := open(t, dir, Options{})
		if _, err := x.Search(t.Context(), query.Query{}, query.Options{}); err == nil || !strings.Contains(err.Error(), "2026-02-03") {
			t.Errorf("%s: search gives %v", name, err)
		}
		if _, err := x.Deliver(t.Context(), []pipeline.Delivery{doc("a", 0)}); err == nil {
			t.Errorf("%s: delivery gives no error", name)
		}
	}
}

func TestConcurrent(t *testing.T) {
	x := open(t, t.TempDir(), Options{})
	done := make(chan error, 4)
	for w := range 2 {
		go func() {
			for i := range 20 {
				if _, err := x.Deliver(context.Background(), []pipeline.Delivery{doc(fmt.Sprintf("%d-%d", w, i), i%3)}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		go func() {
			for range 20 {
				if _, err := x.Search(context.Background(), query.Query{}, query.Options{}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if p := find(t, x, "*"); p.Total != 40 {
		t.Errorf("%d documents, want 40", p.Total)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		config Config
		field  string
	}{
		{Config{}, ""},
		{Config{Dir: "x", Keep: 48 * time.Hour}, ""},
		{Config{Keep: time.Hour}, "keep"},
		{Config{Dir: "a\x00b"}, "dir"},
	} {
		problems := c.config.Validate()
		switch {
		case c.field == "" && len(problems) != 0:
			t.Errorf("%+v: %v", c.config, problems)
		case c.field != "" && (len(problems) != 1 || problems[0].Field != c.field):
			t.Errorf("%+v: problems are %v, want one of %s", c.config, problems, c.field)
		}
	}
	dir := t.TempDir()
	sink, err := (&Config{}).Open(kind.Env{Name: "local", DataDir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	x, ok := sink.(*Index)
	if !ok {
		t.Fatalf("Open gives a %T", sink)
	}
	put(t, x, doc("a", 0))
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if got := files(t, filepath.Join(dir, "index", "local")); len(got) != 1 {
		t.Errorf("files are %v", got)
	}
}

func TestQuestions(t *testing.T) {
	pipelinetest.TestQuestions(t, func(t *testing.T) (pipeline.Sink, query.Searcher) {
		x := open(t, t.TempDir(), Options{})
		return x, x
	})
}
