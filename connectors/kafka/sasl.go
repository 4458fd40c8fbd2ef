package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	clientoauth "github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// SASL says who we are to the brokers.
type SASL struct {
	Mechanism string          `hcl:"mechanism"` // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	Username  string          `hcl:"username,optional"`
	Password  pipeline.Secret `hcl:"password,optional"`

	// Of OAUTHBEARER: a token, or where one is got by our own credentials
	// (RFC 6749 section 4.4).
	Token        pipeline.Secret `hcl:"token,optional"`
	TokenURL     string          `hcl:"token_url,optional"`
	ClientID     string          `hcl:"client_id,optional"`
	ClientSecret pipeline.Secret `hcl:"client_secret,optional"`
	Scope        string          `hcl:"scope,optional"`
	AllowPrivate bool            `hcl:"allow_private,optional"` // permit a token_url outside the public internet
}

const (
	mechPlain = "PLAIN"
	mech256   = "SCRAM-SHA-256"
	mech512   = "SCRAM-SHA-512"
	mechOAuth = "OAUTHBEARER"
)

var mechanisms = []string{mechPlain, mech256, mech512, mechOAuth}

// problems reports what is wrong; safe tells that nobody can listen on the way
// to the brokers.
func (s *SASL) problems(safe bool) []kind.FieldError {
	var problems kind.Problems
	add := func(field, summary, detail string) {
		problems.Add(join("sasl", field), summary, detail)
	}
	if !slices.Contains(mechanisms, s.Mechanism) {
		add("mechanism", fmt.Sprintf("unknown mechanism %q", s.Mechanism), "Use one of "+strings.Join(mechanisms, ", ")+".")
		return problems
	}
	if !safe && (s.Mechanism == mechPlain || s.Mechanism == mechOAuth) {
		add("mechanism", s.Mechanism+" without TLS", "It sends the credential as it is: add tls {}.")
	}
	if s.Mechanism != mechOAuth {
		if s.Username == "" || s.Password == "" {
			add("", "no username or password", s.Mechanism+` needs both: username = "signalbox" and password = env("KAFKA_PASSWORD").`)
		}
		if s.Token != "" || s.TokenURL != "" {
			add("", "token with "+s.Mechanism, "Only OAUTHBEARER takes one.")
		}
		return problems
	}
	switch {
	case s.Username != "" || s.Password != "":
		add("", "password with OAUTHBEARER", "It takes a token, or token_url, client_id and client_secret.")
	case (s.Token == "") == (s.TokenURL == ""):
		add("", "no token, or two ways to one", "Give token, or token_url with client_id and client_secret.")
	case s.TokenURL != "" && (s.ClientID == "" || s.ClientSecret == ""):
		add("", "no client credentials", "token_url needs client_id and client_secret.")
	case s.TokenURL != "":
		if problem := outbound.URLProblem(s.TokenURL, s.AllowPrivate); problem != "" {
			add("token_url", "unusable token_url", problem)
		}
	}
	return problems
}

func (s *SASL) mechanism(env kind.Env) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case mechPlain:
		return plain.Auth{User: s.Username, Pass: string(s.Password)}.AsMechanism(), nil
	case mech256:
		return scram.Auth{User: s.Username, Pass: string(s.Password)}.AsSha256Mechanism(), nil
	case mech512:
		return scram.Auth{User: s.Username, Pass: string(s.Password)}.AsSha512Mechanism(), nil
	}
	if s.Token != "" {
		return bearer{oauth.Auth{Token: string(s.Token)}.AsMechanism()}, nil
	}
	tokens, err := s.credentials().Open(outbound.Options{AllowPrivate: s.AllowPrivate}, env)
	if err != nil {
		return nil, err
	}
	return bearer{oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := tokens.Token(ctx, nil)
		return oauth.Auth{Token: token}, err
	})}, nil
}

// bearer is OAUTHBEARER with the broker's refusal read: it is a challenge (RFC
// 7628 section 3.2.2), which the client takes for a fault of the protocol.
type bearer struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	s, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{s}, first, err
}

type bearerSession struct{ sasl.Session }

// Challenge implements sasl.Session.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return s.Session.Challenge(answer)
	}
	var refusal struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(answer, &refusal) != nil || !legible(refusal.Status) {
		refusal.Status = "no reason given"
	}
	return false, nil, fmt.Errorf("%w: %s", kerr.SaslAuthenticationFailed, refusal.Status)
}

// credentials are those by which a token is got.
func (s *SASL) credentials() *clientoauth.Config {
	return &clientoauth.Config{TokenURL: s.TokenURL, ClientID: s.ClientID, ClientSecret: s.ClientSecret, Scopes: strings.Fields(s.Scope)}
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}
