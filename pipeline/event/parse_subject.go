package event

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// SubjectOptions says how a sender's subjects are read.
type SubjectOptions struct {
	Tolerant bool     // accept the legacy shapes LEGACY-03 to LEGACY-06
	Bare     bool     // a subject without a format is a complex one (OKTA-04)
	Formats  []string // proprietary formats agreed with the sender (SUB-21)
}

// SubjectError says what is wrong with a subject and where.
type SubjectError struct {
	Path        string // member within the subject: "user.email", "" for the subject itself
	Requirement string // "SUB-06"
	Problem     string // lower case, without foreign values
}

// Error implements error.
func (e *SubjectError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("subject %s (%s)", e.Problem, e.Requirement)
	}
	return fmt.Sprintf("subject member %s %s (%s)", e.Path, e.Problem, e.Requirement)
}

// below puts the error under a member of an enclosing subject. The name may be
// a stranger's, so an odd one is quoted and cut.
func (e *SubjectError) below(name string) *SubjectError {
	if len(name) > 40 || !uriText(name, "_-[]") {
		name = fmt.Sprintf("%.40q", name)
	}
	if e.Path != "" {
		name += "." + e.Path
	}
	return &SubjectError{name, e.Requirement, e.Problem}
}

// ParseSubject reads a subject identifier a stranger wrote. Members that its
// format does not define are ignored. It returns the tolerance workarounds that
// were needed, sorted, and nil or a *SubjectError.
func ParseSubject(v strictjson.Value, o SubjectOptions) (s Subject, applied []string, err error) {
	p := subjectParser{tolerant: o.Tolerant, bare: o.Bare, formats: o.Formats}
	s, problem := p.subject(v)
	if problem != nil {
		return Subject{}, nil, problem
	}
	slices.Sort(p.applied)
	return s, slices.Compact(p.applied), nil
}

type subjectParser struct {
	tolerant  bool
	bare      bool
	anyFormat bool // every proprietary format passes
	formats   []string
	applied   []string
}

// subject reads a simple, aliases or complex subject.
func (p *subjectParser) subject(v strictjson.Value) (Subject, *SubjectError) {
	if v.Kind() != strictjson.Object {
		return Subject{}, &SubjectError{"", "SUB-13", "must be an object"}
	}
	if p.bare && !v.Get("format").Exists() {
		return p.complex(v)
	}
	name, problem := p.format(v)
	switch {
	case problem != nil:
		return Subject{}, problem
	case string(name) == formatComplex:
		return p.complex(v)
	}
	return p.simple(name, v)
}

// format returns the name of the identifier format. The complex one may go
// without in a tolerant reading; the white paper's shape has the empty name.
func (p *subjectParser) format(v strictjson.Value) ([]byte, *SubjectError) {
	f := v.Get("format")
	switch f.Kind() {
	case strictjson.String:
		return p.currentName(stringBytes(f)), nil
	case strictjson.Missing:
		if p.tolerant {
			if name, ok := p.legacyFormat(v); ok {
				return name, nil
			}
		}
		return nil, &SubjectError{"", "SUB-01", "must have a format"}
	}
	return nil, &SubjectError{"format", "SUB-01", "must be a string"}
}

// simple reads everything but a complex subject.
func (p *subjectParser) simple(name []byte, v strictjson.Value) (Subject, *SubjectError) {
	switch string(name) {
	case "":
		if !p.tolerant || v.Get("format").Exists() {
			return Subject{}, &SubjectError{"format", "SUB-01", "must not be empty"}
		}
		return p.whitePaper(v)
	case formatAliases:
		return p.aliases(v)
	case formatIPs:
		return p.addresses(v)
	}
	f := formatByName(name)
	if f == nil {
		return p.agreed(string(name), v)
	}
	var values [most][]byte
	for i, m := range f.members {
		b, problem := p.required(v, f, m)
		if problem != nil {
			return Subject{}, problem
		}
		values[i] = b
	}
	s, problem := simple(f, values[:len(f.members)])
	if problem != nil || f.optional == nil {
		return s, problem
	}
	for _, m := range f.optional {
		if o := v.Get(m); o.Kind() == strictjson.String {
			text := o.Text()
			if text == "" || len(text) > maxValue {
				continue
			}
			s.d.members = append(s.d.members, member{m, text})
		}
	}
	return s, nil
}

