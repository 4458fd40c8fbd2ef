package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// provider is the identity provider: it signs people in everywhere, states their
// sessions to the product, and takes the product's word on whose credential must
// be changed and whose risk is high.
type provider struct {
	*transmitter
	*receiver
	server *server
	apps   []*application

	mu       sync.Mutex
	demanded []string // users whose credential must be changed

	token     string               // the Authorization header its API asks for
	suspended map[string]time.Time // users whose account it has suspended, and when
	risky     []string             // users at high risk
}

func newProvider(issuer, audience string, apps []*application, client *http.Client) (*provider, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	p := &provider{server: s, apps: apps, token: "Bearer " + rand.Text(), suspended: map[string]time.Time{}}
	s.mux.HandleFunc("POST /api/users/{user}/suspend", p.suspend)
	p.receiver = newReceiver(issuer, s, p.hear)
	p.transmitter, err = newTransmitter(issuer, audience, "RS256", s, client)
	return p, err
}

// signIn takes a user to every application and tells the product.
func (p *provider) signIn(ctx context.Context, s Session) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	for _, a := range p.apps {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server.url+"/sign-in", bytes.NewReader(text))
		if err != nil {
			return err
		}
		resp, err := p.client.Do(req)
		if err != nil {
			return fmt.Errorf("sign %s in at %s: %w", s.User, a.name, err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("sign %s in at %s: %s", s.User, a.name, resp.Status)
		}
	}
	subject, err := sessionOf(s.User, s.ID)
	if err != nil {
		return err
	}
	token, err := p.sign(statement{
		jti: "established-" + s.ID, event: "session-established", subject: subject,
		body: map[string]any{"event_timestamp": s.Began.Unix(), "amr": []string{"pwd"}, "acr": "1"},
	})
	if err != nil {
		return err
	}
	a, err := p.push(ctx, token)
	if err == nil && a.status != http.StatusAccepted {
		err = fmt.Errorf("session of %s was not taken: %d %s %s", s.User, a.status, a.Code, a.Description)
	}
	return err
}

// sessionOf is the complex subject of one session of a user.
func sessionOf(user, id string) (event.Subject, error) {
	var s event.Subject
	text, err := json.Marshal(map[string]any{
		"format":  "complex",
		"user":    map[string]string{"format": "email", "email": user},
		"session": map[string]string{"format": "opaque", "id": id},
	})
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(text, &s)
	return s, err
}

// suspend disables an account, for who may ask for it.
func (p *provider) suspend(w http.ResponseWriter, req *http.Request) {
	if subtle.ConstantTimeCompare([]byte(req.Header.Get("Authorization")), []byte(p.token)) != 1 {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if user := req.PathValue("user"); p.suspended[user].IsZero() {
		p.suspended[user] = time.Now()
	}
	w.WriteHeader(http.StatusNoContent)
}

// suspensions returns whose account was suspended, and when.
func (p *provider) suspensions() map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.suspended)
}

// hear notes what the product demands and judges.
func (p *provider) hear(e *event.Event, _ time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Type.Name {
	case "account-credential-change-required":
		p.demanded = append(p.demanded, e.Subject.Member("email"))
	case "risk-level-change":
		if e.Body.Get("current_level").Text() == "HIGH" {
			p.risky = append(p.risky, e.Subject.Member("email"))
		}
	}
}

// heard returns the users whose credential must be changed and those at high
// risk, sorted.
func (p *provider) heard() (demanded, risky []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(p.demanded)), slices.Sorted(slices.Values(p.risky))
}
