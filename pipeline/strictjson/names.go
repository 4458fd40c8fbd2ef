package strictjson

import (
	"bytes"
	"hash/maphash"
)

// nameSet finds the members of one object by name, as it reads. The hash is
// keyed, so that a sender cannot make names collide.
type nameSet struct {
	slots []nameSlot
	seen  [4]uint64 // while there are few: the marks of their names
}

// suspect reports whether a name may be there already, by a mark of its length,
// first and last bytes, and leaves its own mark.
func (s *nameSet) suspect(key []byte) bool {
	mark := uint(len(key)) * 37
	if n := len(key); n > 1 {
		mark += uint(key[0])*3 + uint(key[n-1])*7 + uint(key[n-2])*31
	}
	bit := uint64(1) << (mark & 63)
	word := &s.seen[mark>>6&3]
	found := *word&bit != 0
	*word |= bit
	return found
}

type nameSlot struct {
	hash uint32
	node int32 // 0: free, for no member is the root
}

var nameSeed = maphash.MakeSeed()

// grow makes room for four times as many members as there are.
func (s *nameSet) grow(count int) {
	size := 16
	for size < 4*(count+1) {
		size *= 2
	}
	old := s.slots
	s.slots = make([]nameSlot, size)
	for _, slot := range old {
		if slot.node != 0 {
			at := int(slot.hash) & (size - 1)
			for s.slots[at].node != 0 {
				at = (at + 1) & (size - 1)
			}
			s.slots[at] = slot
		}
	}
}

// add enters the name of a node, false if it is there already.
func (s *nameSet) add(p *parser, key []byte, esc bool, node int) bool {
	if esc {
		key = []byte(unescape(key, true))
	}
	hash, mask := uint32(maphash.Bytes(nameSeed, key)), len(s.slots)-1
	at := int(hash) & mask
	for ; s.slots[at].node != 0; at = (at + 1) & mask {
		if s.slots[at].hash != hash {
			continue
		}
		n := &p.nodes[s.slots[at].node]
		other := p.src[n.keyStart:n.keyEnd]
		if n.keyEsc {
			other = []byte(unescape(other, true))
		}
		if bytes.Equal(key, other) {
			return false
		}
	}
	s.slots[at] = nameSlot{hash, int32(node)}
	return true
}

// manyMembers is the number of members up to which comparing a name with every
// other is fastest.
const manyMembers = 32

// duplicate reports whether an object has a member of the name already. names
// are all those of the object, once there are many or one has escapes; until
// then it is empty.
func (p *parser) duplicate(self, count, ks, ke int, esc bool, names *nameSet) bool {
	key := p.src[ks:ke]
	if names.slots == nil && !esc && count < manyMembers {
		for j := self + 1; j < len(p.nodes); j = int(p.nodes[j].next) {
			if n := &p.nodes[j]; bytes.Equal(key, p.src[n.keyStart:n.keyEnd]) {
				return true
			}
		}
		return false
	}
	if names.slots == nil {
		names.grow(count)
		for j := self + 1; j < len(p.nodes); j = int(p.nodes[j].next) {
			n := &p.nodes[j]
			names.add(p, p.src[n.keyStart:n.keyEnd], n.keyEsc, j)
		}
	} else if 2*(count+1) > len(names.slots) {
		names.grow(count)
	}
	return !names.add(p, key, esc, len(p.nodes))
}
