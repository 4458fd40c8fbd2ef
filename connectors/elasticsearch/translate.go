package elasticsearch

import (
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// object is JSON for a request.
type object = map[string]any

var everything = object{"match_all": object{}}

// translator turns queries into those of the cluster.
type translator struct {
	now    time.Time
	leaves map[string][]string // values that a pattern on a leaf matches, by the text of the term
}

func (t translator) node(n query.Node) object {
	switch n := n.(type) {
	case query.And:
		return object{"bool": object{"filter": t.nodes(n)}}
	case query.Or:
		return anyOf(t.nodes(n))
	case query.Not:
		return object{"bool": object{"must_not": t.node(n.Of)}}
	case query.Match:
		return t.match(n)
	case query.Range:
		return t.interval(n)
	case query.Exists:
		return object{"exists": object{"field": path(n.Field)}}
	case query.Words:
		return t.words(n)
	}
	return everything
}

func (t translator) nodes(list []query.Node) (out []object) {
	for _, n := range list {
		out = append(out, t.node(n))
	}
	return out
}

func anyOf(list []object) object {
	return object{"bool": object{"should": list, "minimum_should_match": 1}}
}

// path is the name of a field, or of a leaf below it.
func path(f query.Field) string {
	if f.Key == "" {
		return f.Name
	}
	return f.Name + "." + f.Key
}

func (t translator) match(m query.Match) object {
	name := path(m.Field)
	switch m.Field.Type {
	case document.Date:
		from, to := query.Span(m.Value, t.now)
		return millis(name, object{"gte": from.UnixMilli(), "lt": to.UnixMilli()})
	case document.Text:
		if m.Wild {
			return wildcard(name, strings.ToLower(m.Value))
		}
		return object{"match_phrase": object{name: m.Value}}
	case document.Keyword:
		if m.Wild {
			return wildcard(name, m.Value)
		}
		return folded(name, m.Value)
	case document.Flattened:
		switch {
		case m.Wild && m.Field.Key != "":
			return object{"terms": object{name: t.leaves[leafTerm(m)]}}
		case m.Wild:
			return wildcard(name, m.Value)
		}
		return folded(name, m.Value)
	}
	return object{"term": object{name: m.Value}}
}

// leafTerm names a pattern on a leaf.
func leafTerm(m query.Match) string { return path(m.Field) + ":" + m.Value }

// folded matches a whole value, ASCII letters in either case.
func folded(name, value string) object {
	if !strings.ContainsFunc(value, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) {
		return object{"term": object{name: value}}
	}
	return object{"term": object{name: object{"value": value, "case_insensitive": true}}}
}

func wildcard(name, pattern string) object {
	return object{"wildcard": object{name: object{"value": pattern, "case_insensitive": true}}}
}

func (t translator) interval(r query.Range) object {
	name, bounds := path(r.Field), object{}
	if r.Field.Type != document.Date {
		bound(bounds, "gt", r.Low)
		bound(bounds, "lt", r.High)
		return object{"range": object{name: bounds}}
	}
	// A day is compared as a whole: behind its end, or from its start.
	if r.Low.Value != "" {
		from, to := query.Span(r.Low.Value, t.now)
		if r.Low.Open {
			from = to
		}
		bounds["gte"] = from.UnixMilli()
	}
	if r.High.Value != "" {
		from, to := query.Span(r.High.Value, t.now)
		if r.High.Open {
			to = from
		}
		bounds["lt"] = to.UnixMilli()
	}
	return millis(name, bounds)
}

func bound(bounds object, name string, b query.Bound) {
	if b.Value == "" {
		return
	}
	if !b.Open {
		name += "e"
	}
	bounds[name] = b.Value
}

// millis is a range of moments in milliseconds since 1970.
func millis(name string, bounds object) object {
	bounds["format"] = "epoch_millis"
	return object{"range": object{name: bounds}}
}

// window is the time that is searched, its end left out.
func window(from, to time.Time) (object, bool) {
	bounds := object{}
	if !from.IsZero() {
		bounds["gte"] = ceilMilli(from)
	}
	if !to.IsZero() {
		bounds["lt"] = ceilMilli(to)
	}
	return millis("@timestamp", bounds), len(bounds) > 1
}

// ceilMilli is the first whole millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// words looks for free text in every field that is searched by it.
func (t translator) words(w query.Words) object {
	var list []object
	hasWord := strings.ContainsFunc(w.Value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	_, notAddress := netip.ParseAddr(w.Value)
	_, notNetwork := netip.ParsePrefix(w.Value)
	address := !w.Wild && (notAddress == nil || notNetwork == nil)
	for _, f := range document.Fields() {
		field := query.Field{Name: f.Name, Type: f.Type}
		switch f.Type {
		case document.Text:
			if !w.Wild && !hasWord {
				continue
			}
		case document.IP:
			if !address {
				continue
			}
		case document.Keyword, document.Flattened:
		default:
			continue
		}
		list = append(list, t.match(query.Match{Field: field, Value: w.Value, Wild: w.Wild}))
	}
	return anyOf(list)
}
