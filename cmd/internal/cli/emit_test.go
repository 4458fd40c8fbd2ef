package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

const signalsSink = `
sink "ssf" "signals" {
  issuer = "https://signals.example.com"
  receiver "app" {
    audience = ["https://app.example.com"]
    token    = file("app.token")
    events   = ["session-revoked", "device-compliance-change"]
    subjects = ["email:*@example.com"]
    stream "main" {
      poll {}
    }
  }
}
`

// polled is what waits for a receiver: the claims of its SETs.
func (p *product) polled(stream string) (claims []map[string]any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.app.Addr()+"/ssf/signals/poll/"+stream, strings.NewReader(`{"returnImmediately":true}`))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer of-the-app-0123456789")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var answer struct{ Sets map[string]string }
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil {
		p.t.Fatalf("poll: %d %s %v", resp.StatusCode, text, err)
	}
	for _, token := range answer.Sets {
		parts := strings.Split(token, ".")
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		var c map[string]any
		if err != nil || json.Unmarshal(payload, &c) != nil {
			p.t.Fatalf("%s: %v", token, err)
		}
		claims = append(claims, c)
	}
	return claims
}

// TestEmit: an operator's test reaches the stream, marked, and the journal tells
// of it; what a stream does not deliver is refused.
func TestEmit(t *testing.T) {
	p := newProductWith(t, map[string]string{"app.token": "of-the-app-0123456789"}, signalsSink)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--event", "session-revoked"}, 2, "--subject"},
		{[]string{"--event", "session-revokd", "--subject", "email:a@example.com"}, 2, `did you mean "session-revoked"`},
		{[]string{"--event", "session-revoked", "--subject", "email:a@example.com", "--body", "{"}, 2, "--body"},
		{[]string{"--event", "session-revoked", "--subject", "email:a@example.com", "--stream", "other"}, 1, `no stream "other" at signals`},
		{[]string{"--event", "session-revoked", "--subject", "email:a@example.com", "--sink", "other"}, 1, `no sink "other"`},
		{[]string{"--event", "device-compliance-change", "--subject", "email:a@example.com"}, 1, "previous_status is required"},
		{[]string{"--event", "verification", "--subject", "email:a@example.com"}, 1, "about the stream itself"},
		{[]string{"--event", "credential-change", "--subject", "email:a@example.com", "--body", `{"credential_type":"pin","change_type":"create"}`}, 1, "does not deliver credential-change"},
		{[]string{"--event", "session-revoked", "--subject", "email:a@elsewhere.example"}, 1, "may not be told"},
	} {
		if code, out, errs := p.try(append([]string{"emit"}, c.args...)...); code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: %d %s%s; want %d %s", c.args, code, out, errs, c.code, c.want)
		}
	}
	if got := p.polled("app.main"); len(got) != 0 {
		t.Fatalf("refused, and sent: %v", got)
	}
	shows(t, p.run("emit", "--event", "session-revoked", "--subject", "email:a@example.com", "--comment", "first light"),
		`^session-revoked about email:a@example.com \{"urn:signalbox:test":true\}$`, `^  app.main of app: a-\S+ waits to be polled$`)
	p.run("emit", "--event", "verification", "--stream", "app.main")
	var seen []string
	for _, c := range p.polled("app.main") {
		events, _ := json.Marshal(c["events"])
		seen = append(seen, string(events))
		if !strings.Contains(string(events), `"urn:signalbox:test":true`) || c["iss"] != "https://signals.example.com" {
			t.Errorf("%v", c)
		}
	}
	if all := strings.Join(seen, " "); len(seen) != 2 || !strings.Contains(all, "session-revoked") || !strings.Contains(all, "verification") {
		t.Errorf("the receiver got %q", seen)
	}
	p.settle()
	shows(t, p.run("query", "event.action:emit", "--format", "json"), `first light`, `session-revoked to signals: app.main`)
	shows(t, p.run("query", "tags:test", "--format", "json"), `"session-revoked"`)
}
