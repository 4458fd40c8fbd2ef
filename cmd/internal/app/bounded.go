package app

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// bounds are how many connections a listener has open at a time.
type bounds struct {
	all  int
	each int // of one address, where connections have one
}

// The bounds that a connection can meet, as label values.
const (
	boundTotal   = "total"
	boundAddress = "address"
)

// bounded is a listener that resets connections beyond its bounds as they come:
// one peer cannot hold all there are, and who comes when all are held learns it
// at once and tries again. Safe for concurrent use.
type bounded struct {
	net.Listener
	bounds bounds
	count  func(bound string) // is told of each refusal
	log    *slog.Logger

	mu      sync.Mutex
	open    int
	of      map[netip.Prefix]int
	refused int       // since it was logged
	said    time.Time // when it was logged last
}

// sayEvery is how often refusals are logged at most.
const sayEvery = time.Minute

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := origin(c.RemoteAddr())
		bound := b.enter(who)
		if bound == "" {
			return &admitted{Conn: c, leave: sync.OnceFunc(func() { b.leave(who) })}, nil
		}
		b.count(bound)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset: a flood leaves no sockets in TIME_WAIT
		}
		_ = c.Close()
		b.say(bound, c.RemoteAddr(), time.Now())
	}
}

// enter takes a place, or names the bound that leaves none.
func (b *bounded) enter(who netip.Prefix) (bound string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case who.IsValid() && b.of[who] >= b.bounds.each:
		return boundAddress
	case b.open >= b.bounds.all:
		return boundTotal
	}
	b.open++
	if who.IsValid() {
		b.of[who]++
	}
	return ""
}

func (b *bounded) leave(who netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if !who.IsValid() {
		return
	}
	if b.of[who]--; b.of[who] == 0 {
		delete(b.of, who)
	}
}

// say logs refusals, not more than one line a minute.
func (b *bounded) say(bound string, from net.Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused++
	if now.Sub(b.said) < sayEvery {
		return
	}
	b.log.Warn("connections refused", "bound", bound, "connections", b.refused, "last_from", from.String())
	b.refused, b.said = 0, now
}

// origin is what connections are counted by: an IPv4 address, or the /64 that
// one IPv6 host has all addresses of; invalid for what has no address.
func origin(from net.Addr) netip.Prefix {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	addr, bits := tcp.AddrPort().Addr().Unmap(), 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits)
	return p
}

// admitted is a connection that gives its place back when it is closed.
type admitted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (a *admitted) Close() error {
	defer a.leave()
	return a.Conn.Close()
}
