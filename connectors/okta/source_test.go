package okta_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/okta"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

const (
	org       = "https://receiverexample.okta.com"
	provider  = "https://transmitter.example.com"
	other     = "https://vpn.example.com"
	uncarried = "https://idp.example.com" // has an issuer block, and may not push here
)

var now = time.Unix(1702448560, 0).UTC()

// provider's keys. RSA keys are slow to make: one for all tests.
var key, stranger = mustRSA(), mustRSA()

func mustRSA() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

// sign makes a compact token of a header and claims.
func sign(t testing.TB, k *rsa.PrivateKey, header string, claims any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	in := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(text)
	sum := sha256.Sum256([]byte(in))
	sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return in + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// plainHeader is the header of the page's example (OKTA-02).
const plainHeader = `{"kid":"k-1","typ":"secevent+jwt","alg":"RS256"}`

// jwks is the key set of a provider.
func jwks(t testing.TB) *jose.Set {
	t.Helper()
	n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
	keys, err := jose.Static(fmt.Appendf(nil, `{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"k-1","n":%q,"e":%q}]}`, n, e))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// gone is a key set that cannot be fetched.
type gone struct{}

func (gone) Key(context.Context, string, string) (jose.Key, error) {
	return jose.Key{}, fmt.Errorf("fetch keys: %w", jose.ErrUnavailable)
}

// intake is the product's line behind a source "okta".
type intake struct {
	url  string
	line *pipeline.Pipeline
}

func newIntake(t testing.TB, change ...func(*okta.SourceConfig)) intake {
	t.Helper()
	c := &okta.SourceConfig{Issuers: []string{provider, other, "https://dark.example.com"}}
	for _, f := range change {
		f(c)
	}
	if problems := c.Validate(); problems != nil {
		t.Fatal(problems)
	}
	clock := func() time.Time { return now }
	mux := http.NewServeMux()
	src, err := c.Open(kind.Env{Name: "providers", Now: clock, Mount: func(pattern string, h http.Handler) error {
		mux.Handle(pattern, h)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	issuer := func(url string, keys jose.KeySet) set.Issuer {
		return set.Issuer{URL: url, Keys: keys, Audience: []string{org}, Rules: "okta"}
	}
	verifier, err := set.New(
		[]set.Issuer{issuer(provider, jwks(t)), issuer(other, jwks(t)), issuer(uncarried, jwks(t)), issuer("https://dark.example.com", gone{})},
		set.Options{Now: clock, Sources: map[string][]string{"providers": c.Issuers}})
	if err != nil {
		t.Fatal(err)
	}
	line := pipeline.New(pipeline.Options{Store: store.NewMemory(store.Options{Now: clock}, store.Faults{}), Now: clock})
	line.Use(pipeline.Settings{Verifier: verifier})

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, line) }()
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	for !src.(kind.Readier).Ready() { // not for long: Run opens its queue first
		runtime.Gosched()
	}
	return intake{srv.URL + c.Mounts("providers")[0], line}
}

// push sends a token as a provider does: no credentials, no Accept.
func (in intake) push(t testing.TB, token string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(in.url, "application/secevent+jwt", strings.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// object is a JSON object under change.
type object = map[string]any

// page is the example of Okta's page, changed.
func page(t testing.TB, change func(claims, events object)) object {
	t.Helper()
	text, err := os.ReadFile("testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var claims object
	if err := dec.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(claims, claims["events"].(object))
	}
	return claims
}

const (
	ownBase  = "https://schemas.okta.com/secevent/okta/event-type/"
	caepBase = "https://schemas.openid.net/secevent/caep/event-type/"
)

// TestPage takes the example of Okta's page in through the endpoint: six events
// of six kinds in one token (OKTA-01, OKTA-07, OKTA-09).
func TestPage(t *testing.T) {
	in := newIntake(t)
	req.True(t, "OKTA-01", strings.HasSuffix(in.url, "/security/api/v1/security-events"), "mounted at %s", in.url)
	token := sign(t, key, plainHeader, page(t, nil))
	for range 2 {
		resp, body := in.push(t, token)
		if resp.StatusCode != http.StatusAccepted || body != "" || resp.Header.Get("Content-Type") != "" {
			t.Fatalf("answered %s %q", resp.Status, body)
		}
	}
	found, err := in.line.Find(t.Context(), pipeline.SETInputID(provider, "24c63fb56f1349a1a9fa2400000000aa"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d records, %v", len(found), err)
	}
	rec := found[0].Record
	if rec.Input.Sender != "" || rec.Input.Issuer != provider || rec.Input.Dialect != "okta" || rec.Input.Verdict != pipeline.Accepted {
		t.Errorf("input %+v", rec.Input)
	}
	var got []string
	for _, o := range rec.Outcomes {
		got = append(got, fmt.Sprintf("%s %d %s", o.Event.Type, o.Event.Time.Unix(), o.Event.Subject))
	}
	const both = `{"format":"complex","device":{"format":"opaque","id":"device-1"},"user":{"format":"email","email":"jane@example.com"}}`
	want := []string{
		`device-risk-change 1702448550 {"format":"complex","device":{"format":"opaque","id":"device-1"},"tenant":{"format":"opaque","id":"tenant-1"},"user":{"format":"email","email":"jane@example.com"}}`,
		"ip-change 1702448550 " + both, "user-risk-change 1702448550 " + both, "device-compliance-change 1702448550 " + both,
		"session-revoked 1702448550 " + both,
		`identifier-changed 1702448550 {"format":"complex","user":{"format":"email","email":"jane@example.com"}}`,
	}
	slices.Sort(got) // the claims went through a map
	slices.Sort(want)
	req.Equal(t, "OKTA-01 OKTA-07 OKTA-09 SUB-25", got, want)
}

// TestAnswers: what a sender is told, in Okta's codes, with the member at fault
// in the description.
func TestAnswers(t *testing.T) {
	in := newIntake(t)
	risk := func(change func(event object)) func(claims, events object) {
		return func(claims, events object) {
			event := events[ownBase+"user-risk-change"].(object)
			change(event)
			claims["events"] = object{ownBase + "user-risk-change": event}
		}
	}
	set := func(name string, v any) func(claims, events object) {
		return risk(func(event object) {
			if event[name] = v; v == nil {
				delete(event, name)
			}
		})
	}
	claim := func(name string, v any) func(claims, events object) {
		return func(claims, _ object) {
			if claims[name] = v; v == nil {
				delete(claims, name)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(claims, events object)
		err    string // "": taken
		names  string // in the description
	}{
		"older name of the subject (OKTA-04)": {risk(func(e object) { e["subjects"] = e["subject"]; delete(e, "subject") }), "", ""},
		"another provider on the same path":   {claim("iss", other), "", ""},
		"level secure (OKTA-06)":              {set("current_level", "secure"), "", ""},
		"level none (OKTA-06)":                {set("previous_level", "none"), "", ""},
		"reason for users alone (OKTA-05)":    {set("reason_admin", nil), "", ""},
		"subject missing (OKTA-04)":           {set("subject", nil), "invalid_request", "subject"},
		"no timestamp (OKTA-04)":              {set("event_timestamp", nil), "invalid_request", "event_timestamp"},
		"timestamp with a fraction (OKTA-04)": {set("event_timestamp", 1702448550.5), "invalid_request", "event_timestamp"},
		"no reason at all (OKTA-05)": {risk(func(e object) { delete(e, "reason_admin"); delete(e, "reason_user") }),
			"invalid_request", "reason_admin or reason_user"},
		"reason a text":               {set("reason_user", "text"), "invalid_request", "reason_user"},
		"level in capitals (OKTA-06)": {set("current_level", "HIGH"), "invalid_request", "current_level"},
		"no previous level (OKTA-06)": {set("previous_level", nil), "invalid_request", "previous_level"},
		"unknown initiating entity":   {set("initiating_entity", "robot"), "invalid_request", "initiating_entity"},
		"empty previous status": {func(claims, events object) {
			e := events[caepBase+"device-compliance-change"].(object)
			e["previous_status"] = ""
			claims["events"] = object{caepBase + "device-compliance-change": e}
		}, "invalid_request", "previous_status"},
		"another org (OKTA-03)":       {claim("aud", "https://elsewhere.okta.com"), "invalid_audience", "aud"},
		"no audience (OKTA-03)":       {claim("aud", nil), "invalid_audience", "aud"},
		"no jti (OKTA-03)":            {claim("jti", nil), "invalid_request", "jti"},
		"no iat (OKTA-03)":            {claim("iat", nil), "invalid_request", "iat"},
		"no events (OKTA-03)":         {claim("events", object{}), "invalid_request", "events"},
		"exp":                         {claim("exp", 1802448550), "invalid_request", "exp"},
		"no issuer":                   {claim("iss", nil), "invalid_issuer", "iss"},
		"unknown issuer (OKTA-08)":    {claim("iss", "https://nobody.example.com"), "invalid_issuer", "not accepted here"},
		"issuer that has other paths": {claim("iss", uncarried), "invalid_issuer", "not accepted here"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := page(t, func(claims, events object) {
				claims["jti"] = name
				c.change(claims, events)
			})
			resp, body := in.push(t, sign(t, key, plainHeader, claims))
			in.told(t, idsOf(name), resp, body, c.err, c.names)
		})
	}
	for name, c := range map[string]struct {
		token      string
		err, names string
	}{
		"no kid (OKTA-02)":           {sign(t, key, `{"typ":"secevent+jwt","alg":"RS256"}`, page(t, nil)), "invalid_request", "kid"},
		"type of another (OKTA-02)":  {sign(t, key, `{"kid":"k-1","typ":"JWT","alg":"RS256"}`, page(t, nil)), "invalid_request", "typ"},
		"no algorithm (OKTA-02)":     {sign(t, key, `{"kid":"k-1","typ":"secevent+jwt","alg":"none"}`, page(t, nil)), "authentication_failed", ""},
		"kid that nobody has":        {sign(t, key, `{"kid":"k-9","typ":"secevent+jwt","alg":"RS256"}`, page(t, nil)), "invalid_key", ""},
		"signed by somebody else":    {sign(t, stranger, plainHeader, page(t, nil)), "authentication_failed", ""},
		"not a token":                {"hello", "invalid_request", ""},
		"claims that are not JSON":   {"eyJraWQiOiJrLTEiLCJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJSUzI1NiJ9.aGVsbG8.AAAA", "invalid_request", ""},
		"unknown issuer, bad signed": {sign(t, stranger, plainHeader, page(t, claim("iss", "https://nobody.example.com"))), "invalid_issuer", "not accepted here"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := in.push(t, c.token)
			in.told(t, idsOf(name), resp, body, c.err, c.names)
		})
	}
}

// idsOf is the requirement that the name of a case ends with, and what every
// answer shows.
func idsOf(name string) string {
	_, id, _ := strings.Cut(strings.TrimSuffix(name, ")"), " (")
	return id + " OKTA-01"
}

func (in intake) told(t *testing.T, ids string, resp *http.Response, body, code, names string) {
	t.Helper()
	if code == "" {
		req.Equal(t, ids, resp.Status+body, "202 Accepted")
		return
	}
	var e struct{ Err, Description string }
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("answered %s %s: %v", resp.Status, body, err)
	}
	req.Equal(t, ids, resp.Status+" "+e.Err, "400 Bad Request "+code)
	if !strings.Contains(e.Description, names) || e.Description == "" {
		t.Errorf("description %q, want one with %q", e.Description, names)
	}
	if resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", resp.Header)
	}
}

// TestKeysOutOfReach: what we cannot judge now is neither taken nor refused.
func TestKeysOutOfReach(t *testing.T) {
	resp, body := newIntake(t).push(t, sign(t, key, plainHeader, page(t, func(claims, _ object) { claims["iss"] = "https://dark.example.com" })))
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || body != "" {
		t.Errorf("answered %s %s, Retry-After %q", resp.Status, body, resp.Header.Get("Retry-After"))
	}
}

// TestBounds: strangers reach nothing behind the bounds.
func TestBounds(t *testing.T) {
	in := newIntake(t, func(c *okta.SourceConfig) { c.MaxBytes, c.Path = 2048, "/okta/events" })
	if !strings.HasSuffix(in.url, "/okta/events") {
		t.Errorf("mounted at %s", in.url)
	}
	if resp, _ := in.push(t, strings.Repeat("a", 2049)); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body was answered %s", resp.Status)
	}
	resp, err := http.Post(in.url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON was answered %s", resp.Status)
	}
	if resp, err = http.Get(in.url); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET was answered %s", resp.Status)
	}
}

// TestRate: every answer tells what is left, a 429 when there is more.
func TestRate(t *testing.T) {
	in := newIntake(t, func(c *okta.SourceConfig) { c.Rate, c.Burst = 0.25, 2 })
	for i, want := range []struct {
		status    int
		remaining string
		reset     int64 // after now
	}{{202, "1", 4}, {202, "0", 8}, {429, "0", 4}} {
		resp, body := in.push(t, sign(t, key, plainHeader, page(t, func(claims, _ object) { claims["jti"] = fmt.Sprint(i) })))
		h := resp.Header
		if resp.StatusCode != want.status || h.Get("X-Rate-Limit-Limit") != "2" || h.Get("X-Rate-Limit-Remaining") != want.remaining ||
			h.Get("X-Rate-Limit-Reset") != fmt.Sprint(now.Unix()+want.reset) {
			t.Errorf("request %d answered %s with %v, want %+v", i, resp.Status, h, want)
		}
		if want.status == 429 && (h.Get("Retry-After") != "4" || !strings.Contains(body, `"errorCode":"E0000047"`)) {
			t.Errorf("429 with %v and %s", h, body)
		}
	}
	if resp, _ := newIntake(t).push(t, "a"); resp.Header.Get("X-Rate-Limit-Limit") != "" {
		t.Error("a limit is told where there is none")
	}
}

func TestValidateSource(t *testing.T) {
	for name, c := range map[string]struct {
		config okta.SourceConfig
		fields []string
	}{
		"good":         {okta.SourceConfig{Issuers: []string{provider}}, nil},
		"blank":        {okta.SourceConfig{}, []string{"issuers"}},
		"no URL":       {okta.SourceConfig{Issuers: []string{provider, "edr"}}, []string{"issuers[1]"}},
		"path":         {okta.SourceConfig{Issuers: []string{provider}, Path: "events/"}, []string{"path"}},
		"out of range": {okta.SourceConfig{Issuers: []string{provider}, MaxBytes: 1, Rate: -1}, []string{"max_bytes", "rate"}},
	} {
		var got []string
		for _, p := range c.config.Validate() {
			got = append(got, p.Field)
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: problems of %q, want %q", name, got, c.fields)
		}
	}
}
