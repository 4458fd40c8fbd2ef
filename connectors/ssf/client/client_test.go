package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/connectors/ssf/client"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

const issuer = "https://tx.example.com"

// rig is a transmitter and a client of it.
func rig(t *testing.T, change ...func(*client.Options)) (*pipelinetest.Transmitter, *client.Client) {
	t.Helper()
	tx := pipelinetest.TransmitterAt(t, issuer)
	tx.Token = "secret-token"
	o := client.Options{Transmitter: issuer, Authorization: "Bearer secret-token", HTTP: tx.Client(), Audience: []string{tx.Audience}}
	for _, f := range change {
		f(&o)
	}
	c, err := client.New(o, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return tx, c
}

// answers makes the transmitter answer requests to a path with a status and a
// text.
func answers(tx *pipelinetest.Transmitter, path string, status int, text string, header ...string) {
	tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.URL.Path != path {
			return false
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, text)
		return true
	})
}

func members(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

func TestMetadataURL(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://tr.example.com":          "https://tr.example.com/.well-known/ssf-configuration",
		"https://tr.example.com/":         "https://tr.example.com/.well-known/ssf-configuration",
		"https://tr.example.com/issuer1":  "https://tr.example.com/.well-known/ssf-configuration/issuer1",
		"https://tr.example.com/a/b/":     "https://tr.example.com/.well-known/ssf-configuration/a/b",
		"https://tr.example.com:8443/a%2": "",
	} {
		got, err := client.MetadataURL(issuer, "ssf-configuration")
		req.Equal(t, "SSF-RX-01", got, want)
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

func TestDiscover(t *testing.T) {
	tx, c := rig(t)
	m, err := c.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked := tx.Asked("", "")
	req.Equal(t, "SSF-RX-01", asked[0].Method+" "+asked[0].Path, "GET /.well-known/ssf-configuration")
	req.Equal(t, "SSF-RX-01", asked[0].Header.Get("Authorization"), "")
	if m.Issuer != issuer || m.StatusEndpoint != issuer+"/status" || m.SpecVersion != "1_0" || m.ContentType != "application/json" {
		t.Errorf("metadata %+v", m)
	}

	answers(tx, "/.well-known/ssf-configuration", 200, `{"issuer":"`+issuer+`","jwks_uri":"https://tx.example.com/k","x":{"y":1}}`)
	if m, err = c.Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	req.Equal(t, "SSF-RX-04", m.SpecVersion, "1_0-ID1")
	req.Equal(t, "SSF-RX-07", string(m.Text.Get("x").Raw()), `{"y":1}`)
	if _, err := c.List(t.Context()); !errors.Is(err, client.ErrUnoffered) {
		t.Errorf("list without an endpoint: %v", err)
	}
}

// TestDiscoverRefuses: nothing of a document that cannot be trusted is used.
func TestDiscoverRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		text   string
		header []string
		want   string
		ids    string
	}{
		"other issuer":      {200, `{"issuer":"https://evil.example.com","configuration_endpoint":"https://evil.example.com/s"}`, nil, "another issuer", "SSF-RX-03 SSF-RX-06"},
		"slash more":        {200, `{"issuer":"https://tx.example.com/"}`, nil, "another issuer", "SSF-RX-03 SSF-RX-06"},
		"other case":        {200, `{"issuer":"https://TX.example.com"}`, nil, "another issuer", "SSF-RX-03 SSF-RX-06"},
		"no issuer":         {200, `{"jwks_uri":"https://tx.example.com/k"}`, nil, "another issuer", "SSF-RX-03 SSF-RX-06"},
		"issuer twice":      {200, `{"issuer":"https://tx.example.com","issuer":"https://evil.example.com"}`, nil, "duplicate", "SSF-RX-06"},
		"plain endpoint":    {200, `{"issuer":"https://tx.example.com","status_endpoint":"http://tx.example.com/s"}`, nil, "status_endpoint", "SSF-RX-06"},
		"internal endpoint": {200, `{"issuer":"https://tx.example.com","status_endpoint":"https://169.254.169.254/s"}`, nil, "status_endpoint", "SSF-RX-06"},
		"keys on loopback":  {200, `{"issuer":"https://tx.example.com","jwks_uri":"https://127.0.0.1/jwks.json"}`, nil, "jwks_uri", "SSF-RX-06"},
		"keys by name":      {200, `{"issuer":"https://tx.example.com","jwks_uri":"https://localhost/jwks.json"}`, nil, "jwks_uri", "SSF-RX-06"},
		"keys link-local":   {200, `{"issuer":"https://tx.example.com","jwks_uri":"https://169.254.169.254/jwks.json"}`, nil, "jwks_uri", "SSF-RX-06"},
		"plain keys":        {200, `{"issuer":"https://tx.example.com","jwks_uri":"http://127.0.0.1/jwks.json"}`, nil, "jwks_uri", "SSF-RX-06"},
		"endpoint type":     {200, `{"issuer":"https://tx.example.com","status_endpoint":7}`, nil, "status_endpoint", "SSF-RX-06"},
		"no JSON":           {200, `<html>`, nil, "not JSON", "SSF-RX-06"},
		"array":             {200, `[]`, nil, "not a JSON object", "SSF-RX-06"},
		"huge":              {200, `{"issuer":"https://tx.example.com","x":"` + strings.Repeat("x", 1<<20) + `"}`, nil, "longer than", "SSF-RX-06"},
		"deep":              {200, `{"issuer":"https://tx.example.com","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, nil, "not JSON", "SSF-RX-06"},
		"redirect":          {302, "", []string{"Location", "https://evil.example.com/"}, "redirects are not followed", "SSF-RX-06"},
		"not there":         {404, "", nil, "answers 404", "SSF-RX-06"},
	} {
		t.Run(name, func(t *testing.T) {
			tx, cl := rig(t)
			answers(tx, "/.well-known/ssf-configuration", c.status, c.text, c.header...)
			_, err := cl.Discover(t.Context())
			req.True(t, c.ids, err != nil && strings.Contains(err.Error(), c.want), "it says %v, not %q", err, c.want)
			if _, err := cl.List(t.Context()); err == nil {
				t.Error("the document was used all the same")
			}
			for _, a := range tx.Asked("", "") {
				if a.Path != "/.well-known/ssf-configuration" {
					t.Errorf("%s %s was asked", a.Method, a.Path)
				}
			}
		})
	}
}

func TestLegacyMetadataName(t *testing.T) {
	tx, c := rig(t, func(o *client.Options) { o.WellKnown = "risc-configuration" })
	answers(tx, "/.well-known/risc-configuration", 200, `{"issuer":"`+issuer+`"}`)
	m, err := c.Discover(t.Context())
	req.True(t, "SSF-RX-05", err == nil && m.SpecVersion == "1_0-ID1", "%+v, %v", m, err)
}

// TestTransmitterURL: only an https issuer of the internet is started from,
// unless the configuration permits more.
func TestTransmitterURL(t *testing.T) {
	for text, ok := range map[string]bool{
		issuer: true, issuer + "/a": true, "http://tx.example.com": false, "https://tx.example.com?x": false, "https://tx.example.com#x": false,
		"https://u:p@tx.example.com": false, "https://127.0.0.1": false, "https://10.0.0.1": false, "ftp://x": false, "": false,
	} {
		_, err := client.New(client.Options{Transmitter: text}, kind.Env{})
		req.Equal(t, "SSF-RX-02", err == nil, ok)
	}
}

func wanted() client.Wanted {
	words := "ours"
	return client.Wanted{
		Events:      pipelinetest.Vocabulary()[:1],
		Delivery:    &client.Delivery{Method: ssf.DeliveryPush, Endpoint: "https://siem.example.com/push", Authorization: "Bearer push-secret"},
		Description: &words,
	}
}

func TestStreamLifecycle(t *testing.T) {
	tx, c := rig(t)
	ctx := t.Context()
	s, err := c.Create(ctx, wanted())
	if err != nil {
		t.Fatal(err)
	}
	created := tx.Asked("POST", "/streams")[0]
	want := members(t, `{"description":"ours","delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://siem.example.com/push","authorization_header":"Bearer push-secret"},
		"events_requested":["`+pipelinetest.Vocabulary()[0]+`"]}`)
	req.Equal(t, "SSF-RX-08", members(t, created.Body), want)
	if got := created.Header.Get("Authorization"); got != "Bearer secret-token" {
		t.Errorf("Authorization %q", got)
	}
	req.Equal(t, "SSF-RX-11", s.EventsDelivered, pipelinetest.Vocabulary()[:1])

	other := "other"
	_, err = c.Update(ctx, s.ID, client.Wanted{Description: &other})
	req.Equal(t, "SSF-RX-14", members(t, tx.Asked("PATCH", "/streams")[0].Body), map[string]any{"stream_id": s.ID, "description": "other"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Replace(ctx, s.ID, wanted()); err != nil {
		t.Fatal(err)
	}
	want["stream_id"] = s.ID
	req.Equal(t, "SSF-RX-14 SSF-RX-15", members(t, tx.Asked("PUT", "/streams")[0].Body), want)

	list, err := c.List(ctx)
	if err != nil || len(list) != 1 || list[0].ID != s.ID {
		t.Fatalf("list: %v, %v", list, err)
	}
	if strings.Contains(string(list[0].Text), "push-secret") {
		t.Error("the configuration shows the secret of the delivery")
	}
	st, err := c.Status(ctx, s.ID)
	req.Equal(t, "INTEROP-16", fmt.Sprint(st, err), fmt.Sprint(client.Status{ID: s.ID, Status: client.Enabled}, nil))
	st, err = c.SetStatus(ctx, s.ID, client.Paused, "maintenance")
	req.Equal(t, "SSF-RX-20", fmt.Sprint(st, err), fmt.Sprint(client.Status{ID: s.ID, Status: client.Paused, Reason: "maintenance"}, nil))
	jane, _ := event.ParseKey("jane@example.com")
	if err := errors.Join(c.AddSubject(ctx, s.ID, jane, nil), c.RemoveSubject(ctx, s.ID, jane)); err != nil {
		t.Error(err)
	}
	req.Equal(t, "INTEROP-16", c.Verify(ctx, s.ID, "state-1"), nil)
	req.Equal(t, "INTEROP-16", c.Delete(ctx, s.ID), nil)
	req.Equal(t, "SSF-RX-14", tx.Asked("DELETE", "/streams")[0].Query, "stream_id="+s.ID)
	if _, err = c.Read(ctx, s.ID); !client.Gone(err) {
		t.Errorf("read after delete: %v", err)
	}
}

// TestMixUp: an answer of another issuer is used by no operation.
func TestMixUp(t *testing.T) {
	tx, c := rig(t)
	evil := `{"stream_id":"stream-1","iss":"https://evil.example.com","aud":"https://siem.example.com","delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"https://evil.example.com/p"}}`
	answers(tx, "/streams", 200, evil)
	for op, f := range map[string]func(context.Context) error{
		"create":  func(ctx context.Context) error { _, err := c.Create(ctx, client.Wanted{}); return err },
		"read":    func(ctx context.Context) error { _, err := c.Read(ctx, "stream-1"); return err },
		"list":    func(ctx context.Context) error { _, err := c.List(ctx); return err },
		"update":  func(ctx context.Context) error { _, err := c.Update(ctx, "stream-1", client.Wanted{}); return err },
		"replace": func(ctx context.Context) error { _, err := c.Replace(ctx, "stream-1", client.Wanted{}); return err },
	} {
		err := f(t.Context())
		req.True(t, "SSF-RX-09", errors.Is(err, client.ErrMixUp), "%s: %v", op, err)
	}
}

func TestStreamAnswers(t *testing.T) {
	good := `{"stream_id":"stream-1","iss":"` + issuer + `","aud":["https://other.example.com"],"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"` + issuer + `/p"}}`
	tx, c := rig(t)
	answers(tx, "/streams", 201, good)
	_, err := c.Create(t.Context(), client.Wanted{})
	var aud *client.AudienceError
	req.True(t, "SSF-RX-10", errors.As(err, &aud), "another audience: %v", err)

	answers(tx, "/streams", 200, good)
	list, err := c.List(t.Context())
	req.True(t, "SSF-RX-19", err == nil && len(list) == 1, "a single object: %v, %v", list, err)

	if _, err := c.Read(t.Context(), "stream-2"); err == nil || !strings.Contains(err.Error(), "about stream") {
		t.Errorf("answer about another stream: %v", err)
	}
	answers(tx, "/streams", 202, "")
	_, err = c.Update(t.Context(), "stream-1", client.Wanted{})
	req.True(t, "SSF-RX-16", errors.Is(err, client.ErrPending), "202: %v", err)
	answers(tx, "/status", 202, "")
	_, err = c.SetStatus(t.Context(), "stream-1", client.Paused, "")
	req.True(t, "SSF-RX-16", errors.Is(err, client.ErrPending), "202: %v", err)
	for _, text := range []string{`{"stream_id":"stream-1","status":"on"}`, `{"stream_id":"stream-2","status":"enabled"}`, `[]`, `x`} {
		answers(tx, "/status", 200, text)
		if s, err := c.Status(t.Context(), "stream-1"); err == nil {
			t.Errorf("status %s gives %+v", text, s)
		}
	}
}

// TestRefusals: what the transmitter says of a refusal is told, our secrets
// never.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		text         string
		header       []string
		want, banned string
		after        time.Duration
	}{
		"reason":    {403, `{"err":"access_denied","description":"not\u001b yours"}`, nil, "access_denied: not? yours", "", 0},
		"challenge": {403, "", []string{"WWW-Authenticate", `Bearer error="insufficient_scope", scope="ssf.manage"`}, "scopes needed: ssf.manage", "", 0},
		"secret":    {401, `{"error":"bad","error_description":"token secret-token expired"}`, nil, "check the credentials", "secret-token", 0},
		"wait":      {429, `{}`, []string{"Retry-After", "7"}, "asked too often; it asks to wait 7s", "", 7 * time.Second},
		"page":      {500, "<html>", nil, "answers 500", "html", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tx, cl := rig(t)
			answers(tx, "/streams", c.status, c.text, c.header...)
			_, err := cl.List(t.Context())
			var e *client.Error
			if !errors.As(err, &e) || e.Status != c.status || e.After != c.after || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err != nil && c.banned != "" && strings.Contains(err.Error(), c.banned) {
				t.Errorf("%v shows %q", err, c.banned)
			}
		})
	}
}

