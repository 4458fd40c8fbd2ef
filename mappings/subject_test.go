package mappings

import (
	"strings"
	"testing"
)

// TestMadeSubject holds subjects that are made without their text against those
// made of it.
func TestMadeSubject(t *testing.T) {
	var e env
	id := func(s string) value { return e.simple("opaque", "id", textOf(s)) }
	aliases := func(vs ...value) value {
		return e.subject("aliases", member{name: "identifiers", value: e.listOf(vs)})
	}
	mail := e.subject("email", member{name: "email", value: textOf("Jane@example.com")})
	iss := e.subject("iss_sub", member{name: "iss", value: textOf("https://idp.example.com")}, member{name: "sub", value: textOf("u|1")})
	for name, c := range map[string]struct {
		v    value
		made bool // without its text
	}{
		"simple":              {mail, true},
		"two members":         {iss, true},
		"telephone":           {e.subject("phone_number", member{name: "phone_number", value: textOf("+1 206 555 0199")}), true},
		"aliases":             {aliases(mail, iss, mail), true},
		"many aliases":        {aliases(mail, iss, id("1"), id("2"), id("3"), id("4")), true},
		"complex":             {e.subject("complex", member{name: "user", value: aliases(mail, iss)}, member{name: "device", value: id("d&1")}), true},
		"no address":          {e.subject("email", member{name: "email", value: textOf("jane")}), false},
		"number":              {e.subject("opaque", member{name: "id", value: numberOf("1")}), false},
		"no format":           {e.subject("", member{name: "id", value: textOf("1")}), false},
		"unknown format":      {e.subject("badge", member{name: "id", value: textOf("1")}), false},
		"no UTF-8":            {id("\xff"), false},
		"long":                {id(strings.Repeat("x", 3000)), false},
		"no identifiers":      {aliases(), false},
		"aliases of aliases":  {aliases(aliases(mail)), false},
		"aliases of a text":   {aliases(textOf("x")), false},
		"complex of complex":  {e.subject("complex", member{name: "user", value: e.subject("complex", member{name: "user", value: mail})}), false},
		"complex of a text":   {e.subject("complex", member{name: "user", value: textOf("x")}), false},
		"complex and no more": {e.subject("complex"), false},
	} {
		s, made := e.madeSubject(c.v)
		written, err := e.writtenSubject(c.v)
		if made != c.made || made && (err != nil || s.Key() != written.Key() || s.EntityKey() != written.EntityKey()) {
			t.Errorf("%s: made %v as %s, written as %s, %v", name, made, s, written, err)
		}
	}
}
