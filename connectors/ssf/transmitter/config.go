package transmitter

import (
	"errors"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures a sink "ssf".
//
//	sink "ssf" "downstream" {
//	  issuer   = "https://signals.example.com"
//	  audience = ["https://app.example.com"]
//	  push {
//	    endpoint      = "https://app.example.com/events"
//	    authorization = env("APP_PUSH_AUTHORIZATION")
//	  }
//	}
type Config struct {
	Issuer    string   `hcl:"issuer"`             // iss of the SETs sent
	Audience  []string `hcl:"audience"`           // aud of the SETs sent
	Algorithm string   `hcl:"algorithm,optional"` // ES256, or RS256 where the receiver takes nothing else
	Authority bool     `hcl:"authority,optional"` // our word is the change: facts may be stated that no call brought about
	Push      *Push    `hcl:"push,block"`         // RFC 8935 delivery
}

// Push configures where and how SETs are pushed.
type Push struct {
	Endpoint string `hcl:"endpoint"`
	// Authorization is the value of the Authorization header, sent exactly as
	// it stands (SSF-TX-30); without it, no such header is sent.
	Authorization pipeline.Secret `hcl:"authorization,optional"`
	// AllowPrivate permits addresses that are not of the public internet.
	// Without it they are refused when a connection is made, whatever the name
	// resolved to.
	AllowPrivate bool `hcl:"allow_private,optional"`
	// CAFile holds PEM certificates trusted instead of the system's.
	CAFile string `hcl:"ca_file,optional"`
	// ClientCert and ClientKey are PEM files shown to a receiver that asks who
	// connects.
	ClientCert string `hcl:"client_cert,optional"`
	ClientKey  string `hcl:"client_key,optional"`

	Timeout     time.Duration `hcl:"timeout,optional"`       // for one push, answer included; "15s"
	MaxInFlight int           `hcl:"max_in_flight,optional"` // pushes at a time; 8
}

var _ kind.SinkConfig = (*Config)(nil)

// SigningIssuer is the iss this sink signs as, by which the product knows its
// own echoes.
func (c *Config) SigningIssuer() string { return c.Issuer }

type bounds struct {
	timeout  time.Duration
	inFlight int
}

// bounds fills in the defaults and reports what is out of range.
func (p *Push) bounds() (b bounds, problems []kind.FieldError) {
	var f, g *kind.FieldError
	b.timeout, f = kind.Between("push.timeout", p.Timeout, 15*time.Second, 100*time.Millisecond, time.Minute)
	b.inFlight, g = kind.Between("push.max_in_flight", p.MaxInFlight, 8, 1, 256)
	for _, f := range []*kind.FieldError{f, g} {
		if f != nil {
			problems = append(problems, *f)
		}
	}
	return b, problems
}

// Validate implements kind.SinkConfig.
func (c *Config) Validate() []kind.FieldError {
	problems := ssf.Problems(c.Issuer, c.Audience, c.Algorithm)
	add := func(field, summary, detail string) {
		problems = append(problems, kind.FieldError{Field: field, Summary: summary, Detail: detail})
	}
	if c.Push == nil {
		add("", "no way to deliver", "Add a push block with the receiver's endpoint.")
		return problems
	}
	if problem := outbound.URLProblem(c.Push.Endpoint, c.Push.AllowPrivate); problem != "" {
		add("push.endpoint", "unusable endpoint", problem)
	}
	if problem := outbound.CertificateProblem(c.Push.ClientCert, c.Push.ClientKey); problem != "" {
		add("push", "half a client certificate", problem)
	}
	if problem := kind.AuthorizationProblem(string(c.Push.Authorization)); problem != "" {
		add("push.authorization", "not an Authorization value", problem)
	}
	_, outOfRange := c.Push.bounds()
	return append(problems, outOfRange...)
}

// Open implements kind.SinkConfig. It reads the files of certificates
// and the signing key.
func (c *Config) Open(env kind.Env) (pipeline.Sink, error) {
	if env.Signer == nil {
		return nil, errors.New("ssf sink: no keys to sign with")
	}
	signer, err := env.Signer(ssf.Algorithm(c.Algorithm))
	if err != nil {
		return nil, fmt.Errorf("ssf sink: signing key: %w", err)
	}
	b, _ := c.Push.bounds()
	client, err := outbound.Options{
		URL: c.Push.Endpoint, AllowPrivate: c.Push.AllowPrivate, InFlight: b.inFlight,
		CAFile: c.Push.CAFile, CertFile: c.Push.ClientCert, KeyFile: c.Push.ClientKey,
	}.Client(env)
	if err != nil {
		return nil, fmt.Errorf("ssf sink: %w", err)
	}
	return newSink(c, env, signer, client), nil
}
