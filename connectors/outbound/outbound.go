// Package outbound makes the HTTP clients by which connectors call peers, and
// says what the answers mean: one place for the rules that keep a configured
// URL from becoming a way into the network the product runs in, and for those
// that keep a peer from using up the product.
//
// # Where it connects
//
// The address is checked after the name was resolved and for every connection,
// so a name cannot be pointed at an internal service (DNS rebinding included):
// addresses outside the public internet are refused unless the configuration
// allows them, and plain HTTP never leaves the machine. Proxies of the
// environment are not used: they would hide the address. Redirects are not
// followed: what is sent goes where the configuration says. Package jose, which
// sends nothing, follows those within the server of a key set.
//
// # What it bears
//
// TLS is 1.2 or newer, and a certificate is checked for its name, its time, its
// authority and a stapled status. Headers of an answer are bounded, interim answers (1xx)
// too; bodies are as long as the caller reads, and are never decompressed, so
// that what is read is what was sent. The caller's context bounds the time.
//
// The package sends nothing by itself and knows no protocol beyond HTTP.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Options says how a peer is reached.
type Options struct {
	// URL of the peer. Its scheme says whether plain HTTP is spoken.
	URL string
	// AllowPrivate permits addresses that are not of the public internet.
	AllowPrivate bool
	// CAFile holds PEM certificates trusted instead of the system's; "" trusts
	// the system's.
	CAFile string
	// CertFile and KeyFile hold the certificate chain and the private key, in
	// PEM form, that the product shows to a peer that asks for them (mutual TLS,
	// RFC 8705 section 2). Both or none.
	CertFile, KeyFile string
	// InFlight bounds the connections to the peer; 0 is no bound.
	InFlight int
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
}

// Client makes the client of one peer. It reads the files of the options, of
// which relative paths start at the folder of the configuration, and connects
// to nothing. The client sets no time limit.
func (o Options) Client(env kind.Env) (*http.Client, error) {
	trust, err := o.TLS(env)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	plain := err == nil && u.Scheme == "http"
	dialer := &net.Dialer{
		Timeout:   5 * time.Second,
		KeepAlive: 30 * time.Second,
		Resolver:  o.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			return checkAddress(address, o.AllowPrivate, plain)
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        trust,
			TLSHandshakeTimeout:    5 * time.Second,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        o.InFlight,
			MaxIdleConnsPerHost:    o.InFlight,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// TLS says whom to trust and who we are, for clients of other protocols too. It
// reads the files of the options.
func (o Options) TLS(env kind.Env) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	c.VerifyConnection = func(s tls.ConnectionState) error { return revoked(s, time.Now()) }
	if o.CAFile != "" {
		pem, err := os.ReadFile(env.Path(o.CAFile))
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", o.CAFile)
		}
	}
	if o.CertFile != "" || o.KeyFile != "" {
		own, err := tls.LoadX509KeyPair(env.Path(o.CertFile), env.Path(o.KeyFile))
		if err != nil {
			return nil, fmt.Errorf("client certificate and key: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// CertificateProblem says what is wrong with a pair of client_cert and
// client_key, as far as it shows without reading them; "" if nothing is.
func CertificateProblem(certFile, keyFile string) string {
	if (certFile == "") != (keyFile == "") {
		return "Give both client_cert and client_key, or neither; they may name the same file."
	}
	return ""
}

// Cause is what went wrong with a request, without its URL, which may carry a
// secret in path or query, and cleaned of what a peer may have put into it: all of it if it repeats one of
// the secrets that were sent to the peer.
func Cause(err error, secrets ...string) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	text := err.Error()
	if Repeats(text, secrets) {
		return &cleaned{"the peer broke the protocol; what it sent repeats a secret and is not shown", err}
	}
	if pipeline.Clean(text) != text {
		return &cleaned{pipeline.Clean(text), err}
	}
	return err
}

// Secrets are the parts of an Authorization value that must not be told: all of
// it, and the credentials without their scheme.
func Secrets(authorization string) (list []string) {
	if authorization == "" {
		return nil
	}
	list = append(list, authorization)
	if _, credentials, ok := strings.Cut(authorization, " "); ok && credentials != "" {
		list = append(list, credentials)
	}
	return list
}

// Repeats reports whether what a peer wrote holds one of the secrets we sent it.
func Repeats(text string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) })
}

// cleaned is an error with another text.
type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.err }

// Read reads the body of an answer, at most that many bytes. An answer that
// switches protocols has none: its body is the connection, which no time limit
// of the request reaches.
func Read(resp *http.Response, most int64) ([]byte, error) {
	if resp.StatusCode < 200 {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(resp.Body, most))
}
