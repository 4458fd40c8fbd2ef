package policies

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// person makes identifiers of every form, each with its distinctive parts.
type person struct{ *rand.Rand }

func (p person) word(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "bcdfghjklmnpqrstvwxz"[p.IntN(20)]
	}
	return string(b)
}

// identifier returns a text that names somebody, and the parts of it that must
// be nowhere afterwards.
func (p person) identifier() (string, []string) {
	w, v, d := p.word(7), p.word(8), p.word(6)+"."+p.word(3)
	switch p.IntN(19) {
	case 0:
		return w + "@" + d, []string{w, d}
	case 1:
		return "email:" + w + "@" + d, []string{w, d}
	case 2:
		return "iss_sub:https://" + d + "/t|" + w, []string{w, d}
	case 3:
		return "opaque:" + w + "%7C" + v, []string{w, v}
	case 4:
		return "complex:session=opaque:" + w + "&user=email:" + v + "@" + d, []string{w, v, d}
	case 5:
		return "https://" + d + "/users/" + w + "?q=" + v + "#" + w, []string{w, v, d}
	case 6:
		return "https://" + w + ":" + v + "@" + d + "/", []string{w, v, d}
	case 7:
		a := netip.AddrFrom4([4]byte{byte(100 + p.IntN(20)), byte(100 + p.IntN(99)), byte(100 + p.IntN(99)), byte(100 + p.IntN(99))}).String()
		return a, []string{a}
	case 8:
		a := fmt.Sprintf("fd12:%x:%x::%x", 0x1000+p.IntN(0xefff), 0x1000+p.IntN(0xefff), 0x1000+p.IntN(0xefff))
		return a, []string{a}
	case 9:
		n := fmt.Sprintf("+49%010d", 1_000_000_000+p.Int64N(8_000_000_000))
		return n, []string{n[1:]}
	case 10:
		return w + " " + v + " logged in from " + d, []string{w, v, d}
	case 11:
		return strings.ToUpper(w[:1]) + w[1:] + "." + v, []string{w, v}
	case 12:
		t := p.word(20) + "." + p.word(30) + "." + p.word(20)
		return t, strings.Split(t, ".")
	case 13:
		return "acct:" + w + "@" + d, []string{w, d}
	case 14:
		return "account:acct:" + w + "@" + d, []string{w, d}
	case 15:
		return "urn:uuid:" + w, []string{w}
	case 16:
		return `{"nested":"` + w + `@` + d + `"}`, []string{w, d}
	case 17:
		return "cn=" + w + ",dc=" + v, []string{w, v}
	}
	return w, []string{w}
}

// document fills every place of the contract, and places it does not know, with
// identifiers.
func (p person) document(s *shape, depth int, parts *[]string) any {
	id := func() string {
		text, list := p.identifier()
		*parts = append(*parts, list...)
		return text
	}
	switch {
	case s != nil && s.enum != nil:
		return s.enum[p.IntN(len(s.enum))]
	case s != nil && s.kind == "number":
		return json.Number(fmt.Sprint(1767225600 + p.IntN(1e6)))
	case s != nil && s.kind == "boolean":
		return p.IntN(2) == 0
	case s != nil && s.kind == "string":
		return id()
	case s != nil && s.kind == "array":
		list := []any{}
		for range 1 + p.IntN(2) {
			list = append(list, p.document(s.items, depth+1, parts))
		}
		return list
	case s != nil && s.members != nil:
		m := map[string]any{}
		for name, member := range s.members {
			m[name] = p.document(member, depth+1, parts)
		}
		return m
	}
	if depth > 4 {
		switch p.IntN(3) {
		case 0:
			n := fmt.Sprint(3_000_000_000 + p.Int64N(6_000_000_000))
			*parts = append(*parts, n)
			return json.Number(n)
		case 1:
			return nil
		}
		return id()
	}
	m := map[string]any{}
	for range 3 {
		m[id()] = p.document(nil, depth+1+p.IntN(2), parts)
	}
	m["list"] = []any{id(), id(), map[string]any{"name": id()}}
	return m
}

// TestRedactionLeavesNobody: whatever stands wherever in an input, no part of it
// is there afterwards, neither in values nor in names of members.
func TestRedactionLeavesNobody(t *testing.T) {
	words := literals()
	for seed := range uint64(300) {
		var parts []string
		p := person{rand.New(rand.NewPCG(seed, 1))}
		doc := p.document(contract, 0, &parts)
		root := mustParse([]byte(text(doc)))
		out := strings.ToLower(text(newRedaction(root, words, nil).value(root.Any(), contract, false)))
		for _, part := range parts {
			if strings.Contains(out, strings.ToLower(part)) {
				t.Fatalf("seed %d: %q of\n%s\nis still in\n%s", seed, part, text(doc), out)
			}
		}
	}
}

