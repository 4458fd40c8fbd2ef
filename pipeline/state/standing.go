package state

import "time"

// standing is what is held to be true of one thing, such as the state of an
// account: the newest statement about it.
type standing struct {
	value  string // "" when nothing was ever said
	since  int64  // when the present value began
	asOf   int64  // time of the newest statement
	by     string // issuer of that statement
	reason string // its reason, if it gave one
}

const unknown = "unknown"

// now is the value, unknown before the first statement.
func (s *standing) now() string {
	if s.value == "" {
		return unknown
	}
	return s.value
}

// late reports whether something newer than the time is known. Of two
// statements with the same time the one that came last stands.
func (s *standing) late(at int64) bool { return at < s.asOf }

// take makes a statement stand unless it is late. A repeated value keeps the
// time it began.
func (s *standing) take(value string, at int64, by, reason string) {
	if s.late(at) {
		return
	}
	if s.value != value {
		s.value, s.since = value, at
	}
	s.asOf, s.by, s.reason = at, by, reason
}

// newer returns the standing with the newer statement.
func (s standing) newer(o standing) standing {
	if o.asOf > s.asOf {
		return o
	}
	return s
}

func (e *encoder) standing(s *standing) {
	e.sym(s.value)
	if s.value == "" {
		return
	}
	e.time(s.since)
	e.time(s.asOf - s.since)
	e.sym(s.by)
	e.sym(s.reason)
}

func (d *decoder) standing() (s standing) {
	if s.value = d.sym(); s.value == "" {
		return s
	}
	s.since = d.time()
	s.asOf = s.since + d.time()
	s.by, s.reason = d.sym(), d.sym()
	return s
}

// millis is the resolution in which times are kept and compared.
func millis(t time.Time) int64 { return max(t.UnixMilli(), 1) }
