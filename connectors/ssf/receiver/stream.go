package receiver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Stream says what the stream at the transmitter is to be.
type Stream struct {
	// ID is of a stream that is there already and is to be used; without it the
	// product makes one, or takes over the one it made before.
	ID string `hcl:"id,optional"`
	// AsIs leaves the stream as the transmitter's side has set it up: it is
	// neither made nor changed.
	AsIs bool `hcl:"as_is,optional"`
	// Events to request, by name of the catalogue or URI; those of CAEP and RISC.
	Events      []string `hcl:"events,optional"`
	Description string   `hcl:"description,optional"` // "signalbox <name>"
	// Subjects to add, as keys such as email:jane@example.com; without any, all
	// are taken to be in the stream (SSF-RX-24).
	Subjects []string `hcl:"subjects,optional"`
	// VerifyEvery is how often the transmitter is asked to show that it is there.
	VerifyEvery time.Duration `hcl:"verify_every,optional"` // "5m"
}

// Poll says how SETs are fetched.
type Poll struct {
	MaxEvents int           `hcl:"max_events,optional"` // at once; 100
	Wait      time.Duration `hcl:"wait,optional"`       // how long the transmitter may hold an answer back; "1m"
	Short     bool          `hcl:"short,optional"`      // ask for an answer at once, and again after interval
	Interval  time.Duration `hcl:"interval,optional"`   // longest pause while nothing is there; "10s"
	MaxBytes  int           `hcl:"max_bytes,optional"`  // longest answer; 4 MiB
}

// stream and poll are the blocks, with nothing set where there are none.
func (c *Config) stream() Stream {
	if c.Stream == nil {
		return Stream{}
	}
	return *c.Stream
}

func (c *Config) poll() Poll {
	if c.Poll == nil {
		return Poll{}
	}
	return *c.Poll
}

const howSubject = `Write a key such as "email:jane@example.com" or "opaque:u-1".`

// bounded fills in the defaults of numbers and reports what is out of range.
func (c *Config) bounded() (s Stream, p Poll, timeout time.Duration, problems kind.Problems) {
	s, p = c.stream(), c.poll()
	note := problems.Note
	var f *kind.FieldError
	s.VerifyEvery, f = kind.Between("stream.verify_every", s.VerifyEvery, 5*time.Minute, time.Second, 24*time.Hour)
	note(f)
	p.MaxEvents, f = kind.Between("poll.max_events", p.MaxEvents, 100, 1, 1000)
	note(f)
	p.Wait, f = kind.Between("poll.wait", p.Wait, time.Minute, time.Second, 10*time.Minute)
	note(f)
	p.Interval, f = kind.Between("poll.interval", p.Interval, 10*time.Second, 10*time.Millisecond, time.Hour)
	note(f)
	p.MaxBytes, f = kind.Between("poll.max_bytes", p.MaxBytes, 4<<20, 64<<10, 64<<20)
	note(f)
	timeout, f = kind.Between("timeout", c.Timeout, client.DefaultTimeout, 100*time.Millisecond, 5*time.Minute)
	note(f)
	return s, p, timeout, problems
}

// transmitterProblems reports what is wrong with the attributes that a
// transmitter gives a meaning.
func (c *Config) transmitterProblems() []kind.FieldError {
	_, _, _, problems := c.bounded()
	add := problems.Add
	if problem := (client.Options{Transmitter: c.Transmitter, Reach: outbound.Options{AllowPrivate: c.AllowPrivate}}).Problem(); problem != "" {
		add("transmitter", "unusable URL", problem)
	} else if c.Transmitter != c.Issuer {
		add("transmitter", "transmitter is not the issuer",
			"A transmitter's metadata and tokens name one and the same issuer, compared byte by byte: write issuer as it stands there, a final slash included.")
	}
	if c.WellKnown != "" && !slices.Contains(client.WellKnowns, c.WellKnown) {
		add("well_known", fmt.Sprintf("unknown metadata document %q", c.WellKnown), "Use one of "+strings.Join(client.WellKnowns, ", ")+".")
	}
	if c.Push != nil && c.Poll != nil {
		add("poll", "both push and poll", "A stream is delivered one way: remove one of the blocks.")
	}
	if c.Push != nil {
		switch asIs := c.stream().AsIs; {
		case c.Push.EndpointURL == "" && !asIs:
			add("push", "no endpoint_url", "Give the URL under which the transmitter reaches the endpoint, such as \"https://siem.example.com/ssf/idp/push\".")
		case c.Push.EndpointURL != "":
			if problem := outbound.URLProblem(c.Push.EndpointURL, true); problem != "" {
				add("push.endpoint_url", "unusable URL", problem)
			}
		}
	}
	switch {
	case c.Authorization != "" && c.OAuth != nil:
		add("authorization", "both authorization and oauth", "Remove one: both fill the same header.")
	case c.Authorization != "" && kind.AuthorizationProblem(string(c.Authorization)) != "":
		add("authorization", "not an Authorization value", kind.AuthorizationProblem(string(c.Authorization)))
	}
	if c.OAuth != nil {
		for _, p := range c.OAuth.Problems(c.AllowPrivate) {
			add("oauth."+p.Field, p.Summary, p.Detail)
		}
	}
	if problem := outbound.CertificateProblem(c.ClientCert, c.ClientKey); problem != "" {
		add("client_cert", "half a client certificate", problem)
	}
	return append(problems, c.stream().problems()...)
}