func TestPollRequest(t *testing.T) {
	tx, c := rig(t, func(o *client.Options) { o.Timeout = 2 * time.Second })
	id := tx.Make(nil)
	endpoint := tx.Configuration(id, "delivery").(map[string]any)["endpoint_url"].(string)
	refused := []client.SetError{{JTI: "c", Error: ssf.Error{Code: "invalid_key", Description: "expired"}}}
	for _, k := range []struct {
		ids  string
		poll client.Poll
		want string
	}{
		{"POLL-01", client.Poll{Most: -1, Immediately: true}, `{"returnImmediately":true}`},
		{"POLL-05", client.Poll{Ack: []string{"a", "b"}}, `{"maxEvents":0,"returnImmediately":true,"ack":["a","b"]}`},
		{"POLL-11 POLL-12", client.Poll{Most: 5, Immediately: true, Ack: []string{"a"}, Errors: refused},
			`{"maxEvents":5,"returnImmediately":true,"ack":["a"],"setErrs":{"c":{"err":"invalid_key","description":"expired"}}}`},
	} {
		if _, err := c.Poll(t.Context(), endpoint, k.poll); err != nil {
			t.Error(err)
		}
		asked := tx.Asked("POST", "/poll/"+id)
		last := asked[len(asked)-1]
		req.Equal(t, k.ids, members(t, last.Body), members(t, k.want))
		req.Equal(t, "POLL-01", last.Header.Get("Content-Type"), "application/json")
		req.Equal(t, "POLL-01", last.Query, "key=k%201")
		language := ""
		if len(k.poll.Errors) > 0 {
			language = "en"
		}
		req.Equal(t, "POLL-13", last.Header.Get("Content-Language"), language)
	}
	for _, bad := range []string{"http://tx.example.com/poll", "https://10.0.0.1/poll", "https://u@tx.example.com/", "x"} {
		_, err := c.Poll(t.Context(), bad, client.Poll{})
		req.True(t, "POLL-01 POLL-21", err != nil && strings.Contains(err.Error(), "endpoint_url"), "%s: %v", bad, err)
	}
}

