package set_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

const (
	caep   = "https://schemas.openid.net/secevent/caep/event-type/"
	risc   = "https://schemas.openid.net/secevent/risc/event-type/"
	ssf    = "https://schemas.openid.net/secevent/ssf/event-type/"
	sse    = "https://schemas.openid.net/secevent/sse/event-type/"
	header = `{"typ":"secevent+jwt","alg":"RS256","kid":"k-2026-01"}`
)

type object = map[string]any

// with is the base token's claims with some of them changed; nil removes one.
func with(change object) []byte {
	claims := object{
		"iss":    "https://idp.example.com/tenant-7",
		"aud":    "https://siem.example.com/ssf/rx-1",
		"iat":    1767225000,
		"jti":    "jti-1",
		"txn":    "txn-1",
		"sub_id": object{"format": "email", "email": "ada.obrien@example.com"},
		"events": object{caep + "session-revoked": object{"event_timestamp": 1767224900}},
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return text
}

func event1(uri string, body object) object { return object{"events": object{uri: body}} }

func message(token []byte) pipeline.Message {
	return pipeline.Message{Source: "idp", Body: token, Received: time.Unix(1767225600, 0)}
}

func TestVerifyRefuses(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, "ssf"))
	stream := object{"format": "opaque", "id": s.StreamID}
	for _, c := range []struct {
		name        string
		header      string
		claims      []byte
		code        string
		requirement string
	}{
		{"exp", header, with(object{"exp": 1767229999}), pipeline.InvalidRequest, "SET-04"},
		{"exp null", header, []byte(strings.Replace(string(with(nil)), `{`, `{"exp":null,`, 1)), pipeline.InvalidRequest, "SET-04"},
		{"iss number", header, with(object{"iss": 7}), pipeline.InvalidIssuer, "SET-02"},
		{"iss empty", header, with(object{"iss": ""}), pipeline.InvalidIssuer, "SET-02"},
		{"aud missing", header, with(object{"aud": nil}), pipeline.InvalidAudience, "SET-08"},
		{"aud object", header, with(object{"aud": object{}}), pipeline.InvalidAudience, "SET-08"},
		{"aud holds a number", header, with(object{"aud": []any{s.Audience[0], 1}}), pipeline.InvalidAudience, "SET-08"},
		{"iat negative", header, with(object{"iat": -1}), pipeline.InvalidRequest, "SET-06"},
		{"iat beyond years", header, with(object{"iat": 1e300}), pipeline.InvalidRequest, "SET-06"},
		{"iat just too far ahead", header, with(object{"iat": s.Now + s.Skew + 1}), pipeline.InvalidRequest, "SET-26"},
		{"jti empty", header, with(object{"jti": ""}), pipeline.InvalidRequest, "SET-07"},
		{"toe string", header, with(object{"toe": "1767224900"}), pipeline.InvalidRequest, "SET-15"},
		{"events missing", header, with(object{"events": nil}), pipeline.InvalidRequest, "SET-09"},
		{"events array", header, with(object{"events": []any{}}), pipeline.InvalidRequest, "SET-09"},
		{"event name without scheme", header, with(event1("session revoked", nil)), pipeline.InvalidRequest, "SET-10"},
		{"event name with a space", header, with(event1("https://example.com/a b", object{})), pipeline.InvalidRequest, "SET-10"},
		{"event value array", header, with(object{"events": object{caep + "session-revoked": []any{}}}), pipeline.InvalidRequest, "SET-11"},
		{"subject format of another event", header, with(event1(ssf+"stream-updated", object{"status": "paused"})), pipeline.InvalidRequest, "EVT-31"},
		{"stream-updated about another stream", header,
			with(object{"sub_id": object{"format": "opaque", "id": "other"}, "events": object{ssf + "stream-updated": object{"status": "paused"}}}),
			pipeline.InvalidRequest, "EVT-31"},
		{"verification with state of a number", header,
			with(object{"sub_id": stream, "events": object{ssf + "verification": object{"state": 1}}}), pipeline.InvalidRequest, "EVT-32"},
		{"claims array", header, []byte(`[]`), pipeline.InvalidIssuer, "SET-02"},
		{"claims cut short", header, []byte(`{"iss":`), pipeline.InvalidRequest, "PUSH-07"},
		{"claims twice", header, []byte(`{"iss":"https://idp.example.com/tenant-7","iss":"x"}`), pipeline.InvalidRequest, "SET-30"},
		{"claims too deep", header, []byte(`{"iss":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`), pipeline.InvalidRequest, "PUSH-07"},
		{"unknown kid", `{"typ":"secevent+jwt","alg":"RS256","kid":"k-nobody"}`, with(nil), pipeline.InvalidKey, "KEY-03"},
		{"weak key", `{"typ":"secevent+jwt","alg":"RS256","kid":"k-weak"}`, with(nil), pipeline.InvalidKey, "INTEROP-20"},
		{"no kid", `{"typ":"secevent+jwt","alg":"RS256"}`, with(nil), pipeline.InvalidKey, "KEY-03"},
		{"no typ", `{"alg":"RS256","kid":"k-2026-01"}`, with(nil), pipeline.InvalidRequest, "SET-01"},
		{"ES256 with an RSA kid", `{"typ":"secevent+jwt","alg":"ES256","kid":"k-2026-01"}`, with(nil), pipeline.InvalidKey, "JWT-02"},
		{"PS256 not allowed", `{"typ":"secevent+jwt","alg":"PS256","kid":"k-2026-01"}`, with(nil), pipeline.InvalidKey, "JWT-02"},
		{"x5c", `{"typ":"secevent+jwt","alg":"RS256","kid":"k-2026-01","x5c":["MII"]}`, with(nil), pipeline.InvalidKey, "JWT-06"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := v.Verify(context.Background(), message(s.token(t, []byte(c.header), c.claims)))
			var r *pipeline.RejectError
			if !errors.As(err, &r) {
				r = &pipeline.RejectError{Code: fmt.Sprint(err)}
			}
			req.Equal(t, c.requirement, r.Code+" of "+r.Requirement, c.code+" of "+c.requirement)
		})
	}
}

