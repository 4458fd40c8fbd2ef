package doctor

import (
	"context"
	"encoding/base64"
	"math/bits"
	"net/http"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// private are the members of keys that nobody may publish (RFC 7518).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// keySet fetches and reads the keys.
func (e *examination) keySet(ctx context.Context) {
	if e.meta.JWKS == "" {
		return
	}
	status, body, _, err := e.get(ctx, e.meta.JWKS)
	switch {
	case err != nil:
		e.say("keys", Fault, "KEY-01", "", "the key set cannot be fetched: %s", err)
		return
	case status != http.StatusOK:
		e.say("keys", Fault, "KEY-01", "", "the key set is answered with status %d", status)
		return
	}
	set, err := jose.Static(body)
	if err != nil {
		e.say("keys", Fault, "KEY-01", "", "%s", err)
		return
	}
	e.keys = body
	if set.Len() == 0 {
		e.say("keys", Fault, "KEY-01", "", "no key of the set can be used: RSA of 2048 bits at least, P-256, P-384, P-521 or Ed25519, for signatures")
		return
	}
	v, err := strictjson.Parse(body, strictjson.Limits{Bytes: mostBytes, Depth: 16, Nodes: 20_000, Members: 100})
	if err != nil {
		return // Static has read it
	}
	seen, rsa := map[string]bool{}, false
	for k := range v.Get("keys").Elements() {
		kid := pipeline.Clean(k.Get("kid").Text())
		for _, member := range private {
			if k.Get(member).Exists() {
				e.say("keys", Fault, "KEY-06", "Its operator must take the key out of use at once: anybody can sign with it.", "key %q is published with its private part", kid)
				break
			}
		}
		switch {
		case kid == "":
			e.say("keys", Warning, "KEY-03", "", "a key has no kid: it cannot be found by name when there are several")
		case seen[kid]:
			e.say("keys", Warning, "KEY-06", "", "kid %q stands for two keys", kid)
		}
		seen[kid] = true
		if k.Get("kty").Text() != "RSA" {
			continue
		}
		n, err := base64.RawURLEncoding.DecodeString(k.Get("n").Text())
		if size := bitLen(n); err == nil && size < 2048 {
			e.say("keys", Fault, "INTEROP-20", "", "RSA key %q has %d bits, fewer than 2048", kid, size)
		} else {
			rsa = true
		}
	}
	if !rsa {
		e.say("keys", Warning, "INTEROP-19", "Nothing to do here, unless the issuer's block says rules = \"interop\".", "there is no RSA key, and the profile wants RS256")
	}
	e.say("keys", OK, "", "In the issuer's block: jwks = \""+e.meta.JWKS+"\"", "%d keys can be used, at %s", set.Len(), e.meta.JWKS)
}

// bitLen is the length of a number in big-endian bytes.
func bitLen(n []byte) int {
	for len(n) > 0 && n[0] == 0 {
		n = n[1:]
	}
	if len(n) == 0 {
		return 0
	}
	return 8*(len(n)-1) + bits.Len8(n[0])
}
