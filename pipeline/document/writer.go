package document

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// timeForm is RFC 3339 in UTC with milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z"

// writer appends JSON objects member by member. What is empty leaves no trace:
// zero values are not written, and an object that got no member is taken back.
// Member names are of our own making and need no escapes.
type writer struct{ b []byte }

// key begins a member.
func (w *writer) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// open begins an object and returns the mark that closes it.
func (w *writer) open(name string) (mark int) {
	mark = len(w.b)
	w.key(name)
	w.b = append(w.b, '{')
	return mark
}

func (w *writer) close(mark int) {
	if w.b[len(w.b)-1] == '{' {
		w.b = w.b[:mark]
		return
	}
	w.b = append(w.b, '}')
}

func (w *writer) text(name, v string) {
	if v != "" {
		w.key(name)
		w.b = strictjson.AppendString(w.b, v)
	}
}

func (w *writer) texts(name string, list ...string) {
	if len(list) == 0 {
		return
	}
	w.key(name)
	sep := byte('[')
	for _, v := range list {
		w.b = append(w.b, sep)
		w.b = strictjson.AppendString(w.b, v)
		sep = ','
	}
	w.b = append(w.b, ']')
}

// json writes text of our own making.
func (w *writer) json(name, v string) {
	if v != "" {
		w.key(name)
		w.b = append(w.b, v...)
	}
}

func (w *writer) time(name string, t time.Time) {
	if !t.IsZero() {
		w.key(name)
		w.b = append(w.b, '"')
		w.b = appendTime(w.b, t.UTC())
		w.b = append(w.b, '"')
	}
}

// appendTime is t.AppendFormat(b, timeForm) for a time in UTC, at a third of the
// cost: every document has several.
func appendTime(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, timeForm)
	}
	hour, minute, second := t.Clock()
	b = append(two(two(b, year/100), year%100), '-')
	b = append(two(b, int(month)), '-')
	b = append(two(b, day), 'T')
	b = append(two(b, hour), ':')
	b = append(two(b, minute), ':')
	b = append(two(b, second), '.')
	milli := t.Nanosecond() / 1e6
	return append(two(append(b, byte('0'+milli/100)), milli%100), 'Z')
}

// two appends two digits.
func two(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func (w *writer) int(name string, n int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) bool(name string, v bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, v)
}

// flattened writes a checked JSON object into a flattened field. An object
// without a leaf is left out.
func (w *writer) flattened(name string, raw []byte) {
	if len(raw) <= len("{}") {
		return
	}
	w.key(name)
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		w.b = append(w.b, raw...)
		return
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		line.Reset()
		line.WriteString("{}")
	}
	w.b = append(w.b, line.Bytes()...)
}
