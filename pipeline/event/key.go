package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Keys are made of a format name, a colon and the values, separated by '|'.
// What would be read as structure is percent-encoded, so that no two subjects
// share a key, whatever a sender puts into them.
type place uint8

const (
	inValue  place = 1 << iota // '|' separates the values of a simple subject
	inName                     // ':', '|' and '=' end a format or member name
	inNested                   // '&' and '=' separate the keys inside a complex or aliases subject
)

// structure tells in which places a byte must be escaped.
var structure = func() (table [256]place) {
	for c := range 0x20 {
		table[c] = inValue | inName | inNested
	}
	table[0x7f] = inValue | inName | inNested
	table['%'] = inValue | inName | inNested
	table['|'] = inValue | inName
	table[':'] = inName
	table['='] = inName | inNested
	table['&'] = inNested
	return table
}()

// most is the number of members that a format defines at most.
const most = 2

// simple builds a simple subject from the values of its members in order.
func simple[S ~string | ~[]byte](f *format, values []S) (Subject, *SubjectError) {
	d := new(struct {
		subject
		room [most]member
	})
	d.format, d.members = f.name, d.room[:len(f.members)]
	if f.name == "phone_number" {
		values[0] = S(normalPhone(string(values[0])))
	}
	var (
		buf  [192]byte
		ends [most]int
	)
	key := append(append(buf[:0], f.name...), ':')
	plain := true
	for i, v := range values {
		switch {
		case len(v) == 0:
			return Subject{}, &SubjectError{f.members[i], "SUB-03", "must not be empty"}
		case len(v) > maxValue:
			return Subject{}, &SubjectError{f.members[i], "JWT-09", fmt.Sprintf("must not be longer than %d bytes", maxValue)}
		}
		if i > 0 {
			key = append(key, '|')
		}
		before := len(key)
		key = appendEscaped(key, v, inValue)
		ends[i] = len(key)
		plain = plain && len(key)-before == len(v)
	}
	d.key = string(key)
	from := len(f.name) + 1
	for i, v := range values {
		value := d.key[from:ends[i]] // shares the memory of the key
		if !plain {
			value = string(v)
		}
		d.members[i] = member{f.members[i], value}
		from = ends[i] + 1
	}
	if f.valid != nil && !f.valid(d.members[0].value) {
		return Subject{}, &SubjectError{f.members[0], f.invalid, f.problem}
	}
	d.entity = f.fold(d.key)
	return Subject{&d.subject}, nil
}

// fold makes the entity key of a key (SUB-07).
func (f *format) fold(key string) string {
	switch f.name {
	case "email", "account":
		return strings.ToLower(key)
	}
	return key
}

// ParseKey is the inverse of Key. It also takes a bare address such as
// "jane@example.com" as an e-mail. Members that are no part of the identity,
// such as SCIM's externalId, do not come back.
func ParseKey(key string) (Subject, error) {
	if !utf8.ValidString(key) {
		return Subject{}, errors.New("parse subject key: it is not valid UTF-8")
	}
	s, err := parseKey(key, 0)
	if err != nil {
		return Subject{}, fmt.Errorf("parse subject key: %w", err)
	}
	return s, nil
}

// How deep a key may stand inside others.
const (
	inComplex = 1
	inAliases = 2
)

func parseKey(key string, inside int) (Subject, error) {
	name, rest, ok := strings.Cut(key, ":")
	if !ok {
		if inside == 0 && strings.Contains(key, "@") {
			return checked(newFromPairs("email", []member{{"email", key}}))
		}
		return Subject{}, errors.New(`it must read "<format>:<value>", such as "email:jane@example.com"`)
	}
	name, err := unescape(name)
	if err != nil {
		return Subject{}, err
	}
	switch {
	case name == formatComplex && inside < inComplex:
		return parseComplexKey(rest)
	case name == formatAliases && inside < inAliases:
		return parseAliasesKey(rest)
	case name == formatComplex || name == formatAliases:
		return Subject{}, fmt.Errorf("%s must not stand inside another subject", name)
	}
	texts := strings.Split(rest, "|")
	if len(texts) > maxIdentifiers {
		return Subject{}, errors.New("it has too many values")
	}
	f := formatByName(name)
	pairs := make([]member, len(texts))
	for i, text := range texts {
		switch {
		case name == formatIPs:
			pairs[i].name = formatIPs
		case f != nil:
			if len(texts) != len(f.members) {
				return Subject{}, fmt.Errorf("%s takes %d values separated by '|', not %d", name, len(f.members), len(texts))
			}
			pairs[i].name = f.members[i]
		default:
			label, value, ok := strings.Cut(text, "=")
			if !ok {
				return Subject{}, fmt.Errorf("the format %q is not known", name)
			}
			if pairs[i].name, err = unescape(label); err != nil {
				return Subject{}, err
			}
			if slices.ContainsFunc(pairs[:i], func(other member) bool { return other.name == pairs[i].name }) {
				return Subject{}, errors.New("a member is repeated")
			}
			text = value
		}
		if pairs[i].value, err = unescape(text); err != nil {
			return Subject{}, err
		}
	}
	return checked(newFromPairs(name, pairs))
}

