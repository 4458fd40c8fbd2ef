package okta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/push"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// SinkConfig configures a sink "okta".
//
//	sink "okta" "org" {
//	  org    = "https://example.okta.com"
//	  issuer = "https://signals.example.com"
//	}
type SinkConfig struct {
	Org       string `hcl:"org"`                 // URL of the org: where SETs go, and their aud
	Issuer    string `hcl:"issuer"`              // iss, as registered with Okta
	Authority bool   `hcl:"authority,optional"`  // our word is the change: facts may be stated that no call brought about
	WholeUser bool   `hcl:"whole_user,optional"` // state of the user what an action says of one session, which Okta has no name for

	AllowPrivate bool          `hcl:"allow_private,optional"` // permit addresses outside the public internet
	CAFile       string        `hcl:"ca_file,optional"`       // PEM certificates trusted instead of the system's
	Timeout      time.Duration `hcl:"timeout,optional"`       // for one push, answer included; "15s"
	MaxInFlight  int           `hcl:"max_in_flight,optional"` // pushes at a time; 4
}

var _ kind.SinkConfig = (*SinkConfig)(nil)

// algorithm is the one that Okta's page shows (OKTA-02).
const algorithm = "RS256"

// SigningIssuer is the iss this sink signs as, by which the product knows its
// own echoes.
func (c *SinkConfig) SigningIssuer() string { return c.Issuer }

// Takes lists the events that can be stated to Okta. The subject is no part of
// their bodies: the sink writes it.
func (c *SinkConfig) Takes() []string { return slices.Sorted(maps.Keys(taken)) }

type sinkBounds struct {
	timeout  time.Duration
	inFlight int
}

func (c *SinkConfig) bounds() (b sinkBounds, problems kind.Problems) {
	var f, g *kind.FieldError
	b.timeout, f = kind.Between("timeout", c.Timeout, 15*time.Second, 100*time.Millisecond, time.Minute)
	b.inFlight, g = kind.Between("max_in_flight", c.MaxInFlight, 4, 1, 64)
	problems.Note(f, g)
	return b, problems
}

// Validate implements kind.SinkConfig.
func (c *SinkConfig) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	if problem := outbound.URLProblem(c.Org, c.AllowPrivate); problem != "" {
		add("org", "unusable URL of an org", problem)
	} else if u, err := url.Parse(c.Org); err == nil {
		switch name, _, _ := strings.Cut(u.Hostname(), "."); {
		case u.Path != "" || u.RawQuery != "":
			add("org", "more than the URL of an org", `Give the URL alone, such as "https://example.okta.com": it is the aud of our SETs, and the path is known.`)
		case strings.HasSuffix(name, "-admin"):
			add("org", "address of the admin console", `Leave out "-admin": Okta expects the URL of the org as aud.`)
		}
	}
	if u, err := url.Parse(c.Issuer); err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		add("issuer", "invalid issuer", "Give the https URL under which we are registered with Okta as a security events provider, without query and fragment.")
	}
	_, outOfRange := c.bounds()
	return append(problems, outOfRange...)
}

// Open implements kind.SinkConfig. It reads the CA file and the signing key.
func (c *SinkConfig) Open(env kind.Env) (pipeline.Sink, error) {
	if env.Signer == nil {
		return nil, errors.New("okta sink: no keys to sign with")
	}
	signer, err := env.Signer(algorithm)
	if err != nil {
		return nil, fmt.Errorf("okta sink: signing key: %w", err)
	}
	b, _ := c.bounds()
	client, err := outbound.Options{URL: c.Org, AllowPrivate: c.AllowPrivate, InFlight: b.inFlight, CAFile: c.CAFile}.Client(env)
	if err != nil {
		return nil, fmt.Errorf("okta sink: %w", err)
	}
	return &sink{
		Mint: ssf.Mint{Sink: env.Name, Issuer: c.Issuer, Signer: signer, Now: env.Clock()}, org: c.Org, wholeUser: c.WholeUser,
		lanes: outbound.NewLanes(b.inFlight),
		client: &push.Client{
			Name: env.Name, Endpoint: c.Org + Path, Timeout: b.timeout, HTTP: client, Now: env.Clock(),
			Terms: push.Terms{Class: class, Wait: wait},
		},
	}, nil
}

// sink is a configured sink "okta".
type sink struct {
	ssf.Mint
	org       string
	wholeUser bool
	client    *push.Client
	lanes     *outbound.Lanes
}

var (
	_ pipeline.Sink     = (*sink)(nil)
	_ pipeline.Preparer = (*sink)(nil)
)

// Prepare implements pipeline.Preparer: it writes an order in Okta's dialect and
// signs it. What Okta has no words for fails for good.
func (s *sink) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	if o.Request != nil {
		return nil, s.Unmakeable(o, errors.New("the sink states events and makes no calls"))
	}
	t, body, err := translate(o, s.wholeUser)
	if err != nil {
		return nil, s.Unmakeable(o, err)
	}
	return s.Sign(o, set.Claims{Audience: []string{s.org}, Inside: true, Event: t.URI, Body: body})
}

// Deliver implements pipeline.Sink.
func (s *sink) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	return s.lanes.Deliver(ctx, batch, func(ctx context.Context, d pipeline.Delivery) pipeline.Result {
		return s.client.Push(ctx, d.Payload)
	}), nil
}

// Close releases idle connections.
func (s *sink) Close() error {
	s.client.HTTP.CloseIdleConnections()
	return nil
}

// class is what a code of Okta's means. An issuer it does not know yet is one
// that nobody has registered yet (OKTA-08).
func class(code string) ssf.Class {
	if code == pipeline.InvalidIssuer {
		return ssf.Hold
	}
	return ssf.ClassOf(code)
}

// wait reads how long Okta asks to wait: until its limit resets, or as any
// receiver does.
func wait(h http.Header, now time.Time) time.Duration {
	after := outbound.RetryAfter(h, now)
	if h.Get(rateRemaining) != "" && h.Get(rateRemaining) != "0" {
		return after // the limit is not why
	}
	at, err := strconv.ParseInt(h.Get(rateReset), 10, 64)
	if err != nil || at <= now.Unix() {
		return after
	}
	if at-now.Unix() > int64(outbound.LongestFor/time.Second) {
		return outbound.LongestFor
	}
	return max(after, time.Unix(at, 0).Sub(now))
}
