package elasticsearch

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// fake speaks as much of the protocol as the writer uses. Its indices are made by
// the first document.
type fake struct {
	*httptest.Server

	mu      sync.Mutex
	rolled  map[string]int                        // rollovers by data stream
	docs    map[string]map[string]json.RawMessage // by index and id
	bulks   int                                   // requests
	largest int                                   // documents in one
	before  func(w http.ResponseWriter, r *http.Request) bool
	item    func(id string) (status int, kind, reason string) // an outcome for a document that is not taken; 0: take it
	after   func(w http.ResponseWriter, answer []byte) bool
	looked  int    // documents looked up
	by      string // who made the templates, "" if there are none
	private bool   // templates are not told of
}

func newFake(t testing.TB) *fake {
	f := &fake{by: managedBy, rolled: map[string]int{}, docs: map[string]map[string]json.RawMessage{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// when changes how the fake behaves.
func (f *fake) when(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) current(stream string) string {
	return fmt.Sprintf(".ds-%s-2026.02.03-%06d", stream, f.rolled[stream]+1)
}

// roll rolls a data stream over.
func (f *fake) roll(stream string) {
	f.when(func() {
		f.rolled[stream]++
		f.docs[f.current(stream)] = map[string]json.RawMessage{}
	})
}

// count is how many documents are there, and how many different ones.
func (f *fake) count() (all, different int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := map[string]bool{}
	for _, list := range f.docs {
		all += len(list)
		for id := range list {
			ids[id] = true
		}
	}
	return all, len(ids)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/_bulk":
		f.bulk(w, r)
	case r.URL.Path == "/_mget":
		f.mget(w, r)
	case strings.HasSuffix(r.URL.Path, "/_settings/index.creation_date"):
		f.settings(w, strings.Split(r.URL.Path, "/")[1])
	case strings.HasSuffix(r.URL.Path, "/_mapping"):
		fmt.Fprintf(w, `{%q:{"mappings":{"_meta":{"managed_by":%q}}}}`, f.current(strings.Split(r.URL.Path, "/")[1]), f.by)
	case strings.HasPrefix(r.URL.Path, "/_index_template/_simulate_index/") && f.private:
		w.WriteHeader(http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, "/_index_template/_simulate_index/"):
		fmt.Fprintf(w, `{"template":{"mappings":{"_meta":{"managed_by":%q}}}}`, f.by)
	default:
		http.NotFound(w, r)
	}
}

func (f *fake) settings(w http.ResponseWriter, stream string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.docs[f.current(stream)] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answer := map[string]any{}
	for n := range f.rolled[stream] + 1 {
		created := time.Now().Add(time.Duration(n-f.rolled[stream]) * 24 * time.Hour)
		answer[fmt.Sprintf(".ds-%s-2026.02.03-%06d", stream, n+1)] = map[string]any{"settings": map[string]any{"index": map[string]any{"creation_date": fmt.Sprint(created.UnixMilli())}}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *fake) mget(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Docs []struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		} `json:"docs"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked += len(asked.Docs)
	var docs []any
	for _, d := range asked.Docs {
		_, found := f.docs[d.Index][d.ID]
		docs = append(docs, map[string]any{"_id": d.ID, "found": found})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"docs": docs})
}

func (f *fake) bulk(w http.ResponseWriter, r *http.Request) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		in = z
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	f.mu.Lock()
	f.bulks++
	f.largest = max(f.largest, len(lines)/2)
	var items []any
	for i := 0; i+1 < len(lines); i += 2 {
		type target struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		var action struct {
			Create target  `json:"create"`
			Index  *target `json:"index"`
		}
		if err := json.Unmarshal(lines[i], &action); err != nil {
			panic(err)
		}
		if action.Index != nil { // makes the data stream, and no document
			f.bulks--
			if name := f.current(action.Index.Index); f.docs[name] == nil && f.by != "" {
				f.docs[name] = map[string]json.RawMessage{}
			}
			continue
		}
		id, index := action.Create.ID, f.current(action.Create.Index)
		result := map[string]any{"_index": index, "_id": id, "status": 201}
		status, kind, reason := 0, "", ""
		if f.item != nil {
			status, kind, reason = f.item(id)
		}
		switch {
		case status != 0:
			result["status"], result["error"] = status, map[string]any{"type": kind, "reason": reason}
		case f.docs[index][id] != nil:
			result["status"], result["error"] = 409, map[string]any{"type": "version_conflict_engine_exception"}
		default:
			if f.docs[index] == nil {
				f.docs[index] = map[string]json.RawMessage{}
			}
			f.docs[index][id] = bytes.Clone(lines[i+1])
		}
		items = append(items, map[string]any{"create": result})
	}
	after := f.after
	f.mu.Unlock()
	answer, _ := json.Marshal(map[string]any{"items": items})
	if after == nil || !after(w, answer) {
		_, _ = w.Write(answer)
	}
}

// open makes an index on the fake.
func (f *fake) open(t testing.TB, change ...func(*Config)) *index {
	t.Helper()
	c := Config{Addresses: []string{f.URL}, Namespace: "test"}
	for _, g := range change {
		g(&c)
	}
	if problems := c.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	x, err := c.open(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// documents makes n documents of the last minute, of some 300 bytes.
func documents(n int) (list []pipeline.Delivery) {
	return documentsAt(n, time.Now())
}

func documentsAt(n int, at time.Time) (list []pipeline.Delivery) {
	for i := range n {
		list = append(list, one(i, at.UTC()))
	}
	return list
}

// one is a single document of those that documents makes.
func one(i int, at time.Time) pipeline.Delivery {
	text := at.Format(time.RFC3339)
	return pipeline.Delivery{ID: fmt.Sprintf("doc-%07d", i), Kind: "ssf.set", Attempt: 1, Payload: fmt.Appendf(nil,
		`{"@timestamp":%q,"event":{"id":"e-%d","created":%q,"sequence":%d},"message":"%s","chain":{"root":"i-%d","depth":0}}`,
		text, i, text, i, strings.Repeat("word ", 30), i)}
}
