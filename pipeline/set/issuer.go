package set

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// ReservedIssuers begins the names of issuers within the product: no
// configuration may give one.
const ReservedIssuers = "urn:signalbox:"

// Issuer is one who may speak to us, and how we check it.
type Issuer struct {
	URL        string        // iss, compared byte by byte (SET-03)
	Keys       jose.KeySet   // its keys and nobody else's (KEY-02)
	Audience   []string      // values of aud that mean us, at least one (SET-08)
	Rules      string        // rule set, one of RuleSets; "": ssf
	Algorithms []string      // allow list (JWT-02); empty: RS256, PS256, ES256, EdDSA; Rules may narrow it
	MinRSABits int           // 2048 at least
	MaxSkew    time.Duration // how far ahead of our clock iat may be (SET-26); 0: 5 min

	Formats           []string // subject formats agreed with it beyond the standard ones (SUB-21)
	CredentialTypes   []string // credential types agreed with it (EVT-09)
	Namespaces        []string // assurance namespaces agreed with it (EVT-12)
	CriticalMembers   []string // its critical_subject_members (SUB-26)
	UnderstoodMembers []string // those we can process; nil: user, device, session

	StreamID string       // our stream at the issuer; "": not checked
	States   StateChecker // nil: no verification was asked for, so no state is ours
}

// StateChecker knows the verification requests under way.
type StateChecker interface {
	// Expected reports whether we asked the stream that a token names for a
	// verification event with this state, and no other token answered. It is
	// asked again when the token is repeated and must then give the same answer
	// (SSF-RX-25, SSF-RX-28, PUSH-09). Safe for concurrent use.
	Expected(streamID, state, jti string) bool
}

// defaultAlgorithms are the ones in use among SSF peers.
var defaultAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// defaultUnderstood are the complex members that state and rules work on.
var defaultUnderstood = []string{"user", "device", "session"}

const defaultSkew = 5 * time.Minute

// issuer is an Issuer made ready for the hot path.
type issuer struct {
	Issuer
	rules    *ruleset
	policy   jose.Policy
	subject  event.SubjectOptions // of sub_id
	inside   event.SubjectOptions // of a statement's own subject
	payload  event.CheckOptions
	critical []string // critical members we cannot process
}

// compile checks the issuer and fills in its defaults. It reports every
// problem at once.
func (i Issuer) compile() (*issuer, error) {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("issuer %q: "+format, append([]any{i.URL}, args...)...))
	}
	if i.URL == "" {
		problem("its URL is missing")
	}
	if i.Keys == nil {
		problem("it has no key set, so nothing of it could be accepted")
	}
	if len(i.Audience) == 0 || slices.Contains(i.Audience, "") {
		problem("audience must list the values of aud that mean this receiver")
	}
	if i.Rules == "" {
		i.Rules = "ssf"
	}
	rules := rulesets[i.Rules]
	if rules == nil {
		problem("unknown rule set %q; there are %v", i.Rules, RuleSets())
		rules = &ssf
	}
	if len(i.Algorithms) == 0 {
		i.Algorithms = defaultAlgorithms
	}
	for _, alg := range i.Algorithms {
		if !jose.Supported(alg) {
			problem("algorithm %q is not one that can be accepted", alg)
		}
	}
	if len(Algorithms(rules.name, i.Algorithms)) == 0 {
		problem("rule set %s accepts none of the algorithms %v, only %v", rules.name, i.Algorithms, rules.algorithms)
	}
	if i.MaxSkew <= 0 {
		i.MaxSkew = defaultSkew
	}
	if i.UnderstoodMembers == nil {
		i.UnderstoodMembers = defaultUnderstood
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c := &issuer{
		Issuer:  i,
		rules:   rules,
		policy:  jose.Policy{Algorithms: Algorithms(rules.name, i.Algorithms), MinRSABits: i.MinRSABits, Types: rules.types},
		subject: event.SubjectOptions{Tolerant: rules.tolerant, Formats: i.Formats},
		inside:  event.SubjectOptions{Bare: true, Formats: i.Formats},
		payload: event.CheckOptions{Tolerant: rules.tolerant, CredentialTypes: i.CredentialTypes, Namespaces: i.Namespaces},
	}
	for _, name := range i.CriticalMembers {
		if !slices.Contains(i.UnderstoodMembers, name) {
			c.critical = append(c.critical, name)
		}
	}
	return c, nil
}
