package strictjson

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
)

// Builder makes a value together with its text, so that a text of our own making
// need not be parsed. What it gives is what Parse would give for the text, and
// it refuses what Parse would refuse, but for names quoted beforehand, which the
// caller answers for. A member is its Name and then its value;
// an object or array is closed by End. One that was used keeps its memory;
// Reset readies it for the next value. It is not safe for concurrent use.
type Builder struct {
	lim    Limits
	tree   bool // nodes are made, and not the text alone
	values int  // so far
	b      []byte
	nodes  []node
	open   []container
	names  []name // of the members of the open objects, outermost first
	key    name   // of the next value; end 0: it has none
	err    error
	view   doc // what View gave
}

// name is where the name of a member is.
type name struct {
	order      uint64 // see order
	start, end int32
	escaped    bool
}

// QuotedName is the name of a member as it is written, for members that are made
// again and again.
type QuotedName struct {
	text    string // with the colon
	escaped bool
}

// order is the beginning of a name as a number: of names that differ it differs
// mostly, and they ascend if it does.
func order[S ~string | ~[]byte](name S) uint64 {
	if len(name) >= 8 {
		return bits.ReverseBytes64(word(name))
	}
	w := uint64(0)
	for i := range len(name) {
		w |= uint64(name[i]) << (56 - 8*i)
	}
	return w
}

// orderOf is the order of a name that is written with or without escapes.
func orderOf(written []byte, escaped bool) uint64 {
	if escaped {
		return order(unescape(written, true))
	}
	return order(written)
}

// Quote makes a name ready.
func Quote(name string) QuotedName {
	text := AppendString[string](nil, name)
	return QuotedName{string(text) + ":", bytes.IndexByte(text, '\\') >= 0}
}

// container is an object or array that is being made.
type container struct {
	node     int32 // of a tree
	count    int32 // of members or elements so far
	names    int32 // where those of its members begin
	array    bool
	greatest uint64 // order of its names
}

// Reset forgets what was made, and sets the limits of what is made next.
func (w *Builder) Reset(lim Limits) {
	w.ResetText(lim)
	w.tree = true
}

// ResetText is Reset for who wants Bytes alone: there will be no Value or View.
func (w *Builder) ResetText(lim Limits) {
	if lim.Depth <= 0 || lim.Depth > maxDepth {
		lim.Depth = maxDepth
	}
	w.lim, w.b, w.nodes, w.open, w.names, w.key, w.err = lim, w.b[:0], w.nodes[:0], w.open[:0], w.names[:0], name{}, nil
	w.tree, w.values = false, 0
}

// Len is the number of bytes so far.
func (w *Builder) Len() int { return len(w.b) }

// Bytes is the text of what was made, with memory of its own. The returned error
// is that of Value.
func (w *Builder) Bytes() ([]byte, error) {
	if err := w.whole(); err != nil {
		return nil, err
	}
	return bytes.Clone(w.b), nil
}

// Value is what was made, with memory of its own. The returned error is always
// an *Error; its offset is where the text was when it went wrong.
func (w *Builder) Value() (Value, error) {
	v, err := w.View()
	if err != nil {
		return v, err
	}
	return Value{&doc{src: bytes.Clone(w.b), nodes: slices.Clone(w.nodes)}, 0}, nil
}

// View is Value in the memory of the builder, until the next Reset: for who
// reads it at once and keeps nothing of it.
func (w *Builder) View() (Value, error) {
	if err := w.whole(); err != nil {
		return Value{}, err
	}
	w.view = doc{src: w.b, nodes: w.nodes}
	return Value{&w.view, 0}, nil
}

// whole says what is wrong with what was made.
func (w *Builder) whole() error {
	if len(w.open) > 0 || w.values == 0 {
		w.fail("unexpected end of text")
	}
	if w.lim.Bytes > 0 && len(w.b) > w.lim.Bytes {
		w.fail("text is longer than %d bytes", w.lim.Bytes)
	}
	return w.err
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
	w.open = append(w.open, container{node: i, names: int32(len(w.names)), array: kind == Array})
	if len(w.open) > w.lim.Depth {
		w.fail("nested deeper than %d", w.lim.Depth)
	}
}

// End closes the object or array begun last.
func (w *Builder) End() {
	last := len(w.open) - 1
	in := &w.open[last]
	w.open, w.names = w.open[:last], w.names[:in.names]
	bracket := byte('}')
	if in.array {
		bracket = ']'
	}
	w.b = append(w.b, bracket)
	if w.tree {
		w.nodes[in.node].count = in.count
		w.end(in.node)
	}
}

