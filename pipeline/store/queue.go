package store

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"
)

// schedule is the memory of what waits: the items of every queue and the
// timers. Both implementations of Store use it; the durable one loads it when it
// opens and keeps the payloads on disk.
//
// A change comes in two steps. The stage methods run in the order of commits,
// when the transaction is visible to others but not yet on disk: from then on
// the item is known, or unknown, to the next transactions, and it is not
// claimed. The function they return settles the change, in the same order, once
// it is on disk. So nothing is handed out that a crash could take back.
type schedule struct {
	mu     sync.Mutex
	queues map[string]*queue
	order  uint64 // given to the last item enqueued
	timers *timerTable
	onDisk bool // payloads are not kept in memory
}

func newSchedule(onDisk bool) *schedule {
	return &schedule{queues: map[string]*queue{}, timers: newTimerTable(), onDisk: onDisk}
}

// queue holds the items of one name.
type queue struct {
	byID   map[string]*entry
	lanes  map[string]*list.List // per key, the entries in order; only the first may be claimed
	all    *list.List            // every entry in order
	agenda *agenda[*entry]
}

// entry is one item that waits.
type entry struct {
	slot[*entry]           // rank is the order of enqueueing
	meta         Item      // Payload is kept only where there is no disk to keep it
	notBefore    time.Time // as settled
	staged       int       // changes not settled yet
	gone         bool
	inLane       *list.Element // nil: no key, or not settled
	inAll        *list.Element
}

func (s *schedule) queue(name string) *queue {
	q := s.queues[name]
	if q == nil {
		q = &queue{byID: map[string]*entry{}, lanes: map[string]*list.List{}, all: list.New(), agenda: newAgenda[*entry]()}
		s.queues[name] = q
	}
	return q
}

// load adds an item found on disk. Items come in the order of enqueueing.
func (s *schedule) load(order uint64, it Item) {
	s.order = max(s.order, order)
	q := s.queue(it.Queue)
	e := newEntry(order, it)
	q.byID[it.ID] = e
	q.settle(e)
}

func newEntry(order uint64, it Item) *entry {
	e := &entry{meta: it, notBefore: it.NotBefore}
	e.value, e.rank = e, order
	return e
}

// stageEnqueue makes the item known. ok is false if it is pending already.
func (s *schedule) stageEnqueue(it Item) (order uint64, settle func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(it.Queue)
	if q.byID[it.ID] != nil {
		return 0, nil, false
	}
	if s.onDisk {
		it.Payload = nil
	}
	s.order++
	e := newEntry(s.order, it)
	e.staged = 1
	q.byID[it.ID] = e
	return e.rank, func() { q.settled(e) }, true
}

// stageFinish makes the item unknown. ok is false if it is not there.
func (s *schedule) stageFinish(name, id string) (order uint64, settle func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(name)
	e := q.byID[id]
	if e == nil {
		return 0, nil, false
	}
	delete(q.byID, id)
	q.stage(e)
	return e.rank, func() {
		e.gone = true
		q.settled(e)
	}, true
}

// stageReschedule changes an item and returns it as it is then. ok is false if
// it is not there.
func (s *schedule) stageReschedule(it Item) (order uint64, changed Item, settle func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(it.Queue)
	e := q.byID[it.ID]
	if e == nil {
		return 0, Item{}, nil, false
	}
	q.stage(e)
	e.meta.Attempt, e.meta.NotBefore = it.Attempt, it.NotBefore
	changed = e.meta
	changed.Payload = it.Payload
	if !s.onDisk {
		e.meta.Payload = it.Payload
	}
	return e.rank, changed, func() {
		e.notBefore = it.NotBefore
		q.settled(e)
	}, true
}

// stage keeps the entry from being claimed until the change has settled.
func (q *queue) stage(e *entry) {
	e.staged++
	q.agenda.remove(&e.slot)
}

func (q *queue) settled(e *entry) {
	e.staged--
	q.settle(e)
}

// settle brings an entry to where it belongs by what is on disk.
func (q *queue) settle(e *entry) {
	lane := q.lanes[e.meta.Key]
	if e.inAll == nil {
		e.inAll = q.all.PushBack(e)
		if e.meta.Key != "" {
			if lane == nil {
				lane = list.New()
				q.lanes[e.meta.Key] = lane
			}
			e.inLane = lane.PushBack(e)
		}
	}
	if e.gone {
		q.all.Remove(e.inAll)
		if e.inLane == nil {
			return
		}
		lane.Remove(e.inLane)
		if lane.Len() == 0 {
			delete(q.lanes, e.meta.Key)
			return
		}
		e = lane.Front().Value.(*entry)
	}
	if e.staged == 0 && e.heap == nil && (e.inLane == nil || lane.Front() == e.inLane) {
		e.ready = e.notBefore
		q.agenda.add(&e.slot)
	}
}

// claim leases due items. The payload is left out where it is on disk.
func (s *schedule) claim(name string, max int, now time.Time, lease time.Duration) (items []claimed, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return nil, time.Time{}
	}
	entries, next := q.agenda.claim(max, now, lease)
	items = make([]claimed, len(entries))
	for i, e := range entries {
		items[i] = claimed{e.rank, e.meta}
	}
	return items, next
}

// claimed is an item with its place in the order.
type claimed struct {
	order uint64
	Item
}

// find returns an item that is pending. The payload is left out where it is on
// disk.
func (s *schedule) find(name, id string) (claimed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil || q.byID[id] == nil {
		return claimed{}, false
	}
	e := q.byID[id]
	return claimed{e.rank, e.meta}, true
}

// waiting returns the first items that are on disk, in order.
func (s *schedule) waiting(name string, max int) (items []claimed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return nil
	}
	for el := q.all.Front(); el != nil && len(items) < max; el = el.Next() {
		e := el.Value.(*entry)
		items = append(items, claimed{e.rank, e.meta})
	}
	return items
}

// pending counts the items of a queue and finds when the oldest came.
func (s *schedule) pending(name string) (n int, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil || q.all.Len() == 0 {
		return 0, time.Time{}
	}
	return q.all.Len(), q.all.Front().Value.(*entry).meta.Enqueued
}

// settle runs what the stage methods returned.
func (s *schedule) settle(changes []func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		c()
	}
}

// stats lists the queues that hold something, by name, and counts the timers.
func (s *schedule) stats() (queues []QueueStats, timers int, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, q := range s.queues {
		if n := q.all.Len(); n > 0 {
			queues = append(queues, QueueStats{name, n, q.all.Front().Value.(*entry).meta.Enqueued})
		}
	}
	slices.SortFunc(queues, func(a, b QueueStats) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range s.timers.byID {
		if next.IsZero() || e.timer.Due.Before(next) {
			next = e.timer.Due
		}
	}
	return queues, len(s.timers.byID), next
}
