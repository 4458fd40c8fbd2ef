package transmitter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 700e6, time.UTC)

// signers generates one key per algorithm.
func signers(alg string) (kind.Signer, error) { return jose.GenerateSigner(alg) }

// open opens a sink for an endpoint on this machine.
func open(t testing.TB, endpoint string, change ...func(*Config)) *sink {
	t.Helper()
	c := &Config{
		Issuer: "https://signals.example.com", Audience: []string{"https://app.example.com"},
		Push: &Push{Endpoint: endpoint, Authorization: "Bearer hush-hush", AllowPrivate: true},
	}
	for _, f := range change {
		f(c)
	}
	s, err := c.Open(kind.Env{Name: "app", Signer: signers, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.(*sink).Close() })
	return s.(*sink)
}

// one delivers a single token.
func one(t testing.TB, s *sink, token string) pipeline.Result {
	t.Helper()
	results, err := s.Deliver(t.Context(), []pipeline.Delivery{{ID: "a-1", Key: "k", Kind: "action", Payload: []byte(token), Attempt: 1}})
	if err != nil || len(results) != 1 {
		t.Fatalf("Deliver: %v, %v", results, err)
	}
	return results[0]
}

// target is a fake receiver as the suite sees it.
type target struct{ *pipelinetest.PushReceiver }

func (t target) Become(m pipelinetest.Mood) bool {
	t.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		switch m {
		case pipelinetest.Busy:
			return pipelinetest.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1}
		case pipelinetest.Hostile:
			return pipelinetest.Answer{Status: http.StatusBadRequest, Code: pipeline.InvalidAudience}
		}
		return pipelinetest.Answer{}
	})
	return true
}

func TestConformance(t *testing.T) {
	pipelinetest.TestSink(t, func(t *testing.T) (pipeline.Sink, pipelinetest.Target) {
		r := pipelinetest.NewPushReceiver(t)
		return open(t, r.URL), target{r}
	})
}

