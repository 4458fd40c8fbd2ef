package outbound

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// authority issues certificates and says how they stand.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "authority of the test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
	return a
}

// sign makes a certificate, the authority's own if there is none yet.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, crypto.Signer) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// says is the status of a certificate, to be stapled.
func (a *authority) says(about *x509.Certificate, status int, until time.Time) []byte {
	a.t.Helper()
	text, err := ocsp.CreateResponse(a.cert, a.cert, ocsp.Response{
		SerialNumber: about.SerialNumber, Status: status, ThisUpdate: time.Now().Add(-24 * time.Hour), NextUpdate: until, RevokedAt: time.Now(),
	}, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// TestPeerCertificate: a peer is connected to when its certificate is of its name
// and of now, by an authority that is trusted and has not taken it back.
func TestPeerCertificate(t *testing.T) {
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	here := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	promising := func(c *x509.Certificate) {
		here(c)
		c.ExtraExtensions = []pkix.Extension{{Id: mustStaple, Value: mustStapleValue}}
	}
	a, stranger := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		by     *authority
		change func(*x509.Certificate)
		staple func(*x509.Certificate) []byte
		want   string // part of the error, "" for an answer
		ids    string
	}{
		"all is well":       {a, here, nil, "", "PUSH-13 POLL-21 INTEROP-02"},
		"another name":      {a, func(c *x509.Certificate) { c.DNSNames = []string{"app.example.com"} }, nil, "127.0.0.1", "PUSH-13 POLL-21 INTEROP-02"},
		"a common name":     {a, func(c *x509.Certificate) { c.Subject.CommonName = "127.0.0.1" }, nil, "127.0.0.1", "PUSH-13 POLL-21 INTEROP-02"},
		"over":              {a, func(c *x509.Certificate) { here(c); c.NotAfter = past }, nil, "expired", "INTEROP-02"},
		"of a stranger":     {stranger, here, nil, "unknown authority", "PUSH-13 POLL-21 INTEROP-02"},
		"good":              {a, here, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Good, soon) }, "", "INTEROP-02"},
		"revoked":           {a, here, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Revoked, soon) }, "was revoked", "INTEROP-02"},
		"revoked, long ago": {a, here, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Revoked, past) }, "was revoked", "INTEROP-02"},
		"of another":        {a, here, func(*x509.Certificate) []byte { return a.says(a.cert, ocsp.Good, soon) }, "cannot be read", "INTEROP-02"},
		"by a stranger":     {a, here, func(c *x509.Certificate) []byte { return stranger.says(c, ocsp.Good, soon) }, "cannot be read", "INTEROP-02"},
		"no status":         {a, here, func(*x509.Certificate) []byte { return []byte("good") }, "cannot be read", "INTEROP-02"},
		"as promised":       {a, promising, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Good, soon) }, "", "INTEROP-02"},
		"promised":          {a, promising, nil, "does not say it", "INTEROP-02"},
		"promised, stale":   {a, promising, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Good, past) }, "does not say it", "INTEROP-02"},
		"unknown":           {a, promising, func(c *x509.Certificate) []byte { return a.says(c, ocsp.Unknown, soon) }, "does not say it", "INTEROP-02"},
	} {
		t.Run(name, func(t *testing.T) {
			template := &x509.Certificate{}
			c.change(template)
			leaf, key := c.by.sign(template)
			own := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}
			if c.staple != nil {
				own.OCSPStaple = c.staple(leaf)
			}
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			defer srv.Close()
			dir := t.TempDir()
			writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", a.cert.Raw)
			cl, err := Options{URL: srv.URL, AllowPrivate: true, CAFile: "ca.pem"}.Client(kind.Env{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer cl.CloseIdleConnections()
			_, err = get(t, cl, srv.URL)
			req.True(t, c.ids, (err == nil) == (c.want == "") && (err == nil || strings.Contains(err.Error(), c.want)), "%v, want %q", err, c.want)
		})
	}
}