func TestNothingOfAForgedTokenIsTold(t *testing.T) {
	for _, rules := range set.RuleSets() {
		nothingIsTold(t, rules)
	}
}

func nothingIsTold(t *testing.T, rules string) {
	t.Helper()
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, rules))
	good := string(s.token(t, []byte(header), with(nil)))
	// Claims that would break a dozen rules, under the signature of others.
	bad := string(s.token(t, []byte(header), with(object{"aud": "x", "sub": "y", "iat": "z", "events": nil})))
	forged := bad[:strings.LastIndexByte(bad, '.')] + good[strings.LastIndexByte(good, '.'):]
	_, err := v.Verify(context.Background(), message([]byte(forged)))
	var r *pipeline.RejectError
	if !errors.As(err, &r) {
		t.Fatalf("got %v", err)
	}
	ids := "JWT-04 SET-20"
	if rules == "scim" {
		ids += " SCIM-10"
	}
	req.Equal(t, ids, r.Code+" of "+r.Requirement, pipeline.AuthenticationFailed+" of JWT-04")
	if r.Issuer != s.Issuer || r.JTI != "jti-1" {
		t.Errorf("what the token claims to be is lost: %+v", r)
	}
}

func TestSignal(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, "ssf"))
	token := s.token(t, []byte(`{"typ":"application/secevent+jwt","alg":"RS256","kid":"k-2025-07"}`), with(object{
		"aud": []string{"https://other.example.com", s.Audience[0]},
		"iat": 1767225000.5, "toe": 1767224000, "nbf": 1, "azp": "x",
		"events": object{caep + "session-revoked": object{"event_timestamp": 1767224900.25, "reason_admin": object{"en": "x"}}},
	}))
	got, err := v.Verify(context.Background(), message(token))
	if err != nil {
		t.Fatal(err)
	}
	want := pipeline.Signal{
		Message: message(token), InputID: pipeline.SETInputID(s.Issuer, "jti-1"),
		Assurance: event.Signed, Issuer: s.Issuer, JTI: "jti-1", Txn: "txn-1",
		Alg: "RS256", KeyID: "k-2025-07", Typ: "application/secevent+jwt",
		Audience: []string{"https://other.example.com", s.Audience[0]},
		IssuedAt: time.Unix(1767225000, 5e8).UTC(), TimeOf: time.Unix(1767224000, 0).UTC(),
		Dialect: "ssf", Applied: []string{"SET-29"},
	}
	subject, events := got.Subject, got.Events
	if keys, err := jose.Static(fmt.Appendf(nil, `{"keys":[%s]}`, got.Key.JWK)); err != nil || keys.Len() != 1 || len(got.Key.Thumbprint) != 43 {
		t.Errorf("the key it was verified with is %+v, %v", got.Key, err)
	}
	got.Subject, got.Events, got.Key = event.Subject{}, nil, pipeline.SignalKey{}
	req.Equal(t, "SET-29 SET-01 SET-08 SET-15 PUSH-16", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
	req.Equal(t, "SUB-13", subject.Key(), "email:ada.obrien@example.com")
	revoked, _ := event.ByName("session-revoked")
	if len(events) != 1 || events[0].Type != revoked || events[0].URI != caep+"session-revoked" ||
		!events[0].Time.Equal(time.Unix(1767224900, 25e7)) || events[0].Body.Get("reason_admin", "en").Text() != "x" {
		t.Errorf("events %+v", events)
	}
}

