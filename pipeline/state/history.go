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

// entry is one event of an entity's history with the members worth keeping.
type entry struct {
	id, kind, issuer           string
	at                         int64
	level, status, reason      string
	credentialType, changeType string
}

// newEntry lifts the members of an event that later rules ask about.
func newEntry(e *event.Event, at int64) entry {
	body := e.Body
	status := body.Get("current_status")
	if !status.Exists() {
		status = body.Get("status")
	}
	return entry{
		id: e.ID, kind: e.Type.Name, issuer: e.Issuer, at: at,
		level:          strings.ToLower(clip(body.Get("current_level").Text(), maxLifted)),
		status:         strings.ToLower(clip(status.Text(), maxLifted)),
		reason:         clip(reasonOf(body), maxLifted),
		credentialType: clip(body.Get("credential_type").Text(), maxLifted),
		changeType:     clip(body.Get("change_type").Text(), maxLifted),
	}
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

// lifted lists the optional members in the order of their bits when encoded.
func (n *entry) lifted() [5]*string {
	return [5]*string{&n.level, &n.status, &n.reason, &n.credentialType, &n.changeType}
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
		last = n.at
		var parts byte
		for bit, s := range n.lifted() {
			if *s != "" {
				parts |= 1 << bit
			}
		}
		e.b = append(e.b, parts)
		for _, s := range n.lifted() {
			if *s != "" {
				e.sym(*s)
			}
		}
	}
}

func (d *decoder) entries() []entry {
	count := d.count()
	list := make([]entry, 0, count+1)
	last := int64(0)
	for range count {
		n := entry{id: d.str(), kind: d.sym(), issuer: d.sym()}
		last += d.time()
		n.at = last
		parts := d.byte()
		for bit, s := range n.lifted() {
			if parts&(1<<bit) != 0 {
				*s = d.sym()
			}
		}
		list = append(list, n)
	}
	return list
}

func encodeHistory(list []entry) []byte {
	e := newEncoder(64 * (len(list) + 1))
	e.entries(list)
	return e.b
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
