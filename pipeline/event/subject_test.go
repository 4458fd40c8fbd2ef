package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

func TestSubjectKeys(t *testing.T) {
	for _, c := range []struct{ name, ids, text, key, entity, json string }{
		{"email", "SUB-01 SUB-13 SUB-04", `{"format":"email","email":"Jane@Example.com","display":"J"}`, "email:Jane@Example.com", "email:jane@example.com", `{"format":"email","email":"Jane@Example.com"}`},
		{"iss_sub", "SUB-12 SUB-02", `{"format":"iss_sub","iss":"https://idp.example.com","sub":"u-1"}`, "iss_sub:https://idp.example.com|u-1", "", ""},
		{"structure in a value", "", `{"format":"iss_sub","iss":"a|b","sub":"100%\n"}`, "iss_sub:a%7Cb|100%25%0A", "", ""},
		{"escapes", "MATCH-06", `{"format":"opaque","id":"a\u00e9\/"}`, "opaque:aé/", "", `{"format":"opaque","id":"aé/"}`},
		{"account", "SUB-05", `{"format":"account","uri":"acct:Jane@Example.com"}`, "account:acct:Jane@Example.com", "account:acct:jane@example.com", ""},
		{"phone", "SUB-08", `{"format":"phone_number","phone_number":"+1 (206) 555-0199"}`, "phone_number:+12065550199", "", `{"format":"phone_number","phone_number":"+12065550199"}`},
		{"did", "SUB-09", `{"format":"did","url":"did:example:9f8e7d/keys?v=2"}`, "did:did:example:9f8e7d/keys?v=2", "", ""},
		{"uri", "", `{"format":"uri","uri":"spiffe://prod.example.com/ns/pay"}`, "uri:spiffe://prod.example.com/ns/pay", "", ""},
		{"jwt_id", "SUB-22", `{"format":"jwt_id","iss":"i","jti":"j"}`, "jwt_id:i|j", "", ""},
		{"saml", "SUB-23", `{"format":"saml_assertion_id","issuer":"i","assertion_id":"_1"}`, "saml_assertion_id:i|_1", "", ""},
		{"addresses", "SUB-24", `{"format":"ip-addresses","ip-addresses":["2001:DB8:0::77","192.0.2.7","192.0.2.7"]}`, "ip-addresses:192.0.2.7|2001:db8::77", "", `{"format":"ip-addresses","ip-addresses":["192.0.2.7","2001:db8::77"]}`},
		{"scim", "SCIM-02", `{"format":"scim","uri":"/Users/8f1c","externalId":"emp-20","id":"8f1c","more":1}`, "scim:/Users/8f1c", "", `{"format":"scim","uri":"/Users/8f1c","externalId":"emp-20","id":"8f1c"}`},
		{"agreed", "SUB-21", `{"format":"https://hr.example.com/employee","no":"E|5","a=b":"x"}`, "https%3A//hr.example.com/employee:a%3Db=x|no=E%7C5", "", `{"format":"https://hr.example.com/employee","a=b":"x","no":"E|5"}`},
		{"aliases", "SUB-11", `{"format":"aliases","identifiers":[{"format":"opaque","id":"z&y"},{"format":"email","email":"a@b.example"},{"format":"opaque","id":"z&y"}]}`,
			"aliases:email:a@b.example&opaque:z%26y", "-", `{"format":"aliases","identifiers":[{"format":"email","email":"a@b.example"},{"format":"opaque","id":"z&y"}]}`},
		{"complex", "SUB-16 SUB-17", `{"format":"complex","user":{"format":"email","email":"a@b.example"},"device":{"format":"opaque","id":"d|1=2"}}`,
			"complex:device=opaque:d%257C1%3D2&user=email:a@b.example", "-", `{"format":"complex","device":{"format":"opaque","id":"d|1=2"},"user":{"format":"email","email":"a@b.example"}}`},
		{"complex of aliases", "SUB-18", `{"format":"complex","user":{"format":"aliases","identifiers":[{"format":"opaque","id":"1"},{"format":"opaque","id":"2"}]}}`,
			"complex:user=aliases:opaque:1%26opaque:2", "-", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, applied, err := event.ParseSubject(parse(t, c.text), event.SubjectOptions{Formats: []string{"https://hr.example.com/employee"}})
			if err != nil || applied != nil {
				t.Fatalf("%v, applied %v", err, applied)
			}
			req.Equal(t, c.ids, s.Key(), c.key)
			entity := c.entity
			switch entity {
			case "":
				entity = c.key
			case "-":
				entity = ""
			}
			req.Equal(t, "SUB-07", s.EntityKey(), entity)
			want := c.json
			if want == "" {
				want = c.text
			}
			got := string(s.AppendJSON(nil))
			req.True(t, c.ids, sameJSON(t, got, want), "json %s, want %s", got, want)
			back, err := event.ParseKey(s.Key())
			if err != nil || back.Key() != s.Key() || back.Format() != s.Format() {
				t.Errorf("ParseKey: %v, %v", back, err)
			}
			var again event.Subject
			if err := json.Unmarshal(s.AppendJSON(nil), &again); err != nil || again.Key() != s.Key() || string(again.AppendJSON(nil)) != string(s.AppendJSON(nil)) {
				t.Errorf("Unmarshal: %v, %v", again, err)
			}
			if made, err := remade(s); err != nil || made.Key() != s.Key() || made.EntityKey() != s.EntityKey() {
				t.Errorf("made anew: %v, %v", made, err)
			}
		})
	}
}

