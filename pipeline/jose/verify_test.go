package jose_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

var policy = jose.Policy{
	Algorithms: []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"},
	Types:      []string{"secevent+jwt"},
}

// everyKey is a set of all the test's keys.
func everyKey(t testing.TB) *jose.Set {
	return static(t,
		member(t, keys.rsa2048, map[string]any{"kid": "rsa", "use": "sig"}),
		member(t, keys.rsa3072, map[string]any{"kid": "rsa-ps", "alg": "PS256"}),
		member(t, keys.rsa1024, map[string]any{"kid": "weak"}),
		member(t, keys.p256, map[string]any{"kid": "ec", "key_ops": []string{"verify"}}),
		member(t, keys.p384, map[string]any{"kid": "ec384"}),
		member(t, keys.ed, map[string]any{"kid": "ed"}),
	)
}

func head(alg, kid string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"secevent+jwt"}`, alg, kid)
}

func verify(t testing.TB, token string, set jose.KeySet, p jose.Policy) error {
	t.Helper()
	c, err := jose.ParseCompact([]byte(token))
	if err != nil {
		return err
	}
	_, err = jose.Verify(context.Background(), c, set, p)
	return err
}

func TestVerifyAccepts(t *testing.T) {
	set := everyKey(t)
	for _, c := range []struct {
		alg jwa.SignatureAlgorithm
		kid string
		key any
	}{
		{jwa.RS256, "rsa", keys.rsa2048},
		{jwa.PS256, "rsa", keys.rsa2048},
		{jwa.PS256, "rsa-ps", keys.rsa3072},
		{jwa.ES256, "ec", keys.p256},
		{jwa.ES384, "ec384", keys.p384},
		{jwa.EdDSA, "ed", keys.ed},
	} {
		t.Run(c.alg.String()+" "+c.kid, func(t *testing.T) {
			err := verify(t, sign(t, c.alg, c.key, head(c.alg.String(), c.kid), claims), set, policy)
			req.True(t, "SET-20 JWT-02", err == nil, "%v", err)
		})
	}
	t.Run("the only fitting key without kid", func(t *testing.T) {
		token := sign(t, jwa.ES256, keys.p256, `{"alg":"ES256","typ":"application/secevent+jwt"}`, claims)
		if err := verify(t, token, set, policy); err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyRefuses(t *testing.T) {
	set := everyKey(t)
	only := func(algs ...string) jose.Policy { return jose.Policy{Algorithms: algs, Types: policy.Types} }
	rs := sign(t, jwa.RS256, keys.rsa2048, head("RS256", "rsa"), claims)
	for _, c := range []struct {
		name        string
		token       string
		policy      jose.Policy
		reason      jose.Reason
		requirement string
	}{
		{"type missing", sign(t, jwa.RS256, keys.rsa2048, `{"alg":"RS256","kid":"rsa"}`, claims), policy, jose.BadType, "SET-01"},
		{"type JWT", sign(t, jwa.RS256, keys.rsa2048, `{"alg":"RS256","kid":"rsa","typ":"JWT"}`, claims), policy, jose.BadType, "SET-01"},
		{"algorithm not allowed", rs, only("ES256"), jose.BadAlgorithm, "JWT-02"},
		{"zero policy", rs, jose.Policy{Types: policy.Types}, jose.BadAlgorithm, "JWT-02"},
		{"allowed HMAC stays refused", sign(t, jwa.HS256, []byte("secret"), head("HS256", "rsa"), claims), only("HS256"), jose.BadAlgorithm, "JWT-03"},
		{"algorithm is not the key's type", sign(t, jwa.RS256, keys.rsa2048, head("RS256", "ec"), claims), policy, jose.BadAlgorithm, "JWT-02"},
		{"algorithm is not the key's alg", sign(t, jwa.RS256, keys.rsa3072, head("RS256", "rsa-ps"), claims), policy, jose.BadAlgorithm, "JWT-02"},
		{"curve is not the algorithm's", sign(t, jwa.ES256, keys.p256, head("ES256", "ec384"), claims), policy, jose.BadAlgorithm, "JWT-02"},
		{"unknown key", sign(t, jwa.RS256, keys.rsa2048, head("RS256", "nobody"), claims), policy, jose.BadKey, "KEY-03"},
		{"no kid and a choice", sign(t, jwa.RS256, keys.rsa2048, `{"alg":"RS256","typ":"secevent+jwt"}`, claims), policy, jose.BadKey, "KEY-03"},
		{"weak key", sign(t, jwa.RS256, keys.rsa1024, head("RS256", "weak"), claims), policy, jose.BadKey, "INTEROP-20"},
		{"weak for this policy", rs, jose.Policy{Algorithms: []string{"RS256"}, Types: policy.Types, MinRSABits: 3072}, jose.BadKey, "INTEROP-20"},
		{"floor holds", sign(t, jwa.RS256, keys.rsa1024, head("RS256", "weak"), claims), jose.Policy{Algorithms: []string{"RS256"}, Types: policy.Types, MinRSABits: 512}, jose.BadKey, "INTEROP-20"},
		{"other key's signature", sign(t, jwa.RS256, keys.rsa3072, head("RS256", "rsa"), claims), policy, jose.BadSignature, "JWT-04"},
		{"other algorithm's signature", sign(t, jwa.PS256, keys.rsa2048, head("RS256", "rsa"), claims), policy, jose.BadSignature, "JWT-04"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := verify(t, c.token, set, c.policy)
			var e *jose.Error
			if !errors.As(err, &e) {
				e = &jose.Error{Problem: fmt.Sprintf("none: %v", err)}
			}
			req.Equal(t, c.requirement, *e, jose.Error{Reason: c.reason, Requirement: c.requirement, Problem: e.Problem})
		})
	}
}

func TestUnknownKeyIsNamedOnce(t *testing.T) {
	token := sign(t, jwa.RS256, keys.rsa2048, head("RS256", "nobody"), claims)
	err := verify(t, token, everyKey(t), jose.Policy{Algorithms: []string{"RS256"}, Types: []string{"secevent+jwt"}})
	if want := `key "nobody" is not in the issuer's key set`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// spy counts the look-ups.
