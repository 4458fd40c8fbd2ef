package config

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

type issuerBlock struct {
	URL             string         `hcl:"url,label"`
	JWKS            string         `hcl:"jwks,optional"`
	JWKSFile        string         `hcl:"jwks_file,optional"`
	CAFile          string         `hcl:"ca_file,optional"`
	AllowPrivate    bool           `hcl:"allow_private,optional"`
	Audience        []string       `hcl:"audience"`
	Rules           *string        `hcl:"rules,optional"`
	Algorithms      []string       `hcl:"algorithms,optional"`
	MinRSABits      *int           `hcl:"min_rsa_bits,optional"`
	MaxSkew         *time.Duration `hcl:"max_skew,optional"`
	MaxAge          *time.Duration `hcl:"max_age,optional"`
	CriticalMembers []string       `hcl:"critical_members,optional"`
	Formats         []string       `hcl:"formats,optional"`
	CredentialTypes []string       `hcl:"credential_types,optional"`
	Remit           *kind.Remit    `hcl:"remit,block"`
}

// The defaults of an issuer.
const (
	defaultRules      = "ssf"
	defaultMinRSABits = 2048
	defaultMaxSkew    = 5 * time.Minute // SET-26
	defaultMaxAge     = 24 * time.Hour
)

var (
	defaultAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
	allAlgorithms     = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

// issuers decodes the issuer blocks.
func (l *loader) issuers(blocks []issuerBlock) {
	seen := map[string]int{}
	for i, b := range blocks {
		at := fmt.Sprintf("issuer[%d]", i)
		label := l.spots.find(at + "#url").at
		if first, ok := seen[b.URL]; ok {
			l.faultf(label, "issuer given twice", "It was given on line %d; keep one block per issuer.", first)
			continue
		}
		seen[b.URL] = label.Start.Line
		l.cfg.Issuers = append(l.cfg.Issuers, l.issuer(at, b))
	}
}

func (l *loader) issuer(at string, b issuerBlock) Issuer {
	is := Issuer{
		URL:             b.URL,
		JWKS:            b.JWKS,
		JWKSFile:        under(l.cfg.Dir, b.JWKSFile),
		CAFile:          under(l.cfg.Dir, b.CAFile),
		AllowPrivate:    b.AllowPrivate || outbound.Literal(b.JWKS),
		Audience:        b.Audience,
		Rules:           either(b.Rules, defaultRules),
		Algorithms:      b.Algorithms,
		MinRSABits:      either(b.MinRSABits, defaultMinRSABits),
		MaxSkew:         either(b.MaxSkew, defaultMaxSkew),
		CriticalMembers: b.CriticalMembers,
		Formats:         b.Formats,
		CredentialTypes: b.CredentialTypes,
		MaxAge:          either(b.MaxAge, defaultMaxAge),
		Remit:           l.remit(at+".remit", b.Remit),
		Place:           l.place(at),
	}
	if _, given := l.spots[at+".algorithms"]; !given {
		is.Algorithms = defaultAlgorithms
	}
	l.checkIssuer(at, is)
	return is
}

func (l *loader) checkIssuer(at string, is Issuer) {
	if u, err := url.Parse(is.URL); err != nil || u.Scheme == "" {
		l.fault(l.spots.find(at+"#url").at, "invalid issuer", "Write the iss value of its tokens, a URL such as \"https://idp.example.com\".")
	}
	if strings.HasPrefix(is.URL, set.ReservedIssuers) {
		l.fault(l.spots.find(at+"#url").at, "reserved issuer", "Names that begin with "+set.ReservedIssuers+" are for parts of the product itself.")
	}
	switch {
	case is.JWKS == "" && is.JWKSFile == "":
		l.field(at, "issuer without keys", "Add jwks = \"https://...\" with the address of its key set, or jwks_file = \"path\".")
	case is.JWKS != "" && is.JWKSFile != "":
		l.field(at+".jwks_file", "two key sets", "Give jwks or jwks_file, not both.")
	case is.JWKS != "":
		if problem := outbound.URLProblem(is.JWKS, true); problem != "" {
			l.field(at+".jwks", "invalid address of a key set", problem)
		}
	}
	if is.CAFile != "" && is.JWKS == "" {
		l.field(at+".ca_file", "nothing is fetched", "ca_file says whom to trust at the address in jwks; leave it out beside jwks_file.")
	}
	if _, given := l.spots[at+".allow_private"]; given && is.JWKS == "" {
		l.field(at+".allow_private", "nothing is fetched", "allow_private says where the address in jwks may lead; leave it out beside jwks_file.")
	}
	if _, given := l.spots[at+".audience"]; given && (len(is.Audience) == 0 || slices.Contains(is.Audience, "")) {
		l.field(at+".audience", "no audience", "Name what the issuer calls us in aud; without it, tokens meant for others would be taken.")
	}
	if !slices.Contains(set.RuleSets(), is.Rules) {
		l.field(at+".rules", fmt.Sprintf("unknown rule set %q", is.Rules), suggest(is.Rules, set.RuleSets(), "rule sets"))
	}
	if len(is.Algorithms) == 0 {
		l.field(at+".algorithms", "no algorithm", "List what the issuer signs with, or leave algorithms out.")
	}
	if len(is.Algorithms) > 0 && len(set.Algorithms(is.Rules, is.Algorithms)) == 0 {
		l.field(at+".algorithms", fmt.Sprintf("no algorithm that rule set %q accepts", is.Rules),
			"It accepts "+list(set.Algorithms(is.Rules, allAlgorithms))+"; leave algorithms out to have what it accepts.")
	}
	for i, alg := range is.Algorithms {
		if !jose.Supported(alg) {
			l.field(fmt.Sprintf("%s.algorithms[%d]", at, i), fmt.Sprintf("algorithm %q is not supported", alg), suggest(alg, allAlgorithms, "algorithms"))
		}
	}
	between(l, at+".min_rsa_bits", is.MinRSABits, 1024, 16384)
	between(l, at+".max_skew", is.MaxSkew, 0, time.Hour)
	between(l, at+".max_age", is.MaxAge, 0, 366*24*time.Hour)
}

// remit decodes what an issuer may cause; without the block, nothing.
func (l *loader) remit(at string, b *kind.Remit) Remit {
	if b == nil {
		return Remit{Links: "none"}
	}
	for i, name := range b.Events {
		l.eventPattern(fmt.Sprintf("%s.events[%d]", at, i), name)
	}
	l.patterns(at+".subjects", b.Subjects)
	for i, name := range b.Actions {
		if name != "*" {
			l.mentions = append(l.mentions, fmt.Sprintf("%s.actions[%d]", at, i))
		}
	}
	links := either(b.Links, "none")
	if known := []string{"none", "own-subjects"}; !slices.Contains(known, links) {
		l.field(at+".links", fmt.Sprintf("unknown value %q", links), suggest(links, known, "values"))
	}
	return Remit{Events: b.Events, Subjects: b.Subjects, Actions: b.Actions, Links: links}
}

// eventPattern checks an event name, a glob over names, family:* or
// concept:<name>.
func (l *loader) eventPattern(at, pattern string) {
	if concept, ok := strings.CutPrefix(pattern, "concept:"); ok {
		if !slices.Contains(event.Concepts(), concept) {
			l.field(at, fmt.Sprintf("unknown concept %q", concept), suggest(concept, event.Concepts(), "concepts"))
		}
		return
	}
	if _, ok := event.ByName(pattern); ok || pattern == "*" {
		return
	}
	for _, t := range event.Types() {
		for _, name := range []string{t.Name, t.Family + ":" + t.Name} {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				return
			}
		}
	}
	if strings.ContainsAny(pattern, "*?[") {
		l.field(at, fmt.Sprintf("%q matches no event", pattern), "Write an event such as \"session-revoked\", a family such as \"caep:*\", a concept such as \"concept:phishing\", or \"*\".")
		return
	}
	l.field(at, fmt.Sprintf("unknown event %q", pattern), suggest(pattern, eventNames(), "events"))
}

// patterns checks subject patterns.
func (l *loader) patterns(at string, patterns []string) {
	for i, p := range patterns {
		if event.CheckPattern(p) != nil {
			l.field(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("invalid subject pattern %q", p),
				"Write format:value with * for anything, such as \"email:*@example.com\" or \"iss_sub:https://idp.example.com|*\", or \"*\" for every subject.")
		}
	}
}

// eventNames lists the catalogue by short name.
func eventNames() []string {
	var names []string
	for _, t := range event.Types() {
		if t.Dialect == "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// either gives what was written, or the default.
func either[T any](written *T, otherwise T) T {
	if written == nil {
		return otherwise
	}
	return *written
}
