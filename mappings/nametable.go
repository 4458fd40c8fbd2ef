package mappings

import (
	"slices"
	"strings"
)

// nameTable numbers the names by which the expressions of a mapping ask for
// members, so that asking compares numbers. Names that differ in case only are
// of one class. It is written while the mapping is compiled.
type nameTable struct {
	names  []string // by number; the first is none
	byName map[string]int32
	class  []int32 // by number: the first number of its class
	next   []int32 // by number: the next one of its class, 0 for none
	slots  []int32 // first numbers of classes by hash, 0 for none
	odd    bool    // some name is not ASCII: no class can be told
}

// Classes of names that are in no table.
const (
	classUnknown int32 = 0  // it has to be compared
	classNone    int32 = -1 // equal to no name of the table in any case
)

// number is the number of a name, which is new if need be.
func (t *nameTable) number(name string) int32 {
	if n, ok := t.byName[name]; ok {
		return n
	}
	if t.byName == nil {
		t.byName = map[string]int32{}
		t.names, t.class, t.next = make([]string, 1), make([]int32, 1), make([]int32, 1)
	}
	if _, ascii := foldedHash(name); !ascii {
		t.odd = true
	}
	first := t.classOf(name)
	if first == classUnknown {
		first = int32(slices.IndexFunc(t.names[1:], func(other string) bool { return strings.EqualFold(other, name) })) + 1
	}
	n := int32(len(t.names))
	t.byName[name] = n
	t.names, t.class, t.next = append(t.names, name), append(t.class, n), append(t.next, 0)
	if first > 0 {
		first = t.class[first]
		t.class[n] = first
		t.next[n], t.next[first] = t.next[first], n
		return n
	}
	if 2*len(t.names) <= len(t.slots) {
		t.enter(n)
		return n
	}
	t.slots = make([]int32, max(16, 4*len(t.slots)))
	for i, first := range t.class {
		if i > 0 && int(first) == i {
			t.enter(first)
		}
	}
	return n
}

func (t *nameTable) enter(n int32) {
	h, _ := foldedHash(t.names[n])
	at := h & uint32(len(t.slots)-1)
	for t.slots[at] != 0 {
		at = (at + 1) & uint32(len(t.slots)-1)
	}
	t.slots[at] = n
}

