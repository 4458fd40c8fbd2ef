package state

import (
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// dayMillis is the time over which turns of a device's compliance are counted.
const dayMillis = 24 * 60 * 60 * 1000

// AppendInput appends the document that rules see: the event, and the needed
// branches of the state before it. What is absent is absent, never null; a
// needed branch of an entity the event names is there even when empty. The
// needs must be among those given to Load.
func (v *View) AppendInput(b []byte, e *event.Event, needs Needs, now time.Time) []byte {
	w := object{b: slices.Grow(b, 1024+e.Body.Len()*32)}
	w.open()
	w.time("now", millis(now))
	v.appendEvent(&w, e)
	if v.change != nil {
		w.name("change")
		w.b = v.change.AppendJSON(w.b)
	}
	v.appendSubject(&w)
	v.appendUser(&w, needs, now)
	v.appendDevice(&w, needs, now)
	if needs.any(NeedSession) && v.x.session.id != "" {
		v.appendSession(&w)
	}
	if len(v.windows) > 0 {
		w.begin("window")
		for _, c := range v.windows {
			w.comma()
			w.b = strictjson.AppendString(w.b, c.name)
			w.b = strconv.AppendInt(append(w.b, ':'), int64(len(c.tally.marks)), 10)
		}
		w.close()
	}
	w.close()
	return w.b
}

func (v *View) appendEvent(w *object, e *event.Event) {
	w.begin("event")
	w.str("id", e.ID)
	w.str("type", e.Type.Name)
	w.str("family", e.Type.Family)
	w.str("uri", e.URI)
	w.str("source", e.Source)
	w.str("issuer", e.Issuer)
	w.str("assurance", string(e.Assurance))
	w.time("time", millis(e.Time))
	w.time("received", millis(e.Received))
	w.opt("txn", e.Txn)
	w.strs("concepts", e.Concepts)
	w.bool("late", v.Late())
	w.bool("stale", e.Stale)
	w.strs("applied", e.Applied)
	w.name("body")
	if body := e.Body.Raw(); body != nil {
		w.b = append(w.b, body...)
	} else {
		w.b = append(w.b, "{}"...)
	}
	if e.ECS != nil {
		w.name("ecs")
		w.b = append(w.b, e.ECS...)
	}
	w.close()
}

func (v *View) appendSubject(w *object) {
	s := v.e.Subject
	if s.IsZero() {
		return
	}
	w.begin("subject")
	w.str("key", s.Key())
	w.str("format", s.Format())
	for _, role := range [...]struct {
		name string
		part event.Subject
	}{{"user", v.x.roles.user}, {"device", v.x.roles.device}, {"session", v.x.roles.session}} {
		if !role.part.IsZero() {
			w.str(role.name, role.part.Key())
		}
	}
	w.close()
}

func (v *View) appendUser(w *object, needs Needs, now time.Time) {
	x := v.user.entity
	if x == nil {
		return
	}
	known := x
	if v.foreign {
		known = new(entity) // what is known is of somebody else
	}
	w.begin("user")
	v.user.appendIdentity(w)
	if needs.any(NeedUserAccount) {
		w.begin("account")
		w.standing("state", &known.account)
		w.opt("reason", known.account.reason)
		w.close()
	}
	if needs.any(NeedUserRisk) {
		w.risk(known)
	}
	if needs.any(NeedUserSessions) {
		v.appendSessions(w)
	}
	if needs.any(NeedUserDevices) {
		w.beginList("devices")
		for _, d := range slices.Backward(known.devices) {
			w.element()
			w.str("id", d.id)
			w.str("compliance", v.near(d.id).compliance.now())
			w.close()
		}
		w.closeList()
	}
	if needs.any(NeedHistoryUser) {
		w.history(v.userHistory)
	}
	if needs.any(NeedFactsUser) {
		w.facts(v.userFacts, millis(now))
	}
	w.close()
}

func (v *View) appendDevice(w *object, needs Needs, now time.Time) {
	x := v.device.entity
	if x == nil {
		return
	}
	w.begin("device")
	v.device.appendIdentity(w)
	if needs.any(NeedDevice) {
		turns, since := 0, millis(now)-dayMillis
		for _, at := range x.flips {
			if at > since {
				turns++
			}
		}
		w.begin("compliance")
		w.standing("status", &x.compliance)
		w.int("changes", int64(turns))
		w.close()
	}
	if needs.any(NeedDeviceRisk) {
		w.risk(x)
	}
	if needs.any(NeedHistoryDevice) {
		w.history(v.deviceHistory)
	}
	if needs.any(NeedFactsDevice) {
		w.facts(v.deviceFacts, millis(now))
	}
	w.close()
}

func (s *side) appendIdentity(w *object) {
	r := s.ref()
	w.str("id", r.ID)
	w.strs("keys", r.Keys)
	w.opt("email", r.Email)
}

// appendSessions lists the live sessions, those seen last first.
func (v *View) appendSessions(w *object) {
	var rows []*session
	if v.inventory != nil && !v.foreign && v.user.entity != nil {
		for i := range v.inventory.rows {
			if r := &v.inventory.rows[i]; v.live(r) {
				rows = append(rows, r)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *session) int {
		switch {
		case a.last > b.last:
			return -1
		case a.last < b.last:
			return 1
		}
		return 0
	})
	w.beginList("sessions")
	for _, r := range rows[:min(len(rows), maxLive)] {
		w.element()
		w.str("id", r.id)
		w.opt("device", r.device)
		w.str("issuer", r.issuer)
		w.str("state", "live")
		w.optTime("established", r.established)
		w.optTime("last_seen", r.last)
		w.opt("acr", r.acr)
		if r.amr != "" {
			w.strs("amr", slices.Collect(unpack(r.amr)))
		}
		w.opt("ua", r.ua)
		w.close()
	}
	w.closeList()
}

// object writes JSON member by member.
type object struct {
	b    []byte
	more bool // a comma is due before the next member or element
}

func (w *object) open()  { w.b, w.more = append(w.b, '{'), false }
func (w *object) close() { w.b, w.more = append(w.b, '}'), true }

func (w *object) comma() {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
}

// name starts a member. Names are the contract's and need no escaping.
func (w *object) name(n string) {
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, n...)
	w.b = append(w.b, `":`...)
}

func (w *object) begin(n string) { w.name(n); w.open() }

func (w *object) beginList(n string) {
	w.name(n)
	w.b, w.more = append(w.b, '['), false
}

func (w *object) closeList() { w.b, w.more = append(w.b, ']'), true }

func (w *object) element() { w.comma(); w.open() }

func (w *object) str(n, s string) { w.name(n); w.b = strictjson.AppendString(w.b, s) }

func (w *object) opt(n, s string) {
	if s != "" {
		w.str(n, s)
	}
}

func (w *object) bool(n string, v bool) { w.name(n); w.b = strconv.AppendBool(w.b, v) }
func (w *object) int(n string, i int64) { w.name(n); w.b = strconv.AppendInt(w.b, i, 10) }

func (w *object) strs(n string, list []string) {
	w.beginList(n)
	for _, s := range list {
		w.comma()
		w.b = strictjson.AppendString(w.b, s)
	}
	w.closeList()
}

// time writes a NumericDate: seconds, with a fraction only if there is one.
func (w *object) time(n string, ms int64) {
	w.name(n)
	ms = max(ms, 0)
	w.b = strconv.AppendInt(w.b, ms/1000, 10)
	if f := ms % 1000; f != 0 {
		w.b = append(w.b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
}

func (w *object) optTime(n string, ms int64) {
	if ms != 0 {
		w.time(n, ms)
	}
}

// standing writes the value under the name, and since when and by whom it
// stands.
func (w *object) standing(n string, s *standing) {
	w.str(n, s.now())
	w.optTime("since", s.since)
	w.opt("by", s.by)
}

func (w *object) risk(x *entity) {
	top := x.highest()
	w.begin("risk")
	w.str("level", top.now())
	w.optTime("since", top.since)
	w.beginList("sources")
	for i := range x.risks {
		r := &x.risks[i]
		w.element()
		w.str("issuer", r.by)
		w.str("level", r.now())
		w.time("since", r.since)
		w.opt("reason", r.reason)
		w.close()
	}
	w.closeList()
	w.close()
}

func (w *object) history(list []entry) {
	w.beginList("history")
	for i := range list {
		n := &list[i]
		w.element()
		w.str("id", n.id)
		w.str("type", n.kind)
		w.time("time", n.at)
		w.str("issuer", n.issuer)
		name, named := "", false
		for s := range unpack(n.lifted) {
			if named = !named; named {
				name = s
				continue
			}
			w.comma()
			w.b = strictjson.AppendString(w.b, name)
			w.b = strictjson.AppendString(append(w.b, ':'), s)
		}
		w.close()
	}
	w.closeList()
}

// facts writes the facts that have not expired, by rule and name. They are
// sorted by rule.
func (w *object) facts(list []fact, now int64) {
	w.begin("facts")
	rule, inside := "", false
	for i := range list {
		f := &list[i]
		if f.expires <= now {
			continue
		}
		if !inside || f.rule != rule {
			if inside {
				w.close()
			}
			w.comma()
			w.b = strictjson.AppendString(w.b, f.rule)
			w.b = append(w.b, ':')
			w.open()
			rule, inside = f.rule, true
		}
		w.comma()
		w.b = strictjson.AppendString(w.b, f.name)
		w.b = append(w.b, ':')
		w.b = append(w.b, f.value...)
	}
	if inside {
		w.close()
	}
	w.close()
}
