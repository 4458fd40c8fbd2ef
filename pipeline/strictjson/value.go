package strictjson

import (
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Kind is the JSON type of a Value.
type Kind uint8

// The kinds of values. Missing is the kind of the zero Value.
const (
	Missing Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String names the kind as an error message would.
func (k Kind) String() string {
	return [...]string{"missing", "null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one value of a parsed text: a pointer and an index, cheap to copy.
// The zero Value is a missing one; every method accepts it.
type Value struct {
	d *doc
	i int32
}

// missing is the node of values that are not there.
var missing node

func (v Value) node() *node {
	if v.d == nil {
		return &missing
	}
	return &v.d.nodes[v.i]
}

// Held is the value with the whole text copied once, so that Text, Number and
// the names of Members are parts of the copy and cost nothing. It is for readers
// that take many of them and keep none: each keeps the whole copy alive.
func (v Value) Held() Value {
	if v.d == nil || v.d.text != "" {
		return v
	}
	return Value{&doc{src: v.d.src, nodes: v.d.nodes, text: string(v.d.src)}, v.i}
}

// Kind returns the JSON type, Missing for the zero Value.
func (v Value) Kind() Kind { return v.node().kind }

// Exists reports whether the value is there, null included.
func (v Value) Exists() bool { return v.d != nil }

// Get walks member names from v and returns the value at the end, or the zero
// Value when a step is missing or not an object.
func (v Value) Get(path ...string) Value {
	for _, name := range path {
		v = v.member(name)
		if v.d == nil {
			return v
		}
	}
	return v
}

func (v Value) member(name string) Value {
	n := v.node()
	if n.kind != Object {
		return Value{}
	}
	nodes, src := v.d.nodes, v.d.src
	for j, end := v.i+1, n.next; j < end; {
		c := &nodes[j]
		if c.keyEsc {
			if unescape(src[c.keyStart:c.keyEnd], true) == name {
				return Value{v.d, j}
			}
		} else if int(c.keyEnd-c.keyStart) == len(name) && string(src[c.keyStart:c.keyEnd]) == name {
			return Value{v.d, j}
		}
		j = c.next
	}
	return Value{}
}

// Find is the member of the name, and if there is none the first whose name
// has as many bytes and equals it in any case.
func (v Value) Find(name string) Value {
	n := v.node()
	if n.kind != Object {
		return Value{}
	}
	folded := int32(0) // no member is the first node
	nodes, src := v.d.nodes, v.d.src
	for j, end := v.i+1, n.next; j < end; {
		c := &nodes[j]
		at := j
		j = c.next
		if int(c.keyEnd-c.keyStart) != len(name) && !c.keyEsc {
			continue
		}
		key := src[c.keyStart:c.keyEnd]
		if c.keyEsc {
			key = []byte(unescape(key, true))
		}
		switch {
		case len(key) != len(name):
		case string(key) == name:
			return Value{v.d, at}
		case folded == 0 && strings.EqualFold(string(key), name):
			folded = at
		}
	}
	if folded == 0 {
		return Value{}
	}
	return Value{v.d, folded}
}

// Name is the name of the member that the value is, "" for any other.
func (v Value) Name() string {
	n := v.node()
	if n.keyEnd == 0 {
		return ""
	}
	return v.d.str(n.keyStart, n.keyEnd, n.keyEsc)
}

// Cursor goes through the members of an object or the elements of an array, as
// Members and Elements do, where a function that is called back is too dear. The
// zero Cursor is at its end.
type Cursor struct {
	d       *doc
	at, end int32
}

// Cursor is before the first member or element; those of other values have none.
func (v Value) Cursor() Cursor {
	if n := v.node(); n.kind == Object || n.kind == Array {
		return Cursor{v.d, v.i + 1, n.next}
	}
	return Cursor{}
}

// Next returns the next member or element, ok false after the last.
func (c *Cursor) Next() (v Value, ok bool) {
	if c.at >= c.end {
		return Value{}, false
	}
	v = Value{c.d, c.at}
	c.at = c.d.nodes[c.at].next
	return v, true
}

// Len is the number of members or elements, 0 for other kinds.
func (v Value) Len() int { return int(v.node().count) }

// Members yields an object's members in the order of the text.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		n := v.node()
		if n.kind != Object {
			return
		}
		for j := v.i + 1; j < n.next; j = v.d.nodes[j].next {
			c := &v.d.nodes[j]
			if !yield(v.d.str(c.keyStart, c.keyEnd, c.keyEsc), Value{v.d, j}) {
				return
			}
		}
	}
}

// Elements yields an array's elements.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		n := v.node()
		if n.kind != Array {
			return
		}
		for j := v.i + 1; j < n.next; j = v.d.nodes[j].next {
			if !yield(Value{v.d, j}) {
				return
			}
		}
	}
}

// Text returns the string, or "" when the value is not one.
func (v Value) Text() string {
	n := v.node()
	if n.kind != String {
		return ""
	}
	return v.d.str(n.start, n.end, n.escaped)
}

// Plain reports whether the value is a string without escapes, whose text may
// stand between quotes as it is; see Builder.Plain.
func (v Value) Plain() bool {
	n := v.node()
	return n.kind == String && !n.escaped
}

// Bool returns the boolean, false when the value is not one.
func (v Value) Bool() bool {
	n := v.node()
	return n.kind == Bool && v.d.src[n.start] == 't'
}

// Number returns the number as written, "" when the value is not one.
func (v Value) Number() json.Number {
	n := v.node()
	if n.kind != Number {
		return ""
	}
	return json.Number(v.d.str(n.start, n.end, false))
}

// Float returns the number as a float64; ok is false when the value is not a
// number or does not fit.
func (v Value) Float() (f float64, ok bool) {
	n := v.node()
	if n.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.d.src[n.start:n.end]), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Int returns the number as an int64; ok is false when it has a fraction or
// does not fit.
func (v Value) Int() (i int64, ok bool) {
	n := v.node()
	if n.kind != Number {
		return 0, false
	}
	i, err := strconv.ParseInt(string(v.d.src[n.start:n.end]), 10, 64)
	return i, err == nil
}

// Raw returns the bytes of the value as received. They must not be modified.
func (v Value) Raw() []byte {
	n := v.node()
	switch n.kind {
	case Missing:
		return nil
	case String:
		return v.d.src[n.start-1 : n.end+1]
	}
	return v.d.src[n.start:n.end]
}

// Any builds the value as encoding/json would with UseNumber: numbers are
// json.Number, so integers above 2^53 survive. Missing and null give nil.
func (v Value) Any() any {
	switch v.Kind() {
	case Bool:
		return v.Bool()
	case Number:
		return v.Number()
	case String:
		return v.Text()
	case Array:
		list := make([]any, 0, v.Len())
		for e := range v.Elements() {
			list = append(list, e.Any())
		}
		return list
	case Object:
		m := make(map[string]any, v.Len())
		for name, e := range v.Members() {
			m[name] = e.Any()
		}
		return m
	}
	return nil
}

// MarshalJSON implements json.Marshaler with the bytes as received.
func (v Value) MarshalJSON() ([]byte, error) {
	if raw := v.Raw(); raw != nil {
		return raw, nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON implements json.Unmarshaler for text of our own making; a
// stranger's text goes through Parse with its limits.
func (v *Value) UnmarshalJSON(b []byte) error {
	parsed, err := Parse(append([]byte(nil), b...), Limits{})
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
