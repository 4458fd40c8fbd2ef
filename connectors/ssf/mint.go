package ssf

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// Mint makes the tokens of a sink, whatever carries them. Safe for concurrent
// use.
type Mint struct {
	Sink     string // its name
	Issuer   string
	Audience []string
	Signer   kind.Signer
	Now      func() time.Time
}

var _ pipeline.Preparer = Mint{}

// Prepare implements pipeline.Preparer: it makes and signs the token of an
// order. Its jti follows from the action and the sink alone; it is issued now,
// never ahead of the clock. An order of which no token can be made fails for
// good; a signer out of reach is asked again.
func (m Mint) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	if o.Request != nil {
		return nil, m.Unmakeable(o, errors.New("the sink states events and makes no calls"))
	}
	t, ok := event.ByName(o.Event)
	if !ok {
		return nil, m.Unmakeable(o, fmt.Errorf("event %q is not in the catalogue", o.Event))
	}
	claims := set.Claims{Audience: m.Audience, Txn: o.Txn, Subject: o.Subject, Inside: t.Inside(), Event: t.URI, Body: o.Body}
	if t.Inside() {
		claims.Subject = event.Subject{} // it is in the payload
	}
	return m.Sign(o, claims)
}

// Sign makes and signs a token of an order that says what claims say of event,
// subject and audience.
func (m Mint) Sign(o pipeline.Order, claims set.Claims) ([]byte, error) {
	claims.Issuer, claims.IssuedAt, claims.JTI = m.Issuer, m.Now().Truncate(time.Second), pipeline.TokenID(o.ActionID, m.Sink)
	text, err := set.Build(claims)
	if err != nil {
		return nil, m.Unmakeable(o, err)
	}
	token, err := m.Signer.Sign(text)
	if err != nil {
		return nil, fmt.Errorf("prepare %s for %s: %w", o.ActionID, m.Sink, err)
	}
	return token, nil
}

// Unmakeable says that no token can ever be made of the order.
func (m Mint) Unmakeable(o pipeline.Order, err error) error {
	return &pipeline.FinalError{Code: "unmakeable", Err: fmt.Errorf("prepare %s for %s: %w", o.ActionID, m.Sink, err)}
}

// algorithms are those a sink may sign with.
var algorithms = []string{"ES256", "RS256"}

// Algorithm is the one to sign with, given what the configuration says.
func Algorithm(given string) string {
	if given == "" {
		return algorithms[0]
	}
	return given
}

// Problems says what keeps tokens from being made for a receiver, by the fields
// issuer, audience and algorithm.
func Problems(issuer string, audience []string, algorithm string) (problems kind.Problems) {
	if u, err := url.Parse(issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		problems.Add("issuer", "invalid issuer", "Give the https URL by which receivers know us, without query and fragment.")
	}
	if len(audience) == 0 || slices.Contains(audience, "") {
		problems.Add("audience", "no audience", "Name the receiver as it expects to be named, usually by a URL.")
	}
	if !slices.Contains(algorithms, Algorithm(algorithm)) {
		problems.Add("algorithm", "unknown algorithm", "Use one of "+strings.Join(algorithms, ", ")+".")
	}
	return problems
}
