package oauth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Bounds of a token request and of what comes back.
const (
	requestTime   = 15 * time.Second
	mostBytes     = 64 << 10
	mostToken     = 16 << 10
	assertionTime = time.Minute
	slack         = 30 * time.Second // before its end a token is not used any more
	unknownLife   = 5 * time.Minute  // of a token whose end was not told
	longestLife   = 24 * time.Hour
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Token returns an access token that is good now. Callers that come while it is
// renewed wait for the one request.
func (s *Source) Token(ctx context.Context, scopes []string) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("get access token: %w", ctx.Err())
	}
	defer func() { <-s.turn }()
	if s.token != "" && s.now().Before(s.until) {
		return s.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	token, life, err := s.request(ctx, scopes)
	if err != nil {
		return "", fmt.Errorf("get access token: %w", err)
	}
	s.token, s.until = token, s.now().Add(life-min(slack, life/4))
	return token, nil
}

// Refused tells that the resource did not take a token: it is not given out
// again.
func (s *Source) Refused(token string) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.token == token {
		s.token = ""
	}
}

// request asks the authorization server once.
func (s *Source) request(ctx context.Context, scopes []string) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(s.config.Scopes) > 0 {
		scopes = s.config.Scopes
	}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
	secrets := []string{string(s.config.ClientSecret)}
	switch s.config.method() {
	case Post:
		form.Set("client_id", s.config.ClientID)
		form.Set("client_secret", string(s.config.ClientSecret))
	case PrivateKey:
		assertion, err := s.assertion()
		if err != nil {
			return "", 0, err
		}
		form.Set("client_id", s.config.ClientID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
		secrets = []string{assertion}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, outbound.Cause(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "signalbox")
	if s.config.method() == Basic { // form-encoded first: RFC 6749 section 2.3.1
		req.SetBasicAuth(url.QueryEscape(s.config.ClientID), url.QueryEscape(string(s.config.ClientSecret)))
		secrets = append(secrets, outbound.Secrets(req.Header.Get("Authorization"))...)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("token_url: %w", outbound.Cause(err, secrets...))
	}
	defer resp.Body.Close()
	text, err := outbound.Read(resp, mostBytes)
	if err != nil {
		return "", 0, fmt.Errorf("token_url: read answer: %w", outbound.Cause(err, secrets...))
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, refusal(resp.StatusCode, text, secrets)
	}
	return read(text)
}

// refusal is an answer other than 200 (RFC 6749 section 5.2).
func refusal(status int, text []byte, secrets []string) error {
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(text, &answer) != nil || answer.Code == "" || outbound.Repeats(answer.Code+" "+answer.Description, secrets) {
		return fmt.Errorf("token_url answers %d: check client_id, its secret or key, and scopes", status)
	}
	why := pipeline.Clean(answer.Code)
	if answer.Description != "" {
		why += ": " + pipeline.Clean(answer.Description)
	}
	return fmt.Errorf("token_url answers %d: %s: check client_id, its secret or key, and scopes", status, why)
}

// read reads a success (RFC 6749 section 5.1).
func read(text []byte) (token string, life time.Duration, err error) {
	var answer struct {
		Token string  `json:"access_token"`
		Type  string  `json:"token_type"`
		Lasts float64 `json:"expires_in"`
	}
	switch err := json.Unmarshal(text, &answer); {
	case err != nil || answer.Token == "":
		return "", 0, errors.New("token_url: the answer holds no access_token")
	case answer.Type != "" && !strings.EqualFold(answer.Type, "bearer"):
		return "", 0, errors.New("token_url: the answer holds a token that is no bearer token")
	case len(answer.Token) > mostToken || strings.ContainsFunc(answer.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", 0, errors.New("token_url: the answer holds a token that no header can carry")
	}
	if !(answer.Lasts > 0) {
		return answer.Token, unknownLife, nil
	}
	return answer.Token, time.Duration(min(answer.Lasts, longestLife.Seconds()) * float64(time.Second)), nil
}

// assertion is the signed word of who we are (RFC 7523 section 3), good once and
// for a minute.
func (s *Source) assertion() (string, error) {
	audience := s.config.Audience
	if audience == "" {
		audience = s.config.TokenURL
	}
	now := s.now()
	claims, err := json.Marshal(map[string]any{
		"iss": s.config.ClientID, "sub": s.config.ClientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionTime).Unix(),
	})
	if err != nil {
		return "", err
	}
	token, err := s.signer.Sign(claims)
	return string(token), err
}
