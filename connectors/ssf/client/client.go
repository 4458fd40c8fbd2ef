// Package client calls a transmitter of the Shared Signals Framework as its
// receiver: discovery (SSF section 7), the management API (section 8) and the
// poll endpoint (RFC 8936).
//
// It keeps no state of a stream and decides nothing; package receiver does, and
// the commands that let people do each step by hand. What it holds every answer
// to is the defence against mix-ups: the issuer of the metadata and of each
// configuration must be the very one asked for (SSF-RX-03, SSF-RX-09).
//
// Every answer is bounded in length and time, no redirect is followed, and of
// what a peer writes nothing is told that repeats a credential.
package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/oauth"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
)

// Bounds of one call.
const (
	DefaultTimeout = 20 * time.Second
	mostBytes      = 1 << 20 // of an answer other than to a poll
)

// Options says which transmitter is called, and as whom.
type Options struct {
	// Transmitter is the issuer URL at which discovery starts, from a trusted
	// source (SSF-RX-02).
	Transmitter string
	// WellKnown is the name of the metadata document; "": ssf-configuration. Old
	// transmitters have others (SSF-RX-05).
	WellKnown string
	// Authorization is the value of the Authorization header, sent as it stands;
	// OAuth gets a token for it. At most one of both.
	Authorization string
	OAuth         *oauth.Config
	// Reach says how peers are reached; its URL is set here.
	Reach outbound.Options
	// HTTP calls the transmitter instead of a client made by Reach; nil: it does.
	HTTP *http.Client
	// Audience are the values of aud that mean us; nil: not checked (SSF-RX-10).
	Audience []string
	Timeout  time.Duration // of one call; 0: 20 s
}

// Problem says what keeps the transmitter's URL from being used, "" if nothing
// does.
func (o Options) Problem() string {
	if problem := outbound.URLProblem(o.Transmitter, o.Reach.AllowPrivate); problem != "" {
		return problem
	}
	if u, err := url.Parse(o.Transmitter); err != nil || u.RawQuery != "" || u.ForceQuery {
		return "Remove the query: an issuer has none."
	}
	return ""
}

// Client calls one transmitter. Safe for concurrent use.
type Client struct {
	o      Options
	http   *http.Client
	tokens *oauth.Source // nil without OAuth
	now    func() time.Time

	mu     sync.Mutex
	meta   *Metadata     // nil until discovered
	scopes []string      // to ask for, learned from the resource; nil until then
	offset time.Duration // clock of the transmitter before ours, at its last answer
	dated  bool
}

// New makes the client. It reads the files of the options and connects to
// nothing.
func New(o Options, env kind.Env) (*Client, error) {
	if problem := o.Problem(); problem != "" {
		return nil, fmt.Errorf("transmitter: %s", problem)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.WellKnown == "" {
		o.WellKnown = wellKnown
	}
	c := &Client{o: o, now: env.Clock()}
	o.Reach.URL = o.Transmitter
	var err error
	if c.http = o.HTTP; c.http == nil {
		if c.http, err = o.Reach.Client(env); err != nil {
			return nil, err
		}
	}
	if o.OAuth != nil {
		if c.tokens, err = o.OAuth.Open(o.Reach, env); err != nil {
			return nil, fmt.Errorf("oauth: %w", err)
		}
	}
	return c, nil
}

// Issuer is the transmitter's issuer.
func (c *Client) Issuer() string { return c.o.Transmitter }

// Offset is how far the transmitter's clock was ahead of ours at its last
// answer, to about a second; ok is false if no answer told.
func (c *Client) Offset() (d time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.dated
}

// call is one request and what its answer may be.
type call struct {
	op      string // what is done, in errors
	method  string
	url     string
	body    []byte // JSON; nil: none
	header  http.Header
	open    bool // sent without credentials
	most    int64
	timeout time.Duration
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do carries out a call. An answer whose status is none of want is an *Error. A
// token that is refused is got anew, once.
func (c *Client) do(ctx context.Context, k call, want ...int) (answer, error) {
	for try := 1; ; try++ {
		authorization, err := c.authorization(ctx, k)
		if err != nil {
			return answer{}, fmt.Errorf("%s: %w", k.op, err)
		}
		secrets := outbound.Secrets(authorization)
		a, err := c.send(ctx, k, authorization)
		if err != nil {
			return answer{}, &Error{Op: k.op, Err: outbound.Cause(err, secrets...)}
		}
		if a.status == http.StatusUnauthorized && c.tokens != nil && !k.open && try == 1 {
			c.tokens.Refused(authorization[len(bearer):])
			continue
		}
		if !slices.Contains(want, a.status) {
			return a, refused(k.op, a, c.now(), secrets)
		}
		return a, nil
	}
}

const bearer = "Bearer "

// authorization is the credential to send, "" for none.
func (c *Client) authorization(ctx context.Context, k call) (string, error) {
	switch {
	case k.open:
		return "", nil
	case c.tokens == nil:
		return c.o.Authorization, nil
	}
	scopes, err := c.wanted(ctx)
	if err != nil {
		return "", err
	}
	token, err := c.tokens.Token(ctx, scopes)
	return bearer + token, err
}

// send sends once and reads the whole answer.
func (c *Client) send(ctx context.Context, k call, authorization string) (answer, error) {
	if k.timeout <= 0 {
		k.timeout = c.o.Timeout
	}
	if k.most <= 0 {
		k.most = mostBytes
	}
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range k.header {
		req.Header[name] = values
	}
	if k.body != nil {
		req.Header.Set("Content-Type", ssf.MediaTypeJSON)
	}
	req.Header.Set("Accept", ssf.MediaTypeJSON)
	req.Header.Set("User-Agent", "signalbox")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	asked := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	c.date(resp.Header, asked)
	body, err := outbound.Read(resp, k.most+1)
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(body)) > k.most {
		return answer{}, fmt.Errorf("the answer is longer than %d bytes", k.most)
	}
	return answer{resp.StatusCode, resp.Header, body}, nil
}

// date notes the clock of the transmitter. A Date is whole seconds, and was made
// somewhere between asking and now; what lies within that is no offset.
func (c *Client) date(h http.Header, asked time.Time) {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	got := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dated = true
	switch {
	case at.After(got):
		c.offset = at.Sub(got)
	case at.Add(time.Second).Before(asked):
		c.offset = at.Add(time.Second).Sub(asked)
	default:
		c.offset = 0
	}
}
