package jose_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// server answers fetches within the process, so that tests run in a bubble of
// their own time.
type server struct {
	body   atomic.Pointer[[]byte]
	down   atomic.Bool
	takes  time.Duration
	asked  atomic.Int32
	status int
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	select {
	case <-time.After(s.takes):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if s.down.Load() {
		return nil, errors.New("connection refused")
	}
	status := s.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Request: req, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(*s.body.Load()))}, nil
}

func (s *server) publish(t *testing.T, kids ...string) {
	t.Helper()
	var members []map[string]any
	for _, kid := range kids {
		members = append(members, member(t, keys.p256, map[string]any{"kid": kid}))
	}
	text := jwks(t, members...)
	s.body.Store(&text)
}

func remote(t *testing.T, s *server, o jose.RemoteOptions) *jose.RemoteSet {
	t.Helper()
	r, err := jose.Remote("https://idp.example.com/jwks?tenant=secret", &http.Client{Transport: s}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func key(r *jose.RemoteSet, kid string) error {
	_, err := r.Key(context.Background(), kid, "ES256")
	return err
}

func TestRemoteFetchesOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second}
		s.publish(t, "k1")
		r := remote(t, s, jose.RemoteOptions{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := key(r, "k1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := s.asked.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
	})
}

func TestRemoteUnknownKeyIsFloored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.publish(t, "k1")
		r := remote(t, s, jose.RemoteOptions{Floor: 30 * time.Second})
		if err := key(r, "k1"); err != nil {
			t.Fatal(err)
		}
		// A key that was published right after the fetch is found at once.
		s.publish(t, "k1", "k2")
		err := key(r, "k2")
		req.True(t, "KEY-03 KEY-01", err == nil, "%v", err)
		// A flood of made-up names: one more fetch is free, then none.
		for range 100 {
			if err := key(r, "made-up"); !errors.Is(err, jose.ErrUnknownKey) {
				t.Fatalf("got %v", err)
			}
		}
		req.Equal(t, "KEY-03", s.asked.Load(), 3)
		// The issuer rotates; after the floor one unknown name brings the key.
		s.publish(t, "k2", "k3")
		time.Sleep(30 * time.Second)
		err = key(r, "k3")
		req.True(t, "KEY-03 KEY-01", err == nil, "%v", err)
		for range 100 {
			if err := key(r, "made-up"); !errors.Is(err, jose.ErrUnknownKey) {
				t.Fatalf("got %v", err)
			}
		}
		req.Equal(t, "KEY-03", s.asked.Load(), 4)
		// After a quiet while there is room again, and no more than before.
		time.Sleep(10 * time.Minute)
		for range 100 {
			_ = key(r, "made-up")
		}
		req.Equal(t, "KEY-03", s.asked.Load(), 7)
	})
}

func TestRemoteKeepsKeysWhileOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.publish(t, "k1")
		r := remote(t, s, jose.RemoteOptions{RefreshAfter: 10 * time.Minute, MaxAge: time.Hour})
		if err := key(r, "k1"); err != nil {
			t.Fatal(err)
		}
		s.down.Store(true)
		time.Sleep(59 * time.Minute)
		err := key(r, "k1")
		req.True(t, "KEY-04", err == nil, "within the age bound: %v", err)
		synctest.Wait()
		// A name we do not know may have been published meanwhile: not final.
		if err := key(r, "k2"); !errors.Is(err, jose.ErrUnavailable) || errors.Is(err, jose.ErrUnknownKey) {
			t.Errorf("unknown name while out of reach: %v", err)
		}
		time.Sleep(time.Minute)
		err = key(r, "k1")
		req.True(t, "KEY-04", errors.Is(err, jose.ErrUnavailable), "past the age bound: %v", err)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the query is in %q", err)
		}
		s.down.Store(false)
		time.Sleep(30 * time.Second)
		if err := key(r, "k1"); err != nil {
			t.Errorf("back in reach: %v", err)
		}
	})
}

