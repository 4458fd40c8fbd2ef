package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// open opens a sink for a URL on this machine.
func open(t testing.TB, url string, change ...func(*Config)) *sink {
	t.Helper()
	c := &Config{URL: url, Authorization: "Bearer hush-hush", AllowPrivate: true}
	for _, f := range change {
		f(c)
	}
	if problems := c.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	s, err := c.Open(kind.Env{Name: "directory", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.(*sink).Close() })
	return s.(*sink)
}

func order(r *pipeline.Request) pipeline.Order {
	return pipeline.Order{ActionID: "a-0123", Type: "disable-account", Rule: "leaver", Request: r, Made: now, Stream: "directory"}
}

// call prepares a request and delivers it once.
func call(t testing.TB, s *sink, r *pipeline.Request) pipeline.Result {
	t.Helper()
	text, err := s.Prepare(t.Context(), order(r))
	if err != nil {
		t.Fatal(err)
	}
	return deliver(t, s, text)
}

func deliver(t testing.TB, s *sink, text []byte) pipeline.Result {
	t.Helper()
	results, err := s.Deliver(t.Context(), []pipeline.Delivery{{ID: "a-0123/0", Key: "k", Kind: "action", Payload: text, Attempt: 1}})
	if err != nil || len(results) != 1 {
		t.Fatalf("Deliver: %v, %v", results, err)
	}
	return results[0]
}

// prepared lets the suite speak of bodies: it makes the request of each first.
type prepared struct{ *sink }

func (p prepared) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	made := slices.Clone(batch)
	for i, d := range batch {
		var err error
		if made[i].Payload, err = p.Prepare(ctx, order(&pipeline.Request{Body: d.Payload})); err != nil {
			return nil, err
		}
	}
	return p.sink.Deliver(ctx, made)
}

type target struct{ *pipelinetest.PushReceiver }

func (t target) Become(m pipelinetest.Mood) bool {
	t.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		switch m {
		case pipelinetest.Busy:
			return pipelinetest.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1}
		case pipelinetest.Hostile:
			return pipelinetest.Answer{Status: http.StatusUnprocessableEntity}
		}
		return pipelinetest.Answer{Status: http.StatusOK}
	})
	return true
}

func TestConformance(t *testing.T) {
	pipelinetest.TestSink(t, func(t *testing.T) (pipeline.Sink, pipelinetest.Target) {
		r := pipelinetest.NewPushReceiver(t)
		return prepared{open(t, r.URL)}, target{r}
	})
}

// TestRequest is what a peer sees.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	s := open(t, srv.URL+"/api/v1/?tenant=7", func(c *Config) {
		c.Headers = map[string]string{"X-Team": "soc", "content-type": "application/scim+json"}
		c.SecretHeaders = map[string]pipeline.Secret{"X-Api-Key": "hush-key"}
	})
	res := call(t, s, &pipeline.Request{Method: "PATCH", Path: "/Users/jane%40example.com%2Fx?dry=false", Body: []byte(`{"active":false}`)})
	if res.Err != nil || res.Info != "200" {
		t.Fatalf("%+v", res)
	}
	if got.Method != "PATCH" || got.RequestURI != "/api/v1/Users/jane%40example.com%2Fx?tenant=7&dry=false" || string(body) != `{"active":false}` {
		t.Errorf("%s %s %s", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/scim+json", "Accept": "application/json", "User-Agent": "signalbox", "X-Team": "soc",
		"X-Api-Key": "hush-key", "Authorization": "Bearer hush-hush", "Idempotency-Key": "a-0123/0", "Accept-Encoding": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}

	none, own := "", "X-Request-Id"
	call(t, open(t, srv.URL, func(c *Config) { c.IdempotencyHeader = &none; c.Method = "DELETE"; c.Authorization = "" }), &pipeline.Request{})
	if got.Method != "DELETE" || len(body) > 0 || got.RequestURI != "/" {
		t.Errorf("%s %s %q", got.Method, got.RequestURI, body)
	}
	for _, name := range []string{"Idempotency-Key", "Authorization", "Content-Type"} {
		if v, ok := got.Header[name]; ok {
			t.Errorf("%s: %q was sent", name, v)
		}
	}
	call(t, open(t, srv.URL, func(c *Config) { c.IdempotencyHeader = &own }), &pipeline.Request{})
	if got.Header.Get(own) != "a-0123/0" {
		t.Errorf("headers %v", got.Header)
	}
}

