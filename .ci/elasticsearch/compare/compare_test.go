// Package compare holds the bulk writer against two others: a bare loop that
// sends the same bytes to the same server and looks at nothing, and the bulk
// indexer of the Elasticsearch client. It is run by hand: the client takes longer
// to build than all the rest.
//
//	go test -v                                   to a server that does nothing
//	SIGNALBOX_ELASTICSEARCH=URL go test -v       to a real one as well
package compare

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	es "github.com/signalbox-dev/signalbox/connectors/elasticsearch"
	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

var (
	count  = flag.Int("documents", 20_000, "documents of a round")
	rounds = flag.Int("rounds", 5, "rounds of each writer, in turn; the median counts")
	strict = flag.Bool("strict", true, "fail under the bounds")
)

// batch is how many documents an index is given at once.
const batch = 1500

// documents are as large as those of the product, some 1.6 KB.
func documents(round string) (list []pipeline.Delivery) {
	at := time.Now().UTC().Format(time.RFC3339)
	for i := range *count {
		list = append(list, pipeline.Delivery{ID: fmt.Sprintf("%s-%030d", round, i), Kind: "ssf.set", Attempt: 1, Payload: fmt.Appendf(nil,
			`{"@timestamp":%q,"event":{"id":"e-%d","created":%q,"sequence":%d,"action":"risk-level-change"},"user":{"name":"user-%d@example.com"},"message":"%s","set":{"iss":"https://idp.example.com","claims":{"reason":"%s"}}}`,
			at, i, at, i, i%1000, strings.Repeat("word ", 80), strings.Repeat("claim ", 140))})
	}
	return list
}

// writer writes documents to a server and reports how long that took.
type writer struct {
	name  string
	write func(t *testing.T, server *url.URL, namespace string, docs []pipeline.Delivery)
}

var (
	ours    = writer{"signalbox", writeOurs}
	bare    = writer{"bare loop", writeBare}
	indexer = writer{"esutil.BulkIndexer", writeIndexer}
)

func writeOurs(t *testing.T, server *url.URL, namespace string, docs []pipeline.Delivery) {
	bareURL := *server
	bareURL.User = nil
	password, _ := server.User.Password()
	c := es.Config{Addresses: []string{bareURL.String()}, Username: server.User.Username(), Password: pipeline.Secret(password), Namespace: namespace}
	sink, err := c.Open(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(docs, batch) {
		results, err := sink.Deliver(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
}

func writeBare(t *testing.T, server *url.URL, namespace string, docs []pipeline.Delivery) {
	client := &http.Client{}
	for part := range slices.Chunk(docs, batch) {
		var body bytes.Buffer
		for _, d := range part {
			fmt.Fprintf(&body, "{\"create\":{\"_index\":\"logs-ssf.set-%s\",\"_id\":%q}}\n%s\n", namespace, d.ID, d.Payload)
		}
		resp, err := client.Post(server.JoinPath("_bulk").String(), "application/x-ndjson", &body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		resp.Body.Close()
	}
}

func writeIndexer(t *testing.T, server *url.URL, namespace string, docs []pipeline.Delivery) {
	client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{server.String()}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: client, NumWorkers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		err := b.Add(context.Background(), esutil.BulkIndexerItem{
			Action: "create", Index: "logs-ssf.set-" + namespace, DocumentID: d.ID, Body: bytes.NewReader(d.Payload),
			OnFailure: func(_ context.Context, i esutil.BulkIndexerItem, r esutil.BulkIndexerResponseItem, err error) {
				t.Error(i.DocumentID, r.Status, err)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// race lets writers write in turn and gives the median of each, in documents a
// second.
func race(t *testing.T, server *url.URL, writers ...writer) (medians []float64) {
	speeds := make([][]float64, len(writers))
	for round := range *rounds {
		for i, w := range writers {
			docs := documents(fmt.Sprintf("%d-%d", round, i))
			namespace := fmt.Sprintf("compare%d_%d", time.Now().UnixNano(), i)
			runtime.GC() // what making the documents left is of no writer
			start := time.Now()
			w.write(t, server, namespace, docs)
			speeds[i] = append(speeds[i], float64(len(docs))/time.Since(start).Seconds())
		}
	}
	for i, w := range writers {
		slices.Sort(speeds[i])
		medians = append(medians, speeds[i][len(speeds[i])/2])
		t.Logf("%-20s %8.0f documents/s (%.0f to %.0f)", w.name, medians[i], speeds[i][0], speeds[i][len(speeds[i])-1])
	}
	return medians
}

func atLeast(t *testing.T, what string, got, want float64) {
	t.Logf("%s: %.2f times, at least %.1f", what, got, want)
	if *strict && got < want {
		t.Errorf("%s: %.2f times, want at least %.1f", what, got, want)
	}
}

func TestNull(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(null))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	m := race(t, u, ours, indexer, bare)
	atLeast(t, "the bulk indexer", m[0]/m[1], 3)
}

// null takes everything and says so, as cheaply as that can be said: what it
// costs is in the time of every writer.
func null(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/_settings/index.creation_date"):
		fmt.Fprintf(w, `{%q:{"settings":{"index":{"creation_date":"1"}}}}`, nullIndex)
		return
	case strings.HasSuffix(r.URL.Path, "/_mapping"):
		fmt.Fprintf(w, `{%q:{"mappings":{"_meta":{"managed_by":"signalbox"}}}}`, nullIndex)
		return
	case r.URL.Path != "/_bulk":
		w.WriteHeader(http.StatusNotFound)
		return
	}
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	b.body.Reset()
	if _, err := b.body.ReadFrom(r.Body); err != nil {
		return
	}
	body, answer := b.body.Bytes(), append(b.answer[:0], `{"items":[`...)
	for more := true; more; {
		var line []byte
		line, body, more = bytes.Cut(body, []byte("\n"))
		_, rest, found := bytes.Cut(line, []byte(`"_id":`))
		if !found {
			break
		}
		id, _, _ := bytes.Cut(rest[1:], []byte(`"`))
		if answer[len(answer)-1] == '}' {
			answer = append(answer, ',')
		}
		answer = append(answer, `{"create":{"_index":"`+nullIndex+`","_id":"`...)
		answer = append(answer, id...)
		answer = append(answer, `","status":201}}`...)
		_, body, more = bytes.Cut(body, []byte("\n"))
	}
	b.answer = append(answer, "]}"...)
	_, _ = w.Write(b.answer)
}

const nullIndex = ".ds-logs-ssf.set-000001"

// buffer is used again for other requests.
type buffer struct {
	body   bytes.Buffer
	answer []byte
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func TestReal(t *testing.T) {
	text := os.Getenv("SIGNALBOX_ELASTICSEARCH")
	if text == "" {
		t.Skip("needs a real node: run .ci/elasticsearch/node start, then set SIGNALBOX_ELASTICSEARCH to what it prints")
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	plain := *u
	plain.User = nil
	c := es.Config{Addresses: []string{plain.String()}, Username: u.User.Username(), Password: pipeline.Secret(password)}
	i, err := c.Installation(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := race(t, u, ours, bare)
	atLeast(t, "the bare loop", m[0]/m[1], 0.9)
}
