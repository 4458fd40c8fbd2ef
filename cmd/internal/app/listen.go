package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Bounds of the shared listener, against slow and idle peers.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// listener is one HTTP server of the product.
type listener struct {
	name string
	log  *slog.Logger
	net  net.Listener
	srv  *http.Server
	mux  *http.ServeMux
	once sync.Once

	mu    sync.Mutex
	fresh map[net.Conn]bool // connections that have sent nothing yet
}

func newListener(name string, log *slog.Logger) *listener {
	mux := http.NewServeMux()
	l := &listener{name: name, log: log.With("listener", name), mux: mux, fresh: map[net.Conn]bool{}, srv: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	l.srv.ConnState = l.track
	return l
}

// track notes connections that were opened and not used. A shutdown would wait
// seconds for each: balancers and browsers open them in advance.
func (l *listener) track(c net.Conn, s http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == http.StateNew {
		l.fresh[c] = true
	} else {
		delete(l.fresh, c)
	}
}

func (l *listener) closeFresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.fresh {
		_ = c.Close()
	}
}

// mount adds a handler; a pattern that is taken is an error and not a panic.
func (l *listener) mount(pattern string, h http.Handler) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("path %s is taken or malformed", pattern)
		}
	}()
	l.mux.Handle(pattern, h)
	return nil
}

// listen opens the address; requests are answered from serve on. refused is told
// of each connection beyond the bounds, with the bound.
func (l *listener) listen(network, address string, b bounds, refused func(bound string)) error {
	ln, err := net.Listen(network, address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen for %s on %s: another process listens there: end it, or choose another address in listen (%w)", l.name, address, err)
	}
	if err != nil {
		return fmt.Errorf("listen for %s on %s: %w", l.name, address, err)
	}
	l.net = &bounded{Listener: ln, bounds: b, count: refused, log: l.log, of: map[netip.Prefix]int{}}
	return nil
}

func (l *listener) addr() string { return l.net.Addr().String() }

// serve answers requests until shutdown.
func (l *listener) serve(context.Context) error {
	if err := l.srv.Serve(l.net); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve %s: %w", l.name, err)
	}
	return nil
}

// shutdown stops accepting and waits for the requests under way until ctx
// ends, then cuts them off.
func (l *listener) shutdown(ctx context.Context) {
	if l.net == nil {
		return
	}
	l.once.Do(func() {
		_ = l.net.Close()
		l.closeFresh()
		if l.srv.Shutdown(ctx) != nil {
			_ = l.srv.Close()
		}
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
