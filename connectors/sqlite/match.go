package sqlite

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// predicate tells whether a document matches.
type predicate func(doc *stored) bool

// compile turns a query into a predicate by the rules of package query.
func compile(n query.Node, now time.Time) predicate {
	switch n := n.(type) {
	case query.And:
		list := compileAll(n, now)
		return func(doc *stored) bool {
			for _, p := range list {
				if !p(doc) {
					return false
				}
			}
			return true
		}
	case query.Or:
		list := compileAll(n, now)
		return func(doc *stored) bool {
			for _, p := range list {
				if p(doc) {
					return true
				}
			}
			return false
		}
	case query.Not:
		p := compile(n.Of, now)
		return func(doc *stored) bool { return !p(doc) }
	case query.Match:
		return inField(n.Field, matchValue(n, now))
	case query.Range:
		return inField(n.Field, matchRange(n, now))
	case query.Exists:
		return inField(n.Field, func(strictjson.Value) bool { return true })
	case query.Words:
		return matchWords(n)
	}
	return func(*stored) bool { return true }
}

func compileAll(nodes []query.Node, now time.Time) []predicate {
	list := make([]predicate, len(nodes))
	for i, n := range nodes {
		list[i] = compile(n, now)
	}
	return list
}

// inField holds if the test does for any value of the field.
func inField(f query.Field, test func(strictjson.Value) bool) predicate {
	path := strings.Split(f.Name, ".")
	switch {
	case f.Key != "":
		return func(doc *stored) bool { return anyAt(doc.get(path), f.Key, test) }
	case f.Type == document.Flattened:
		return func(doc *stored) bool { return anyLeaf(doc.get(path), test) }
	}
	return func(doc *stored) bool { return anyValue(doc.get(path), test) }
}

// matchValue tests one value of the field.
func matchValue(m query.Match, now time.Time) func(strictjson.Value) bool {
	switch m.Field.Type {
	case document.Date:
		from, to := query.Span(m.Value, now)
		return dateTest(from, to)
	case document.Long, document.Float:
		want := number(m.Value)
		return numberTest(func(x float64) bool { return x == want })
	case document.Boolean:
		want := m.Value == "true"
		return func(v strictjson.Value) bool { return v.Kind() == strictjson.Bool && v.Bool() == want }
	case document.IP:
		return addressTest(m.Value)
	case document.Text:
		return textTest(m.Value, m.Wild)
	}
	return keywordTest(m.Value, m.Wild)
}

func matchRange(r query.Range, now time.Time) func(strictjson.Value) bool {
	if r.Field.Type == document.Date {
		var from, to time.Time
		if r.Low.Value != "" {
			start, end := query.Span(r.Low.Value, now)
			from = pick(r.Low.Open, end, start)
		}
		if r.High.Value != "" {
			start, end := query.Span(r.High.Value, now)
			to = pick(r.High.Open, start, end)
		}
		return dateTest(from, to)
	}
	low, high := number(r.Low.Value), number(r.High.Value)
	return numberTest(func(x float64) bool {
		return (r.Low.Value == "" || x > low || x == low && !r.Low.Open) &&
			(r.High.Value == "" || x < high || x == high && !r.High.Open)
	})
}

func pick(first bool, a, b time.Time) time.Time {
	if first {
		return a
	}
	return b
}

// dateTest holds from the first moment up to, without, the second; zero is no
// bound.
func dateTest(from, to time.Time) func(strictjson.Value) bool {
	return func(v strictjson.Value) bool {
		t, err := time.Parse(time.RFC3339Nano, v.Text())
		if err != nil {
			return false
		}
		t = t.Truncate(time.Millisecond)
		return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
	}
}

func numberTest(test func(float64) bool) func(strictjson.Value) bool {
	return func(v strictjson.Value) bool {
		x, ok := v.Float()
		return ok && test(x)
	}
}

func number(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}

func addressTest(value string) func(strictjson.Value) bool {
	network, err := netip.ParsePrefix(value)
	if err != nil {
		a, err := netip.ParseAddr(value)
		if err != nil {
			return func(strictjson.Value) bool { return false }
		}
		network = netip.PrefixFrom(a, a.BitLen())
	}
	return func(v strictjson.Value) bool {
		a, err := netip.ParseAddr(v.Text())
		return err == nil && network.Contains(a.Unmap())
	}
}

func keywordTest(value string, wild bool) func(strictjson.Value) bool {
	value = fold(value)
	if wild {
		g := newGlob(value)
		return func(v strictjson.Value) bool {
			text, ok := leafText(v)
			return ok && g.match(fold(text))
		}
	}
	return func(v strictjson.Value) bool {
		text, ok := leafText(v)
		return ok && len(text) == len(value) && fold(text) == value
	}
}

func textTest(value string, wild bool) func(strictjson.Value) bool {
	if wild {
		g := newGlob(strings.ToLower(value))
		return func(v strictjson.Value) bool {
			for _, w := range words(v.Text()) {
				if g.match(w) {
					return true
				}
			}
			return false
		}
	}
	want := words(value)
	if len(want) == 0 {
		return func(strictjson.Value) bool { return false }
	}
	return func(v strictjson.Value) bool {
		have := words(v.Text())
		for i := 0; i+len(want) <= len(have); i++ {
			if equal(have[i:i+len(want)], want) {
				return true
			}
		}
		return false
	}
}

func equal(a, b []string) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// matchWords looks for free text everywhere.
func matchWords(w query.Words) predicate {
	text, keyword := textTest(w.Value, w.Wild), keywordTest(w.Value, w.Wild)
	ip := func(strictjson.Value) bool { return false }
	if !w.Wild {
		if v, err := netip.ParsePrefix(w.Value); err == nil {
			ip = addressTest(v.Masked().String())
		} else {
			ip = addressTest(address(w.Value))
		}
	}
	return func(doc *stored) bool {
		return walk(schemaRoot, doc.whole(), func(t document.Type, v strictjson.Value) bool {
			switch t {
			case document.Text:
				return text(v)
			case document.IP:
				return ip(v)
			}
			return keyword(v)
		})
	}
}
