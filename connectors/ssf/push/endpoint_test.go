package push

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

const secret = "Bearer 0123456789abcdef"

// endpoint opens a source on a server of its own.
func endpoint(t testing.TB, o Options) (e *Endpoint, url string) {
	t.Helper()
	bounds, problems := o.Bounds.Fill("")
	if problems != nil {
		t.Fatal(problems)
	}
	o.Source, o.Sender, o.Bounds = "idp", "https://idp.example.com", bounds
	if !o.Anonymous && o.Authorization == "" {
		o.Authorization = secret
	}
	mux := http.NewServeMux()
	e = New(o)
	mux.Handle(at, e)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return e, srv.URL + at
}

// at is where a test mounts its endpoint.
const at = "/ssf/idp/push"

// run runs a source until the test or the returned function ends it.
func run(t testing.TB, src *Endpoint, h pipeline.HandlerFunc) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	for !src.Ready() { // not for long: Run opens the queue first
		runtime.Gosched()
	}
	return stop
}

// post pushes a body the way a transmitter does; header values replace its own,
// an empty one removes it.
func post(t testing.TB, url, body string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", secret)
	for name, values := range header {
		req.Header[name] = values
		if len(values) == 0 {
			delete(req.Header, name)
		}
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) *http.Response {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// transmitter pushes bodies until they are settled: an upstream for the suite.
type transmitter struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	settled map[string]chan struct{} // closed when settled
}

func (u *transmitter) Offer(bodies ...string) {
	for _, b := range bodies {
		done := u.entry(b)
		go func() {
			defer close(done)
			for !u.push(b) {
				select {
				case <-time.After(time.Millisecond): // a peer waits before it tries again
				case <-u.t.Context().Done():
					return
				}
			}
		}()
	}
}

// push reports whether the body was answered for good.
func (u *transmitter) push(body string) bool {
	req, err := http.NewRequest(http.MethodPost, u.url, strings.NewReader(body))
	if err != nil {
		u.t.Error(err)
		return true
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusBadRequest:
		return true
	case http.StatusServiceUnavailable:
		if resp.Header.Get("Retry-After") == "" {
			u.t.Error("503 without Retry-After")
		}
		return false
	}
	u.t.Errorf("answered %s", resp.Status)
	return true
}

func (u *transmitter) entry(body string) chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.settled[body] == nil {
		u.settled[body] = make(chan struct{})
	}
	return u.settled[body]
}

func (u *transmitter) Settled(body string) (settled, known bool) {
	select {
	case <-u.entry(body):
		return true, true
	default:
		return false, true
	}
}

func (u *transmitter) Await(ctx context.Context, body string) error {
	select {
	case <-u.entry(body):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestConformance(t *testing.T) {
	pipelinetest.TestSource(t, func(t *testing.T) (pipeline.Source, pipelinetest.Upstream) {
		src, url := endpoint(t, Options{})
		return src, &transmitter{t: t, url: url, settled: map[string]chan struct{}{}}
	})
}

// gate is a handler that holds every batch until it is opened.
type gate struct {
	*pipelinetest.Recorder
	entered chan int // size of each batch
	open    chan struct{}
}

func newGate() *gate {
	return &gate{pipelinetest.NewRecorder(), make(chan int, 1000), make(chan struct{})}
}

func (g *gate) Handle(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
	g.entered <- len(msgs)
	<-g.open
	return g.Recorder.Handle(ctx, msgs)
}

// pushAsync pushes in the background and gives the answer.
func pushAsync(t *testing.T, url, body string) <-chan *http.Response {
	answered := make(chan *http.Response, 1)
	go func() { answered <- post(t, url, body, nil) }()
	return answered
}

func TestBatchesTakeWhatQueued(t *testing.T) {
	src, url := endpoint(t, Options{MaxBatch: 40})
	g := newGate()
	run(t, src, g.Handle)
	var answers []<-chan *http.Response
	for i := range workers {
		answers = append(answers, pushAsync(t, url, fmt.Sprintf("first-%d", i)))
		if n := <-g.entered; n != 1 {
			t.Fatalf("an idle worker waited for a batch of %d", n)
		}
	}
	// All workers are in a commit: these queue.
	for i := range 100 {
		answers = append(answers, pushAsync(t, url, fmt.Sprintf("queued-%d", i)))
	}
	for src.queued() < 100 {
		runtime.Gosched()
	}
	// One worker at a time is let go on: several would share what queues.
	var sizes []int
	for range 3 {
		g.open <- struct{}{}
		sizes = append(sizes, <-g.entered)
	}
	if want := []int{40, 40, 20}; !slices.Equal(sizes, want) {
		t.Errorf("100 queued messages went in batches of %v, want %v", sizes, want)
	}
	close(g.open)
	for _, a := range answers {
		if resp := <-a; resp.StatusCode != http.StatusAccepted {
			t.Errorf("answered %s", resp.Status)
		}
	}
}

// queued is the length of the queue.
func (e *Endpoint) queued() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.queue)
}

