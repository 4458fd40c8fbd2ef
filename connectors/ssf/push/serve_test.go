package push

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestAccepted(t *testing.T) {
	src, url := endpoint(t, Options{})
	rec := pipelinetest.NewRecorder()
	run(t, src, rec.Handle)
	for range 2 { // a repeat is answered as the first (PUSH-09)
		resp := post(t, url, "a.b.c", nil)
		req.Equal(t, "PUSH-02 PUSH-09", resp.Status+text(t, resp)+resp.Header.Get("Content-Type"), "202 Accepted")
	}
	m := rec.Messages()[0]
	if string(m.Body) != "a.b.c" || m.Source != "idp" || m.Sender != "https://idp.example.com" || m.RemoteAddr != "127.0.0.1" ||
		m.ContentType != "application/secevent+jwt" || m.Received.IsZero() {
		t.Errorf("message %+v", m)
	}
}

func TestAnonymousHasNoSender(t *testing.T) {
	src, url := endpoint(t, Options{Anonymous: true})
	rec := pipelinetest.NewRecorder()
	run(t, src, rec.Handle)
	post(t, url, "a.b.c", nil)
	if m := rec.Messages()[0]; m.Sender != "" {
		t.Errorf("sender %q of an anonymous push", m.Sender)
	}
}

func TestVerdictsAnsweredAlike(t *testing.T) {
	for _, v := range []pipeline.Verdict{pipeline.Accepted, pipeline.Repeated, pipeline.Reused, pipeline.Discarded} {
		a := New(Options{}).outcome(pipeline.Receipt{Verdict: v})
		req.True(t, "PUSH-09 PUSH-02 SUB-26", a.status == http.StatusAccepted && a.body == nil, "%s is answered %+v", v, a)
	}
}

func TestRejected(t *testing.T) {
	src, url := endpoint(t, Options{})
	rec := pipelinetest.NewRecorder()
	rec.Reject("stranger", &pipeline.RejectError{Code: pipeline.InvalidIssuer, Description: "iss \"x\"\n is unknown", Requirement: "SET-09", JTI: "j-1"})
	rec.Reject("unmapped", &pipeline.RejectError{Code: pipeline.Unmapped, Description: "no mapping"})
	run(t, src, rec.Handle)
	for body, want := range map[string]string{
		"stranger": `{"err":"invalid_issuer","description":"iss \"x\"  is unknown"}`,
		"unmapped": `{"err":"invalid_request","description":"no mapping"}`,
	} {
		resp := post(t, url, body, nil)
		req.Equal(t, "PUSH-03", resp.Status+" "+text(t, resp), "400 Bad Request "+want)
		req.Equal(t, "PUSH-03", resp.Header.Get("Content-Type"), "application/json")
		req.Equal(t, "PUSH-04 PUSH-05", resp.Header.Get("Content-Language"), "en")
	}
}

func TestHandlerErrors(t *testing.T) {
	for name, c := range map[string]struct {
		receipts []pipeline.Receipt
		err      error
		after    string
	}{
		"busy":           {nil, &pipeline.BusyError{Reason: "journal is full", After: 30 * time.Second}, "30"},
		"wrapped busy":   {nil, fmt.Errorf("handle: %w", &pipeline.BusyError{Reason: "x", After: 1500 * time.Millisecond}), "2"},
		"busy for ever":  {nil, &pipeline.BusyError{Reason: "x", After: 1000 * time.Hour}, "3600"},
		"busy, no time":  {nil, &pipeline.BusyError{Reason: "x"}, "5"},
		"fault":          {nil, errors.New("disk on /secret/path is gone"), "5"},
		"wrong number":   {make([]pipeline.Receipt, 2), nil, "5"},
		"none":           {nil, nil, "5"},
		"retry":          {[]pipeline.Receipt{{Retry: errors.New("keys of https://secret.example out of reach")}}, nil, "5"},
		"retry and busy": {[]pipeline.Receipt{{Retry: &pipeline.BusyError{After: 7 * time.Second}}}, nil, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			src, url := endpoint(t, Options{})
			run(t, src, func(context.Context, []pipeline.Message) ([]pipeline.Receipt, error) { return c.receipts, c.err })
			resp := post(t, url, "a.b.c", nil)
			req.Equal(t, "PUSH-06", resp.Status+", "+resp.Header.Get("Retry-After"), "503 Service Unavailable, "+c.after)
			if got := text(t, resp); got != "" {
				t.Errorf("the answer tells %q", got)
			}
		})
	}
}

