package app_test

import (
	"cmp"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
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
	added  atomic.Int64 // requests to add a subject
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
		if strings.HasSuffix(r.URL.Path, "/subjects/add") {
			f.added.Add(1)
		}
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
			w.Header().Set("Retry-After", "1")
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

// authority is the certificate of the front, in PEM form.
func (f *front) authority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}))
}

// roles is a transmitter and a receiver, each the product, each behind TLS.
type roles struct {
	t        *testing.T
	tx, rx   *site
	out, in  *app.App
	txf, rxf *front
	n        int
}

const rolesAudience = "https://soc.example.com"

// told is the rule by which the transmitter states every event of its provider,
// however many are about one user.
const told = `# METADATA
# title: Every account that is disabled is told
# description: For the test.
# custom:
#   on: [account-disabled]
#   needs: []
#   mode: enforce
#   limit: {actions: 1000, per: 10m}
#   severity: high
package signals.told

# METADATA
# title: An account was disabled
actions contains {"type": "tell", "subject": input.subject.user, "reason": "told"} if {
	input.event.type == "account-disabled"
}
`

// newRoles starts the transmitter.
func newRoles(t *testing.T) *roles {
	t.Helper()
	r := &roles{t: t, tx: newSite(t), rx: newSite(t), txf: newFront(t), rxf: newFront(t)}
	r.tx.write("receiver.token", "of-the-receiver-0123456789")
	r.tx.write("ca.pem", r.rxf.authority())
	r.tx.write("rules/signals/told.rego", told)
	r.tx.configure(fmt.Sprintf(`
action "tell" {
  merge = "0s"
  emit "session-revoked" { to = ["signals"] }
}
sink "ssf" "signals" {
  issuer                    = %q
  min_verification_interval = "1s"
  authority                 = true
  receiver "soc" {
    audience      = [%q]
    token         = file("receiver.token")
    allow_private = true
    ca_file       = "ca.pem"
  }
  bounds {
    poll_wait = "2s"
    redeliver = "1s"
  }
}
`, r.txf.URL, rolesAudience))
	r.startTransmitter()
	return r
}

// receive starts the receiver, whose stream is there when it returns.
func (r *roles) receive(delivery string) {
	r.t.Helper()
	// The key set is fetched without TLS on loopback, where no authority has to
	// be trusted.
	keys := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(r.txf.target.Load()) }})
	r.t.Cleanup(keys.Close)
	r.rx.write("management.secret", "Bearer of-the-receiver-0123456789")
	r.rx.write("ca.pem", r.txf.authority())
	r.rx.configure(received(r.txf.URL, keys.URL+"/jwks.json", rolesAudience, "ca_file = \"ca.pem\"\n  "+r.at(delivery)))
	r.startReceiver()
	until(r.t, "a stream in use", func() bool {
		return strings.Contains(scrape(r.t, r.in.MetricsAddr()), `signalbox_feed_health{source="tx"} 0`) && strings.Contains(r.manage(http.MethodGet, "/streams", ""), "signalbox tx")
	})
}

// at fills in where the receiver is reached.
func (r *roles) at(text string) string { return strings.ReplaceAll(text, "RX", r.rxf.URL) }

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

// people are those whom statements are about, in turn.
const people = 5

// state makes the transmitter state n more things, of one of the people each.
func (r *roles) state(n int) {
	r.t.Helper()
	for range n {
		r.n++
		if code, body := push(r.t, r.out, r.tx.token(fmt.Sprint("jti-", r.n), fmt.Sprintf("user-%d@example.com", r.n%people))); code != http.StatusAccepted {
			r.t.Fatalf("push: %d %s", code, body)
		}
	}
}

// document is what both sides keep of a statement.
type document struct {
	Event  struct{ Sequence int64 }
	Action struct{ ID, JTI, Subject string }
	Set    struct{ JTI string }
	User   struct{ Email string }
}

// documents are those that a query finds, in the order of the journal.
func (r *roles) documents(s *site, a *app.App, query string) (list []document) {
	r.t.Helper()
	for _, text := range s.find(a, query) {
		var d document
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b document) int { return cmp.Compare(a.Event.Sequence, b.Event.Sequence) })
	return list
}

