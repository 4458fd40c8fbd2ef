package mappings

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// arena is the memory of the values that are made while a record is mapped. All
// of it is taken back at once, so none of them may be kept for longer; texts are
// not in it.
type arena struct {
	values  slab[value]
	members slab[member]
	mades   slab[made]
	places  slab[int32]
}

func (a *arena) reset() {
	a.values.reset()
	a.members.reset()
	a.mades.reset()
	a.places.reset()
}

// maxSlab bounds what is kept from record to record, in elements.
const maxSlab = 4096

// slab hands out parts of one slice.
type slab[T any] struct {
	free  []T
	whole []T
}

// take gives n elements without room for more, to be written before they are read:
// they hold what they held in an earlier record. To clear them all at once takes
// longer, since it goes through memory that is in no cache any more.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		s.grow(n)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// grow begins a new slice; those who have parts of the old one keep it alive.
func (s *slab[T]) grow(n int) {
	s.whole = make([]T, max(n, min(2*len(s.whole), maxSlab)))
	s.free = s.whole
}

func (s *slab[T]) reset() {
	if len(s.whole) > maxSlab {
		s.whole = nil
	}
	s.free = s.whole
}

// made is what only some values have, so that the others stay small.
type made struct {
	read    strictjson.Value // of a list or object that was read and not made
	at      time.Time        // of a moment
	list    []value          // of a list; of one that was read, once they were wanted
	members []member         // of an object; of one that was read, once they were wanted
	found   []int32          // of an object that was read: where in list its members are, see env.find
}

func (e *env) made() *made {
	m := &e.arena.mades.take(1)[0]
	*m = made{}
	return m
}

func (e *env) listOf(vs []value) value {
	m := e.made()
	m.list = vs
	return value{kind: list, made: m}
}

// object is one without members, with room for some.
func (e *env) object(room int) value {
	m := e.made()
	m.members = e.arena.members.take(room)[:0]
	return value{kind: object, made: m}
}

func (e *env) momentOf(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	m := e.made()
	m.at = t.UTC()
	return value{kind: moment, made: m}
}

// push keeps a value until seal makes a list of those above a place.
func (e *env) push(v value) { e.stack = append(e.stack, v) }

// emptyList is the list without elements, of which there need be only one.
var emptyList = value{kind: list, made: new(made)}

// seal makes a list of what was pushed since the stack had the given length.
func (e *env) seal(base int) value {
	if len(e.stack) == base {
		return emptyList
	}
	vs := e.arena.values.take(len(e.stack) - base)
	copy(vs, e.stack[base:])
	e.stack = e.stack[:base]
	return e.listOf(vs)
}