// classOf is the class of a name, which is not in the table or in another case
// perhaps.
func (t *nameTable) classOf(name string) int32 {
	h, ascii := foldedHash(name)
	if !ascii || t.odd {
		return classUnknown
	}
	if len(t.slots) == 0 {
		return classNone
	}
	mask := uint32(len(t.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		n := t.slots[at]
		if n == 0 {
			return classNone
		}
		if other := t.names[n]; len(other) == len(name) && (other == name || strings.EqualFold(other, name)) {
			return n
		}
	}
}

// foldedHash is a hash of a name that does not depend on its case, if it is
// ASCII. The names of the table are few and known, so nothing comes of names
// that collide: each is compared with those few.
func foldedHash(s string) (hash uint32, ascii bool) {
	const lower, prime = 0x2020202020202020, 0x9E3779B97F4A7C15
	h, all := uint64(len(s)), uint64(0)
	if len(s) < 8 {
		w := uint64(0)
		for i := range len(s) {
			w = w<<8 | uint64(s[i])
		}
		all = w
		h = (h ^ (w | lower)) * prime
	}
	for i := 0; i+8 <= len(s); i += 8 {
		w := word(s[i : i+8])
		all |= w
		h = (h ^ (w | lower)) * prime
		h ^= h >> 29
	}
	if len(s) > 8 { // what is left, with some of what was before
		w := word(s[len(s)-8:])
		all |= w
		h = (h ^ (w | lower)) * prime
	}
	return uint32(h >> 32), all&0x8080808080808080 == 0
}

// word is the first eight bytes.
func word(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// attr is a name by which a member is asked for.
type attr struct {
	name   string
	number int32
	class  int32
}

func (t *nameTable) attr(name string) attr {
	n := t.number(name)
	return attr{t.names[n], n, t.class[n]}
}

// known is a name with its class, in the memory that the table has it in: texts
// that share their memory are equal at a glance.
func (t *nameTable) known(name string) (string, int32) {
	if n, ok := t.byName[name]; ok {
		return t.names[n], t.class[n]
	}
	return name, t.classOf(name)
}

// fewMembers is the number of members up to which looking through them is
// faster than an index.
const fewMembers = 6

// attribute is a member by name: exactly, and if that finds nothing, in any
// case.
func (e *env) attribute(v value, a *attr) value {
	if v.kind != object {
		return value{}
	}
	m := v.made
	switch {
	case m.found != nil:
	case !m.read.Exists():
		return memberOf(m.members, a)
	case m.read.Len() <= fewMembers:
		return e.value(m.read.Find(a.name))
	default:
		e.find(m)
	}
	if at := m.found[a.number]; at > 0 {
		return m.list[at-1]
	}
	return value{}
}

func memberOf(members []member, a *attr) value {
	if want := a.class; want > 0 { // what is compared by number alone, as nearly all is
		compared := false
		for i := range members {
			m := &members[i]
			if m.class == want {
				if m.name == a.name {
					return m.value
				}
				compared = true
			} else if m.class == classUnknown {
				compared = true
			}
		}
		if !compared {
			return value{}
		}
	}
	folded := -1
	for i := range members {
		m := &members[i]
		if m.class != a.class && m.class != classUnknown && a.class != classUnknown {
			continue
		}
		if m.name == a.name {
			return m.value
		}
		if folded < 0 && (m.class == a.class && a.class > 0 || strings.EqualFold(m.name, a.name)) {
			folded = i
		}
	}
	if folded < 0 {
		return value{}
	}
	return members[folded].value
}

// find looks for the members of an object that was read by the numbers of their
// names, all at once.
func (e *env) find(v *made) {
	t := &e.m.names
	found := e.arena.places.take(len(t.names))
	clear(found)
	list := e.arena.values.take(min(v.read.Len(), len(t.names)))[:0]
	for c := v.read.Cursor(); ; {
		m, ok := c.Next()
		if !ok {
			break
		}
		name := m.Name()
		class := t.classOf(name)
		if class == classNone {
			continue
		}
		at := int32(0)
		put := func(n int32) {
			exact := t.names[n] == name
			if !exact && (found[n] != 0 || len(t.names[n]) != len(name) || class == classUnknown && !strings.EqualFold(t.names[n], name)) {
				return
			}
			if at == 0 {
				list = append(list, e.value(m))
				at = int32(len(list))
			}
			found[n] = at
		}
		if class == classUnknown {
			for n := range t.names[1:] {
				put(int32(n + 1))
			}
			continue
		}
		for n := class; n != 0; n = t.next[n] {
			put(n)
		}
	}
	v.found, v.list = found, list
}

// named is a member by a name that no expression wrote.
func (e *env) named(v value, name string) value {
	if v.kind == object && v.made.read.Exists() {
		return e.value(v.made.read.Find(name))
	}
	return e.attribute(v, &attr{name: name})
}

// member is a member to be made.
func (e *env) member(name string, v value) member {
	if e.m == nil { // of a literal, while the mapping is compiled
		return member{name, classUnknown, v}
	}
	return member{name, e.m.names.classOf(name), v}
}

// add gives an object being made a member that it does not have, in place, since
// one that is put together elsewhere and copied costs several times as much.
func (m *made) add(name string, class int32, v value) {
	i := len(m.members)
	if i == cap(m.members) {
		m.members = append(m.members, member{name, class, v})
		return
	}
	m.members = m.members[:i+1]
	to := &m.members[i]
	to.name, to.class = name, class
	to.value = v
}

// set gives an object being made a member.
func (v value) set(m member) {
	if i := v.made.index(m.name); i >= 0 {
		v.made.members[i].value = m.value
		return
	}
	v.made.members = append(v.made.members, m)
}

// index is where an object being made has the member of that name, -1 if it has none.
func (m *made) index(name string) int {
	for i := range m.members {
		if m.members[i].name == name {
			return i
		}
	}
	return -1
}
