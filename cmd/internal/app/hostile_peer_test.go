package app

import (
	"context"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// lure is a peer that we call and that would have us call somebody else.
type lure struct {
	config string        // its block
	told   func() string // what an operator is told of it, "" while nothing is
	want   string        // part of that
	ids    string
}

// lures are those of one test, by the name of source or sink, and what came of
// them. A peer answers once the test has looked at everything before.
type lures struct {
	v         *victim
	list      map[string]lure
	asks      []func()           // make the product fetch keys
	elsewhere []*httptest.Server // with and without TLS
	open      chan struct{}

	mu      sync.Mutex
	waiting map[string]bool // who was called
	reached []string        // what came elsewhere
}

var redirects = []int{301, 302, 303, 307, 308}

// TestHostilePeers: whom we call answers with a redirect to another host, at
// every endpoint, or has a name that leads to an address of
// ours. Nothing is sent there, credentials least of all; nothing that is
// remembered changes; a document or a metric names the peer and what is wrong.
func TestHostilePeers(t *testing.T) {
	l := newLures(t)
	l.pushes()
	l.transmitters()
	l.keys()
	l.names()
	l.start()
	v := l.v
	if got := v.post("idp", v.token(object{"events": object{"https://schemas.openid.net/secevent/risc/event-type/account-disabled": object{}}})); got.status != http.StatusAccepted {
		t.Fatalf("what is good was answered %+v", got)
	}
	called := func(n int) {
		l.until(t, "all are called", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return len(l.waiting) == n
		})
	}
	called(len(l.list) - len(l.asks) - 2) // less the names, which lead nowhere
	for _, ask := range l.asks {          // last: a fetch of keys waits for ten seconds only
		ask()
	}
	called(len(l.list) - 2)
	before := v.state()
	close(l.open)
	const class = "SSRF and redirects/"
	for name, x := range l.list {
		t.Run(class+name, func(t *testing.T) {
			var told string
			l.until(t, "somebody is told", func() bool { told = x.told(); return told != "" || l.caught() })
			req.True(t, x.ids, strings.Contains(told, x.want), "it is not told %q: %s", x.want, told)
			if strings.Contains(told, "a-secret-of-the-test") {
				t.Errorf("the credentials are told: %s", told)
			}
		})
	}
	if d := difference(before, v.state()); d != "" {
		t.Errorf("changed what is remembered: %s", d)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.app.Stop(ended); err != nil { // what is held would not drain
		t.Error(err)
	}
	req.True(t, "SSF-RX-06 SSF-TX-30 PUSH-12", !l.caught(), "elsewhere were %q", l.reached)
}

func newLures(t *testing.T) *lures {
	l := &lures{v: &victim{t: t, keys: newKeys(t)}, list: map[string]lure{}, open: make(chan struct{}), waiting: map[string]bool{}}
	gather := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reached = append(l.reached, fmt.Sprintf("%s %s %q", r.Method, r.URL, r.Header.Get("Authorization")))
		_, _ = w.Write([]byte(l.v.jwks())) // were it followed, all would go well
	})
	l.elsewhere = []*httptest.Server{httptest.NewTLSServer(gather), httptest.NewServer(gather)}
	for _, e := range l.elsewhere {
		t.Cleanup(e.Close)
	}
	return l
}

// caught reports whether something came elsewhere.
func (l *lures) caught() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.reached) > 0
}

// lead answers a call with a redirect, to the like path of another host.
func (l *lures) lead(w http.ResponseWriter, r *http.Request, name string, status int) {
	l.mu.Lock()
	l.waiting[name] = true
	l.mu.Unlock()
	select {
	case <-l.open:
	case <-r.Context().Done():
	}
	to := l.elsewhere[0]
	if r.TLS == nil {
		to = l.elsewhere[1]
	}
	w.Header().Set("Location", to.URL+r.URL.RequestURI())
	w.WriteHeader(status)
}

// pushes are receivers that redirect what we push.
func (l *lures) pushes() {
	for _, status := range redirects {
		name := fmt.Sprint("push-", status)
		srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.lead(w, r, name, status) }))
		l.v.t.Cleanup(srv.Close)
		l.pushTo(name, srv.URL+"/events", "allow_private = true", outbound.NoRedirects)
	}
}

func (l *lures) pushTo(name, endpoint, more, want string) {
	l.list[name] = lure{
		config: fmt.Sprintf(`sink "ssf" %q {
  issuer    = "https://signals.example.com"
  audience  = ["https://app.example.com"]
  authority = true
  push {
    endpoint      = %q
    authorization = file("secret")
    ca_file       = "ca.pem"
    timeout       = "1m"
    %s
  }
}
`, name, endpoint, more),
		told: func() string { return l.document("action.target:"+name+" AND action.status:failed", name) }, want: want, ids: "PUSH-12",
	}
}