// TestStatement: an event that is emitted is posted whole.
func TestStatement(t *testing.T) {
	r := pipelinetest.NewPushReceiver(t)
	s := open(t, r.URL)
	subject, err := event.NewSimple("email", "email", "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	o := order(nil)
	o.Event, o.Subject, o.Body, o.Txn = "session-revoked", subject, []byte(`{"event_timestamp":1772366400}`), "t-1"
	text, err := s.Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.Prepare(t.Context(), o); string(again) != string(text) {
		t.Error("the same order makes other bytes")
	}
	deliver(t, s, text)
	const want = `{"action":"a-0123","rule":"leaver","type":"disable-account","event":"session-revoked",` +
		`"subject":{"format":"email","email":"jane@example.com"},"body":{"event_timestamp":1772366400},"txn":"t-1","made":"2026-03-01T12:00:00Z"}`
	if got := r.Taken(); len(got) != 1 || got[0] != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := open(t, r.URL, func(c *Config) { c.Method = "DELETE" }).Prepare(t.Context(), o); !errors.As(err, new(*pipeline.FinalError)) {
		t.Errorf("an event sent by DELETE: %v", err)
	}
}

// TestAnswers is the table of the package comment.
func TestAnswers(t *testing.T) {
	const (
		done  = "done"
		dead  = "dead"
		hold  = "hold"
		retry = "retry"
	)
	plain := func(*Config) {}
	told := func(c *Config) { c.Success = []int{200, 204}; c.Already = []int{404, 409}; c.Refused = []int{403, 503} }
	for name, c := range map[string]struct {
		config func(*Config)
		answer pipelinetest.Answer
		want   string
		info   string
		after  time.Duration
	}{
		"200":                      {plain, pipelinetest.Answer{Status: 200, Body: "anything"}, done, "200", 0},
		"202":                      {plain, pipelinetest.Answer{Status: 202}, done, "202", 0},
		"204":                      {plain, pipelinetest.Answer{Status: 204}, done, "204", 0},
		"endless success":          {plain, pipelinetest.Answer{Status: 200, Body: strings.Repeat("x", 1<<20)}, done, "200", 0},
		"400":                      {plain, pipelinetest.Answer{Status: 400, Code: "x"}, dead, "400", 0},
		"409":                      {plain, pipelinetest.Answer{Status: 409}, dead, "409", 0},
		"410":                      {plain, pipelinetest.Answer{Status: 410}, dead, "410", 0},
		"413":                      {plain, pipelinetest.Answer{Status: 413}, dead, "413", 0},
		"422":                      {plain, pipelinetest.Answer{Status: 422}, dead, "422", 0},
		"401":                      {plain, pipelinetest.Answer{Status: 401}, hold, "401", outbound.HoldFor},
		"403":                      {plain, pipelinetest.Answer{Status: 403, RetryAfter: 1200}, hold, "403", 20 * time.Minute},
		"404":                      {plain, pipelinetest.Answer{Status: 404}, hold, "404", outbound.HoldFor},
		"405":                      {plain, pipelinetest.Answer{Status: 405}, hold, "405", outbound.HoldFor},
		"301":                      {plain, pipelinetest.Answer{Status: 301, Header: http.Header{"Location": {"/elsewhere"}}}, hold, "301", outbound.HoldFor},
		"307":                      {plain, pipelinetest.Answer{Status: 307, Header: http.Header{"Location": {"http://169.254.169.254/"}}}, hold, "307", outbound.HoldFor},
		"408":                      {plain, pipelinetest.Answer{Status: 408}, retry, "408", 0},
		"425":                      {plain, pipelinetest.Answer{Status: 425}, retry, "425", 0},
		"429 in seconds":           {plain, pipelinetest.Answer{Status: 429, RetryAfter: 17}, retry, "429", 17 * time.Second},
		"503 until a date":         {plain, pipelinetest.Answer{Status: 503, Header: http.Header{"Retry-After": {now.Add(90 * time.Second).Format(http.TimeFormat)}}}, retry, "503", 90 * time.Second},
		"503 for too long":         {plain, pipelinetest.Answer{Status: 503, RetryAfter: 1 << 30}, retry, "503", outbound.LongestFor},
		"500":                      {plain, pipelinetest.Answer{Status: 500}, retry, "500", 0},
		"501":                      {plain, pipelinetest.Answer{Status: 501}, hold, "501", outbound.HoldFor},
		"599":                      {plain, pipelinetest.Answer{Status: 599}, retry, "599", 0},
		"configured success":       {told, pipelinetest.Answer{Status: 204}, done, "204", 0},
		"2xx that is no success":   {told, pipelinetest.Answer{Status: 202}, hold, "202", outbound.HoldFor},
		"already so":               {told, pipelinetest.Answer{Status: 409}, done, "409 already so", 0},
		"not there any more":       {told, pipelinetest.Answer{Status: 404}, done, "404 already so", 0},
		"refused, as configured":   {told, pipelinetest.Answer{Status: 503}, dead, "503", 0},
		"refused 403":              {told, pipelinetest.Answer{Status: 403}, dead, "403", 0},
		"conflict, not configured": {told, pipelinetest.Answer{Status: 412}, dead, "412", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := pipelinetest.NewPushReceiver(t)
			r.Answer(func(pipelinetest.Pushed) pipelinetest.Answer { return c.answer })
			res := call(t, open(t, r.URL, c.config), &pipeline.Request{Body: []byte(`{}`)})
			got := retry
			switch {
			case res.Err == nil:
				got = done
			case errors.As(res.Err, new(*pipeline.FinalError)):
				got = dead
			case res.After >= outbound.HoldFor && c.want == hold:
				got = hold
			}
			if got != c.want || res.Info != c.info || res.After != c.after {
				t.Errorf("%s, info %q, after %v, error %v; want %s, %q, %v", got, res.Info, res.After, res.Err, c.want, c.info, c.after)
			}
			if n := len(r.Pushes()); n != 1 {
				t.Errorf("%d requests were made for one try", n)
			}
		})
	}
}

