package set_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

func claimsOf(t testing.TB, change func(*set.Claims)) set.Claims {
	t.Helper()
	subject, err := event.NewSimple("email", "email", "ada.obrien@example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := set.Claims{
		Issuer: "https://signals.example.com", Audience: []string{"https://app.example.com"},
		IssuedAt: time.Unix(1767225000, 0), JTI: "jti-\"1\"", Txn: "txn-1", Subject: subject,
		Event: caep + "session-revoked", Body: []byte(`{"event_timestamp":1767224900,"reason_admin":{"en":"é"}}`),
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestBuild(t *testing.T) {
	text, err := set.Build(claimsOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"iss":"https://signals.example.com","aud":"https://app.example.com","iat":1767225000,
		"jti":"jti-\"1\"","txn":"txn-1","sub_id":{"format":"email","email":"ada.obrien@example.com"},
		"events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":
			{"event_timestamp":1767224900,"reason_admin":{"en":"é"}}}}`), &want); err != nil {
		t.Fatal(err)
	}
	req.Equal(t, "SET-02 SET-06 SET-07 SET-08 SET-09 SET-13 SET-16 SET-04 SET-05 SUB-14 INTEROP-26", got, want)
}

func TestBuiltTokensPassOurVerifier(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		signer, err := jose.GenerateSigner(alg)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := jose.Static(signer.JWKS())
		if err != nil {
			t.Fatal(err)
		}
		v, err := set.New([]set.Issuer{{URL: "https://signals.example.com", Keys: keys, Audience: []string{"https://app.example.com"}}},
			set.Options{Now: func() time.Time { return time.Unix(1767225600, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*set.Claims){
			"plain":     nil,
			"audiences": func(c *set.Claims) { c.Audience = append(c.Audience, "https://b.example.com") },
			"no txn":    func(c *set.Claims) { c.Txn = "" },
			"no body":   func(c *set.Claims) { c.Body = nil },
			"toe":       func(c *set.Claims) { c.TimeOf = time.Unix(1767224800, 0) },
		} {
			t.Run(alg+" "+name, func(t *testing.T) {
				claims := claimsOf(t, change)
				text, err := set.Build(claims)
				if err != nil {
					t.Fatal(err)
				}
				token, err := signer.Sign(text)
				if err != nil {
					t.Fatal(err)
				}
				s, err := v.Verify(context.Background(), message(token))
				if err != nil {
					t.Fatalf("%v: %s", err, text)
				}
				req.True(t, "LEGACY-16", len(s.Applied) == 0, "needs the workarounds %v", s.Applied)
				if s.JTI != claims.JTI || s.Txn != claims.Txn || s.Subject.Key() != claims.Subject.Key() ||
					!s.IssuedAt.Equal(claims.IssuedAt) || !s.TimeOf.Equal(claims.TimeOf) {
					t.Errorf("read back as %+v", s)
				}
			})
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for want, change := range map[string]func(*set.Claims){
		"issuer":           func(c *set.Claims) { c.Issuer = "" },
		"audience":         func(c *set.Claims) { c.Audience = nil },
		"time of issue":    func(c *set.Claims) { c.IssuedAt = time.Time{} },
		"jti":              func(c *set.Claims) { c.JTI = "" },
		"subject":          func(c *set.Claims) { c.Subject = event.Subject{} },
		"not a URI":        func(c *set.Claims) { c.Event = "session-revoked" },
		"not an object":    func(c *set.Claims) { c.Body = []byte(`[]`) },
		"duplicate member": func(c *set.Claims) { c.Body = []byte(`{"a":1,"a":2}`) },
		"unexpected text":  func(c *set.Claims) { c.Body = []byte(`{}},"sub":"x","y":{{}`) },
	} {
		if text, err := set.Build(claimsOf(t, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %s, %v; want %q", text, err, want)
		}
	}
}

// TestBuildInside: a payload that names the subject itself leaves no sub_id
// (OKTA-03), and nothing is about nobody or about two.
func TestBuildInside(t *testing.T) {
	text, err := set.Build(claimsOf(t, func(c *set.Claims) {
		c.Subject, c.Inside, c.Body = event.Subject{}, true, []byte(`{"subject":{"user":{"format":"email","email":"a@example.com"}}}`)
	}))
	req.True(t, "OKTA-03 OKTA-04", err == nil && !strings.Contains(string(text), "sub_id") && strings.Contains(string(text), `"subject":{"user"`),
		"built %s, %v", text, err)
	for want, change := range map[string]func(*set.Claims){
		"given twice": func(c *set.Claims) { c.Inside = true },
		"missing":     func(c *set.Claims) { c.Subject = event.Subject{} },
	} {
		if _, err := set.Build(claimsOf(t, change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
