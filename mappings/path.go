package mappings

import (
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// paths are the places in a record that expressions name. A record is walked
// once, and only where a path leads.
type paths struct {
	root node
	n    int // slots
}

// node is one step of paths.
type node struct {
	name    string
	slot    int       // plus one; 0: no path ends here
	below   []*node   // in the order in which they were named
	byClass [][]*node // those below, by the class of their names; see nameTable
}

// slot is the place of a path's value, the same for equal paths.
func (p *paths) slot(t *nameTable, path []string) int {
	at := &p.root
	for _, name := range path {
		next := at.exact(name)
		if next == nil {
			t.number(name)
			next = &node{name: name}
			at.below = append(at.below, next)
		}
		at = next
	}
	if at.slot == 0 {
		p.n++
		at.slot = p.n
	}
	return at.slot - 1
}

// seal makes the steps fast, once all names are known.
func (n *node) seal(t *nameTable) {
	if len(n.below) == 0 {
		return
	}
	n.byClass = make([][]*node, len(t.names))
	for _, next := range n.below {
		class := t.class[t.number(next.name)]
		n.byClass[class] = append(n.byClass[class], next)
		next.seal(t)
	}
}

func (n *node) exact(name string) *node {
	for _, next := range n.below {
		if next.name == name {
			return next
		}
	}
	return nil
}

// likely are the steps that a name may mean: all whose names equal it in any
// case, and others only if that could not be told.
func (n *node) likely(t *nameTable, name string) (steps []*node, sure bool) {
	if len(n.below) == 0 {
		return nil, true
	}
	switch class := t.classOf(name); class {
	case classNone:
		return nil, true
	case classUnknown:
		return n.below, false
	default:
		return n.byClass[class], true
	}
}

// step is where a member leads, nil if no path does.
func (n *node) step(t *nameTable, name string) *node {
	if n == nil {
		return nil
	}
	steps, sure := n.likely(t, name)
	var folded *node
	for _, next := range steps {
		switch {
		case next.name == name:
			return next
		case folded == nil && (sure || strings.EqualFold(next.name, name)):
			folded = next
		}
	}
	return folded
}

// lift fills the slots from a record.
func (e *env) lift(record strictjson.Value) {
	clear(e.slots)
	clear(e.there)
	e.liftAt(&e.m.paths.root, record)
}

func (e *env) liftAt(n *node, v strictjson.Value) {
	if n.slot > 0 {
		e.slots[n.slot-1], e.there[n.slot-1] = e.value(v), true
	}
	if len(n.below) == 0 || v.Kind() != strictjson.Object {
		return
	}
	folded, dotted := false, false
	for c := v.Cursor(); ; {
		m, ok := c.Next()
		if !ok {
			break
		}
		name := m.Name()
		steps, sure := n.likely(&e.m.names, name)
		var exact *node
		for _, next := range steps {
			if next.name == name {
				exact = next
			} else if sure || strings.EqualFold(next.name, name) {
				folded = true
			}
		}
		if exact != nil {
			e.liftAt(exact, m)
		} else if strings.IndexByte(name, '.') > 0 {
			dotted = true
		}
	}
	if dotted {
		e.liftDotted(n, v)
	}
	if !folded {
		return
	}
	for name, m := range v.Members() {
		// A name in another case counts where the exact one is not there.
		steps, sure := n.likely(&e.m.names, name)
		for _, next := range steps {
			if next.name != name && (sure || strings.EqualFold(next.name, name)) && !e.found(next) {
				e.liftAt(next, m)
			}
		}
	}
}

// liftDotted lifts members such as "event.kind" as if they were nested, where
// they are not.
func (e *env) liftDotted(n *node, v strictjson.Value) {
	for name, m := range v.Members() {
		if strings.IndexByte(name, '.') <= 0 {
			continue
		}
		next := n
		for step := range strings.SplitSeq(name, ".") {
			if next = next.step(&e.m.names, step); next == nil {
				break
			}
		}
		if next != nil && !e.found(next) {
			e.liftAt(next, m)
		}
	}
}

// found reports whether the node or anything below it was there.
func (e *env) found(n *node) bool {
	if n.slot > 0 && e.there[n.slot-1] {
		return true
	}
	for _, next := range n.below {
		if e.found(next) {
			return true
		}
	}
	return false
}
