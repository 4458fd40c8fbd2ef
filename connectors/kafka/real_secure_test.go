package kafka

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// file is one of those that .ci/kafka/broker makes beside its broker's data.
func (r *real) file(name string) string {
	r.t.Helper()
	path := filepath.Join(os.TempDir(), "signalbox-kafka-"+port(r.t, r.addr), name)
	if _, err := os.Stat(path); err != nil {
		r.t.Skip("the broker was not started by .ci/kafka/broker: ", err)
	}
	return path
}

func port(t *testing.T, addr string) string {
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// secure is a source that logs in, over TLS.
func (r *real) secure(topic, group string, login *SASL) *source {
	n, err := strconv.Atoi(port(r.t, r.addr))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.source(topic, func(c *SourceConfig) {
		c.Brokers = []string{fmt.Sprintf("127.0.0.1:%d", n+2)}
		c.Group = group
		c.TLS = &TLS{CAFile: r.file("ca.pem")}
		c.SASL = login
	})
}

// TestRealSecure: SCRAM over TLS, and a wrong password is told with what to do.
func TestRealSecure(t *testing.T) {
	r := newReal(t)
	topic := r.topic(1)
	r.fill(topic, 1, 0, 5)
	for _, mech := range []string{mech256, mech512} {
		login := func(password pipeline.Secret) *SASL {
			return &SASL{Mechanism: mech, Username: "signalbox", Password: password}
		}
		s := start(t, r.secure(topic, topic+mech, login("signalbox-test")), newLedger(""))
		r.awaitCommitted(topic+mech, 5)
		s.stop()
		err := r.secure(topic, topic+mech, login("wrong")).Run(t.Context(), pipelinetest.NewRecorder())
		if err == nil || !strings.Contains(err.Error(), "check username, password or token of sasl") {
			t.Errorf("%s: Run ended with %v", mech, err)
		}
	}
}

// TestRealOAuth: OAUTHBEARER over TLS, with a signed token that is configured and
// with one from a token endpoint; one for another audience is refused and told
// with what to do.
func TestRealOAuth(t *testing.T) {
	r := newReal(t)
	topic := r.topic(1)
	r.fill(topic, 1, 0, 5)
	key := r.tokenKey()
	var another atomic.Bool // audience of what the endpoint gives
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if user, pass, _ := q.BasicAuth(); user != "signalbox" || pass != "hush" || q.FormValue("scope") != "read" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		audience := "kafka"
		if another.Load() {
			audience = "another"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": jwt(key, audience), "token_type": "Bearer", "expires_in": 600})
	}))
	defer srv.Close()
	login := func() *SASL {
		return &SASL{Mechanism: mechOAuth, TokenURL: srv.URL, ClientID: "signalbox", ClientSecret: "hush", Scope: "read", AllowPrivate: true}
	}
	s := start(t, r.secure(topic, topic, login()), newLedger(""))
	r.awaitCommitted(topic, 5)
	s.stop()
	fixed := start(t, r.secure(topic, topic+"-fixed", &SASL{Mechanism: mechOAuth, Token: pipeline.Secret(jwt(key, "kafka"))}), newLedger(""))
	r.awaitCommitted(topic+"-fixed", 5)
	fixed.stop()
	another.Store(true)
	err := r.secure(topic, topic, login()).Run(t.Context(), pipelinetest.NewRecorder())
	if err == nil || !strings.Contains(err.Error(), "check username, password or token of sasl") || strings.Contains(err.Error(), "hush") {
		t.Errorf("Run ended with %v", err)
	}
}

// tokenKey is the secret by which the broker believes tokens.
func (r *real) tokenKey() []byte {
	r.t.Helper()
	text, err := os.ReadFile(r.file("jwks.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	var set struct {
		Keys []struct{ K string }
	}
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 1 {
		r.t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	key, err := base64.RawURLEncoding.DecodeString(set.Keys[0].K)
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// jwt is a token (RFC 7519) for an audience, signed by HS256.
func jwt(key []byte, audience string) string {
	now := time.Now().Unix()
	text := part(map[string]any{"alg": "HS256", "kid": "test"}) + "." + part(map[string]any{
		"iss": "https://login.example.com", "aud": audience, "sub": "signalbox", "iat": now, "exp": now + 600,
	})
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func part(v any) string {
	text, _ := json.Marshal(v) // of strings and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}