// required returns a member of a format as bytes.
func (p *subjectParser) required(v strictjson.Value, f *format, name string) ([]byte, *SubjectError) {
	m := v.Get(name)
	if !m.Exists() && p.tolerant && f.name == "phone_number" {
		m = v.Get("phone")
	}
	switch m.Kind() {
	case strictjson.Missing:
		return nil, &SubjectError{name, f.missing(), "is required"}
	case strictjson.Null:
		return nil, &SubjectError{name, "SUB-03", "must not be null"}
	case strictjson.String:
		return stringBytes(m), nil
	}
	return nil, &SubjectError{name, f.missing(), "must be a string"}
}

// stringBytes returns the text of a string value, without a copy unless it
// holds escapes.
func stringBytes(v strictjson.Value) []byte {
	raw := v.Raw()
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		return []byte(v.Text())
	}
	return raw
}

// element reads a member of a complex or an element of an aliases subject,
// which must be simple itself.
func (p *subjectParser) element(v strictjson.Value) (name []byte, problem *SubjectError) {
	if v.Kind() != strictjson.Object {
		return nil, &SubjectError{"", "SUB-18", "must be a subject identifier"}
	}
	if name, problem = p.format(v); problem != nil {
		problem.Requirement = "SUB-18"
		return nil, problem
	}
	if string(name) == formatComplex {
		return nil, &SubjectError{"", "SUB-18", "must not be complex"}
	}
	return name, nil
}

// complex reads the named members of a complex subject. A member that is no
// identifier is refused rather than ignored: without it the subject would
// stand for more than the sender said (SUB-27).
func (p *subjectParser) complex(v strictjson.Value) (Subject, *SubjectError) {
	d := withParts(formatComplex, min(v.Len()-1, maxParts)) // beside the format
	for name, m := range v.Members() {
		if name == "format" || name == "subject_type" && m.Kind() == strictjson.String {
			continue
		}
		if len(d.parts) == maxParts {
			return Subject{}, &SubjectError{"", "JWT-09", fmt.Sprintf("must not have more than %d members", maxParts)}
		}
		if len(name) > maxValue {
			return Subject{}, &SubjectError{"", "JWT-09", "has a member name that is too long"}
		}
		format, problem := p.element(m)
		if problem != nil {
			return Subject{}, problem.below(name)
		}
		s, problem := p.simple(format, m)
		if problem != nil {
			return Subject{}, problem.below(name)
		}
		d.parts = append(d.parts, part{name, s})
	}
	return newComplex(d)
}

