package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// The names of the metadata document: of SSF, of old RISC transmitters and of
// the drafts of 2021 (SSF-RX-01, SSF-RX-05).
const wellKnown = "ssf-configuration"

// WellKnowns lists the names that can be asked for.
var WellKnowns = []string{wellKnown, "risc-configuration", "sse-configuration"}

// limits bounds the JSON of a transmitter, polls aside.
var limits = strictjson.Limits{Bytes: mostBytes, Depth: 16, Nodes: 20_000, Members: 2_000}

// Metadata is a transmitter's configuration metadata (SSF section 7.1). What is
// absent is "" or nil.
type Metadata struct {
	SpecVersion           string
	Issuer                string
	JWKS                  string // jwks_uri
	DeliveryMethods       []string
	ConfigurationEndpoint string
	StatusEndpoint        string
	AddSubject            string
	RemoveSubject         string
	VerificationEndpoint  string
	CriticalMembers       []string
	Schemes               []string // spec_urn of the authorization schemes
	DefaultSubjects       string

	URL         string           // it was read from
	ContentType string           // of the answer
	Text        strictjson.Value // all of it, unknown members too (SSF-RX-07)
}

// MetadataURL inserts the well-known name between authority and path of an
// issuer (SSF-RX-01).
func MetadataURL(issuer, name string) (string, error) {
	return inserted(issuer, name)
}

func inserted(base, name string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", errors.New("not a URL")
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	at := url.URL{Scheme: u.Scheme, Host: u.Host}
	return at.String() + "/.well-known/" + name + path, nil
}

// Discover reads the metadata, and reads it anew where it was read before.
func (c *Client) Discover(ctx context.Context) (*Metadata, error) {
	at, err := MetadataURL(c.o.Transmitter, c.o.WellKnown)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", c.o.Transmitter, err)
	}
	op := "discover " + c.o.Transmitter
	a, err := c.do(ctx, call{op: op, method: http.MethodGet, url: at, open: true}, http.StatusOK)
	if StatusOf(err) == http.StatusUnauthorized { // SSF-TX-11 is a SHOULD only
		a, err = c.do(ctx, call{op: op, method: http.MethodGet, url: at}, http.StatusOK)
	}
	if err != nil {
		return nil, err
	}
	m, err := c.readMetadata(a.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	m.URL, m.ContentType = at, a.header.Get("Content-Type")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meta = m
	return m, nil
}

// metadata is what was discovered; it is read first if need be.
func (c *Client) metadata(ctx context.Context) (*Metadata, error) {
	c.mu.Lock()
	m := c.meta
	c.mu.Unlock()
	if m != nil {
		return m, nil
	}
	return c.Discover(ctx)
}

// readMetadata holds the document against SSF sections 7.1 and 7.2.4: any value
// that cannot be trusted ends the use of all of them (SSF-RX-06).
func (c *Client) readMetadata(body []byte) (*Metadata, error) {
	v, err := strictjson.Parse(body, limits)
	if err != nil {
		return nil, fmt.Errorf("metadata is not JSON: %w", err)
	}
	if v.Kind() != strictjson.Object {
		return nil, errors.New("metadata is not a JSON object")
	}
	r := reader{v: v}
	m := &Metadata{
		SpecVersion: r.text("spec_version"), Issuer: r.text("issuer"), JWKS: r.text("jwks_uri"),
		DeliveryMethods: r.texts("delivery_methods_supported"), ConfigurationEndpoint: r.text("configuration_endpoint"),
		StatusEndpoint: r.text("status_endpoint"), AddSubject: r.text("add_subject_endpoint"),
		RemoveSubject: r.text("remove_subject_endpoint"), VerificationEndpoint: r.text("verification_endpoint"),
		CriticalMembers: r.texts("critical_subject_members"), DefaultSubjects: r.text("default_subjects"), Text: v,
	}
	for scheme := range v.Get("authorization_schemes").Elements() {
		if urn := scheme.Get("spec_urn").Text(); urn != "" {
			m.Schemes = append(m.Schemes, urn)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if m.Issuer != c.o.Transmitter {
		return nil, fmt.Errorf("%w: metadata names %q", ErrMixUp, pipeline.Clean(m.Issuer))
	}
	for _, e := range []struct{ name, url string }{
		{"jwks_uri", m.JWKS}, {"configuration_endpoint", m.ConfigurationEndpoint}, {"status_endpoint", m.StatusEndpoint},
		{"add_subject_endpoint", m.AddSubject}, {"remove_subject_endpoint", m.RemoveSubject},
		{"verification_endpoint", m.VerificationEndpoint},
	} {
		if problem := c.endpointProblem(e.url); e.url != "" && problem != "" {
			return nil, fmt.Errorf("%s of the metadata cannot be used: %s", e.name, problem)
		}
	}
	if m.SpecVersion == "" {
		m.SpecVersion = "1_0-ID1" // SSF-RX-04
	}
	return m, nil
}

// endpointProblem says why a URL that the transmitter gave is not called: it must
// be as well protected as the transmitter's own (SSF-TX-06, POLL-01).
func (c *Client) endpointProblem(endpoint string) string {
	if problem := outbound.URLProblem(endpoint, c.o.Reach.AllowPrivate); problem != "" {
		return problem
	}
	if strings.HasPrefix(c.o.Transmitter, "https:") && !strings.HasPrefix(strings.ToLower(endpoint), "https:") {
		return "It is not https."
	}
	return ""
}

// endpoint is one of the metadata; op names what needs it.
func (c *Client) endpoint(ctx context.Context, op string, of func(*Metadata) string) (string, error) {
	m, err := c.metadata(ctx)
	if err != nil {
		return "", err
	}
	if at := of(m); at != "" {
		return at, nil
	}
	return "", fmt.Errorf("%s: %w", op, ErrUnoffered)
}

// reader reads members of an object and remembers the first that is not what it
// must be.
type reader struct {
	v   strictjson.Value
	err error
}

func (r *reader) wrong(name, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("member %s is not %s", name, what)
	}
}

func (r *reader) text(name string) string {
	v := r.v.Get(name)
	if v.Exists() && v.Kind() != strictjson.String && v.Kind() != strictjson.Null {
		r.wrong(name, "a string")
	}
	return v.Text()
}

func (r *reader) texts(name string) (list []string) {
	v := r.v.Get(name)
	if v.Exists() && v.Kind() != strictjson.Array && v.Kind() != strictjson.Null {
		r.wrong(name, "an array of strings")
	}
	for e := range v.Elements() {
		if e.Kind() != strictjson.String {
			r.wrong(name, "an array of strings")
			return nil
		}
		list = append(list, e.Text())
	}
	return list
}
