package query

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a query's text.
const (
	MaxLength = 8192 // bytes
	MaxDepth  = 32   // parentheses and negations within each other
	MaxTerms  = 256
)

// Parse reads a query and checks it against the schema of documents. The
// returned error is always an *Error. Text without a word matches everything.
func Parse(text string) (Query, error) {
	if len(text) > MaxLength {
		return Query{}, &Error{MaxLength, fmt.Sprintf("query is longer than %d bytes", MaxLength), ""}
	}
	if !utf8.ValidString(text) {
		return Query{}, &Error{0, "query is not valid UTF-8", ""}
	}
	p := &parser{text: text}
	p.space()
	if p.end() {
		return Query{}, nil
	}
	n, err := p.or()
	if err != nil {
		return Query{}, err
	}
	if !p.end() {
		return Query{}, p.fail(p.pos, "unexpected )", "there is no ( for it")
	}
	return newQuery(n), nil
}

type parser struct {
	text  string
	pos   int
	depth int
	terms int
}

func (p *parser) fail(at int, problem, hint string) error { return &Error{at, problem, hint} }

func (p *parser) end() bool { return p.pos >= len(p.text) }

func (p *parser) peek() byte {
	if p.end() {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) space() {
	p.pos += len(p.text[p.pos:]) - len(strings.TrimLeftFunc(p.text[p.pos:], unicode.IsSpace))
}

// operator takes the operator if it stands here as a word of its own.
func (p *parser) operator(word string) bool {
	rest, ok := strings.CutPrefix(p.text[p.pos:], word)
	if !ok {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(rest); rest != "" && r != '(' && r != ')' && !unicode.IsSpace(r) {
		return false
	}
	p.pos += len(word)
	p.space()
	return true
}

func (p *parser) or() (Node, error) {
	var list []Node
	for {
		n, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.operator("OR") {
			return disjunction(list), nil
		}
	}
}

func (p *parser) and() (Node, error) {
	var list []Node
	for {
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if p.operator("AND") {
			continue
		}
		if p.end() || p.peek() == ')' || p.orNext() {
			return conjunction(list), nil
		}
	}
}

func (p *parser) orNext() bool {
	at := p.pos
	is := p.operator("OR")
	p.pos = at
	return is
}

func (p *parser) not() (Node, error) {
	at := p.pos
	if !p.operator("NOT") {
		return p.primary()
	}
	if err := p.enter(at); err != nil {
		return nil, err
	}
	n, err := p.not()
	p.depth--
	if err != nil {
		return nil, err
	}
	return negation(n), nil
}

func (p *parser) enter(at int) error {
	if p.depth++; p.depth > MaxDepth {
		return p.fail(at, fmt.Sprintf("query is nested deeper than %d", MaxDepth), "")
	}
	return nil
}

// primary reads a group or a term, and the space behind it.
func (p *parser) primary() (Node, error) {
	at := p.pos
	if p.end() {
		return nil, p.fail(at, "query ends where a term is expected", "")
	}
	if p.peek() == '(' {
		return p.group(at)
	}
	if p.peek() == ')' {
		return nil, p.fail(at, "a term is expected before )", "")
	}
	if p.terms++; p.terms > MaxTerms {
		return nil, p.fail(at, fmt.Sprintf("query has more than %d terms", MaxTerms), "")
	}
	n, err := p.term(at)
	if err != nil {
		return nil, err
	}
	if r, _ := utf8.DecodeRuneInString(p.text[p.pos:]); !p.end() && r != ')' && !unicode.IsSpace(r) {
		hint := "put the value in quotes, or a space before the next term"
		if r == '>' || r == '<' {
			hint = "a comparison stands behind a colon, as in event.severity:>=73; or put the value in quotes"
		}
		return nil, p.fail(p.pos, fmt.Sprintf("unexpected %c", r), hint)
	}
	p.space()
	return n, nil
}

func (p *parser) group(at int) (Node, error) {
	if err := p.enter(at); err != nil {
		return nil, err
	}
	p.pos++
	p.space()
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.fail(at, "( is never closed", "")
	}
	p.pos++
	p.depth--
	p.space()
	return n, nil
}

// term reads a field term or free text.
func (p *parser) term(at int) (Node, error) {
	if p.peek() == '"' {
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if s == "" {
			return nil, p.fail(at, "empty text", "")
		}
		return Words{Value: s}, nil
	}
	for _, op := range [...]string{"AND", "OR"} {
		if p.operator(op) {
			return nil, p.fail(at, fmt.Sprintf("a term is expected before %s", op), "put the word in quotes to search for it")
		}
	}
	w, err := p.bare(true)
	if err != nil {
		return nil, err
	}
	if p.peek() == ':' {
		p.pos++
		return p.field(at, w)
	}
	return p.words(at, w)
}

// words makes free text of a bare word.
func (p *parser) words(at int, w word) (Node, error) {
	if w.raw == "" {
		return nil, p.fail(at, fmt.Sprintf("unexpected %c", p.peek()), "a comparison needs a field before it, as in event.severity:>=73")
	}
	if hint := operatorHint(w.raw); hint != "" {
		return nil, p.fail(at, fmt.Sprintf("unexpected %s", w.raw), hint)
	}
	if strings.ContainsRune("+-!", rune(w.raw[0])) {
		return nil, p.fail(at, fmt.Sprintf("unexpected %c", w.raw[0]), "write NOT before a term to exclude it, or put the text in quotes")
	}
	if w.wild && w.text == "*" {
		return All{}, nil
	}
	return Words{Value: w.text, Wild: w.wild}, nil
}

// isOperator reports whether s is one of the operators.
func isOperator(s string) bool { return s == "AND" || s == "OR" || s == "NOT" }

// operatorHint says what to write for a word that other query languages take
// for an operator, "" for all other words.
func operatorHint(s string) string {
	switch s {
	case "and", "or", "not", "And", "Or", "Not":
		return "operators are written in upper case; put the word in quotes to search for it"
	case "&&":
		return "write AND"
	case "||":
		return "write OR"
	}
	return ""
}

// word is text without quotes.
type word struct {
	raw  string // as written
	text string // without escapes; a pattern when wild
	wild bool
}

// bare reads text up to white space or a special character, which may be
// empty; as the start of a term it also ends at a colon.
func (p *parser) bare(start bool) (word, error) {
	var plain, pattern strings.Builder
	from, wild, star := p.pos, false, false
	for !p.end() {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		escaped := r == '\\'
		if escaped {
			r, size = utf8.DecodeRuneInString(p.text[p.pos+1:])
			if size == 0 {
				return word{}, p.fail(p.pos, "query ends within an escape", "write \\\\ for a backslash")
			}
			size++
		} else if start && r == ':' || isSpecial(r) && r != '*' && r != '?' {
			break
		}
		p.pos += size
		joker := !escaped && (r == '*' || r == '?')
		wild = wild || joker
		if !joker && (r == '*' || r == '?' || r == '\\') {
			pattern.WriteByte('\\')
		}
		if again := joker && r == '*' && star; !again {
			pattern.WriteRune(r)
		}
		star = joker && r == '*'
		plain.WriteRune(r)
	}
	w := word{raw: p.text[from:p.pos], text: plain.String(), wild: wild}
	if wild {
		w.text = pattern.String()
	}
	return w, nil
}

// quoted reads text in quotes; a backslash makes the next character plain.
func (p *parser) quoted() (string, error) {
	at := p.pos
	var b strings.Builder
	for i := at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; c {
		case '"':
			p.pos = i + 1
			return b.String(), nil
		case '\\':
			if i++; i == len(p.text) {
				return "", p.fail(at, "quote is never closed", "")
			}
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail(at, "quote is never closed", "")
}
