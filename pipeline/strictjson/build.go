package strictjson

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Builder makes a value together with its text, so that a text of our own making
// need not be parsed. What it gives is what Parse would give for the text, and
// it refuses what Parse would refuse. A member is its Name and then its value;
// an object or array is closed by End. One that was used keeps its memory;
// Reset readies it for the next value. It is not safe for concurrent use.
type Builder struct {
	lim   Limits
	b     []byte
	nodes []node
	open  []container
	key   key // where the name of the next value is
	err   error
	view  doc // what View gave
}

// key is where the name of a member is.
type key struct {
	start, end int32 // end 0: there is none
	escaped    bool
}

// QuotedName is the name of a member as it is written, for members that are made
// again and again.
type QuotedName struct {
	text    string
	order   uint64
	escaped bool
}

// order is the beginning of a name as a number, for comparing most names at once.
func order(name string) uint64 {
	var first [8]byte
	copy(first[:], name)
	return binary.BigEndian.Uint64(first[:])
}

// Quote makes a name ready.
func Quote(name string) QuotedName {
	text := string(AppendString[string](nil, name))
	return QuotedName{text, order(text[1 : len(text)-1]), strings.IndexByte(text, '\\') >= 0}
}

// container is an object or array that is being made.
type container struct {
	node   int32
	last   int32  // node of the last member
	sorted bool   // names ascend so far, so that a greater one is new
	order  uint64 // of the last name, if it was quoted before; see order
}

// Reset forgets what was made, and sets the limits of what is made next.
func (w *Builder) Reset(lim Limits) {
	if lim.Depth <= 0 || lim.Depth > maxDepth {
		lim.Depth = maxDepth
	}
	w.lim, w.b, w.nodes, w.open, w.key, w.err = lim, w.b[:0], w.nodes[:0], w.open[:0], key{}, nil
}

// Len is the number of bytes so far.
func (w *Builder) Len() int { return len(w.b) }

// Value is what was made, with memory of its own. The returned error is always
// an *Error; its offset is where the text was when it went wrong.
func (w *Builder) Value() (Value, error) {
	v, err := w.View()
	if err != nil {
		return v, err
	}
	return Value{&doc{src: bytes.Clone(w.b), nodes: slices.Clone(w.nodes)}, 0}, nil
}

// Bytes is the text of what was made, with memory of its own, for who wants no
// more. The returned error is that of Value.
func (w *Builder) Bytes() ([]byte, error) {
	if _, err := w.View(); err != nil {
		return nil, err
	}
	return bytes.Clone(w.b), nil
}

// View is Value in the memory of the builder, until the next Reset: for who
// reads it at once and keeps nothing of it.
func (w *Builder) View() (Value, error) {
	if len(w.open) > 0 || len(w.nodes) == 0 {
		w.fail("unexpected end of text")
	}
	if w.lim.Bytes > 0 && len(w.b) > w.lim.Bytes {
		w.fail("text is longer than %d bytes", w.lim.Bytes)
	}
	if w.err != nil {
		return Value{}, w.err
	}
	w.view = doc{src: w.b, nodes: w.nodes}
	return Value{&w.view, 0}, nil
}

func (w *Builder) fail(format string, args ...any) {
	if w.err == nil {
		w.err = &Error{len(w.b), fmt.Sprintf(format, args...)}
	}
}

// Object begins an object.
func (w *Builder) Object() { w.enter(Object, '{') }

// Array begins an array.
func (w *Builder) Array() { w.enter(Array, '[') }

func (w *Builder) enter(kind Kind, bracket byte) {
	i := w.begin(kind)
	w.b = append(w.b, bracket)
	w.open = append(w.open, container{node: i, sorted: true})
	if len(w.open) > w.lim.Depth {
		w.fail("nested deeper than %d", w.lim.Depth)
	}
}

