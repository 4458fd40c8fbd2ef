package transmitter

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Config configures a sink "ssf". In its short form it is one push stream:
//
//	sink "ssf" "downstream" {
//	  issuer   = "https://signals.example.com"
//	  audience = ["https://app.example.com"]
//	  push {
//	    endpoint      = "https://app.example.com/events"
//	    authorization = env("APP_PUSH_AUTHORIZATION")
//	  }
//	}
//
// With receivers instead of audience and push it is a transmitter with the
// management API, and each receiver has streams of its own:
//
//	sink "ssf" "signals" {
//	  issuer = "https://signals.example.com"
//	  receiver "app" {
//	    audience = ["https://app.example.com"]
//	    token    = env("APP_TOKEN")
//	  }
//	}
type Config struct {
	Issuer    string   `hcl:"issuer"`             // iss of the SETs sent
	Audience  []string `hcl:"audience,optional"`  // aud of the SETs sent
	Algorithm string   `hcl:"algorithm,optional"` // ES256, or RS256 where receivers take nothing else
	Authority bool     `hcl:"authority,optional"` // our word is the change: facts may be stated that no call brought about
	Push      *Push    `hcl:"push,block"`         // RFC 8935 delivery

	Receivers []Receiver           `hcl:"receiver,block"`
	Access    *AuthorizationServer `hcl:"authorization_server,block"` // whose access tokens receivers show
	// URL is where receivers reach the shared listener: what stands in front of
	// the paths of the metadata. Without it, scheme and host of the issuer.
	URL string `hcl:"url,optional"`

	DefaultSubjects         string        `hcl:"default_subjects,optional"`          // ALL or NONE of a stream nobody added subjects to; ALL
	MinVerificationInterval time.Duration `hcl:"min_verification_interval,optional"` // between requests for verification; "10s"
	InactivityTimeout       time.Duration `hcl:"inactivity_timeout,optional"`        // after which an unused stream is paused or disabled; never
	OnInactivity            string        `hcl:"on_inactivity,optional"`             // pause or disable; pause
	DeadAfter               time.Duration `hcl:"dead_after,optional"`                // a stream whose oldest SET waits so long is told as dead; "15m"
	Bounds                  *Bounds       `hcl:"bounds,block"`
}