// newComplex completes a complex subject with its parts.
func newComplex(d *subject) (Subject, *SubjectError) {
	if len(d.parts) == 0 {
		return Subject{}, &SubjectError{"", "SUB-16", "must have at least one member"}
	}
	slices.SortFunc(d.parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	d.key = complexKey(d.parts)
	return Subject{d}, nil
}

// aliases reads several identifiers of one entity, none of which may be aliases
// again, in the standard's or the white paper's shape (SUB-10).
func (p *subjectParser) aliases(v strictjson.Value) (Subject, *SubjectError) {
	list := v.Get("identifiers")
	switch list.Kind() {
	case strictjson.Array:
	case strictjson.Missing:
		return Subject{}, &SubjectError{"identifiers", "SUB-02", "is required"}
	case strictjson.Null:
		return Subject{}, &SubjectError{"identifiers", "SUB-03", "must not be null"}
	default:
		return Subject{}, &SubjectError{"identifiers", "SUB-02", "must be an array"}
	}
	if list.Len() > maxIdentifiers {
		return Subject{}, &SubjectError{"identifiers", "JWT-09", fmt.Sprintf("must not hold more than %d", maxIdentifiers)}
	}
	d := withParts(formatAliases, list.Len())
	for e := range list.Elements() {
		at := func(problem *SubjectError) (Subject, *SubjectError) {
			return Subject{}, problem.below(fmt.Sprintf("identifiers[%d]", len(d.parts)))
		}
		format, problem := p.element(e)
		if problem != nil {
			return at(problem)
		}
		if string(format) == formatAliases {
			return at(&SubjectError{"", "SUB-10", "must not be aliases again"})
		}
		s, problem := p.simple(format, e)
		if problem != nil {
			return at(problem)
		}
		if s.Format() == formatAliases {
			return at(&SubjectError{"", "SUB-10", "must not be aliases again"})
		}
		d.parts = append(d.parts, part{"", s})
	}
	return newAliases(d)
}

// newAliases completes an aliases subject: its identifiers are sorted and exact
// duplicates dropped (SUB-11).
func newAliases(d *subject) (Subject, *SubjectError) {
	if len(d.parts) == 0 {
		return Subject{}, &SubjectError{"identifiers", "SUB-03", "must not be empty"}
	}
	slices.SortFunc(d.parts, func(a, b part) int { return strings.Compare(a.s.Key(), b.s.Key()) })
	d.parts = slices.CompactFunc(d.parts, func(a, b part) bool { return a.s.Key() == b.s.Key() })
	d.key = aliasesKey(d.parts)
	return Subject{d}, nil
}

func (p *subjectParser) addresses(v strictjson.Value) (Subject, *SubjectError) {
	list := v.Get(formatIPs)
	if list.Kind() != strictjson.Array {
		return Subject{}, &SubjectError{formatIPs, "SUB-24", "must be an array of addresses"}
	}
	texts := make([]string, 0, min(list.Len(), maxIdentifiers))
	for e := range list.Elements() {
		if len(texts) == maxIdentifiers {
			break // newAddresses refuses the number
		}
		texts = append(texts, e.Text())
	}
	if list.Len() > maxIdentifiers {
		return Subject{}, &SubjectError{formatIPs, "JWT-09", fmt.Sprintf("must not hold more than %d", maxIdentifiers)}
	}
	return newAddresses(texts)
}

// newAddresses takes the addresses in canonical text, sorted, each once.
func newAddresses(texts []string) (Subject, *SubjectError) {
	if len(texts) == 0 {
		return Subject{}, &SubjectError{formatIPs, "SUB-24", "must not be empty"}
	}
	for i, text := range texts {
		addr, ok := normalAddress(text)
		if !ok {
			return Subject{}, &SubjectError{fmt.Sprintf("%s[%d]", formatIPs, i), "SUB-24", "must be an IP address"}
		}
		texts[i] = addr
	}
	slices.Sort(texts)
	d := &subject{format: formatIPs}
	for _, text := range slices.Compact(texts) {
		d.members = append(d.members, member{formatIPs, text})
	}
	d.key = valuesKey(d.format, d.members)
	d.entity = d.key
	return Subject{d}, nil
}

// agreed reads a subject of a proprietary format. All members are its identity;
// one that is no string could not be told from another, so it is refused.
func (p *subjectParser) agreed(name string, v strictjson.Value) (Subject, *SubjectError) {
	if !p.anyFormat && !slices.Contains(p.formats, name) {
		return Subject{}, &SubjectError{"format", "SUB-21", "must be registered or agreed with the sender"}
	}
	return p.proprietary(name, v)
}

func (p *subjectParser) proprietary(name string, v strictjson.Value) (Subject, *SubjectError) {
	if v.Len() > maxIdentifiers {
		return Subject{}, &SubjectError{"", "JWT-09", fmt.Sprintf("must not have more than %d members", maxIdentifiers)}
	}
	members := make([]member, 0, v.Len())
	for m, value := range v.Members() {
		if m == "format" || p.tolerant && m == "subject_type" {
			continue
		}
		if value.Kind() != strictjson.String {
			problem := &SubjectError{"", "SUB-21", "must be a string in a format agreed with the sender"}
			return Subject{}, problem.below(m)
		}
		members = append(members, member{m, value.Text()})
	}
	return newProprietary(name, members)
}

func newProprietary(name string, members []member) (Subject, *SubjectError) {
	if len(members) == 0 {
		return Subject{}, &SubjectError{"", "SUB-02", "must have a member beside its format"}
	}
	if len(name) > maxValue {
		return Subject{}, &SubjectError{"format", "JWT-09", "is too long"}
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	for _, m := range members {
		if len(m.name) > maxValue || len(m.value) > maxValue {
			return Subject{}, &SubjectError{"", "JWT-09", fmt.Sprintf("must not have members longer than %d bytes", maxValue)}
		}
	}
	key := namedKey(name, members)
	return Subject{&subject{format: name, key: key, entity: key, members: members}}, nil
}
