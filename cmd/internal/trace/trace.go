// Package trace sends the spans of the line to an OpenTelemetry collector: OTLP
// over HTTP in its JSON form, in batches, from a bounded queue.
//
// Nothing waits for it: a span that finds the queue full, and a batch that the
// collector does not take, is dropped and counted. It has no part in deciding
// anything, and trace contexts of peers are not taken up.
package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Bounds of the exporter.
const (
	queueSpans = 4096
	batchSpans = 512
	linger     = 2 * time.Second  // how long spans gather
	timeout    = 10 * time.Second // of one request
	lastPause  = time.Minute      // after failures in a row
	lastWords  = 3 * time.Second  // for what is queued at the end
)

// Options is where spans go.
type Options struct {
	Endpoint      string          // base URL of the collector; /v1/traces is added
	Sample        float64         // share of batches that are traced, above 0 and at most 1
	Authorization pipeline.Secret // value of the Authorization header; "" sends none
	Version, Node string          // of the product, as resource attributes
	// Count is told of spans that were sent and of those dropped.
	Count func(sent, dropped int)
	Fail  func(error) // told of every request that failed
}

// Exporter takes spans and sends them. Safe for concurrent use.
type Exporter struct {
	o      Options
	url    string
	queue  chan pipeline.Span
	client *http.Client
}

var _ pipeline.Tracer = (*Exporter)(nil)

// New returns an exporter that sends once Run was called.
func New(o Options) *Exporter {
	return &Exporter{
		o: o, url: strings.TrimSuffix(o.Endpoint, "/") + "/v1/traces", queue: make(chan pipeline.Span, queueSpans),
		client: &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Start implements pipeline.Tracer. Ids need to be distinct, not secret.
func (e *Exporter) Start() pipeline.SpanRef {
	if e.o.Sample < 1 && rand.Float64() >= e.o.Sample {
		return pipeline.SpanRef{}
	}
	return pipeline.NewSpanRef()
}

// End implements pipeline.Tracer.
func (e *Exporter) End(s pipeline.Span) {
	select {
	case e.queue <- s:
	default:
		e.o.Count(0, 1)
	}
}

// Run sends until ctx ends, then what is queued, once.
func (e *Exporter) Run(ctx context.Context) error {
	pause := time.Duration(0)
	for {
		batch, more := e.gather(ctx)
		if len(batch) > 0 {
			work, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
			if !more {
				cancel()
				work, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			}
			err := e.send(work, batch)
			cancel()
			if err != nil {
				e.o.Count(0, len(batch))
				e.o.Fail(err)
				pause = min(max(2*pause, time.Second), lastPause)
			} else {
				e.o.Count(len(batch), 0)
				pause = 0
			}
		}
		if !more {
			return nil
		}
		if pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

// gather waits for spans and takes what comes within a moment. It reports
// whether there will be more.
func (e *Exporter) gather(ctx context.Context) (batch []pipeline.Span, more bool) {
	var late <-chan time.Time
	for len(batch) < batchSpans {
		select {
		case s := <-e.queue:
			batch = append(batch, s)
			if late == nil {
				late = time.After(linger)
			}
		case <-late:
			return batch, true
		case <-ctx.Done():
			select {
			case s := <-e.queue:
				batch = append(batch, s)
			default:
				return batch, false
			}
		}
	}
	return batch, true
}

func (e *Exporter) send(ctx context.Context, batch []pipeline.Span) error {
	text, err := json.Marshal(e.request(batch))
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(text))
	if err != nil {
		return errors.New("send spans: the endpoint is not a URL")
	}
	req.Header.Set("Content-Type", "application/json")
	if e.o.Authorization != "" {
		req.Header.Set("Authorization", string(e.o.Authorization))
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("send spans: %w", outbound.Cause(err, outbound.Secrets(string(e.o.Authorization))...))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("send spans: the collector answers %d", resp.StatusCode)
	}
	return nil
}

// The JSON form of an export request (OTLP 1, trace.proto): ids are hexadecimal,
// 64-bit numbers are strings.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		Parent     string      `json:"parentSpanId,omitempty"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes,omitempty"`
		Links      []link      `json:"links,omitempty"`
		Dropped    int         `json:"droppedLinksCount,omitempty"`
		Status     *status     `json:"status,omitempty"`
	}
	link struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	status struct {
		Code int `json:"code"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		Text string `json:"stringValue,omitempty"`
		Int  string `json:"intValue,omitempty"`
	}
)

const (
	kindInternal = 1
	statusError  = 2
)

func (e *Exporter) request(batch []pipeline.Span) request {
	var ss scopeSpans
	ss.Scope.Name = "signalbox"
	for i := range batch {
		s := &batch[i]
		out := span{
			TraceID: hex.EncodeToString(s.Ref.Trace[:]), SpanID: hex.EncodeToString(s.Ref.Span[:]), Name: s.Name, Kind: kindInternal,
			Start: strconv.FormatInt(s.Start.UnixNano(), 10), End: strconv.FormatInt(s.End.UnixNano(), 10),
			Attributes: []attribute{{"signalbox.items", value{Int: strconv.Itoa(s.Items)}}}, Dropped: s.Dropped,
		}
		if s.Parent != [8]byte{} {
			out.Parent = hex.EncodeToString(s.Parent[:])
		}
		if s.Target != "" {
			out.Attributes = append(out.Attributes, attribute{"signalbox.target", value{Text: s.Target}})
		}
		for _, l := range s.Links {
			out.Links = append(out.Links, link{hex.EncodeToString(l.Trace[:]), hex.EncodeToString(l.Span[:])})
		}
		if s.Failed {
			out.Status = &status{statusError}
		}
		ss.Spans = append(ss.Spans, out)
	}
	return request{[]resourceSpans{{
		Resource: resource{[]attribute{
			{"service.name", value{Text: "signalbox"}}, {"service.version", value{Text: e.o.Version}}, {"service.instance.id", value{Text: e.o.Node}},
		}},
		ScopeSpans: []scopeSpans{ss},
	}}}
}
