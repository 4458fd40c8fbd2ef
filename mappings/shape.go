package mappings

import (
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// conform makes a value fit the member's JSON type where that loses nothing.
func (b *bodyRule) conform(e *env, v value) value {
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
		v = e.only(v, DroppedMember, b.name)
		if s, ok := v.string(); ok {
			if nullLike(v) {
				return value{}
			}
			if v.kind == text {
				return v
			}
			return textOf(s)
		}
	case event.Strings:
		base := len(e.stack)
		for _, x := range e.elements(v) {
			if s, ok := x.string(); ok && s != "" {
				e.push(textOf(s))
			} else if !ok && !x.empty() {
				e.note(Note{Kind: DroppedMember, Name: b.name, Value: x.kind.String()})
			}
		}
		return e.seal(base)
	case event.Messages, event.MessagesOrText:
		if s, ok := v.string(); ok {
			out := e.object(1)
			out.set(member{name: "en", value: textOf(s)})
			return out
		}
	}
	return v
}

// only is the first element of a list, for what holds one value. Others are noted.
func (e *env) only(v value, kind NoteKind, name string) value {
	if v.kind != list {
		return v
	}
	for i, x := range e.elements(v) {
		if s, _ := x.string(); i > 0 && !nullLike(x) {
			e.note(Note{Kind: kind, Name: name, Value: s})
			break
		}
	}
	return e.element(v, 0)
}

// longestKeyword bounds what goes into a keyword, in bytes: what is longer is
// cut, since a search cluster would refuse the whole document beyond 32766.
const longestKeyword = 8191

// document makes the further fields of the document, as an object; nil for none.
func (r *eventRule) document(e *env) []byte {
	if len(r.fields) == 0 {
		return nil
	}
	w := tree{w: &e.builder}
	w.begin()
	for n := range e.related {
		e.related[n] = e.related[n][:0]
	}
	same := 0
	for i := range r.fields {
		f := &r.fields[i]
		same = min(same, int(f.same))
		v := f.val(e)
		if v.kind == absent {
			continue
		}
		if v.kind != text || f.multi || f.typ != keywordType || len(v.text) > longestKeyword {
			if v = f.conform(e, v); v.empty() {
				continue
			}
		} else if nullLike(v) { // what else fits as it is
			continue
		}
		if f.related > 0 {
			e.relate(int(f.related-1), v)
			if f.gathers {
				continue
			}
		}
		w.put(f.names, same)
		v.write(w.w)
		same = len(f.names)
	}
	same = 0
	for n, list := range e.related {
		if len(list) == 0 {
			continue
		}
		w.put(relatedQuoted[n], same)
		w.w.Array()
		for _, s := range list {
			w.w.Text(s)
		}
		w.w.End()
		same = 1
	}
	made, err := w.end()
	if err != nil || len(made) == len("{}") {
		return nil
	}
	return made
}

// relate gathers the texts of a field in the n-th field under related.
func (e *env) relate(n int, v value) {
	if v.kind != list {
		e.relateOne(n, v)
		return
	}
	for _, x := range e.elements(v) {
		e.relateOne(n, x)
	}
}

func (e *env) relateOne(n int, v value) {
	e.work(len(v.text) + 4*len(e.related[n]))
	if s, _ := v.string(); s != "" && !slices.Contains(e.related[n], s) {
		e.related[n] = append(e.related[n], s)
	}
}

// relatedNames are the fields under related, sorted.
var relatedNames = [4]string{"hash", "hosts", "ip", "user"}

var relatedQuoted = func() (names [len(relatedNames)][]strictjson.QuotedName) {
	for i, name := range relatedNames {
		names[i] = quoted([]string{"related", name})
	}
	return names
}()

// quoted makes the names of a path ready to be written.
func quoted(path []string) []strictjson.QuotedName {
	names := make([]strictjson.QuotedName, len(path))
	for i, name := range path {
		names[i] = strictjson.Quote(name)
	}
	return names
}

// conform makes a value fit the field's type. What cannot is absent and noted.
func (f *fieldRule) conform(e *env, v value) value {
	if f.multi {
		if f.fits(v) {
			return v
		}
		base := len(e.stack)
		for _, x := range e.elements(v) {
			if x = f.one(e, x); x.kind != absent {
				e.push(x)
			}
		}
		return e.seal(base)
	}
	if f.typ != flattenedType {
		v = e.only(v, DroppedField, f.name)
	}
	return f.one(e, v)
}

