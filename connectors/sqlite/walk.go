package sqlite

import (
	"strings"
	"unicode"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// schemaNode is a place in the tree of searchable fields.
type schemaNode struct {
	typ      document.Type // "" for inner nodes
	children map[string]*schemaNode
}

// schemaRoot holds the fields free text looks at and tokens are made of.
var schemaRoot = func() *schemaNode {
	root := &schemaNode{children: map[string]*schemaNode{}}
	for _, f := range document.Fields() {
		switch f.Type {
		case document.Keyword, document.Text, document.IP, document.Flattened:
		default:
			continue
		}
		at := root
		for name := range strings.SplitSeq(f.Name, ".") {
			next := at.children[name]
			if next == nil {
				next = &schemaNode{children: map[string]*schemaNode{}}
				at.children[name] = next
			}
			at = next
		}
		at.typ = f.Type
	}
	return root
}()

// walk calls f for every value of a searchable field until it returns true,
// and reports whether it did.
func walk(n *schemaNode, v strictjson.Value, f func(document.Type, strictjson.Value) bool) bool {
	if n.typ != "" {
		test := func(v strictjson.Value) bool { return f(n.typ, v) }
		if n.typ == document.Flattened {
			return anyLeaf(v, test)
		}
		return anyValue(v, test)
	}
	for name, m := range v.Members() {
		if next := n.children[name]; next != nil && walk(next, m, f) {
			return true
		}
	}
	return false
}

// anyValue reports whether f holds for the value or, of an array, any of its
// elements. Null is no value.
func anyValue(v strictjson.Value, f func(strictjson.Value) bool) bool {
	switch v.Kind() {
	case strictjson.Missing, strictjson.Null:
		return false
	case strictjson.Array:
		for e := range v.Elements() {
			if anyValue(e, f) {
				return true
			}
		}
		return false
	}
	return f(v)
}

// anyLeaf is anyValue for all leaves of an object.
func anyLeaf(v strictjson.Value, f func(strictjson.Value) bool) bool {
	return anyValue(v, func(v strictjson.Value) bool {
		if v.Kind() != strictjson.Object {
			return f(v)
		}
		for _, m := range v.Members() {
			if anyLeaf(m, f) {
				return true
			}
		}
		return false
	})
}

// anyAt is anyValue for the leaf at a path with dots, which may also be part of
// the member names.
func anyAt(v strictjson.Value, path string, f func(strictjson.Value) bool) bool {
	return anyValue(v, func(v strictjson.Value) bool {
		switch {
		case v.Kind() != strictjson.Object:
			return path == "" && f(v)
		case path == "":
			return false
		}
		for name, m := range v.Members() {
			rest, ok := strings.CutPrefix(path, name)
			if !ok || rest != "" && rest[0] != '.' {
				continue
			}
			if anyAt(m, strings.TrimPrefix(rest, "."), f) {
				return true
			}
		}
		return false
	})
}

// leafText is a leaf as a keyword: numbers and booleans as written.
func leafText(v strictjson.Value) (string, bool) {
	switch v.Kind() {
	case strictjson.String:
		return v.Text(), true
	case strictjson.Number, strictjson.Bool:
		return string(v.Raw()), true
	}
	return "", false
}

// fold makes ASCII letters lower case.
func fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if c := b[j]; c >= 'A' && c <= 'Z' {
					b[j] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// words cuts a text into its words, in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
