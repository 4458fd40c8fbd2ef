package policies

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// redaction replaces whatever could name somebody or something in an input by
// placeholders that are made without looking at it. It works from what may stay,
// not from what must go: the vocabulary of the contract and the catalogue, and
// words the rules themselves are written with. Everything else is replaced, the
// same text by the same placeholder wherever it stands, in the same form: an
// e-mail address by one, an address inside a key or an issuer's host likewise.
type redaction struct {
	keep     map[string]bool   // texts that stay as they are
	words    map[string]bool   // literals of rules and functions, which stay too
	original string            // all texts of the input, lower case
	made     map[string]string // kind and original to placeholder
	counts   map[string]int
	replaced []string // originals that were replaced
	now      float64  // of the input
}

// vocabulary is what the contract and the catalogue name.
var vocabulary = func() map[string]bool {
	v := map[string]bool{}
	add := func(list ...string) {
		for _, s := range list {
			v[s], v[strings.ToLower(s)], v[strings.ToUpper(s)] = true, true, true
		}
	}
	var walk func(s *shape)
	walk = func(s *shape) {
		if s == nil {
			return
		}
		add(s.enum...)
		walk(s.items)
		for _, m := range s.members {
			walk(m)
		}
	}
	walk(contract)
	for _, t := range append(event.Types(), event.Unknown) {
		add(t.Name)
		v[t.URI] = t.URI != ""
		for _, a := range t.Aliases {
			v[a] = true
		}
		for _, f := range t.Fields {
			add(f.Enum...)
		}
	}
	add(event.Concepts()...)
	add("email", "iss_sub", "opaque", "account", "phone_number", "did", "uri", "jwt_id", "saml_assertion_id", "complex", "aliases", "ip-addresses")
	add("pwd", "mfa", "otp", "sms", "hwk", "swk", "fpt", "face", "geo", "kba", "mca", "pin", "pop", "rba", "sc", "tel", "user", "vbm", "wia", "iris", "retina") // RFC 8176
	delete(v, "")
	return v
}()

func newRedaction(root strictjson.Value, words map[string]bool, keep []string) *redaction {
	r := &redaction{keep: map[string]bool{}, words: words, made: map[string]string{}, counts: map[string]int{}}
	for _, k := range keep {
		r.keep[k] = true
	}
	var all strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all.WriteString(strings.ToLower(v) + "\n")
		case json.Number:
			all.WriteString(v.String() + "\n")
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for name, e := range v {
				all.WriteString(strings.ToLower(name) + "\n")
				walk(e)
			}
		}
	}
	walk(root.Any())
	r.original = all.String()
	r.now, _ = strconv.ParseFloat(string(root.Get("now").Raw()), 64)
	return r
}

// literals are the words that modules are written with.
func literals(modules ...*ast.Module) map[string]bool {
	words := map[string]bool{}
	for _, m := range modules {
		ast.WalkTerms(m, func(t *ast.Term) bool {
			if s, ok := t.Value.(ast.String); ok {
				words[string(s)] = true
			}
			return false
		})
	}
	return words
}

// whose tells texts that name somebody even where a rule is written with them.
var whose = regexp.MustCompile(`@|^\+?[0-9][0-9 ().-]{5,}$`)

func (r *redaction) stays(s string) bool {
	if r.keep[s] || vocabulary[s] || s == "" {
		return true
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	return r.words[s] && !whose.MatchString(s)
}

// value redacts a value that should have the shape. Inside an open object, which
// has no members of its own in the contract, nothing is known and so member
// names and numbers are replaced as well.
func (r *redaction) value(v any, s *shape, open bool) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case json.Number:
		if open {
			return r.number(v)
		}
		return v
	case []any:
		var items *shape
		if s != nil {
			items = s.items
		}
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = r.value(e, items, open || items == nil)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for _, name := range sortedNames(v) {
			var member *shape
			if s != nil {
				member = s.members[name]
			}
			if member != nil {
				m[name] = r.value(v[name], member, false)
				continue
			}
			m[r.member(name)] = r.value(v[name], nil, true)
		}
		return m
	}
	return v
}

var language = regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)

// member redacts a name that the contract does not know.
func (r *redaction) member(name string) string {
	if r.stays(name) || language.MatchString(name) {
		return name
	}
	return r.text(name)
}

// number redacts a number that may be anybody's: short ones are counts and
// levels, and times near the event say only when.
func (r *redaction) number(n json.Number) json.Number {
	const year = 366 * 24 * 3600
	f, err := n.Float64()
	if err != nil || r.keep[n.String()] || f > -1000 && f < 1000 || f > r.now-5*year && f < r.now+5*year {
		return n
	}
	return json.Number(r.once("number", n.String(), func(i int) string { return strconv.Itoa(100_000 + i) }))
}

// once gives an original its placeholder: the first of its kind that occurs
// nowhere in the input.
func (r *redaction) once(kind, original string, make func(n int) string) string {
	key := kind + "\x00" + original
	if p, ok := r.made[key]; ok {
		return p
	}
	for {
		r.counts[kind]++
		p := make(r.counts[kind])
		if !strings.Contains(r.original, strings.ToLower(p)) {
			r.made[key] = p
			r.replaced = append(r.replaced, original)
			return p
		}
	}
}

func numbered(form string) func(int) string {
	return func(n int) string { return fmt.Sprintf(form, n) }
}

