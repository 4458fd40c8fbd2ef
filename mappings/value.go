package mappings

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// kind is what a value is while a mapping runs.
type kind uint8

const (
	absent kind = iota // missing or null
	boolean
	number
	text
	moment
	list
	object
)

// String names the kind as people do.
func (k kind) String() string {
	return [...]string{absent: "nothing", boolean: "true or false", number: "a number", text: "a text", moment: "a time", list: "a list", object: "an object"}[k]
}

// value is one value of an expression. The zero value is absent. It has four
// words in four fields, and must not grow: the compiler keeps larger ones in
// memory, where each step of an expression costs several times as much.
type value struct {
	kind kind
	yes  bool   // of a boolean; of a text: it needs no escapes, see strictjson.Builder.Plain; of a moment: it is written as in documents
	text string // of a text; the digits of a number
	made *made  // of a moment, list or object
}

type member struct {
	name  string
	class int32 // see names.class
	value
}

func textOf(s string) value { return value{kind: text, text: s} }

// literalText is a text of the mapping itself.
func literalText(s string) value {
	v := textOf(s)
	v.yes = len(strictjson.AppendString[string](nil, s)) == len(s)+len(`""`)
	return v
}

func boolOf(b bool) value          { return value{kind: boolean, yes: b} }
func numberOf(digits string) value { return value{kind: number, text: digits} }
func intOf(n int64) value          { return numberOf(strconv.FormatInt(n, 10)) }

func floatOf(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return intOf(int64(f))
	}
	return numberOf(strconv.FormatFloat(f, 'g', -1, 64))
}

// value takes a value of a record.
func (e *env) value(v strictjson.Value) value {
	switch v.Kind() {
	case strictjson.Bool:
		return boolOf(v.Bool())
	case strictjson.Number:
		return numberOf(string(v.Number()))
	case strictjson.String:
		return value{kind: text, yes: v.Plain(), text: v.Text()}
	case strictjson.Array:
		m := e.made()
		m.read = v
		return value{kind: list, made: m}
	case strictjson.Object:
		m := e.made()
		m.read = v
		return value{kind: object, made: m}
	}
	return value{}
}

// holds reports whether a condition is met.
func (v value) holds() bool { return v.kind == boolean && v.yes }

// string is the value as text; lists and objects have none.
func (v value) string() (string, bool) {
	switch v.kind {
	case text, number:
		return v.text, true
	case boolean:
		return strconv.FormatBool(v.yes), true
	case moment:
		return v.made.at.Format(time.RFC3339Nano), true
	}
	return "", false
}

