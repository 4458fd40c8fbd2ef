package app_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// front is what stands before a product: TLS outside, the product's present
// address inside, and a network that loses things while it is bad.
type front struct {
	*httptest.Server
	target atomic.Pointer[url.URL]
	bad    atomic.Bool
	n      atomic.Int64
	faults atomic.Int64
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(f.target.Load()) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway) // it is being restarted
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.bad.Load() {
			proxy.ServeHTTP(w, r)
			return
		}
		switch f.n.Add(1) % 4 {
		case 1: // never arrives
			f.faults.Add(1)
			panic(http.ErrAbortHandler)
		case 2: // arrives, and the answer is lost
			f.faults.Add(1)
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case 3:
			f.faults.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.CloseClientConnections) // long polls
	t.Cleanup(f.Close)
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	return f
}

func (f *front) lead(to string) { f.target.Store(&url.URL{Scheme: "http", Host: to}) }

// roles is a transmitter and a receiver, each the product, each behind TLS.
type roles struct {
	t        *testing.T
	tx, rx   *site
	out, in  *app.App
	txf, rxf *front
	n        int
}

const rolesAudience = "https://soc.example.com"

// newRoles starts both; the receiver's stream is there when it returns.
func newRoles(t *testing.T, delivery string) *roles {
	t.Helper()
	r := &roles{t: t, tx: newSite(t), rx: newSite(t), txf: newFront(t), rxf: newFront(t)}
	// The key set is fetched without TLS on loopback, where no authority has to
	// be trusted.
	keys := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(r.txf.target.Load()) }})
	t.Cleanup(keys.Close)
	r.tx.write("receiver.token", "of-the-receiver-0123456789")
	r.tx.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.rxf.Certificate().Raw})))
	r.tx.write("config.hcl", fmt.Sprintf(`
listen   = "127.0.0.1:0"
data_dir = "data"
issuer %[1]q {
  jwks_file = "idp.jwks.json"
  audience  = [%[2]q]
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
source "ssf" "idp" {
  issuer = %[1]q
  push { authorization = file("push.secret") }
}
policies { dir = "rules" }
journal  { min_free = bytes("1MiB") }
action "revoke-session" {
  emit "session-revoked" { to = ["signals"] }
}
sink "ssf" "signals" {
  issuer                    = %[3]q
  min_verification_interval = "1s"
  authority                 = true
  receiver "soc" {
    audience      = [%[4]q]
    token         = file("receiver.token")
    allow_private = true
    ca_file       = "ca.pem"
  }
  bounds {
    poll_wait = "2s"
    redeliver = "1s"
  }
}
index "sqlite" "local" {}
`, testIssuer, testAudience, r.txf.URL, rolesAudience))
	r.startTransmitter()

	r.rx.write("management.secret", "Bearer of-the-receiver-0123456789")
	r.rx.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.txf.Certificate().Raw})))
	r.rx.write("config.hcl", fmt.Sprintf(`
listen   = "127.0.0.1:0"
data_dir = "data"
metrics { listen = "127.0.0.1:0" }
issuer %[1]q {
  jwks     = "%[2]s/jwks.json"
  audience = [%[3]q]
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
source "ssf" "tx" {
  issuer        = %[1]q
  transmitter   = %[1]q
  authorization = file("management.secret")
  allow_private = true
  ca_file       = "ca.pem"
  stream { verify_every = "1s" }
  %[4]s
}
policies { dir = "rules" }
journal  { min_free = bytes("1MiB") }
index "sqlite" "local" {}
`, r.txf.URL, keys.URL, rolesAudience, strings.ReplaceAll(delivery, "RX", r.rxf.URL)))
	r.startReceiver()
	until(t, "a stream", func() bool { return strings.Contains(r.manage(http.MethodGet, "/streams", ""), "stream_id") })
	return r
}

func (r *roles) startTransmitter() {
	r.t.Helper()
	r.out = r.tx.open()
	r.txf.lead(r.out.Addr())
}

