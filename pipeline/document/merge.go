package document

import (
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Ours are the fields that a mapping cannot set: they say what the product knows
// of the document, not what a vendor says of the event. A name stands for the
// field and all below it.
var ours = []string{
	"@timestamp", "action", "audit", "chain", "change", "ecs", "error", "event.dataset", "event.hash", "event.id",
	"event.ingested", "event.original", "event.sequence", "policy", "service.name", "service.node", "set", "ssf",
}

// Settable reports whether a mapping may set a field.
func Settable(name string) bool {
	for _, o := range ours {
		if name == o || len(name) > len(o) && name[:len(o)] == o && name[len(o)] == '.' {
			return false
		}
	}
	return true
}

// enrich merges what a mapping lifted from a vendor's record into the document
// being written: lists are joined, other values replace those made of the
// event. Fields that are ours stay as they are, and so does the name of a user
// who is known by an address: the name that a vendor's machines have for them is
// another one in each product, and would make several users of one. It is in
// related.user.
func (r *renderer) enrich(extra strictjson.Value) {
	if extra.Kind() != strictjson.Object {
		return
	}
	w := &r.w
	own, err := strictjson.Parse(slices.Concat(w.b[r.from:], []byte{'}'}), strictjson.Limits{})
	if err != nil {
		return
	}
	w.b = append(w.b[:r.from], '{')
	w.merge(own, extra, "")
}

// merge writes the members of both objects, which stand at the path.
func (w *writer) merge(own, extra strictjson.Value, path string) {
	for name, v := range own.Members() {
		x := extra.Get(name)
		switch {
		case !x.Exists() || !Settable(path+name), path+name == "user.name" && v.Text() == own.Get("email").Text():
			w.raw(name, v.Raw())
		case v.Kind() == strictjson.Object && x.Kind() == strictjson.Object:
			m := w.open(name)
			w.merge(v, x, path+name+".")
			w.close(m)
		case v.Kind() == strictjson.Array:
			w.key(name)
			w.union(v, x)
		default:
			w.raw(name, x.Raw())
		}
	}
	for name, x := range extra.Members() {
		if own.Get(name).Exists() || !Settable(path+name) {
			continue
		}
		if x.Kind() != strictjson.Object {
			w.raw(name, x.Raw())
			continue
		}
		m := w.open(name)
		w.merge(strictjson.Value{}, x, path+name+".")
		w.close(m)
	}
}

// raw writes JSON text that was checked.
func (w *writer) raw(name string, text []byte) {
	w.key(name)
	w.b = append(w.b, text...)
}

// union writes the elements of both, each once.
func (w *writer) union(a, b strictjson.Value) {
	var seen []string
	w.b = append(w.b, '[')
	add := func(v strictjson.Value) {
		text := string(v.Raw())
		if v.Kind() == strictjson.Null || slices.Contains(seen, text) {
			return
		}
		if len(seen) > 0 {
			w.b = append(w.b, ',')
		}
		seen = append(seen, text)
		w.b = append(w.b, text...)
	}
	for v := range a.Elements() {
		add(v)
	}
	if b.Kind() == strictjson.Array {
		for v := range b.Elements() {
			add(v)
		}
	} else {
		add(b)
	}
	w.b = append(w.b, ']')
}