func TestPrepare(t *testing.T) {
	s := open(t, "http://127.0.0.1:1/")
	subject, err := event.NewSimple("email", "email", "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	order := pipeline.Order{
		ActionID: "a-0123", Type: "revoke-session", Event: "session-revoked", Subject: subject,
		Body: []byte(`{"event_timestamp":1772366400}`), Txn: "t-1", Stream: "app",
	}
	token, err := s.Prepare(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		t.Fatalf("token has %d parts", len(parts))
	}
	var header, claims map[string]any
	decode(t, parts[0], &header)
	decode(t, parts[1], &claims)
	req.Equal(t, "SET-01 SET-20", fmt.Sprint(header["typ"], " ", header["alg"]), "secevent+jwt ES256")
	want := map[string]any{
		"iss": "https://signals.example.com", "aud": "https://app.example.com",
		"iat": float64(now.Unix()), "jti": pipeline.TokenID("a-0123", "app"), "txn": "t-1",
		"sub_id": map[string]any{"format": "email", "email": "jane@example.com"},
		"events": map[string]any{
			"https://schemas.openid.net/secevent/caep/event-type/session-revoked": map[string]any{"event_timestamp": 1772366400.0},
		},
	}
	req.Equal(t, "SSF-TX-04 SET-02 SET-04 SET-05 SET-06 SET-07 SET-08 SET-09 SET-13 SET-14 SET-16 SET-17", fmt.Sprint(claims), fmt.Sprint(want))

	profile := open(t, "http://127.0.0.1:1/", func(c *Config) { c.Algorithm = "RS256" })
	if token, err = profile.Prepare(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	parts = strings.Split(string(token), ".")
	decode(t, parts[0], &header)
	req.Equal(t, "INTEROP-19", header["alg"], any("RS256"))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	req.True(t, "INTEROP-20", err == nil && len(signature) >= 2048/8, "the signature has %d bytes, %v", len(signature), err)

	order.Event = "no-such-event"
	if _, err := s.Prepare(t.Context(), order); err == nil || !strings.Contains(err.Error(), "no-such-event") {
		t.Errorf("error %v for an unknown event", err)
	}
	order.Event, order.Body = "session-revoked", []byte(`[]`)
	if _, err := s.Prepare(t.Context(), order); err == nil {
		t.Error("a payload that is no object was signed")
	}
	order.Body, order.Subject = nil, event.Subject{}
	if _, err := s.Prepare(t.Context(), order); err == nil {
		t.Error("a token without a subject was signed")
	}
}

func decode(t testing.TB, part string, into any) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRequest(t *testing.T) {
	r := pipelinetest.NewPushReceiver(t)
	if res := one(t, open(t, r.URL), "a.b.c"); res.Err != nil || res.Info != "202" {
		t.Errorf("result %+v", res)
	}
	p := r.Pushes()[0]
	req.Equal(t, "PUSH-01", p.Method+" "+p.Token, "POST a.b.c")
	for name, want := range map[string]string{
		"Content-Type": "application/secevent+jwt", "Accept": "application/json",
		"Authorization": "Bearer hush-hush", "User-Agent": "signalbox",
	} {
		ids := "PUSH-01"
		if name == "Authorization" {
			ids = "SSF-TX-30"
		}
		req.Equal(t, ids, p.Header.Get(name), want)
	}
	r = pipelinetest.NewPushReceiver(t)
	one(t, open(t, r.URL, func(c *Config) { c.Push.Authorization = "" }), "a.b.c")
	h, ok := r.Pushes()[0].Header["Authorization"]
	req.True(t, "SSF-TX-30", !ok, "Authorization %q was sent without one being configured", h)
}

// TestAnswers is PUSH-12 as a table.
func TestAnswers(t *testing.T) {
	const (
		done  = "done"
		dead  = "dead"
		hold  = "hold"
		retry = "retry"
	)
	for name, c := range map[string]struct {
		answer pipelinetest.Answer
		want   string
		info   string
		code   string // of the final error
		after  time.Duration
	}{
		"202":                       {pipelinetest.Answer{}, done, "202", "", 0},
		"202 with a body":           {pipelinetest.Answer{Body: "thanks"}, done, "202", "", 0},
		"200":                       {pipelinetest.Answer{Status: 200, Body: `{"err":"invalid_request"}`}, done, "200 instead of 202", "", 0},
		"204":                       {pipelinetest.Answer{Status: 204}, done, "204 instead of 202", "", 0},
		"invalid_request":           {pipelinetest.Answer{Status: 400, Code: "invalid_request"}, dead, "400 invalid_request", "invalid_request", 0},
		"invalid_issuer":            {pipelinetest.Answer{Status: 400, Code: "invalid_issuer"}, dead, "400 invalid_issuer", "invalid_issuer", 0},
		"invalid_audience":          {pipelinetest.Answer{Status: 400, Code: "invalid_audience"}, dead, "400 invalid_audience", "invalid_audience", 0},
		"invalid_state":             {pipelinetest.Answer{Status: 400, Code: "invalid_state"}, dead, "400 invalid_state", "invalid_state", 0},
		"authentication_failed":     {pipelinetest.Answer{Status: 400, Code: "authentication_failed"}, hold, "400 authentication_failed", "", outbound.HoldFor},
		"access_denied":             {pipelinetest.Answer{Status: 400, Code: "access_denied"}, hold, "400 access_denied", "", outbound.HoldFor},
		"invalid_key":               {pipelinetest.Answer{Status: 400, Code: "invalid_key"}, hold, "400 invalid_key", "", outbound.HoldFor},
		"invalid_key, patient":      {pipelinetest.Answer{Status: 400, Code: "invalid_key", RetryAfter: 1200}, hold, "400 invalid_key", "", 20 * time.Minute},
		"400, unknown code":         {pipelinetest.Answer{Status: 400, Code: "jwtFormat"}, dead, "400", "400", 0},
		"400, no object":            {pipelinetest.Answer{Status: 400, Body: "<html>"}, dead, "400", "400", 0},
		"400, nothing":              {pipelinetest.Answer{Status: 400}, dead, "400", "400", 0},
		"401":                       {pipelinetest.Answer{Status: 401}, hold, "401", "", outbound.HoldFor},
		"403":                       {pipelinetest.Answer{Status: 403}, hold, "403", "", outbound.HoldFor},
		"404":                       {pipelinetest.Answer{Status: 404}, hold, "404", "", outbound.HoldFor},
		"405":                       {pipelinetest.Answer{Status: 405}, hold, "405", "", outbound.HoldFor},
		"415":                       {pipelinetest.Answer{Status: 415}, hold, "415", "", outbound.HoldFor},
		"302":                       {pipelinetest.Answer{Status: 302, Header: http.Header{"Location": {"/elsewhere"}}}, hold, "302", "", outbound.HoldFor},
		"307":                       {pipelinetest.Answer{Status: 307, Header: http.Header{"Location": {"/elsewhere"}}}, hold, "307", "", outbound.HoldFor},
		"410":                       {pipelinetest.Answer{Status: 410}, dead, "410", "410", 0},
		"413":                       {pipelinetest.Answer{Status: 413}, dead, "413", "413", 0},
		"422":                       {pipelinetest.Answer{Status: 422}, dead, "422", "422", 0},
		"408":                       {pipelinetest.Answer{Status: 408}, retry, "408", "", 0},
		"425":                       {pipelinetest.Answer{Status: 425}, retry, "425", "", 0},
		"429":                       {pipelinetest.Answer{Status: 429, RetryAfter: 17}, retry, "429", "", 17 * time.Second},
		"500":                       {pipelinetest.Answer{Status: 500}, retry, "500", "", 0},
		"500 with an error object":  {pipelinetest.Answer{Status: 500, Code: "invalid_request"}, retry, "500", "", 0},
		"502":                       {pipelinetest.Answer{Status: 502}, retry, "502", "", 0},
		"503":                       {pipelinetest.Answer{Status: 503, RetryAfter: 2}, retry, "503", "", 2 * time.Second},
		"503, later than is wise":   {pipelinetest.Answer{Status: 503, RetryAfter: 1 << 30}, retry, "503", "", outbound.LongestFor},
		"503 until a date":          {pipelinetest.Answer{Status: 503, Header: http.Header{"Retry-After": {now.Add(90 * time.Second).Format(http.TimeFormat)}}}, retry, "503", "", 89300 * time.Millisecond},
		"501":                       {pipelinetest.Answer{Status: 501}, hold, "501", "", outbound.HoldFor},
		"599":                       {pipelinetest.Answer{Status: 599}, retry, "599", "", 0},
		"400 and a very long body":  {pipelinetest.Answer{Status: 400, Body: `{"err":"invalid_key","description":"` + strings.Repeat("x", 100<<10) + `"}`}, dead, "400", "400", 0},
		"202 and a very long body":  {pipelinetest.Answer{Body: strings.Repeat("x", 1<<20)}, done, "202", "", 0},
		"503 and a very long body":  {pipelinetest.Answer{Status: 503, Body: strings.Repeat("x", 1<<20)}, retry, "503", "", 0},
		"503 with a senseless wait": {pipelinetest.Answer{Status: 503, Header: http.Header{"Retry-After": {"soon"}}}, retry, "503", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := pipelinetest.NewPushReceiver(t)
			r.Answer(func(pipelinetest.Pushed) pipelinetest.Answer { return c.answer })
			res := one(t, open(t, r.URL), "a.b.c")
			var final *pipeline.FinalError
			got := retry
			switch {
			case res.Err == nil:
				got = done
			case errors.As(res.Err, &final):
				got = dead
				if final.Code != c.code {
					t.Errorf("final with code %q, want %q", final.Code, c.code)
				}
			case res.After >= outbound.HoldFor && c.want == hold:
				got = hold
			}
			ids := "PUSH-12"
			if strings.HasPrefix(name, "401") || strings.HasPrefix(name, "authentication") {
				ids += " PUSH-19"
			}
			req.Equal(t, ids, fmt.Sprintf("%s, %q after %v", got, res.Info, res.After), fmt.Sprintf("%s, %q after %v", c.want, c.info, c.after))
			req.Equal(t, "PUSH-11", len(r.Pushes()), 1)
			if res.Err != nil && strings.Contains(res.Err.Error(), "hush") {
				t.Errorf("the error shows the secret: %v", res.Err)
			}
		})
	}
}