// remade makes a subject of what another one says.
func remade(s event.Subject) (event.Subject, error) {
	switch s.Format() {
	case "complex":
		var parts []event.Part
		for name, p := range s.Parts() {
			p, err := remade(p)
			if err != nil {
				return p, err
			}
			parts = append(parts, event.Part{Name: name, Subject: p})
		}
		return event.NewComplex(parts...)
	case "aliases":
		var identifiers []event.Subject
		for p := range s.Identifiers() {
			p, err := remade(p)
			if err != nil {
				return p, err
			}
			identifiers = append(identifiers, p)
		}
		slices.Reverse(identifiers) // they are sorted anew
		return event.NewAliases(identifiers...)
	}
	var pairs []string
	for name, value := range s.Members() {
		pairs = append(pairs, name, value)
	}
	return event.NewSimple(s.Format(), pairs...)
}

// brokenRule is the requirement that an error ends with, "" for none.
func brokenRule(text string) string {
	_, id, _ := strings.Cut(text, " (")
	return strings.TrimSuffix(id[strings.LastIndexByte(id, '(')+1:], ")")
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

func TestParseSubjectRefuses(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", `null`, "subject must be an object (SUB-13)"},
		{"array", `[]`, "subject must be an object (SUB-13)"},
		{"format null", `{"format":null}`, "subject member format must be a string (SUB-01)"},
		{"format empty", `{"format":""}`, "subject member format must not be empty (SUB-01)"},
		{"format unknown", `{"format":"badge","no":"1"}`, "subject member format must be registered or agreed with the sender (SUB-21)"},
		{"legacy name", `{"format":"phone","phone_number":"+12065550199"}`, "subject member format must be registered or agreed with the sender (SUB-21)"},
		{"null", `{"format":"opaque","id":null}`, "subject member id must not be null (SUB-03)"},
		{"empty", `{"format":"opaque","id":""}`, "subject member id must not be empty (SUB-03)"},
		{"number", `{"format":"opaque","id":7}`, "subject member id must be a string (SUB-02)"},
		{"long", `{"format":"opaque","id":"` + long + `"}`, "subject member id must not be longer than 2048 bytes (JWT-09)"},
		{"uri", `{"format":"uri","uri":"no scheme"}`, "subject member uri must be a URI (SUB-21)"},
		{"scim", `{"format":"scim","id":"7"}`, "subject member uri is required (SCIM-02)"},
		{"agreed member", `{"format":"agreed","no":7}`, "subject member no must be a string in a format agreed with the sender (SUB-21)"},
		{"agreed nothing", `{"format":"agreed"}`, "subject must have a member beside its format (SUB-02)"},
		{"identifiers missing", `{"format":"aliases"}`, "subject member identifiers is required (SUB-02)"},
		{"aliases of aliases", `{"format":"aliases","identifiers":[{"format":"opaque","id":"1"},{"format":"aliases","identifiers":[{"format":"opaque","id":"1"}]}]}`, "subject member identifiers[1] must not be aliases again (SUB-10)"},
		{"aliases of complex", `{"format":"aliases","identifiers":[{"format":"complex","user":{"format":"opaque","id":"1"}}]}`, "subject member identifiers[0] must not be complex (SUB-18)"},
		{"complex of complex", `{"format":"complex","user":{"format":"complex","user":{"format":"opaque","id":"1"}}}`, "subject member user must not be complex (SUB-18)"},
		{"complex member string", `{"format":"complex","user":{"format":"opaque","id":"1"},"tenant":"t-1"}`, "subject member tenant must be a subject identifier (SUB-18)"},
		{"complex member", `{"format":"complex","user":{"format":"email","email":"@"}}`, "subject member user.email must be an addr-spec (SUB-06)"},
		{"odd member name", `{"format":"complex","a\nb":7}`, `subject member "a\nb" must be a subject identifier (SUB-18)`},
		{"addresses empty", `{"format":"ip-addresses","ip-addresses":[]}`, "subject member ip-addresses must not be empty (SUB-24)"},
		{"addresses number", `{"format":"ip-addresses","ip-addresses":[7]}`, "subject member ip-addresses[0] must be an IP address (SUB-24)"},
		{"many", `{"format":"aliases","identifiers":[` + strings.Repeat(`{},`, 64) + `{}]}`, "subject member identifiers must not hold more than 64 (JWT-09)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, err := event.ParseSubject(parse(t, c.text), event.SubjectOptions{Formats: []string{"agreed"}})
			req.Equal(t, brokenRule(c.want), fmt.Sprint(err), c.want)
			if !s.IsZero() {
				t.Error("a subject came with the error")
			}
		})
	}
}