// begin enters a value, whose text begins here, and gives its node, if there is
// to be a tree.
func (w *Builder) begin(kind Kind) int32 {
	if w.lim.Nodes > 0 && w.values >= w.lim.Nodes {
		w.fail("more than %d values", w.lim.Nodes)
	}
	w.values++
	if len(w.open) > 0 {
		in := &w.open[len(w.open)-1]
		if in.array && in.count > 0 {
			w.b = append(w.b, ',')
		}
		in.count++
	}
	if !w.tree {
		return 0
	}
	i := int32(len(w.nodes))
	var n *node
	w.nodes, n = enter(w.nodes)
	n.kind, n.escaped, n.start = kind, false, int32(len(w.b))
	n.keyEsc, n.keyStart, n.keyEnd = w.key.escaped, w.key.start, w.key.end
	n.end, n.next, n.count = 0, 0, 0
	w.key.escaped, w.key.start, w.key.end = false, 0, 0
	return i
}

// end completes a value of a tree.
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
	in := w.beginName()
	w.key.start, w.key.end, w.key.escaped = w.quoted(name)
	w.b = append(w.b, ':')
	w.named(in, orderOf(w.b[w.key.start:w.key.end], w.key.escaped))
}

// NameQuoted is Name of a name that was made ready. It is not compared with those
// of the object: the caller knows that they differ.
func (w *Builder) NameQuoted(name QuotedName) {
	if in := w.beginName(); w.lim.Members > 0 && int(in.count) >= w.lim.Members {
		w.fail("more than %d members in one object", w.lim.Members)
	}
	w.key.start = int32(len(w.b)) + 1
	w.b = append(w.b, name.text...)
	w.key.end, w.key.escaped = int32(len(w.b))-2, name.escaped
}

// beginName goes to where the next name is written.
func (w *Builder) beginName() *container {
	in := &w.open[len(w.open)-1]
	if in.count > 0 {
		w.b = append(w.b, ',')
	}
	return in
}

// named checks the name just written.
func (w *Builder) named(in *container, order uint64) {
	if w.lim.Members > 0 && int(in.count) >= w.lim.Members {
		w.fail("more than %d members in one object", w.lim.Members)
	}
	w.key.order = order
	if order > in.greatest {
		in.greatest = order
	} else if w.repeated(w.names[in.names:]) {
		w.fail("duplicate member %q", clip(unescape(w.b[w.key.start:w.key.end], w.key.escaped)))
	}
	w.names = append(w.names, w.key)
}

// repeated reports whether the name just written is one of those before.
func (w *Builder) repeated(names []name) bool {
	for i := range names {
		n := &names[i]
		if n.order != w.key.order {
			continue
		}
		one, other := w.b[n.start:n.end], w.b[w.key.start:w.key.end]
		if bytes.Equal(one, other) || (n.escaped || w.key.escaped) && unescape(one, n.escaped) == unescape(other, w.key.escaped) {
			return true
		}
	}
	return false
}

// Text is a string. Invalid UTF-8 becomes U+FFFD.
func (w *Builder) Text(s string) {
	i := w.begin(String)
	start, end, escaped := w.quoted(s)
	if w.tree {
		n := &w.nodes[i]
		n.start, n.end, n.escaped, n.next = start, end, escaped, i+1
	}
}

// Plain is Text of a text that needs no escapes: the caller has it from a value
// that is Plain, so that it need not be looked through again.
func (w *Builder) Plain(s string) {
	i := w.begin(String)
	from := int32(len(w.b)) + 1
	w.b = append(append(append(w.b, '"'), s...), '"')
	if w.tree {
		n := &w.nodes[i]
		n.start, n.end, n.next = from, from+int32(len(s)), i+1
	}
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
	if w.tree {
		w.end(i)
	}
}

// Bool is true or false.
func (w *Builder) Bool(v bool) {
	i := w.begin(Bool)
	w.b = strconv.AppendBool(w.b, v)
	if w.tree {
		w.end(i)
	}
}

// Null is null.
func (w *Builder) Null() {
	i := w.begin(Null)
	w.b = append(w.b, "null"...)
	if w.tree {
		w.end(i)
	}
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
	w.values += count - 1
	if !w.tree {
		w.b = append(w.b, raw...)
		return
	}
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
			in := w.beginName()
			key := m.node()
			w.key.start, w.key.escaped = int32(len(w.b))+1, key.keyEsc
			w.b = append(w.b, v.d.src[key.keyStart-1:key.keyEnd+1]...)
			w.key.end = int32(len(w.b)) - 1
			w.b = append(w.b, ':')
			w.named(in, orderOf(v.d.src[key.keyStart:key.keyEnd], key.keyEsc))
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
		if !w.tree {
			return
		}
		w.end(i)
		if n := &w.nodes[i]; from.kind == String {
			n.start, n.end, n.escaped = n.start+1, n.end-1, from.escaped
		}
	}
}
