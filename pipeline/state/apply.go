package state

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Apply lets the event change what is known: its statement, sessions, history,
// links, windows and the facts that rules made of it. Nothing is changed about
// somebody who took over a recycled identifier later. It is called once.
func (v *View) Apply(w Writer, facts []Fact) error {
	for _, c := range v.windows {
		if c.key != "" {
			w.Put(c.key, c.tally.encode())
		}
	}
	if v.foreign {
		return nil
	}
	v.applyStatement()
	v.applySessions(w)
	if err := v.applyHistory(); err != nil {
		return err
	}
	if v.user.entity != nil && v.device.entity != nil && v.user.entity.uses(v.device.id, v.at) {
		v.user.changed = true
	}
	v.applyRename()
	v.user.write(w)
	v.device.write(w)
	if err := v.applyFacts(w, facts); err != nil {
		return err
	}
	return v.applyCut(w)
}

func (v *View) applyStatement() {
	if !v.stated || v.standing(v.statement.entity) == nil {
		return
	}
	s, by := &v.statement, v.e.Issuer
	switch s.entity {
	case "user.account":
		v.user.entity.account.take(s.value, v.at, by, s.reason)
	case "user.risk":
		v.user.entity.takeRisk(s.value, v.at, by, s.reason)
	case "device.risk":
		v.device.entity.takeRisk(s.value, v.at, by, s.reason)
	case "device.compliance":
		v.device.entity.takeCompliance(s.value, v.at, by, s.reason)
	}
}

// applyHistory adds the event to the history of user and device. Sessions in
// use are left out: there are many, and the inventory tells when they were
// last seen.
func (v *View) applyHistory() error {
	if effects[v.e.Type] == presentsSession || v.user.entity == nil && v.device.entity == nil {
		return nil
	}
	n := newEntry(v.e, v.at)
	for _, s := range [...]*side{&v.user, &v.device} {
		if s.entity == nil {
			continue
		}
		if err := s.remember(v.r, n); err != nil {
			return err
		}
	}
	return nil
}

// applySessions changes the inventory and the session's own key.
func (v *View) applySessions(w Writer) {
	if v.inventory == nil {
		return
	}
	target := v.ending()
	switch {
	case v.sighting != nil:
		v.inventory.see(v.sighting)
	case target == oneSession:
		v.inventory.end(v.x.session.id, v.e.Issuer, v.at)
	case target == sessionsOfUser:
		v.inventory.endAll("", v.at)
	case target == sessionsOfUserOnDevice:
		v.inventory.endAll(v.device.id, v.at)
	case target == sessionsOnDevice:
		v.device.entity.sessionsEnded = max(v.device.entity.sessionsEnded, v.at)
		v.device.changed = true
		return
	case len(v.user.absorbed) == 0:
		return
	}
	if v.sighting != nil && !v.sighting.unnamed || target == oneSession {
		v.point(w)
	}
	if v.user.entity == nil {
		return
	}
	for _, gone := range v.inventory.bound() {
		if gone.pointed && gone.id != v.x.session.id {
			w.Delete("s/" + gone.id)
		}
	}
	w.Put("us/"+v.user.id, v.inventory.encode())
}

// point stores whose the session is. The first user stated stays: a later
// statement about another one does not take the session away.
func (v *View) point(w Writer) {
	p := v.pointer
	if p == nil {
		p = new(pointer)
	}
	before := *p
	if p.user == "" || slices.Contains(v.user.absorbed, p.user) {
		p.user = v.user.id
	}
	if v.device.id != "" {
		p.device = v.device.id
	}
	if p.user == "" {
		p.inventory = v.inventory
	} else if p.user == v.user.id {
		if r := v.inventory.find(v.x.session.id, "", false); r != nil {
			r.pointed = true
		}
	}
	if v.pointer == nil || p.user == "" || p.user != before.user || p.device != before.device {
		w.Put("s/"+v.x.session.id, p.encode())
	}
}

// applyRename makes the new address of an identifier-changed event the one for
// people, unless a newer change is known.
func (v *View) applyRename() {
	x := v.user.entity
	if effects[v.e.Type] != changesIdentifier || x == nil || v.at < x.emailAt {
		return
	}
	if k := newIdentifier(v.e); strings.HasPrefix(k, "email:") && x.knows(k) {
		x.email, x.emailAt = k, v.at
	}
}

