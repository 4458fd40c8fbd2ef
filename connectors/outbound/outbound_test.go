package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func client(t *testing.T, o Options) *http.Client {
	t.Helper()
	c, err := o.Client(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if resp != nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

func TestURLProblem(t *testing.T) {
	for text, want := range map[string][2]bool{ // fine without and with allow_private
		"https://app.example.com/events?key=hush": {true, true},
		"https://app.example.com:8443":            {true, true},
		"https://10.0.0.1/":                       {false, true},
		"https://localhost/":                      {false, true},
		"http://127.0.0.1:1/":                     {false, true},
		"http://[::1]:1/":                         {false, true},
		"http://app.example.com/hush":             {},
		"http://10.0.0.1/hush":                    {},
		"https://u:hush@app.example.com/":         {},
		"https://app.example.com/#hush":           {},
		"https://:443/hush":                       {},
		"https:app.example.com/hush":              {},
		"//app.example.com/hush":                  {},
		"ftp://app.example.com/hush":              {},
		"https://app.example.com/%zzhush":         {},
		"hush":                                    {},
		"":                                        {},
	} {
		for i, private := range []bool{false, true} {
			got := URLProblem(text, private)
			if (got == "") != want[i] || got != "" && !strings.HasSuffix(got, ".") || strings.Contains(got, "hush") {
				t.Errorf("URLProblem(%q, %t) = %q", text, private, got)
			}
		}
	}
}

// TestRebinding: whatever a name resolves to now, and whatever it did before,
// what is dialled is what is checked.
func TestRebinding(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a connection was made")
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, addrs := range map[string][]string{
		"this machine": {"127.0.0.1"},
		"metadata":     {"169.254.169.254"},
		"private":      {"10.0.0.1"},
		"several":      {"192.168.0.1", "100.100.100.200", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			target := "https://app.example.com:" + u.Port()
			c := client(t, Options{URL: target, Resolver: pipelinetest.Resolver(t, addrs...)})
			if _, err := get(t, c, target); !errors.Is(err, ErrAddress) {
				t.Errorf("error %v, want a refused address", err)
			}
		})
	}
}

// TestRedirectIsNotFollowed: whatever the status and the method, what is sent
// goes nowhere else, the credentials least of all.
func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked for, with Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(status)
	}))
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{URL: srv.URL, AllowPrivate: true, CAFile: ca})
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{elsewhere.URL, srv.URL + "/here", "/here", "http://169.254.169.254/latest/meta-data"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				at := srv.URL + "/?" + url.Values{"status": {fmt.Sprint(status)}, "to": {to}}.Encode()
				r, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader("a.b.c"))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer hush-hush")
				resp, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != status || resp.Request != r {
					t.Errorf("%s, %d to %s: %s of %s", method, status, to, resp.Status, resp.Request.URL)
				}
			}
		}
	}
}

// TestHeldBounds: what a peer may send before its body is bounded, and its body
// is never inflated.
func TestHeldBounds(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 1<<20))
	z.Close()
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string // part of the error, "" for an answer
	}{
		"huge header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) }, "header"},
		"interim answers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<10))
			for range 1000 {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}, "exceeded"},
		"inflated": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.serve)
			defer srv.Close()
			resp, err := get(t, client(t, Options{URL: srv.URL, AllowPrivate: true}), srv.URL)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want one of %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(body, bomb.Bytes()) {
				t.Errorf("%d bytes were read of %d sent: %v", len(body), bomb.Len(), err)
			}
		})
	}
}

// TestCertificates: the peer is who the CA file says, and we are who the client
// certificate says.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	env := kind.Env{Dir: dir}
	ours := selfSigned(t, dir, "client.pem")
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	clients := x509.NewCertPool()
	clients.AddCert(ours)
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", srv.Certificate().Raw)
	for name, c := range map[string]struct {
		o  Options
		ok bool
	}{
		"both":            {Options{CAFile: "ca.pem", CertFile: "client.pem", KeyFile: "client.pem"}, true},
		"no certificate":  {Options{CAFile: "ca.pem"}, false},
		"no CA (PUSH-13)": {Options{CertFile: "client.pem", KeyFile: "client.pem"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.URL, c.o.AllowPrivate = srv.URL, true
			cl, err := c.o.Client(env)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.CloseIdleConnections()
			resp, err := get(t, cl, srv.URL)
			req.Equal(t, "PUSH-13 INTEROP-02", err == nil, c.ok)
			if err != nil {
				return
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "signalbox test" {
				t.Errorf("the peer saw %q, %v", body, err)
			}
		})
	}
}

