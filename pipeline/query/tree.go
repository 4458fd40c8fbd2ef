package query

import (
	"strings"
	"unicode"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Query is a checked query. It is immutable; the zero value matches everything.
type Query struct{ root Node }

// Root is the top of the tree, never nil.
func (q Query) Root() Node {
	if q.root == nil {
		return All{}
	}
	return q.root
}

// String is the canonical text. Parsing it gives an equal Query.
func (q Query) String() string {
	var b strings.Builder
	q.Root().write(&b)
	return b.String()
}

// And combines queries: what all of them match.
func (q Query) And(others ...Query) Query {
	list := []Node{q.Root()}
	for _, o := range others {
		list = append(list, o.Root())
	}
	return newQuery(conjunction(list))
}

// Node is one part of a query: All, And, Or, Not, Match, Range, Exists or
// Words. A searcher translates it by a type switch.
type Node interface{ write(b *strings.Builder) }

// All matches every document.
type All struct{}

// And matches what all of its parts match. It has at least two, none an And.
type And []Node

// Or matches what any of its parts matches. It has at least two, none an Or.
type Or []Node

// Not matches what its part does not match. The part is not a Not.
type Not struct{ Of Node }

// Match compares a field with one value.
type Match struct {
	Field Field
	// Value is the text to compare with; in canonical form for dates, numbers,
	// booleans, addresses and networks.
	Value string
	// Wild says that Value is a pattern, in which * stands for any run of
	// characters, ? for any one, and a backslash makes *, ? and itself plain.
	Wild bool
}

// Range compares a date or a number with bounds, of which at least one is
// there.
type Range struct {
	Field     Field
	Low, High Bound
}

// Bound is one end of a Range. The zero Bound is none.
type Bound struct {
	Value string // canonical, "" for no bound
	Open  bool   // the value itself is outside
}

// Exists matches documents that have the field.
type Exists struct{ Field Field }

// Words is free text: it is looked for in every text, keyword, flattened and
// ip field.
type Words struct {
	Value string
	Wild  bool // as in Match
}

// Field is a field of the schema, or a leaf inside a flattened one.
type Field struct {
	Name string        // name in the schema
	Key  string        // path below a flattened field, "" for the whole
	Type document.Type // of the schema
}

// String is the field as written in a query.
func (f Field) String() string {
	if f.Key == "" {
		return f.Name
	}
	var b strings.Builder
	b.WriteString(f.Name)
	b.WriteByte('.')
	writeEscaped(&b, f.Key)
	return b.String()
}

// newQuery makes the query of a tree; that of everything is the zero value.
func newQuery(n Node) Query {
	if _, all := n.(All); all {
		n = nil
	}
	return Query{n}
}

// conjunction flattens nested conjunctions and drops what matches everything.
func conjunction(list []Node) Node {
	var out And
	for _, n := range list {
		switch n := n.(type) {
		case All:
		case And:
			out = append(out, n...)
		default:
			out = append(out, n)
		}
	}
	switch len(out) {
	case 0:
		return All{}
	case 1:
		return out[0]
	}
	return out
}

// disjunction flattens nested disjunctions.
func disjunction(list []Node) Node {
	var out Or
	for _, n := range list {
		if inner, ok := n.(Or); ok {
			out = append(out, inner...)
			continue
		}
		out = append(out, n)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// negation drops a double one.
func negation(n Node) Node {
	if inner, ok := n.(Not); ok {
		return inner.Of
	}
	return Not{n}
}

func (All) write(b *strings.Builder) { b.WriteByte('*') }

func (a And) write(b *strings.Builder) {
	for i, n := range a {
		if i > 0 {
			b.WriteString(" AND ")
		}
		if _, or := n.(Or); or {
			writeGroup(b, n)
		} else {
			n.write(b)
		}
	}
}

func (o Or) write(b *strings.Builder) {
	for i, n := range o {
		if i > 0 {
			b.WriteString(" OR ")
		}
		n.write(b)
	}
}

func (n Not) write(b *strings.Builder) {
	b.WriteString("NOT ")
	switch n.Of.(type) {
	case And, Or:
		writeGroup(b, n.Of)
	default:
		n.Of.write(b)
	}
}

func writeGroup(b *strings.Builder, n Node) {
	b.WriteByte('(')
	n.write(b)
	b.WriteByte(')')
}

func (m Match) write(b *strings.Builder) {
	b.WriteString(m.Field.String())
	b.WriteByte(':')
	switch {
	case m.Wild:
		writePattern(b, m.Value, false)
	case bareValue(m.Value):
		b.WriteString(m.Value)
	default:
		writeQuoted(b, m.Value)
	}
}

func (r Range) write(b *strings.Builder) {
	b.WriteString(r.Field.String())
	b.WriteByte(':')
	switch {
	case r.High == Bound{}:
		b.WriteByte('>')
		if !r.Low.Open {
			b.WriteByte('=')
		}
		b.WriteString(r.Low.Value)
	case r.Low == Bound{}:
		b.WriteByte('<')
		if !r.High.Open {
			b.WriteByte('=')
		}
		b.WriteString(r.High.Value)
	default:
		b.WriteByte(bracket(r.Low.Open, '{', '['))
		b.WriteString(r.Low.Value)
		b.WriteString(" TO ")
		b.WriteString(r.High.Value)
		b.WriteByte(bracket(r.High.Open, '}', ']'))
	}
}

func bracket(open bool, outside, inside byte) byte {
	if open {
		return outside
	}
	return inside
}

func (e Exists) write(b *strings.Builder) {
	b.WriteString(e.Field.String())
	b.WriteString(":*")
}

func (w Words) write(b *strings.Builder) {
	switch {
	case w.Wild:
		writePattern(b, w.Value, true)
	case bareWord(w.Value):
		b.WriteString(w.Value)
	default:
		writeQuoted(b, w.Value)
	}
}

// special are the characters with a meaning outside quotes; white space is
// another. A colon has one only before the value of a term.
const special = `()"[]{}<>\*?`

func isSpecial(r rune) bool { return strings.ContainsRune(special, r) || unicode.IsSpace(r) }

// bareValue reports whether a field's value can stand without quotes.
func bareValue(s string) bool { return s != "" && !strings.ContainsFunc(s, isSpecial) }

// bareWord reports whether free text can stand without quotes.
func bareWord(s string) bool {
	return bareValue(s) && !strings.ContainsRune(s, ':') && !strings.ContainsRune("+-!", rune(s[0])) && operatorHint(s) == "" && !isOperator(s)
}

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
}

// writePattern writes a pattern without quotes. Free text has more to escape:
// colons, and signs at its start.
func writePattern(b *strings.Builder, pattern string, free bool) {
	plain := false
	for i, r := range pattern {
		switch {
		case plain:
			plain = false
		case r == '\\':
			plain = true
		case r == '*' || r == '?':
		case isSpecial(r), free && r == ':', free && i == 0 && strings.ContainsRune("+-!", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}

// writeEscaped writes a name in which nothing is a pattern.
func writeEscaped(b *strings.Builder, s string) {
	for _, r := range s {
		if isSpecial(r) || r == ':' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}
