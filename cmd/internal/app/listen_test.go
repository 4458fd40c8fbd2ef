package app

import (
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestShutdownDoesNotWaitForUnusedConnections: a peer that connected and sent
// nothing must not delay a stop.
func TestShutdownDoesNotWaitForUnusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener("test", slog.New(slog.DiscardHandler))
		wire := &pipes{conns: make(chan net.Conn)}
		l.net = wire
		served := make(chan error, 1)
		go func() { served <- l.serve(t.Context()) }()
		c := wire.dial()
		defer c.Close()
		synctest.Wait()
		began := time.Now()
		l.shutdown(t.Context())
		// A server that does not wait still polls for its connections to end.
		if took := time.Since(began); took > time.Second {
			t.Errorf("the shutdown waited %s for a connection that was never used", took)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
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