func TestRemoteRemovedKeyStopsVerifying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: time.Second}
		s.publish(t, "k1", "k2")
		r := remote(t, s, jose.RemoteOptions{RefreshAfter: 10 * time.Minute})
		if err := key(r, "k1"); err != nil {
			t.Fatal(err)
		}
		s.publish(t, "k2")
		time.Sleep(10 * time.Minute)
		before := time.Now()
		if err := key(r, "k1"); err != nil { // still known, renewed behind it
			t.Error(err)
		}
		if time.Since(before) != 0 {
			t.Error("a known key had to wait for the renewal")
		}
		time.Sleep(2 * time.Second)
		err := key(r, "k1")
		req.True(t, "KEY-04", errors.Is(err, jose.ErrUnknownKey), "after the renewal: %v", err)
	})
}

func TestRemoteFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		s    *server
		body string
		want string
	}{
		{"status", &server{status: 500}, `{"keys":[]}`, "status 500"},
		{"text", &server{}, `<html>`, "unexpected character"},
		{"length", &server{}, `{"keys":[` + strings.Repeat(" ", 2000) + `]}`, "longer than 1000 bytes"},
		{"time", &server{takes: time.Minute}, `{"keys":[]}`, "deadline exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				text := []byte(c.body)
				c.s.body.Store(&text)
				r := remote(t, c.s, jose.RemoteOptions{MaxBytes: 1000, Timeout: 10 * time.Second})
				for range 2 { // the second within the floor
					err := key(r, "k1")
					if !errors.Is(err, jose.ErrUnavailable) || !strings.Contains(err.Error(), c.want) {
						t.Errorf("got %v, want %q", err, c.want)
					}
				}
				if n := c.s.asked.Load(); n != 1 {
					t.Errorf("fetched %d times", n)
				}
			})
		})
	}
}

func TestRemoteHonoursTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{takes: 5 * time.Second}
		s.publish(t, "k1")
		r := remote(t, s, jose.RemoteOptions{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := r.Key(ctx, "k1", "ES256"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := key(r, "k1"); err != nil { // the fetch went on for others
			t.Error(err)
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
	})
}

func TestRemoteAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://idp.example.com/jwks":    true,
		"http://127.0.0.1:8080/jwks":      true,
		"http://[::1]:8080/jwks":          true,
		"http://localhost/jwks":           true,
		"http://idp.example.com/jwks":     false,
		"http://localhost.example.com/":   false,
		"https://user:pw@idp.example.com": false,
		"file:///etc/passwd":              false,
		"/jwks":                           false,
		"":                                false,
	} {
		if _, err := jose.Remote(address, http.DefaultClient, jose.RemoteOptions{}); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		} else if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("password in %q", err)
		}
	}
}

func TestRemoteRedirects(t *testing.T) {
	text := jwks(t, member(t, keys.p256, map[string]any{"kid": "k1"}))
	serve := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }
	other := httptest.NewServer(http.HandlerFunc(serve))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/keys", serve)
	mux.Handle("/here", http.RedirectHandler("/keys", http.StatusFound))
	mux.Handle("/elsewhere", http.RedirectHandler(other.URL, http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	own := httptest.NewServer(mux)
	defer own.Close()
	for path, ok := range map[string]bool{"/keys": true, "/here": true, "/elsewhere": false, "/loop": false} {
		r, err := jose.Remote(own.URL+path, http.DefaultClient, jose.RemoteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = key(r, "k1")
		req.True(t, "KEY-02", (err == nil) == ok, "%s: %v", path, err)
	}
}

// TestAge: a set is late once it should have been fetched again, and expired when
// it verifies nothing any more.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		s.publish(t, "k1")
		r := remote(t, s, jose.RemoteOptions{})
		age := func(late, expired bool) {
			t.Helper()
			if l, e := r.Age(); l != late || e != expired {
				t.Errorf("late %t, expired %t; want %t, %t", l, e, late, expired)
			}
		}
		age(true, true)
		if err := key(r, "k1"); err != nil {
			t.Fatal(err)
		}
		age(false, false)
		time.Sleep(15 * time.Minute)
		age(true, false)
		time.Sleep(45 * time.Minute)
		age(true, true)
	})
}
