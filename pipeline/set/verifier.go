package set

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Options tunes a Verifier. The zero value is good.
type Options struct {
	MaxBytes int              // of a token; 0: 64 KiB (JWT-09)
	Now      func() time.Time // nil: time.Now

	// Sources names the issuers whose tokens a source may carry. A source not
	// named may carry those of every issuer.
	Sources map[string][]string
}

// Verifier verifies tokens of the configured issuers. It is immutable and safe
// for concurrent use.
type Verifier struct {
	issuers map[string]*issuer
	sources map[string][]string
	parser  jose.Parser
	now     func() time.Time
}

var _ pipeline.Verifier = (*Verifier)(nil)

// New returns a verifier for the issuers. The error reports every problem of
// the configuration.
func New(issuers []Issuer, o Options) (*Verifier, error) {
	v := &Verifier{
		issuers: make(map[string]*issuer, len(issuers)),
		sources: o.Sources,
		parser:  jose.Parser{MaxBytes: o.MaxBytes},
		now:     o.Now,
	}
	if v.now == nil {
		v.now = time.Now
	}
	var problems []error
	for _, i := range issuers {
		c, err := i.compile()
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if v.issuers[i.URL] != nil {
			problems = append(problems, fmt.Errorf("issuer %q: it is configured twice", i.URL))
		}
		v.issuers[i.URL] = c
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return v, nil
}

// Verify implements pipeline.Verifier for compact tokens.
func (v *Verifier) Verify(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
	allowed, bound := v.sources[m.Source]
	return v.verify(ctx, m, allowed, bound)
}

// VerifyFrom is Verify for a channel that may carry the tokens of these
// issuers only.
func (v *Verifier) VerifyFrom(ctx context.Context, m pipeline.Message, issuers []string) (pipeline.Signal, error) {
	return v.verify(ctx, m, issuers, true)
}

func (v *Verifier) verify(ctx context.Context, m pipeline.Message, allowed []string, bound bool) (pipeline.Signal, error) {
	c, err := v.parser.Parse(m.Body)
	if err != nil {
		return pipeline.Signal{}, rejectToken(err, strictjson.Value{})
	}
	text, err := strictjson.Parse(c.Payload, strictjson.DefaultLimits)
	if err != nil {
		return pipeline.Signal{}, rejectText(err)
	}
	iss := text.Get("iss").Text()
	if iss == "" {
		return pipeline.Signal{}, reject(text, pipeline.InvalidIssuer, "SET-02", "claim iss must be a string that names the issuer")
	}
	issuer := v.issuers[iss]
	if issuer == nil || bound && !slices.Contains(allowed, issuer.URL) {
		return pipeline.Signal{}, reject(text, pipeline.InvalidIssuer, "SET-03", "issuer is not accepted here")
	}
	if m.JTI != "" && text.Get("jti").Text() != m.JTI {
		return pipeline.Signal{}, reject(text, pipeline.InvalidRequest, "POLL-19", "claim jti is not the name under which the token was delivered")
	}
	if requirement := issuer.rules.keyID; requirement != "" && c.Header.KeyID == "" {
		return pipeline.Signal{}, reject(text, pipeline.InvalidRequest, requirement, "header member kid is missing")
	}
	key, err := jose.Verify(ctx, c, issuer.Keys, issuer.policy)
	if err != nil {
		if final := (*jose.Error)(nil); errors.As(err, &final) {
			return pipeline.Signal{}, rejectToken(err, text)
		}
		return pipeline.Signal{}, fmt.Errorf("verify token of %s: %w", issuer.URL, err)
	}
	// From here on the token is its issuer's word.
	r := reading{issuer: issuer, text: text, now: v.now()}
	r.signal = pipeline.Signal{
		Message:   m,
		Assurance: event.Signed,
		Issuer:    issuer.URL,
		Alg:       c.Header.Algorithm,
		KeyID:     c.Header.KeyID,
		Key:       pipeline.SignalKey{Thumbprint: key.Thumbprint(), JWK: key.JWK()},
		Typ:       c.Header.Type,
		Dialect:   issuer.rules.name,
	}
	if issuer.rules.typed != nil {
		issuer.rules.typed(&r, c.Header.MediaType)
	}
	if err := r.read(); err != nil {
		return pipeline.Signal{}, err
	}
	r.signal.InputID = pipeline.SETInputID(r.signal.Issuer, r.signal.JTI)
	return r.signal, nil
}

// codes gives the RFC 8935 error code of a refused token.
var codes = map[jose.Reason]string{
	jose.Malformed:    pipeline.InvalidRequest,
	jose.BadType:      pipeline.InvalidRequest,
	jose.Unsigned:     pipeline.AuthenticationFailed,
	jose.BadSignature: pipeline.AuthenticationFailed,
	jose.BadAlgorithm: pipeline.InvalidKey,
	jose.BadKey:       pipeline.InvalidKey,
}

func rejectToken(err error, text strictjson.Value) error {
	e := (*jose.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	return reject(text, codes[e.Reason], e.Requirement, e.Problem)
}

// rejectText is the refusal of a payload that is not JSON as we read it.
func rejectText(err error) error {
	requirement := "PUSH-07"
	if e := (*strictjson.Error)(nil); errors.As(err, &e) && strings.HasPrefix(e.Msg, "duplicate member") {
		requirement = "SET-30"
	}
	return reject(strictjson.Value{}, pipeline.InvalidRequest, requirement, "payload: "+err.Error())
}

// reject makes a refusal, with what the token claims to be.
func reject(text strictjson.Value, code, requirement, description string) *pipeline.RejectError {
	return &pipeline.RejectError{
		Code:        code,
		Description: description,
		Requirement: requirement,
		Issuer:      clip(text.Get("iss").Text()),
		JTI:         clip(text.Get("jti").Text()),
	}
}

// clip bounds what a stranger puts into logs.
func clip(s string) string {
	const limit = 256
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
