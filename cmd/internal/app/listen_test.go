package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestShutdownDoesNotWaitForUnusedConnections: a peer that connected and sent
// nothing must not delay a stop.
func TestShutdownDoesNotWaitForUnusedConnections(t *testing.T) {
	l := newListener("test", slog.New(slog.DiscardHandler))
	opened := make(chan struct{}, 1)
	l.srv.ConnState = func(c net.Conn, s http.ConnState) {
		l.track(c, s)
		if s == http.StateNew {
			opened <- struct{}{}
		}
	}
	if err := l.listen("tcp", "127.0.0.1:0", bounds{all: 10, each: 10}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- l.serve(t.Context()) }()
	c, err := net.Dial("tcp", l.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-opened
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	l.shutdown(ctx)
	if ctx.Err() != nil {
		t.Error("the shutdown waited for a connection that was never used")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestMountTwiceIsAnError(t *testing.T) {
	l := newListener("test", slog.New(slog.DiscardHandler))
	h := http.NotFoundHandler()
	if err := l.mount("/push", h); err != nil {
		t.Fatal(err)
	}
	if err := l.mount("/push", h); err == nil {
		t.Error("the same path was mounted twice")
	}
}
