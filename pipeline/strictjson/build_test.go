package strictjson_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// build makes a value again: parts of it by copies, the rest step by step, some
// names made ready before.
func build(w *strictjson.Builder, v strictjson.Value, copies func() bool) {
	if copies() {
		w.Copy(v)
		return
	}
	switch v.Kind() {
	case strictjson.Object:
		w.Object()
		for name, m := range v.Members() {
			if len(name)%2 == 0 {
				w.NameQuoted(strictjson.Quote(name))
			} else {
				w.Name(name)
			}
			build(w, m, copies)
		}
		w.End()
	case strictjson.Array:
		w.Array()
		for e := range v.Elements() {
			build(w, e, copies)
		}
		w.End()
	case strictjson.String:
		if v.Plain() {
			w.Plain(v.Text())
			return
		}
		w.Text(v.Text())
	case strictjson.Number:
		w.Number(string(v.Number()))
	case strictjson.Bool:
		w.Bool(v.Bool())
	default:
		w.Null()
	}
}

// same reports whether two values are the same in every node.
func same(a, b strictjson.Value) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() || a.Name() != b.Name() || string(a.Raw()) != string(b.Raw()) || a.Text() != b.Text() {
		return false
	}
	x, y := a.Cursor(), b.Cursor()
	for {
		m, ok := x.Next()
		n, ok2 := y.Next()
		if ok != ok2 || !ok {
			return ok == ok2
		}
		if !same(m, n) {
			return false
		}
	}
}

// FuzzBuilder holds what is built against what Parse makes of its text.
func FuzzBuilder(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"x\u00e9",null,true],"b":{"c\n":"\\","":0}}`, "{ \"a\" :\r\n [ 1 ,\t{\"b\": []} ] }", `"\ud83d\ude00"`, `{"b":1,"a":2,"\u0063":3}`, `[[[]]]`, `-0`} {
		for pattern := range uint64(8) {
			f.Add([]byte(s), pattern)
		}
	}
	var w strictjson.Builder
	f.Fuzz(func(t *testing.T, text []byte, pattern uint64) {
		v, err := strictjson.Parse(text, strictjson.DefaultLimits)
		if err != nil {
			return
		}
		for _, lim := range []strictjson.Limits{{}, strictjson.DefaultLimits} {
			turn := 0
			w.Reset(lim)
			build(&w, v, func() bool { turn++; return pattern>>(turn%64)&1 == 1 })
			built, err := w.Value()
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			parsed, err := strictjson.Parse(built.Raw(), lim)
			if err != nil || !same(built, parsed) {
				t.Fatalf("%q is built as %q: %v", text, built.Raw(), err)
			}
			turn = 0
			w.ResetText(lim)
			build(&w, v, func() bool { turn++; return pattern>>(turn%64)&1 == 1 })
			if text, err := w.Bytes(); err != nil || string(text) != string(built.Raw()) {
				t.Fatalf("%q is built as text %q: %v", built.Raw(), text, err)
			}
			if strings.ContainsAny(string(built.Raw()), "\n\r") {
				t.Fatalf("%q is built on several lines: %q", text, built.Raw())
			}
		}
	})
}

// TestBuilderRefuses: what is built is held to the rules of what is read.
func TestBuilderRefuses(t *testing.T) {
	members := func(names ...string) func(*strictjson.Builder) {
		return func(w *strictjson.Builder) {
			w.Object()
			for _, n := range names {
				w.Name(n)
				w.Null()
			}
			w.End()
		}
	}
	quoted := func(names ...string) func(*strictjson.Builder) {
		return func(w *strictjson.Builder) {
			w.Object()
			for _, n := range names {
				w.NameQuoted(strictjson.Quote(n))
				w.Null()
			}
			w.End()
		}
	}
	deep, err := strictjson.Parse([]byte(`[[[1]]]`), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(*strictjson.Builder)
		want string
	}{
		"duplicate":          {members("a", "b", "a"), `duplicate member "a"`},
		"duplicate unsorted": {members("b", "a", "b"), `duplicate member "b"`},
		"duplicate at once":  {members("a", "a"), `duplicate member "a"`},
		"duplicate empty":    {members("a", "", ""), `duplicate member ""`},
		"duplicate long":     {members("long name 2", "long name 1", "long name 2"), `duplicate member "long name 2"`},
		"duplicate escaped":  {members("a", "x\n", "b", "x\n"), "duplicate member \"x\\n\""},
		"quoted many":        {quoted("a", "b", "c", "d", "e"), "more than 4 members"},
		"many members":       {members("a", "b", "c", "d", "e"), "more than 4 members"},
		"many values": {func(w *strictjson.Builder) {
			w.Array()
			for range 20 {
				w.Null()
			}
			w.End()
		}, "more than 10 values"},
		"deep":                {func(w *strictjson.Builder) { w.Array(); w.Copy(deep); w.End() }, "nested deeper than 3"},
		"open":                {func(w *strictjson.Builder) { w.Array() }, "unexpected end of text"},
		"nothing":             {func(*strictjson.Builder) {}, "unexpected end of text"},
		"long":                {func(w *strictjson.Builder) { w.Text(strings.Repeat("x", 200)) }, "text is longer than 200 bytes"},
		"no number":           {func(w *strictjson.Builder) { w.Number("01") }, "invalid number"},
		"no digits":           {func(w *strictjson.Builder) { w.Number("") }, "invalid number"},
		"number of magnitude": {func(w *strictjson.Builder) { w.Number("1e1000000") }, "invalid number"},
	} {
		limits := []strictjson.Limits{{Bytes: 200, Depth: 3, Nodes: 10, Members: 4}}
		if strings.HasPrefix(c.want, "duplicate") {
			limits = append(limits, strictjson.Limits{})
		}
		for _, lim := range limits {
			var w strictjson.Builder
			w.Reset(lim)
			c.make(&w)
			if _, err := w.Value(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			w.ResetText(lim)
			c.make(&w)
			if _, err := w.Bytes(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, text alone: %v, want %s", name, err, c.want)
			}
		}
	}
}
