package event

import (
	"iter"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Bounds on what one subject may hold (JWT-09).
const (
	maxValue       = 2048 // bytes of one member
	maxParts       = 32   // members of a complex subject
	maxIdentifiers = 64   // identifiers of an aliases subject, addresses, members of an agreed format
)

// Subject names whom or what an event is about: a subject identifier of
// RFC 9493 or of the Shared Signals Framework. It is immutable and cheap to
// copy; its keys are computed once, when it is made. The zero Subject is an
// absent one. Compare subjects by Key or with Match, not with ==.
type Subject struct{ d *subject }

type subject struct {
	format  string
	key     string
	entity  string   // "" for aliases and complex
	members []member // of a simple subject, in key order
	parts   []part   // of a complex, sorted by name; of an aliases, sorted by key
}

// withParts is a subject of up to n parts, whose slice is still empty. Two parts,
// as most have, come with it.
func withParts(format string, n int) *subject {
	const few = 2
	if n > few {
		return &subject{format: format, parts: make([]part, 0, n)}
	}
	d := new(struct {
		subject
		room [few]part
	})
	d.format, d.parts = format, d.room[:0]
	return &d.subject
}

type member struct{ name, value string }

type part struct {
	name string // "" in an aliases
	s    Subject
}

// The two formats that are made of others.
const (
	formatAliases = "aliases"
	formatComplex = "complex"
	formatIPs     = "ip-addresses"
)

// IsZero reports whether the subject is absent.
func (s Subject) IsZero() bool { return s.d == nil }

// Format returns the identifier format, such as "email", "aliases" or
// "complex", and "" for an absent subject.
func (s Subject) Format() string {
	if s.d == nil {
		return ""
	}
	return s.d.format
}

// Key returns the canonical key: equal keys mean identical subjects (MATCH-01).
// A simple subject reads "email:jane@example.com" or
// "iss_sub:https://idp.example.com|u-1", a complex one
// "complex:device=<key>&user=<key>". ParseKey is the inverse.
func (s Subject) Key() string {
	if s.d == nil {
		return ""
	}
	return s.d.key
}

// EntityKey returns Key after the folding that finds the same entity under
// different spellings: e-mail and account addresses in lower case (SUB-07);
// telephone numbers and IP addresses are normalized in every key. It is "" for aliases and complex subjects,
// whose identifiers are folded one by one. Two issuers may give out the same
// opaque, scim or session id: the key alone does not keep them apart.
func (s Subject) EntityKey() string {
	if s.d == nil {
		return ""
	}
	return s.d.entity
}

// Member returns a member of a simple subject, such as "iss", or "". Of
// several addresses it returns the first.
func (s Subject) Member(name string) string {
	if s.d != nil {
		for i := range s.d.members {
			if s.d.members[i].name == name {
				return s.d.members[i].value
			}
		}
	}
	return ""
}

// Members yields the members of a simple subject in key order; a member that
// holds several addresses comes once for each.
func (s Subject) Members() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if s.d == nil {
			return
		}
		for _, m := range s.d.members {
			if !yield(m.name, m.value) {
				return
			}
		}
	}
}

// Part returns a member of a complex subject, such as "user".
func (s Subject) Part(name string) (Subject, bool) {
	if s.d != nil && s.d.format == formatComplex {
		for i := range s.d.parts {
			if s.d.parts[i].name == name {
				return s.d.parts[i].s, true
			}
		}
	}
	return Subject{}, false
}

// Parts yields the members of a complex subject sorted by name, and nothing
// for any other.
func (s Subject) Parts() iter.Seq2[string, Subject] {
	return func(yield func(string, Subject) bool) {
		if s.d == nil || s.d.format != formatComplex {
			return
		}
		for _, p := range s.d.parts {
			if !yield(p.name, p.s) {
				return
			}
		}
	}
}

// Identifiers yields the simple identifiers of one entity: those of an aliases
// subject, a simple subject itself, and nothing for a complex one.
func (s Subject) Identifiers() iter.Seq[Subject] {
	return func(yield func(Subject) bool) {
		switch s.Format() {
		case "", formatComplex:
		case formatAliases:
			for _, p := range s.d.parts {
				if !yield(p.s) {
					return
				}
			}
		default:
			yield(s)
		}
	}
}

// String returns Key, so that subjects read well in logs and test failures.
func (s Subject) String() string { return s.Key() }

// AppendJSON appends the subject as the standards write it, without members
// its format does not define (SUB-04). An absent subject is null.
func (s Subject) AppendJSON(b []byte) []byte {
	if s.d == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"format":`...)
	b = strictjson.AppendString(b, s.d.format)
	switch s.d.format {
	case formatComplex:
		for _, p := range s.d.parts {
			b = append(b, ',')
			b = strictjson.AppendString(b, p.name)
			b = append(b, ':')
			b = p.s.AppendJSON(b)
		}
	case formatAliases:
		b = append(b, `,"identifiers":[`...)
		for i, p := range s.d.parts {
			if i > 0 {
				b = append(b, ',')
			}
			b = p.s.AppendJSON(b)
		}
		b = append(b, ']')
	case formatIPs:
		b = append(b, `,"ip-addresses":[`...)
		for i, m := range s.d.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = strictjson.AppendString(b, m.value)
		}
		b = append(b, ']')
	default:
		for _, m := range s.d.members {
			b = append(b, ',')
			b = strictjson.AppendString(b, m.name)
			b = append(b, ':')
			b = strictjson.AppendString(b, m.value)
		}
	}
	return append(b, '}')
}

// MarshalJSON implements json.Marshaler.
func (s Subject) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler for text of our own making, such as
// a journal record: any agreed format passes, and null is an absent subject.
// What a stranger wrote goes through ParseSubject.
func (s *Subject) UnmarshalJSON(b []byte) error {
	v, err := strictjson.Parse(slices.Clone(b), strictjson.Limits{})
	if err != nil {
		return err
	}
	if v.Kind() == strictjson.Null {
		*s = Subject{}
		return nil
	}
	p := subjectParser{anyFormat: true}
	parsed, problem := p.subject(v)
	if problem != nil {
		return problem
	}
	*s = parsed
	return nil
}
