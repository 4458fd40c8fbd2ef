package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
)

// ErrAddress is the cause of a connection that was not made, because of where it
// would have gone. Whoever configures the peer can put it right.
var ErrAddress = errors.New("address not allowed")

// checkAddress is asked before every connection, with the resolved address.
func checkAddress(address string, allowPrivate, plain bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	addr := at.Addr().Unmap().WithZone("")
	switch {
	case plain && !addr.IsLoopback():
		return fmt.Errorf("%w: %s is not this machine and the URL is plain http", ErrAddress, addr)
	case !allowPrivate && !Public(addr):
		return fmt.Errorf("%w: %s is not of the public internet (allow_private permits it)", ErrAddress, addr)
	}
	return nil
}

// reserved are the blocks of the special-purpose registries of RFC 6890 that no
// peer on the internet has an address in, beside those netip knows, and
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

// Public reports whether an address is of the public internet.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
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

// IsLoopback reports whether a host name means this machine.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Literal reports whether a URL says itself which address is connected to: its
// host is an IP address or localhost. What a name leads to is said by whoever
// answers for it, and may change.
func Literal(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil || IsLoopback(u.Hostname())
}

// URLProblem says what keeps a configured text from being the URL of a peer, in
// full sentences that show nothing of it; "" if nothing does. It must be https,
// or plain http to this machine, without credentials and fragment; an address
// that is not of the public internet needs allowPrivate.
func URLProblem(text string, allowPrivate bool) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return "Give an https URL with a host."
	case u.User != nil:
		return "Remove the credentials from the URL and give them as authorization."
	case u.Fragment != "":
		return "Remove the fragment."
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return "Use https; plain http is for peers on the same machine only."
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if private := IsLoopback(u.Hostname()) || err == nil && !Public(addr); private && !allowPrivate {
		return "This address is not of the public internet; state allow_private = true if it is meant."
	}
	return ""
}