func TestApplied(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	strict, tolerant := s.verifier(t, s.issuer(t, "ssf")), s.verifier(t, s.issuer(t, "legacy"))
	email := object{"format": "email", "email": "lou@example.com"}
	inEvent := func(subject object) object {
		return object{"sub_id": nil, "events": object{caep + "session-revoked": object{"subject": subject}}}
	}
	for _, c := range []struct {
		name    string
		header  string
		claims  object
		applied string // "refused" when refused
		strict  string
	}{
		{"conformant", header, nil, "", ""},
		{"subject in the event", header, inEvent(email), "LEGACY-01", "refused"},
		{"other subject in the event", header, object{"events": object{caep + "session-revoked": object{"subject": email}}}, "LEGACY-02", "LEGACY-02"},
		{"odd subject beside sub_id", header, object{"events": object{caep + "session-revoked": object{"subject": object{"x": 1}}}}, "", ""},
		{"complex without format", header, inEvent(object{"user": email}), "LEGACY-01 LEGACY-03", "refused"},
		{"subject_type", header, object{"sub_id": object{"subject_type": "iss-sub", "iss": "https://a.example", "sub": "1"}}, "LEGACY-04", "refused"},
		{"old format name", header, object{"sub_id": object{"format": "phone", "phone_number": "+4915112345678"}}, "LEGACY-05", "refused"},
		{"bare members", header, inEvent(object{"sub": "1", "email": "lou@example.com"}), "LEGACY-01 LEGACY-06", "refused"},
		{"context members", header, event1(risc+"account-enabled", object{"timestamp": 1, "reason": "x"}), "LEGACY-07", ""},
		{"reason where defined", header, event1(risc+"account-disabled", object{"reason": "hijacking"}), "", ""},
		{"milliseconds", header, event1(caep+"session-revoked", object{"event_timestamp": 1767224900123}), "LEGACY-09", "EVT-06"},
		{"SSE base", header, object{"sub_id": object{"format": "opaque", "id": s.StreamID}, "events": object{sse + "verification": object{}}}, "LEGACY-10", ""},
		{"SSE base, other stream", header, object{"sub_id": object{"format": "opaque", "id": "x"}, "events": object{sse + "verification": object{}}}, "refused", ""},
		{"spelling", header, event1(caep+"token-claims-changed", object{"claims": object{"role": "x"}}), "LEGACY-11", ""},
		{"ips", header, event1(caep+"session-established", object{"ips": []string{"192.0.2.1"}}), "LEGACY-12", ""},
		{"txn number", header, object{"txn": 8812}, "LEGACY-13", "refused"},
		{"reason string", header, event1(caep+"session-revoked", object{"reason_user": "x"}), "LEGACY-14", "refused"},
		{"typ JWT", `{"typ":"JWT","alg":"RS256","kid":"k-2026-01"}`, nil, "LEGACY-15", "refused"},
		{"typ missing", `{"alg":"RS256","kid":"k-2026-01"}`, nil, "LEGACY-15", "refused"},
		{"typ of another token", `{"typ":"at+jwt","alg":"RS256","kid":"k-2026-01"}`, nil, "refused", "refused"},
		{"not yet happened", header, object{"toe": s.Now + s.Skew + 1}, "EVT-06", "EVT-06"},
		{"no subject at all", header, object{"sub_id": nil}, "refused", "refused"},
		{"txn object", header, object{"txn": object{}}, "refused", "refused"},
		{"exp stays forbidden", header, object{"exp": 1}, "refused", "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := message(s.token(t, []byte(c.header), with(c.claims)))
			for v, want := range map[*set.Verifier]string{tolerant: c.applied, strict: c.strict} {
				signal, err := v.Verify(context.Background(), m)
				got := strings.Join(signal.Applied, " ")
				if err != nil {
					got = "refused"
				}
				ids := c.applied
				if ids == "refused" {
					ids = ""
				}
				if v == strict && want == "refused" {
					ids += " LEGACY-16"
				}
				req.Equal(t, ids, got, want)
			}
		})
	}
}