// TestParseSubjectBare: a sender whose subjects are complex may leave out the
// format of the whole, and nothing else (OKTA-04).
func TestParseSubjectBare(t *testing.T) {
	for text, want := range map[string]string{
		`{"user":{"format":"email","email":"a@example.com"}}`:                    "complex:user=email:a@example.com",
		`{"format":"complex","user":{"format":"email","email":"a@example.com"}}`: "complex:user=email:a@example.com",
		`{"format":"email","email":"a@example.com"}`:                             "email:a@example.com",
		`{}`:                                 "SUB-16",
		`{"email":"a@example.com"}`:          "SUB-18",
		`{"user":{"email":"a@example.com"}}`: "SUB-18",
		`{"user":{"user":{"format":"opaque","id":"1"}}}`:      "SUB-18",
		`{"format":null,"user":{"format":"opaque","id":"1"}}`: "SUB-01",
		`{"subject_type":"email","email":"a@example.com"}`:    "SUB-18",
	} {
		v, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		s, applied, err := event.ParseSubject(v, event.SubjectOptions{Bare: true})
		got := ""
		if e := (*event.SubjectError)(nil); errors.As(err, &e) {
			got = e.Requirement
		} else {
			got = s.Key()
		}
		ids := "OKTA-04"
		if !strings.Contains(want, ":") {
			ids = want
		}
		req.Equal(t, ids, got, want)
		if len(applied) > 0 {
			t.Errorf("%s: workarounds %v", text, applied)
		}
	}
}