// End closes the object or array begun last.
func (w *Builder) End() {
	last := len(w.open) - 1
	i := w.open[last].node
	w.open = w.open[:last]
	bracket := byte('}')
	if w.nodes[i].kind == Array {
		bracket = ']'
	}
	w.b = append(w.b, bracket)
	w.end(i)
}

// begin enters a value, whose text begins here.
func (w *Builder) begin(kind Kind) int32 {
	if w.lim.Nodes > 0 && len(w.nodes) >= w.lim.Nodes {
		w.fail("more than %d values", w.lim.Nodes)
	}
	i := int32(len(w.nodes))
	if len(w.open) > 0 {
		in := &w.open[len(w.open)-1]
		of := &w.nodes[in.node]
		if of.kind == Array && of.count > 0 {
			w.b = append(w.b, ',')
		}
		of.count++
		in.last = i
	}
	var n *node
	w.nodes, n = enter(w.nodes)
	n.kind, n.escaped, n.start = kind, false, int32(len(w.b))
	n.keyEsc, n.keyStart, n.keyEnd = w.key.escaped, w.key.start, w.key.end
	n.end, n.next, n.count = 0, 0, 0
	w.key.escaped, w.key.start, w.key.end = false, 0, 0
	return i
}

// end completes a value.
func (w *Builder) end(i int32) {
	n := &w.nodes[i]
	n.end, n.next = int32(len(w.b)), int32(len(w.nodes))
}

// quoted appends a text in quotes and gives its place between them.
func (w *Builder) quoted(s string) (start, end int32, escaped bool) {
	from := len(w.b) + 1
	if plainPrefix(s) == len(s) {
		w.b = append(append(append(w.b, '"'), s...), '"')
		return int32(from), int32(from + len(s)), false
	}
	w.b = AppendString(w.b, s)
	to := len(w.b) - 1
	// What is escaped becomes longer.
	return int32(from), int32(to), to-from != len(s) && bytes.IndexByte(w.b[from:to], '\\') >= 0
}

// Name is the name of the member whose value comes next. The object must not
// have one of the name.
func (w *Builder) Name(name string) {
	in := &w.open[len(w.open)-1]
	of := &w.nodes[in.node]
	if of.count > 0 {
		w.b = append(w.b, ',')
	}
	w.key.start, w.key.end, w.key.escaped = w.quoted(name)
	w.named(in, of)
}

// NameQuoted is Name of a name that was made ready.
func (w *Builder) NameQuoted(name QuotedName) {
	in := &w.open[len(w.open)-1]
	of := &w.nodes[in.node]
	if of.count > 0 {
		w.b = append(w.b, ',')
	}
	w.key.start = int32(len(w.b)) + 1
	w.b = append(w.b, name.text...)
	w.key.end, w.key.escaped = int32(len(w.b))-1, name.escaped
	if in.sorted && !name.escaped && name.order > in.order && w.lim.Members == 0 {
		w.b = append(w.b, ':')
	} else {
		w.named(in, of)
	}
	in.order = name.order
}

// named checks the name just written, and goes on to its value.
func (w *Builder) named(in *container, of *node) {
	if w.lim.Members > 0 && int(of.count) >= w.lim.Members {
		w.fail("more than %d members in one object", w.lim.Members)
	}
	if of.count > 0 && w.repeated(in) {
		w.fail("duplicate member %q", clip(unescape(w.b[w.key.start:w.key.end], w.key.escaped)))
	}
	in.sorted = in.sorted && !w.key.escaped
	in.order = math.MaxUint64
	w.b = append(w.b, ':')
}

// repeated reports whether the object has a member of the name already.
func (w *Builder) repeated(in *container) bool {
	key := w.b[w.key.start:w.key.end]
	if in.sorted && !w.key.escaped {
		last := &w.nodes[in.last]
		before := w.b[last.keyStart:last.keyEnd]
		if len(before) > 0 && len(key) > 0 && before[0] < key[0] || bytes.Compare(before, key) < 0 {
			return false
		}
		in.sorted = false
	}
	for j := in.node + 1; int(j) < len(w.nodes); j = w.nodes[j].next {
		n := &w.nodes[j]
		other := w.b[n.keyStart:n.keyEnd]
		if n.keyEsc == w.key.escaped {
			if bytes.Equal(key, other) {
				return true
			}
			if !n.keyEsc {
				continue
			}
		}
		if unescape(key, w.key.escaped) == unescape(other, n.keyEsc) {
			return true
		}
	}
	return false
}