func TestLegacyBodiesConform(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, "legacy"))
	signal, err := v.Verify(context.Background(), message(s.token(t, []byte(header), with(event1(caep+"credential-change", object{
		"credential_type": "fido2_roaming", "change_type": "create", "event_timestamp": 1767224900123,
		"reason_admin": "lost \"key\"", "x": []any{1, object{"y": nil}},
	})))))
	if err != nil {
		t.Fatal(err)
	}
	st := signal.Events[0]
	want := `{"change_type":"create","credential_type":"fido2-roaming","event_timestamp":1767224900.123,` +
		`"reason_admin":{"und":"lost \"key\""},"x":[1,{"y":null}]}`
	req.Equal(t, "LEGACY-08 LEGACY-09 LEGACY-14", string(st.Body.Raw()), want)
	if !st.Time.Equal(time.UnixMilli(1767224900123)) {
		t.Errorf("time %v", st.Time)
	}
	if err := st.Type.Check(st.Body); err != nil {
		t.Errorf("strictly: %v", err)
	}
	if got := strings.Join(signal.Applied, " "); got != "LEGACY-08 LEGACY-09 LEGACY-14" {
		t.Errorf("applied %s", got)
	}
}

func TestTypesFromOutside(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	v := s.verifier(t, s.issuer(t, "ssf"))
	for uri, want := range map[string]string{
		"https://events.example.com/door-opened": "unknown",
		caep + "risk-level-changed":              "unknown", // a spelling strict rules do not read
		"urn:signalbox:event:timer":              "unknown", // only the product itself says this
		"urn:signalbox:event:operator-command":   "unknown",
	} {
		signal, err := v.Verify(context.Background(), message(s.token(t, []byte(header), with(event1(uri, object{})))))
		if err != nil {
			req.True(t, "EVT-33", false, "%s: %v", uri, err)
			continue
		}
		req.Equal(t, "EVT-33", signal.Events[0].Type.Name, want)
	}
}

