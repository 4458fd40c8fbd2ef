package state

import (
	"slices"
	"strings"
)

// side is the user or the device of a view with what is stored of it.
type side struct {
	role     string  // u/ or d/, the prefix of its key
	id       string  // "" for nobody
	entity   *entity // nil for nobody
	fresh    bool    // nothing is stored of it yet
	changed  bool    // has to be written
	learnt   []string
	absorbed []string // entities that turned out to be this one
	spill    []entry  // older history that comes from absorbed entities
}

func (s *side) key() string        { return s.role + s.id }
func (s *side) historyKey() string { return s.role[:1] + "h/" + s.id }
func (s *side) factsKey() string   { return s.role[:1] + "f/" + s.id }

// ref names the entity with all its identifiers.
func (s *side) ref() *Ref {
	if s.entity == nil {
		return nil
	}
	return newRef(s.id, slices.Clone(s.entity.keys), s.entity.email)
}

// loadSide decodes an entity, or makes a new one, and lets the event teach it
// identifiers if its source may.
func (v *View) loadSide(role string, f found) (s side, err error) {
	s = side{role: role, id: f.id}
	if f.id == "" {
		return s, nil
	}
	if f.value == nil {
		s.entity, s.fresh, s.changed = new(entity), true, true
		s.entity.learn(f.id)
	} else if s.entity, err = decodeEntity(f.value); err != nil {
		return s, damaged(s.key(), err)
	}
	if !v.o.Links || v.at < s.entity.floor {
		return s, nil
	}
	var strange []string // identifiers that belong to somebody else and stay there
	for _, id := range f.also {
		other, err := v.absorb(&s, id)
		if err != nil {
			return s, err
		}
		if other != nil {
			strange = append(strange, other.keys...)
		}
	}
	for _, k := range f.keys {
		if s.entity.knows(k) || slices.Contains(strange, k) || slices.Contains(s.entity.cut, k) || len(s.entity.keys) >= maxKeys {
			continue
		}
		s.entity.learn(k)
		s.learnt, s.changed = append(s.learnt, k), true
	}
	return s, nil
}

// learn adds an identifier. The first mail address is the one for people.
func (x *entity) learn(key string) {
	x.keys = append(x.keys, key)
	if x.email == "" && strings.HasPrefix(key, "email:") {
		x.email = key
	}
}

// absorb merges another entity into the side unless the two must not be one;
// then it is returned. They must not when an identifier of either was recycled
// away from the other, when the other's is so new that the event is about
// somebody before, or when together they have too many identifiers.
func (v *View) absorb(s *side, id string) (refused *entity, err error) {
	o := side{role: s.role, id: id}
	value, ok, err := v.r.Get(o.key())
	if err != nil || !ok {
		return nil, err
	}
	if o.entity, err = decodeEntity(value); err != nil {
		return nil, damaged(o.key(), err)
	}
	if !s.entity.mayJoin(o.entity) || v.at < o.entity.floor {
		return o.entity, nil
	}
	history, err := s.history(v.r)
	if err != nil {
		return nil, err
	}
	others, err := o.history(v.r)
	if err != nil {
		return nil, err
	}
	s.entity.join(o.entity)
	history = oldestFirst(append(others, history...))
	older := max(0, len(history)-recentEntries/2)
	s.spill, s.entity.recent = history[:older:older], slices.Clone(history[older:])
	s.entity.older = s.entity.older || older > 0
	s.learnt = append(s.learnt, o.entity.keys...)
	s.absorbed, s.changed = append(s.absorbed, id), true
	return nil, nil
}

func (x *entity) mayJoin(o *entity) bool {
	if len(x.keys)+len(o.keys) > maxKeys {
		return false
	}
	meets := func(a, b []string) bool {
		return slices.ContainsFunc(a, func(k string) bool { return slices.Contains(b, k) })
	}
	return !meets(x.cut, o.keys) && !meets(o.cut, x.keys)
}