func TestRefusedBeforeTheBody(t *testing.T) {
	src, url := endpoint(t, Options{Bounds: Bounds{MaxBytes: 2000}})
	rec := pipelinetest.NewRecorder()
	run(t, src, rec.Handle)
	type want struct {
		status int
		header string
		value  string
	}
	for name, c := range map[string]struct {
		id     string
		header http.Header
		body   string
		want   want
	}{
		"no content type":        {"PUSH-18", http.Header{"Content-Type": nil}, "a", want{415, "Accept", "application/secevent+jwt"}},
		"JSON":                   {"PUSH-18", http.Header{"Content-Type": {"application/json"}}, "a", want{415, "", ""}},
		"plain JWT":              {"PUSH-18", http.Header{"Content-Type": {"application/jwt"}}, "a", want{415, "", ""}},
		"garbage type":           {"PUSH-18", http.Header{"Content-Type": {"application/secevent+jwt/x"}}, "a", want{415, "", ""}},
		"two types":              {"PUSH-18", http.Header{"Content-Type": {"application/secevent+jwt", "text/plain"}}, "a", want{415, "", ""}},
		"type with parameter":    {"PUSH-18", http.Header{"Content-Type": {"Application/Secevent+JWT; charset=utf-8"}}, "a", want{202, "", ""}},
		"type, broken parameter": {"PUSH-18", http.Header{"Content-Type": {"application/secevent+jwt; charset"}}, "a", want{202, "", ""}},
		"no authorization":       {"PUSH-19 PUSH-17", http.Header{"Authorization": nil}, "a", want{401, "WWW-Authenticate", "Bearer"}},
		"wrong secret":           {"PUSH-19 PUSH-17", http.Header{"Authorization": {"Bearer 0123456789abcdeF"}}, "a", want{401, "WWW-Authenticate", "Bearer"}},
		"secret with more":       {"PUSH-19 PUSH-17", http.Header{"Authorization": {secret + "0"}}, "a", want{401, "", ""}},
		"other scheme":           {"PUSH-19 PUSH-17", http.Header{"Authorization": {"Basic 0123456789abcdef"}}, "a", want{401, "", ""}},
		"two values":             {"PUSH-19 PUSH-17", http.Header{"Authorization": {secret, secret}}, "a", want{401, "", ""}},
		"scheme in lower case":   {"PUSH-19 PUSH-17", http.Header{"Authorization": {"bearer 0123456789abcdef"}}, "a", want{202, "", ""}},
		"no scheme":              {"PUSH-19 PUSH-17", http.Header{"Authorization": {"0123456789abcdef"}}, "a", want{202, "", ""}},
		"no accept":              {"PUSH-18", http.Header{"Accept": nil}, "a", want{202, "", ""}},
		"too long":               {"PUSH-06 JWT-09", nil, strings.Repeat("a", 2001), want{413, "", ""}},
		"just long enough":       {"PUSH-06 JWT-09", nil, strings.Repeat("a", 2000), want{202, "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			resp := post(t, url, c.body, c.header)
			req.Equal(t, c.id, resp.StatusCode, c.want.status)
			if c.want.header != "" && resp.Header.Get(c.want.header) != c.want.value {
				t.Errorf("%s is %q, want %q", c.want.header, resp.Header.Get(c.want.header), c.want.value)
			}
			if got := text(t, resp); got != "" {
				t.Errorf("the answer tells %q", got)
			}
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		r, err := http.NewRequest(method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp := do(t, r)
		req.Equal(t, "PUSH-18", resp.Status+", "+resp.Header.Get("Allow"), "405 Method Not Allowed, POST")
	}
}

func TestBasicChallenge(t *testing.T) {
	src, url := endpoint(t, Options{Authorization: "Basic dXNlcjpwYXNzd29yZA=="})
	run(t, src, pipelinetest.NewRecorder().Handle)
	if got := post(t, url, "a", nil).Header.Get("WWW-Authenticate"); got != `Basic realm="push"` {
		t.Errorf("challenge %q", got)
	}
}

// raw opens a connection and sends a push, or what there is of its body, in one
// piece.
func raw(t *testing.T, endpoint, header, body string) net.Conn {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/secevent+jwt\r\n%s\r\n\r\n%s", u.Path, secret, header, body)
	return conn
}

func status(t *testing.T, conn net.Conn) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestHostileBodies(t *testing.T) {
	src, url := endpoint(t, Options{Bounds: Bounds{MaxBytes: 2000, ReadTimeout: 5 * time.Minute}})
	rec := pipelinetest.NewRecorder()
	run(t, src, rec.Handle)

	t.Run("slow", func(t *testing.T) {
		src, url := endpoint(t, Options{Bounds: Bounds{ReadTimeout: 100 * time.Millisecond}})
		run(t, src, rec.Handle)
		conn := raw(t, url, "Content-Length: 100", "eyJ")
		req.Equal(t, "PUSH-06", status(t, conn), http.StatusRequestTimeout)
		if n := len(src.slots); n != 0 {
			t.Errorf("%d slots are still taken", n)
		}
	})
	t.Run("chunks without end", func(t *testing.T) {
		conn := raw(t, url, "Transfer-Encoding: chunked", "")
		for range 30 {
			fmt.Fprintf(conn, "64\r\n%s\r\n", strings.Repeat("a", 100)) // fails once the server has had enough
		}
		req.Equal(t, "PUSH-06 JWT-09", status(t, conn), http.StatusRequestEntityTooLarge)
	})
	t.Run("chunks", func(t *testing.T) {
		conn := raw(t, url, "Transfer-Encoding: chunked", "3\r\na.b\r\n2\r\n.c\r\n0\r\n\r\n")
		if got := status(t, conn); got != http.StatusAccepted || rec.Times("a.b.c") != 1 {
			t.Errorf("answered %d, want 202", got)
		}
	})
	t.Run("broken chunk", func(t *testing.T) {
		conn := raw(t, url, "Transfer-Encoding: chunked", "3\r\na.b\r\nzz\r\n")
		if got := status(t, conn); got != http.StatusBadRequest {
			t.Errorf("answered %d, want 400", got)
		}
	})
	t.Run("half a body", func(t *testing.T) {
		conn := raw(t, url, "Content-Length: 100", "eyJ")
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := status(t, conn); got != http.StatusBadRequest {
			t.Errorf("answered %d, want 400", got)
		}
	})
	t.Run("two lengths", func(t *testing.T) {
		conn := raw(t, url, "Content-Length: 3\r\nContent-Length: 5", "")
		if got := status(t, conn); got != http.StatusBadRequest {
			t.Errorf("answered %d, want 400", got)
		}
	})
	if n := len(rec.Messages()); n != 1 {
		t.Errorf("%d messages were handled, want one", n)
	}
	if n := len(src.slots); n != 0 {
		t.Errorf("%d slots are still taken", n)
	}
}

// TestSlowHandler: handling may take longer than the time limit of the body,
// and the connection serves the next request.
func TestSlowHandler(t *testing.T) {
	src, url := endpoint(t, Options{Bounds: Bounds{ReadTimeout: 100 * time.Millisecond}})
	rec := pipelinetest.NewRecorder()
	run(t, src, func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		<-time.After(250 * time.Millisecond)
		return rec.Handle(ctx, msgs)
	})
	conn := raw(t, url, "Content-Length: 5", "a.b.c")
	if got := status(t, conn); got != http.StatusAccepted {
		t.Fatalf("answered %d", got)
	}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := status(t, conn); got != http.StatusNotFound {
		t.Errorf("the next request was answered %d", got)
	}
}

func TestRate(t *testing.T) {
	clock := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	src, url := endpoint(t, Options{Bounds: Bounds{Rate: 0.25, Burst: 2}, Now: func() time.Time { return clock }})
	run(t, src, pipelinetest.NewRecorder().Handle)
	for i, want := range []int{202, 202, 429, 429} {
		resp := post(t, url, fmt.Sprint(i), nil)
		req.Equal(t, "PUSH-17 PUSH-06", resp.StatusCode, want)
		if want == 429 {
			req.Equal(t, "PUSH-06", resp.Header.Get("Retry-After"), "4")
		}
	}
	stranger := post(t, url, "x", http.Header{"Authorization": {"Bearer stranger"}})
	req.Equal(t, "PUSH-17", stranger.StatusCode, 401)
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(2, 3)
		for i := range 3 {
			if wait, _ := b.take(time.Now()); wait != 0 {
				t.Fatalf("take %d of a full bucket: wait %v", i, wait)
			}
		}
		if wait, _ := b.take(time.Now()); wait != 500*time.Millisecond {
			t.Errorf("wait %v, want 500ms", wait)
		}
		time.Sleep(500 * time.Millisecond)
		if wait, _ := b.take(time.Now()); wait != 0 {
			t.Errorf("wait %v after waiting", wait)
		}
		if wait, _ := b.take(time.Now().Add(-time.Hour)); wait == 0 {
			t.Error("a clock set back filled the bucket")
		}
		if wait, _ := b.take(time.Now().Add(-time.Hour + 500*time.Millisecond)); wait != 0 {
			t.Errorf("wait %v half a second after the clock was set back", wait)
		}
		time.Sleep(time.Hour)
		taken := 0
		for wait := time.Duration(0); wait == 0; taken++ {
			wait, _ = b.take(time.Now())
		}
		if taken--; taken != 3 {
			t.Errorf("after an hour %d were taken at once, want 3", taken)
		}
	})
	if wait, _ := newBucket(0, 1).take(time.Now()); wait != 0 {
		t.Errorf("wait %v without a rate", wait)
	}
}

