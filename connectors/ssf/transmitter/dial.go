package transmitter

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// newClient makes the client of one receiver.
func newClient(p *Push, roots *x509.CertPool, inFlight int) *http.Client {
	u, err := url.Parse(p.Endpoint)
	plain := err == nil && u.Scheme == "http"
	dialer := &net.Dialer{
		Timeout:   5 * time.Second,
		KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			return checkAddress(address, p.AllowPrivate, plain)
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        inFlight,
			MaxIdleConnsPerHost:    inFlight,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errAddress is the cause of a connection that was not made.
var errAddress = errors.New("address not allowed")

// checkAddress is asked before every connection, with the resolved address.
func checkAddress(address string, allowPrivate, plain bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	addr := at.Addr().Unmap().WithZone("")
	switch {
	case plain && !addr.IsLoopback():
		return fmt.Errorf("%w: %s is not this machine and the endpoint is plain http", errAddress, addr)
	case !allowPrivate && !public(addr):
		return fmt.Errorf("%w: %s is not of the public internet (allow_private permits it)", errAddress, addr)
	}
	return nil
}

// reserved are the blocks of the special-purpose registries of RFC 6890 that no
// receiver on the internet has an address in, beside those netip knows, and
// what clouds answer at from within. Most metadata services have link-local,
// shared or unique local addresses and need no line of their own.
var reserved = func() (blocks []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8",        // this network
		"100.64.0.0/10",    // shared address space (CGNAT)
		"168.63.129.16/32", // Azure's host service
		"192.0.0.0/24",     // protocol assignments
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays
		"198.18.0.0/15",    // benchmarking
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"240.0.0.0/4",      // reserved, broadcast
		"::/96",            // IPv4-compatible
		"64:ff9b:1::/48",   // local NAT64
		"100::/64",         // discard
		"2001::/23",        // protocol assignments, Teredo
		"2001:db8::/32",    // documentation
		"2002::/16",        // 6to4
		"3fff::/20",        // documentation
		"5f00::/16",        // segment routing
		"fec0::/10",        // site-local
	} {
		blocks = append(blocks, netip.MustParsePrefix(s))
	}
	return blocks
}()

// nat64 carries IPv4 addresses in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public reports whether an address is of the public internet.
func public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, block := range reserved {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}
