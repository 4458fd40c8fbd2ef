package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestHostileKeySets: a transmitter says in its metadata, by a redirect or by what
// a name leads to, that keys are at an address that only we can reach. Nothing is
// fetched there, no token is taken because of it, nothing that is remembered
// changes, and a document says what was wrong.
func TestHostileKeySets(t *testing.T) {
	const class = "SSRF and redirects/keys/"
	l := newLures(t)
	v := l.v
	was := net.DefaultResolver
	net.DefaultResolver = pipelinetest.Resolver(t, "169.254.169.254", "127.0.0.1")
	t.Cleanup(func() { net.DefaultResolver = was })

	const (
		fromFile = `jwks_file = "keys.json"`
		health   = "set.event_name:feed-health"
		refusal  = "set.verdict:rejected AND error.code:invalid_key"
	)
	lured := l.elsewhere[0].URL + "/jwks.json"
	name, err := url.Parse(lured)
	if err != nil {
		t.Fatal(err)
	}
	name.Host = "keys.example.com:" + name.Port()
	cases := map[string]struct {
		metadata string // jwks_uri, where it is not the transmitter's own
		leads    string // to where a fetch of the transmitter's own key set is redirected
		issuer   string // attributes of the block; JWKS is the transmitter's own key set
		query    string // finds the document
		want     string // part of it
		answer   string // of the token that is offered: its error, "kept", or "" where no stream is made
		ids      string
	}{
		// What the metadata says is held to the rules of every address of a peer.
		"metadata, plain to loopback":   {metadata: l.elsewhere[1].URL + "/jwks.json", issuer: fromFile, query: health, want: "jwks_uri of the metadata cannot be used", ids: "SSF-RX-06"},
		"metadata, plain to link-local": {metadata: "http://169.254.169.254/latest/meta-data/", issuer: fromFile, query: health, want: "jwks_uri of the metadata cannot be used", ids: "SSF-RX-06"},
		// Addresses inside are permitted for this transmitter, and still keys come
		// from where the issuer's block says.
		"metadata, loopback":   {metadata: lured, issuer: fromFile, query: refusal, want: "not in the issuer's key set", answer: "invalid_key", ids: "KEY-02"},
		"metadata, link-local": {metadata: "https://169.254.169.254/jwks.json", issuer: fromFile, query: refusal, want: "not in the issuer's key set", answer: "invalid_key", ids: "KEY-02"},
		"metadata, redirect":   {leads: lured, issuer: fromFile, query: refusal, want: "not in the issuer's key set", answer: "invalid_key", ids: "KEY-02"},
		// The block names the key set; whoever answers there leads on.
		"configured, redirect to loopback":   {leads: lured, issuer: `jwks = "JWKS"`, query: health, want: "redirect to elsewhere refused", answer: "kept", ids: "KEY-01 KEY-02"},
		"configured, redirect to link-local": {leads: "https://169.254.169.254/jwks.json", issuer: `jwks = "JWKS"`, query: health, want: "redirect to elsewhere refused", answer: "kept", ids: "KEY-01 KEY-02"},
		"configured, name leads inside":      {issuer: `jwks = "` + name.String() + `"`, query: health, want: "is not of the public internet", answer: "kept", ids: "KEY-01 KEY-02"},
	}
	txs := map[string]*pipelinetest.Transmitter{}
	for title, c := range cases {
		source := strings.NewReplacer(", ", "-", " ", "-").Replace(title)
		tx := pipelinetest.TransmitterAt(t, "")
		tx.Mute = true
		tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			switch {
			case c.leads != "" && r.URL.Path == "/jwks.json":
				http.Redirect(w, r, c.leads, http.StatusFound)
			case c.metadata != "" && r.URL.Path == "/.well-known/ssf-configuration":
				writeJSON(w, http.StatusOK, object{
					"issuer": tx.URL, "jwks_uri": c.metadata, "configuration_endpoint": tx.URL + "/streams",
					"status_endpoint": tx.URL + "/status", "verification_endpoint": tx.URL + "/verify",
				})
			default:
				return false
			}
			return true
		})
		srv := httptest.NewTLSServer(tx)
		t.Cleanup(srv.Close)
		tx.URL = srv.URL
		txs[title] = tx
		issuer := strings.Replace(c.issuer, "JWKS", srv.URL+"/jwks.json", 1)
		if strings.HasPrefix(issuer, "jwks ") {
			issuer += "\n  ca_file = \"ca.pem\""
		}
		l.receiveFrom(source, srv.URL, issuer, "authorization = file(\"secret\")\n  allow_private = true", c.want)
		x := l.list[source]
		x.told = func() string { return l.document(c.query, source) }
		l.list[source] = x
	}
	l.start()
	for title, c := range cases {
		if c.answer != "" {
			txs[title].Until(t, title+": a stream is made", func() bool { return len(txs[title].Streams()) == 1 })
		}
	}
	before := v.state()
	for title, c := range cases {
		t.Run(class+title, func(t *testing.T) {
			tx, x := txs[title], l.list[strings.NewReplacer(", ", "-", " ", "-").Replace(title)]
			const stream, jti = "stream-1", "offered"
			if c.answer != "" {
				tx.Tell(t, stream, jti, "session-revoked", "email:jane@example.com", `{}`)
			}
			var told string
			l.until(t, "a document says so", func() bool { told = x.told(); return told != "" || l.caught() })
			req.True(t, c.ids, strings.Contains(told, c.want), "it is not told %q: %s", c.want, told)
			switch c.answer {
			case "":
				if got := tx.Streams(); len(got) != 0 {
					t.Errorf("metadata that cannot be trusted were used: streams %q", got)
				}
			case "kept":
				req.True(t, c.ids, len(tx.Acked(stream))+len(tx.Refused(stream)) == 0, "what cannot be verified was settled: %q, %q", tx.Acked(stream), tx.Refused(stream))
			default:
				tx.Until(t, title+": the token is answered", func() bool { return len(tx.Acked(stream))+len(tx.Refused(stream)) > 0 })
				req.Equal(t, c.ids, tx.Refused(stream)[jti], c.answer)
			}
		})
	}
	if d := difference(before, v.state()); d != "" {
		t.Errorf("changed what is remembered: %s", d)
	}
	req.True(t, "KEY-02", !l.caught(), "elsewhere were %q", l.reached)
}