func (s Stream) problems() (problems kind.Problems) {
	add := func(field, summary, detail string) {
		problems.Add("stream."+field, summary, detail)
	}
	for i, name := range s.Events {
		if _, ok := eventURI(name); !ok {
			add(fmt.Sprintf("events[%d]", i), fmt.Sprintf("unknown event %q", name),
				"Write a name that signalbox events lists, such as \"session-revoked\", or the whole URI.")
		}
	}
	for i, key := range s.Subjects {
		if _, err := event.ParseKey(key); err != nil {
			add(fmt.Sprintf("subjects[%d]", i), "invalid subject", howSubject)
		}
	}
	if s.AsIs && (len(s.Events) > 0 || s.Description != "" || len(s.Subjects) > 0) {
		add("as_is", "as_is and what the stream is to be", "Remove as_is, or events, description and subjects: a stream that is left as it is is not changed.")
	}
	return problems
}

// unused reports attributes that mean nothing without a transmitter.
func (c *Config) unused() (problems kind.Problems) {
	for field, given := range map[string]bool{
		"stream": c.Stream != nil, "poll": c.Poll != nil, "oauth": c.OAuth != nil, "authorization": c.Authorization != "",
		"well_known": c.WellKnown != "", "client_cert": c.ClientCert != "", "client_key": c.ClientKey != "", "ca_file": c.CAFile != "",
		"timeout": c.Timeout != 0, "push.endpoint_url": c.Push != nil && c.Push.EndpointURL != "",
	} {
		if given {
			problems.Add(field, field+" without a transmitter",
				"It says how a transmitter is called: add transmitter = \"https://...\", the URL of the issuer, or remove it.")
		}
	}
	slices.SortFunc(problems, func(a, b kind.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return problems
}

// eventURI is the URI of an event given by name or URI.
func eventURI(name string) (string, bool) {
	if t, ok := event.ByName(name); ok && t.URI != "" && t.Family != "local" {
		return t.URI, true
	}
	return name, strings.Contains(name, "://") || strings.HasPrefix(name, "urn:")
}

// events are the URIs to request: those named, else those of CAEP and RISC that
// are not deprecated (SSF-RX-12).
func (s Stream) events() []string {
	uris := []string{}
	for _, name := range s.Events {
		uri, _ := eventURI(name)
		uris = append(uris, uri)
	}
	for _, t := range event.Types() {
		if len(s.Events) == 0 && (t.Family == "caep" || t.Family == "risc") && t.Status == "final" && t.Dialect == "" {
			uris = append(uris, t.URI)
		}
	}
	return uris
}

// Wanted is what the stream of a source of that name is to be.
func (c *Config) Wanted(name string) client.Wanted {
	s := c.stream()
	words := s.Description
	if words == "" {
		words = "signalbox " + name
	}
	w := client.Wanted{Events: s.events(), Description: &words, Delivery: &client.Delivery{Method: ssf.DeliveryPoll}}
	if c.Push != nil {
		w.Delivery = &client.Delivery{Method: ssf.DeliveryPush, Endpoint: c.Push.EndpointURL, Authorization: c.pushAuthorization()}
	}
	return w
}

// pushAuthorization is the header the transmitter is to send: what has no scheme
// is a bearer token.
func (c *Config) pushAuthorization() string {
	value := string(c.Push.Authorization)
	if value == "" || strings.Contains(value, " ") {
		return value
	}
	return "Bearer " + value
}

// Expect gives the values of aud that mean us at the issuer, from its block.
func (c *Config) Expect(audience []string) { c.audience = audience }

// Reach says how the transmitter is reached.
func (c *Config) Reach() outbound.Options {
	return outbound.Options{URL: c.Transmitter, AllowPrivate: c.AllowPrivate, CAFile: c.CAFile, CertFile: c.ClientCert, KeyFile: c.ClientKey}
}

// HasCredentials reports whether the transmitter is shown who calls.
func (c *Config) HasCredentials() bool {
	return c.Authorization != "" || c.OAuth != nil || c.ClientCert != ""
}

// StreamID is the stream that the source uses, "" if it has none yet.
func (c *Config) StreamID(env kind.Env) (string, error) {
	if id := c.stream().ID; id != "" {
		return id, nil
	}
	mem, err := openMemory(memoryPath(env))
	if err != nil {
		return "", err
	}
	return mem.get().Stream, nil
}

// Client makes the client of the transmitter.
func (c *Config) Client(env kind.Env) (*client.Client, error) {
	_, _, timeout, _ := c.bounded()
	return client.New(client.Options{
		Transmitter: c.Transmitter, WellKnown: c.WellKnown, Authorization: string(c.Authorization), OAuth: c.OAuth,
		Audience: c.audience, Timeout: timeout, Reach: c.Reach(),
	}, env)
}