func TestParseSubjectTolerant(t *testing.T) {
	for _, c := range []struct {
		name, text, key string
		applied         []string
	}{
		{"conformant", `{"format":"opaque","id":"1"}`, "opaque:1", nil},
		{"complex without format", `{"user":{"format":"opaque","id":"1"},"device":{"format":"opaque","id":"2"}}`, "complex:device=opaque:2&user=opaque:1", []string{"LEGACY-03"}},
		{"subject_type", `{"subject_type":"iss-sub","iss":"https://a.example","sub":"1"}`, "iss_sub:https://a.example|1", []string{"LEGACY-04"}},
		{"id_token_claims", `{"subject_type":"id_token_claims","iss":"https://a.example","email":"a@b.example"}`, "id_token_claims:email=a@b.example|iss=https://a.example", []string{"LEGACY-04"}},
		{"subject_type inside", `{"subject_type":"complex","user":{"subject_type":"email","email":"a@b.example"}}`, "complex:user=email:a@b.example", []string{"LEGACY-04"}},
		{"phone", `{"format":"phone","phone_number":"+12065550199"}`, "phone_number:+12065550199", []string{"LEGACY-05"}},
		{"phone member", `{"format":"phone","phone":"+12065550199"}`, "phone_number:+12065550199", []string{"LEGACY-05"}},
		{"iss-sub", `{"format":"iss-sub","iss":"a","sub":"b"}`, "iss_sub:a|b", []string{"LEGACY-05"}},
		{"jwt-id", `{"format":"jwt-id","iss":"a","jti":"b"}`, "jwt_id:a|b", []string{"LEGACY-05"}},
		{"saml-assertion-id", `{"format":"saml-assertion-id","issuer":"a","assertion_id":"b"}`, "saml_assertion_id:a|b", []string{"LEGACY-05"}},
		{"white paper", `{"sub":"u-32","email":"lou@example.com"}`, "aliases:email:lou@example.com&opaque:u-32", []string{"LEGACY-06"}},
		{"white paper with issuer", `{"iss":"https://a.example","sub":"u-32"}`, "iss_sub:https://a.example|u-32", []string{"LEGACY-06"}},
		{"white paper change", `{"sub":"1","old_email":"a@b.example","new_email":"c@d.example"}`, "aliases:email:a@b.example&email:c@d.example&opaque:1", []string{"LEGACY-06"}},
		{"both inside", `{"user":{"email":"a@b.example"},"device":{"format":"jwt-id","iss":"a","jti":"b"}}`, "complex:device=jwt_id:a|b&user=email:a@b.example", []string{"LEGACY-03", "LEGACY-05", "LEGACY-06"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, applied, err := event.ParseSubject(parse(t, c.text), event.SubjectOptions{Tolerant: true})
			if err != nil {
				t.Fatal(err)
			}
			req.Equal(t, strings.Join(c.applied, " "), fmt.Sprint(s.Key(), applied), fmt.Sprint(c.key, c.applied))
			_, _, err = event.ParseSubject(parse(t, c.text), event.SubjectOptions{})
			req.Equal(t, "LEGACY-16", err == nil, c.applied == nil)
		})
	}
	for _, text := range []string{
		`{}`, `{"name":"x"}`, `{"user":"x"}`, `{"email":"not an address"}`, `{"subject_type":""}`,
		`{"subject_type":"badge","no":"1"}`,
		`{"format":"id_token_claims","iss":"a"}`,
		`{"format":"aliases","identifiers":[{"sub":"1","email":"a@b.example"}]}`,
	} {
		if s, _, err := event.ParseSubject(parse(t, text), event.SubjectOptions{Tolerant: true}); err == nil {
			t.Errorf("%s: accepted as %s", text, s)
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		id, format, member string
		good, bad          []string
	}{
		{"SUB-06", "email", "email",
			[]string{"a@b", "a.b+c@d-e.example", `"a b"@example.com`, `"a\"b"@example.com`, "jörg@exämple.de", "a@[192.0.2.1]"},
			[]string{"@b", "a@", "a", "a b@c", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@.b", "a@b.", "Ada <a@b>", "a@b c", "a@b\n", `"a@b`, `"@b`, `""@b`, "a@[]", "a@[b", strings.Repeat("a", 320) + "@b"}},
		{"SUB-05", "account", "uri", []string{"acct:a@b.example", "ACCT:a%40x@b.example", "acct:a@b:8080"}, []string{"acct:a", "acct:@b", "acct:a@", "mailto:a@b", "acct:a@b@c", "acct:a b@c", "acct:a%4@b"}},
		{"SUB-08", "phone_number", "phone_number", []string{"+12065550199", "+353 89 555 0100", "+49.30.1234567", "+1 (206) 555\u00a00199"}, []string{"12065550199", "+0123456789", "+1", "+123456789012345678", "+1206555x199", "", "00 1 206 555 0199", "++12065550199"}},
		{"SUB-09", "did", "url", []string{"did:example:1", "did:web:a.example:u%3A1", "did:key:z6#k?q", "did:x:1/p?q#f"}, []string{"did:", "did:x", "did:x:", "did:X:1", "did::1", "did:x:1 2", "DID:x:1", "did:x:a%2"}},
		{"SUB-02", "uri", "uri", []string{"https://a.example/b", "urn:x:y", "spiffe://a/b", "mailto:a@b"}, []string{"/a", "a", ":a", "a:", "1a:b", "a b:c", "a:b c", "a:<b>"}},
	} {
		for _, v := range c.good {
			_, err := event.NewSimple(c.format, c.member, v)
			req.True(t, c.id, err == nil, "%s %q: %v", c.format, v, err)
		}
		for _, v := range c.bad {
			s, err := event.NewSimple(c.format, c.member, v)
			req.True(t, c.id, err != nil, "%s %q: accepted as %s", c.format, v, s)
		}
	}
}

func TestNewSimple(t *testing.T) {
	s, err := event.NewSimple("iss_sub", "sub", "u", "iss", "i")
	if err != nil || s.Key() != "iss_sub:i|u" || s.Member("sub") != "u" {
		t.Errorf("%v %v", s, err)
	}
	for _, args := range [][]string{
		{"email"}, {"email", "email"}, {"email", "mail", "a@b"}, {"", "a", "b"}, {"complex", "user", "x"}, {"aliases", "a", "b"},
		{"iss_sub", "iss", "i"}, {"iss_sub", "iss", "i", "iss", "j"}, {"opaque", "id", "\xff"}, {"ip-addresses", "ip-addresses", "x"}, {"ip-addresses", "ip", "::1"},
	} {
		if s, err := event.NewSimple(args[0], args[1:]...); err == nil {
			t.Errorf("%v: accepted as %s", args, s)
		}
	}
}

func TestNewOfOthers(t *testing.T) {
	one, err := event.NewSimple("opaque", "id", "1")
	if err != nil {
		t.Fatal(err)
	}
	aliases, err := event.NewAliases(one, one)
	if err != nil || aliases.Key() != "aliases:opaque:1" {
		t.Fatalf("%v %v", aliases, err)
	}
	complex, err := event.NewComplex(event.Part{Name: "user", Subject: aliases}, event.Part{Name: "device", Subject: one})
	if err != nil || complex.Key() != "complex:device=opaque:1&user=aliases:opaque:1" {
		t.Fatalf("%v %v", complex, err)
	}
	for _, identifiers := range [][]event.Subject{nil, {{}}, {aliases}, {one, complex}, slices.Repeat([]event.Subject{one}, 65)} {
		if s, err := event.NewAliases(identifiers...); err == nil {
			t.Errorf("%v: accepted as %s", identifiers, s)
		}
	}
	for _, parts := range [][]event.Part{
		nil, {{"user", event.Subject{}}}, {{"user", complex}}, {{"format", one}}, {{"user", one}, {"user", one}}, {{"\xff", one}},
		{{strings.Repeat("x", 2049), one}}, slices.Repeat([]event.Part{{"user", one}}, 33),
	} {
		if s, err := event.NewComplex(parts...); err == nil {
			t.Errorf("%v: accepted as %s", parts, s)
		}
	}
}

func TestParseKey(t *testing.T) {
	for _, c := range []struct{ key, want string }{
		{"jane@example.com", "email:jane@example.com"},
		{"iss_sub:https://a.example:8080/x|u", "iss_sub:https://a.example:8080/x|u"},
		{"phone_number:+1 206 555 0199", "phone_number:+12065550199"},
		{"opaque:%61", "opaque:a"},
		{"badge:no=1", "badge:no=1"},
	} {
		if s, err := event.ParseKey(c.key); err != nil || s.Key() != c.want {
			t.Errorf("%s: %v %v", c.key, s, err)
		}
	}
	for _, key := range []string{
		"", "jane", "email:", "email:jane", "emial:a@b", "iss_sub:a", "iss_sub:a|b|c", "opaque:%", "opaque:%zz", "opaque:%ff", "opaque:\xff",
		"complex:", "complex:user", "complex:user=opaque:1&user=opaque:2", "complex:user=complex:user%3Dopaque:1", "complex:format=opaque:1",
		"aliases:", "aliases:aliases:opaque:1", "aliases:complex:user%3Dopaque:1", "ip-addresses:", "badge:no=1|no=2", "complex:user=a@b.example",
	} {
		if s, err := event.ParseKey(key); err == nil {
			t.Errorf("%q: accepted as %s", key, s)
		}
	}
}

func TestSubjectAccessors(t *testing.T) {
	var zero event.Subject
	if !zero.IsZero() || zero.Key() != "" || zero.EntityKey() != "" || zero.Format() != "" || zero.Member("x") != "" || string(zero.AppendJSON(nil)) != "null" {
		t.Error("the zero subject says something")
	}
	for range zero.Identifiers() {
		t.Error("the zero subject has an identifier")
	}
	if err := json.Unmarshal([]byte("null"), &zero); err != nil || !zero.IsZero() {
		t.Error("null is not the zero subject")
	}

	s, _, err := event.ParseSubject(parse(t, `{"format":"complex","user":{"format":"aliases","identifiers":[{"format":"email","email":"a@b"},{"format":"opaque","id":"1"}]},"device":{"format":"ip-addresses","ip-addresses":["192.0.2.2","192.0.2.1"]}}`), event.SubjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names, ids, addrs []string
	for name := range s.Parts() {
		names = append(names, name)
	}
	user, ok := s.Part("user")
	for id := range user.Identifiers() {
		ids = append(ids, id.Key())
	}
	device, _ := s.Part("device")
	for _, v := range device.Members() {
		addrs = append(addrs, v)
	}
	if _, there := s.Part("tenant"); there || !ok || !slices.Equal(names, []string{"device", "user"}) ||
		!slices.Equal(ids, []string{"email:a@b", "opaque:1"}) || !slices.Equal(addrs, []string{"192.0.2.1", "192.0.2.2"}) || device.Member("ip-addresses") != "192.0.2.1" {
		t.Errorf("%v %v %v", names, ids, addrs)
	}
	for range s.Identifiers() {
		t.Error("a complex subject has no identifiers of its own")
	}
}

func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{
		`{"format":"email","email":"a@b.example"}`, `{"format":"iss_sub","iss":"a|%","sub":"\u0000&="}`,
		`{"format":"complex","user":{"format":"aliases","identifiers":[{"format":"opaque","id":"1"}]}}`,
		`{"format":"ip-addresses","ip-addresses":["fe80::1%25eth|0","::ffff:1.2.3.4"]}`, `{"subject_type":"id_token_claims","a":"b"}`,
		`{"sub":"1","email":"a@b"}`, `{"user":{"sub":"1"}}`, `{"format":"x:y","a=b":"|","":""}`, `{"format":"phone","phone":"+1 206 555 0199"}`,
		`{"format":"scim","uri":"/Users/1","id":"1","externalId":"2"}`,
	} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, tolerant bool) {
		v, err := strictjson.Parse(b, strictjson.DefaultLimits)
		if err != nil {
			return
		}
		s, applied, err := event.ParseSubject(v, event.SubjectOptions{Tolerant: tolerant, Formats: []string{"x:y", "x"}})
		if err != nil {
			var se *event.SubjectError
			if !errors.As(err, &se) || !s.IsZero() || applied != nil {
				t.Fatalf("%T with %v, %v", err, s, applied)
			}
			return
		}
		if !tolerant && applied != nil {
			t.Fatalf("strict, yet applied %v", applied)
		}
		back, err := event.ParseKey(s.Key())
		if err != nil || back.Key() != s.Key() || back.EntityKey() != s.EntityKey() {
			t.Fatalf("key %q: %v %v", s.Key(), back, err)
		}
		out := s.AppendJSON(nil)
		again, err := strictjson.Parse(out, strictjson.DefaultLimits)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		same, _, err := event.ParseSubject(again, event.SubjectOptions{Formats: []string{"x:y", "x", "id_token_claims"}})
		if err != nil || same.Key() != s.Key() || string(same.AppendJSON(nil)) != string(out) {
			t.Fatalf("%s: %v %v", out, same, err)
		}
		if made, err := remade(s); err != nil || made.Key() != s.Key() || made.EntityKey() != s.EntityKey() {
			t.Fatalf("%s made anew: %v %v", out, made, err)
		}
		if ok, inferred := event.Match(s, same); !ok || inferred || !event.MatchPattern("*", s) {
			t.Fatalf("%s does not match itself", s)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"a@b", "email:a@b", "iss_sub:a%7C|b", "complex:device=opaque:d%2526&user=email:a@b", "aliases:opaque:1&opaque:2", "x%3Ay:a%3D=b", "ip-addresses:::1|1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, key string) {
		s, err := event.ParseKey(key)
		if err != nil {
			return
		}
		back, err := event.ParseKey(s.Key())
		if err != nil || back.Key() != s.Key() {
			t.Fatalf("%q -> %q -> %v %v", key, s.Key(), back, err)
		}
		var again event.Subject
		if err := json.Unmarshal(s.AppendJSON(nil), &again); err != nil || again.Key() != s.Key() {
			t.Fatalf("%q -> %s -> %v %v", key, s.AppendJSON(nil), again, err)
		}
	})
}

func BenchmarkParseSubject(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"email", `{"format":"email","email":"ada.obrien@example.com"}`},
		{"iss_sub", `{"format":"iss_sub","iss":"https://idp.example.com/tenant-7","sub":"u-100482"}`},
		{"complex", `{"format":"complex","user":{"format":"iss_sub","iss":"https://idp.example.com/tenant-7","sub":"u-100482"},"session":{"format":"opaque","id":"sess-7c1e0b"}}`},
	} {
		v := parse(b, c.text)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, _, err := event.ParseSubject(v, event.SubjectOptions{})
				if err != nil || s.Key() == "" || s.IsZero() {
					b.Fatal(err)
				}
			}
		})
	}
}
