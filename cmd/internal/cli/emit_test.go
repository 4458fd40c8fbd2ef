package cli_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/set"
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
	for _, token := range p.tokens(stream) {
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

// tokens are the SETs that wait for a receiver, by jti.
func (p *product) tokens(stream string) map[string]string {
	p.t.Helper()
	return p.poll(stream, `{"returnImmediately":true}`)
}

func (p *product) acknowledge(stream, jti string) {
	p.t.Helper()
	p.poll(stream, `{"returnImmediately":true,"maxEvents":0,"ack":["`+jti+`"]}`)
}

func (p *product) poll(stream, body string) map[string]string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.app.Addr()+"/ssf/signals/poll/"+stream, strings.NewReader(body))
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
	return answer.Sets
}

// TestEmit: an operator's test reaches the stream, marked, and the journal tells
// of it; what a stream does not deliver is refused.
func TestEmit(t *testing.T) {
	p := newProductWith(t, map[string]string{"app.token": "of-the-app-0123456789"}, signalsSink)
	p.waitForStream("app.main")
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
		{[]string{"--event", "device-compliance-change", "--subject", "email:a@example.com", "--body", "{}"}, 1, "previous_status is required"},
		{[]string{"--event", "device-compliance-change", "--subject", "email:a@example.com", "--set", "current_status=null"}, 1, "current_status is required"},
		{[]string{"--event", "device-compliance-change", "--subject", "email:a@example.com", "--set", "current_status"}, 2, "NAME=VALUE"},
		{[]string{"--event", "session-revoked", "--subject", "email:a@elsewhere.example", "--set", "event_timestmp=1"}, 1, `did you mean "event_timestamp"`},
		{[]string{"--event", "okta:sesion-revoked", "--subject", "email:a@example.com"}, 2, `did you mean "okta:session-revoked"`},
		{[]string{"--event", "urn:example:other", "--subject", "email:a@example.com"}, 2, "not in the catalogue"},
		{[]string{"--event", "prov:deactivate", "--subject", "email:a@example.com"}, 1, "scim:/Users/"},
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
	shows(t, p.run("emit", "--event", "session-revoked", "--subject", "email:a@example.com", "--comment", "first light", "--body", "{}", "--set", "initiating_entity=policy"),
		`^session-revoked about email:a@example.com \{"initiating_entity":"policy","urn:signalbox:test":true\}$`, `^  app.main of app: a-\S+ waits to be polled$`)
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
	timeline := p.run("timeline", "--user", "a@example.com")
	shows(t, timeline, `session-revoked for a@example.com queued for signals/app.main as a test`)
	if strings.Contains(timeline, "verification") {
		t.Errorf("what is about the stream is in the timeline of a user:\n%s", timeline)
	}
}

// TestEmitEverything: every event of the catalogue goes to a sink with one
// receiver and into a stream, and our own verifier reads it as that event. What
// only the product itself may state is a forgery from outside, and unknown.
func TestEmitEverything(t *testing.T) {
	receiver := pipelinetest.NewPushReceiver(t)
	p := newProductWith(t, map[string]string{"app.token": "of-the-app-0123456789"}, strings.Replace(signalsSink, `subjects = ["email:*@example.com"]`, "", 1), `
sink "ssf" "downstream" {
  issuer   = "https://signals.example.com"
  audience = ["https://app.example.com"]
  push {
    endpoint      = "`+receiver.URL+`"
    allow_private = true
  }
}
`)
	if code, out, errs := p.try("emit", "--event", "session-revoked", "--subject", "email:a@example.com"); code != 1 || !strings.Contains(errs, "several state events: signals, downstream") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	keys, err := jose.Static([]byte(p.run("keys", "jwks")))
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range event.Types() {
		name, rules := typ.QualifiedName(), map[string]string{"scim": "scim", "okta": "okta"}[typ.Family]
		verifier, err := set.New([]set.Issuer{{
			URL: "https://signals.example.com", Keys: keys, Audience: []string{"https://app.example.com"}, Rules: cmp.Or(rules, "ssf"), Algorithms: []string{"ES256"},
		}}, set.Options{})
		if err != nil {
			t.Fatal(err)
		}
		reads := func(token string) {
			t.Helper()
			signal, err := verifier.Verify(t.Context(), pipeline.Message{Body: []byte(token), ContentType: "application/secevent+jwt"})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			events, err := pipeline.Statements{}.Normalize(t.Context(), signal)
			if err != nil || len(events) != 1 {
				t.Errorf("%s: %v, %v", name, events, err)
				return
			}
			want := typ
			if slices.Contains([]string{"timer", "approval", "operator-command", "feed-health"}, typ.Name) {
				want = event.Unknown
			}
			if e := events[0]; e.Type != want || e.URI != typ.URI || !e.Body.Get("urn:signalbox:test").Bool() {
				t.Errorf("%s was read as %s %s: %s", name, e.Type.QualifiedName(), e.URI, e.Body.Raw())
			} else if key := e.Subject.Key(); typ.Family != "ssf" && !strings.Contains(key, typ.ExampleSubject()) {
				t.Errorf("%s is about %s, want %s", name, key, typ.ExampleSubject())
			}
		}
		args := []string{"emit", "--event", name}
		if typ.Family != "ssf" {
			args = append(args, "--subject", typ.ExampleSubject())
		}
		before := len(receiver.Pushes())
		shows(t, p.run(append(args, "--sink", "downstream")...), `^  downstream: a-\S+ is queued$`)
		p.settle()
		if got := receiver.Pushes(); len(got) != before+1 {
			t.Fatalf("%s: %d pushes", name, len(got)-before)
		} else {
			reads(got[before].Token)
		}
		p.run(append(args, "--stream", "app.main", "--undelivered")...)
		tokens := p.tokens("app.main")
		if len(tokens) != 1 {
			t.Fatalf("%s: %d SETs in the stream", name, len(tokens))
		}
		for jti, token := range tokens {
			reads(token)
			p.acknowledge("app.main", jti)
		}
	}
	shows(t, p.run("timeline", "--user", "jane@example.com"), `^\S+  action    session-revoked for jane@example.com acked by downstream as a test: 202$`)
}

// TestEmitToOkta: a sink with a dialect of its own writes what it takes in it, and
// refuses the rest before anything is queued.
func TestEmitToOkta(t *testing.T) {
	org := pipelinetest.NewPushReceiver(t)
	url := strings.TrimSuffix(org.URL, "/events")
	p := newProduct(t, `
sink "okta" "org" {
  org           = "`+url+`"
  issuer        = "https://signals.example.com"
  allow_private = true
}
`)
	if code, out, errs := p.try("emit", "--event", "alert", "--subject", "email:a@example.com"); code != 1 || !strings.Contains(errs, "org does not take alert (it takes device-compliance-change,") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	for _, name := range []string{"okta:session-revoked", "session-revoked", "device-risk-change", "risk-level-change"} {
		p.run("emit", "--event", name, "--subject", "opaque:id-1")
	}
	p.settle()
	keys, err := jose.Static([]byte(p.run("keys", "jwks")))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := set.New([]set.Issuer{{URL: "https://signals.example.com", Keys: keys, Audience: []string{url}, Rules: "okta", Algorithms: []string{"RS256"}}}, set.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, push := range org.Pushes() {
		signal, err := verifier.Verify(t.Context(), pipeline.Message{Body: []byte(push.Token), ContentType: "application/secevent+jwt"})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, signal.Events[0].Type.QualifiedName())
	}
	slices.Sort(got)
	if want := []string{"device-risk-change", "okta:session-revoked", "okta:session-revoked", "user-risk-change"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