func (v *View) applyFacts(w Writer, facts []Fact) error {
	for _, s := range [...]struct {
		of   string
		side *side
		have []fact
		read bool
	}{
		{"user", &v.user, v.userFacts, v.o.Needs.any(NeedFactsUser)},
		{"device", &v.device, v.deviceFacts, v.o.Needs.any(NeedFactsDevice)},
	} {
		absorbed := len(s.side.absorbed) > 0
		sets := slices.ContainsFunc(facts, func(f Fact) bool { return f.Of == s.of })
		if s.side.entity == nil || !sets && !absorbed {
			continue
		}
		list := s.have
		if !s.read && !absorbed {
			var err error
			if list, err = s.side.loadFacts(v.r); err != nil {
				return err
			}
		}
		for _, f := range facts {
			if f.Of == s.of {
				list = setFact(list, f, v.o.Now)
			}
		}
		if list = liveFacts(list, millis(v.o.Now)); len(list) == 0 {
			w.Delete(s.side.factsKey())
			continue
		}
		w.Put(s.side.factsKey(), encodeFacts(list))
	}
	return nil
}

// applyCut ends what an identifier stood for after identifier-recycled (J-25).
// From then on it leads to somebody of whom nothing is known; what is known
// stays with the old owner, under another of his identifiers if he has one.
func (v *View) applyCut(w Writer) error {
	if effects[v.e.Type] != recyclesIdentifier || !v.o.Links || v.user.entity == nil {
		return nil
	}
	for _, k := range v.user.cuttable(v.e) {
		stranger := side{role: v.user.role, id: k, entity: &entity{floor: v.at}, changed: true}
		stranger.entity.learn(k)
		if err := v.user.cut(v, w, k); err != nil {
			return err
		}
		w.Delete(linkKey(v.user.role, k))
		stranger.write(w)
	}
	return nil
}

// cuttable are the identifiers of the event that the entity knows.
func (s *side) cuttable(e *event.Event) []string {
	return slices.DeleteFunc(keysOf(e.Subject), func(k string) bool { return !s.entity.knows(k) })
}

// cut takes an identifier from the entity. One that has no other is gone; one
// that had it as id moves to the next.
func (s *side) cut(v *View, w Writer, key string) error {
	x := s.entity
	x.keys = slices.DeleteFunc(x.keys, func(k string) bool { return k == key })
	sessions, err := loadInventory(v.r, s.id)
	if err != nil {
		return err
	}
	if len(x.keys) == 0 {
		s.forget(w)
		for _, r := range sessions.rows {
			if r.pointed {
				w.Delete("s/" + r.id)
			}
		}
		return nil
	}
	x.cut = append(x.cut, key)
	x.cut = x.cut[max(0, len(x.cut)-maxCut):]
	if x.email == key {
		x.email = ""
		for _, k := range x.keys {
			if strings.HasPrefix(k, "email:") {
				x.email = k
			}
		}
	}
	if s.id != key {
		s.write(w)
		return nil
	}
	return s.move(v, w, x.keys[0], sessions)
}

// move stores the entity and all that belongs to it under another id.
func (s *side) move(v *View, w Writer, id string, sessions *inventory) error {
	older, err := s.olderHistory(v.r)
	if err != nil {
		return err
	}
	facts, err := s.loadFacts(v.r)
	if err != nil {
		return err
	}
	s.forget(w)
	s.id, s.learnt, s.absorbed = id, s.entity.keys, nil
	if s.entity.older {
		s.spill = older
	}
	s.write(w)
	if len(facts) > 0 {
		w.Put(s.factsKey(), encodeFacts(facts))
	}
	if !sessions.empty() {
		w.Put("us/"+id, sessions.encode())
	}
	for _, r := range sessions.rows {
		if r.pointed {
			w.Put("s/"+r.id, (&pointer{user: id, device: r.device}).encode())
		}
	}
	w.Delete(linkKey(s.role, id))
	return nil
}
