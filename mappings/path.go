package mappings

import (
	"strings"
	"unicode/utf8"

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
	slot    int                // plus one; 0: no path ends here
	members map[string]*node   // exact name
	folded  map[string][]*node // lower case
}

// slot is the place of a path's value, the same for equal paths.
func (p *paths) slot(path []string) int {
	at := &p.root
	for _, name := range path {
		next := at.members[name]
		if next == nil {
			next = new(node)
			if at.members == nil {
				at.members, at.folded = map[string]*node{}, map[string][]*node{}
			}
			at.members[name] = next
			lower := strings.ToLower(name)
			at.folded[lower] = append(at.folded[lower], next)
		}
		at = next
	}
	if at.slot == 0 {
		p.n++
		at.slot = p.n
	}
	return at.slot - 1
}

// lift fills the slots from a record.
func (p *paths) lift(record strictjson.Value, slots []strictjson.Value) {
	clear(slots)
	p.root.lift(record, slots)
}

func (n *node) lift(v strictjson.Value, slots []strictjson.Value) {
	if n.slot > 0 {
		slots[n.slot-1] = v
	}
	if len(n.members) == 0 {
		return
	}
	folded, dotted := false, false
	for name, m := range v.Members() {
		next := n.members[name]
		if next != nil {
			next.lift(m, slots)
		}
		folded = folded || n.folds(name, next)
		dotted = dotted || next == nil && strings.IndexByte(name, '.') > 0
	}
	if dotted {
		n.dotted(v, slots)
	}
	if !folded {
		return
	}
	for name, m := range v.Members() {
		// A name in another case counts where the exact one is not there.
		for _, next := range n.inAnyCase(name) {
			if next != n.members[name] && !next.found(slots) {
				next.lift(m, slots)
			}
		}
	}
}

// dotted lifts members such as "event.kind" as if they were nested, where they
// are not.
func (n *node) dotted(v strictjson.Value, slots []strictjson.Value) {
	for name, m := range v.Members() {
		next := n
		for step := range strings.SplitSeq(name, ".") {
			below := next.members[step]
			if same := next.folded[strings.ToLower(step)]; below == nil && len(same) > 0 {
				below = same[0]
			}
			if next = below; next == nil {
				break
			}
		}
		if next != nil && strings.IndexByte(name, '.') > 0 && !next.found(slots) {
			next.lift(m, slots)
		}
	}
}

// folds reports whether a name is known in another case than exactly.
func (n *node) folds(name string, exact *node) bool {
	for _, next := range n.inAnyCase(name) {
		if next != exact {
			return true
		}
	}
	return false
}

// inAnyCase are the members that a name may mean.
func (n *node) inAnyCase(name string) []*node {
	var buf [64]byte
	if len(name) > len(buf) {
		return n.folded[strings.ToLower(name)]
	}
	for i := range len(name) {
		c := name[i]
		if c >= utf8.RuneSelf {
			return n.folded[strings.ToLower(name)]
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return n.folded[string(buf[:len(name)])]
}

// found reports whether the node or anything below it was there.
func (n *node) found(slots []strictjson.Value) bool {
	if n.slot > 0 && slots[n.slot-1].Exists() {
		return true
	}
	for _, m := range n.members {
		if m.found(slots) {
			return true
		}
	}
	return false
}