// Bounds are what receivers may ask for.
type Bounds struct {
	MaxSubjects int           `hcl:"max_subjects,optional"` // of one stream, added or removed; 10000
	MaxQueue    int           `hcl:"max_queue,optional"`    // SETs that wait for one stream; 10000
	MaxBytes    int           `hcl:"max_bytes,optional"`    // of a request; 65536
	MaxPolls    int           `hcl:"max_polls,optional"`    // polls that wait at a time; 256
	PollWait    time.Duration `hcl:"poll_wait,optional"`    // longest time a poll waits for a SET; "30s"
	Redeliver   time.Duration `hcl:"redeliver,optional"`    // a polled SET that was not acknowledged is offered again; "1m"
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
func (p *Push) bounds(path string) (b bounds, problems kind.Problems) {
	var f, g *kind.FieldError
	b.timeout, f = kind.Between(path+".timeout", p.Timeout, 15*time.Second, 100*time.Millisecond, time.Minute)
	b.inFlight, g = kind.Between(path+".max_in_flight", p.MaxInFlight, 8, 1, 256)
	problems.Note(f, g)
	return b, problems
}

// outlet makes what pushes the tokens of a mint to the endpoint. It reads the files of certificates.
func (p *Push) outlet(env kind.Env, mint ssf.Mint) (*sink, error) {
	b, _ := p.bounds("")
	client, err := outbound.Options{
		URL: p.Endpoint, AllowPrivate: p.AllowPrivate, InFlight: b.inFlight,
		CAFile: p.CAFile, CertFile: p.ClientCert, KeyFile: p.ClientKey,
	}.Client(env)
	if err != nil {
		return nil, err
	}
	return newSink(p, mint, env, client), nil
}

// Validate implements kind.SinkConfig.
func (c *Config) Validate() []kind.FieldError {
	var problems kind.Problems
	add := problems.Add
	if len(c.Receivers) > 0 {
		problems = ssf.Problems(c.Issuer, []string{"of the receivers"}, c.Algorithm)
		c.validateStreams(add)
		return problems
	}
	problems = ssf.Problems(c.Issuer, c.Audience, c.Algorithm)
	if f := c.streamsOnly(); f != "" {
		add(f, "no receivers", "This is for streams of receivers: add a receiver block, or remove it.")
	}
	if c.Push == nil {
		add("", "no way to deliver", "Add a push block with the receiver's endpoint, or receiver blocks for those who manage their streams.")
		return problems
	}
	c.Push.validate("push", add)
	return problems
}

// streamsOnly is an attribute that means nothing without receivers.
func (c *Config) streamsOnly() string {
	for _, a := range []struct {
		name string
		set  bool
	}{
		{"url", c.URL != ""}, {"default_subjects", c.DefaultSubjects != ""}, {"min_verification_interval", c.MinVerificationInterval != 0},
		{"inactivity_timeout", c.InactivityTimeout != 0}, {"on_inactivity", c.OnInactivity != ""}, {"dead_after", c.DeadAfter != 0},
		{"bounds", c.Bounds != nil}, {"authorization_server", c.Access != nil},
	} {
		if a.set {
			return a.name
		}
	}
	return ""
}

func (c *Config) validateStreams(add func(field, summary, detail string)) {
	if c.Push != nil {
		add("push", "both push and receivers", "Move it into a stream block of the receiver it is for.")
	}
	if c.Audience != nil {
		add("audience", "both audience and receivers", "Each receiver has its own audience: remove this one.")
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if problem := outbound.URLProblem(c.URL, true); problem != "" || err != nil || u.RawQuery != "" {
			if problem == "" {
				problem = "Remove the query."
			}
			add("url", "unusable url", problem)
		}
	}
	if s := c.DefaultSubjects; s != "" && s != "ALL" && s != "NONE" { // SSF-TX-08
		add("default_subjects", fmt.Sprintf("unknown default %q", s), "Use ALL or NONE.")
	}
	if s := c.OnInactivity; s != "" && s != "pause" && s != "disable" {
		add("on_inactivity", fmt.Sprintf("unknown consequence %q", s), "Use pause or disable.")
	}
	_, outOfRange := c.terms()
	for _, f := range outOfRange {
		add(f.Field, f.Summary, f.Detail)
	}
	names, ids := map[string]bool{}, map[string]string{}
	for i := range c.Receivers {
		r := &c.Receivers[i]
		path := fmt.Sprintf("receiver[%d]", i)
		if !plain(r.Name) {
			add(path, fmt.Sprintf("invalid name %q", r.Name), "Use letters, digits, dots, dashes and underscores, at most 64.")
		}
		if names[r.Name] {
			add(path, fmt.Sprintf("receiver %q given twice", r.Name), "Put both into one block.")
		}
		names[r.Name] = true
		r.validate(path, add)
		for j := range r.Streams {
			id := r.id(&r.Streams[j])
			if other, ok := ids[id]; ok && other != r.Name {
				add(fmt.Sprintf("%s.stream[%d]", path, j), fmt.Sprintf("stream id %q is taken", id), "Another receiver has a stream of that id: choose another name.")
			}
			ids[id] = r.Name
		}
	}
	c.sharedTokens(add)
	c.validateAccess(add)
}

// sharedTokens reports tokens that would not tell receivers apart.
func (c *Config) sharedTokens(add func(field, summary, detail string)) {
	seen := map[[32]byte]string{}
	for i := range c.Receivers {
		for _, h := range c.Receivers[i].open().hashes {
			if other, ok := seen[h]; ok && other != c.Receivers[i].Name {
				add(fmt.Sprintf("receiver[%d]", i), fmt.Sprintf("receiver %q has the token of %q", c.Receivers[i].Name, other),
					"Give each receiver a token of its own: it is how they are told apart.")
			}
			seen[h] = c.Receivers[i].Name
		}
	}
}

// terms are the times and bounds of all streams of a sink.
type terms struct {
	Bounds
	verifyEvery, inactivity, deadAfter time.Duration
}

// terms fills in the defaults and reports what is out of range.
func (c *Config) terms() (t terms, problems kind.Problems) {
	note := problems.Note
	if c.Bounds != nil {
		t.Bounds = *c.Bounds
	}
	var f *kind.FieldError
	t.verifyEvery, f = kind.Between("min_verification_interval", c.MinVerificationInterval, 10*time.Second, time.Second, 24*time.Hour)
	note(f)
	if c.InactivityTimeout != 0 {
		t.inactivity, f = kind.Between("inactivity_timeout", c.InactivityTimeout, 0, time.Minute, 365*24*time.Hour)
		note(f)
	}
	t.deadAfter, f = kind.Between("dead_after", c.DeadAfter, 15*time.Minute, time.Second, 31*24*time.Hour)
	note(f)
	t.MaxSubjects, f = kind.Between("bounds.max_subjects", t.MaxSubjects, 10_000, 1, 1_000_000)
	note(f)
	t.MaxQueue, f = kind.Between("bounds.max_queue", t.MaxQueue, 10_000, 1, 1_000_000)
	note(f)
	t.MaxBytes, f = kind.Between("bounds.max_bytes", t.MaxBytes, 64<<10, 1024, 1<<20)
	note(f)
	t.MaxPolls, f = kind.Between("bounds.max_polls", t.MaxPolls, 256, 1, 10_000)
	note(f)
	t.PollWait, f = kind.Between("bounds.poll_wait", t.PollWait, 30*time.Second, time.Second, 5*time.Minute)
	note(f)
	t.Redeliver, f = kind.Between("bounds.redeliver", t.Redeliver, time.Minute, time.Second, time.Hour)
	note(f)
	return t, problems
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
	if len(c.Receivers) > 0 {
		h, err := newHub(c, env, signer)
		if err != nil {
			return nil, fmt.Errorf("ssf sink: %w", err)
		}
		return h, nil
	}
	s, err := c.Push.outlet(env, ssf.Mint{Sink: env.Name, Issuer: c.Issuer, Audience: c.Audience, Signer: signer, Now: env.Clock()})
	if err != nil {
		return nil, fmt.Errorf("ssf sink: %w", err)
	}
	return s, nil
}