// join takes over what is known of the other entity, but for its history.
func (x *entity) join(o *entity) {
	for _, k := range o.keys {
		if !x.knows(k) {
			x.learn(k)
		}
	}
	if o.emailAt > x.emailAt {
		x.email, x.emailAt = o.email, o.emailAt
	}
	x.cut = append(x.cut, o.cut...)
	x.cut = x.cut[max(0, len(x.cut)-maxCut):]
	x.floor = max(x.floor, o.floor)
	for _, r := range o.risks {
		if mine := x.risk(r.by); mine.value == "" {
			x.risks = append(x.risks, r)
		} else {
			*mine = mine.newer(r)
		}
	}
	x.boundRisks()
	x.account = x.account.newer(o.account)
	x.compliance = x.compliance.newer(o.compliance)
	x.flips = append(x.flips, o.flips...)
	slices.Sort(x.flips)
	x.flips = x.flips[max(0, len(x.flips)-maxFlips):]
	x.sessionsEnded = max(x.sessionsEnded, o.sessionsEnded)
	for _, d := range o.devices {
		if !slices.ContainsFunc(x.devices, func(m usedDevice) bool { return m.id == d.id }) {
			x.devices = append(x.devices, d)
		}
	}
	slices.SortStableFunc(x.devices, func(a, b usedDevice) int { return int(a.last/1000 - b.last/1000) })
	x.boundDevices()
}

// history is all that is kept, in the order it came.
func (s *side) history(r Reader) ([]entry, error) {
	if s.entity == nil {
		return nil, nil
	}
	older, err := s.olderHistory(r)
	if err != nil {
		return nil, err
	}
	return append(older, s.entity.recent...), nil
}

// shownHistory is what rules see of it.
func (s *side) shownHistory(r Reader) ([]entry, error) {
	list, err := s.history(r)
	return newestFirst(list), err
}

func (s *side) olderHistory(r Reader) ([]entry, error) {
	if s.spill != nil {
		return slices.Clone(s.spill), nil
	}
	if !s.entity.older {
		return nil, nil
	}
	value, ok, err := r.Get(s.historyKey())
	if err != nil || !ok {
		return nil, err
	}
	list, err := decodeHistory(value)
	if err != nil {
		return nil, damaged(s.historyKey(), err)
	}
	return list, nil
}

// remember appends to the history. When the newest part is full it moves to
// the older one, which keeps what is newest by time.
func (s *side) remember(r Reader, n entry) error {
	s.changed = true
	if len(s.entity.recent) >= recentEntries {
		older, err := s.olderHistory(r)
		if err != nil {
			return err
		}
		s.spill = oldestFirst(append(older, s.entity.recent...))
		s.entity.recent, s.entity.older = s.entity.recent[:0], true
	}
	s.entity.recent = append(s.entity.recent, n)
	return nil
}

func (s *side) loadFacts(r Reader) ([]fact, error) {
	if s.entity == nil || s.fresh && len(s.absorbed) == 0 {
		return nil, nil
	}
	var all []fact
	for _, id := range append([]string{s.id}, s.absorbed...) {
		from := side{role: s.role, id: id}
		value, ok, err := r.Get(from.factsKey())
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		list, err := decodeFacts(value)
		if err != nil {
			return nil, damaged(from.factsKey(), err)
		}
		for _, f := range list {
			i, known := slices.BinarySearchFunc(all, &f, func(e fact, t *fact) int { return e.order(t) })
			if !known {
				all = slices.Insert(all, i, f)
			} else if f.expires > all[i].expires {
				all[i] = f
			}
		}
	}
	return all, nil
}

// write stores the entity and what belongs to it, and lets go of the entities
// it absorbed.
func (s *side) write(w Writer) {
	if s.entity == nil || !s.changed {
		return
	}
	w.Put(s.key(), s.entity.encode())
	if s.spill != nil {
		w.Put(s.historyKey(), encodeHistory(s.spill))
	}
	for _, k := range s.learnt {
		if k != s.id {
			w.Put(linkKey(s.role, k), []byte(s.id))
		}
	}
	for _, id := range s.absorbed {
		gone := side{role: s.role, id: id}
		gone.forget(w)
	}
}

// forget removes everything stored under the side's id.
func (s *side) forget(w Writer) {
	w.Delete(s.key())
	w.Delete(s.historyKey())
	w.Delete(s.factsKey())
	if s.role == "u/" {
		w.Delete("us/" + s.id)
	}
}
