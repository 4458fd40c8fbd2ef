package store

import "time"

// timerTable is the memory of the timers, a part of the schedule and guarded by
// its lock.
type timerTable struct {
	byID   map[string]*timerEntry
	agenda *agenda[*timerEntry]
}

type timerEntry struct {
	slot[*timerEntry]
	timer  Timer
	staged int // changes not settled yet
	gone   bool
}

func newTimerTable() *timerTable {
	return &timerTable{byID: map[string]*timerEntry{}, agenda: newAgenda[*timerEntry]()}
}

// loadTimer adds a timer found on disk.
func (s *schedule) loadTimer(t Timer) {
	e := &timerEntry{timer: t}
	e.value = e
	s.timers.byID[t.ID] = e
	s.timers.settle(e)
}

// stageTimer sets or replaces a timer.
func (s *schedule) stageTimer(t Timer) (settle func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.timers.byID[t.ID]
	if e == nil {
		e = &timerEntry{}
		e.value = e
		s.timers.byID[t.ID] = e
	}
	s.timers.stage(e)
	return func() {
		e.timer = t
		s.timers.settled(e)
	}
}

// stageCancel removes a timer. It returns nil if there is none.
func (s *schedule) stageCancel(id string) (settle func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.timers.byID[id]
	if e == nil {
		return nil
	}
	delete(s.timers.byID, id)
	s.timers.stage(e)
	return func() {
		e.gone = true
		s.timers.settled(e)
	}
}

func (t *timerTable) stage(e *timerEntry) {
	e.staged++
	t.agenda.remove(&e.slot)
}

func (t *timerTable) settled(e *timerEntry) {
	e.staged--
	t.settle(e)
}

func (t *timerTable) settle(e *timerEntry) {
	if e.staged > 0 || e.gone || e.heap != nil {
		return
	}
	e.ready = e.timer.Due
	e.rank = uint64(e.timer.Due.UnixMicro()) ^ 1<<63 // negative ones first
	t.agenda.add(&e.slot)
}

func (s *schedule) claimTimers(max int, now time.Time, lease time.Duration) (timers []Timer, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, next := s.timers.agenda.claim(max, now, lease)
	timers = make([]Timer, len(entries))
	for i, e := range entries {
		timers[i] = e.timer
	}
	return timers, next
}
