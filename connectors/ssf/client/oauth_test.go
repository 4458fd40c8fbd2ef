package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// granter is an authorization server that numbers its tokens.
type granter struct {
	mu     sync.Mutex
	scopes []string // asked for, one per token
	grants []string // likewise, the types of the grants
}

func (g *granter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.scopes, g.grants = append(g.scopes, r.FormValue("scope")), append(g.grants, r.FormValue("grant_type"))
	fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, len(g.scopes))
}

func (g *granter) asked() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.scopes, " | ")
}

// granted is a client that gets its tokens from a server.
func granted(t *testing.T, tx *pipelinetest.Transmitter, scopes ...string) (*client.Client, *granter) {
	t.Helper()
	g := &granter{}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	c, err := client.New(client.Options{
		Transmitter: issuer, HTTP: tx.Client(), Reach: outbound.Options{AllowPrivate: true},
		OAuth: &oauth.Config{TokenURL: srv.URL, ClientID: "us", ClientSecret: "hush", Scopes: scopes},
	}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

// TestTokenRefused: a token that is refused is got anew, once.
func TestTokenRefused(t *testing.T) {
	tx := pipelinetest.TransmitterAt(t, issuer)
	tx.Token = "token-2"
	c, g := granted(t, tx, "ssf.manage")
	if _, err := c.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(t.Context()); err != nil || g.asked() != "ssf.manage | ssf.manage" {
		t.Errorf("%v, asked for %q", err, g.asked())
	}
	var shown []string
	for _, a := range tx.Asked("GET", "/streams") {
		shown = append(shown, a.Header.Get("Authorization"))
	}
	req.Equal(t, "INTEROP-14", shown, []string{"Bearer token-1", "Bearer token-2", "Bearer token-2"})
	req.Equal(t, "INTEROP-14 INTEROP-21", g.grants, []string{"client_credentials", "client_credentials"})
	for _, a := range tx.Asked("GET", "/.well-known/ssf-configuration") {
		if a.Header.Get("Authorization") != "" {
			t.Error("the metadata was asked for with a token")
		}
	}
	tx.Token = "another"
	_, err := c.List(t.Context())
	if client.StatusOf(err) != http.StatusUnauthorized || g.asked() != "ssf.manage | ssf.manage | ssf.manage" {
		t.Errorf("%v, asked for %q", err, g.asked())
	}
	if err != nil && strings.Contains(err.Error(), "token-") {
		t.Errorf("%v shows a token", err)
	}
}

// TestScopes: those configured, else those the resource tells, else those of the
// profile.
func TestScopes(t *testing.T) {
	tx := pipelinetest.TransmitterAt(t, issuer)
	c, g := granted(t, tx)
	if _, err := c.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	req.Equal(t, "INTEROP-23", g.asked(), "ssf.manage ssf.read")

	answers(tx, "/.well-known/oauth-protected-resource/streams", 200,
		`{"resource":"https://tx.example.com/streams","scopes_supported":["openid","ssf.manage.streams","bad scope"]}`)
	c, g = granted(t, tx)
	if _, err := c.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	req.Equal(t, "INTEROP-22", g.asked(), "ssf.manage.streams")
	c, g = granted(t, tx, "x")
	if _, err := c.List(t.Context()); err != nil || g.asked() != "x" {
		t.Errorf("%v, asked for %q", err, g.asked())
	}
}