// arrived are the statements that the receiver took, by subject.
func (r *roles) arrived() (jtis map[string][]string, n int) {
	r.t.Helper()
	jtis = map[string][]string{}
	for _, d := range r.documents(r.rx, r.in, `set.event_name:session-revoked AND set.verdict:accepted`) {
		subject := "email:" + d.User.Email
		jtis[subject] = append(jtis[subject], d.Set.JTI)
		n++
	}
	return jtis, n
}

// stated are those that the transmitter made, by subject, and how many of them
// it knows to have arrived.
func (r *roles) stated() (jtis map[string][]string, acked int) {
	r.t.Helper()
	sent := map[string]string{}
	for _, d := range r.documents(r.tx, r.out, `action.status:acked AND action.target:signals AND action.event:session-revoked`) {
		sent[d.Action.ID] = d.Action.JTI
	}
	jtis = map[string][]string{}
	for _, d := range r.documents(r.tx, r.out, `action.status:queued AND action.target:signals AND NOT action.stream:*`) {
		jtis[d.Action.Subject] = append(jtis[d.Action.Subject], sent[d.Action.ID])
	}
	return jtis, len(sent)
}

// TestRoles lets both roles work against each other over TLS, by push and by
// poll, on a stream that the receiver makes or takes over, with a network that
// loses requests and answers and restarts of both sides: everything arrives
// once, in order per subject, nothing is refused, and the receiver knows that its
// stream lives.
func TestRoles(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for retries; not with -short")
	}
	const pushed = `push {
    authorization = file("push.secret")
    endpoint_url  = "RX/ssf/tx/push"
  }`
	for name, c := range map[string]struct{ delivery, there string }{
		"poll": {"", ""},
		"push": {pushed, ""},
		"push, taken over": {pushed, `{"description": "of somebody", "events_requested": [],
			"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "RX/ssf/tx/push", "authorization_header": "Bearer of-old"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // mostly waiting
			r := newRoles(t)
			was := ""
			if c.there != "" {
				was = streamID.FindString(r.manage(http.MethodPost, "/streams", r.at(c.there)))
			}
			r.receive(c.delivery)
			list := r.manage(http.MethodGet, "/streams", "")
			id := streamID.FindString(list)
			if was != "" && id != was {
				t.Errorf("the stream that was there, %s, was not taken over: %s", was, list)
			}
			r.state(3)
			until(t, "the first arrive", func() bool { _, n := r.arrived(); return n == 3 })

			r.txf.bad.Store(true)
			r.rxf.bad.Store(true)
			r.state(7)
			r.tx.stop(r.out)
			r.startTransmitter()
			r.state(7)
			r.rx.stop(r.in)
			r.state(7) // while nobody is there
			r.startReceiver()
			until(t, "faults", func() bool { return r.txf.faults.Load()+r.rxf.faults.Load() > 5 })
			r.txf.bad.Store(false)
			r.rxf.bad.Store(false)
			r.state(7)
			until(t, "everything arrives", func() bool { _, n := r.arrived(); return n >= r.n })
			until(t, "nothing waits", func() bool { _, n := r.stated(); return n == r.n })

			got, n := r.arrived()
			want, _ := r.stated()
			req.Equal(t, "SET-27 POLL-14 PUSH-10 SSF-TX-51 INTEROP-05 INTEROP-12 INTEROP-13", fmt.Sprint(n, " of ", len(got)), fmt.Sprint(r.n, " of ", people))
			req.Equal(t, "SSF-TX-54", got, want)
			if refused := r.rx.find(r.in, `set.verdict:rejected`); len(refused) > 0 {
				t.Errorf("refused %s", refused)
			}
			req.Equal(t, "SSF-RX-24 INTEROP-15", r.txf.added.Load(), 0)
			until(t, "a verification round trip", func() bool {
				m := regexp.MustCompile(`signalbox_feed_last_verification_timestamp_seconds\{source="tx"\} (\S+)`).FindStringSubmatch(scrape(t, r.in.MetricsAddr()))
				return m != nil && m[1] != "0"
			})
			list = r.manage(http.MethodGet, "/streams", "")
			req.Equal(t, "INTEROP-16 SSF-TX-33", fmt.Sprint(streamID.FindAllString(list, -1)), fmt.Sprint([]string{id})) // the restarts made no other
		})
	}
}

var streamID = regexp.MustCompile(`"stream_id": ?"[^"]*"`)
