package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// writeJSON writes a value over several lines, for people who asked for all of
// it and for scripts.
func writeJSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// writeLine writes one JSON value per line, for scripts that read streams.
func writeLine(w io.Writer, v any) error { return encode(w, v, "") }

func encode(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escaped(text.Bytes()))
	return err
}

// escaped writes what JSON lets stand in strings but could steer a terminal, or
// turn the reading direction, by its number; the value stays the same.
func escaped(text []byte) []byte {
	b := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r < utf8.RuneSelf && r != 0x7f || strconv.IsPrint(r):
			b = append(b, text[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		text = text[size:]
	}
	return b
}

// writeDocs writes documents as one array, or one per line.
func writeDocs(w io.Writer, format string, docs []json.RawMessage) error {
	if format == "json" {
		if docs == nil {
			docs = []json.RawMessage{}
		}
		return writeJSON(w, docs)
	}
	for _, d := range docs {
		if err := writeLine(w, d); err != nil {
			return err
		}
	}
	return nil
}

// doc reads fields of an index document by their dotted name.
type doc struct{ v strictjson.Value }

func parseDoc(text []byte) (doc, error) {
	v, err := strictjson.Parse(text, strictjson.Limits{})
	return doc{v}, err
}

// value finds a dotted field; documents nest it or not.
func (d doc) value(field string) strictjson.Value {
	if v := d.v.Get(field); v.Exists() {
		return v
	}
	return d.v.Get(strings.Split(field, ".")...)
}

// text is a field for people: arrays are joined.
func (d doc) text(field string) string {
	v := d.value(field)
	if v.Kind() == strictjson.Array {
		var parts []string
		for e := range v.Elements() {
			parts = append(parts, scalar(e))
		}
		return strings.Join(parts, ", ")
	}
	return scalar(v)
}

func scalar(v strictjson.Value) string {
	switch v.Kind() {
	case strictjson.String:
		return v.Text()
	case strictjson.Missing, strictjson.Null:
		return ""
	}
	return string(v.Raw())
}

func (d doc) time() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, d.text("@timestamp"))
	return t
}

// stream is the short name of the document's stream.
func (d doc) stream() string {
	name := strings.TrimPrefix(d.text("event.dataset"), "ssf.")
	if name == "set" {
		return "signal"
	}
	return name
}

// plain keeps what a stranger wrote from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// table prints aligned columns.
func table(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = plain(r[i])
		}
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// colours paints for terminals and leaves everything else alone.
type colours struct{ on bool }

func coloursFor(w io.Writer, env func(string) (string, bool)) colours {
	f, ok := w.(*os.File)
	if !ok {
		return colours{}
	}
	if v, _ := env("NO_COLOR"); v != "" {
		return colours{}
	}
	if v, _ := env("TERM"); v == "dumb" {
		return colours{}
	}
	return colours{term.IsTerminal(int(f.Fd()))}
}

func (c colours) paint(code, s string) string {
	if !c.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (c colours) red(s string) string    { return c.paint("31", s) }
func (c colours) green(s string) string  { return c.paint("32", s) }
func (c colours) yellow(s string) string { return c.paint("33", s) }
func (c colours) bold(s string) string   { return c.paint("1", s) }
func (c colours) faint(s string) string  { return c.paint("2", s) }
