package event

import "github.com/signalbox-dev/signalbox/pipeline/strictjson"

// This file reads the shapes of subjects that drafts, Google and the FIDO white
// paper left behind. Nothing in it runs unless a sender is configured as
// tolerant (LEGACY-16), and a conformant subject never reaches it.

// currentName maps format names of drafts to the registered ones (LEGACY-05).
func (p *subjectParser) currentName(name []byte) []byte {
	if !p.tolerant {
		return name
	}
	if current := renamed(name); current != "" {
		p.applied = append(p.applied, "LEGACY-05")
		return []byte(current)
	}
	return name
}

func renamed(name []byte) string {
	switch string(name) {
	case "phone":
		return "phone_number"
	case "jwt-id":
		return "jwt_id"
	case "saml-assertion-id":
		return "saml_assertion_id"
	case "iss-sub":
		return "iss_sub"
	}
	return ""
}

// tokenClaims is Google's format for an ID token's claims as a subject.
const tokenClaims = "id_token_claims"

// legacyFormat finds out what a subject without a format is. The empty name
// stands for the white paper's shape.
func (p *subjectParser) legacyFormat(v strictjson.Value) (name []byte, ok bool) {
	if t := v.Get("subject_type"); t.Kind() == strictjson.String {
		p.applied = append(p.applied, "LEGACY-04")
		name := stringBytes(t)
		if len(name) == 0 {
			return nil, false
		}
		if current := renamed(name); current != "" {
			return []byte(current), true
		}
		if string(name) == tokenClaims {
			p.formats = append(p.formats[:len(p.formats):len(p.formats)], tokenClaims)
		}
		return name, true
	}
	for _, member := range complexMembers {
		if v.Get(member).Kind() == strictjson.Object {
			p.applied = append(p.applied, "LEGACY-03")
			return []byte(formatComplex), true
		}
	}
	for _, member := range whitePaperMembers {
		if v.Get(member).Kind() == strictjson.String {
			return nil, true
		}
	}
	return nil, false
}

// complexMembers are the names SSF gives to members of a complex subject
// (SUB-17).
var complexMembers = [...]string{"user", "device", "session", "application", "tenant", "org_unit", "group"}

var whitePaperMembers = [...]string{"sub", "email", "old_email", "new_email"}

// whitePaper reads a bare bundle of identifiers as aliases of what is there
// (LEGACY-06). A sub without an iss is only an opaque id.
func (p *subjectParser) whitePaper(v strictjson.Value) (Subject, *SubjectError) {
	d := withParts(formatAliases, len(whitePaperMembers))
	for _, name := range whitePaperMembers {
		m := v.Get(name)
		if m.Kind() != strictjson.String {
			continue
		}
		pairs, format := []member{{"email", m.Text()}}, "email"
		if name == "sub" {
			pairs, format = []member{{"id", m.Text()}}, "opaque"
			if iss := v.Get("iss"); iss.Kind() == strictjson.String {
				pairs, format = []member{{"iss", iss.Text()}, {"sub", m.Text()}}, "iss_sub"
			}
		}
		s, problem := newFromPairs(format, pairs)
		if problem != nil {
			problem.Path = name
			return Subject{}, problem
		}
		d.parts = append(d.parts, part{"", s})
	}
	p.applied = append(p.applied, "LEGACY-06")
	if len(d.parts) == 1 {
		return d.parts[0].s, nil
	}
	return newAliases(d)
}
