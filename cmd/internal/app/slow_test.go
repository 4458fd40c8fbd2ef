package app

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that time in front of it can be
// that of a test.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.conns) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) dial() net.Conn {
	mine, theirs := net.Pipe()
	p.conns <- theirs
	return mine
}

// TestSlowPeers: whoever is slow at anything is cut off in time, and others are
// served at once meanwhile.
func TestSlowPeers(t *testing.T) {
	const answer = 1 << 20
	for name, c := range map[string]struct {
		says  string // at once
		drips string // once a second after that, again and again
		reads bool   // what is answered
		lasts time.Duration
	}{
		"silent":              {lasts: readHeaderTimeout, reads: true},
		"slow request line":   {drips: "G", lasts: readHeaderTimeout, reads: true},
		"slow headers":        {says: "POST /take HTTP/1.1\r\nHost: x\r\n", drips: "a: b\r\n", lasts: readHeaderTimeout, reads: true},
		"slow body":           {says: "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", drips: "x", lasts: readTimeout, reads: true},
		"slow chunks":         {says: "POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", drips: "1\r\nx\r\n", lasts: readTimeout, reads: true},
		"reads nothing":       {says: "GET /give HTTP/1.1\r\nHost: x\r\n\r\n", lasts: writeTimeout},
		"rests":               {says: "GET /give HTTP/1.1\r\nHost: x\r\n\r\n", lasts: idleTimeout, reads: true},
		"rests after headers": {says: "POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", lasts: readTimeout, reads: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener("test", slog.New(slog.DiscardHandler))
				took := make(chan error, 1)
				for pattern, h := range map[string]http.HandlerFunc{
					"/take": func(_ http.ResponseWriter, r *http.Request) {
						_, err := io.ReadAll(r.Body)
						took <- err
					},
					"/give": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, answer)) },
				} {
					if err := l.mount(pattern, h); err != nil {
						t.Fatal(err)
					}
				}
				wire := &pipes{conns: make(chan net.Conn)}
				l.net = wire
				served := make(chan error)
				go func() { served <- l.serve(t.Context()) }()

				began := time.Now()
				slow := wire.dial()
				ended := make(chan time.Duration, 1)
				if c.reads {
					go func() {
						_, _ = io.Copy(io.Discard, slow)
						ended <- time.Since(began)
					}()
				}
				dripped := make(chan bool)
				go func() {
					defer close(dripped)
					_, err := io.WriteString(slow, c.says)
					for err == nil && c.drips != "" {
						time.Sleep(time.Second)
						_, err = io.WriteString(slow, c.drips)
					}
				}()
				time.Sleep(2500 * time.Millisecond)
				begun := time.Now()
				good := wire.dial()
				go func() {
					_, _ = io.WriteString(good, "POST /take HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngood")
				}()
				resp, err := http.ReadResponse(bufio.NewReader(good), nil)
				if err != nil || resp.StatusCode != http.StatusOK || time.Since(begun) > 0 {
					t.Errorf("somebody else: %v after %s", err, time.Since(begun))
				}
				if err := <-took; err != nil {
					t.Errorf("body of somebody else: %v", err)
				}
				_ = good.Close()

				if !c.reads { // nothing is left to read once the server gave up
					time.Sleep(c.lasts)
					n, _ := io.Copy(io.Discard, slow)
					if n >= answer {
						t.Errorf("%d bytes were still given", n)
					}
				} else if d := <-ended; d < c.lasts || d > c.lasts+2*time.Second {
					t.Errorf("cut off after %s, want %s", d, c.lasts)
				}
				if strings.HasPrefix(c.says, "POST") && strings.HasSuffix(c.says, "\r\n\r\n") {
					if err := <-took; err == nil {
						t.Error("a body that never came was taken")
					}
				}
				_ = slow.Close()
				<-dripped
				l.shutdown(t.Context())
				if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		})
	}
}

// TestSlowHandshake: a TLS handshake that does not come, or comes by and by, ends in
// the time that headers have.
func TestSlowHandshake(t *testing.T) {
	for name, drips := range map[string]string{"silent": "", "slow": "\x01"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newListener("test", slog.New(slog.DiscardHandler))
				wire := &pipes{conns: make(chan net.Conn)}
				l.net = tls.NewListener(wire, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
					return nil, errors.New("not asked for")
				}})
				served := make(chan error)
				go func() { served <- l.serve(t.Context()) }()
				began := time.Now()
				slow := wire.dial()
				dripped := make(chan bool)
				go func() {
					defer close(dripped)
					_, err := io.WriteString(slow, "\x16\x03\x01\x02\x00")
					for err == nil && drips != "" {
						time.Sleep(time.Second)
						_, err = io.WriteString(slow, drips)
					}
				}()
				_, _ = io.Copy(io.Discard, slow)
				if d := time.Since(began); d < readHeaderTimeout || d > readHeaderTimeout+2*time.Second {
					t.Errorf("cut off after %s, want %s", d, readHeaderTimeout)
				}
				_ = slow.Close()
				<-dripped
				l.shutdown(t.Context())
				if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
					t.Error(err)
				}
			})
		})
	}
}
