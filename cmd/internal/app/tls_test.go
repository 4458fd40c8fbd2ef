package app_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestTLS: the listener speaks TLS 1.2 and later with the pair of the files, takes
// up a new pair without a restart, and keeps the old one while the new is broken.
func TestTLS(t *testing.T) {
	pair := func() (cert, key []byte) {
		s := newSite(t)
		s.configure("tls { self_signed = true }\n")
		s.openWith(app.Options{})
		dir := filepath.Join(s.dir, "data", "tls")
		cert, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if key, err = os.ReadFile(filepath.Join(dir, "key.pem")); err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	cert, key := pair()
	next, nextKey := pair()
	s := newSite(t)
	s.write("cert.pem", string(cert))
	s.write("key.pem", string(key))
	s.configure("tls {\n  cert_file = \"cert.pem\"\n  key_file = \"key.pem\"\n}\n")
	a := s.openWith(app.Options{})
	dial := func(authority []byte, most uint16) error {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authority)
		c, err := tls.Dial("tcp", a.Addr(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: most})
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		err := dial(cert, version)
		req.True(t, "INTEROP-01", (err == nil) == ok, "%s: %v", tls.VersionName(version), err)
	}
	s.write("cert.pem", string(next)+"\n")
	if err := dial(cert, tls.VersionTLS13); err != nil {
		t.Errorf("with half a new pair: %v", err)
	}
	s.write("key.pem", string(nextKey)+"\n")
	if err := dial(next, tls.VersionTLS13); err != nil {
		t.Errorf("with a new pair: %v", err)
	}
}

// TestSelfSignedIsRenewed: a pair for trying out stays over a restart, and is made
// anew by one within its last 30 days.
func TestSelfSignedIsRenewed(t *testing.T) {
	s := newSite(t)
	s.configure("tls { self_signed = true }\n")
	start := func(ahead time.Duration) string {
		a := s.openWith(app.Options{Now: func() time.Time { return time.Now().Add(ahead) }})
		cert, err := os.ReadFile(filepath.Join(s.dir, "data", "tls", "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		s.stop(a)
		return string(cert)
	}
	first := start(0)
	if start(59*24*time.Hour) != first {
		t.Error("a pair that lasts was made anew")
	}
	if start(61*24*time.Hour) == first {
		t.Error("a pair about to expire is still there")
	}
}
