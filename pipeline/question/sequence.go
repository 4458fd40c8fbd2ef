package question

import (
	"errors"
	"slices"
	"time"
)

// sequence answers a Sequence: both sides are read in the order of time and
// brought together by subject. What is kept in mind is no older than the time
// between them.
func (a *asking) sequence(s *Sequence) (Answer, error) {
	first, err := fill(s.First.Query, a.request.Values)
	if err != nil {
		return Answer{}, err
	}
	then, err := fill(s.Then.Query, a.request.Values)
	if err != nil {
		return Answer{}, err
	}
	within, _ := parseDuration(a.request.Values[s.Within])
	m := matcher{s: s, within: within, limit: a.request.Limit, now: a.request.Now, open: map[string][2][]hit{}}
	// What follows may come after the time that is looked at.
	to := a.request.To
	if !to.IsZero() {
		to = to.Add(within).Add(time.Millisecond)
	}
	sides := [2]*walker{a.walk(first, a.request.To, maxRead), a.walk(then, to, maxRead)}
	if s.Either {
		sides[0] = a.walk(first, to, maxRead)
	}
	partial, err := merge(sides, m.take)
	if err != nil {
		return Answer{}, err
	}
	m.end(partial)
	answer := Answer{Columns: s.columns(), Rows: m.rows, Found: m.found, Partial: partial}
	for _, w := range sides {
		if answer.Partial == "" {
			answer.Partial = w.partial
		}
	}
	return answer, nil
}

// merge hands over the documents of both sides in the order of time. It ends
// early, and says so, where one side has more than is read.
func merge(sides [2]*walker, take func(side int, d hit)) (partial string, err error) {
	var next [2]hit
	var have [2]bool
	for i, w := range sides {
		if next[i], have[i], err = w.next(); err != nil {
			return "", err
		}
	}
	for have[0] || have[1] {
		i := 0
		if !have[0] || have[1] && next[1].before(next[0]) {
			i = 1
		}
		take(i, next[i])
		if next[i], have[i], err = sides[i].next(); err != nil {
			if errors.Is(err, errTooMany) {
				return err.Error() + "; choose a shorter time", nil
			}
			return "", err
		}
	}
	return "", nil
}

// matcher finds the pairs.
type matcher struct {
	s      *Sequence
	within time.Duration
	now    time.Time
	limit  int
	open   map[string][2][]hit // by subject: what waits for the other side, by side
	last   time.Time           // of what was taken last
	takes  int
	rows   [][]any
	found  int
}

func (m *matcher) take(side int, d hit) {
	subject := d.text(m.s.By)
	if subject == "" {
		return
	}
	m.last = d.Time
	if m.takes++; m.takes%pageSize == 0 {
		for s := range m.open {
			m.close(s, d.Time)
		}
	}
	m.close(subject, d.Time)
	waits := m.open[subject]
	switch other := waits[1-side]; {
	case m.s.Missing && side == 1:
		waits[0] = nil
	case m.s.Missing:
		waits[0] = append(waits[0], d)
	case len(other) > 0 && (side == 1 || m.s.Either):
		m.add(subject, other[len(other)-1], &d, side)
		waits = [2][]hit{}
	case side == 0 || m.s.Either:
		waits[side] = []hit{d}
	}
	if waits[0] == nil && waits[1] == nil {
		delete(m.open, subject)
		return
	}
	m.open[subject] = waits
}

// close ends the waiting of what is too old at a time.
func (m *matcher) close(subject string, at time.Time) {
	waits := m.open[subject]
	for side, list := range waits {
		for len(list) > 0 && at.Sub(list[0].Time) > m.within {
			if m.s.Missing {
				m.add(subject, list[0], nil, 1)
			}
			list = list[1:]
		}
		if len(list) == 0 {
			list = nil
		}
		waits[side] = list
	}
	if waits[0] == nil && waits[1] == nil {
		delete(m.open, subject)
		return
	}
	m.open[subject] = waits
}

// end closes what waited in vain. Where reading ended early, nothing is said of
// what was not read.
func (m *matcher) end(partial string) {
	at := m.now
	if partial != "" {
		at = m.last
	}
	for subject := range m.open {
		m.close(subject, at)
	}
	slices.SortStableFunc(m.rows, func(a, b []any) int { return compare(a[0], b[0], false) })
	if len(m.rows) > m.limit {
		m.rows = m.rows[:m.limit]
	}
}

// add makes a row of what came first and, unless it is missing, what came then;
// side is that of the latter.
func (m *matcher) add(subject string, earlier hit, later *hit, side int) {
	m.found++
	if len(m.rows) >= MaxLimit {
		return
	}
	row := []any{stamp(earlier.Time), subject}
	docs := [2]*hit{&earlier, later}
	if side == 0 { // the second step was there first
		docs = [2]*hit{later, &earlier}
	}
	if later != nil {
		row = append(row, later.Time.Sub(earlier.Time).Seconds())
	}
	for i, step := range []Step{m.s.First, m.s.Then} {
		if docs[i] == nil {
			continue
		}
		for _, f := range step.Show {
			var v any
			if text := docs[i].text(f.Field); text != "" {
				v = text
			}
			row = append(row, v)
		}
	}
	m.rows = append(m.rows, row)
}

// columns are those of the rows add makes.
func (s *Sequence) columns() []Column {
	list := []Column{{"@timestamp", TimeColumn}, {s.By, TextColumn}}
	steps := []Step{s.First}
	if !s.Missing {
		list = append(list, Column{"after", DurationColumn})
		steps = append(steps, s.Then)
	}
	for _, step := range steps {
		for _, f := range step.Show {
			list = append(list, Column{f.Name, TextColumn})
		}
	}
	return list
}
