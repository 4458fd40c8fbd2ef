package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// offer delivers a batch as an index loop does: again and again until it is
// taken, and gives the results of the last time.
func offer(t testing.TB, x *index, docs []pipeline.Delivery) []pipeline.Result {
	t.Helper()
	for range 50 {
		results, err := x.Deliver(t.Context(), docs)
		if err != nil {
			t.Fatal(err)
		}
		if len(results) != len(docs) {
			t.Fatalf("%d results for %d documents", len(results), len(docs))
		}
		if left(results) == nil {
			return results
		}
	}
	t.Fatal("the documents are never taken")
	return nil
}

// left is the first error that is not final, nil if there is none.
func left(results []pipeline.Result) error {
	for _, r := range results {
		var final *pipeline.FinalError
		if r.Err != nil && !errors.As(r.Err, &final) {
			return r.Err
		}
	}
	return nil
}

func expect(t *testing.T, f *fake, n int) {
	t.Helper()
	if all, different := f.count(); all != n || different != n {
		t.Errorf("%d documents are there, %d different, want %d", all, different, n)
	}
}

func TestDeliver(t *testing.T) {
	for _, compress := range []bool{false, true} {
		f := newFake(t)
		x := f.open(t, func(c *Config) { c.Compress = compress })
		docs := documents(5000)
		for _, want := range []string{"201", "409 already there"} {
			for i, r := range offer(t, x, docs) {
				if r.Info != want {
					t.Fatalf("document %d is %q, want %q", i, r.Info, want)
				}
			}
		}
		expect(t, f, 5000)
		if f.looked > 0 {
			t.Errorf("%d documents were looked up for nothing", f.looked)
		}
	}
}

// TestBusyItems: what the server is too busy for is sent again, and nothing else.
func TestBusyItems(t *testing.T) {
	f := newFake(t)
	tries := map[string]int{}
	f.item = func(id string) (int, string, string) {
		if tries[id]++; strings.HasSuffix(id, "7") && tries[id] < 3 {
			return 429, "es_rejected_execution_exception", "full"
		}
		return 0, "", ""
	}
	x := f.open(t)
	offer(t, x, documents(100))
	expect(t, f, 100)
	for id, n := range tries {
		if want := map[bool]int{true: 3, false: 1}[strings.HasSuffix(id, "7")]; n != want {
			t.Errorf("%s was sent %d times, want %d", id, n, want)
		}
	}
	if x.pace.bytes >= newPace(2, 5<<20).bytes {
		t.Error("as much is sent at once as before")
	}
}

// TestRefused: a document that the mapping refuses is replaced by one that says
// why, without its value.
func TestRefused(t *testing.T) {
	f := newFake(t)
	f.item = func(id string) (int, string, string) {
		if id == "doc-0000003" {
			return 400, "document_parsing_exception", "[1:20] failed to parse field [source.ip] of type [ip] in document with id 'x'. Preview of field's value: 'hunter2'"
		}
		return 0, "", ""
	}
	results := offer(t, f.open(t), documents(10))
	var final *pipeline.FinalError
	if !errors.As(results[3].Err, &final) || final.Code != "document_parsing_exception" {
		t.Fatalf("result is %v", results[3].Err)
	}
	expect(t, f, 10)
	list := f.docs[".ds-logs-ssf.error-test-2026.02.03-000001"]
	if len(list) != 1 {
		t.Fatalf("%d documents in the error stream", len(list))
	}
	for _, text := range list {
		var d struct {
			Error struct{ Code, Message string }
			Chain struct{ Root string }
		}
		if err := json.Unmarshal(text, &d); err != nil || d.Error.Message != "field source.ip of type ip cannot hold its value" || d.Chain.Root != "i-3" {
			t.Errorf("%v: %s", err, text)
		}
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("the value is shown: %s", text)
		}
	}
}