// Text is a string. Invalid UTF-8 becomes U+FFFD.
func (w *Builder) Text(s string) {
	i := w.begin(String)
	start, end, escaped := w.quoted(s)
	n := &w.nodes[i]
	n.start, n.end, n.escaped, n.next = start, end, escaped, i+1
}

// Number is a number as it is written.
func (w *Builder) Number(digits string) {
	i := w.begin(Number)
	from := len(w.b)
	w.b = append(w.b, digits...)
	p := parser{doc: doc{src: w.b}, pos: from}
	if from == len(w.b) || p.number() != nil || p.pos != len(w.b) {
		w.fail("invalid number")
	}
	w.end(i)
}

// Bool is true or false.
func (w *Builder) Bool(v bool) {
	i := w.begin(Bool)
	w.b = strconv.AppendBool(w.b, v)
	w.end(i)
}

// Null is null.
func (w *Builder) Null() {
	i := w.begin(Null)
	w.b = append(w.b, "null"...)
	w.end(i)
}

// Copy is a value of another text, as it is written there, but on one line. A
// missing one is null.
func (w *Builder) Copy(v Value) {
	if !v.Exists() {
		w.Null()
		return
	}
	from := v.node()
	raw := v.Raw()
	count := int(from.next - v.i)
	if w.lim != (Limits{Depth: maxDepth}) || len(w.open)+count > maxDepth || bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		w.copyEach(v, raw)
		return
	}
	i := w.begin(from.kind)
	own := w.nodes[i]
	text, at := int32(len(w.b))-from.start, i-v.i
	if from.kind == String {
		text++
	}
	w.b = append(w.b, raw...)
	w.nodes = append(w.nodes[:i], v.d.nodes[v.i:from.next]...)
	for j := range w.nodes[i:] {
		n := &w.nodes[int(i)+j]
		n.start, n.end, n.next = n.start+text, n.end+text, n.next+at
		if n.keyEnd > 0 {
			n.keyStart, n.keyEnd = n.keyStart+text, n.keyEnd+text
		}
	}
	n := &w.nodes[i]
	n.keyStart, n.keyEnd, n.keyEsc = own.keyStart, own.keyEnd, own.keyEsc
}

// copyEach copies value by value, without white space and within the limits.
func (w *Builder) copyEach(v Value, raw []byte) {
	from := v.node()
	switch from.kind {
	case Object:
		w.Object()
		for c := v.Cursor(); ; {
			m, ok := c.Next()
			if !ok {
				break
			}
			in := &w.open[len(w.open)-1]
			of := &w.nodes[in.node]
			if of.count > 0 {
				w.b = append(w.b, ',')
			}
			key := m.node()
			w.key.start, w.key.escaped = int32(len(w.b))+1, key.keyEsc
			w.b = append(w.b, v.d.src[key.keyStart-1:key.keyEnd+1]...)
			w.key.end = int32(len(w.b)) - 1
			w.named(in, of)
			w.copyEach(m, m.Raw())
		}
		w.End()
	case Array:
		w.Array()
		for c := v.Cursor(); ; {
			e, ok := c.Next()
			if !ok {
				break
			}
			w.copyEach(e, e.Raw())
		}
		w.End()
	default:
		i := w.begin(from.kind)
		w.b = append(w.b, raw...)
		w.end(i)
		if n := &w.nodes[i]; from.kind == String {
			n.start, n.end, n.escaped = n.start+1, n.end-1, from.escaped
		}
	}
}
