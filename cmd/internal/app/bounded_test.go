package app

import (
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestOrigin: who has many addresses is one peer.
func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":               "192.0.2.7/32",
		"::ffff:192.0.2.7":        "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6":    "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":    "2001:db8:1:2::/64",
		"fe80::1":                 "fe80::/64",
		"::1":                     "::/64",
		"2001:db8:1:3:3:4:5:6":    "2001:db8:1:3::/64",
		"2001:db8:1:2::192.0.2.7": "2001:db8:1:2::/64",
	} {
		if got := origin(&net.TCPAddr{IP: net.ParseIP(text), Port: 1}).String(); got != want {
			t.Errorf("origin(%s) = %s, want %s", text, got, want)
		}
	}
	if got := origin(&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}).String(); got != "fe80::/64" {
		t.Errorf("with a zone: %s", got)
	}
	if origin(&net.UnixAddr{Name: "@"}).IsValid() {
		t.Error("a local peer has an origin")
	}
}

// TestBoundOfAll: connections beyond the total are refused whoever they are from,
// and counted; a local socket knows the total only.
func TestBoundOfAll(t *testing.T) {
	ln, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var met []string
	b := &bounded{Listener: ln, bounds: bounds{all: 2, each: 1}, log: slog.New(slog.DiscardHandler), count: func(bound string) {
		mu.Lock()
		defer mu.Unlock()
		met = append(met, bound)
	}}
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := b.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	defer func() { // ends the goroutine before the test
		_ = ln.Close()
		for range accepted {
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	refused := func() {
		t.Helper()
		c := dial()
		_ = c.SetReadDeadline(time.Now().Add(pipelinetest.Patience))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a connection beyond the bound: %v", err)
		}
	}
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	refused()
	_, _ = first.Close(), first.Close() // frees one place, not two
	dial()
	third := <-accepted
	refused()
	_, _ = second.Close(), third.Close()
	mu.Lock()
	defer mu.Unlock()
	if want := []string{boundTotal, boundTotal}; !slices.Equal(met, want) {
		t.Errorf("refused for %q, want %q", met, want)
	}
	if b.open != 0 || len(b.of) != 0 {
		t.Errorf("%d are open and %v held after all were closed", b.open, b.of)
	}
}