// checked turns the concrete error type into the interface, nil staying nil.
func checked(s Subject, problem *SubjectError) (Subject, error) {
	if problem != nil {
		return Subject{}, problem
	}
	return s, nil
}

func parseComplexKey(rest string) (Subject, error) {
	texts := strings.Split(rest, "&")
	if len(texts) > maxParts {
		return Subject{}, errors.New("it has too many members")
	}
	d := withParts(formatComplex, len(texts))
	for _, text := range texts {
		name, key, ok := strings.Cut(text, "=")
		if !ok {
			return Subject{}, errors.New(`a complex key must read "complex:<name>=<key>&<name>=<key>"`)
		}
		name, err := unescape(name)
		if err != nil {
			return Subject{}, err
		}
		if name == "format" || len(name) > maxValue || slices.ContainsFunc(d.parts, func(p part) bool { return p.name == name }) {
			return Subject{}, errors.New("a member is repeated or must not be there")
		}
		if key, err = unescape(key); err != nil {
			return Subject{}, err
		}
		s, err := parseKey(key, inComplex)
		if err != nil {
			return Subject{}, err
		}
		d.parts = append(d.parts, part{name, s})
	}
	return checked(newComplex(d))
}

func parseAliasesKey(rest string) (Subject, error) {
	texts := strings.Split(rest, "&")
	if len(texts) > maxIdentifiers {
		return Subject{}, errors.New("it has too many identifiers")
	}
	d := withParts(formatAliases, len(texts))
	for _, text := range texts {
		key, err := unescape(text)
		if err != nil {
			return Subject{}, err
		}
		s, err := parseKey(key, inAliases)
		if err != nil {
			return Subject{}, err
		}
		d.parts = append(d.parts, part{"", s})
	}
	return checked(newAliases(d))
}

// complexKey writes the parts, which are sorted by name.
func complexKey(parts []part) string {
	var buf [512]byte
	key := append(buf[:0], "complex:"...)
	for i, p := range parts {
		if i > 0 {
			key = append(key, '&')
		}
		key = appendEscaped(key, p.name, inNested)
		key = append(key, '=')
		key = appendEscaped(key, p.s.d.key, inNested)
	}
	return string(key)
}

// aliasesKey writes the identifiers, which are sorted by key.
func aliasesKey(parts []part) string {
	var buf [512]byte
	key := append(buf[:0], "aliases:"...)
	for i, p := range parts {
		if i > 0 {
			key = append(key, '&')
		}
		key = appendEscaped(key, p.s.d.key, inNested)
	}
	return string(key)
}

// valuesKey writes values alone, their names being given by the format.
func valuesKey(format string, members []member) string {
	key := append([]byte(format), ':')
	for i, m := range members {
		if i > 0 {
			key = append(key, '|')
		}
		key = appendEscaped(key, m.value, inValue)
	}
	return string(key)
}

// namedKey writes the names too, for formats whose members are not known.
func namedKey(format string, members []member) string {
	key := append(appendEscaped(nil, format, inName), ':')
	for i, m := range members {
		if i > 0 {
			key = append(key, '|')
		}
		key = appendEscaped(key, m.name, inName)
		key = append(key, '=')
		key = appendEscaped(key, m.value, inValue)
	}
	return string(key)
}

// appendEscaped percent-encodes '%', controls and what is structure here.
func appendEscaped[S ~string | ~[]byte](b []byte, s S, here place) []byte {
	const digits = "0123456789ABCDEF"
	from := 0
	for i := range len(s) {
		if c := s[i]; structure[c]&here != 0 {
			b = append(append(b, s[from:i]...), '%', digits[c>>4], digits[c&15])
			from = i + 1
		}
	}
	return append(b, s[from:]...)
}

// unescape decodes percent escapes; an incomplete one is an error.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2]) {
			return "", errors.New("'%' must be followed by two hexadecimal digits")
		}
		b = append(b, hexValue(s[i+1])<<4|hexValue(s[i+2]))
		i += 2
	}
	if !utf8.Valid(b) {
		return "", errors.New("it is not valid UTF-8")
	}
	return string(b), nil
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
