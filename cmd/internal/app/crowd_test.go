package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// connect opens a connection from an address of this machine and asks over it; an
// error if it was refused, which may show in any of these steps.
func connect(t *testing.T, local, to string) (net.Conn, error) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	c, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(pipelinetest.Patience))
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return c, err
}

// TestOneAddressCannotHoldTheListener: an address that holds all the connections one
// may have gets no more until it closes one, which is counted, and others push as ever.
func TestOneAddressCannotHoldTheListener(t *testing.T) {
	const stranger, sender, most = "127.0.0.1", "127.0.0.2", 3
	if probe, err := net.Listen("tcp", sender+":0"); err != nil {
		t.Skip("this machine has no second loopback address: ", err)
	} else {
		_ = probe.Close()
	}
	s := newSite(t)
	s.configure(fmt.Sprintf("limits { max_connections_per_address = %d }\n", most))
	a := s.open()
	var held []net.Conn
	for range most {
		c, err := connect(t, stranger, a.Addr())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	if _, err := connect(t, stranger, a.Addr()); err == nil {
		t.Error("one more connection of the same address was served")
	}
	token := s.token("crowd-1", "jane@example.com")
	c, err := connect(t, sender, a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+a.Addr()+"/ssf/idp/push", bytes.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", "Bearer "+testSecret)
	if err := req.Write(c); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(c), req); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("a push from another address: %v, %v", resp, err)
	}
	if text := scrape(t, a.MetricsAddr()); !strings.Contains(text, `signalbox_connections_refused_total{bound="address",listener="signals"} 1`) {
		t.Error("the refusal is not counted")
	}
	_ = held[0].Close()
	until(t, "the place of a connection that was closed", func() bool {
		_, err := connect(t, stranger, a.Addr())
		return err == nil
	})
}
