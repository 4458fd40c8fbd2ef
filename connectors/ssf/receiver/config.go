package receiver

import (
	"fmt"
	"net/url"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures a source "ssf".
//
//	source "ssf" "idp" {
//	  issuer      = "https://idp.example.com"
//	  transmitter = "https://idp.example.com"
//	  oauth {
//	    token_url     = "https://idp.example.com/oauth2/token"
//	    client_id     = "signalbox"
//	    client_secret = env("IDP_CLIENT_SECRET")
//	  }
//	}
type Config struct {
	Issuer string `hcl:"issuer"`     // iss of the SETs this source may carry; names the sender
	Push   *Push  `hcl:"push,block"` // RFC 8935 endpoint

	// Transmitter is where discovery starts: the issuer's URL once more, which
	// says that the product makes and keeps a stream there. Without it, somebody
	// else has set the transmitter up to push.
	Transmitter string  `hcl:"transmitter,optional"`
	WellKnown   string  `hcl:"well_known,optional"` // name of its metadata document; "ssf-configuration"
	Stream      *Stream `hcl:"stream,block"`
	Poll        *Poll   `hcl:"poll,block"` // RFC 8936; what is done without a push block

	// Who we are to the transmitter: the value of an Authorization header, or a
	// token got by client credentials, or a certificate.
	Authorization pipeline.Secret `hcl:"authorization,optional"`
	OAuth         *oauth.Config   `hcl:"oauth,block"`
	ClientCert    string          `hcl:"client_cert,optional"` // PEM file
	ClientKey     string          `hcl:"client_key,optional"`  // PEM file
	CAFile        string          `hcl:"ca_file,optional"`     // PEM certificates trusted instead of the system's
	AllowPrivate  bool            `hcl:"allow_private,optional"`
	Timeout       time.Duration   `hcl:"timeout,optional"` // of one call; "20s"

	audience []string // of the issuer's block: what aud of the stream must hold
}

// Push configures the push endpoint.
type Push struct {
	// Path on the shared listener; "/ssf/<name>/push" by default.
	Path string `hcl:"path,optional"`
	// EndpointURL is what the transmitter is told: the endpoint as it is reached
	// from outside.
	EndpointURL string `hcl:"endpoint_url,optional"`
	// Authorization is the value of the Authorization header that the
	// transmitter must send, such as "Bearer abc"; a value without a scheme is
	// a bearer token.
	Authorization pipeline.Secret `hcl:"authorization,optional"`
	// Anonymous takes pushes from anybody: the signature of a SET is then all
	// that stands behind it.
	Anonymous bool `hcl:"anonymous,optional"`

	MaxBytes    int           `hcl:"max_bytes,optional"`     // longest body; 65536
	MaxInFlight int           `hcl:"max_in_flight,optional"` // requests at a time; 1024
	Rate        float64       `hcl:"rate,optional"`          // requests per second, over time; no limit
	Burst       int           `hcl:"burst,optional"`         // requests at once within the rate; one second's worth
	ReadTimeout time.Duration `hcl:"read_timeout,optional"`  // for the body; "10s"
}

var _ kind.SourceConfig = (*Config)(nil)

// shortestSecret is the fewest characters an authorization may have, its scheme
// aside.
const shortestSecret = 8

// bounds fills in the defaults and reports what is out of range.
func (p *Push) bounds() (push.Bounds, []kind.FieldError) {
	return push.Bounds{
		MaxBytes: p.MaxBytes, MaxInFlight: p.MaxInFlight, Rate: p.Rate, Burst: p.Burst, ReadTimeout: p.ReadTimeout,
	}.Fill("push.")
}

// Validate implements kind.SourceConfig. It fails closed: a source without
// sender authentication must say so.
func (c *Config) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	if u, err := url.Parse(c.Issuer); err != nil || u.Scheme == "" {
		add("issuer", "invalid issuer", "Give the iss value of the SETs this source carries: the URL of an issuer block.")
	}
	if c.Transmitter != "" {
		problems = append(problems, c.transmitterProblems()...)
	} else {
		problems = append(problems, c.unused()...)
		if c.Push == nil {
			add("", "no way to receive", "Add transmitter = \"https://...\", the URL of the issuer, to have a stream made there, or a push block, to which the transmitter sends its SETs.")
		}
	}
	if c.Push == nil {
		return problems
	}
	if p := c.Push.Path; p != "" && !push.PlainPath(p) {
		add("push.path", "invalid path", `Give an absolute path without trailing slash, query or wildcard, such as "/events".`)
	}
	_, outOfRange := c.Push.bounds()
	problems = append(problems, outOfRange...)

	secret := string(c.Push.Authorization)
	switch {
	case c.Push.Anonymous && secret != "":
		add("push.anonymous", "both anonymous and authorization", "Remove one: with an authorization nobody else may push.")
	case c.Push.Anonymous:
	case secret == "":
		add("push.authorization", "no sender authentication",
			`Give the value the transmitter sends, as in authorization = env("PUSH_SECRET"), or state anonymous = true.`)
	case kind.AuthorizationProblem(secret) != "":
		add("push.authorization", "not an Authorization value", kind.AuthorizationProblem(secret))
	case len(push.Credentials(secret)) < shortestSecret:
		add("push.authorization", "too short for a secret",
			fmt.Sprintf("Use at least %d characters after the scheme, better 32 random ones.", shortestSecret))
	}
	return problems
}

// Mounts lists the paths on the shared listener that a source of that name
// answers at.
func (c *Config) Mounts(name string) []string {
	switch {
	case c.Push == nil:
		return nil
	case c.Push.Path == "":
		return []string{"/ssf/" + name + "/push"}
	}
	return []string{c.Push.Path}
}
