package receiver

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures a source "ssf".
//
//	source "ssf" "idp" {
//	  issuer = "https://idp.example.com"
//	  push {
//	    authorization = env("IDP_PUSH_SECRET")
//	  }
//	}
type Config struct {
	Issuer string `hcl:"issuer"`     // iss of the SETs this source may carry; names the sender
	Push   *Push  `hcl:"push,block"` // RFC 8935 endpoint
}

// Push configures the push endpoint.
type Push struct {
	// Path on the shared listener; "/ssf/<name>/push" by default.
	Path string `hcl:"path,optional"`
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

// bounds are the numbers of a Push with the defaults filled in.
type bounds struct {
	bytes    int
	inFlight int
	rate     float64 // 0: no limit
	burst    int
	read     time.Duration
}

// bounds fills in the defaults and reports what is out of range.
func (p *Push) bounds() (b bounds, problems []kind.FieldError) {
	note := func(f *kind.FieldError) {
		if f != nil {
			problems = append(problems, *f)
		}
	}
	var f *kind.FieldError
	b.bytes, f = kind.Between("push.max_bytes", p.MaxBytes, 64<<10, 1024, 4<<20)
	note(f)
	b.inFlight, f = kind.Between("push.max_in_flight", p.MaxInFlight, 1024, 1, 1<<16)
	note(f)
	b.read, f = kind.Between("push.read_timeout", p.ReadTimeout, 10*time.Second, 100*time.Millisecond, 5*time.Minute)
	note(f)
	b.rate = p.Rate
	if math.IsNaN(p.Rate) || p.Rate < 0 || p.Rate > 1e6 {
		note(&kind.FieldError{Field: "push.rate", Summary: "out of range",
			Detail: "Give requests per second, at most 1000000; without it there is no limit."})
		b.rate = 0
	}
	b.burst, f = kind.Between("push.burst", p.Burst, max(1, int(b.rate)), 1, 1e6)
	note(f)
	if p.Burst != 0 && p.Rate == 0 {
		note(&kind.FieldError{Field: "push.burst", Summary: "burst without a rate",
			Detail: "Add rate = ..., in requests per second, or remove burst."})
	}
	return b, problems
}

// Validate implements kind.SourceConfig. It fails closed: a source without
// sender authentication must say so.
func (c *Config) Validate() []kind.FieldError {
	var problems []kind.FieldError
	add := func(field, summary, detail string) {
		problems = append(problems, kind.FieldError{Field: field, Summary: summary, Detail: detail})
	}
	if u, err := url.Parse(c.Issuer); err != nil || u.Scheme == "" {
		add("issuer", "invalid issuer", "Give the iss value of the SETs this source carries: the URL of an issuer block.")
	}
	if c.Push == nil {
		add("", "no way to receive", "Add a push block, to which the transmitter sends its SETs.")
		return problems
	}
	if p := c.Push.Path; p != "" && !plainPath(p) {
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
	case ssf.AuthorizationProblem(secret) != "":
		add("push.authorization", "not an Authorization value", ssf.AuthorizationProblem(secret))
	case len(withoutScheme(secret)) < shortestSecret:
		add("push.authorization", "too short for a secret",
			fmt.Sprintf("Use at least %d characters after the scheme, better 32 random ones.", shortestSecret))
	}
	return problems
}

// plainPath reports whether p is an absolute, clean path that a net/http
// pattern takes literally.
func plainPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p &&
		!strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("{}?#%", r) })
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

// Open implements kind.SourceConfig. It mounts the push endpoint, which answers
// 503 until the source runs.
func (c *Config) Open(env kind.Env) (pipeline.Source, error) {
	if env.Mount == nil {
		return nil, errors.New("ssf source: nothing to mount the push endpoint on")
	}
	s := newSource(c, env)
	if err := env.Mount(s.path, http.HandlerFunc(s.serve)); err != nil {
		return nil, fmt.Errorf("ssf source: mount push endpoint: %w", err)
	}
	return s, nil
}
