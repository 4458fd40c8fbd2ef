package app_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestKeysBehindAPrivateAuthority: a key set whose server shows a certificate
// that no public authority made is fetched with ca_file, and not without.
func TestKeysBehindAPrivateAuthority(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(s.signer.JWKS()) }))
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.replace(`jwks_file = "idp.jwks.json"`, fmt.Sprintf("jwks = %q", srv.URL))
	a := s.open()
	if code, _ := offer(t, a, s.token("1", "a@example.com")); code != http.StatusServiceUnavailable {
		t.Errorf("without ca_file: %d", code)
	}
	s.stop(a)

	s.replace("jwks = ", "ca_file = \"ca.pem\"\n  jwks = ")
	if problems := app.Check(s.path(), nil); !problems.HasErrors() {
		t.Error("nothing is said of a ca_file that is not there")
	}
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	if code, _ := offer(t, s.open(), s.token("1", "a@example.com")); code != http.StatusAccepted {
		t.Errorf("with ca_file: %d", code)
	}
}

// TestKeysInside: where the name of a key set's server leads inside the network, the
// set is fetched if the issuer's block permits it, and not otherwise; the block's own
// word for an address needs no permission, as the test above shows.
func TestKeysInside(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(s.signer.JWKS()) }))
	defer srv.Close()
	was := net.DefaultResolver
	net.DefaultResolver = pipelinetest.Resolver(t, "127.0.0.1")
	t.Cleanup(func() { net.DefaultResolver = was })
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	s.replace(`jwks_file = "idp.jwks.json"`, fmt.Sprintf("ca_file = \"ca.pem\"\n  jwks = \"https://example.com:%s\"", at.Port()))
	a := s.open()
	if code, _ := offer(t, a, s.token("1", "a@example.com")); code != http.StatusServiceUnavailable {
		t.Errorf("without allow_private: %d", code)
	}
	s.stop(a)
	s.replace("jwks = ", "allow_private = true\n  jwks = ")
	if code, _ := offer(t, s.open(), s.token("1", "a@example.com")); code != http.StatusAccepted {
		t.Errorf("with allow_private: %d", code)
	}
}