func (r *roles) startReceiver() {
	r.t.Helper()
	r.in = r.rx.open()
	r.rxf.lead(r.in.Addr())
}

// manage is a call of the receiver by hand, on a network that is good.
func (r *roles) manage(method, path, body string) string {
	r.t.Helper()
	q, err := http.NewRequest(method, "http://"+r.out.Addr()+"/ssf/signals"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer of-the-receiver-0123456789")
	q.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %s %s, %v", method, path, resp.Status, text, err)
	}
	return string(text)
}

// state makes the transmitter state something about n more people.
func (r *roles) state(n int) {
	r.t.Helper()
	for range n {
		r.n++
		if code, body := push(r.t, r.out, r.tx.token(fmt.Sprint("jti-", r.n), fmt.Sprintf("user-%d@example.com", r.n))); code != http.StatusAccepted {
			r.t.Fatalf("push: %d %s", code, body)
		}
	}
}

// arrived counts who is known to have been stated something about, each once.
func (r *roles) arrived() (people, documents int) {
	r.t.Helper()
	docs := r.rx.find(r.in, `set.event_name:session-revoked AND set.verdict:accepted`)
	who := map[string]bool{}
	for _, d := range docs {
		if m := regexp.MustCompile(`user-\d+@example\.com`).FindString(d); m != "" {
			who[m] = true
		}
	}
	return len(who), len(docs)
}

// TestRoles lets both roles work against each other over TLS, by push and by
// poll, with a network that loses requests and answers and restarts of both
// sides: everything arrives once, nothing is refused, and the receiver knows that
// its stream lives.
func TestRoles(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for retries; not with -short")
	}
	for name, delivery := range map[string]string{
		"poll": "",
		"push": `push {
    authorization = file("push.secret")
    endpoint_url  = "RX/ssf/tx/push"
  }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // mostly waiting
			r := newRoles(t, delivery)
			r.state(3)
			until(t, "the first arrive", func() bool { n, _ := r.arrived(); return n == 3 })

			r.txf.bad.Store(true)
			r.rxf.bad.Store(true)
			r.state(5)
			r.tx.stop(r.out)
			r.startTransmitter()
			r.state(3)
			r.rx.stop(r.in)
			r.state(3) // while nobody is there
			r.startReceiver()
			until(t, "faults", func() bool { return r.txf.faults.Load()+r.rxf.faults.Load() > 5 })
			r.txf.bad.Store(false)
			r.rxf.bad.Store(false)
			r.state(2)
			until(t, "everything arrives", func() bool { n, _ := r.arrived(); return n == r.n })

			people, documents := r.arrived()
			req.Equal(t, "SET-27 POLL-14 PUSH-10 SSF-TX-51", fmt.Sprint(people, " in ", documents), fmt.Sprint(r.n, " in ", r.n))
			refused := r.rx.find(r.in, `set.verdict:rejected`)
			req.Equal(t, "INTEROP-12 INTEROP-13 INTEROP-15 SSF-RX-23 SSF-RX-24 INTEROP-01", len(refused), 0)
			until(t, "a verification round trip", func() bool {
				m := regexp.MustCompile(`signalbox_feed_last_verification_timestamp_seconds\{source="tx"\} (\S+)`).FindStringSubmatch(scrape(t, r.in.MetricsAddr()))
				return m != nil && m[1] != "0"
			})
			list := r.manage(http.MethodGet, "/streams", "")
			req.Equal(t, "INTEROP-16 SSF-TX-33", strings.Count(list, "stream_id"), 1) // the restart made no other
			until(t, "nothing waits", func() bool { return r.acked() == r.n })
		})
	}
}

// acked counts the SETs that the transmitter knows to have arrived.
func (r *roles) acked() int {
	r.t.Helper()
	return len(r.tx.find(r.out, `action.status:acked AND action.target:signals AND action.event:session-revoked`))
}
