package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// transmitter is a party that states signals: an issuer with a key of its own,
// whose public half it serves, and a push client (RFC 8935).
type transmitter struct {
	issuer   string // iss of its tokens
	audience string // what it calls the product
	secret   string // for the Authorization header of its pushes
	endpoint string // of the product, known once that listens
	signer   *jose.Signer
	client   *http.Client
}

// newTransmitter makes a key for alg and serves its public half at /jwks.json.
func newTransmitter(issuer, audience, alg string, s *server, client *http.Client) (*transmitter, error) {
	signer, err := jose.GenerateSigner(alg)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", issuer, err)
	}
	s.mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(signer.JWKS())
	})
	return &transmitter{
		issuer: issuer, audience: audience, secret: "Bearer " + rand.Text(), signer: signer, client: client,
	}, nil
}

// statement is what a transmitter says: one event about one subject.
type statement struct {
	jti, txn string
	event    string // short name
	subject  event.Subject
	body     map[string]any
}

// sign makes the token of a statement.
func (t *transmitter) sign(s statement) ([]byte, error) {
	typ, ok := event.ByName(s.event)
	if !ok {
		return nil, fmt.Errorf("event %q is not in the catalogue", s.event)
	}
	body, err := json.Marshal(s.body)
	if err != nil {
		return nil, err
	}
	claims, err := set.Build(set.Claims{
		Issuer: t.issuer, Audience: []string{t.audience}, IssuedAt: time.Now(), JTI: s.jti, Txn: s.txn,
		Subject: s.subject, Event: typ.URI, Body: body,
	})
	if err != nil {
		return nil, err
	}
	return t.signer.Sign(claims)
}

// answer is what a receiver answered to a push.
type answer struct {
	status int
	ssf.Error
}

// push hands one token over.
func (t *transmitter) push(ctx context.Context, token []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint, bytes.NewReader(token))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", ssf.MediaTypeSET)
	req.Header.Set("Accept", ssf.MediaTypeJSON)
	req.Header.Set("Authorization", t.secret)
	resp, err := t.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("push by %s: %w", t.issuer, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, ssf.MaxErrorObject))
	if err != nil {
		return answer{}, fmt.Errorf("push by %s: %w", t.issuer, err)
	}
	a := answer{status: resp.StatusCode}
	a.Error, _ = ssf.ParseError(text)
	return a, nil
}

// forge puts other words under the signature of a genuine token.
func forge(token []byte, old, replacement string) ([]byte, error) {
	part := strings.Split(string(token), ".")
	if len(part) != 3 {
		return nil, fmt.Errorf("forge: %d segments in place of 3", len(part))
	}
	payload, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		return nil, fmt.Errorf("forge: %w", err)
	}
	if !bytes.Contains(payload, []byte(old)) {
		return nil, fmt.Errorf("forge: the token does not say %q", old)
	}
	part[1] = base64.RawURLEncoding.EncodeToString(bytes.ReplaceAll(payload, []byte(old), []byte(replacement)))
	return []byte(strings.Join(part, ".")), nil
}
