package set

import (
	"math"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// claimRule is one rule about one top-level claim.
type claimRule struct {
	claim       string
	requirement string
	code        string
	// check reads the claim, missing or not, and says what is wrong with it, ""
	// if nothing is.
	check func(r *reading, v strictjson.Value) string
}

// claims are the rules of SSF 1.0 in the order they are applied. The audience
// comes first: who is not meant learns nothing else.
var claims = []claimRule{
	{"aud", "SET-08", pipeline.InvalidAudience, audience},
	{"exp", "SET-04", pipeline.InvalidRequest, absent},
	{"sub", "SET-05", pipeline.InvalidRequest, absent},
	{"nonce", "SET-21", pipeline.InvalidRequest, absent},
	{"iat", "SET-06", pipeline.InvalidRequest, issuedAt},
	{"iat", "SET-26", pipeline.InvalidRequest, notAhead},
	{"jti", "SET-07", pipeline.InvalidRequest, tokenID},
	{"txn", "SET-14", pipeline.InvalidRequest, transaction},
	{"toe", "SET-15", pipeline.InvalidRequest, timeOfEvent},
	{"nbf", "SET-29", pipeline.InvalidRequest, hint},
	{"azp", "SET-29", pipeline.InvalidRequest, hint},
	{"at_hash", "SET-29", pipeline.InvalidRequest, hint},
	{"client_id", "SET-29", pipeline.InvalidRequest, hint},
	{"scope", "SET-29", pipeline.InvalidRequest, hint},
}

// replaced is a copy of the rules in which the rule about a claim is another.
func replaced(rules []claimRule, with claimRule) []claimRule {
	rules = slices.Clone(rules)
	for i := range rules {
		if rules[i].claim == with.claim {
			rules[i] = with
		}
	}
	return rules
}

func absent(_ *reading, v strictjson.Value) string {
	if v.Exists() {
		return "must not be in a security event token"
	}
	return ""
}

// hint notes a claim that belongs to another kind of token.
func hint(r *reading, v strictjson.Value) string {
	if v.Exists() {
		r.apply("SET-29")
	}
	return ""
}

func audience(r *reading, v strictjson.Value) string {
	switch v.Kind() {
	case strictjson.String:
		r.signal.Audience = []string{v.Text()}
	case strictjson.Array:
		r.signal.Audience = make([]string, 0, v.Len())
		for e := range v.Elements() {
			if e.Kind() != strictjson.String {
				return "must be a string or an array of strings"
			}
			r.signal.Audience = append(r.signal.Audience, e.Text())
		}
	case strictjson.Missing:
		return "is missing"
	default:
		return "must be a string or an array of strings"
	}
	for _, aud := range r.signal.Audience {
		if slices.Contains(r.issuer.Audience, aud) {
			return ""
		}
	}
	return "does not name this receiver"
}

func issuedAt(r *reading, v strictjson.Value) string {
	if !v.Exists() {
		return "is missing"
	}
	at, ok := numericDate(v)
	if !ok {
		return "must be a number of seconds since 1970"
	}
	r.signal.IssuedAt = at
	return ""
}

func notAhead(r *reading, _ strictjson.Value) string {
	if r.ahead(r.signal.IssuedAt) {
		return "is in the future"
	}
	return ""
}

func tokenID(r *reading, v strictjson.Value) string {
	if v.Kind() == strictjson.String {
		r.signal.JTI = v.Text()
	}
	if r.signal.JTI == "" {
		return "must be a string that names the token"
	}
	return ""
}

func transaction(r *reading, v strictjson.Value) string {
	if !v.Exists() {
		return ""
	}
	if v.Kind() != strictjson.String {
		return "must be a string"
	}
	r.signal.Txn = v.Text()
	return ""
}

func timeOfEvent(r *reading, v strictjson.Value) string {
	if !v.Exists() {
		return ""
	}
	at, ok := numericDate(v)
	if !ok {
		return "must be a number of seconds since 1970"
	}
	r.signal.TimeOf = r.plausible(at)
	return ""
}

// lastSecond is the end of year 9999, the last a timestamp can be written of.
const lastSecond = 253402300799

// numericDate reads seconds since 1970, kept to the microsecond. What cannot
// be a time of ours is refused with what is no number at all.
func numericDate(v strictjson.Value) (time.Time, bool) {
	if n, ok := v.Int(); ok {
		return time.Unix(n, 0).UTC(), n >= 0 && n <= lastSecond
	}
	f, ok := v.Float()
	if !ok || f < 0 || f > lastSecond {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1e3).UTC(), true
}
