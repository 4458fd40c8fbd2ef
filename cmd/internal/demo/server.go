package demo

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// server is the HTTP side of one party, on a port of its own.
type server struct {
	http *http.Server
	mux  *http.ServeMux
	url  string
	done chan struct{}
}

// newServer listens on a free port of the loopback interface and serves what is
// added to its mux.
func newServer() (*server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	mux := http.NewServeMux()
	s := &server{
		http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second},
		mux:  mux,
		url:  "http://" + ln.Addr().String(),
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln) // ends with ErrServerClosed
	}()
	return s, nil
}

// close stops at once; by then nobody sends any more.
func (s *server) close() error {
	err := s.http.Close()
	<-s.done
	return err
}
