package sqlite

import (
	"bytes"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// rawValue finds the text of the value at a path of member names in a document
// of a file, nil if there is none. Documents were checked when they were
// delivered, so what is passed over is not looked at: that is several times
// faster than parsing, for a document that is asked for few fields.
func rawValue(doc []byte, path []string) []byte {
	i := 0
	for _, name := range path {
		i = space(doc, i)
		if i >= len(doc) || doc[i] != '{' {
			return nil
		}
		if i = member(doc, i+1, name); i < 0 {
			return nil
		}
	}
	i = space(doc, i)
	return doc[i:skipValue(doc, i)]
}

// member finds the place of the value of a member in the object whose first
// member is at i, -1 if there is none.
func member(doc []byte, i int, name string) int {
	for {
		i = space(doc, i)
		if i >= len(doc) || doc[i] != '"' {
			return -1
		}
		end := skipString(doc, i)
		is := sameName(doc[i:end], name)
		i = space(doc, end) + 1 // the colon
		if is {
			return i
		}
		i = space(doc, skipValue(doc, space(doc, i)))
		if i >= len(doc) || doc[i] != ',' {
			return -1
		}
		i++
	}
}

// sameName compares a member's name, with its quotes, with plain text.
func sameName(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
	}
	v, err := strictjson.Parse(quoted, strictjson.Limits{})
	return err == nil && v.Text() == name
}

func space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// skipString is the place behind the string that begins at i.
func skipString(doc []byte, i int) int {
	for i++; i < len(doc); i++ {
		n := bytes.IndexByte(doc[i:], '"')
		if n < 0 {
			return len(doc)
		}
		escapes := 0
		for j := i + n - 1; j >= i && doc[j] == '\\'; j-- {
			escapes++
		}
		i += n
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return len(doc)
}

// skipValue is the place behind the value that begins at i.
func skipValue(doc []byte, i int) int {
	depth := 0
	for i < len(doc) {
		switch doc[i] {
		case '"':
			i = skipString(doc, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(doc)
}

// stored is a document of a file, read as far as is asked for.
type stored struct {
	raw    []byte
	asked  int
	parsed bool
	v      strictjson.Value
}

// parseAfter is how many fields are read alone before the rest is parsed.
const parseAfter = 4

// get is the value at a path, missing if there is none.
func (d *stored) get(path []string) strictjson.Value {
	if d.asked++; d.parsed || d.asked > parseAfter {
		return d.whole().Get(path...)
	}
	raw := rawValue(d.raw, path)
	if len(raw) == 0 {
		return strictjson.Value{}
	}
	v, _ := strictjson.Parse(raw, docLimits)
	return v
}

// whole is all of it. Documents were checked when they were delivered; one that
// is broken since has no fields.
func (d *stored) whole() strictjson.Value {
	if !d.parsed {
		d.v, _ = strictjson.Parse(d.raw, docLimits)
		d.parsed = true
	}
	return d.v
}

// column reads the keys of one field from documents.
type column struct {
	typ  document.Type
	path []string
}

func newColumn(name string) column {
	f, _ := document.Lookup(name) // Normalize has checked it
	return column{f.Type, strings.Split(name, ".")}
}

// keys appends the different keys the document has in the field.
func (c column) keys(list []query.Key, doc []byte) []query.Key {
	raw := rawValue(doc, c.path)
	if len(raw) == 0 {
		return list
	}
	if raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		if k, ok := query.KeyOf(c.typ, string(raw[1:len(raw)-1])); ok {
			list = append(list, k)
		}
		return list
	}
	v, err := strictjson.Parse(raw, docLimits)
	if err != nil {
		return list
	}
	from := len(list)
	anyValue(v, func(v strictjson.Value) bool {
		text, ok := leafText(v)
		if !ok {
			return false
		}
		k, ok := query.KeyOf(c.typ, text)
		for _, o := range list[from:] {
			ok = ok && o != k
		}
		if ok {
			list = append(list, k)
		}
		return false
	})
	return list
}
