package state

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// History is kept in two places: the newest few entries with the entity, where
// one more costs no further read or write, and the rest under a key of its own,
// rewritten once per recentEntries events and read only for rules that ask.
const (
	recentEntries = 10
	maxHistory    = 50 // entries shown; storage may hold recentEntries more
	maxLifted     = 128
)

// entry is one event of an entity's history.
type entry struct {
	id, kind, issuer string
	at               int64
	lifted           string // packed pairs of name and value: members later rules ask about
}

// newEntry keeps what later rules ask about an event.
func newEntry(e *event.Event, at int64) entry {
	n := entry{id: e.ID, kind: e.Type.Name, issuer: e.Issuer, at: at}
	var (
		room [10]string
		list = room[:0]
	)
	lift := func(name, value string) {
		if value != "" {
			list = append(list, name, clip(value, maxLifted))
		}
	}
	lift("level", strings.ToLower(e.Body.Get("current_level").Text()))
	status := e.Body.Get("current_status")
	if !status.Exists() {
		status = e.Body.Get("status")
	}
	lift("status", strings.ToLower(status.Text()))
	lift("reason", reasonOf(e.Body))
	lift("credential_type", e.Body.Get("credential_type").Text())
	lift("change_type", e.Body.Get("change_type").Text())
	n.lifted = pack(list...)
	return n
}

// reasonOf finds why something happened: a code if there is one, else the
// message for administrators, in English if it has it.
func reasonOf(body strictjson.Value) string {
	for _, name := range [...]string{"reason", "risk_reason"} {
		if s := body.Get(name).Text(); s != "" {
			return s
		}
	}
	admin := body.Get("reason_admin")
	if s := admin.Text(); s != "" {
		return s
	}
	if s := admin.Get("en").Text(); s != "" {
		return s
	}
	for _, v := range admin.Members() {
		return v.Text()
	}
	return ""
}

func (e *encoder) entries(list []entry) {
	e.num(uint64(len(list)))
	last := int64(0)
	for i := range list {
		n := &list[i]
		e.str(n.id)
		e.sym(n.kind)
		e.sym(n.issuer)
		e.time(n.at - last)
		e.sym(n.lifted)
		last = n.at
	}
}

func (d *decoder) entries() []entry {
	count := d.count()
	list := make([]entry, 0, count+1)
	last := int64(0)
	for range count {
		n := entry{id: d.str(), kind: d.sym(), issuer: d.sym()}
		last += d.time()
		n.at, n.lifted = last, d.sym()
		list = append(list, n)
	}
	return list
}

func encodeHistory(list []entry) []byte {
	e := newEncoder()
	e.entries(list)
	return e.value()
}

func decodeHistory(value []byte) ([]entry, error) {
	d := newDecoder(value)
	list := d.entries()
	return list, d.end()
}

// newestFirst sorts entries by time, the newest first, and keeps at most
// maxHistory. Of equal times the one that came last is newer.
func newestFirst(list []entry) []entry {
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b entry) int {
		switch {
		case a.at > b.at:
			return -1
		case a.at < b.at:
			return 1
		}
		return 0
	})
	return list[:min(len(list), maxHistory)]
}

// oldestFirst is the order in which history is stored.
func oldestFirst(list []entry) []entry {
	list = newestFirst(list)
	slices.Reverse(list)
	return list
}
