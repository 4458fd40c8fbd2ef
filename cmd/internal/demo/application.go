package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Session is one session at an application.
type Session struct {
	User  string    `json:"user"`  // e-mail address
	ID    string    `json:"id"`    // as the identity provider names it
	Began time.Time `json:"began"` //
	Ended time.Time `json:"-"`     // zero while it lasts
}

// application is a downstream application: people come to it with a session of
// the identity provider, and it ends the sessions the product says are over.
type application struct {
	*receiver
	name   string
	server *server

	mu       sync.Mutex
	sessions []Session
	disabled map[string]time.Time // users whose account is said to be disabled, and when that was heard
}

func newApplication(name, audience string) (*application, error) {
	s, err := newServer()
	if err != nil {
		return nil, err
	}
	a := &application{name: name, server: s}
	a.receiver = newReceiver(audience, s, a.hear)
	s.mux.HandleFunc("POST /sign-in", a.signIn)
	return a, nil
}

// signIn opens a session for somebody the identity provider vouches for.
func (a *application) signIn(w http.ResponseWriter, req *http.Request) {
	var s Session
	if err := json.NewDecoder(io.LimitReader(req.Body, 4096)).Decode(&s); err != nil || s.User == "" || s.ID == "" {
		http.Error(w, "give user, id and began", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions = append(a.sessions, s)
	w.WriteHeader(http.StatusNoContent)
}

// hear ends the sessions a session-revoked speaks of: the one it names, or those
// of the user that had begun by then. It notes whose account is disabled.
// Everything else is none of its business.
func (a *application) hear(e *event.Event, at time.Time) {
	if e.Type.Name == "account-disabled" {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.disabled == nil {
			a.disabled = map[string]time.Time{}
		}
		a.disabled[e.Subject.Member("email")] = at
		return
	}
	if e.Type.Name != "session-revoked" {
		return
	}
	user, session := e.Subject.Member("email"), ""
	if part, ok := e.Subject.Part("user"); ok {
		user = part.Member("email")
	}
	if part, ok := e.Subject.Part("session"); ok {
		session = part.Member("id")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.sessions {
		s := &a.sessions[i]
		if s.User == user && (session == "" || s.ID == session) && s.Ended.IsZero() && !s.Began.After(e.Time) {
			s.Ended = at
		}
	}
}

// told returns when it heard that an account is disabled, zero for never.
func (a *application) told(user string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.disabled[user]
}

// list returns the sessions by user and begin.
func (a *application) list() []Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := slices.Clone(a.sessions)
	slices.SortStableFunc(list, func(x, y Session) int {
		if c := strings.Compare(x.User, y.User); c != 0 {
			return c
		}
		return x.Began.Compare(y.Began)
	})
	return list
}
