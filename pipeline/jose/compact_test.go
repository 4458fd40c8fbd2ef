package jose_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

func TestParseCompactRefuses(t *testing.T) {
	good := enc(`{"alg":"RS256","kid":"k","typ":"secevent+jwt"}`)
	with := func(header string) string { return enc(header) + "." + enc(claims) + "." + enc("sig") }
	for _, c := range []struct {
		name, token string
		reason      jose.Reason
		requirement string
	}{
		{"empty", "", jose.Malformed, "SET-20"},
		{"one segment", good, jose.Malformed, "SET-20"},
		{"two segments", good + "." + enc(claims), jose.Malformed, "SET-20"},
		{"four segments", good + "." + enc(claims) + ".c2ln.c2ln", jose.Malformed, "SET-20"},
		{"JWE", good + "....", jose.Malformed, "SET-20"},
		{"JSON serialization", `{"payload":"","signatures":[]}`, jose.Malformed, "SET-20"},
		{"padding", good + "." + enc("x") + "==.c2ln", jose.Malformed, "SET-20"},
		{"standard alphabet", good + ".-_+/.c2ln", jose.Malformed, "SET-20"},
		{"stray bits", good + ".eR.c2ln", jose.Malformed, "SET-20"},
		{"line break inside", good + ".e\nQ.c2ln", jose.Malformed, "SET-20"},
		{"line break after", good + ".eQ.c2ln\n", jose.Malformed, "SET-20"},
		{"carriage return in header", good[:4] + "\r" + good[4:] + ".eQ.c2ln", jose.Malformed, "SET-20"},
		{"too long", good + "." + strings.Repeat("A", jose.DefaultMaxBytes) + ".c2ln", jose.Malformed, "JWT-09"},
		{"header is no JSON", with(`{`), jose.Malformed, "SET-30"},
		{"header is no object", with(`[]`), jose.Malformed, "SET-01"},
		{"header with alg twice", with(`{"alg":"RS256","alg":"none"}`), jose.Malformed, "SET-30"},
		{"no alg", with(`{"kid":"k"}`), jose.Malformed, "JWT-02"},
		{"alg number", with(`{"alg":256}`), jose.Malformed, "JWT-02"},
		{"alg none", enc(`{"alg":"none"}`) + "." + enc(claims) + ".", jose.Unsigned, "JWT-01"},
		{"alg nOnE", with(`{"alg":"nOnE"}`), jose.Unsigned, "JWT-01"},
		{"alg HS256", with(`{"alg":"HS256","kid":"k"}`), jose.BadAlgorithm, "JWT-03"},
		{"alg hs512", with(`{"alg":"hs512","kid":"k"}`), jose.BadAlgorithm, "JWT-03"},
		{"no signature", good + "." + enc(claims) + ".", jose.Unsigned, "SET-20"},
		{"crit", with(`{"alg":"RS256","crit":["exp"]}`), jose.Malformed, "JWT-07"},
		{"empty crit", with(`{"alg":"RS256","crit":[]}`), jose.Malformed, "JWT-07"},
		{"b64", with(`{"alg":"RS256","b64":false}`), jose.Malformed, "JWT-07"},
		{"jku", with(`{"alg":"RS256","jku":"https://evil.example.com"}`), jose.BadKey, "JWT-06"},
		{"jwk", with(`{"alg":"RS256","jwk":{"kty":"RSA"}}`), jose.BadKey, "JWT-06"},
		{"x5u", with(`{"alg":"RS256","x5u":"https://evil.example.com"}`), jose.BadKey, "JWT-06"},
		{"x5c", with(`{"alg":"RS256","x5c":["MII"]}`), jose.BadKey, "JWT-06"},
		{"kid number", with(`{"alg":"RS256","kid":1}`), jose.Malformed, "KEY-03"},
		{"typ array", with(`{"alg":"RS256","typ":["secevent+jwt"]}`), jose.Malformed, "SET-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := jose.ParseCompact([]byte(c.token))
			var e *jose.Error
			if !errors.As(err, &e) {
				e = &jose.Error{Problem: fmt.Sprintf("none: %v", err)}
			}
			req.Equal(t, c.requirement, *e, jose.Error{Reason: c.reason, Requirement: c.requirement, Problem: e.Problem})
		})
	}
}

func TestParseCompact(t *testing.T) {
	header := `{"alg":"RS256","kid":"k-1","typ":"Application/SecEvent+JWT","x-extra":[1]}`
	token := enc(header) + "." + enc(claims) + "." + enc("signature")
	c, err := jose.ParseCompact([]byte(token))
	if err != nil {
		t.Fatal(err)
	}
	req.Equal(t, "SET-01 SET-18", *c.Header, jose.Header{Algorithm: "RS256", KeyID: "k-1", Type: "Application/SecEvent+JWT", MediaType: "secevent+jwt"})
	if string(c.Payload) != claims || string(c.Signature) != "signature" {
		t.Errorf("payload %q, signature %q", c.Payload, c.Signature)
	}
	if want := enc(header) + "." + enc(claims); string(c.SigningInput) != want {
		t.Errorf("signing input %q", c.SigningInput)
	}
}

func TestMessagesQuoteBriefly(t *testing.T) {
	long := strings.Repeat("é\u0007", 200)
	token := enc(`{"alg":"HS`+strings.Repeat("x", 500)+`"}`) + ".e30.c2ln"
	_, err := jose.ParseCompact([]byte(token))
	if err == nil || len(err.Error()) > 250 {
		t.Errorf("message of %d bytes: %v", len(err.Error()), err)
	}
	_, err = jose.ParseCompact([]byte(enc(`{"alg":"HS`+strings.ReplaceAll(long, "\u0007", `\u0007`)+`"}`) + ".e30.c2ln"))
	if err == nil || strings.ContainsAny(err.Error(), "\u0007") {
		t.Errorf("control characters in %q", err)
	}
}

// TestWhiteSpaceIsNamed: a line break behind the token is what most senders get
// wrong first, and it cannot be seen.
func TestWhiteSpaceIsNamed(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", " "} {
		_, err := jose.ParseCompact([]byte(`eyJhbGciOiJSUzI1NiJ9.eQ.c2ln` + end))
		if err == nil || !strings.Contains(err.Error(), "white space follows the token") {
			t.Errorf("token and %q: %v", end, err)
		}
	}
}
