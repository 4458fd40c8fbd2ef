package okta_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/okta"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

const ours = "https://signals.example.com"

// signer is ours, made once: RSA keys are slow to make.
var signer = sync.OnceValues(func() (*jose.Signer, error) { return jose.GenerateSigner("RS256") })

// standIn is an Okta org: it knows registered providers, verifies what they
// push in Okta's dialect, limits the rate, and misbehaves as it is told.
type standIn struct {
	t        testing.TB
	url      string
	verifier *set.Verifier

	mu         sync.Mutex
	registered bool
	left       int                                               // of the rate limit; -1: no limit
	instead    func(w http.ResponseWriter, r *http.Request) bool // answers in its place; nil: nothing does
	taken      []string
	tries      int
}

func newStandIn(t testing.TB) *standIn {
	t.Helper()
	o := &standIn{t: t, registered: true, left: -1}
	srv := httptest.NewServer(o)
	t.Cleanup(srv.Close)
	o.url = srv.URL
	s, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.Static(s.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	o.verifier, err = set.New([]set.Issuer{{URL: ours, Keys: keys, Audience: []string{srv.URL}, Rules: "okta", Algorithms: []string{"RS256"}}},
		set.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries++
	if o.instead != nil && o.instead(w, r) {
		return
	}
	if o.left == 0 {
		o.limited(w)
		return
	}
	o.left--
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/security/api/v1/security-events":
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("Content-Type") != "application/secevent+jwt":
		w.WriteHeader(http.StatusUnsupportedMediaType)
	case r.Header.Get("Authorization") != "":
		o.t.Error("credentials were sent: Okta asks for none")
	case !o.registered:
		o.refuse(w, ssf.Error{Code: "invalid_issuer", Description: "no such provider"})
	default:
		_, err := o.verifier.Verify(r.Context(), pipeline.Message{Body: body})
		if r := (*pipeline.RejectError)(nil); errors.As(err, &r) {
			o.refuse(w, ssf.FromReject(r))
			return
		}
		if !slices.Contains(o.taken, string(body)) {
			o.taken = append(o.taken, string(body))
		}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (o *standIn) limited(w http.ResponseWriter) {
	w.Header().Set("X-Rate-Limit-Limit", "2")
	w.Header().Set("X-Rate-Limit-Remaining", "0")
	w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(now.Unix()+42, 10))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, `{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`)
}

func (o *standIn) refuse(w http.ResponseWriter, e ssf.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(e.AppendJSON(nil))
}

// become changes how the org behaves.
func (o *standIn) become(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *standIn) tokens() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.taken)
}

// open opens a sink to an org.
func open(t testing.TB, org string, change ...func(*okta.SinkConfig)) pipeline.Sink {
	t.Helper()
	c := &okta.SinkConfig{Org: org, Issuer: ours, AllowPrivate: true}
	for _, f := range change {
		f(c)
	}
	if problems := c.Validate(); problems != nil {
		t.Fatal(problems)
	}
	s, err := c.Open(kind.Env{Name: "org", Now: func() time.Time { return now }, Signer: func(alg string) (kind.Signer, error) {
		if alg != "RS256" {
			t.Errorf("asked for a key of %s (OKTA-02)", alg)
		}
		return signer()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.(io.Closer).Close() })
	return s
}

func subject(t testing.TB, text string) (s event.Subject) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	janeMail = `{"format":"email","email":"jane@example.com"}`
	laptop   = `{"format":"opaque","id":"laptop-1"}`
	both     = `{"format":"complex","user":` + janeMail + `,"device":` + laptop + `}`
	hers     = `{"format":"complex","user":` + janeMail + `,"session":{"format":"opaque","id":"s-1"}}`
	allNames = `{"format":"aliases","identifiers":[{"format":"phone_number","phone_number":"+12065550100"},` + janeMail + `]}`
)

func order(t testing.TB, name, about, body string) pipeline.Order {
	return pipeline.Order{
		ActionID: "a-" + name, Rule: "threat_alert", Type: "x", Event: name, Subject: subject(t, about), Body: []byte(body),
		Txn: "t-1", Made: time.Unix(1702448500, 0), Stream: "org",
	}
}

