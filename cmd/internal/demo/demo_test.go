package demo

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

func TestStory(t *testing.T) {
	stage, err := Open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	r, err := stage.Play(t.Context())
	if err != nil {
		t.Error(err)
	} else {
		for _, d := range r.Differences {
			t.Error(d)
		}
		if len(r.Timeline) == 0 || r.Decision == "" || r.Held == "" || r.Slowest <= 0 {
			t.Errorf("report is incomplete: %d documents, decision %q, held %q, slowest %v", len(r.Timeline), r.Decision, r.Held, r.Slowest)
		}
	}
	if err := stage.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(stage.Config()); !os.IsNotExist(err) {
		t.Errorf("the directory was not removed: %v", err)
	}
}

// TestChecks shows that the story can fail: what is not as it should be is told.
func TestChecks(t *testing.T) {
	var c checks
	c.equal("same", []string{"a"}, []string{"a"})
	c.equal("sessions", 3, 4)
	if len(c) != 1 || c[0] != "sessions: 3, should be 4" {
		t.Errorf("checks = %q", c)
	}
}

func TestApplicationEndsWhatIsMeant(t *testing.T) {
	now := time.Now()
	other, err := sessionOf(omar, "a")
	if err != nil {
		t.Fatal(err)
	}
	one, err := sessionOf(jane, "a")
	if err != nil {
		t.Fatal(err)
	}
	all, err := event.NewSimple("email", "email", jane)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		event   string
		subject event.Subject
		at      time.Time
		ended   string
	}{
		{"one session", "session-revoked", one, now, "a"},
		{"all of the user's", "session-revoked", all, now, "ab"},
		{"those begun by then", "session-revoked", all, now.Add(-time.Hour), "a"},
		{"somebody else's", "session-revoked", other, now, ""},
		{"another event", "session-presented", one, now, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &application{sessions: []Session{
				{User: jane, ID: "a", Began: now.Add(-2 * time.Hour)}, {User: jane, ID: "b", Began: now.Add(-time.Minute)},
			}}
			typ, _ := event.ByName(test.event)
			a.hear(&event.Event{Type: typ, Subject: test.subject, Time: test.at}, now)
			ended := ""
			for _, s := range a.list() {
				if !s.Ended.IsZero() {
					ended += s.ID
				}
			}
			if ended != test.ended {
				t.Errorf("ended %q, want %q", ended, test.ended)
			}
		})
	}
}

func TestReceiverTakesTheProductsTokensOnly(t *testing.T) {
	own, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	s.mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(own.JWKS()) })
	taken := 0
	r := newReceiver("https://app.example.com", s, func(*event.Event, time.Time) { taken++ })
	token := func(signer *jose.Signer, audience string) string {
		subject, err := sessionOf(jane, "a")
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := event.ByName("session-revoked")
		claims, err := set.Build(set.Claims{Issuer: productURL, Audience: []string{audience}, IssuedAt: time.Now(), JTI: "1", Subject: subject, Event: typ.URI})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	push := func(authorization, body string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/events", strings.NewReader(body))
		req.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w.Code
	}
	good := token(own, r.audience)
	if got := push(r.secret, good); got != http.StatusServiceUnavailable || taken != 0 {
		t.Errorf("before anybody is trusted: %d, taken %d", got, taken)
	}
	if err := r.trust(productURL, s.url+"/jwks.json", http.DefaultClient); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, authorization, body string
		want                      int
	}{
		{"without the secret", "Bearer guess", good, http.StatusUnauthorized},
		{"signed by somebody else", r.secret, token(stranger, r.audience), http.StatusBadRequest},
		{"for somebody else", r.secret, token(own, "https://other.example.com"), http.StatusBadRequest},
		{"the product's", r.secret, good, http.StatusAccepted},
	} {
		if got := push(test.authorization, test.body); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if taken != 1 || len(r.refusals()) != 3 {
		t.Errorf("taken %d, want 1; refused %q", taken, r.refusals())
	}
}

func TestForgeChangesTheWordsUnderTheSignature(t *testing.T) {
	signer, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign([]byte(`{"email":"jane@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := forge(token, jane, dana)
	if err != nil {
		t.Fatal(err)
	}
	was, err := jose.ParseCompact(token)
	if err != nil {
		t.Fatal(err)
	}
	is, err := jose.ParseCompact(forged)
	if err != nil {
		t.Fatal(err)
	}
	if string(is.Payload) != `{"email":"dana@example.com"}` || !bytes.Equal(is.Signature, was.Signature) {
		t.Errorf("payload %s; signature kept: %v", is.Payload, bytes.Equal(is.Signature, was.Signature))
	}
	if _, err := forge(token, omar, dana); err == nil {
		t.Error("forge of a name that is not there: no error")
	}
}
