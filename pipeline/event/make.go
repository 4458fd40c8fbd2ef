package event

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// NewSimple makes a simple subject of a standard or proprietary format from
// pairs of member names and values: NewSimple("email", "email", "a@b.example").
// It returns a *SubjectError for what ParseSubject would refuse.
func NewSimple(format string, members ...string) (Subject, error) {
	if len(members) == 0 || len(members)%2 != 0 {
		return Subject{}, errors.New("new subject: members must come as pairs of name and value")
	}
	for _, s := range members {
		if !utf8.ValidString(s) {
			return Subject{}, &SubjectError{"", "SUB-02", "must be valid UTF-8"}
		}
	}
	if f := formatByName(format); f != nil && f.madeOf(members) {
		var values [most]string
		for i := range f.members {
			values[i] = members[2*i+1]
		}
		return checked(simple(f, values[:len(f.members)]))
	}
	pairs := make([]member, 0, len(members)/2)
	for i := 0; i < len(members); i += 2 {
		pairs = append(pairs, member{members[i], members[i+1]})
	}
	return checked(newFromPairs(format, pairs))
}

// madeOf reports whether the names of the pairs are the format's members, in
// order and without optional ones.
func (f *format) madeOf(pairs []string) bool {
	if len(pairs) != 2*len(f.members) {
		return false
	}
	for i, name := range f.members {
		if pairs[2*i] != name {
			return false
		}
	}
	return true
}

// NewAliases makes a subject known by several identifiers, which are simple. It
// returns a *SubjectError for what ParseSubject would refuse.
func NewAliases(identifiers ...Subject) (Subject, error) {
	if len(identifiers) > maxIdentifiers {
		return Subject{}, &SubjectError{"identifiers", "JWT-09", fmt.Sprintf("must not hold more than %d", maxIdentifiers)}
	}
	d := withParts(formatAliases, len(identifiers))
	for _, s := range identifiers {
		switch s.Format() {
		case "", formatComplex:
			return Subject{}, &SubjectError{"identifiers", "SUB-18", "must be simple"}
		case formatAliases:
			return Subject{}, &SubjectError{"identifiers", "SUB-10", "must not be aliases again"}
		}
		d.parts = append(d.parts, part{"", s})
	}
	return checked(newAliases(d))
}

// Part is a member of a complex subject, such as "user".
type Part struct {
	Name    string
	Subject Subject // simple or aliases
}

// NewComplex makes a subject of several parts. It returns a *SubjectError for
// what ParseSubject would refuse.
func NewComplex(parts ...Part) (Subject, error) {
	if len(parts) > maxParts {
		return Subject{}, &SubjectError{"", "JWT-09", fmt.Sprintf("must not have more than %d members", maxParts)}
	}
	d := withParts(formatComplex, len(parts))
	for i, p := range parts {
		switch {
		case p.Name == "format" || slices.ContainsFunc(parts[:i], func(o Part) bool { return o.Name == p.Name }):
			return Subject{}, &SubjectError{"", "SUB-20", "has a member that is repeated or must not be there"}
		case len(p.Name) > maxValue:
			return Subject{}, &SubjectError{"", "JWT-09", "has a member name that is too long"}
		case !utf8.ValidString(p.Name):
			return Subject{}, &SubjectError{"", "SUB-02", "must be valid UTF-8"}
		case p.Subject.IsZero() || p.Subject.d.format == formatComplex:
			return Subject{}, (&SubjectError{"", "SUB-18", "must be simple or aliases"}).below(p.Name)
		}
		d.parts = append(d.parts, part{p.Name, p.Subject})
	}
	return checked(newComplex(d))
}

func newFromPairs(name string, pairs []member) (Subject, *SubjectError) {
	switch name {
	case "", formatAliases, formatComplex:
		return Subject{}, &SubjectError{"format", "SUB-21", "must be a simple format"}
	case formatIPs:
		var texts []string
		for _, m := range pairs {
			if m.name != formatIPs {
				return Subject{}, &SubjectError{m.name, "SUB-04", "is not a member of the format"}
			}
			texts = append(texts, m.value)
		}
		return newAddresses(texts)
	}
	f := formatByName(name)
	if f == nil {
		return newProprietary(name, pairs)
	}
	var values [most]string
	var extra []member
	for i, m := range pairs {
		if slices.ContainsFunc(pairs[:i], func(other member) bool { return other.name == m.name }) {
			return Subject{}, &SubjectError{m.name, "SUB-20", "must not be repeated"}
		}
		if at := slices.Index(f.members, m.name); at >= 0 {
			values[at] = m.value
		} else if slices.Contains(f.optional, m.name) {
			extra = append(extra, m)
		} else {
			return Subject{}, &SubjectError{m.name, "SUB-04", "is not a member of the format"}
		}
	}
	s, problem := simple(f, values[:len(f.members)])
	if problem == nil && extra != nil {
		s.d.members = append(s.d.members, extra...)
	}
	return s, problem
}