// claimsOf is what a token says.
func claimsOf(t testing.TB, token []byte) (header, claims object) {
	t.Helper()
	parts := strings.Split(string(token), ".")
	for i, into := range []*object{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// TestPrepare: what actions state becomes what Okta reads, and Okta's own rules
// take it.
func TestPrepare(t *testing.T) {
	org := newStandIn(t)
	s := open(t, org.url, func(c *okta.SinkConfig) { c.WholeUser = true })
	user := `{"user":` + janeMail + `}`
	for name, c := range map[string]struct {
		order pipeline.Order
		uri   string
		body  string
	}{
		"risk of a user": {
			order(t, "risk-level-change", janeMail, `{"principal":"USER","current_level":"HIGH","previous_level":"LOW","event_timestamp":1702448550,"initiating_entity":"policy","risk_reason":"leak","reason_admin":{"en":"in a leak"}}`),
			ownBase + "user-risk-change",
			`{"subject":` + user + `,"current_level":"high","previous_level":"low","event_timestamp":1702448550,"initiating_entity":"policy","reason_admin":{"en":"in a leak"}}`,
		},
		"risk of a device, nothing known before": {
			order(t, "risk-level-change", both, `{"principal":"DEVICE","current_level":"MEDIUM","risk_reason":"malware"}`),
			ownBase + "device-risk-change",
			`{"subject":{"user":` + janeMail + `,"device":` + laptop + `},"current_level":"medium","previous_level":"none","event_timestamp":1702448500,"reason_admin":{"en":"malware"}}`,
		},
		"a device alone": {
			order(t, "device-risk-change", laptop, `{"current_level":"secure"}`),
			ownBase + "device-risk-change",
			`{"subject":{"device":` + laptop + `},"current_level":"secure","previous_level":"none","event_timestamp":1702448500,"reason_admin":{"en":"rule threat_alert"}}`,
		},
		"ip change": {
			order(t, "ip-change", janeMail, `{"current_ip_address":"192.0.2.1","previous_ip_address":"192.0.2.2","reason_user":{"en":"moved"}}`),
			ownBase + "ip-change",
			`{"subject":` + user + `,"current_ip_address":"192.0.2.1","previous_ip_address":"192.0.2.2","event_timestamp":1702448500,"reason_user":{"en":"moved"}}`,
		},
		"session, a fraction of a second": {
			order(t, "session-revoked", hers, `{"event_timestamp":1702448550.9,"reason_admin":{"en":"x"},"last_known_ip":"192.0.2.1","extra":1}`),
			caepBase + "session-revoked",
			`{"subject":` + user + `,"event_timestamp":1702448550,"reason_admin":{"en":"x"},"last_known_ip":"192.0.2.1"}`,
		},
		"somebody with many names": {
			order(t, "session-revoked", allNames, `{}`),
			caepBase + "session-revoked",
			`{"subject":` + user + `,"event_timestamp":1702448500,"reason_admin":{"en":"rule threat_alert"}}`,
		},
		"compliance": {
			order(t, "device-compliance-change", laptop, `{"current_status":"not-compliant","previous_status":"compliant","reason_admin":{"en":"x"}}`),
			caepBase + "device-compliance-change",
			`{"subject":{"device":` + laptop + `},"current_status":"not-compliant","previous_status":"compliant","event_timestamp":1702448500,"reason_admin":{"en":"x"}}`,
		},
		"identifier": {
			order(t, "identifier-changed", janeMail, `{"new-value":"j@example.com"}`),
			"https://schemas.openid.net/secevent/risc/event-type/identifier-changed",
			`{"subject":` + user + `,"new-value":"j@example.com","event_timestamp":1702448500}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := s.(pipeline.Preparer).Prepare(t.Context(), c.order)
			if err != nil {
				t.Fatal(err)
			}
			header, claims := claimsOf(t, token)
			req.True(t, "OKTA-02", header["alg"] == "RS256" && header["typ"] == "secevent+jwt" && header["kid"] != nil, "header %v", header)
			var body any
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			want := object{"iss": ours, "aud": org.url, "iat": float64(now.Unix()), "jti": pipeline.TokenID(c.order.ActionID, "org"), "events": object{c.uri: body}}
			req.Equal(t, "OKTA-03 OKTA-04 OKTA-05 OKTA-06", fmt.Sprint(claims), fmt.Sprint(want))
			r := deliver(t, s, token)
			req.True(t, "OKTA-01 OKTA-06", r.Err == nil && r.Info == "202", "the org answered %+v", r)
		})
	}
}

// TestUnmakeable: what Okta has no words for ends with a reason and is not
// stated of more than it is about.
func TestUnmakeable(t *testing.T) {
	s := open(t, "https://example.okta.com")
	call := order(t, "session-revoked", janeMail, `{}`)
	call.Request = &pipeline.Request{}
	for name, c := range map[string]struct {
		order pipeline.Order
		why   string
	}{
		"a session":                {order(t, "session-revoked", hers, `{}`), "whole_user"},
		"a group":                  {order(t, "session-revoked", `{"format":"complex","user":`+janeMail+`,"group":{"format":"opaque","id":"g"}}`, `{}`), `"group"`},
		"risk of a session":        {order(t, "risk-level-change", janeMail, `{"principal":"SESSION","current_level":"HIGH"}`), "SESSION"},
		"device without a device":  {order(t, "device-risk-change", `{"format":"complex","user":`+janeMail+`}`, `{"current_level":"high"}`), "no device"},
		"user without a user":      {order(t, "ip-change", `{"format":"complex","device":`+laptop+`}`, `{}`), "no user"},
		"event Okta does not take": {order(t, "account-disabled", janeMail, `{}`), "account-disabled"},
		"no level":                 {order(t, "user-risk-change", janeMail, `{}`), "current_level"},
		"level Okta has not":       {order(t, "user-risk-change", janeMail, `{"current_level":"extreme"}`), "current_level"},
		"no payload":               {order(t, "user-risk-change", janeMail, `[`), "payload"},
		"no subject":               {pipeline.Order{Event: "session-revoked"}, "no identifier"},
		"a call":                   {call, "no calls"},
	} {
		_, err := s.(pipeline.Preparer).Prepare(t.Context(), c.order)
		var final *pipeline.FinalError
		if !errors.As(err, &final) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want a final error with %q", name, err, c.why)
		}
	}
}

func deliver(t testing.TB, s pipeline.Sink, token []byte) pipeline.Result {
	t.Helper()
	results, err := s.Deliver(t.Context(), []pipeline.Delivery{{ID: "a-1", Key: "k", Kind: "action", Payload: token, Attempt: 1}})
	if err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	return results[0]
}

func prepared(t testing.TB, s pipeline.Sink, id string) []byte {
	t.Helper()
	o := order(t, "user-risk-change", janeMail, `{"current_level":"high"}`)
	o.ActionID = id
	token, err := s.(pipeline.Preparer).Prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestVerdicts is the table of the package comment.
func TestVerdicts(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	reset := func(d int64) string { return strconv.FormatInt(now.Unix()+d, 10) }
	for name, c := range map[string]struct {
		answer pipelinetest.Answer
		want   string
		after  time.Duration
	}{
		"202":                         {pipelinetest.Answer{}, "taken", 0},
		"invalid_request":             {pipelinetest.Answer{Status: 400, Code: "invalid_request"}, "final", 0},
		"invalid_audience":            {pipelinetest.Answer{Status: 400, Code: "invalid_audience"}, "final", 0},
		"invalid_key":                 {pipelinetest.Answer{Status: 400, Code: "invalid_key"}, "again", outbound.HoldFor},
		"authentication_failed":       {pipelinetest.Answer{Status: 400, Code: "authentication_failed"}, "again", outbound.HoldFor},
		"invalid_issuer (OKTA-08)":    {pipelinetest.Answer{Status: 400, Code: "invalid_issuer"}, "again", outbound.HoldFor},
		"400, a code of nobody's":     {pipelinetest.Answer{Status: 400, Code: "E0000001"}, "final", 0},
		"401":                         {pipelinetest.Answer{Status: 401}, "again", outbound.HoldFor},
		"403":                         {pipelinetest.Answer{Status: 403}, "again", outbound.HoldFor},
		"404":                         {pipelinetest.Answer{Status: 404}, "again", outbound.HoldFor},
		"500":                         {pipelinetest.Answer{Status: 500}, "again", 0},
		"503, Retry-After":            {pipelinetest.Answer{Status: 503, RetryAfter: 9}, "again", 9 * time.Second},
		"429, reset":                  {pipelinetest.Answer{Status: 429, Header: header("X-Rate-Limit-Reset", reset(42))}, "again", 42 * time.Second},
		"429, reset and none left":    {pipelinetest.Answer{Status: 429, Header: header("X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", reset(42))}, "again", 42 * time.Second},
		"429, reset and Retry-After":  {pipelinetest.Answer{Status: 429, RetryAfter: 50, Header: header("X-Rate-Limit-Reset", reset(42))}, "again", 50 * time.Second},
		"429, reset gone by":          {pipelinetest.Answer{Status: 429, Header: header("X-Rate-Limit-Reset", reset(-5))}, "again", 0},
		"429, reset in another age":   {pipelinetest.Answer{Status: 429, Header: header("X-Rate-Limit-Reset", "9223372036854775807")}, "again", time.Hour},
		"429, reset that is no time":  {pipelinetest.Answer{Status: 429, Header: header("X-Rate-Limit-Reset", "soon")}, "again", 0},
		"429, nothing said":           {pipelinetest.Answer{Status: 429}, "again", 0},
		"503 and a limit not reached": {pipelinetest.Answer{Status: 503, Header: header("X-Rate-Limit-Remaining", "9", "X-Rate-Limit-Reset", reset(42))}, "again", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := pipelinetest.NewPushReceiver(t)
			r.Answer(func(pipelinetest.Pushed) pipelinetest.Answer { return c.answer })
			res := deliver(t, open(t, strings.TrimSuffix(r.URL, "/events")), []byte("a.b.c"))
			got := "again"
			var final *pipeline.FinalError
			switch {
			case res.Err == nil:
				got = "taken"
			case errors.As(res.Err, &final):
				got = "final"
			}
			req.Equal(t, idsOf(name), fmt.Sprint(got, " after ", res.After), fmt.Sprint(c.want, " after ", c.after))
		})
	}
}

// TestOrgThroughItsFaults: registered late, rate limited, cut off, slow; in the
// end every token is there once.
func TestOrgThroughItsFaults(t *testing.T) {
	org := newStandIn(t)
	s := open(t, org.url)
	token := prepared(t, s, "a-1")

	org.become(func() { org.registered = false })
	early := deliver(t, s, token)
	req.True(t, "OKTA-08", early.Err != nil && early.After == outbound.HoldFor && early.Info == "400 invalid_issuer", "before it is registered: %+v", early)
	org.become(func() { org.registered, org.left = true, 0 })
	if r := deliver(t, s, token); r.Err == nil || r.After != 42*time.Second || r.Info != "429" {
		t.Errorf("over the limit: %+v", r)
	}
	release := make(chan struct{})
	org.become(func() {
		org.left = -1
		org.instead = func(w http.ResponseWriter, r *http.Request) bool {
			<-release
			return false // takes it, after we have given up
		}
	})
	hasty := open(t, org.url, func(c *okta.SinkConfig) { c.Timeout = 200 * time.Millisecond })
	if r := deliver(t, hasty, token); !errors.Is(r.Err, context.DeadlineExceeded) || r.Info != "no answer" {
		t.Errorf("slow: %+v", r)
	}
	close(release)
	org.become(func() { org.instead = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) } })
	if r := deliver(t, s, token); r.Err == nil || r.Info != "no answer" {
		t.Errorf("cut off: %+v", r)
	}
	org.become(func() { org.instead = nil })
	if r := deliver(t, s, token); r.Err != nil {
		t.Errorf("at last: %+v", r)
	}
	if got := org.tokens(); len(got) != 1 || got[0] != string(token) {
		t.Errorf("the org has %d tokens, want the one", len(got))
	}

	// Another key than the registered one: held, for it may be fetched soon.
	forged := token[:len(token)-6]
	if r := deliver(t, s, append(slices.Clone(forged), "AAAAAA"...)); r.After != outbound.HoldFor || r.Info != "400 authentication_failed" {
		t.Errorf("signed by a key the org has not: %+v", r)
	}
	elsewhere := prepared(t, open(t, "https://elsewhere.okta.com"), "a-2")
	var final *pipeline.FinalError
	if r := deliver(t, s, elsewhere); !errors.As(r.Err, &final) || final.Code != "invalid_audience" {
		t.Errorf("for another org: %+v", r)
	}
}

// target is an org as the suite sees it.
type target struct{ *pipelinetest.PushReceiver }

func (t target) Become(m pipelinetest.Mood) bool {
	t.Answer(func(pipelinetest.Pushed) pipelinetest.Answer {
		switch m {
		case pipelinetest.Busy:
			return pipelinetest.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"X-Rate-Limit-Reset": {strconv.FormatInt(now.Unix()+1, 10)}}}
		case pipelinetest.Hostile:
			return pipelinetest.Answer{Status: http.StatusBadRequest, Code: pipeline.InvalidAudience}
		}
		return pipelinetest.Answer{}
	})
	return true
}

func TestSinkConformance(t *testing.T) {
	pipelinetest.TestSink(t, func(t *testing.T) (pipeline.Sink, pipelinetest.Target) {
		r := pipelinetest.NewPushReceiver(t)
		return open(t, strings.TrimSuffix(r.URL, "/events")), target{r}
	})
}

func TestValidateSink(t *testing.T) {
	for name, c := range map[string]struct {
		config okta.SinkConfig
		fields []string
	}{
		"good":             {okta.SinkConfig{Org: "https://example.okta.com", Issuer: ours}, nil},
		"blank":            {okta.SinkConfig{}, []string{"org", "issuer"}},
		"with the path":    {okta.SinkConfig{Org: "https://example.okta.com" + okta.Path, Issuer: ours}, []string{"org"}},
		"with a slash":     {okta.SinkConfig{Org: "https://example.okta.com/", Issuer: ours}, []string{"org"}},
		"admin console":    {okta.SinkConfig{Org: "https://example-admin.okta.com", Issuer: ours}, []string{"org"}},
		"plain":            {okta.SinkConfig{Org: "http://example.okta.com", Issuer: ours}, []string{"org"}},
		"private":          {okta.SinkConfig{Org: "https://10.0.0.1", Issuer: ours}, []string{"org"}},
		"private, meant":   {okta.SinkConfig{Org: "https://10.0.0.1", Issuer: ours, AllowPrivate: true}, nil},
		"issuer, no https": {okta.SinkConfig{Org: "https://example.okta.com", Issuer: "signals"}, []string{"issuer"}},
		"out of range":     {okta.SinkConfig{Org: "https://example.okta.com", Issuer: ours, Timeout: time.Hour, MaxInFlight: 1000}, []string{"timeout", "max_in_flight"}},
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

// TestBothWays: what the sink writes, the source reads.
func TestBothWays(t *testing.T) {
	in := newIntake(t)
	s := open(t, org)
	_, claims := claimsOf(t, prepared(t, s, "a-1"))
	claims["iss"] = provider
	if resp, body := in.push(t, sign(t, key, plainHeader, claims)); resp.StatusCode != http.StatusAccepted {
		t.Errorf("answered %s %s", resp.Status, body)
	}
}

// FuzzTranslate: whatever rules and configuration put into a payload, what is
// signed is what Okta's dialect allows, or nothing is.
func FuzzTranslate(f *testing.F) {
	f.Add("risk-level-change", `{"principal":"USER","current_level":"HIGH"}`)
	f.Add("session-revoked", `{"event_timestamp":1e300,"reason_admin":{"en":"x"}}`)
	f.Add("ip-change", `{"current_ip_address":"1","subject":7,"previous_ip_address":"2","reason_admin":{}}`)
	org := newStandIn(f)
	s := open(f, org.url)
	f.Fuzz(func(t *testing.T, name, body string) {
		o := order(t, name, both, body)
		token, err := s.(pipeline.Preparer).Prepare(t.Context(), o)
		if err != nil {
			if !errors.As(err, new(*pipeline.FinalError)) {
				t.Errorf("not final: %v", err)
			}
			return
		}
		if _, err := org.verifier.Verify(t.Context(), pipeline.Message{Body: token}); err != nil {
			t.Errorf("%s %s: %v", name, body, err)
		}
	})
}
