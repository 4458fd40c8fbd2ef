package jose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// RemoteOptions tunes a RemoteSet. The zero value is right for an issuer on
// the internet.
type RemoteOptions struct {
	Timeout      time.Duration    // of one fetch; 0: 10 s
	RefreshAfter time.Duration    // keys older than this are fetched again in the background; 0: 15 min
	MaxAge       time.Duration    // keys older than this verify nothing (KEY-04); 0: 1 h
	Floor        time.Duration    // least time between two fetches in the long run, and after one that failed (KEY-03); 0: 30 s
	MaxBytes     int64            // of the answer; 0: 512 KiB
	Now          func() time.Time // nil: time.Now
}

// RemoteSet is the KeySet behind an issuer's jwks_uri (KEY-01). It fetches
// when a token first needs it, keeps what it has while a later fetch fails, up
// to MaxAge, and lets a flood of made-up key names cause no more than three
// fetches at once and one per Floor from then on. It needs neither starting nor
// closing: a fetch under way ends by its timeout.
type RemoteSet struct {
	url    string
	name   string // the URL without its query, for errors
	client *http.Client
	o      RemoteOptions

	mu     sync.Mutex
	set    *Set      // nil before the first success
	at     time.Time // when set was fetched
	tried  time.Time // start of the last fetch
	due    time.Time // when a fetch would be on time, had they come one per Floor
	failed error     // outcome of the last finished fetch
	flight *flight   // the fetch under way
}

var _ KeySet = (*RemoteSet)(nil)

// flight is one fetch, shared by all who wait for it.
type flight struct {
	done chan struct{}
	err  error // valid once done is closed
}

// Remote returns the key set at a URL, which must be https, or plain http to a
// loopback address. The client fetches it and decides which addresses are
// connected to and whose certificates are trusted; redirects are judged here,
// whatever the client would do. Nothing is fetched yet.
func Remote(jwksURL string, client *http.Client, o RemoteOptions) (*RemoteSet, error) {
	u, err := url.Parse(jwksURL)
	if err != nil {
		return nil, fmt.Errorf("key set address: %w", err)
	}
	switch {
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("key set address %q must be an absolute URL without user and fragment", u.Redacted())
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("key set address %q must be an https URL", u.Redacted())
	}
	o.Timeout = orElse(o.Timeout, 10*time.Second)
	o.MaxAge = orElse(o.MaxAge, time.Hour)
	o.RefreshAfter = min(orElse(o.RefreshAfter, 15*time.Minute), o.MaxAge)
	o.Floor = min(orElse(o.Floor, 30*time.Second), o.MaxAge)
	if o.MaxBytes <= 0 {
		o.MaxBytes = 512 << 10
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	own := *client
	own.CheckRedirect = sameHost
	return &RemoteSet{url: jwksURL, name: u.Scheme + "://" + u.Host + u.Path, client: &own, o: o}, nil
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameHost follows redirects within the server that was configured only:
// whoever controls another host must not supply keys.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > 3 || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return errors.New("redirect to elsewhere refused")
	}
	return nil
}

// Key implements KeySet. It blocks only when no key of that name is at hand
// and a fetch may bring it.
func (r *RemoteSet) Key(ctx context.Context, kid, alg string) (Key, error) {
	r.mu.Lock()
	now := r.o.Now()
	set := r.current(now)
	if set != nil {
		key, err := set.Key(ctx, kid, alg)
		if err == nil {
			if age := now.Sub(r.at); age >= r.o.RefreshAfter || age < 0 { // 0: the clock was set back
				r.fetch(now)
			}
			r.mu.Unlock()
			return key, nil
		}
	}
	f := r.fetch(now)
	failed := r.failed
	r.mu.Unlock()

	if f == nil { // too soon after the last one
		if set != nil && failed == nil {
			return Key{}, ErrUnknownKey
		}
		return Key{}, fmt.Errorf("%w: %w", ErrUnavailable, failed)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return Key{}, ctx.Err()
	}
	if f.err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrUnavailable, f.err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set.Key(ctx, kid, alg)
}

// Health tells when the set in use was fetched, zero if never, and why the last
// fetch failed, nil if it did not or there was none.
func (r *RemoteSet) Health() (fetched time.Time, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.failed
}

// Age tells whether the set is older than it should be, late, and whether it is too
// old to verify anything with, expired. Both are true of one that was never fetched.
func (r *RemoteSet) Age() (late, expired bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Now()
	return r.set == nil || now.Sub(r.at) >= r.o.RefreshAfter, r.current(now) == nil
}

// current is the set if it is young enough to verify with. The caller holds
// the lock.
func (r *RemoteSet) current(now time.Time) *Set {
	if r.set == nil || now.Sub(r.at) >= r.o.MaxAge {
		return nil
	}
	return r.set
}

// fetch starts a fetch or joins the one under way; nil means that the floor
// forbids it now. The caller holds the lock.
func (r *RemoteSet) fetch(now time.Time) *flight {
	if r.flight != nil {
		return r.flight
	}
	if !r.mayFetch(now) {
		return nil
	}
	f := &flight{done: make(chan struct{})}
	r.flight, r.tried = f, now
	if r.due.Before(now) {
		r.due = now
	}
	r.due = r.due.Add(r.o.Floor)
	go func() {
		set, err := r.get()
		r.mu.Lock()
		if err == nil {
			r.set, r.at = set, now
		}
		r.failed, f.err, r.flight = err, err, nil
		r.mu.Unlock()
		close(f.done)
	}()
	return f
}

// ahead is how many fetches may come before they are due: an issuer that signs
// with a key it has just published is not to be refused because the set was
// fetched a moment ago.
const ahead = 2

// mayFetch reports whether the floor allows a fetch now. The caller holds the
// lock.
func (r *RemoteSet) mayFetch(now time.Time) bool {
	since := now.Sub(r.tried)
	switch {
	case r.tried.IsZero():
		return true
	case since < 0: // the clock was set back
		r.due = now
		return true
	case r.failed != nil:
		return since >= r.o.Floor
	}
	return now.Sub(r.due) >= -ahead*r.o.Floor
}

// get fetches the key set once. No caller's context ends it, since others wait
// for it too; its timeout does.
func (r *RemoteSet) get() (*Set, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	text, err := r.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch key set %s: %w", r.name, err)
	}
	set, err := Static(text)
	if err != nil {
		return nil, fmt.Errorf("fetch key set %s: %w", r.name, err)
	}
	return set, nil
}

func (r *RemoteSet) read(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		if ue := (*url.Error)(nil); errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, r.o.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > r.o.MaxBytes {
		return nil, fmt.Errorf("answer is longer than %d bytes", r.o.MaxBytes)
	}
	return text, nil
}
