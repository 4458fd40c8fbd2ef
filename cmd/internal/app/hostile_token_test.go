package app

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

const (
	invalidRequest = "invalid_request"
	invalidKey     = "invalid_key"
	authFailed     = "authentication_failed"
)

// refused is an attack by a token that is answered 400.
func refused(class, name, err, says string, source string, token func(v *victim) []byte) attack {
	return attack{class: class, name: name, status: http.StatusBadRequest, err: err, says: says,
		send: func(v *victim) reply { return v.post(source, token(v)) }}
}

// headed is a token of good claims under another header.
func headed(header string) func(v *victim) []byte {
	return func(v *victim) []byte { return v.sign(header, v.claims("idp", nil)) }
}

// tokenAttacks are those on what makes a token its issuer's word.
func tokenAttacks() []attack {
	sig := func(name, err, says string, token func(v *victim) []byte) attack {
		return refused("signature", name, err, says, "idp", token)
	}
	alg := func(name, err, says string, token func(v *victim) []byte) attack {
		return refused("algorithm", name, err, says, "idp", token)
	}
	key := func(name, err, says string, token func(v *victim) []byte) attack {
		return refused("key", name, err, says, "idp", token)
	}
	typ := func(name, header string) attack {
		a := refused("type", name, invalidRequest, "SET-01", "idp", headed(header))
		a.ids = "SET-01 JWT-08"
		return a
	}
	return []attack{
		sig("of another token", authFailed, "JWT-04", func(v *victim) []byte {
			good, bad := v.token(nil), v.token(object{"sub_id": object{"format": "email", "email": "victim@example.com"}})
			return append(bad[:bytes.LastIndexByte(bad, '.')], good[bytes.LastIndexByte(good, '.'):]...)
		}),
		sig("one bit is another", authFailed, "JWT-04", func(v *victim) []byte {
			token := v.token(nil)
			at := bytes.LastIndexByte(token, '.') + 1
			token[at] = map[bool]byte{true: 'B', false: 'A'}[token[at] == 'A']
			return token
		}),
		sig("by a stranger under a known kid", authFailed, "JWT-04", func(v *victim) []byte {
			return v.signBy(v.keys["stranger"], "RS256", plainHeader, v.claims("idp", nil))
		}),
		sig("missing", authFailed, "SET-20", func(v *victim) []byte {
			token := v.token(nil)
			return token[:bytes.LastIndexByte(token, '.')+1]
		}),
		sig("cut short", authFailed, "JWT-04", func(v *victim) []byte {
			token := v.token(nil)
			return token[:bytes.LastIndexByte(token, '.')+101]
		}),
		sig("encoded in another way", invalidRequest, "SET-20", func(v *victim) []byte {
			return append(v.token(nil), '=', '=')
		}),
		sig("beside two more segments", invalidRequest, "SET-20", func(v *victim) []byte {
			return append(v.token(nil), ".AAAA.AAAA"...)
		}),

		alg("none", authFailed, "JWT-01", headed(`{"typ":"secevent+jwt","alg":"none","kid":"k-1"}`)),
		alg("nOnE", authFailed, "JWT-01", headed(`{"typ":"secevent+jwt","alg":"nOnE","kid":"k-1"}`)),
		alg("HMAC with the public key", invalidKey, "JWT-03", headed(`{"typ":"secevent+jwt","alg":"HS256","kid":"k-1"}`)),
		alg("of another key type", invalidKey, "JWT-02", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-ec"}`)),
		alg("not allowed", invalidKey, "JWT-02", headed(`{"typ":"secevent+jwt","alg":"RS512","kid":"k-1"}`)),
		alg("a number", invalidRequest, "JWT-02", func(v *victim) []byte {
			return v.signBy(v.keys["k-1"], "RS256", `{"typ":"secevent+jwt","alg":256,"kid":"k-1"}`, v.claims("idp", nil))
		}),
		alg("given twice", invalidRequest, "SET-30", func(v *victim) []byte {
			return v.signBy(v.keys["k-1"], "RS256", `{"typ":"secevent+jwt","alg":"RS256","alg":"none","kid":"k-1"}`, v.claims("idp", nil))
		}),
		refused("algorithm", "ES256 under the profile", invalidKey, "JWT-02", "strict", func(v *victim) []byte {
			return v.sign(`{"typ":"secevent+jwt","alg":"ES256","kid":"k-ec"}`, v.claims("strict", nil))
		}),

		key("unknown", invalidKey, "KEY-03", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"made-up"}`)),
		key("weak", invalidKey, "INTEROP-20", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-weak"}`)),
		key("for encryption", invalidKey, "KEY-03", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-enc"}`)),
		key("brought along", invalidKey, "JWT-06", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-1","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`)),
		key("to be fetched", invalidKey, "JWT-06", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-1","jku":"https://evil.example.com/jwks"}`)),
		key("by a certificate", invalidKey, "JWT-06", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-1","x5u":"https://evil.example.com/cert"}`)),
		key("not named", invalidKey, "KEY-03", headed(`{"typ":"secevent+jwt","alg":"RS256"}`)),
		key("under an extension", invalidRequest, "JWT-07", headed(`{"typ":"secevent+jwt","alg":"RS256","kid":"k-1","crit":["exp"],"exp":1}`)),
		refused("key", "of nobody, for Okta's dialect", invalidRequest, "OKTA-02", "vendors", func(v *victim) []byte {
			return v.sign(`{"typ":"secevent+jwt","alg":"RS256"}`, v.claims("vendors", nil))
		}),

		typ("missing", `{"alg":"RS256","kid":"k-1"}`),
		typ("JWT", `{"typ":"JWT","alg":"RS256","kid":"k-1"}`),
		typ("of an access token", `{"typ":"at+jwt","alg":"RS256","kid":"k-1"}`),
		typ("of a logout token", `{"typ":"logout+jwt","alg":"RS256","kid":"k-1"}`),
		typ("with a suffix", `{"typ":"secevent+jwt;x","alg":"RS256","kid":"k-1"}`),
	}
}

