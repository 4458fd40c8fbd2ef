package strictjson

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// Limits bounds one JSON text. A zero member means no bound of that kind.
type Limits struct {
	Bytes   int // length of the text
	Depth   int // nesting of arrays and objects; the root object is depth 1
	Nodes   int // values of any kind in the whole text
	Members int // members of one object
}

// DefaultLimits fits a Security Event Token with room to spare.
var DefaultLimits = Limits{Bytes: 256 << 10, Depth: 32, Nodes: 4000, Members: 512}

// maxDepth caps recursion when Limits.Depth is zero.
const maxDepth = 1000

// maxExponent is the most digits of an exponent: those of a double have three
// (RFC 7493 section 2.2), and exact arithmetic on a number takes time and
// memory in proportion to its exponent, not to its text.
const maxExponent = 3

// Error says what is wrong with a text and where.
type Error struct {
	Offset int    // byte offset of the offence
	Msg    string // lower case, without the offset
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// node is one value of the tape. Children of a container follow it directly;
// next is the index after the whole subtree.
type node struct {
	kind     Kind
	escaped  bool // the string value holds a backslash
	keyEsc   bool // the member name holds a backslash
	keyStart int32
	keyEnd   int32 // 0: no member name
	start    int32 // strings: without quotes
	end      int32
	next     int32
	count    int32 // elements or members
}

// enter makes room for one more node and gives it. Its fields are set one by one:
// a node that is put together elsewhere and copied costs several times as much.
func enter(nodes []node) ([]node, *node) {
	i := len(nodes)
	if i < cap(nodes) {
		nodes = nodes[:i+1]
	} else {
		nodes = append(nodes, node{})
	}
	return nodes, &nodes[i]
}

type doc struct {
	src   []byte
	nodes []node
	text  string // src once more, so that texts are parts of it; "" without Held
}

// str is a string or member name between two places of the text.
func (d *doc) str(start, end int32, escaped bool) string {
	if d.text != "" && !escaped {
		return d.text[start:end]
	}
	return unescape(d.src[start:end], escaped)
}

type parser struct {
	doc
	lim   Limits
	pos   int
	depth int
}

// Parse reads exactly one JSON value with optional surrounding white space.
// The returned error is always an *Error. src is kept and must not change.
func Parse(src []byte, lim Limits) (Value, error) {
	if lim.Bytes > 0 && len(src) > lim.Bytes {
		return Value{}, &Error{lim.Bytes, fmt.Sprintf("text is longer than %d bytes", lim.Bytes)}
	}
	if len(src) > 1<<30 {
		return Value{}, &Error{1 << 30, "text is too long"}
	}
	if lim.Depth <= 0 || lim.Depth > maxDepth {
		lim.Depth = maxDepth
	}
	held := tapes.Get().(*[]node)
	p := parser{lim: lim}
	p.src, p.nodes = src, (*held)[:0]
	p.space()
	err := p.value(0, 0, false)
	if err == nil {
		if p.space(); p.pos != len(src) {
			err = p.fail("unexpected text after the value")
		}
	}
	var v Value
	if err == nil {
		v = Value{&doc{src: src, nodes: slices.Clone(p.nodes)}, 0}
	}
	if cap(p.nodes) <= maxTape {
		*held = p.nodes
		tapes.Put(held)
	}
	return v, err
}

// tapes are those that texts are read to before their length is known.
var tapes = sync.Pool{New: func() any { return new([]node) }}

// maxTape bounds the tapes that are kept, in nodes.
const maxTape = 1 << 14

// ParseText is Parse of a text that is a string already. Texts of the value are
// parts of it, as after Held.
func ParseText(src string, lim Limits) (Value, error) {
	v, err := Parse([]byte(src), lim)
	if err == nil {
		v.d.text = src
	}
	return v, err
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{p.pos, fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return
		}
		p.pos++
	}
}

func (p *parser) value(keyStart, keyEnd int, keyEsc bool) error {
	if p.pos >= len(p.src) {
		return p.fail("unexpected end of text")
	}
	if p.lim.Nodes > 0 && len(p.nodes) >= p.lim.Nodes {
		return p.fail("more than %d values", p.lim.Nodes)
	}
	from, kind, escaped := p.pos, Null, false
	var err error
	switch c := p.src[from]; {
	case c == '"':
		kind = String
		_, _, escaped, err = p.str()
	case c == '{' || c == '[':
		return p.container(c, keyStart, keyEnd, keyEsc)
	case c == '-' || c >= '0' && c <= '9':
		kind, err = Number, p.number()
	case c == 't':
		kind, err = Bool, p.literal("true")
	case c == 'f':
		kind, err = Bool, p.literal("false")
	case c == 'n':
		err = p.literal("null")
	case from == 0 && bytes.HasPrefix(p.src, []byte("\ufeff")):
		err = p.fail("byte order mark; save the text as UTF-8 without one")
	default:
		err = p.fail("unexpected character %q", rune(c))
	}
	if err != nil {
		return err
	}
	quote := 0
	if kind == String {
		quote = 1
	}
	var n *node
	p.nodes, n = enter(p.nodes)
	n.kind, n.escaped, n.keyEsc, n.keyStart, n.keyEnd = kind, escaped, keyEsc, int32(keyStart), int32(keyEnd)
	n.start, n.end, n.next, n.count = int32(from+quote), int32(p.pos-quote), int32(len(p.nodes)), 0
	return nil
}