func TestDescriptionIsMadeSafe(t *testing.T) {
	r := pipelinetest.NewPushReceiver(t)
	r.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		return pipelinetest.Answer{Status: 400, Body: `{"err":"invalid_request","description":"line\nbreak\u001b[2J ` + strings.Repeat("y", 5000) + `"}`}
	})
	text := one(t, open(t, r.URL), "a.b.c").Err.Error()
	if strings.ContainsAny(text, "\n\x1b") || len(text) > 500 || !strings.Contains(text, "line break") {
		t.Errorf("error %q", text)
	}
}

// TestEchoIsNotTold: what a receiver repeats of our credentials gets into no log
// and no journal.
func TestEchoIsNotTold(t *testing.T) {
	const bad = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
	for name, answer := range map[string]string{
		"description":      bad + `{"err":"invalid_request","description":"you sent Bearer hush-hush"}`,
		"credentials only": bad + `{"err":"invalid_request","description":"you sent hush\u002dhush"}`,
		"at the cut":       bad + `{"err":"invalid_request","description":"` + strings.Repeat("x", 294) + ` hush-hush"}`,
		"code":             bad + `{"err":"hush-hush"}`,
		"no HTTP":          "Authorization: Bearer hush-hush\r\n\r\n",
		"status line":      "HTTP/1.1 hush-hush\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = c.Write([]byte(answer))
				c.Close()
			}))
			defer srv.Close()
			res := one(t, open(t, srv.URL), "a.b.c")
			if res.Err == nil || strings.Contains(fmt.Sprint(res.Err, res.Info), "hush") {
				t.Errorf("told %v, %q", res.Err, res.Info)
			}
		})
	}
}