// claimed is an attack by a signed token of other claims.
func claimed(class, name, err, says string, change object) attack {
	return refused(class, name, err, says, "idp", func(v *victim) []byte { return v.token(change) })
}

// written is an attack by a signed token whose claims are no map of ours.
func written(class, name, err, says string, text func(good string) string) attack {
	return refused(class, name, err, says, "idp", func(v *victim) []byte {
		return v.sign(plainHeader, []byte(text(string(v.claims("idp", nil)))))
	})
}

// claimAttacks are those by whoever holds the key of an issuer.
func claimAttacks() []attack {
	about := func(subject any) object { return object{"sub_id": subject} }
	event := func(name string, body any) object { return object{"events": object{name: body}} }
	email := object{"format": "email", "email": "jane@example.com"}
	list := []attack{
		claimed("issuer", "nobody", "invalid_issuer", "SET-03", object{"iss": "https://nobody.example.com"}),
		claimed("issuer", "of another source", "invalid_issuer", "SET-03", object{"iss": "https://strict.example.com"}),
		claimed("issuer", "with a slash", "invalid_issuer", "SET-03", object{"iss": "https://idp.example.com/"}),
		claimed("issuer", "in capitals", "invalid_issuer", "SET-03", object{"iss": "https://IDP.example.com"}),
		claimed("issuer", "missing", "invalid_issuer", "SET-02", object{"iss": nil}),
		claimed("issuer", "the product itself", "invalid_issuer", "SET-03", object{"iss": "urn:signalbox:timers"}),

		claimed("audience", "another", "invalid_audience", "SET-08", object{"aud": "https://other.example.com"}),
		claimed("audience", "missing", "invalid_audience", "SET-08", object{"aud": nil}),
		claimed("audience", "nobody", "invalid_audience", "SET-08", object{"aud": []string{}}),
		claimed("audience", "longer than ours", "invalid_audience", "SET-08", object{"aud": hostileAudience + ".evil.example.com"}),
		claimed("audience", "an object", "invalid_audience", "SET-08", object{"aud": object{hostileAudience: true}}),

		claimed("time", "issued in the future", invalidRequest, "SET-26", object{"iat": 4102444800}),
		claimed("time", "not issued", invalidRequest, "SET-06", object{"iat": nil}),
		claimed("time", "in text", invalidRequest, "SET-06", object{"iat": "1767225000"}),
		claimed("time", "before time", invalidRequest, "SET-06", object{"iat": -1}),
		claimed("time", "without end", invalidRequest, "SET-06", object{"iat": 1e300}),
		claimed("time", "of the event in text", invalidRequest, "SET-15", object{"toe": "yesterday"}),

		claimed("claims", "exp", invalidRequest, "SET-04", object{"exp": 4102444800}),
		claimed("claims", "sub", invalidRequest, "SET-05", object{"sub": "jane"}),
		claimed("claims", "nonce of an ID token", invalidRequest, "SET-21", object{"nonce": "n-1"}),
		claimed("claims", "no jti", invalidRequest, "SET-07", object{"jti": nil}),
		claimed("claims", "jti a number", invalidRequest, "SET-07", object{"jti": 7}),
		claimed("claims", "txn an object", invalidRequest, "SET-14", object{"txn": object{}}),
		written("claims", "one twice", invalidRequest, "SET-30", func(good string) string { return `{"jti":"x",` + good[1:] }),
		written("claims", "twice by an escape", invalidRequest, "SET-30", func(good string) string { return `{"\u006ati":"x",` + good[1:] }),
		written("claims", "none", "invalid_issuer", "SET-02", func(string) string { return `{}` }),

		claimed("events", "missing", invalidRequest, "SET-09", object{"events": nil}),
		claimed("events", "none", invalidRequest, "SET-09", object{"events": object{}}),
		claimed("events", "a list", invalidRequest, "SET-09", object{"events": []string{caepBase + "session-revoked"}}),
		claimed("events", "no URI", invalidRequest, "SET-10", event("session-revoked", object{})),
		claimed("events", "a text", invalidRequest, "SET-11", event(caepBase+"session-revoked", "now")),
		claimed("events", "two independent", invalidRequest, "SET-12", object{"events": object{caepBase + "session-revoked": object{}, caepBase + "session-presented": object{}}}),
		claimed("events", "a level of no list", invalidRequest, "EVT-21", event(caepBase+"risk-level-change", object{"principal": "USER", "current_level": "EXTREME"})),
		claimed("events", "an entity of no list", invalidRequest, "EVT-03", event(caepBase+"session-revoked", object{"initiating_entity": "robot"})),
		claimed("events", "a change without its type", invalidRequest, "EVT-10", event(caepBase+"credential-change", object{"credential_type": "password"})),
		claimed("events", "a state nobody asked for", "invalid_state", "SSF-RX-26", object{
			"sub_id": object{"format": "opaque", "id": "s-1"}, "events": object{ssfBase + "verification": object{"state": "x"}}}),

		claimed("subject", "missing", invalidRequest, "SET-16", about(nil)),
		claimed("subject", "a text", invalidRequest, "SUB-13", about("jane@example.com")),
		claimed("subject", "without format", invalidRequest, "SUB-01", about(object{"email": "jane@example.com"})),
		claimed("subject", "of an unknown format", invalidRequest, "SUB-21", about(object{"format": "badge", "no": "7"})),
		claimed("subject", "no address", invalidRequest, "SUB-06", about(object{"format": "email", "email": "Jane <jane@example.com>"})),
		claimed("subject", "empty", invalidRequest, "SUB-03", about(object{"format": "opaque", "id": ""})),
		claimed("subject", "complex of nothing", invalidRequest, "SUB-16", about(object{"format": "complex"})),
		claimed("subject", "complex within", invalidRequest, "SUB-18", about(object{"format": "complex", "user": object{"format": "complex", "user": email}})),
		claimed("subject", "aliases within", invalidRequest, "SUB-10", about(object{"format": "aliases", "identifiers": []any{object{"format": "aliases", "identifiers": []any{email}}}})),
		claimed("subject", "of another event", invalidRequest, "EVT-25",
			object{"sub_id": object{"format": "opaque", "id": "1"}, "events": object{"https://schemas.openid.net/secevent/risc/event-type/identifier-changed": object{}}}),
		{class: "subject", name: "critical and not understood", status: http.StatusAccepted, says: "discarded", ids: "SUB-26",
			send: func(v *victim) reply {
				return v.post("idp", v.token(about(object{"format": "complex", "user": email, "tenant": object{"format": "opaque", "id": "t"}})))
			}},
		refused("subject", "in the payload of SCIM", invalidRequest, "SCIM-01", "hr", func(v *victim) []byte {
			return v.sign(plainHeader, v.claims("hr", object{"events": object{"urn:ietf:params:scim:event:feed:add": object{"sub_id": object{"format": "scim", "uri": "/Users/1"}}}}))
		}),

		written("sizes and nesting", "deep", invalidRequest, "PUSH-07", func(good string) string {
			return `{"x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + "," + good[1:]
		}),
		written("sizes and nesting", "many members", invalidRequest, "PUSH-07", func(good string) string {
			var b strings.Builder
			for i := range 1000 {
				fmt.Fprintf(&b, `"m%d":0,`, i)
			}
			return "{" + b.String() + good[1:]
		}),
		written("sizes and nesting", "many values", invalidRequest, "PUSH-07", func(good string) string {
			return `{"x":[` + strings.Repeat("0,", 5000) + `0],` + good[1:]
		}),
		written("sizes and nesting", "a number of endless digits", invalidRequest, "PUSH-07", func(good string) string {
			return `{"x":1e99999,` + good[1:]
		}),
		claimed("sizes and nesting", "many events", invalidRequest, "JWT-09", object{"events": manyEvents(65)}),
		claimed("sizes and nesting", "many aliases", invalidRequest, "JWT-09", about(object{"format": "aliases", "identifiers": manyAliases(65)})),
		claimed("sizes and nesting", "a long identifier", invalidRequest, "JWT-09", about(object{"format": "opaque", "id": strings.Repeat("x", 4000)})),
		{class: "sizes and nesting", name: "a long token", status: http.StatusRequestEntityTooLarge, ids: "JWT-09 PUSH-06",
			send: func(v *victim) reply { return v.post("idp", bytes.Repeat([]byte("a"), 70000)) }},
	}
	for i := range list {
		if strings.HasPrefix(list[i].says, "EVT-") {
			list[i].ids = list[i].says + " EVT-34"
		}
	}
	return append(list, replays()...)
}

// replays are those by tokens that were taken before.
func replays() []attack {
	// The first good token of the test is j-1 of the idp.
	first := func(v *victim, change object) []byte {
		c := object{"jti": "j-1"}
		for name, value := range change {
			c[name] = value
		}
		return v.token(c)
	}
	reused := func(name string, change object) attack {
		return attack{class: "replay and jti reuse", name: name, status: http.StatusAccepted, says: "reused", ids: "SET-27 PUSH-09",
			send: func(v *victim) reply { return v.post("idp", first(v, change)) }}
	}
	return []attack{
		reused("other bytes about somebody else", object{"sub_id": object{"format": "email", "email": "victim@example.com"}}),
		reused("other bytes of another event", object{"events": object{caepBase + "session-presented": object{}}}),
		reused("issued later", object{"iat": 1767225000}),
		{class: "replay and jti reuse", name: "the same bytes", status: http.StatusAccepted, says: "repeated", ids: "SET-27 PUSH-09",
			send: func(v *victim) reply { return v.post("idp", v.good) }},
		{class: "replay and jti reuse", name: "the same bytes in a burst", status: http.StatusAccepted, says: "repeated", ids: "SET-27 PUSH-09",
			send: func(v *victim) (worst reply) {
				answers := make(chan reply)
				for range 20 {
					go func() { answers <- v.post("idp", v.good) }()
				}
				for range 20 {
					if a := <-answers; worst.status <= http.StatusAccepted {
						worst = a
					}
				}
				return worst
			}},
		{class: "replay and jti reuse", name: "at another source", status: http.StatusBadRequest, err: "invalid_issuer", says: "SET-03",
			send: func(v *victim) reply {
				r := v.post("strict", v.good)
				r.token = nil // it was taken before, where it belongs
				return r
			}},
		{class: "replay and jti reuse", name: "signature left out", status: http.StatusBadRequest, err: authFailed, says: "SET-20",
			send: func(v *victim) reply {
				cut := v.good[:bytes.LastIndexByte(v.good, '.')+1]
				r := v.post("idp", cut)
				r.token = nil
				return r
			}},
	}
}

func manyEvents(n int) object {
	events := object{}
	for i := range n {
		events[fmt.Sprintf("https://events.example.com/%d", i)] = object{}
	}
	return events
}

func manyAliases(n int) (list []any) {
	for i := range n {
		list = append(list, object{"format": "opaque", "id": fmt.Sprint(i)})
	}
	return list
}
