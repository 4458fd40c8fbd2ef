package elasticsearch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// maxAnswer bounds the bytes read of an answer.
const maxAnswer = 256 << 20

// client sends requests to the nodes of one cluster in turn. It repeats none: it
// cannot know what a request did that got no answer. Safe for concurrent use.
type client struct {
	transport elastictransport.Interface
	timeout   time.Duration
	secrets   []string
}

func (c *Config) client(env kind.Env) (*client, error) {
	addresses := c.Addresses
	if c.CloudID != "" {
		a, err := cloudAddress(c.CloudID)
		if err != nil {
			return nil, err
		}
		addresses = []string{a}
	}
	var urls []*url.URL
	for _, a := range addresses {
		u, err := url.Parse(strings.TrimSuffix(a, "/"))
		if err != nil {
			return nil, errors.New("addresses: invalid URL")
		}
		urls = append(urls, u)
	}
	trust, err := outbound.Options{CAFile: c.CAFile}.TLS(env)
	if err != nil {
		return nil, err
	}
	if c.Fingerprint != "" {
		sum, err := parseFingerprint(c.Fingerprint)
		if err != nil {
			return nil, fmt.Errorf("fingerprint: %w", err)
		}
		pin(trust, sum)
	}
	inFlight, _ := c.inFlight()
	timeout, _ := c.timeout()
	options := []elastictransport.Option{
		elastictransport.WithUserAgent("signalbox"), elastictransport.WithURLs(urls...), elastictransport.WithDisableRetry(),
		elastictransport.WithTransport(&http.Transport{
			Proxy:                  nil,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:        trust,
			TLSHandshakeTimeout:    5 * time.Second,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    inFlight + 4, // searches beside
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
			WriteBufferSize:        64 << 10,
			ReadBufferSize:         64 << 10,
		}),
	}
	if c.Username != "" {
		options = append(options, elastictransport.WithBasicAuth(c.Username, string(c.Password)))
	}
	if c.APIKey != "" {
		options = append(options, elastictransport.WithAPIKey(strings.TrimPrefix(string(c.APIKey), "ApiKey ")))
	}
	if c.Compress {
		options = append(options, elastictransport.WithCompression(1))
	}
	transport, err := elastictransport.NewClient(options...)
	if err != nil {
		return nil, err
	}
	secrets := outbound.Secrets(string(c.APIKey))
	if c.Password != "" {
		secrets = append(secrets, string(c.Password))
	}
	return &client{transport: transport, timeout: timeout, secrets: secrets}, nil
}

// pin trusts one certificate alone: the server's own, or that of an authority
// that the server shows beside its own and that signed it.
func pin(conf *tls.Config, sum [32]byte) {
	conf.InsecureSkipVerify = true // the check below takes its place
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		for i, cert := range s.PeerCertificates {
			if sha256.Sum256(cert.Raw) != sum {
				continue
			}
			if i == 0 {
				return nil // the handshake has shown that the server holds its key
			}
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			roots.AddCert(cert)
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: s.ServerName})
			return err
		}
		return errors.New("the server shows no certificate with the configured fingerprint")
	}
}

// answer is what the server said.
type answer struct {
	status int
	after  time.Duration // Retry-After, 0 without
	body   []byte
}

// errUnsent is the cause of a request that did not leave.
var errUnsent = errors.New("not connected")

// do sends one request and reads the answer, whatever its status. The error wraps
// errUnsent when the server cannot have seen the request.
func (c *client) do(ctx context.Context, method, path string, query url.Values, contentType string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, path, nil)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errUnsent, err)
	}
	req.URL.RawQuery = query.Encode()
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.transport.Perform(req)
	if err != nil {
		cause := outbound.Cause(err, c.secrets...)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return answer{}, fmt.Errorf("%w: %w", errUnsent, cause)
		}
		return answer{}, cause
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	if n, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil {
		a.after = min(max(n, 0), time.Minute)
	}
	if a.body, err = outbound.Read(resp, maxAnswer+1); err != nil {
		return answer{}, outbound.Cause(err, c.secrets...)
	}
	if len(a.body) > maxAnswer {
		return answer{}, fmt.Errorf("answer is longer than %d bytes", maxAnswer)
	}
	return a, nil
}

// call sends a request with a JSON body, nil for none, and decodes the answer
// into out unless that is nil. A status of 300 and above is an *apiError.
func (c *client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body []byte
	var err error
	switch in := in.(type) {
	case nil:
	case []byte:
		body = in
	default:
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	a, err := c.do(ctx, method, path, query, "application/json", body)
	if err != nil {
		return err
	}
	if a.status >= 300 {
		return c.problem(a)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("the answer is not what Elasticsearch gives; is something else at this address? %w", err)
	}
	return nil
}

// apiError is a refusal of the server.
type apiError struct {
	Status int
	Type   string // such as security_exception; "" if the server gave none
	Reason string
}

func (e *apiError) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Type != "" {
		text = fmt.Sprintf("%d %s", e.Status, e.Type)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// is reports whether err is a refusal with the status.
func is(err error, status int) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && e.Status == status
}

// problem reads the error of an answer.
func (c *client) problem(a answer) *apiError {
	e := &apiError{Status: a.status}
	var v struct{ Error json.RawMessage }
	if json.Unmarshal(a.body, &v) == nil {
		var d detail
		if json.Unmarshal(v.Error, &d) == nil {
			d = d.root()
			e.Type, e.Reason = d.Type, d.Reason
		} else {
			_ = json.Unmarshal(v.Error, &e.Reason)
		}
	}
	e.Type, e.Reason = c.clean(e.Type, 64), c.clean(e.Reason, 300)
	return e
}

// detail is an error as Elasticsearch writes it.
type detail struct {
	Type     string  `json:"type"`
	Reason   string  `json:"reason"`
	CausedBy *detail `json:"caused_by"`
}

// root is the first cause that has a type.
func (d detail) root() detail {
	for d.CausedBy != nil && d.CausedBy.Type != "" && d.CausedBy.Reason != "" {
		d = *d.CausedBy
	}
	return d
}

// clean makes what the server wrote fit for logs.
func (c *client) clean(text string, most int) string {
	if outbound.Repeats(text, c.secrets) {
		return ""
	}
	text = pipeline.Clean(text)
	for i := range text {
		if i > most {
			return text[:i] + "…"
		}
	}
	return text
}