// float is the value as a number; text that is one counts.
func (v value) float() (float64, bool) {
	if v.kind != number && v.kind != text {
		return 0, false
	}
	digits := strings.TrimSpace(v.text)
	if !mayBeNumber(digits) {
		return 0, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func (v value) int() (int64, bool) {
	if v.kind != number && v.kind != text {
		return 0, false
	}
	digits := strings.TrimSpace(v.text)
	if !mayBeNumber(digits) {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// whole is a number that is written with a fraction and has none.
func (v value) whole() (digits string, ok bool) {
	if v.kind != number || !strings.ContainsAny(v.text, ".eE") {
		return "", false
	}
	f, ok := v.float()
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return "", false
	}
	return strconv.FormatFloat(f, 'f', -1, 64), true
}

// mayBeNumber reports whether a text begins as numbers do: most that are asked
// do not, and an error that says so is dear.
func mayBeNumber(s string) bool {
	return s != "" && (s[0] >= '0' && s[0] <= '9' || s[0] == '-' || s[0] == '+' || s[0] == '.')
}

// element is an element by position, from the end if it is negative.
func (e *env) element(v value, n int) value {
	if n < 0 {
		n += v.len()
	}
	switch {
	case v.kind != list && n == 0:
		return v
	case v.kind != list || n < 0 || n >= v.len():
		return value{}
	case v.made.list != nil:
		return v.made.list[n]
	}
	c := v.made.read.Cursor()
	for range n {
		c.Next()
	}
	x, _ := c.Next()
	return e.value(x)
}

// elements are those of a list; anything else present is a list of itself. They
// must not be changed.
func (e *env) elements(v value) []value {
	switch {
	case v.kind == absent:
		return nil
	case v.kind != list:
		one := e.arena.values.take(1)
		one[0] = v
		return one
	case v.made.list == nil && v.made.read.Exists():
		v.made.list = e.arena.values.take(v.made.read.Len())
		c := v.made.read.Cursor()
		for i := range v.made.list {
			x, _ := c.Next()
			v.made.list[i] = e.value(x)
		}
	}
	return v.made.list
}

// members are those of an object, none of anything else. They must not be
// changed.
func (e *env) members(v value) []member {
	if v.kind != object {
		return nil
	}
	if v.made.members == nil && v.made.read.Exists() {
		v.made.members = e.arena.members.take(v.made.read.Len())
		c := v.made.read.Cursor()
		for i := range v.made.members {
			x, _ := c.Next()
			v.made.members[i] = member{name: x.Name(), value: e.value(x)}
		}
	}
	return v.made.members
}

func (v value) len() int {
	switch {
	case v.kind == absent:
		return 0
	case v.kind != list && v.kind != object:
		return 1
	case v.made.read.Exists():
		return v.made.read.Len()
	case v.kind == object:
		return len(v.made.members)
	}
	return len(v.made.list)
}

// equal compares; a number and a text are equal when they read the same.
func equal(a, b value) bool {
	if a.kind == absent || b.kind == absent {
		return a.kind == b.kind
	}
	if a.kind == text && b.kind == text {
		return a.text == b.text
	}
	if a.kind == moment && b.kind == moment {
		return a.made.at.Equal(b.made.at)
	}
	x, okX := a.string()
	y, okY := b.string()
	if !okX || !okY {
		return false
	}
	if x == y {
		return true
	}
	if a.kind == number && b.kind == number {
		f, ok := a.float()
		g, ok2 := b.float()
		return ok && ok2 && f == g
	}
	return false
}

// compare orders numbers and times; ok is false for anything else.
func compare(a, b value) (order int, ok bool) {
	if a.kind == moment && b.kind == moment {
		return a.made.at.Compare(b.made.at), true
	}
	x, okX := a.float()
	y, okY := b.float()
	switch {
	case !okX || !okY:
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// empty reports whether nothing would be written of the value.
func (v value) empty() bool {
	switch v.kind {
	case absent:
		return true
	case list, object:
		return v.len() == 0
	}
	return false
}

// write gives the value to a builder; absent ones are null. One that was made
// may name the same part of a record any number of times, so it ends with
// errSteps where it would be longer than all events of a message may be.
func (v value) write(w *strictjson.Builder) {
	switch v.kind {
	case absent:
		w.Null()
	case boolean:
		w.Bool(v.yes)
	case number:
		w.Number(v.text)
	case text:
		if v.yes {
			w.Plain(v.text)
			return
		}
		w.Text(v.text)
	case moment:
		if !v.yes {
			s, _ := v.string()
			w.Text(s)
		} else if date, ok := dateText(v.made.at); ok {
			w.Plain(string(date[:]))
		} else {
			w.Text(v.made.at.Format(dateForm))
		}
	case list:
		if v.made.read.Exists() {
			w.Copy(v.made.read)
			return
		}
		w.Array()
		for i := range v.made.list {
			v.made.list[i].write(w)
			bounded(w)
		}
		w.End()
	case object:
		if v.made.read.Exists() {
			w.Copy(v.made.read)
			return
		}
		w.Object()
		for i := range v.made.members {
			w.Name(v.made.members[i].name)
			v.made.members[i].write(w)
			bounded(w)
		}
		w.End()
	}
}

func bounded(w *strictjson.Builder) {
	if w.Len() > maxMadeBytes {
		panic(errSteps{})
	}
}
