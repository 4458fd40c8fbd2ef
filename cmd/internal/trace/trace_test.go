package trace

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// collector is an OTLP receiver.
type collector struct {
	*httptest.Server
	status atomic.Int64
	got    chan request
	auth   atomic.Value
}

func newCollector(t *testing.T) *collector {
	c := &collector{got: make(chan request, 100)}
	c.status.Store(http.StatusOK)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost {
			t.Errorf("request %s %s %v", r.Method, r.URL, r.Header)
		}
		c.auth.Store(r.Header.Get("Authorization"))
		text, _ := io.ReadAll(r.Body)
		var req request
		if err := json.Unmarshal(text, &req); err != nil {
			t.Errorf("%v in %s", err, text)
		}
		w.WriteHeader(int(c.status.Load()))
		c.got <- req
	}))
	t.Cleanup(c.Close)
	return c
}

type tally struct{ sent, dropped, failures atomic.Int64 }

func (c *collector) exporter(n *tally) *Exporter {
	return New(Options{
		Endpoint: c.URL + "/", Sample: 1, Authorization: "Bearer abc", Version: "1.2.3", Node: "node-1",
		Count: func(sent, dropped int) { n.sent.Add(int64(sent)); n.dropped.Add(int64(dropped)) },
		Fail:  func(error) { n.failures.Add(1) },
	})
}

func TestExport(t *testing.T) {
	c, n := newCollector(t), &tally{}
	e := c.exporter(n)
	start := time.Unix(1795645258, 5)
	root, child := e.Start(), pipeline.NewSpanRef()
	child.Trace = root.Trace
	e.End(pipeline.Span{Ref: child, Parent: root.Span, Name: "verify", Start: start, End: start.Add(time.Second), Items: 7})
	e.End(pipeline.Span{Ref: pipeline.NewSpanRef(), Name: "deliver", Target: "downstream", Start: start, End: start, Links: []pipeline.SpanRef{root}, Dropped: 2, Failed: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what is queued at the end goes out
	if err := e.Run(ctx); err != nil {
		t.Fatal(err)
	}
	req := <-c.got
	spans := req.ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 || n.sent.Load() != 2 || n.dropped.Load() != 0 {
		t.Fatalf("%d spans, sent %d, dropped %d", len(spans), n.sent.Load(), n.dropped.Load())
	}
	want := span{
		TraceID: hex.EncodeToString(root.Trace[:]), SpanID: hex.EncodeToString(child.Span[:]), Parent: hex.EncodeToString(root.Span[:]),
		Name: "verify", Kind: 1, Start: "1795645258000000005", End: "1795645259000000005",
		Attributes: []attribute{{"signalbox.items", value{Int: "7"}}},
	}
	if got, _ := json.Marshal(spans[0]); string(got) != string(must(json.Marshal(want))) {
		t.Errorf("got  %s\nwant %s", got, must(json.Marshal(want)))
	}
	d := spans[1]
	if len(d.Links) != 1 || d.Links[0].TraceID != want.TraceID || d.Dropped != 2 || d.Status == nil || d.Status.Code != 2 || d.Parent != "" {
		t.Errorf("deliver %+v", d)
	}
	if auth := c.auth.Load(); auth != "Bearer abc" {
		t.Errorf("authorization %q", auth)
	}
	if a := req.ResourceSpans[0].Resource.Attributes; len(a) != 3 || a[1].Value.Text != "1.2.3" || a[2].Value.Text != "node-1" {
		t.Errorf("resource %+v", a)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestOutage holds that a collector that is away costs nothing but its spans.
func TestOutage(t *testing.T) {
	c, n := newCollector(t), &tally{}
	c.status.Store(http.StatusServiceUnavailable)
	e := c.exporter(n)
	for i := range queueSpans + 10 { // nobody sends: End must not block
		e.End(pipeline.Span{Ref: pipeline.NewSpanRef(), Name: strconv.Itoa(i)})
	}
	if got := n.dropped.Load(); got != 10 {
		t.Errorf("%d dropped of a full queue, want 10", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	<-c.got
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n.sent.Load() != 0 || n.dropped.Load() != queueSpans+10 || n.failures.Load() == 0 {
		t.Errorf("sent %d, dropped %d, failures %d", n.sent.Load(), n.dropped.Load(), n.failures.Load())
	}
}

func TestSample(t *testing.T) {
	e := New(Options{Endpoint: "http://127.0.0.1:1", Sample: 0.1})
	n := 0
	for range 10_000 {
		if e.Start() != (pipeline.SpanRef{}) {
			n++
		}
	}
	if n < 800 || n > 1200 {
		t.Errorf("%d of 10,000 sampled at 0.1", n)
	}
}