// TestHold: what no document can help stops everything and refuses nothing.
func TestHold(t *testing.T) {
	for name, c := range map[string]struct {
		whole  int // status of the whole request
		status int // of each document
		kind   string
		advice string
	}{
		"credentials":     {whole: 401, advice: "api_key"},
		"rights":          {whole: 403, advice: "create_doc"},
		"bad request":     {whole: 400},
		"document rights": {status: 403, kind: "security_exception", advice: "create_doc"},
		"read-only":       {status: 403, kind: "cluster_block_exception", advice: "read-only"},
		"no index":        {status: 404, kind: "index_not_found_exception", advice: "index setup"},
		"closed":          {status: 400, kind: "index_closed_exception"},
		"shard limit":     {status: 400, kind: "validation_exception"},
		"pipeline":        {status: 400, kind: "illegal_argument_exception"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			broken := true
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if c.whole == 0 || r.URL.Path != "/_bulk" || !f.is(&broken) {
					return false
				}
				w.WriteHeader(c.whole)
				return true
			}
			f.item = func(string) (int, string, string) {
				if !broken || c.status == 0 {
					return 0, "", ""
				}
				return c.status, c.kind, "pipeline with id [x] does not exist"
			}
			x := f.open(t)
			docs := documents(20)
			results, err := x.Deliver(t.Context(), docs)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if !errors.Is(r.Err, errHold) || !strings.Contains(r.Err.Error(), c.advice) {
					t.Fatalf("document %d: %v", i, r.Err)
				}
			}
			if f.bulks > 1 {
				t.Errorf("%d requests although writing is held", f.bulks)
			}
			f.when(func() { broken = false })
			offer(t, x, docs)
			expect(t, f, 20)
		})
	}
}

func (f *fake) is(b *bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *b
}

// TestTemplates: a data stream that is not made of our templates is never written
// to, whether or not the credentials may ask for templates.
func TestTemplates(t *testing.T) {
	for _, c := range []struct {
		name    string
		by      string
		private bool
		there   bool // the data stream is older
		advice  string
	}{
		{"none", "", false, false, "no template of the product for logs-ssf.set-test: run signalbox index setup"},
		{"none, private", "", true, false, "no template of the product for logs-ssf.set-test: run signalbox index setup"},
		{"another's", "elastic", false, false, "no template of the product for logs-ssf.set-test: run signalbox index setup"},
		{"another's, private", "elastic", true, false, "logs-ssf.set-test was not made of the product's templates: run signalbox index setup, then"},
		{"another's before", "elastic", false, true, "logs-ssf.set-test was not made of the product's templates: run signalbox index setup, then"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			f.by, f.private = c.by, c.private
			if c.there {
				f.docs[f.current("logs-ssf.set-test")] = map[string]json.RawMessage{}
			}
			x := f.open(t)
			results, err := x.Deliver(t.Context(), documents(5))
			if err != nil {
				t.Fatal(err)
			}
			if err := left(results); !errors.Is(err, errHold) || !strings.Contains(err.Error(), c.advice) {
				t.Errorf("error is %v", err)
			}
			if f.bulks > 0 {
				t.Error("documents were sent")
			}
			f.when(func() { f.by = managedBy })
			offer(t, x, documents(5))
			expect(t, f, 5)
		})
	}
	f := newFake(t)
	f.private = true
	offer(t, f.open(t), documents(5))
	expect(t, f, 5)
}

// TestBelongs: what the templates cannot know of a document's data stream stands
// in it.
func TestBelongs(t *testing.T) {
	f := newFake(t)
	offer(t, f.open(t), documents(1))
	var d struct {
		Stream struct{ Type, Namespace string } `json:"data_stream"`
	}
	if err := json.Unmarshal(f.docs[f.current("logs-ssf.set-test")]["doc-0000000"], &d); err != nil || d.Stream.Type != "logs" || d.Stream.Namespace != "test" {
		t.Errorf("the document says it is of %+v, %v", d.Stream, err)
	}
}