// fits reports whether a list that was made is of texts that all fit, as most are.
func (f *fieldRule) fits(v value) bool {
	if v.kind != list || v.made.read.Exists() || f.typ != keywordType {
		return false
	}
	for i := range v.made.list {
		if x := &v.made.list[i]; x.kind != text || len(x.text) > longestKeyword || nullLike(*x) {
			return false
		}
	}
	return true
}

func (f *fieldRule) one(e *env, v value) value {
	if nullLike(v) {
		return value{}
	}
	out, ok := value{}, false
	switch f.typ {
	case keywordType:
		var s string
		if s, ok = v.string(); ok {
			if v.kind == text && len(s) <= longestKeyword {
				return v
			}
			if len(s) > longestKeyword {
				s = strings.ToValidUTF8(s[:longestKeyword], "")
			}
			out = textOf(s)
		}
	case longType:
		var n int64
		if n, ok = v.int(); ok {
			out = intOf(n)
		}
	case floatType:
		if _, ok = v.float(); ok {
			out = numberOf(strings.TrimSpace(v.text))
			if v.kind == text {
				f, _ := v.float()
				out = floatOf(f)
			}
		}
	case booleanType:
		out, ok = v, v.kind == boolean
	case ipType:
		if s, isText := v.string(); isText {
			a, isIP := ipAddress(s)
			if ok = isIP; ok {
				out = textOf(addressText(a, s))
			}
		}
	case dateType:
		if t, isTime := readTime(v); isTime && plausible(t, e) {
			if out, ok = v, true; v.kind != moment {
				out = e.momentOf(t)
			}
			out.yes = true
		}
	case flattenedType:
		out, ok = v, v.kind == object && e.depth(v, 1) <= flattenedDepth
	}
	if !ok {
		s, isText := v.string()
		if !isText {
			s = v.kind.String()
		}
		e.note(Note{Kind: DroppedField, Name: f.name, Value: s})
		return value{}
	}
	return out
}

// dateForm is how documents write times.
const dateForm = "2006-01-02T15:04:05.000Z"

// dateText writes a time as documents do, ok false if its year has not four digits.
// Format does so too, but reads the form each time, and takes memory.
func dateText(t time.Time) (b [len(dateForm)]byte, ok bool) {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return b, false
	}
	hour, minute, second := t.Clock()
	b = [len(dateForm)]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.', 23: 'Z'}
	for _, part := range [...]struct{ at, n, digits int }{
		{0, year, 4}, {5, int(month), 2}, {8, day, 2}, {11, hour, 2}, {14, minute, 2}, {17, second, 2}, {20, t.Nanosecond() / 1e6, 3},
	} {
		n := part.n
		for i := part.at + part.digits - 1; i >= part.at; i-- {
			b[i] = byte('0' + n%10)
			n /= 10
		}
	}
	return b, true
}

// flattenedDepth is how deep a flattened field may be nested.
const flattenedDepth = 20

func (e *env) depth(v value, at int) int {
	most := at
	if at > flattenedDepth || v.kind != object && v.kind != list {
		return at
	}
	if v.kind == list {
		for _, x := range e.elements(v) {
			e.work(elementWork + len(x.text))
			most = max(most, e.depth(x, at+1))
		}
		return most
	}
	for _, m := range e.members(v) {
		e.work(elementWork + len(m.name) + len(m.text))
		most = max(most, e.depth(m.value, at+1))
	}
	return most
}

// tree writes values at paths into one object. Paths come sorted; a path of
// objects already closed is not opened again.
type tree struct {
	w    *strictjson.Builder
	open int // objects on the path written last, beside the outermost
}

func (t *tree) begin() {
	t.w.ResetText(strictjson.Limits{})
	t.w.Object()
}

// put goes to the path, whose value comes next. The path written last began with
// the same names, as many as said.
func (t *tree) put(path []strictjson.QuotedName, same int) {
	last := len(path) - 1
	same = min(same, last, t.open)
	for range t.open - same {
		t.w.End()
	}
	for i := same; i < last; i++ {
		t.w.NameQuoted(path[i])
		t.w.Object()
	}
	t.open = last
	t.w.NameQuoted(path[last])
}

func (t *tree) end() ([]byte, error) {
	for range t.open + 1 {
		t.w.End()
	}
	return t.w.Bytes()
}
