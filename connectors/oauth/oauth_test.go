package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// server is an authorization server that numbers its tokens.
type server struct {
	URL string

	mu     sync.Mutex
	asked  []url.Values
	basic  []string
	answer func(n int) (int, string)
}

func newServer(t *testing.T) *server {
	s := &server{answer: func(n int) (int, string) {
		return 200, fmt.Sprintf(`{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, n)
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = r.ParseForm()
		s.asked = append(s.asked, r.PostForm)
		user, password, _ := r.BasicAuth()
		s.basic = append(s.basic, user+":"+password)
		status, text := s.answer(len(s.asked))
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
	t.Cleanup(srv.Close)
	s.URL = srv.URL + "/token"
	return s
}

func (s *server) answers(status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func(int) (int, string) { return status, text }
}

func (s *server) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, c oauth.Config) (*oauth.Source, *clock) {
	t.Helper()
	now := &clock{at: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)}
	if p := c.Problems(true); p != nil {
		t.Fatal(p)
	}
	s, err := c.Open(outbound.Options{AllowPrivate: true}, kind.Env{Now: now.now})
	if err != nil {
		t.Fatal(err)
	}
	return s, now
}

func get(t *testing.T, s *oauth.Source, want string) {
	t.Helper()
	got, err := s.Token(t.Context(), []string{"ssf.read"})
	if err != nil || got != want {
		t.Errorf("token %q, %v; want %q", got, err, want)
	}
}

func TestTokenIsKept(t *testing.T) {
	srv := newServer(t)
	s, now := open(t, oauth.Config{TokenURL: srv.URL, ClientID: "me:1", ClientSecret: "s&cret"})
	get(t, s, "t1")
	get(t, s, "t1")
	now.move(59 * time.Minute)
	get(t, s, "t1")
	now.move(31 * time.Second) // 29 s before its end
	get(t, s, "t2")
	s.Refused("t1") // an old one
	get(t, s, "t2")
	s.Refused("t2")
	get(t, s, "t3")
	if srv.basic[0] != "me%3A1:s%26cret" {
		t.Errorf("basic credentials %q are not form-encoded first", srv.basic[0])
	}
	want := url.Values{"grant_type": {"client_credentials"}, "scope": {"ssf.read"}}
	if got := srv.asked[0]; got.Encode() != want.Encode() {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestOneRequestForMany(t *testing.T) {
	srv := newServer(t)
	s, _ := open(t, oauth.Config{TokenURL: srv.URL, ClientID: "me", ClientSecret: "s"})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { get(t, s, "t1") })
	}
	wg.Wait()
	if n := srv.times(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestPost(t *testing.T) {
	srv := newServer(t)
	s, _ := open(t, oauth.Config{TokenURL: srv.URL, ClientID: "me", ClientSecret: "s", Method: oauth.Post, Scopes: []string{"ssf.manage", "x"}})
	get(t, s, "t1")
	want := url.Values{"grant_type": {"client_credentials"}, "scope": {"ssf.manage x"}, "client_id": {"me"}, "client_secret": {"s"}}
	if got := srv.asked[0]; got.Encode() != want.Encode() || srv.basic[0] != ":" {
		t.Errorf("asked %v and %q, want %v", got, srv.basic[0], want)
	}
}

// keyFile writes a private key and returns its file and signer.
func keyFile(t *testing.T) (string, *jose.Signer) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return file, signer
}

func TestPrivateKey(t *testing.T) {
	srv := newServer(t)
	file, signer := keyFile(t)
	s, now := open(t, oauth.Config{TokenURL: srv.URL, ClientID: "me", PrivateKey: file})
	get(t, s, "t1")
	s.Refused("t1")
	get(t, s, "t2")
	keys, err := jose.Static(signer.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	var jtis []string
	for _, form := range srv.asked {
		token := []byte(form.Get("client_assertion"))
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_secret") != "" {
			t.Errorf("form %v", form)
		}
		c, err := new(jose.Parser).Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jose.Verify(t.Context(), c, keys, jose.Policy{Algorithms: []string{"ES256"}, Types: []string{"jwt"}}); err != nil {
			t.Errorf("assertion: %v", err)
		}
		text, _ := base64.RawURLEncoding.DecodeString(strings.Split(string(token), ".")[1])
		var claims struct {
			Iss, Sub, Aud, Jti string
			Iat, Exp           int64
		}
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Fatal(err)
		}
		at := now.now().Unix()
		if claims.Iss != "me" || claims.Sub != "me" || claims.Aud != srv.URL || claims.Iat != at || claims.Exp != at+60 {
			t.Errorf("claims %+v", claims)
		}
		jtis = append(jtis, claims.Jti)
	}
	if len(jtis) != 2 || jtis[0] == jtis[1] || jtis[0] == "" {
		t.Errorf("jti of assertions: %q", jtis)
	}
}

func TestAnswers(t *testing.T) {
	srv := newServer(t)
	for name, c := range map[string]struct {
		status       int
		text, want   string
		banned       string
		tokenInstead string
	}{
		"refused":      {400, `{"error":"invalid_client","error_description":"no\u0007pe"}`, "invalid_client: no?pe", "", ""},
		"secret":       {401, `{"error":"invalid_client","error_description":"hunter22 is wrong"}`, "answers 401: check", "hunter22", ""},
		"encoded":      {401, `{"error":"x","error_description":"got Basic bWU6aHVudGVyMjI="}`, "answers 401", "bWU6", ""},
		"page":         {200, `<html>`, "no access_token", "", ""},
		"empty":        {200, `{"access_token":""}`, "no access_token", "", ""},
		"mac":          {200, `{"access_token":"t","token_type":"mac"}`, "no bearer token", "", ""},
		"line break":   {200, `{"access_token":"t\nx"}`, "no header can carry", "", ""},
		"long":         {200, `{"access_token":"` + strings.Repeat("x", 70<<10) + `"}`, "no access_token", "", ""},
		"redirect":     {302, ``, "answers 302", "", ""},
		"without type": {200, `{"access_token":"t"}`, "", "", "t"},
	} {
		t.Run(name, func(t *testing.T) {
			srv.answers(c.status, c.text)
			s, _ := open(t, oauth.Config{TokenURL: srv.URL, ClientID: "me", ClientSecret: "hunter22"})
			got, err := s.Token(t.Context(), nil)
			if got != c.tokenInstead || (err == nil) != (c.want == "") {
				t.Fatalf("token %q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.want) || c.banned != "" && strings.Contains(err.Error(), c.banned)) {
				t.Errorf("%v, want %q and not %q", err, c.want, c.banned)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	good := oauth.Config{TokenURL: "https://as.example.com/token", ClientID: "me", ClientSecret: "s"}
	for name, c := range map[string]struct {
		change func(*oauth.Config)
		fields []string
	}{
		"good":        {func(*oauth.Config) {}, nil},
		"plain":       {func(c *oauth.Config) { c.TokenURL = "http://as.example.com" }, []string{"token_url"}},
		"private":     {func(c *oauth.Config) { c.TokenURL = "https://10.0.0.1" }, []string{"token_url"}},
		"no id":       {func(c *oauth.Config) { c.ClientID = "" }, []string{"client_id"}},
		"no secret":   {func(c *oauth.Config) { c.ClientSecret = "" }, []string{"client_secret"}},
		"method":      {func(c *oauth.Config) { c.Method = "basic" }, []string{"method"}},
		"both":        {func(c *oauth.Config) { c.PrivateKey = "k.pem" }, []string{"client_secret"}},
		"key unused":  {func(c *oauth.Config) { c.PrivateKey, c.Method = "k.pem", oauth.Post }, []string{"private_key"}},
		"key missing": {func(c *oauth.Config) { c.ClientSecret, c.Method = "", oauth.PrivateKey }, []string{"private_key"}},
		"scope":       {func(c *oauth.Config) { c.Scopes = []string{"a", "a b"} }, []string{"scopes[1]"}},
	} {
		o := good
		c.change(&o)
		var fields []string
		for _, p := range o.Problems(false) {
			fields = append(fields, p.Field)
		}
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: problems of %q, want %q", name, fields, c.fields)
		}
	}
}