// FuzzRedaction: no text of a stranger survives in the places a stranger can
// fill, and the form stays.
func FuzzRedaction(f *testing.F) {
	for _, s := range []string{"jane@example.com", "email:jane@example.com", "https://idp.example.com/x", "user1@host1.example", "id-1", "203.0.113.7", "a b", "10.0.0.1/8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc := text(map[string]any{"now": 1767225600, "event": map[string]any{"issuer": s, "body": map[string]any{s: []any{s, "x " + s}}}, "subject": map[string]any{"key": s}})
		root, err := strictjson.Parse([]byte(doc), inputLimits)
		if err != nil {
			return
		}
		s = root.Get("subject", "key").Text() // as JSON has it
		red := newRedaction(root, nil, nil)
		out := text(red.value(root.Any(), contract, false))
		again := newRedaction(root, nil, nil)
		if other := text(again.value(root.Any(), contract, false)); other != out {
			t.Fatalf("%s, then %s", out, other)
		}
		got := mustParse([]byte(out))
		if got.Get("event", "issuer").Text() != got.Get("subject", "key").Text() {
			t.Errorf("equal texts became different: %s", out)
		}
		if r := got.Get("event", "issuer").Text(); r == s && !red.stays(s) {
			t.Errorf("%q stayed", s)
		}
	})
}

// TestRedactionKeepsRelations: what was equal, or part of another, still is, and
// keys are keys.
func TestRedactionKeepsRelations(t *testing.T) {
	doc := `{"now": 1767225600, "event": {"issuer": "https://idp.acme.test", "type": "session-revoked", "uri": "https://schemas.openid.net/secevent/caep/event-type/session-revoked"},
		"subject": {"key": "complex:session=opaque:s7&user=email:ann@acme.test", "format": "complex", "user": "email:ann@acme.test", "session": "opaque:s7"},
		"user": {"email": "Ann@acme.test", "keys": ["email:ann@acme.test", "iss_sub:https://idp.acme.test|00u1"], "risk": {"level": "high"},
			"sessions": [{"id": "opaque:s7", "issuer": "https://idp.acme.test/", "ua": "10.1.2.3"}, {"id": "opaque:s8", "issuer": "https://other.test"}],
			"facts": {"my_rule": {"at": 1767225000, "staff_number": 70001234}}}}`
	root := mustParse([]byte(doc))
	red := newRedaction(root, map[string]bool{"my_rule": true, "at": true, "https://other.test": true}, nil)
	got := mustParse([]byte(text(red.value(root.Any(), contract, false))))
	str := func(path ...string) string { return got.Get(path...).Text() }
	session := mustParse([]byte(text(got.Get("user", "sessions").Any().([]any)[0])))
	other := mustParse([]byte(text(got.Get("user", "sessions").Any().([]any)[1])))
	for _, c := range []struct{ what, got, want string }{
		{"type", str("event", "type"), "session-revoked"},
		{"uri", str("event", "uri"), root.Get("event", "uri").Text()},
		{"level", str("user", "risk", "level"), "high"},
		{"user of the complex key", str("subject", "key"), "complex:session=" + str("subject", "session") + "&user=" + str("subject", "user")},
		{"address", "email:" + strings.ToLower(str("user", "email")), str("subject", "user")},
		{"session", session.Get("id").Text(), str("subject", "session")},
		{"issuer of the session", session.Get("issuer").Text(), str("event", "issuer") + "/"},
		{"issuer the rule names", other.Get("issuer").Text(), "https://other.test"},
		{"key", text(got.Get("user", "keys").Any()), text([]string{str("subject", "user"), "iss_sub:" + str("event", "issuer") + "|id-3"})},
		{"private address", session.Get("ua").Text(), "10.0.0.2"},
		{"time of a fact", string(got.Get("user", "facts", "my_rule", "at").Raw()), "1767225000"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
		}
	}
	if _, err := event.ParseKey(str("subject", "key")); err != nil {
		t.Error(err)
	}
	if strings.Contains(text(got.Any()), "70001234") || strings.Contains(text(got.Any()), "staff_number") {
		t.Errorf("a number of staff is left: %s", text(got.Any()))
	}
}
