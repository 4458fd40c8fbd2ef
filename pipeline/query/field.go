package query

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// field reads what follows the colon of a field term.
func (p *parser) field(at int, name word) (Node, error) {
	f, err := p.resolve(at, name)
	if err != nil {
		return nil, err
	}
	from := p.pos
	switch c := p.peek(); {
	case p.end():
		return nil, p.fail(from, fmt.Sprintf("%s has no value", clip(f.String())), "write field:* for documents that have the field")
	case c == '"':
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return p.match(from, f, word{raw: s, text: s})
	case c == '>' || c == '<':
		return p.comparison(f)
	case c == '[' || c == '{':
		return p.interval(f)
	}
	w, err := p.bare(false)
	switch {
	case err != nil:
		return nil, err
	case w.raw == "":
		r, _ := utf8.DecodeRuneInString(p.text[from:])
		hint := "put the value in quotes"
		if r == '(' {
			hint = "repeat the field, as in field:a OR field:b, or put the value in quotes"
		}
		if unicode.IsSpace(r) {
			hint = "write the value directly behind the colon"
		}
		return nil, p.fail(from, fmt.Sprintf("%s has no value", clip(f.String())), hint)
	case w.wild && w.text == "*":
		return Exists{f}, nil
	}
	return p.match(from, f, w)
}

// resolve finds a field of the schema, or a leaf below a flattened one.
func (p *parser) resolve(at int, name word) (Field, error) {
	switch {
	case name.raw == "":
		return Field{}, p.fail(at, "a field is expected before the colon", "")
	case name.wild:
		return Field{}, p.fail(at, "a field name takes no wildcard", "name each field, joined by OR")
	}
	if row, ok := document.Lookup(name.text); ok {
		if row.Type == document.Stored {
			return Field{}, p.fail(at, fmt.Sprintf("%s is kept, not searched", row.Name), "")
		}
		return Field{Name: row.Name, Type: row.Type}, nil
	}
	for i := len(name.text) - 1; i > 0; i-- {
		if name.text[i] != '.' || i == len(name.text)-1 {
			continue
		}
		if row, ok := document.Lookup(name.text[:i]); ok && row.Type == document.Flattened {
			return Field{Name: row.Name, Key: name.text[i+1:], Type: row.Type}, nil
		}
	}
	hint := ""
	if near := likely(name.text); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	} else if strings.HasPrefix(name.text, "http") || strings.HasPrefix(name.text, "urn") {
		hint = "put text with a colon in quotes"
	}
	return Field{}, p.fail(at, fmt.Sprintf("unknown field %q", clip(name.text)), hint)
}

// match checks a value against its field's type.
func (p *parser) match(at int, f Field, w word) (Node, error) {
	if w.wild {
		switch f.Type {
		case document.Keyword, document.Text, document.Flattened:
			return Match{Field: f, Value: w.text, Wild: true}, nil
		case document.IP:
			return nil, p.fail(at, fmt.Sprintf("%s is of type ip and takes no wildcard", f), "write a network, as in 10.0.0.0/8")
		}
		return nil, p.fail(at, fmt.Sprintf("%s is of type %s and takes no wildcard", f, f.Type), "")
	}
	v, err := p.value(at, f, w.text)
	if err != nil {
		return nil, err
	}
	return Match{Field: f, Value: v}, nil
}

// value gives the canonical text of a single value.
func (p *parser) value(at int, f Field, text string) (string, error) {
	hint := ""
	switch f.Type {
	case document.Date:
		if v, ok := canonicalDate(text); ok {
			return v, nil
		}
		hint = "write 2026-02-03, 2026-02-03T10:15:04Z or now-1h"
	case document.Long:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
		hint = "write a whole number"
	case document.Float:
		if x, err := strconv.ParseFloat(text, 64); err == nil && x-x == 0 {
			return strconv.FormatFloat(x, 'g', -1, 64), nil
		}
		hint = "write a number"
	case document.Boolean:
		if v := strings.ToLower(text); v == "true" || v == "false" {
			return v, nil
		}
		hint = "write true or false"
	case document.IP:
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			return a.Unmap().String(), nil
		}
		if n, err := netip.ParsePrefix(text); err == nil {
			return n.Masked().String(), nil
		}
		hint = "write an address or a network, as in 10.0.0.0/8"
	case document.Text:
		if strings.ContainsFunc(text, wordRune) {
			return text, nil
		}
		return "", p.fail(at, fmt.Sprintf("%q holds no word", clip(text)), "")
	default:
		return text, nil
	}
	return "", p.fail(at, fmt.Sprintf("%s is of type %s and cannot be %q", clip(f.String()), f.Type, clip(text)), hint)
}

// comparison reads field:>=value and its like.
func (p *parser) comparison(f Field) (Node, error) {
	at := p.pos
	low := p.peek() == '>'
	p.pos++
	open := p.peek() != '='
	if !open {
		p.pos++
	}
	b, err := p.bound(f, open)
	if err != nil {
		return nil, err
	}
	if b.Value == "" {
		return nil, p.fail(at, "a comparison needs a value", "write field:* for documents that have the field")
	}
	if low {
		return Range{Field: f, Low: b}, nil
	}
	return Range{Field: f, High: b}, nil
}

// interval reads field:[a TO b], in which a brace leaves its bound out and *
// is no bound.
func (p *parser) interval(f Field) (Node, error) {
	at := p.pos
	form := "write a range as [a TO b], with { or } to leave a bound out"
	lowOpen := p.peek() == '{'
	p.pos++
	p.space()
	low, err := p.bound(f, lowOpen)
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.operator("TO") {
		return nil, p.fail(p.pos, "TO is expected", form)
	}
	from := p.pos
	high, err := p.bound(f, false)
	if err != nil {
		return nil, err
	}
	p.space()
	switch p.peek() {
	case ']':
	case '}':
		high.Open = high.Value != ""
	default:
		return nil, p.fail(at, "range is never closed", form)
	}
	p.pos++
	if low.Value == "" && high.Value == "" {
		return Exists{f}, nil
	}
	if f.Type != document.Date && low.Value != "" && high.Value != "" && number(low.Value) > number(high.Value) {
		return nil, p.fail(from, "range ends before it begins", "")
	}
	return Range{Field: f, Low: low, High: high}, nil
}

// bound reads one end of a range; * is none.
func (p *parser) bound(f Field, open bool) (Bound, error) {
	at := p.pos
	switch f.Type {
	case document.Date, document.Long, document.Float:
	default:
		return Bound{}, p.fail(at, fmt.Sprintf("%s is of type %s and has no order", clip(f.String()), f.Type), "compare it with a value or a pattern")
	}
	var w word
	var err error
	if p.peek() == '"' {
		w.text, err = p.quoted()
	} else {
		w, err = p.bare(false)
	}
	switch {
	case err != nil:
		return Bound{}, err
	case w.wild && w.text == "*":
		return Bound{}, nil
	case w.wild:
		return Bound{}, p.fail(at, "a range takes no wildcard", "")
	case w.text == "":
		return Bound{}, p.fail(at, "a range needs a value here", "* is no bound")
	}
	v, err := p.value(at, f, w.text)
	return Bound{Value: v, Open: open}, err
}

// number is a checked value of a long or float field, for comparing bounds.
func number(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}

// wordRune reports whether r is part of a word in a text field.
func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