// TestWhatIsTold: of an answer one clean sentence, of the request nothing.
func TestWhatIsTold(t *testing.T) {
	for body, want := range map[string]string{
		`{"detail":"user is locked","title":"Conflict"}`:                   "422: refused by directory: user is locked",
		`{"error":"invalid_grant","error_description":"no\u001b[2J\nway"}`: "422: refused by directory: no?[2J way",
		`{"error":{"message":"nested"}}`:                                   "422: refused by directory: nested",
		`{"message":"bad token Bearer hush-hush"}`:                         "422: refused by directory: Unprocessable Entity",
		`{"message":"bad token hush-hush"}`:                                "422: refused by directory: Unprocessable Entity",
		`{"message":"no such path /hook/hush"}`:                            "422: refused by directory: Unprocessable Entity",
		`{"message":12}`:                                                   "422: refused by directory: Unprocessable Entity",
		`<html>down</html>`:                                                "422: refused by directory: Unprocessable Entity",
		``:                                                                 "422: refused by directory: Unprocessable Entity",
		`{"message":"` + strings.Repeat("y", 5000) + `"}`:                  "422: refused by directory: " + strings.Repeat("y", 300) + " ...",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, body)
		}))
		res := call(t, open(t, srv.URL+"/hook/hush"), &pipeline.Request{Path: "/a", Body: []byte(`{"x":"hush"}`)})
		if res.Err == nil || res.Err.Error() != want {
			t.Errorf("error %v\nwant  %s", res.Err, want)
		}
		srv.Close()
	}
}

