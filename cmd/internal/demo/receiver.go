package demo

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// receiver takes the product's tokens: it authenticates the sender, verifies
// every token against the product's key set, and gives what it says to take.
type receiver struct {
	audience string // what the product must call it in aud
	secret   string // the Authorization header it asks for
	take     func(e *event.Event, at time.Time)

	mu       sync.Mutex
	verifier *set.Verifier
	refused  []string // why tokens were refused
}

// newReceiver serves the endpoint at /events. It refuses everything until it
// trusts somebody.
func newReceiver(audience string, s *server, take func(*event.Event, time.Time)) *receiver {
	r := &receiver{audience: audience, secret: "Bearer " + rand.Text(), take: take}
	s.mux.Handle("POST /events", r)
	return r
}

// trust takes the tokens of an issuer from now on, and nobody else's.
func (r *receiver) trust(issuer, jwksURL string, client *http.Client) error {
	keys, err := jose.Remote(jwksURL, client, jose.RemoteOptions{})
	if err != nil {
		return err
	}
	v, err := set.New([]set.Issuer{{URL: issuer, Keys: keys, Audience: []string{r.audience}, Rules: "ssf"}}, set.Options{})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifier = v
	return nil
}

// ServeHTTP implements http.Handler for pushes (RFC 8935).
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if subtle.ConstantTimeCompare([]byte(req.Header.Get("Authorization")), []byte(r.secret)) != 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	at := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, jose.DefaultMaxBytes))
	if err == nil {
		err = r.accept(req, body, at)
	}
	if err == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	r.mu.Lock()
	r.refused = append(r.refused, err.Error())
	r.mu.Unlock()
	var reject *pipeline.RejectError
	if !errors.As(err, &reject) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", ssf.MediaTypeJSON)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(ssf.FromReject(reject).AppendJSON(nil))
}

func (r *receiver) accept(req *http.Request, body []byte, at time.Time) error {
	r.mu.Lock()
	verifier := r.verifier
	r.mu.Unlock()
	if verifier == nil {
		return errors.New("nobody is trusted yet")
	}
	m := pipeline.Message{Body: body, ContentType: req.Header.Get("Content-Type"), Received: at, Delivery: "push"}
	signal, err := verifier.Verify(req.Context(), m)
	if err != nil {
		return err
	}
	events, err := pipeline.Statements{}.Normalize(req.Context(), signal)
	if err != nil {
		return err
	}
	for i := range events {
		r.take(&events[i], at)
	}
	return nil
}

// refusals tells why tokens were refused.
func (r *receiver) refusals() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.refused...)
}
