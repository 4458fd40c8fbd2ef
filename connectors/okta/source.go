package okta

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Path is where an Okta org takes SETs (OKTA-01).
const Path = "/security/api/v1/security-events"

// SourceConfig configures a source "okta".
//
//	source "okta" "providers" {
//	  issuers = ["https://edr.example.com", "https://vpn.example.com"]
//	}
type SourceConfig struct {
	Issuers []string `hcl:"issuers"` // iss of the SETs this source may carry
	// Path on the shared listener; "/security/api/v1/security-events" by default.
	Path string `hcl:"path,optional"`

	MaxBytes    int           `hcl:"max_bytes,optional"`     // longest body; 65536
	MaxInFlight int           `hcl:"max_in_flight,optional"` // requests at a time; 1024
	Rate        float64       `hcl:"rate,optional"`          // requests per second, over time; no limit
	Burst       int           `hcl:"burst,optional"`         // requests at once within the rate; one second's worth
	ReadTimeout time.Duration `hcl:"read_timeout,optional"`  // for the body; "10s"
}

var _ kind.SourceConfig = (*SourceConfig)(nil)

// Carries lists the issuers whose tokens the source carries, and the rule set by
// which they must be read: those who were built for Okta write nothing else.
func (c *SourceConfig) Carries() (issuers []string, rules string) { return c.Issuers, "okta" }

func (c *SourceConfig) bounds() (push.Bounds, []kind.FieldError) {
	return push.Bounds{
		MaxBytes: c.MaxBytes, MaxInFlight: c.MaxInFlight, Rate: c.Rate, Burst: c.Burst, ReadTimeout: c.ReadTimeout,
	}.Fill("")
}

// Validate implements kind.SourceConfig.
func (c *SourceConfig) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	if len(c.Issuers) == 0 {
		add("issuers", "no issuer", "List the iss values of the providers that push here: the URLs of issuer blocks.")
	}
	for i, iss := range c.Issuers {
		if u, err := url.Parse(iss); err != nil || u.Scheme == "" {
			add(fmt.Sprintf("issuers[%d]", i), "invalid issuer", "Give the iss value of a provider's SETs: the URL of an issuer block.")
		}
	}
	if p := c.Path; p != "" && !push.PlainPath(p) {
		add("path", "invalid path", `Give an absolute path without trailing slash, query or wildcard, such as "/okta/events".`)
	}
	_, outOfRange := c.bounds()
	return append(problems, outOfRange...)
}

// Mounts lists the paths on the shared listener that the source answers at.
func (c *SourceConfig) Mounts(string) []string {
	if c.Path == "" {
		return []string{Path}
	}
	return []string{c.Path}
}

// Open implements kind.SourceConfig. It mounts the endpoint, which answers 503
// until the source runs.
func (c *SourceConfig) Open(env kind.Env) (pipeline.Source, error) {
	if env.Mount == nil {
		return nil, errors.New("okta source: nothing to mount the endpoint on")
	}
	bounds, _ := c.bounds()
	e := push.New(push.Options{
		Source:    env.Name,
		Anonymous: true, // the signature alone says who sends
		Bounds:    bounds,
		MaxBatch:  env.Messages(push.MaxBatch),
		Log:       env.Logger(),
		Now:       env.Clock(),
		Dialect:   push.Dialect{Error: refusal, Quota: quota, TooMany: tooMany},
	})
	if err := env.Mount(c.Mounts(env.Name)[0], e); err != nil {
		return nil, fmt.Errorf("okta source: mount the endpoint: %w", err)
	}
	return e, nil
}