// transmitters are those that redirect one of the calls of their receiver.
func (l *lures) transmitters() {
	for endpoint, path := range map[string]string{
		"discovery": "/.well-known/ssf-configuration", "create": "/streams", "status": "/status", "verify": "/verify", "poll": "/poll/", "token": "/token",
	} {
		for _, status := range []int{302, 307} { // with the method changed, and as it was
			name := fmt.Sprint(endpoint, "-", status)
			tx := pipelinetest.TransmitterAt(l.v.t, "")
			tx.Mute = true
			tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				led := strings.HasPrefix(r.URL.Path, path)
				if led {
					l.lead(w, r, name, status)
				}
				return led
			})
			srv := httptest.NewTLSServer(tx)
			l.v.t.Cleanup(srv.Close)
			tx.URL = srv.URL
			credentials, want := `authorization = file("secret")`, outbound.NoRedirects
			if endpoint == "token" {
				credentials = fmt.Sprintf("oauth {\n    token_url     = %q\n    client_id     = \"us\"\n    client_secret = file(\"secret\")\n  }", srv.URL+path)
				want = "get access token: token_url"
			}
			l.receiveFrom(name, srv.URL, `jwks_file = "keys.json"`, credentials+"\n  allow_private = true", want)
		}
	}
}

func (l *lures) receiveFrom(name, issuer, keys, more, want string) {
	l.list[name] = lure{
		config: fmt.Sprintf(`issuer %[2]q {
  audience = ["https://siem.example.com"]
  %[3]s
}
source "ssf" %[1]q {
  issuer      = %[2]q
  transmitter = %[2]q
  ca_file     = "ca.pem"
  timeout     = "2m"
  %[4]s
}
`, name, issuer, keys, more),
		told: func() string { return l.document("set.event_name:feed-health", name) }, want: want, ids: "SSF-RX-06",
	}
}

// keys are issuers whose key set is said to be elsewhere.
func (l *lures) keys() {
	for _, status := range redirects {
		name := fmt.Sprint("keys-", status)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.lead(w, r, name, status) }))
		l.v.t.Cleanup(srv.Close)
		issuer := fmt.Sprintf("https://%s.example.com", name)
		answer := make(chan reply, 1)
		l.asks = append(l.asks, func() {
			token := l.v.sign(plainHeader, l.v.claims("idp", object{"iss": issuer}))
			go func() { answer <- l.v.post(name, token) }()
		})
		l.list[name] = lure{
			config: fmt.Sprintf(`issuer %[2]q {
  jwks     = %[3]q
  audience = [%[4]q]
}
source "ssf" %[1]q {
  issuer = %[2]q
  push { authorization = file("secret") }
}
`, name, issuer, srv.URL+"/jwks.json", hostileAudience),
			told: func() string {
				return fmt.Sprint((<-answer).status, " ", l.v.metric("signalbox_issuer_keys_fetch_failed", "issuer", issuer))
			},
			want: "503 1", ids: "KEY-01 KEY-02",
		}
	}
}

// names are peers whose names lead to this machine, though the configuration
// does not permit such addresses: what they are is seen when they are called
// only.
func (l *lures) names() {
	u, err := url.Parse(l.elsewhere[0].URL)
	if err != nil {
		l.v.t.Fatal(err)
	}
	was := net.DefaultResolver
	net.DefaultResolver = pipelinetest.Resolver(l.v.t, "127.0.0.1")
	l.v.t.Cleanup(func() { net.DefaultResolver = was })
	const refused = "not of the public internet"
	l.pushTo("push-name", "https://app.example.com:"+u.Port()+"/events", "", refused)
	l.receiveFrom("discovery-name", "https://tx.example.com:"+u.Port(), `jwks_file = "keys.json"`, `authorization = file("secret")`, refused)
}

// start starts the product, which calls all of them.
func (l *lures) start() {
	var b strings.Builder
	var sinks []string
	for _, name := range slices.Sorted(maps.Keys(l.list)) {
		b.WriteString(l.list[name].config)
		if strings.HasPrefix(name, "push-") {
			sinks = append(sinks, fmt.Sprintf("%q", name))
		}
	}
	l.v.begin(b.String()+fmt.Sprintf("action \"revoke-session\" {\n  emit \"session-revoked\" { to = [%s] }\n}\n", strings.Join(sinks, ", ")),
		map[string]string{"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.elsewhere[0].Certificate().Raw}))})
}

// document finds what a query gives about a peer, "" if there is nothing yet.
func (l *lures) document(query, name string) string {
	l.v.t.Helper()
	answer, err := l.v.api.Query(context.Background(), api.QueryRequest{Query: query, Size: 100})
	if err != nil {
		l.v.t.Error(err)
	}
	for _, d := range answer.Docs {
		if strings.Contains(string(d), `"`+name+`"`) || strings.Contains(string(d), `\"`+name+`\"`) {
			return string(d)
		}
	}
	return ""
}

func (l *lures) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.After(pipelinetest.Patience); !is(); {
		select {
		case <-late:
			t.Fatalf("waited in vain until %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