// TestCutAfterGrace: a handler that hangs does not keep Run from returning.
func TestCutAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := New(Options{Anonymous: true, Bounds: Bounds{MaxInFlight: 1}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- src.Run(ctx, pipeline.HandlerFunc(func(ctx context.Context, _ []pipeline.Message) ([]pipeline.Receipt, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}))
		}()
		synctest.Wait()
		src.slots <- struct{}{}
		p := &push{answer: make(chan answer, 1)}
		if !src.enqueue(p) {
			t.Fatal("the source does not run")
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != drainGrace {
			t.Errorf("Run returned after %v, want %v", took, drainGrace)
		}
		if a := <-p.answer; a.status != http.StatusServiceUnavailable {
			t.Errorf("answered %+v", a)
		}
	})
}

func TestTally(t *testing.T) {
	src, url := endpoint(t, Options{})
	for range 5 {
		post(t, url, "a", http.Header{"Authorization": nil})
	}
	if n := src.refused.count[401]; n != 4 {
		t.Errorf("%d refusals wait for the next line, want 4 after one was logged", n)
	}
}

func FuzzPush(f *testing.F) {
	f.Add("POST", "application/secevent+jwt", secret, []byte("a.b.c"), int64(5))
	f.Add("POST", "application/secevent+jwt; x=\"", secret, []byte{}, int64(-1))
	f.Add("PUT", "text/plain", "", []byte("\x00\xff"), int64(1<<40))
	f.Add("POST", "application/secevent+jwt", "0123456789abcdef", []byte(strings.Repeat("x", 3000)), int64(-1))
	src, _ := endpoint(f, Options{Bounds: Bounds{MaxBytes: 2000}})
	run(f, src, func(_ context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		receipts := make([]pipeline.Receipt, len(msgs))
		for i, m := range msgs {
			if len(m.Body)%2 == 1 {
				receipts[i].Reject = &pipeline.RejectError{Code: string(m.Body), Description: string(m.Body)}
			}
		}
		return receipts, nil
	})
	f.Fuzz(func(t *testing.T, method, contentType, authorization string, body []byte, length int64) {
		if length >= 0 { // as the server does
			body = body[:min(int64(len(body)), length)]
		}
		r := httptest.NewRequest(http.MethodPost, at, strings.NewReader(string(body)))
		r.Method, r.ContentLength = method, max(length, -1)
		r.Header = http.Header{"Content-Type": {contentType}, "Authorization": {authorization}}
		w := httptest.NewRecorder()
		src.ServeHTTP(w, r)
		switch w.Code {
		case 202, 401, 405, 413, 415:
			if w.Body.Len() > 0 {
				t.Errorf("%d with body %q", w.Code, w.Body)
			}
		case 400:
			if !strings.HasPrefix(w.Body.String(), `{"err":"`) || w.Body.Len() > 2000 {
				t.Errorf("400 with body %q", w.Body)
			}
		default:
			t.Errorf("answered %d", w.Code)
		}
		if w.Code == 202 && (method != "POST" || len(body) > 2000 || normal(authorization) != normal(secret)) {
			t.Errorf("took %s, authorization %q, %d bytes", method, authorization, len(body))
		}
		if len(src.slots) > 0 {
			t.Errorf("%d slots are still taken", len(src.slots))
		}
	})
}