// The forms that are told apart.
var (
	emailForm = regexp.MustCompile(`^[^\s@|]+@[^\s@|]+$`)
	phoneForm = regexp.MustCompile(`^\+[0-9]{6,15}$`)
	uuidForm  = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	ourForm   = regexp.MustCompile(`^[a-z]-[0-9a-hjkmnp-tv-z]{26}$`)
	hostForm  = regexp.MustCompile(`(?i)^([a-z0-9_-]+\.)+[a-z][a-z0-9-]+$`)
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*$`)
	hexForm   = regexp.MustCompile(`^[0-9a-f]{12,}$`)
	digitForm = regexp.MustCompile(`^[0-9]{3,18}$`)
)

// text redacts one text by its form.
func (r *redaction) text(s string) string {
	if r.stays(s) {
		return s
	}
	for _, prefix := range []string{"u-", "d-", "s-", "acct:", "mailto:"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && (strings.Contains(rest, "@") || strings.Contains(rest, ":")) {
			return prefix + r.text(rest)
		}
	}
	if key, ok := r.key(s); ok {
		return key
	}
	if p, ok := r.address(s); ok {
		return p
	}
	switch {
	case strings.Contains(s, "://"):
		return r.url(s)
	case emailForm.MatchString(s):
		return r.email(s)
	case phoneForm.MatchString(s):
		return r.once("phone", s, numbered("+1555%07d"))
	case uuidForm.MatchString(s):
		return r.once("uuid", s, numbered("00000000-0000-4000-8000-%012d"))
	case ourForm.MatchString(s):
		return r.once("ours", s, func(n int) string { return fmt.Sprintf("%s%026d", s[:2], n) })
	case tokenForm.MatchString(s):
		return r.once("token", s, numbered("token-%d.redacted.redacted"))
	case hostForm.MatchString(s):
		return r.host(s)
	case digitForm.MatchString(s):
		return r.once("digits", s, func(n int) string { return fmt.Sprintf("%0*d", len(s), n) })
	case hexForm.MatchString(s):
		return r.once("hex", s, func(n int) string { return fmt.Sprintf("%0*x", len(s), n) })
	case strings.HasPrefix(s, "urn:"), strings.HasPrefix(s, "did:"):
		return r.once("urn", s, numbered(s[:4]+"example:%d"))
	case strings.ContainsAny(s, " \t\n"):
		return r.once("text", s, numbered("redacted text %d"))
	}
	return r.once("id", s, numbered("id-%d"))
}

// key redacts a canonical key member by member, so that it stays a key and its
// values go with the same values elsewhere.
func (r *redaction) key(s string) (string, bool) {
	subject, err := event.ParseKey(s)
	if err != nil || !vocabulary[subject.Format()] || !strings.HasPrefix(s, subject.Format()+":") {
		return "", false
	}
	identifier, err := strictjson.Parse(subject.AppendJSON(nil), strictjson.DefaultLimits)
	if err != nil {
		return "", false
	}
	known := true
	redacted, err := json.Marshal(r.subject(identifier.Any(), &known))
	if err != nil || !known {
		return "", false
	}
	var out event.Subject
	if out.UnmarshalJSON(redacted) != nil {
		return "", false
	}
	return out.Key(), true
}

// subjectMembers are the names in subject identifiers of the known formats, and
// the roles of complex ones.
var subjectMembers = strings.Fields(`assertion_id device email group id identifiers ip-addresses iss issuer jti
	org_unit phone_number session sub tenant uri url user application format`)

// subject redacts the values of a subject identifier. Names of members stay;
// known turns false at one that anybody may have made up.
func (r *redaction) subject(v any, known *bool) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			*known = *known && slices.Contains(subjectMembers, name)
			m[name] = r.subject(e, known)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = r.subject(e, known)
		}
		return list
	case string:
		return r.text(v)
	}
	return v
}

// address redacts an IP address or a block of them; whether it is a private one
// is kept.
func (r *redaction) address(s string) (string, bool) {
	host, bits, block := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if n, bad := strconv.Atoi(bits); err != nil || block && (bad != nil || n < 0 || n > a.BitLen()) {
		return "", false
	}
	switch kind := "ip4"; {
	case !a.Is4():
		host = r.once("ip6", a.String(), numbered("2001:db8::%x"))
	case a.IsPrivate():
		kind = "ip4-private"
		host = r.once(kind, a.String(), func(n int) string { return fmt.Sprintf("10.0.%d.%d", n/250, n%250+1) })
	default:
		host = r.once(kind, a.String(), func(n int) string {
			return fmt.Sprintf("%s.%d", []string{"192.0.2", "198.51.100", "203.0.113"}[n/250%3], n%250+1)
		})
	}
	if block {
		host += "/" + bits
	}
	return host, true
}

func (r *redaction) email(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	p := r.once("local", strings.ToLower(local), numbered("user%d")) + "@" + r.host(domain)
	if s != strings.ToLower(s) { // another spelling stays another spelling
		p = strings.ToUpper(p[:1]) + p[1:]
	}
	return p
}

// host redacts a host name or domain.
func (r *redaction) host(s string) string {
	name, port, hasPort := strings.Cut(s, ":")
	if r.stays(name) {
		return s
	}
	p := r.once("host", strings.ToLower(name), numbered("host%d.example"))
	if hasPort && digitForm.MatchString(port) && len(port) <= 5 {
		p += ":" + port
	}
	return p
}

// url redacts an absolute URL: its scheme stays, its host is one wherever it
// stands, and path, query and fragment are told apart only.
func (r *redaction) url(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http"}, u.Scheme) {
		return r.once("url", s, numbered("https://url%d.example/"))
	}
	p := u.Scheme + "://" + r.host(u.Host)
	rest := strings.TrimPrefix(s[strings.Index(s, "://")+3:], u.Host)
	if u.User != nil {
		rest = s
	}
	switch rest {
	case "", "/":
		return p + rest
	}
	return p + r.once("path", rest, numbered("/path%d"))
}
