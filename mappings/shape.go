package mappings

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// conform makes a value fit the member's JSON type where that loses nothing.
func (b *bodyRule) conform(v value) value {
	if v.kind == absent {
		return v
	}
	switch b.field.Kind {
	case event.Number, event.Integer:
		switch v.kind {
		case moment:
			return intOf(v.made.at.Unix())
		case text:
			if n, ok := v.int(); ok {
				return intOf(n)
			}
			if f, ok := v.float(); ok {
				return floatOf(f)
			}
		}
	case event.String:
		if v.kind == list {
			v = v.element(0)
		}
		if s, ok := v.string(); ok {
			if nullLike(v) {
				return value{}
			}
			return textOf(s)
		}
	case event.Strings:
		out := listOf(nil)
		for e := range v.elements() {
			if s, ok := e.string(); ok && s != "" {
				out.made.list = append(out.made.list, textOf(s))
			}
		}
		return out
	case event.Messages, event.MessagesOrText:
		if s, ok := v.string(); ok {
			return objectOf([]member{{"en", textOf(s)}})
		}
	}
	return v
}

// longestKeyword bounds what goes into a keyword, in bytes: what is longer is
// cut, since a search cluster would refuse the whole document beyond 32766.
const longestKeyword = 8191

// document makes the further fields of the document, as an object.
func (r *eventRule) document(e *env) strictjson.Value {
	if len(r.fields) == 0 {
		return strictjson.Value{}
	}
	w := tree{b: append(make([]byte, 0, 1024), '{')}
	var related [4][]string
	for i := range r.fields {
		f := &r.fields[i]
		v := f.val(e)
		if v.kind == absent {
			continue
		}
		v = f.conform(e, v)
		if v.empty() {
			continue
		}
		if n := slices.Index(relatedNames[:], f.related); n >= 0 {
			for x := range v.elements() {
				e.work(len(x.text) + 4*len(related[n]))
				if s, _ := x.string(); s != "" && !slices.Contains(related[n], s) {
					related[n] = append(related[n], s)
				}
			}
			if f.path[0] == "related" {
				continue
			}
		}
		w.put(f.path, v)
	}
	for n, list := range related {
		if len(list) > 0 {
			vs := make([]value, len(list))
			for i, s := range list {
				vs[i] = textOf(s)
			}
			w.put([]string{"related", relatedNames[n]}, listOf(vs))
		}
	}
	text := w.end()
	if len(text) <= len("{}") {
		return strictjson.Value{}
	}
	v, err := strictjson.Parse(text, strictjson.Limits{})
	if err != nil {
		return strictjson.Value{}
	}
	return v
}

// relatedNames are the fields under related, sorted.
var relatedNames = [4]string{"hash", "hosts", "ip", "user"}

// conform makes a value fit the field's type. What cannot is absent and noted.
func (f *fieldRule) conform(e *env, v value) value {
	if f.field.Multi {
		out := listOf(nil)
		for x := range v.elements() {
			if x = f.one(e, x); x.kind != absent {
				out.made.list = append(out.made.list, x)
			}
		}
		return out
	}
	if v.kind == list && f.field.Type != document.Flattened {
		v = v.element(0)
	}
	return f.one(e, v)
}

func (f *fieldRule) one(e *env, v value) value {
	if nullLike(v) {
		return value{}
	}
	out, ok := value{}, false
	switch f.field.Type {
	case document.Keyword, document.Text, document.Stored:
		var s string
		if s, ok = v.string(); ok {
			if len(s) > longestKeyword {
				s = strings.ToValidUTF8(s[:longestKeyword], "")
			}
			out = textOf(s)
		}
	case document.Long:
		var n int64
		if n, ok = v.int(); ok {
			out = intOf(n)
		}
	case document.Float:
		if _, ok = v.float(); ok {
			out = numberOf(strings.TrimSpace(v.text))
			if v.kind == text {
				f, _ := v.float()
				out = floatOf(f)
			}
		}
	case document.Boolean:
		out, ok = v, v.kind == boolean
	case document.IP:
		if s, isText := v.string(); isText {
			a, isIP := ipAddress(s)
			if ok = isIP; ok {
				out = textOf(a.String())
			}
		}
	case document.Date:
		if t, isTime := readTime(v); isTime && plausible(t, e) {
			out, ok = textOf(t.UTC().Format(dateForm)), true
		}
	case document.Flattened:
		out, ok = v, v.kind == object && e.depth(v, 1) <= flattenedDepth
	}
	if !ok {
		s, _ := v.string()
		e.report(Note{Kind: DroppedField, Name: f.field.Name, Value: s})
		return value{}
	}
	return out
}

// dateForm is how documents write times.
const dateForm = "2006-01-02T15:04:05.000Z"

// flattenedDepth is how deep a flattened field may be nested.
const flattenedDepth = 20

func (e *env) depth(v value, at int) int {
	most := at
	if at > flattenedDepth || v.kind != object && v.kind != list {
		return at
	}
	for k, x := range v.pairs() {
		e.work(elementWork + len(k.text) + len(x.text))
		most = max(most, e.depth(x, at+1))
	}
	return most
}

// tree writes values at paths into one object. Paths come sorted; a path of
// objects already closed is not opened again.
type tree struct {
	b    []byte
	open []string
}

func (w *tree) put(path []string, v value) {
	last := len(path) - 1
	same := 0
	for same < len(w.open) && same < last && w.open[same] == path[same] {
		same++
	}
	for range w.open[same:] {
		w.b = append(w.b, '}')
	}
	w.open = w.open[:same]
	for _, name := range path[same:last] {
		w.key(name)
		w.b = append(w.b, '{')
		w.open = append(w.open, name)
	}
	w.key(path[last])
	w.b = v.appendJSON(w.b)
}

func (w *tree) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(strictjson.AppendString(w.b, name), ':')
}

func (w *tree) end() []byte {
	for range w.open {
		w.b = append(w.b, '}')
	}
	return append(w.b, '}')
}
