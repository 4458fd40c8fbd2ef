package kafka

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestSASL: the mechanisms log in, and a wrong password is told with what to do,
// without the password.
func TestSASL(t *testing.T) {
	for _, mech := range []string{mechPlain, mech256, mech512} {
		t.Run(mech, func(t *testing.T) {
			b := newBrokerWith(t, kfake.SeedTopics(1, "alerts"), kfake.EnableSASL(), kfake.Superuser(mech, "signalbox", "hush-hush"))
			auth := func(password string) func(*SourceConfig) {
				return func(c *SourceConfig) {
					c.SASL = &SASL{Mechanism: mech, Username: "signalbox"}
					c.SASL.Password = "hush-hush"
					if password != "" {
						c.SASL.Password = "wrong-one"
					}
				}
			}
			r := start(t, openSource(t, b.config(auth(""))), pipelinetest.NewRecorder())
			await(t, "the group", r.Ready)
			r.stop()
			err := openSource(t, b.config(auth("wrong"))).Run(t.Context(), pipelinetest.NewRecorder())
			if err == nil || !strings.Contains(err.Error(), "sasl") || strings.Contains(err.Error(), "wrong-one") {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
}

// TestBearerRefused: what the broker says of a token is an error of the login,
// if it can be shown.
func TestBearerRefused(t *testing.T) {
	m, err := (&SASL{Mechanism: mechOAuth, Token: "t-1"}).mechanism(kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]string{
		`{"status":"invalid_token","scope":""}`: "invalid_token",
		`{"status":"in\u001b[2Jvalid"}`:         "no reason given",
		"\xff":                                  "no reason given",
		"":                                      "",
	} {
		s, first, err := m.Authenticate(t.Context(), "kafka:9093")
		if err != nil || !strings.Contains(string(first), "Bearer t-1") {
			t.Fatalf("%q, %v", first, err)
		}
		done, _, err := s.Challenge([]byte(answer))
		if done != (want == "") || (err == nil) != done || err != nil && (!strings.HasSuffix(err.Error(), want) || !needsSomebody(err)) {
			t.Errorf("%q: %v, %v", answer, done, err)
		}
	}
}

// TestTLS: a broker is believed by the authority given, and faults say what to
// do.
func TestTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate, of 127.0.0.1 and example.com
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBrokerWith(t, kfake.SeedTopics(1, "alerts"), kfake.TLS(&tls.Config{Certificates: web.TLS.Certificates}))
	with := func(conf *TLS) *source { return openSource(t, b.config(func(c *SourceConfig) { c.TLS = conf })) }
	r := start(t, with(&TLS{CAFile: ca, ServerName: "example.com"}), pipelinetest.NewRecorder())
	await(t, "the group", r.Ready)
	r.stop()
	for advice, conf := range map[string]*TLS{
		"name it with ca_file":  {},
		"or set server_name":    {CAFile: ca, ServerName: "kafka.example.org"},
		"the port may want tls": nil,
	} {
		if err := with(conf).Run(t.Context(), pipelinetest.NewRecorder()); err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("Run ended with %v, want advice %q", err, advice)
		}
	}
}

// TestBrokerDown: the source fails, so that it is known, and runs when a broker
// is there.
func TestBrokerDown(t *testing.T) {
	s := openSource(t, &SourceConfig{Brokers: []string{"127.0.0.1:1"}, Group: "g", Topics: []Topic{{Name: "a", Mapping: "plain"}}})
	err := s.Run(t.Context(), pipelinetest.NewRecorder())
	if err == nil || !strings.Contains(err.Error(), "reach brokers") || !strings.Contains(err.Error(), "check brokers") || s.Ready() {
		t.Errorf("Run ended with %v", err)
	}
}

// TestClientCredentials: a token is got once and used until it ends.
func TestClientCredentials(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		user, pass, _ := r.BasicAuth()
		if r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka" || user != "us" || pass != "hush%2Fhush" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"t-1","token_type":"Bearer","expires_in":3600}`))
	}))
	defer srv.Close()
	s := &SASL{Mechanism: mechOAuth, TokenURL: srv.URL, ClientID: "us", ClientSecret: "hush/hush", Scope: "kafka", AllowPrivate: true}
	if p := s.problems(true); len(p) > 0 {
		t.Fatal(p)
	}
	if _, err := s.mechanism(kind.Env{}); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_767_225_600, 0)
	env := kind.Env{Now: func() time.Time { return now }}
	c, err := s.credentials().Open(outbound.Options{AllowPrivate: true}, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{0, time.Minute, time.Hour} {
		now = now.Add(later)
		if token, err := c.Token(t.Context(), nil); token != "t-1" || err != nil {
			t.Errorf("%q, %v", token, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	s.ClientSecret = "wrong"
	if c, err = s.credentials().Open(outbound.Options{AllowPrivate: true}, env); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Token(t.Context(), nil); err == nil || strings.Contains(err.Error(), "wrong") || !strings.Contains(err.Error(), "check client_id") {
		t.Errorf("error %v", err)
	}
}
