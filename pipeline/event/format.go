package event

import (
	"net/netip"
	"strings"
)

// format is a simple subject identifier format: its members in the order they
// have in the key, and how their values are checked.
type format struct {
	name        string
	members     []string
	optional    []string                // kept, but no part of the identity
	requirement string                  // broken when a member is missing
	valid       func(value string) bool // of the first member, nil for any
	invalid     string                  // requirement broken when it is not valid
	problem     string                  // what it must be
}

// formats of RFC 9493, SSF 3.5 and RFC 9967 2.1, without those made of others.
var formats = []format{
	{name: "iss_sub", members: []string{"iss", "sub"}},
	{name: "email", members: []string{"email"}, valid: validEmail, invalid: "SUB-06", problem: "must be an addr-spec"},
	{name: "opaque", members: []string{"id"}},
	{name: "account", members: []string{"uri"}, valid: validAccount, invalid: "SUB-05", problem: "must be an acct URI"},
	{name: "phone_number", members: []string{"phone_number"}, valid: validPhone, invalid: "SUB-08", problem: "must be an E.164 number with international prefix"},
	{name: "did", members: []string{"url"}, valid: validDID, invalid: "SUB-09", problem: "must be a DID URL"},
	{name: "uri", members: []string{"uri"}, valid: validURI, invalid: "SUB-21", problem: "must be a URI"},
	{name: "jwt_id", members: []string{"iss", "jti"}, requirement: "SUB-22"},
	{name: "saml_assertion_id", members: []string{"issuer", "assertion_id"}, requirement: "SUB-23"},
	{name: "scim", members: []string{"uri"}, optional: []string{"externalId", "id"}, requirement: "SCIM-02"},
}

// missing is the requirement that an absent member breaks.
func (f *format) missing() string {
	if f.requirement != "" {
		return f.requirement
	}
	return "SUB-02"
}

func formatByName[S ~string | ~[]byte](name S) *format {
	for i := range formats {
		if formats[i].name == string(name) {
			return &formats[i]
		}
	}
	return nil
}

// validEmail accepts an addr-spec of RFC 5322 without comments and folding: a
// dot-atom or quoted local part, a domain name or a literal. Letters beyond
// ASCII pass (RFC 6532).
func validEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > 320 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if local[0] == '"' {
		if !quotedString(local) {
			return false
		}
	} else if !dotted(local, atext) {
		return false
	}
	if strings.HasPrefix(domain, "[") {
		return len(domain) > 2 && strings.HasSuffix(domain, "]") && !strings.ContainsFunc(domain[1:len(domain)-1], func(r rune) bool {
			return r <= ' ' || r > '~' || r == '[' || r == ']' || r == '\\'
		})
	}
	return dotted(domain, func(c byte) bool { return alphanumeric(c) || c == '-' || c == '_' || c >= 0x80 })
}

// dotted reports whether s is made of non-empty words of allowed characters,
// separated by single dots.
func dotted(s string, allowed func(byte) bool) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		if c == '.' && last == '.' || c != '.' && !allowed(c) {
			return false
		}
		last = c
	}
	return last != '.'
}

func quotedString(s string) bool {
	if len(s) < 3 || s[len(s)-1] != '"' {
		return false
	}
	inner := s[1 : len(s)-1]
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c < ' ' && c != '\t' || c == 0x7f || c == '"':
			return false
		case c == '\\':
			i++
			if i == len(inner) || inner[i] < ' ' || inner[i] >= 0x7f {
				return false
			}
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func atext(c byte) bool {
	return alphanumeric(c) || c >= 0x80 || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// validAccount accepts an acct URI (RFC 7565): a user part without "@", and a
// host.
func validAccount(s string) bool {
	const scheme = "acct:"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return false
	}
	user, host, ok := strings.Cut(s[len(scheme):], "@")
	return ok && uriText(user, "-._~!$&'()*+,;=%") && uriText(host, "-._~!$&'()*+,;=%:[]")
}

// uriText reports whether s is a non-empty run of letters, digits and the
// given other characters, with complete percent escapes.
func uriText(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) && strings.IndexByte(others, c) < 0 {
			return false
		}
		if c == '%' && (i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2])) {
			return false
		}
	}
	return s != ""
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// phonePunctuation is what people put between the digits of a number.
const phonePunctuation = " -.()\u00a0"

// normalPhone takes the punctuation out of a telephone number.
func normalPhone(s string) string {
	if !strings.ContainsAny(s, phonePunctuation) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(phonePunctuation, r) {
			return -1
		}
		return r
	}, s)
}

// validPhone accepts a normalized E.164 number with its international prefix.
func validPhone(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// validDID accepts a DID URL, a bare DID included.
func validDID(s string) bool {
	rest, ok := strings.CutPrefix(s, "did:")
	if !ok {
		return false
	}
	method, rest, ok := strings.Cut(rest, ":")
	if !ok || method == "" || strings.ContainsFunc(method, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return false
	}
	id, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		id, tail = rest[:i], rest[i:]
	}
	return uriText(id, ".-_:%") && !strings.HasSuffix(id, ":") &&
		(tail == "" || uriText(tail, "-._~!$&'()*+,;=%:@/?#"))
}

// validURI accepts a scheme and something behind it, without spaces, controls
// and what RFC 3986 never lets stand.
func validURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || !alphanumeric(scheme[0]) || scheme[0] <= '9' || !uriText(scheme, "+-.") {
		return false
	}
	return !strings.ContainsFunc(rest, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("<>\"{}|\\^`", r)
	})
}

// normalAddress returns the canonical text of an IP address.
func normalAddress(s string) (string, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return "", false
	}
	return addr.String(), true
}