func TestNetworkFaults(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer slow.Close()
	defer close(hang)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"err":"invalid_`)
	}))
	defer half.Close()
	huge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		w.WriteHeader(http.StatusAccepted)
	}))
	defer huge.Close()
	for name, url := range map[string]string{
		"no answer in time": slow.URL, "cut off": cut.URL, "half an error object": half.URL,
		"huge header": huge.URL, "nobody there": "http://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, url+"/events?key=hush", func(c *Config) { c.Push.Timeout = 200 * time.Millisecond })
			res := one(t, s, "a.b.c")
			if res.Err == nil || errors.As(res.Err, new(*pipeline.FinalError)) || res.Info != "no answer" {
				t.Errorf("result %+v, want to be tried again", res)
			}
			if strings.Contains(fmt.Sprint(res.Err), "hush") {
				t.Errorf("the error shows the query: %v", res.Err)
			}
		})
	}
}

// TestPrivateAddress: the resolved address is checked, whatever the name.
func TestPrivateAddress(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a connection was made")
	}))
	defer srv.Close()
	url := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	s := open(t, url, func(c *Config) { c.Push.AllowPrivate = false })
	res := one(t, s, "a.b.c")
	if !errors.Is(res.Err, outbound.ErrAddress) || res.After != outbound.HoldFor || res.Info != "address refused" {
		t.Errorf("result %+v, want a held delivery", res)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	res := one(t, open(t, srv.URL), "a.b.c")
	req.True(t, "PUSH-13", res.Err != nil, "a certificate of an unknown authority was taken")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, srv.URL, func(c *Config) { c.Push.CAFile = ca })
	if res := one(t, s, "a.b.c"); res.Err != nil {
		t.Errorf("with the authority given: %v", res.Err)
	}
}

// TestBoundedConcurrency: all batches together keep to the bound.
func TestBoundedConcurrency(t *testing.T) {
	var inside, most atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := inside.Add(1)
		defer inside.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	s := open(t, srv.URL, func(c *Config) { c.Push.MaxInFlight = 3 })
	var wg sync.WaitGroup
	for b := range 4 {
		wg.Go(func() {
			var batch []pipeline.Delivery
			for i := range 30 {
				id := fmt.Sprintf("a-%d-%d", b, i)
				batch = append(batch, pipeline.Delivery{ID: id, Key: id, Payload: []byte(id)})
			}
			results, err := s.Deliver(t.Context(), batch)
			if err != nil || slices.ContainsFunc(results, func(r pipeline.Result) bool { return r.Err != nil }) {
				t.Errorf("%v, %v", results, err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 {
		t.Errorf("%d pushes at a time, want at most 3", most.Load())
	}
}

// transport answers without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Config{Push: &Push{Endpoint: "https://app.example.com/"}}
		s := newSink(c.Push, ssf.Mint{Sink: "app"}, kind.Env{}, &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		start := time.Now()
		res := s.client.Push(t.Context(), []byte("a.b.c"))
		if took := time.Since(start); took != 15*time.Second || !errors.Is(res.Err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, res.Err)
		}
	})
}
