package elasticsearch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

func TestValidate(t *testing.T) {
	at := []string{"https://es.example.com:9200"}
	for name, c := range map[string]struct {
		config Config
		field  string
	}{
		"least":           {Config{Addresses: at}, ""},
		"cloud":           {Config{CloudID: "soc:ZXUtd2VzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVmZ2g=", APIKey: "x"}, ""},
		"all":             {Config{Addresses: at, Username: "a", Password: "b", Fingerprint: strings.Repeat("AB:", 31) + "AB", Namespace: "prod", Lifecycle: &Lifecycle{Keep: 100 * day}}, ""},
		"this machine":    {Config{Addresses: []string{"http://localhost:9200"}}, ""},
		"no address":      {Config{}, "addresses"},
		"plain":           {Config{Addresses: []string{"http://es.example.com:9200"}}, "addresses[0]"},
		"two places":      {Config{Addresses: at, CloudID: "soc:ZXUtd2VzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVmZ2g="}, "cloud_id"},
		"bad cloud":       {Config{CloudID: "soc"}, "cloud_id"},
		"two logins":      {Config{Addresses: at, APIKey: "x", Username: "a", Password: "b"}, "api_key"},
		"half a login":    {Config{Addresses: at, Username: "a"}, "username"},
		"line break":      {Config{Addresses: at, APIKey: "x\n"}, "api_key"},
		"fingerprint":     {Config{Addresses: at, Fingerprint: "abc"}, "fingerprint"},
		"two authorities": {Config{Addresses: at, CAFile: "a", Fingerprint: strings.Repeat("ab", 32)}, "fingerprint"},
		"namespace":       {Config{Addresses: at, Namespace: "a-b"}, "namespace"},
		"in flight":       {Config{Addresses: at, InFlight: 100}, "in_flight"},
		"bytes":           {Config{Addresses: at, MaxBytes: 1}, "max_bytes"},
		"timeout":         {Config{Addresses: at, Timeout: time.Millisecond}, "timeout"},
		"fast rollover":   {Config{Addresses: at, Lifecycle: &Lifecycle{RolloverAge: time.Hour}}, "lifecycle.rollover_age"},
		"small rollover":  {Config{Addresses: at, Lifecycle: &Lifecycle{RolloverSize: "1mb"}}, "lifecycle.rollover_size"},
		"foreign policy":  {Config{Addresses: at, Lifecycle: &Lifecycle{Policy: "x", Keep: 48 * time.Hour}}, "lifecycle.keep"},
	} {
		problems := c.config.Validate()
		switch {
		case c.field == "" && len(problems) != 0:
			t.Errorf("%s: %v", name, problems)
		case c.field != "" && (len(problems) != 1 || problems[0].Field != c.field):
			t.Errorf("%s: problems are %v, want one of %s", name, problems, c.field)
		}
	}
	if a, err := cloudAddress("soc:ZXUtd2VzdC0xLmF3cy5mb3VuZC5pbyRhYmNkJGVmZ2g="); err != nil || a != "https://abcd.eu-west-1.aws.found.io" {
		t.Errorf("the address of a deployment is %s, %v", a, err)
	}
}

// TestTrust connects by authority and fingerprint, and not without.
func TestTrust(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "APIKey a2V5" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	server.Config.ErrorLog = nil
	defer server.Close()
	cert := server.Certificate().Raw
	sum := sha256.Sum256(cert)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		works  bool
	}{
		"nothing":           {Config{}, false},
		"authority":         {Config{CAFile: ca}, true},
		"fingerprint":       {Config{Fingerprint: hex.EncodeToString(sum[:])}, true},
		"other fingerprint": {Config{Fingerprint: strings.Repeat("00", 32)}, false},
	} {
		c.config.Addresses, c.config.APIKey = []string{server.URL}, "a2V5"
		client, err := c.config.client(kind.Env{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := client.do(t.Context(), http.MethodGet, "/", nil, "", nil)
		if works := err == nil && a.status == http.StatusOK; works != c.works {
			t.Errorf("%s: %v, status %d", name, err, a.status)
		}
	}
}

// TestSecrets: what a server repeats of the credentials is not told.
func TestSecrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"type":"security_exception","reason":"unable to authenticate with a2V5"}}`))
	}))
	defer server.Close()
	client, err := (&Config{Addresses: []string{server.URL}, APIKey: "a2V5"}).client(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	err = client.call(t.Context(), http.MethodGet, "/", nil, nil, nil)
	if !is(err, http.StatusUnauthorized) || strings.Contains(err.Error(), "a2V5") {
		t.Errorf("error is %v", err)
	}
}
