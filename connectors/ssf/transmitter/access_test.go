package transmitter

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// TestAccessTokens: a receiver is told by the access token of its client and may
// do what the scopes permit; what is not exactly such a token is no token.
func TestAccessTokens(t *testing.T) {
	signer, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(signer.JWKS()) }))
	defer keys.Close()
	c := two()
	c.Access = &AuthorizationServer{Issuer: "https://login.example.com", JWKS: keys.URL, Audience: []string{"https://signals.example.com"}, AllowPrivate: true}
	c.Receivers[0].ClientID = "app-client"
	r := serve(t, nil, c)
	now := time.Now().Unix()
	token := func(s *jose.Signer, typ string, change map[string]any) string {
		claims := map[string]any{"iss": "https://login.example.com", "aud": "https://signals.example.com", "client_id": "app-client",
			"iat": now, "exp": now + 300, "scope": "openid ssf.manage"}
		maps.Copy(claims, change)
		text, _ := json.Marshal(claims)
		signed, err := s.As(typ, "").Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	call := func(method, token string) int {
		q := httptest.NewRequest(method, base+"/streams", nil)
		q.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, q)
		return w.Code
	}
	for name, x := range map[string]struct {
		token string
		want  int
	}{
		"of the configuration": {appToken, 200},
		"manage":               {token(signer, "at+jwt", nil), 200},
		"JWT":                  {token(signer, "JWT", nil), 200},
		"scp":                  {token(signer, "at+jwt", map[string]any{"scope": "", "scp": []string{"ssf.read"}}), 200},
		"no scope":             {token(signer, "at+jwt", map[string]any{"scope": "openid"}), 403},
		"half a scope":         {token(signer, "at+jwt", map[string]any{"scope": "ssf"}), 403},
		"a SET":                {token(signer, "secevent+jwt", nil), 401},
		"other keys":           {token(stranger, "at+jwt", nil), 401},
		"other issuer":         {token(signer, "at+jwt", map[string]any{"iss": "https://login.example.com/"}), 401},
		"other audience":       {token(signer, "at+jwt", map[string]any{"aud": []string{"https://other.example.com"}}), 401},
		"no audience":          {token(signer, "at+jwt", map[string]any{"aud": nil}), 401},
		"over":                 {token(signer, "at+jwt", map[string]any{"exp": now - 120}), 401},
		"no end":               {token(signer, "at+jwt", map[string]any{"exp": nil}), 401},
		"not yet":              {token(signer, "at+jwt", map[string]any{"nbf": now + 120}), 401},
		"an hour":              {token(signer, "at+jwt", map[string]any{"nbf": now - 600, "exp": now + 3000}), 200},
		"too long":             {token(signer, "at+jwt", map[string]any{"nbf": now - 600, "exp": now + 3001}), 401},
		"too long, by iat":     {token(signer, "at+jwt", map[string]any{"iat": now - 600, "exp": now + 3001}), 401},
		"too long, no start":   {token(signer, "at+jwt", map[string]any{"iat": nil, "exp": now + 3700}), 401},
		"other client":         {token(signer, "at+jwt", map[string]any{"client_id": "other"}), 401},
		"no client":            {token(signer, "at+jwt", map[string]any{"client_id": ""}), 401},
	} {
		got := call(http.MethodGet, x.token)
		ids := "SSF-TX-16 INTEROP-25"
		if strings.HasPrefix(name, "too long") || name == "an hour" {
			ids += " INTEROP-21"
		}
		req.True(t, ids, got == x.want, "%s: %d, not %d", name, got, x.want)
	}
	req.Equal(t, "SSF-TX-16", call(http.MethodDelete, token(signer, "at+jwt", map[string]any{"scope": "ssf.read"})), http.StatusForbidden)
	keys.Close()
	c.Access.JWKS = keys.URL
	if got := func() int { r = serve(t, nil, c); return call(http.MethodGet, token(signer, "at+jwt", nil)) }(); got != http.StatusServiceUnavailable {
		t.Errorf("without keys: %d", got)
	}
}

func TestAccessProblems(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no server":   func(c *Config) { c.Access = nil },
		"no client":   func(c *Config) { c.Receivers[0].ClientID = "" },
		"same client": func(c *Config) { c.Receivers[1].ClientID = "app" },
		"no audience": func(c *Config) { c.Access.Audience = nil },
		"no end":      func(c *Config) { c.Access.MaxLifetime = 1000 * time.Hour },
		"no issuer":   func(c *Config) { c.Access.Issuer = "" },
		"plain keys":  func(c *Config) { c.Access.JWKS = "http://login.example.com/jwks" },
	} {
		c := two()
		c.Access = &AuthorizationServer{Issuer: "https://login.example.com", JWKS: "https://login.example.com/jwks", Audience: []string{"us"}}
		c.Receivers[0].ClientID = "app"
		if p := c.Validate(); len(p) > 0 {
			t.Fatal(p)
		}
		if change(c); len(c.Validate()) == 0 {
			t.Errorf("%s is no problem", name)
		}
	}
}