// TestOldTLS: a peer that speaks nothing newer than TLS 1.1 gets nothing.
func TestOldTLS(t *testing.T) {
	dir := t.TempDir()
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", srv.Certificate().Raw)
		c, err := Options{URL: srv.URL, AllowPrivate: true, CAFile: "ca.pem"}.Client(kind.Env{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		_, err = get(t, c, srv.URL)
		req.True(t, "PUSH-14 POLL-21 INTEROP-01", (err == nil) == ok, "%s: %v", tls.VersionName(version), err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"ca.pem":                            {CAFile: "ca.pem"},
		"no certificate":                    {CAFile: "empty.pem"},
		"client certificate and key: open ": {CertFile: "none.pem", KeyFile: "none.pem"},
		"client certificate and key: tls: ": {CertFile: "empty.pem", KeyFile: "empty.pem"},
	} {
		if _, err := o.Client(kind.Env{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for _, pair := range [][2]string{{"a", ""}, {"", "a"}} {
		if CertificateProblem(pair[0], pair[1]) == "" {
			t.Errorf("half a pair %q is taken", pair)
		}
	}
	if p := CertificateProblem("", "") + CertificateProblem("a", "b"); p != "" {
		t.Error(p)
	}
}

// selfSigned writes a certificate with its key into one file.
func selfSigned(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signalbox test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, name), "CERTIFICATE", raw, "PRIVATE KEY", private)
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func writePEM(t *testing.T, path string, blocks ...any) {
	t.Helper()
	var text []byte
	for i := 0; i < len(blocks); i += 2 {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: blocks[i].(string), Bytes: blocks[i+1].([]byte)})...)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCause(t *testing.T) {
	inner := errors.New("no route")
	if got := Cause(&url.Error{Op: "Post", URL: "https://x/hush", Err: inner}); got != inner {
		t.Errorf("Cause = %v", got)
	}
	if got := Cause(inner); got != inner {
		t.Errorf("Cause = %v", got)
	}
}

func TestForeignTextInErrors(t *testing.T) {
	srv := raw(t, "\x1b[2J"+strings.Repeat("x", 3000)+"\r\n\r\n")
	_, err := get(t, client(t, Options{URL: srv, AllowPrivate: true}), srv+"/hush")
	if err == nil {
		t.Fatal("garbage was taken for an answer")
	}
	if text := Cause(err).Error(); len(text) > 400 || strings.ContainsAny(text, "\x1b\n") || strings.Contains(text, "hush") {
		t.Errorf("error %q", text)
	}
}

// TestSwitchedProtocol: a peer that answers 101 unasked does not hold us.
func TestSwitchedProtocol(t *testing.T) {
	srv := raw(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	resp, err := get(t, client(t, Options{URL: srv, AllowPrivate: true}), srv)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := Read(resp, 1000); len(body) > 0 || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// raw answers every connection with the bytes and leaves it open.
func raw(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go func() {
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestLanes: bounded, in order per key, and blocked behind what must be tried
// again.
func TestLanes(t *testing.T) {
	l := NewLanes(3)
	var inside, most atomic.Int32
	var mu sync.Mutex
	var order []string
	var batch []pipeline.Delivery
	for i := range 40 {
		batch = append(batch, pipeline.Delivery{ID: fmt.Sprintf("%02d", i), Key: fmt.Sprint(i % 8)})
	}
	results := l.Deliver(t.Context(), batch, func(_ context.Context, d pipeline.Delivery) pipeline.Result {
		n := inside.Add(1)
		defer inside.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if d.ID == "08" { // second of key 0
			return pipeline.Result{Err: errors.New("later"), After: time.Minute}
		}
		if d.ID == "09" { // second of key 1
			return pipeline.Result{Err: &pipeline.FinalError{Code: "410", Err: errors.New("gone")}}
		}
		mu.Lock()
		defer mu.Unlock()
		order = append(order, d.ID)
		return pipeline.Result{}
	})
	if most.Load() > 3 {
		t.Errorf("%d at a time", most.Load())
	}
	for _, i := range []int{16, 24, 32} {
		if !errors.Is(results[i].Err, ErrBehind) || results[i].After != time.Minute {
			t.Errorf("delivery %d: %+v, want it to wait behind", i, results[i])
		}
	}
	for key := range 8 {
		var got []string
		for _, id := range order {
			for i := key; i < 40; i += 8 {
				if batch[i].ID == id {
					got = append(got, id)
				}
			}
		}
		want := map[int]int{0: 1, 1: 4}[key]
		if want == 0 {
			want = 5
		}
		if len(got) != want || !slices.IsSorted(got) {
			t.Errorf("of key %d arrived %v", key, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	full := NewLanes(0)
	if r := full.Deliver(ctx, batch[:1], nil); !errors.Is(r[0].Err, context.Canceled) {
		t.Errorf("%+v with an ended context", r)
	}
}