// container reads an object or array, whose node comes before those in it.
func (p *parser) container(bracket byte, keyStart, keyEnd int, keyEsc bool) (err error) {
	self := len(p.nodes)
	var n *node
	p.nodes, n = enter(p.nodes)
	n.escaped, n.keyEsc, n.keyStart, n.keyEnd, n.start = false, keyEsc, int32(keyStart), int32(keyEnd), int32(p.pos)
	if p.depth++; p.depth > p.lim.Depth {
		return p.fail("nested deeper than %d", p.lim.Depth)
	}
	p.pos++
	p.space()
	kind, count := Array, 0
	if bracket == '{' {
		kind = Object
		count, err = p.object(self)
	} else {
		count, err = p.array()
	}
	if err != nil {
		return err
	}
	p.depth--
	n = &p.nodes[self]
	n.kind, n.end, n.next, n.count = kind, int32(p.pos), int32(len(p.nodes)), int32(count)
	return nil
}

func (p *parser) object(self int) (int, error) {
	count := 0
	var names nameSet
	if p.pos < len(p.src) && p.src[p.pos] == '}' {
		p.pos++
		return 0, nil
	}
	for {
		if p.pos >= len(p.src) || p.src[p.pos] != '"' {
			return 0, p.fail("expected a member name")
		}
		at := p.pos
		ks, ke, esc, err := p.str()
		if err != nil {
			return 0, err
		}
		if p.lim.Members > 0 && count >= p.lim.Members {
			p.pos = at
			return 0, p.fail("more than %d members in one object", p.lim.Members)
		}
		if few := names.slots == nil && !esc && count < manyMembers; few && !names.suspect(p.src[ks:ke]) {
			// new without a comparison
		} else if p.duplicate(self, count, ks, ke, esc, &names) {
			p.pos = at
			return 0, p.fail("duplicate member %q", clip(unescape(p.src[ks:ke], esc)))
		}
		p.space()
		if p.pos >= len(p.src) || p.src[p.pos] != ':' {
			return 0, p.fail("expected ':' after a member name")
		}
		p.pos++
		p.space()
		if err := p.value(ks, ke, esc); err != nil {
			return 0, err
		}
		count++
		if p.comma() {
			continue
		}
		done, err := p.separator('}')
		if err != nil {
			return 0, err
		}
		if done {
			return count, nil
		}
	}
}

func (p *parser) array() (int, error) {
	count := 0
	if p.pos < len(p.src) && p.src[p.pos] == ']' {
		p.pos++
		return 0, nil
	}
	for {
		if err := p.value(0, 0, false); err != nil {
			return 0, err
		}
		count++
		if p.comma() {
			continue
		}
		done, err := p.separator(']')
		if err != nil {
			return 0, err
		}
		if done {
			return count, nil
		}
	}
}

// comma reads a comma without white space round it, as most are.
func (p *parser) comma() bool {
	if at := p.pos; at+1 < len(p.src) && p.src[at] == ',' && p.src[at+1] > ' ' {
		p.pos = at + 1
		return true
	}
	return false
}

// separator reads a comma or the closing character.
func (p *parser) separator(closing byte) (bool, error) {
	p.space()
	if p.pos >= len(p.src) {
		return false, p.fail("unexpected end of text")
	}
	switch p.src[p.pos] {
	case closing:
		p.pos++
		return true, nil
	case ',':
		p.pos++
		p.space()
		return false, nil
	}
	return false, p.fail("expected ',' or '%c'", closing)
}

func (p *parser) literal(word string) error {
	if !bytes.HasPrefix(p.src[p.pos:], []byte(word)) {
		return p.fail("unexpected character %q", rune(p.src[p.pos]))
	}
	p.pos += len(word)
	return nil
}

func (p *parser) number() error {
	digits := func() bool {
		from := p.pos
		for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
			p.pos++
		}
		return p.pos > from
	}
	if p.src[p.pos] == '-' {
		p.pos++
	}
	if p.pos < len(p.src) && p.src[p.pos] == '0' {
		p.pos++
	} else if !digits() {
		return p.fail("invalid number")
	}
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		p.pos++
		if !digits() {
			return p.fail("invalid number")
		}
	}
	if p.pos < len(p.src) && (p.src[p.pos] == 'e' || p.src[p.pos] == 'E') {
		p.pos++
		if p.pos < len(p.src) && (p.src[p.pos] == '+' || p.src[p.pos] == '-') {
			p.pos++
		}
		at := p.pos
		if !digits() {
			return p.fail("invalid number")
		}
		if len(bytes.TrimLeft(p.src[at:p.pos], "0")) > maxExponent {
			p.pos = at
			return p.fail("exponent of more than %d digits", maxExponent)
		}
	}
	return nil
}

// clip keeps a stranger's text in an error message short.
func clip(s string) string {
	const limit = 64
	if len(s) <= limit {
		return s
	}
	for i := limit; ; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i] + "…"
		}
	}
}