type spy struct {
	jose.KeySet
	asked int
}

func (s *spy) Key(ctx context.Context, kid, alg string) (jose.Key, error) {
	s.asked++
	return s.KeySet.Key(ctx, kid, alg)
}

func TestNoKeyIsLookedForInVain(t *testing.T) {
	s := &spy{KeySet: everyKey(t)}
	for _, token := range []string{
		sign(t, jwa.RS256, keys.rsa2048, `{"alg":"RS256","kid":"rsa","typ":"JWT"}`, claims),
		sign(t, jwa.RS512, keys.rsa2048, head("RS512", "rsa"), claims),
	} {
		if err := verify(t, token, s, policy); err == nil {
			t.Error("accepted")
		}
	}
	req.Equal(t, "KEY-03", s.asked, 0)
}

// broken is a key set out of reach.
type broken struct{}

func (broken) Key(context.Context, string, string) (jose.Key, error) {
	return jose.Key{}, jose.ErrUnavailable
}

func TestUnavailableIsNotFinal(t *testing.T) {
	err := verify(t, sign(t, jwa.RS256, keys.rsa2048, head("RS256", "rsa"), claims), broken{}, policy)
	var e *jose.Error
	if !errors.Is(err, jose.ErrUnavailable) || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestHeaderCacheKeepsVerdicts(t *testing.T) {
	var p jose.Parser
	set := everyKey(t)
	good := sign(t, jwa.RS256, keys.rsa2048, head("RS256", "rsa"), claims)
	forged := sign(t, jwa.RS256, keys.rsa3072, head("RS256", "rsa"), claims)
	for round := range 3 {
		for token, accept := range map[string]bool{good: true, forged: false} {
			c, err := p.Parse([]byte(token))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := jose.Verify(context.Background(), c, set, policy); (err == nil) != accept {
				t.Errorf("round %d: %v, want accept %v", round, err, accept)
			}
		}
	}
}

// FuzzParseCompact holds parsing and verifying against the library: what we
// accept it accepts with the same payload, and what it accepts we refuse only
// for one of our stricter rules, never for the signature.
func FuzzParseCompact(f *testing.F) {
	set := everyKey(f)
	for _, token := range []string{
		sign(f, jwa.RS256, keys.rsa2048, head("RS256", "rsa"), claims),
		sign(f, jwa.ES256, keys.p256, head("ES256", "ec"), claims),
		sign(f, jwa.EdDSA, keys.ed, head("EdDSA", "ed"), `{"x":"é"}`),
		enc(`{"alg":"none"}`) + ".e30.",
		"..", "a.b.c", "e30.e30.e30",
	} {
		f.Add(token, uint16(0), byte(0))
		f.Add(token, uint16(len(token)/2), byte(1))
		f.Add(token, uint16(len(token)-2), byte(4))
	}
	public := map[string]any{"rsa": keys.rsa2048.Public(), "ec": keys.p256.Public(), "ed": keys.ed.Public()}
	f.Fuzz(func(t *testing.T, token string, at uint16, flip byte) {
		b := []byte(token)
		if len(b) > 0 {
			b[int(at)%len(b)] ^= flip
		}
		c, err := jose.ParseCompact(b)
		if err != nil {
			return
		}
		_, err = jose.Verify(context.Background(), c, set, policy)
		key := public[c.Header.KeyID]
		if key == nil {
			return
		}
		payload, want := jws.Verify(b, jws.WithKey(jwa.SignatureAlgorithm(c.Header.Algorithm), key))
		var e *jose.Error
		switch {
		case err == nil && want != nil:
			t.Fatalf("accepted %q, the library does not: %v", b, want)
		case err == nil && string(payload) != string(c.Payload):
			t.Fatalf("payload %q, the library has %q", c.Payload, payload)
		case err != nil && want == nil && errors.As(err, &e) && e.Reason == jose.BadSignature:
			t.Fatalf("refused the signature of %q, the library does not", b)
		}
	})
}