// TestTooLarge: a request over the server's limit is split, down to the one
// document that is alone too large.
func TestTooLarge(t *testing.T) {
	f := newFake(t)
	const most = 8 << 10
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/_bulk" && r.ContentLength > most {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}
	docs := documents(200)
	docs[7].Payload = fmt.Appendf(nil, `{"event":{"created":"2026-02-03T10:00:00Z"},"message":%q}`, strings.Repeat("x", most))
	results := offer(t, f.open(t), docs)
	expect(t, f, 200) // one of them in the error stream
	var final *pipeline.FinalError
	if !errors.As(results[7].Err, &final) || final.Code != "too_large" {
		t.Errorf("result is %v", results[7].Err)
	}
}

// TestAnswers: an answer that does not fit the request says nothing, and nothing
// is lost or written twice by that.
func TestAnswers(t *testing.T) {
	for name, change := range map[string]func(items []json.RawMessage) []json.RawMessage{
		"short":      func(items []json.RawMessage) []json.RawMessage { return items[:len(items)-1] },
		"long":       func(items []json.RawMessage) []json.RawMessage { return append(items, items[0]) },
		"misordered": func(items []json.RawMessage) []json.RawMessage { items[0], items[1] = items[1], items[0]; return items },
		"nothing":    func([]json.RawMessage) []json.RawMessage { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			var once atomic.Bool
			f.after = func(w http.ResponseWriter, answer []byte) bool {
				if once.Swap(true) {
					return false
				}
				var v struct {
					Items []json.RawMessage `json:"items"`
				}
				if err := json.Unmarshal(answer, &v); err != nil {
					return false
				}
				v.Items = change(v.Items)
				_ = json.NewEncoder(w).Encode(v)
				f.roll("logs-ssf.set-test")
				return true
			}
			offer(t, f.open(t), documents(50))
			expect(t, f, 50)
			if f.looked == 0 {
				t.Error("nothing was looked up")
			}
		})
	}
}

// TestRollover: the connection ends before the answer, and a rollover comes before
// the second try, in the same process and after a restart.
func TestRollover(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			f := newFake(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var once atomic.Bool
			f.after = func(w http.ResponseWriter, answer []byte) bool {
				if once.Swap(true) {
					return false
				}
				f.roll("logs-ssf.set-test")
				if restart {
					cancel()
				}
				panic(http.ErrAbortHandler)
			}
			x, docs := f.open(t), documents(50)
			if restart {
				if _, err := x.Deliver(ctx, docs); err == nil {
					t.Error("a delivery that was cut off gives no error")
				}
				x = f.open(t)
			}
			offer(t, x, docs)
			expect(t, f, 50)
		})
	}
}

// TestRebuild: everything is offered again after several rollovers.
func TestRebuild(t *testing.T) {
	f := newFake(t)
	old := documentsAt(30, time.Now().Add(-72*time.Hour))
	x := f.open(t)
	offer(t, x, old[:10])
	f.roll("logs-ssf.set-test")
	offer(t, x, old[10:20])
	f.roll("logs-ssf.set-test")
	f.roll("logs-ssf.set-test")
	offer(t, x, old[20:])
	offer(t, f.open(t), old)
	expect(t, f, 30)
}

// TestAway: nobody answers; Deliver says so soon, and goes on where it was.
func TestAway(t *testing.T) {
	f := newFake(t)
	c := Config{Addresses: []string{"http://127.0.0.1:1"}}
	x := f.open(t, func(d *Config) { d.Addresses = c.Addresses })
	results, err := x.Deliver(t.Context(), documents(3))
	if err != nil || !errors.Is(left(results), errUnsent) {
		t.Errorf("results are %v, %v", results, err)
	}
}

func TestMadeAt(t *testing.T) {
	for text, want := range map[string]string{
		`{"event":{"created":"2026-02-03T10:00:00.120Z"}}`:                                         "2026-02-03T10:00:00.12Z",
		`{"event":{"id":"\"created\":\"1999-01-01T00:00:00Z\"","created":"2026-02-03T10:00:00Z"}}`: "2026-02-03T10:00:00Z",
		`{"event":{}}`: "0001-01-01T00:00:00Z",
	} {
		if got := madeAt([]byte(text)).Format(time.RFC3339Nano); got != want {
			t.Errorf("%s was made at %s, want %s", text, got, want)
		}
	}
}