func TestPollAnswer(t *testing.T) {
	tx, c := rig(t)
	id := tx.Make(nil)
	ask := func(text string) (client.Polled, error) {
		answers(tx, "/poll/"+id, 200, text)
		return c.Poll(t.Context(), issuer+"/poll/"+id, client.Poll{Most: 10})
	}
	got, err := ask(`{"sets":{"b":"x.y.z","a":{"no":1}},"moreAvailable":true,"other":null}`)
	req.Equal(t, "POLL-17", fmt.Sprint(got.More, err), "true <nil>")
	req.Equal(t, "POLL-19 POLL-22", got.Sets, []client.Set{{JTI: "b", Token: []byte("x.y.z")}, {JTI: "a", Token: []byte(`{"no":1}`)}})
	if got, err = ask(`{"sets":{}}`); err != nil || len(got.Sets) != 0 || got.More {
		t.Errorf("nothing: %+v, %v", got, err)
	}
	if got, err = ask(`{}`); err != nil || len(got.Sets) != 0 {
		t.Errorf("drafts leave sets out: %+v, %v", got, err)
	}
	var many []string
	for i := range 6000 {
		many = append(many, fmt.Sprintf(`"%d":"x"`, i))
	}
	for name, text := range map[string]string{
		"twice": `{"sets":{"a":"x","a":"y"}}`, "array": `{"sets":["x"]}`, "no object": `[]`, "no JSON": `x`, "empty name": `{"sets":{"":"x"}}`,
		"long name": `{"sets":{"` + strings.Repeat("j", 2000) + `":"x"}}`, "many": `{"sets":{` + strings.Join(many, ",") + `}}`,
	} {
		if got, err := ask(text); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	answers(tx, "/poll/"+id, 200, `{"sets":{"a":"`+strings.Repeat("x", 2000)+`"}}`)
	if _, err := c.Poll(t.Context(), issuer+"/poll/"+id, client.Poll{MaxBytes: 1000}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long an answer: %v", err)
	}
}

// TestSlowAnswer: a transmitter that trickles does not hold us.
func TestSlowAnswer(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	tx.Intercept(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			select {
			case <-time.After(5 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		return true
	})
	c, err := client.New(client.Options{Transmitter: tx.URL, Timeout: 100 * time.Millisecond, Reach: outbound.Options{AllowPrivate: true}}, kind.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Discover(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a trickle: %v", err)
	}
}

func TestClockOffset(t *testing.T) {
	tx, c := rig(t)
	for _, want := range []time.Duration{time.Hour, -time.Hour, 0} {
		tx.Now = func() time.Time { return time.Now().Add(want) }
		asked := time.Now()
		if _, err := c.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, ok := c.Offset()
		if most := time.Second + time.Since(asked); !ok || (got-want).Abs() > most { // a Date has whole seconds
			t.Errorf("offset %v, %t; want %v, give or take %v", got, ok, want, most)
		}
	}
}

func TestProtectedResource(t *testing.T) {
	tx, c := rig(t)
	const at = "/.well-known/oauth-protected-resource/streams"
	answers(tx, at, 200, `{"resource":"https://tx.example.com/streams","scopes_supported":["ssf.manage","ssf.read","other"],"authorization_servers":["https://as.example.com"]}`)
	res, err := c.ProtectedResource(t.Context())
	req.True(t, "INTEROP-22", err == nil && slices.Equal(res.Scopes, []string{"ssf.manage", "ssf.read", "other"}), "%+v, %v", res, err)
	answers(tx, at, 200, `{"resource":"https://evil.example.com/"}`)
	if _, err := c.ProtectedResource(t.Context()); !errors.Is(err, client.ErrMixUp) {
		t.Errorf("another resource: %v", err)
	}
	for _, text := range []string{"<html>", `[]`} {
		answers(tx, at, 200, text)
		if res, err := c.ProtectedResource(t.Context()); res != nil || err != nil {
			t.Errorf("%s: %+v, %v", text, res, err)
		}
	}
}
