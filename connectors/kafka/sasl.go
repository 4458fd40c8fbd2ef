package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/signalbox-dev/signalbox/connectors/kind"
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
	var problems []kind.FieldError
	add := func(field, summary, detail string) {
		problems = append(problems, kind.FieldError{Field: join("sasl", field), Summary: summary, Detail: detail})
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
		return oauth.Auth{Token: string(s.Token)}.AsMechanism(), nil
	}
	client, err := outbound.Options{URL: s.TokenURL, AllowPrivate: s.AllowPrivate, InFlight: 1}.Client(env)
	if err != nil {
		return nil, fmt.Errorf("token_url: %w", err)
	}
	t := &tokens{sasl: s, client: client, now: env.Clock()}
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := t.get(ctx)
		return oauth.Auth{Token: token}, err
	}), nil
}

// tokens gets access tokens and keeps one as long as it is good.
type tokens struct {
	sasl   *SASL
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
}

// Bounds of a token request and of what comes back.
const (
	tokenTime  = 10 * time.Second
	tokenBytes = 64 << 10
	tokenSlack = 30 * time.Second // before its end a token is not used any more
)

func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && t.now().Before(t.until) {
		return t.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTime)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.sasl.Scope != "" {
		form.Set("scope", t.sasl.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.sasl.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("token_url: %w", outbound.Cause(err))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(t.sasl.ClientID), url.QueryEscape(string(t.sasl.ClientSecret))) // RFC 6749 section 2.3.1
	resp, err := t.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("token_url: %w", outbound.Cause(err))
	}
	defer resp.Body.Close()
	text, err := outbound.Read(resp, tokenBytes)
	if err != nil {
		return "", fmt.Errorf("token_url: read answer: %w", outbound.Cause(err))
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("token_url answers %d: check client_id, client_secret and scope", resp.StatusCode)
	}
	token, lasts, err := readToken(text)
	if err != nil {
		return "", fmt.Errorf("token_url: %w", err)
	}
	t.token, t.until = token, t.now().Add(lasts-tokenSlack)
	return token, nil
}

// readToken reads the answer of a token endpoint (RFC 6749 section 5.1).
func readToken(text []byte) (token string, lasts time.Duration, err error) {
	var answer struct {
		Token string  `json:"access_token"`
		Type  string  `json:"token_type"`
		Lasts float64 `json:"expires_in"`
	}
	if json.Unmarshal(text, &answer) != nil || answer.Token == "" {
		return "", 0, errors.New("the answer holds no access_token")
	}
	if answer.Type != "" && !strings.EqualFold(answer.Type, "bearer") {
		return "", 0, errors.New("the answer holds a token that is no bearer token")
	}
	if !(answer.Lasts > 0) { // unknown: ask again for every connection
		return answer.Token, 0, nil
	}
	return answer.Token, time.Duration(min(answer.Lasts, 24*3600)) * time.Second, nil
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}
