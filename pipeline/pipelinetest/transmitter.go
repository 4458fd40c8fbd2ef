package pipelinetest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// Delivery methods and media type, as the wire has them.
const (
	methodPush = "urn:ietf:rfc:8935"
	methodPoll = "urn:ietf:rfc:8936"
)

// Transmitter is a transmitter of the Shared Signals Framework with one receiver:
// metadata, key set, management API and poll endpoint. It does what SSF 1.0 says
// until Intercept or one of its switches makes it do otherwise, and keeps a
// ledger of what it was asked. Its fields are set before it is used, or by Set.
// Safe for concurrent use.
type Transmitter struct {
	URL      string // its issuer
	Audience string // aud of every stream and token
	Token    string // bearer token it asks for; "" takes everybody
	Signer   *jose.Signer
	Now      func() time.Time

	OneStream  bool          // 409 for a second stream
	ShortPoll  bool          // never waits
	Inactivity time.Duration // inactivity_timeout it states
	Every      time.Duration // min_verification_interval it states
	Mute       bool          // verification is promised and never sent

	mu        sync.Mutex
	intercept func(w http.ResponseWriter, r *http.Request, body []byte) bool
	ledger    []Asked
	streams   map[string]*txStream
	news      chan struct{} // closed and made anew when something changed
	next      int
}

// Asked is one request as it arrived.
type Asked struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

type txStream struct {
	config  map[string]any
	status  string
	queue   []txSet
	acked   []string
	refused map[string]string // jti to code
}

type txSet struct{ jti, token string }

// NewTransmitter starts a transmitter on a socket of this machine that lives as
// long as the test.
func NewTransmitter(t testing.TB) *Transmitter {
	tx := TransmitterAt(t, "")
	srv := httptest.NewServer(tx)
	t.Cleanup(srv.Close)
	tx.URL = srv.URL
	return tx
}

// TransmitterAt makes a transmitter without a socket: Client reaches it.
func TransmitterAt(t testing.TB, issuer string) *Transmitter {
	signer, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	return &Transmitter{
		URL: issuer, Audience: "https://siem.example.com", Signer: signer, Now: time.Now,
		streams: map[string]*txStream{}, news: make(chan struct{}),
	}
}

// Client is one that calls the transmitter without a socket, so that a test
// within a bubble of testing/synctest can.
func (tx *Transmitter) Client() *http.Client {
	return &http.Client{
		Transport:     within{tx},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// within carries out requests by a handler.
type within struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (h within) RoundTrip(r *http.Request) (*http.Response, error) {
	w, done := httptest.NewRecorder(), make(chan struct{})
	if r.Body == nil {
		r.Body = http.NoBody
	}
	go func() {
		defer close(done)
		h.ServeHTTP(w, r)
	}()
	select {
	case <-done:
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	case <-r.Context().Done():
		<-done // handlers end with the context of their request
		return nil, r.Context().Err()
	}
}

// Intercept makes f see every request first; it answers and returns true, or
// returns false and the transmitter answers. nil ends that.
func (tx *Transmitter) Intercept(f func(w http.ResponseWriter, r *http.Request, body []byte) bool) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.intercept = f
}

// Asked returns the ledger of requests to a path, or of all for "".
func (tx *Transmitter) Asked(method, path string) (list []Asked) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	for _, a := range tx.ledger {
		if (method == "" || a.Method == method) && (path == "" || a.Path == path) {
			list = append(list, a)
		}
	}
	return list
}

// Streams lists the ids of the streams there are.
func (tx *Transmitter) Streams() []string {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return slices.Sorted(maps.Keys(tx.streams))
}

// Configuration is a member of a stream's configuration.
func (tx *Transmitter) Configuration(id, member string) any {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if s := tx.streams[id]; s != nil {
		return s.config[member]
	}
	return nil
}

// Drop deletes a stream as if somebody else had.
func (tx *Transmitter) Drop(id string) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	delete(tx.streams, id)
	tx.changed()
}

// Make makes a stream from outside and returns its id.
func (tx *Transmitter) Make(wanted map[string]any) string {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.create(wanted).config["stream_id"].(string)
}

// SetStatus changes the status without telling.
func (tx *Transmitter) SetStatus(id, status string) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.streams[id].status = status
}

// Change changes a member of a stream's configuration without telling.
func (tx *Transmitter) Change(id, member string, value any) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.streams[id].config[member] = value
}

// Set changes fields while the transmitter is in use.
func (tx *Transmitter) Set(change func(*Transmitter)) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	change(tx)
}

// Offer puts a token into a stream. What is no JWT can be offered, too.
func (tx *Transmitter) Offer(id, jti, token string) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.offer(id, jti, token)
}

func (tx *Transmitter) offer(id, jti, token string) {
	if s := tx.streams[id]; s != nil {
		s.queue = append(s.queue, txSet{jti, token})
		tx.changed()
	}
}

// Tell offers a signed token with one event about a subject in the form of a
// key, such as jane@example.com.
func (tx *Transmitter) Tell(t testing.TB, id, jti, name, subject, body string) {
	t.Helper()
	token, err := tx.Sign(jti, name, subject, body)
	if err != nil {
		t.Fatal(err)
	}
	tx.Offer(id, jti, token)
}

// Sign makes a token.
func (tx *Transmitter) Sign(jti, name, subject, body string) (string, error) {
	about, err := event.ParseKey(subject)
	if err != nil {
		return "", err
	}
	typ, ok := event.ByName(name)
	if !ok {
		return "", fmt.Errorf("event %s is not in the catalogue", name)
	}
	claims, err := set.Build(set.Claims{
		Issuer: tx.URL, Audience: []string{tx.Audience}, IssuedAt: tx.Now().Truncate(time.Second), JTI: jti,
		Subject: about, Event: typ.URI, Body: []byte(body),
	})
	if err != nil {
		return "", err
	}
	token, err := tx.Signer.Sign(claims)
	return string(token), err
}

// Acked and Refused are what the receiver said of tokens.
func (tx *Transmitter) Acked(id string) []string {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if s := tx.streams[id]; s != nil {
		return slices.Clone(s.acked)
	}
	return nil
}

// Refused maps the tokens that came back in setErrs to their codes.
func (tx *Transmitter) Refused(id string) map[string]string {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if s := tx.streams[id]; s != nil {
		return maps.Clone(s.refused)
	}
	return nil
}

// Until waits until ok holds, asked again whenever something was asked or
// changed; it ends the test when that takes longer than Patience.
func (tx *Transmitter) Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(Patience)
	for {
		tx.mu.Lock()
		news := tx.news
		tx.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-news:
		case <-end:
			t.Fatalf("it did not come to it: %s", what)
		}
	}
}

// changed wakes whoever waits. The caller holds the lock.
func (tx *Transmitter) changed() {
	close(tx.news)
	tx.news = make(chan struct{})
}
