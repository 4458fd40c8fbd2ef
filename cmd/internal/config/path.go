package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Path is the template of what a call appends to its sink's URL. What is filled
// in was written by strangers: each value stays within the path segment or the
// query value it stands in, whatever it holds. As all text of HCL it is in
// Unicode's normalization form C. It is immutable and safe for concurrent use.
type Path struct{ parts []pathPart }

// pathPart is text of the file, or a value to fill in.
type pathPart struct {
	text  string
	value *Body // nil for text
	query bool  // it stands behind the "?"
}

// Bounds of a path.
const (
	longestPathValue = 1024
	longestPath      = 4096
)

// compilePath takes a path apart. Its own text is held to RFC 3986.
func (l *loader) compilePath(e hclsyntax.Expression) (*Path, bool) {
	template, ok := e.(*hclsyntax.TemplateExpr)
	if !ok {
		l.fault(e.Range(), "path must be text in quotes", `Write it out and fill values in with ${}, such as "/users/${subject.sub}/suspend".`)
		return nil, false
	}
	p, shape, query := &Path{}, "", false
	for _, part := range template.Parts {
		literal, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || literal.Val.Type() != cty.String {
			value, ok := l.compile(part)
			if !ok {
				return nil, false
			}
			if _, diags := value.sampled(event.Unknown); diags.HasErrors() {
				l.hcl(diags)
				return nil, false
			}
			p.parts = append(p.parts, pathPart{value: value, query: query})
			shape += "v" // something that is no segment of its own kind
			continue
		}
		text := literal.Val.AsString()
		p.parts = append(p.parts, pathPart{text: text})
		shape += text
		query = query || strings.Contains(text, "?")
	}
	if why := wrongPath(shape); why != "" {
		l.fault(e.Range(), "invalid path", why)
		return nil, false
	}
	return p, true
}

// wrongPath says what is wrong with a path as the file has it, "" if nothing is.
func wrongPath(s string) string {
	path, query, _ := strings.Cut(s, "?")
	switch {
	case !strings.HasPrefix(path, "/"):
		return `Begin it with "/"; it is appended to the URL of the sink.`
	case strings.Contains(s, "#"):
		return "A call has no fragment; leave \"#\" out."
	case badEscape(s):
		return `Write "%" as %25, or follow it by two hexadecimal digits.`
	case strings.ContainsFunc(path, func(r rune) bool { return r != '%' && !pathRune(r) }),
		strings.ContainsFunc(query, func(r rune) bool { return r != '%' && r != '?' && !pathRune(r) }):
		return "It holds what must be percent-escaped in a URL (RFC 3986, section 3.3)."
	}
	for i, segment := range strings.Split(path[1:], "/") {
		if segment == "" && i < strings.Count(path, "/")-1 {
			return "It has an empty segment; write one slash."
		}
		if dots(segment) {
			return `It must not have "." or ".." as a segment.`
		}
	}
	return ""
}

// pathRune reports what a path may hold unescaped.
func pathRune(r rune) bool {
	return r < utf8.RuneSelf && (unreserved(byte(r)) || strings.ContainsRune("/!$&'()*+,;=:@", r))
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func badEscape(s string) bool {
	_, err := url.PathUnescape(s)
	return err != nil
}

// Render fills the values in.
func (p *Path) Render(v pipeline.ActionVars) (string, error) {
	var b strings.Builder
	for _, part := range p.parts {
		if part.value == nil {
			b.WriteString(part.text)
			continue
		}
		text, err := part.value.text(v)
		if err == nil {
			err = fitsPath(text, part.query)
		}
		if err != nil {
			return "", fmt.Errorf("path: %w", err)
		}
		for i := range len(text) {
			if c := text[i]; unreserved(c) {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
	}
	if b.Len() > longestPath {
		return "", fmt.Errorf("path: it is longer than %d bytes", longestPath)
	}
	// A value may have made a dot segment together with the text round it.
	path, _, _ := strings.Cut(b.String(), "?")
	for segment := range strings.SplitSeq(path, "/") {
		if dots(segment) {
			return "", errors.New(`path: a segment would be "." or ".."`)
		}
	}
	return b.String(), nil
}

// text is the value of a template as text.
func (b *Body) text(v pipeline.ActionVars) (string, error) {
	value, err := b.value(v)
	if err != nil {
		return "", err
	}
	at := b.expr.Range()
	value, err = convert.Convert(value, cty.String)
	if err != nil || value.IsNull() || !value.IsKnown() {
		return "", fmt.Errorf("%s: there is no text to fill in", where(at))
	}
	return value.AsString(), nil
}

func where(at hcl.Range) string { return fmt.Sprintf("%s:%d", at.Filename, at.Start.Line) }

// fitsPath refuses what escaping would keep within its segment, but what
// something on the way that decodes once too often would take for more.
func fitsPath(text string, query bool) error {
	switch {
	case text == "":
		return errors.New("a value to fill in is empty")
	case len(text) > longestPathValue:
		return fmt.Errorf("a value to fill in is longer than %d bytes", longestPathValue)
	case !utf8.ValidString(text):
		return errors.New("a value to fill in is not UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a value to fill in holds control characters")
	case query:
		return nil
	}
	for range 4 {
		for segment := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '/' || r == '\\' }) {
			if dots(segment) {
				return errors.New(`a value to fill in holds "." or ".." as a segment`)
			}
		}
		next, err := url.PathUnescape(text)
		if err != nil || next == text {
			return nil
		}
		text = next
	}
	return errors.New("a value to fill in is escaped again and again")
}

// dots reports a segment that means this folder or the one above, also where it
// is escaped or has parameters.
func dots(segment string) bool {
	if s, err := url.PathUnescape(segment); err == nil {
		segment = s
	}
	segment, _, _ = strings.Cut(segment, ";")
	return segment == "." || segment == ".."
}
