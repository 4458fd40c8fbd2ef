// Package oauth gets access tokens by the product's own credentials: the client
// credentials grant of OAuth 2.0 (RFC 6749 section 4.4), by which a receiver
// calls the management API of a transmitter (INTEROP-14).
//
// A token is kept until shortly before its end and got anew earlier when the
// resource refused it. Of what an authorization server answers, codes and
// cleaned descriptions are told, and nothing that repeats a secret.
//
// The package knows no resource and no other grant: no person is asked.
package oauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// How a client shows who it is (RFC 6749 section 2.3.1, RFC 7523 section 2.2).
const (
	Basic      = "client_secret_basic"
	Post       = "client_secret_post"
	PrivateKey = "private_key_jwt"
)

// Methods lists them.
var Methods = []string{Basic, Post, PrivateKey}

// Config is an authorization server and who we are there, as a block of a
// connector.
type Config struct {
	TokenURL     string          `hcl:"token_url"`
	ClientID     string          `hcl:"client_id"`
	ClientSecret pipeline.Secret `hcl:"client_secret,optional"`
	Method       string          `hcl:"method,optional"`      // client_secret_basic, or private_key_jwt where private_key is given
	PrivateKey   string          `hcl:"private_key,optional"` // file, PKCS #8 in PEM form
	KeyID        string          `hcl:"key_id,optional"`      // kid of assertions; the RFC 7638 thumbprint of the key
	Audience     string          `hcl:"audience,optional"`    // aud of assertions; token_url
	Scopes       []string        `hcl:"scopes,optional"`
}

// method is the one in use.
func (c *Config) method() string {
	switch {
	case c.Method != "":
		return c.Method
	case c.PrivateKey != "":
		return PrivateKey
	}
	return Basic
}

// Problems says what is wrong with the block, by its fields.
func (c *Config) Problems(allowPrivate bool) (problems kind.Problems) {
	add := problems.Add
	if problem := outbound.URLProblem(c.TokenURL, allowPrivate); problem != "" {
		add("token_url", "unusable token_url", problem)
	}
	if c.ClientID == "" {
		add("client_id", "no client_id", "Give the name under which the authorization server knows us.")
	}
	if !slices.Contains(Methods, c.method()) {
		add("method", fmt.Sprintf("unknown method %q", c.Method), "Use one of "+strings.Join(Methods, ", ")+".")
		return problems
	}
	switch byKey := c.method() == PrivateKey; {
	case byKey && c.PrivateKey == "":
		add("private_key", "no private key", PrivateKey+" signs with one: name its file, PKCS #8 in PEM form.")
	case byKey && c.ClientSecret != "":
		add("client_secret", "both secret and private key", "Remove one: "+PrivateKey+" sends no secret.")
	case !byKey && c.ClientSecret == "":
		add("client_secret", "no client secret", `Give it as in client_secret = env("CLIENT_SECRET").`)
	case !byKey && c.PrivateKey != "":
		add("private_key", "private key without use", "Remove it, or write method = \""+PrivateKey+"\".")
	}
	for i, s := range c.Scopes {
		if !Scope(s) {
			add(fmt.Sprintf("scopes[%d]", i), "invalid scope", "A scope is one word without quotes and backslashes, such as \"ssf.manage\".")
		}
	}
	return problems
}

// Scope reports whether a text is a scope-token (RFC 6749 section 3.3).
func Scope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

// Open makes the source of tokens. It reads the private key and the files of the
// options, of which the URL is set here, and connects to nothing.
func (c *Config) Open(o outbound.Options, env kind.Env) (*Source, error) {
	o.URL, o.InFlight = c.TokenURL, 1
	client, err := o.Client(env)
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	s := &Source{config: *c, http: client, now: env.Clock(), turn: make(chan struct{}, 1)}
	if c.method() == PrivateKey {
		signer, err := jose.LoadSigner(env.Path(c.PrivateKey))
		if err != nil {
			return nil, fmt.Errorf("private_key: %w", err)
		}
		s.signer = signer.As("JWT", c.KeyID)
	}
	return s, nil
}

// Source gives access tokens. Safe for concurrent use.
type Source struct {
	config Config
	http   *http.Client
	now    func() time.Time
	signer *jose.Signer // of private_key_jwt

	turn  chan struct{} // held by who reads or renews the token
	token string
	until time.Time
}