func TestEveryRequestHasItsOwnOutcome(t *testing.T) {
	src, url := endpoint(t, Options{})
	rec := pipelinetest.NewRecorder()
	rec.Reject("bad", &pipeline.RejectError{Code: pipeline.InvalidKey, Description: "key is revoked"})
	g := &gate{rec, make(chan int, 100), make(chan struct{})}
	run(t, src, g.Handle)
	for i := range workers {
		pushAsync(t, url, fmt.Sprintf("first-%d", i))
		<-g.entered
	}
	good, bad, more := pushAsync(t, url, "good"), pushAsync(t, url, "bad"), pushAsync(t, url, "more")
	for src.queued() < 3 {
		runtime.Gosched()
	}
	close(g.open)
	for _, c := range []struct {
		answer <-chan *http.Response
		want   int
	}{{good, 202}, {bad, 400}, {more, 202}} {
		if resp := <-c.answer; resp.StatusCode != c.want {
			t.Errorf("answered %s, want %d", resp.Status, c.want)
		}
	}
}

func TestInFlightBound(t *testing.T) {
	src, url := endpoint(t, Options{Bounds: Bounds{MaxInFlight: 2}})
	g := newGate()
	run(t, src, g.Handle)
	one := pushAsync(t, url, "one")
	<-g.entered
	two := pushAsync(t, url, "two")
	<-g.entered
	resp := post(t, url, "three", nil)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("answered %s, Retry-After %q; want 503 and 1", resp.Status, resp.Header.Get("Retry-After"))
	}
	close(g.open)
	for _, a := range []<-chan *http.Response{one, two} {
		if resp := <-a; resp.StatusCode != http.StatusAccepted {
			t.Errorf("answered %s", resp.Status)
		}
	}
	if resp := post(t, url, "three", nil); resp.StatusCode != http.StatusAccepted {
		t.Errorf("answered %s when slots are free again", resp.Status)
	}
}

// TestPeerGone: the message of a peer that went away is handled, and its slot
// is free again after that and not before.
func TestPeerGone(t *testing.T) {
	src, url := endpoint(t, Options{Bounds: Bounds{MaxInFlight: 1}})
	g := newGate()
	run(t, src, g.Handle)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("orphan"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", secret)
	left := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req)
		left <- err
	}()
	<-g.entered
	leave()
	if err := <-left; err == nil {
		t.Fatal("the peer did not leave")
	}
	if resp := post(t, url, "next", nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s while the slot is taken", resp.Status)
	}
	close(g.open)
	g.Await(t, "orphan")
}

func TestDrain(t *testing.T) {
	src, url := endpoint(t, Options{})
	if resp := post(t, url, "early", nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %s before Run", resp.Status)
	}
	g := newGate()
	stop := run(t, src, g.Handle)
	inFlight := pushAsync(t, url, "in flight")
	<-g.entered
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	for src.Ready() {
		runtime.Gosched()
	}
	late := post(t, url, "late", nil)
	if late.StatusCode != http.StatusServiceUnavailable || late.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s while draining, want 503 with Retry-After", late.Status)
	}
	close(g.open)
	if resp := <-inFlight; resp.StatusCode != http.StatusAccepted {
		t.Errorf("what was in flight was answered %s", resp.Status)
	}
	<-stopped
	if g.Times("late") != 0 || g.Times("in flight") != 1 {
		t.Errorf("handled %v", g.Messages())
	}
}

// BenchmarkPush is what the endpoint itself costs per message, over loopback
// with keep-alive, 64 peers at a time and a handler that does nothing.
func BenchmarkPush(b *testing.B) {
	src, url := endpoint(b, Options{})
	run(b, src, func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		return make([]pipeline.Receipt, len(msgs)), nil
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	body := strings.Repeat("x", 1000)
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/secevent+jwt")
			req.Header.Set("Authorization", secret)
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusAccepted {
				b.Errorf("answered %s", resp.Status)
			}
		}
	})
}
