package mappings

import (
	"bytes"
	"encoding/json"
	"iter"
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

// value is one value of an expression. The zero value is absent.
type value struct {
	kind kind
	yes  bool
	text string           // of a text; the digits of a number
	read strictjson.Value // of a list or object that was read and not made
	made *made            // of a moment, and of a list or object that was made
}

// made is what only some values have, so that the others stay small.
type made struct {
	at      time.Time
	list    []value
	members []member
}

type member struct {
	name string
	value
}

func textOf(s string) value        { return value{kind: text, text: s} }
func boolOf(b bool) value          { return value{kind: boolean, yes: b} }
func numberOf(digits string) value { return value{kind: number, text: digits} }
func intOf(n int64) value          { return numberOf(strconv.FormatInt(n, 10)) }
func listOf(vs []value) value      { return value{kind: list, made: &made{list: vs}} }
func objectOf(ms []member) value   { return value{kind: object, made: &made{members: ms}} }

func floatOf(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return intOf(int64(f))
	}
	return numberOf(strconv.FormatFloat(f, 'g', -1, 64))
}

func momentOf(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return value{kind: moment, made: &made{at: t.UTC()}}
}

// readValue takes a value of a record.
func readValue(v strictjson.Value) value {
	switch v.Kind() {
	case strictjson.Bool:
		return boolOf(v.Bool())
	case strictjson.Number:
		return numberOf(string(v.Number()))
	case strictjson.String:
		return textOf(v.Text())
	case strictjson.Array:
		return value{kind: list, read: v}
	case strictjson.Object:
		return value{kind: object, read: v}
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
	f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

func (v value) int() (int64, bool) {
	if v.kind != number && v.kind != text {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v.text), 10, 64)
	return n, err == nil
}

// attribute is a member by name: exactly, and if that finds nothing, in any
// case.
func (v value) attribute(name string) value {
	if v.kind != object {
		return value{}
	}
	if v.read.Exists() {
		return readValue(v.read.Find(name))
	}
	for i := range v.made.members {
		if v.made.members[i].name == name {
			return v.made.members[i].value
		}
	}
	for i := range v.made.members {
		if strings.EqualFold(v.made.members[i].name, name) {
			return v.made.members[i].value
		}
	}
	return value{}
}

// element is an element by position, from the end if it is negative.
func (v value) element(n int) value {
	if n < 0 {
		n += v.len()
	}
	i := 0
	if v.kind == list && v.read.Exists() {
		for e := range v.read.Elements() { // whose texts are not wanted, but for one
			if i == n {
				return readValue(e)
			}
			i++
		}
		return value{}
	}
	for e := range v.elements() {
		if i == n {
			return e
		}
		i++
	}
	return value{}
}

// elements are those of a list; anything else present is a list of itself.
func (v value) elements() iter.Seq[value] {
	return func(yield func(value) bool) { v.each(yield) } // short, so that it costs no allocation
}

func (v value) each(yield func(value) bool) {
	switch {
	case v.kind == absent:
	case v.kind != list:
		yield(v)
	case v.read.Exists():
		for e := range v.read.Elements() {
			if !yield(readValue(e)) {
				return
			}
		}
	default:
		for _, e := range v.made.list {
			if !yield(e) {
				return
			}
		}
	}
}

// pairs are the members of an object, or the elements of a list by position.
func (v value) pairs() iter.Seq2[value, value] {
	return func(yield func(value, value) bool) { v.eachPair(yield) }
}

func (v value) eachPair(yield func(value, value) bool) {
	switch {
	case v.kind != object:
		i := int64(0)
		for e := range v.elements() {
			if !yield(intOf(i), e) {
				return
			}
			i++
		}
	case v.read.Exists():
		for n, m := range v.read.Members() {
			if !yield(textOf(n), readValue(m)) {
				return
			}
		}
	default:
		for i := range v.made.members {
			if !yield(textOf(v.made.members[i].name), v.made.members[i].value) {
				return
			}
		}
	}
}

func (v value) len() int {
	switch {
	case v.kind == absent:
		return 0
	case v.kind != list && v.kind != object:
		return 1
	case v.read.Exists():
		return v.read.Len()
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
		if v.read.Exists() {
			return v.read.Len() == 0
		}
		return len(v.made.list)+len(v.made.members) == 0
	}
	return false
}

// appendJSON writes the value; absent ones are null. One that was made may name
// the same part of a record any number of times, so it ends with errSteps where
// it would be longer than all events of a message may be.
func (v value) appendJSON(b []byte) []byte {
	switch v.kind {
	case boolean:
		return strconv.AppendBool(b, v.yes)
	case number:
		return append(b, v.text...)
	case text, moment:
		s, _ := v.string()
		return strictjson.AppendString(b, s)
	case list:
		if v.read.Exists() {
			return appendLine(b, v.read.Raw())
		}
		b = append(b, '[')
		for i, e := range v.made.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = bounded(e.appendJSON(b))
		}
		return append(b, ']')
	case object:
		if v.read.Exists() {
			return appendLine(b, v.read.Raw())
		}
		b = append(b, '{')
		for i := range v.made.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(strictjson.AppendString(b, v.made.members[i].name), ':')
			b = bounded(v.made.members[i].value.appendJSON(b))
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func bounded(b []byte) []byte {
	if len(b) > maxMadeBytes {
		panic(errSteps{})
	}
	return b
}

// appendLine writes JSON as it was read, but on one line.
func appendLine(b, raw []byte) []byte {
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return append(b, raw...)
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return append(b, "null"...)
	}
	return append(b, line.Bytes()...)
}
