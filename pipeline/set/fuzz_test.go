package set_test

import (
	"context"
	"errors"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

// FuzzVerify changes signed tokens. RS256 signatures are unique, so a token
// that differs from a signed one in any byte must be refused, with a verdict
// and without a panic.
func FuzzVerify(f *testing.F) {
	s := readSetting(f, "testdata/vectors")
	v := s.verifier(f, s.issuer(f, "legacy"))
	var tokens [][]byte
	for _, claims := range [][]byte{
		with(nil),
		with(object{"sub_id": object{"format": "opaque", "id": s.StreamID}, "events": object{sse + "verification": object{}}}),
		with(object{"txn": 1, "aud": []string{"x", s.Audience[0]}, "events": object{caep + "credential-change": object{
			"credential_type": "fido2_platform", "change_type": "create", "reason_admin": "x", "event_timestamp": 1767224900123}}}),
	} {
		tokens = append(tokens, s.token(f, []byte(header), claims))
	}
	for i, token := range tokens {
		for _, at := range []int{0, 10, len(token) / 2, len(token) - 100, len(token) - 1} {
			f.Add(uint8(i), uint16(at), uint16(1), []byte("A"))
			f.Add(uint8(i), uint16(at), uint16(0), []byte("="))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, put []byte) {
		token := tokens[int(which)%len(tokens)]
		from := int(at) % (len(token) + 1)
		to := min(from+int(cut), len(token))
		changed := append(append(append([]byte(nil), token[:from]...), put...), token[to:]...)
		_, err := v.Verify(context.Background(), message(changed))
		if string(changed) == string(token) {
			if err != nil {
				t.Fatalf("refused a signed token: %v", err)
			}
			return
		}
		var r *pipeline.RejectError
		if !errors.As(err, &r) || r.Code == "" {
			t.Fatalf("%q: %v", changed, err)
		}
	})
}

// FuzzClaims signs whatever claims come: reading them ends in a verdict and
// never in a panic, under every rule set.
func FuzzClaims(f *testing.F) {
	s := readSetting(f, "testdata/vectors")
	for _, dir := range []string{"testdata/vectors", "testdata/whitepaper", "testdata/okta"} {
		for _, v := range readVectors(f, dir) {
			f.Add(v.claims(f))
		}
	}
	verifiers := map[string]*set.Verifier{}
	for _, rules := range set.RuleSets() {
		verifiers[rules] = s.verifier(f, s.issuer(f, rules))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		m := message(s.token(t, []byte(header), claims))
		for rules, v := range verifiers {
			signal, err := v.Verify(context.Background(), m)
			var r *pipeline.RejectError
			switch {
			case err == nil:
				checkSignal(t, s, rules, signal)
			case !errors.As(err, &r):
				t.Fatalf("no verdict on %q under %s: %v", claims, rules, err)
			}
		}
	})
}

// checkSignal asserts what holds of everything that was accepted.
func checkSignal(t *testing.T, s *setting, rules string, signal pipeline.Signal) {
	t.Helper()
	if signal.JTI == "" || len(signal.Events) == 0 || signal.IssuedAt.IsZero() {
		t.Fatalf("incomplete under %s: %+v", rules, signal)
	}
	events := 0
	for _, st := range signal.Events {
		if st.Subject.IsZero() && signal.Subject.IsZero() && (rules != "okta" || st.Type != event.Unknown) {
			t.Fatalf("%s under %s is about nobody", st.URI, rules)
		}
		if _, err := st.Time.MarshalJSON(); err != nil {
			t.Fatalf("time of %s under %s: %v", st.URI, rules, err)
		}
		if _, err := st.Type.CheckWith(st.Body, event.CheckOptions{CredentialTypes: s.Credentials}); err != nil {
			t.Fatalf("accepted body does not conform under %s: %q: %v", rules, st.Body.Raw(), err)
		}
		if !st.Alternative {
			events++
		}
	}
	if events == 0 {
		t.Fatalf("no event under %s: %+v", rules, signal.Events)
	}
}

// FuzzInspect decodes anything.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("e30.e30."))
	f.Add([]byte("eyJhIjoiXHUwMDFiIn0.e30.AA"))
	f.Fuzz(func(t *testing.T, token []byte) {
		d, err := set.Inspect(token)
		if err == nil && (len(d.Header) == 0 || len(d.Claims) == 0) {
			t.Fatalf("%q: nothing shown", token)
		}
	})
}
