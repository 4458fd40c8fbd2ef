package app_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
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