func TestSourcesCarryTheirIssuersOnly(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	other := s.issuer(t, "ssf")
	other.URL = "https://other.example.com"
	v, err := set.New([]set.Issuer{s.issuer(t, "ssf"), other}, set.Options{
		Now:     func() time.Time { return time.Unix(s.Now, 0) },
		Sources: map[string][]string{"idp": {s.Issuer}, "mute": nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := s.token(t, []byte(header), with(nil)), s.token(t, []byte(header), with(object{"iss": other.URL}))
	for _, c := range []struct {
		source string
		token  []byte
		accept bool
	}{
		{"idp", mine, true}, {"idp", theirs, false}, {"anything", theirs, true}, {"mute", mine, false},
	} {
		m := message(c.token)
		m.Source = c.source
		_, err := v.Verify(context.Background(), m)
		checkIssuer(t, c.source, err, c.accept)
	}
	_, err = v.VerifyFrom(context.Background(), message(theirs), []string{s.Issuer})
	checkIssuer(t, "VerifyFrom", err, false)
}

// TestKeysOfTheIssuerOnly: the key of one issuer signs nothing of another.
func TestKeysOfTheIssuerOnly(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	signer, err := jose.GenerateSigner("ES256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.Static(signer.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	ours, other := s.issuer(t, "ssf"), s.issuer(t, "ssf")
	other.URL, other.Keys = "https://other.example.com", keys
	ours.Algorithms, other.Algorithms = []string{"RS256", "ES256"}, []string{"RS256", "ES256"}
	v := s.verifier(t, ours, other)
	own := func(iss string) []byte {
		token, err := signer.Sign(with(object{"iss": iss}))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, c := range map[string]struct {
		token  []byte
		accept bool
	}{
		"ours by our key":     {s.token(t, []byte(header), with(nil)), true},
		"theirs by their key": {own(other.URL), true},
		"theirs by our key":   {s.token(t, []byte(header), with(object{"iss": other.URL})), false},
		"ours by their key":   {own(s.Issuer), false},
	} {
		_, err := v.Verify(context.Background(), message(c.token))
		var r *pipeline.RejectError
		ok := err == nil
		if !c.accept {
			ok = errors.As(err, &r) && r.Code == pipeline.InvalidKey
		}
		req.True(t, "KEY-02", ok, "%s: %v", name, err)
	}
}

func checkIssuer(t *testing.T, where string, err error, accept bool) {
	t.Helper()
	var r *pipeline.RejectError
	if accept {
		req.True(t, "JWT-05 SET-03", err == nil, "%s: %v", where, err)
		return
	}
	req.True(t, "JWT-05 SET-03 PUSH-07 PUSH-15", errors.As(err, &r) && r.Code == pipeline.InvalidIssuer, "%s: got %v", where, err)
}

// lost is a key set out of reach.
type lost struct{}

func (lost) Key(context.Context, string, string) (jose.Key, error) {
	return jose.Key{}, fmt.Errorf("%w: timeout", jose.ErrUnavailable)
}

func TestKeysOutOfReachAreNotAVerdict(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	i := s.issuer(t, "ssf")
	i.Keys = lost{}
	_, err := s.verifier(t, i).Verify(context.Background(), message(s.token(t, []byte(header), with(nil))))
	var r *pipeline.RejectError
	if !errors.Is(err, jose.ErrUnavailable) || errors.As(err, &r) {
		t.Errorf("got %v", err)
	}
}

func TestStatesAreOursOnly(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	i := s.issuer(t, "ssf")
	i.States = nil // we never asked
	v := s.verifier(t, i)
	m := message(s.token(t, []byte(header), with(object{
		"sub_id": object{"format": "opaque", "id": s.StreamID},
		"events": object{ssf + "verification": object{"state": s.States[0]}},
	})))
	_, err := v.Verify(context.Background(), m)
	var r *pipeline.RejectError
	req.True(t, "SSF-RX-25 SSF-RX-26", errors.As(err, &r) && r.Code == pipeline.InvalidState, "got %v", err)
}

func TestNewReportsEveryProblem(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	bad := s.issuer(t, "openid")
	bad.Keys, bad.Audience, bad.Algorithms = nil, nil, []string{"HS256", "none", "RS256"}
	narrow := s.issuer(t, "interop")
	narrow.Algorithms = []string{"PS256", "ES256"}
	_, err := set.New([]set.Issuer{bad, narrow, s.issuer(t, "ssf"), s.issuer(t, "legacy"), {}}, set.Options{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"no key set", "audience", `rule set "openid"`, "[interop legacy okta scim ssf]", "interop accepts none of the algorithms [PS256 ES256]", `"HS256"`, `"none"`, "configured twice", "URL is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if !slices.Equal(set.RuleSets(), []string{"interop", "legacy", "okta", "scim", "ssf"}) {
		t.Errorf("rule sets %v", set.RuleSets())
	}
}