// TestHostilePeers: none of them holds the sink, and none makes it tell what it
// sent.
func TestHostilePeers(t *testing.T) {
	drip := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for i := range text {
				if _, err := io.WriteString(c, text[i:i+1]); err != nil {
					return
				}
				<-tick.C
			}
		}
	}
	forever := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		}
	}
	for name, c := range map[string]struct {
		serve func(net.Conn)
		taken bool
	}{
		"silence":         {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, false},
		"cut off":         {func(net.Conn) {}, false},
		"slow headers":    {drip("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1000)), false},
		"endless headers": {forever("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1000) + "\r\nX: y\r\n"), false},
		"interim answers": {forever("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), false},
		"garbage":         {forever("\x00\xff\x1b[2J garbage\r\n"), false},
		"an echo":         {func(c net.Conn) { _, _ = io.WriteString(c, "Authorization: Bearer hush-hush\r\n\r\n") }, false},
		"switch": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, false},
		"endless body": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			forever("10\r\n0123456789abcdef\r\n")(c)
		}, true},
		"a success, then silence": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
			_, _ = io.Copy(io.Discard, c)
		}, true},
		"compressed": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, "http://127.0.0.1:1/hush?key=hush")
				var peers sync.WaitGroup
				s.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					peers.Go(func() {
						defer theirs.Close()
						_, _ = theirs.Read(make([]byte, 4096))
						c.serve(theirs)
					})
					return ours, nil
				}
				start := time.Now()
				res := call(t, s, &pipeline.Request{Path: "/jane", Body: []byte(`{"x":"hush"}`)})
				if took := time.Since(start); took > 15*time.Second {
					t.Errorf("it took %v", took)
				}
				if (res.Err == nil) != c.taken || errors.As(res.Err, new(*pipeline.FinalError)) {
					t.Errorf("result %+v", res)
				}
				if text := fmt.Sprint(res.Err, res.Info); strings.Contains(text, "hush") || strings.Contains(text, "jane") || strings.ContainsAny(text, "\x1b\x00\n") || len(text) > 600 {
					t.Errorf("told %q", text)
				}
				peers.Wait()
			})
		})
	}
}

func TestPrivateAddress(t *testing.T) {
	s := open(t, "https://localhost:1/", func(c *Config) { c.AllowPrivate = true })
	refusing, err := outbound.Options{URL: "https://localhost:1/"}.Client(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	s.client = refusing
	res := call(t, s, &pipeline.Request{})
	if !errors.Is(res.Err, outbound.ErrAddress) || res.After != outbound.HoldFor || res.Info != "address refused" {
		t.Errorf("result %+v, want a held delivery", res)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "https://api.example.com/")
		s.client = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		start := time.Now()
		res := call(t, s, &pipeline.Request{})
		if took := time.Since(start); took != 15*time.Second || !errors.Is(res.Err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, res.Err)
		}
	})
}

// TestStoredElsewhere: what waits goes where the configuration says now, and
// what is damaged ends.
func TestStoredElsewhere(t *testing.T) {
	r := pipelinetest.NewPushReceiver(t)
	text, err := open(t, "http://127.0.0.1:1/old").Prepare(t.Context(), order(&pipeline.Request{Body: []byte(`{"a":1}`)}))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, r.URL)
	if res := deliver(t, s, text); res.Err != nil || !slices.Equal(r.Taken(), []string{`{"a":1}`}) {
		t.Errorf("%+v, %q", res, r.Taken())
	}
	for _, damaged := range []string{"", "null", "[]", "token", `{"method":"BREW"}`, `{"method":"POST","path":"/../x"}`, `{"method":"POST","path":"//169.254.169.254/"}`} {
		if res := deliver(t, s, []byte(damaged)); !errors.As(res.Err, new(*pipeline.FinalError)) {
			t.Errorf("%q: %+v, want refused for good", damaged, res)
		}
	}
	if n := len(r.Pushes()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, e := range []envelope{{"POST", "/Users/jane%40example.com?x=y", []byte("{}")}, {"DELETE", "", nil}, {"GET", "/a/%2e%2e/b", nil}, {"POST", "//evil.example.com/", nil}} {
		text, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	s := open(f, "https://api.example.com/v1/?key=1")
	f.Fuzz(func(t *testing.T, text []byte) {
		_, u, err := s.open(text)
		if err != nil {
			return
		}
		staysBelow(t, u.String(), "https://api.example.com/v1/")
	})
}
