package store

import (
	"cmp"
	"container/heap"
	"time"
)

// agenda holds what waits for its time and hands out what is due, the lowest
// rank first. Every operation costs the logarithm of what it holds. It is not
// safe for concurrent use.
type agenda[T any] struct {
	waiting slotHeap[T] // by time
	due     slotHeap[T] // by rank
}

// slot is the place of one value in an agenda. It is embedded in the value, and
// the value is in no agenda while heap is nil.
type slot[T any] struct {
	value T
	ready time.Time // not handed out before
	rank  uint64    // order among what is due
	heap  *slotHeap[T]
	pos   int
}

func newAgenda[T any]() *agenda[T] {
	a := &agenda[T]{}
	a.waiting.before = func(x, y *slot[T]) int { return cmp.Or(x.ready.Compare(y.ready), cmp.Compare(x.rank, y.rank)) }
	a.due.before = func(x, y *slot[T]) int { return cmp.Compare(x.rank, y.rank) }
	return a
}

// add puts a slot in that is in none.
func (a *agenda[T]) add(s *slot[T]) { heap.Push(&a.waiting, s) }

// remove takes a slot out if it is in.
func (a *agenda[T]) remove(s *slot[T]) {
	if s.heap != nil {
		heap.Remove(s.heap, s.pos)
	}
}

// claim returns the values of up to max slots due at now and keeps them until
// the lease has ended. next is when further slots fall due, zero for never.
func (a *agenda[T]) claim(max int, now time.Time, lease time.Duration) (values []T, next time.Time) {
	for len(a.waiting.slots) > 0 && !a.waiting.slots[0].ready.After(now) {
		heap.Push(&a.due, heap.Pop(&a.waiting))
	}
	for len(values) < max && len(a.due.slots) > 0 {
		s := heap.Pop(&a.due).(*slot[T])
		if s.ready.After(now) { // the clock went back
			heap.Push(&a.waiting, s)
			continue
		}
		s.ready = now.Add(lease)
		heap.Push(&a.waiting, s)
		values = append(values, s.value)
	}
	switch {
	case len(a.due.slots) > 0:
		return values, now
	case len(a.waiting.slots) > 0:
		return values, a.waiting.slots[0].ready
	}
	return values, time.Time{}
}

// slotHeap implements heap.Interface and keeps each slot's position.
type slotHeap[T any] struct {
	slots  []*slot[T]
	before func(x, y *slot[T]) int
}

func (h *slotHeap[T]) Len() int           { return len(h.slots) }
func (h *slotHeap[T]) Less(i, j int) bool { return h.before(h.slots[i], h.slots[j]) < 0 }

func (h *slotHeap[T]) Swap(i, j int) {
	h.slots[i], h.slots[j] = h.slots[j], h.slots[i]
	h.slots[i].pos, h.slots[j].pos = i, j
}

func (h *slotHeap[T]) Push(x any) {
	s := x.(*slot[T])
	s.heap, s.pos = h, len(h.slots)
	h.slots = append(h.slots, s)
}

func (h *slotHeap[T]) Pop() any {
	last := len(h.slots) - 1
	s := h.slots[last]
	h.slots[last] = nil
	h.slots = h.slots[:last]
	s.heap = nil
	return s
}
