package state

import "slices"

// Bounds of a user's inventory of sessions.
const (
	maxLive        = 50 // live sessions; over it one is dropped and counted
	maxEnded       = 20 // ended sessions still known by name
	maxDeviceMarks = 16 // devices whose sessions were ended as a whole
	maxAgent       = 256
	maxMethods     = 8
)

// session is one session as stored in the inventory of its user. The order in
// which its events arrive does not matter: it is live when it began after
// everything that ended it.
type session struct {
	id          string // entity key; of an unnamed one the key of the subject it was stated with
	issuer      string // who established it, or first mentioned it
	device      string // entity id, "" if not known
	established int64  // newest establishment, 0 if never seen
	first, last int64  // times it was mentioned, 0 for one only ever revoked
	ended       int64  // 0 while live
	acr, ua     string
	startUA     string // user agent stated with the newest establishment
	amr         string // packed
	unnamed     bool   // told apart by issuer, because the statements gave it no id
	pointed     bool   // the session's own key leads to this user
}

// began is when the session started as far as known: its establishment, else
// the first time it was seen.
func (s *session) began() int64 {
	if s.established != 0 {
		return s.established
	}
	return s.first
}

// liveBeside reports whether the session is live, given when everything on its
// device was ended.
func (s *session) liveBeside(deviceEnded int64) bool {
	return s.ended == 0 && s.began() >= deviceEnded
}

func (s *session) state() string {
	if s.ended != 0 {
		return "revoked"
	}
	return "live"
}

// inventory is what is known of the sessions of one user, or of one session
// without a known user.
type inventory struct {
	rows     []session
	allEnded int64        // everything older ended then
	marks    []usedDevice // the same per device
	dropped  uint64       // live sessions forgotten because there were too many
}

func (v *inventory) empty() bool {
	return len(v.rows) == 0 && len(v.marks) == 0 && v.allEnded == 0 && v.dropped == 0
}

// sighting is a statement that a session exists.
type sighting struct {
	id, issuer, device string
	at                 int64
	unnamed            bool
	established        bool
	acr, ua, amr       string
}

func (v *inventory) find(id, issuer string, unnamed bool) *session {
	for i := range v.rows {
		r := &v.rows[i]
		if r.id == id && r.unnamed == unnamed && (!unnamed || r.issuer == issuer) {
			return r
		}
	}
	return nil
}

// endOf is when everything on the device, or everywhere, was last ended.
func (v *inventory) endOf(device string) int64 {
	end := v.allEnded
	for _, m := range v.marks {
		if device != "" && m.id == device {
			end = max(end, m.last)
		}
	}
	return end
}

// peek says what a sighting would change: the state before, and whether it is
// too late to change it.
func (v *inventory) peek(s *sighting) (from string, late bool) {
	r := v.find(s.id, s.issuer, s.unnamed)
	if r == nil {
		return unknown, s.at < v.endOf(s.device)
	}
	from = r.state()
	if s.established {
		return from, s.at < r.established || s.at < r.ended
	}
	return from, s.at < r.ended
}

// see takes a sighting into the inventory and returns its session, valid until
// the next call.
func (v *inventory) see(s *sighting) *session {
	r := v.find(s.id, s.issuer, s.unnamed)
	if r == nil {
		v.rows = append(v.rows, session{id: s.id, issuer: s.issuer, unnamed: s.unnamed})
		r = &v.rows[len(v.rows)-1]
	}
	newest := s.at >= r.last
	if r.first == 0 || s.at < r.first {
		r.first = s.at
	}
	r.last = max(r.last, s.at)
	if s.device != "" && (newest || r.device == "") {
		r.device = s.device
	}
	if s.ua != "" && (newest || r.ua == "") {
		r.ua = s.ua
	}
	if s.established && s.at >= r.established {
		r.established, r.issuer, r.acr, r.amr, r.startUA = s.at, s.issuer, s.acr, s.amr, s.ua
		if r.established >= r.ended {
			r.ended = 0
		}
	}
	if end := v.endOf(r.device); r.began() < end {
		r.ended = max(r.ended, end)
	}
	return r
}

// end ends one session. One not known is remembered as ended, so that later
// news of older times cannot bring it to life.
func (v *inventory) end(id, issuer string, at int64) {
	r := v.find(id, "", false)
	if r == nil {
		v.rows = append(v.rows, session{id: id, issuer: issuer})
		r = &v.rows[len(v.rows)-1]
	}
	if r.began() <= at {
		r.ended = max(r.ended, at)
	}
}

// endAll ends every session of the device, of every device if it is "", that
// began by then (EVT-07).
func (v *inventory) endAll(device string, at int64) {
	if device == "" {
		v.allEnded = max(v.allEnded, at)
	} else {
		v.mark(device, at)
	}
	for i := range v.rows {
		r := &v.rows[i]
		if (device == "" || r.device == device) && r.began() <= at {
			r.ended = max(r.ended, at)
		}
	}
}

func (v *inventory) mark(device string, at int64) {
	for i := range v.marks {
		if v.marks[i].id == device {
			v.marks[i].last = max(v.marks[i].last, at)
			return
		}
	}
	v.marks = append(v.marks, usedDevice{device, at})
	if len(v.marks) > maxDeviceMarks {
		oldest := 0
		for i, m := range v.marks {
			if m.last < v.marks[oldest].last {
				oldest = i
			}
		}
		v.marks = slices.Delete(v.marks, oldest, oldest+1)
	}
}

// peekEnd says what ending the sessions of the device, or all, would change:
// late when every session it could mean began or was ended since.
func (v *inventory) peekEnd(device string, at int64) (from string, late bool) {
	from, late = unknown, v.endOf(device) > at
	since := false
	for i := range v.rows {
		r := &v.rows[i]
		if device != "" && r.device != device || r.ended != 0 {
			continue
		}
		if r.began() <= at {
			return "live", false
		}
		since = true
	}
	if since && !late {
		return "live", true
	}
	return from, late
}

// bound drops what is too much and returns it.
func (v *inventory) bound() (gone []session) {
	for {
		live, ended := 0, 0
		for i := range v.rows {
			if v.rows[i].ended == 0 {
				live++
			} else {
				ended++
			}
		}
		drop := -1
		switch {
		case live > maxLive:
			drop = v.spare(false)
			v.dropped++
		case ended > maxEnded:
			drop = v.spare(true)
		default:
			return gone
		}
		gone = append(gone, v.rows[drop])
		v.rows = slices.Delete(v.rows, drop, drop+1)
	}
}

// spare finds the live or ended session to let go of: of those of the issuer
// that has the most, the one heard of longest ago. So nobody can push out what
// others stated by stating many.
func (v *inventory) spare(ended bool) int {
	of := map[string]int{}
	for i := range v.rows {
		if r := &v.rows[i]; (r.ended != 0) == ended {
			of[r.issuer]++
		}
	}
	drop, most, heard := -1, 0, int64(0)
	for i := range v.rows {
		r := &v.rows[i]
		if (r.ended != 0) != ended {
			continue
		}
		last := r.last
		if ended {
			last = r.ended
		}
		if n := of[r.issuer]; n > most || n == most && last < heard {
			drop, most, heard = i, n, last
		}
	}
	return drop
}

// merge takes over what another inventory of the same user holds.
func (v *inventory) merge(o *inventory) {
	v.allEnded = max(v.allEnded, o.allEnded)
	v.dropped += o.dropped
	for _, m := range o.marks {
		v.mark(m.id, m.last)
	}
	for _, r := range o.rows {
		if known := v.find(r.id, r.issuer, r.unnamed); known == nil {
			v.rows = append(v.rows, r)
		} else {
			known.join(&r)
		}
	}
	for i := range v.rows {
		r := &v.rows[i]
		if end := v.endOf(r.device); r.began() < end {
			r.ended = max(r.ended, end)
		}
	}
}

// join takes over what another row says of the same session.
func (s *session) join(o *session) {
	if o.established > s.established {
		s.established, s.issuer, s.acr, s.amr, s.startUA = o.established, o.issuer, o.acr, o.amr, o.startUA
	}
	if o.last > s.last {
		s.last = o.last
		if o.device != "" {
			s.device = o.device
		}
		if o.ua != "" {
			s.ua = o.ua
		}
	}
	if s.first == 0 || o.first != 0 && o.first < s.first {
		s.first = o.first
	}
	s.ended = max(s.ended, o.ended)
	if s.established != 0 && s.established >= s.ended {
		s.ended = 0
	}
	s.pointed = s.pointed || o.pointed
}

// Flags of an encoded session.
const (
	isUnnamed = 1 << iota
	isPointed
	hasEstablished
	hasEnd
	hasContext
	hasStartUA
)

func (e *encoder) inventory(v *inventory) {
	e.num(uint64(len(v.rows)))
	for i := range v.rows {
		r := &v.rows[i]
		var flags byte
		for _, f := range [...]struct {
			set bool
			bit byte
		}{
			{r.unnamed, isUnnamed}, {r.pointed, isPointed}, {r.established != 0, hasEstablished},
			{r.ended != 0, hasEnd}, {r.acr != "" || r.ua != "" || r.amr != "", hasContext},
			{r.startUA != "", hasStartUA},
		} {
			if f.set {
				flags |= f.bit
			}
		}
		e.b = append(e.b, flags)
		e.str(r.id)
		e.sym(r.issuer)
		e.sym(r.device)
		e.time(r.last)
		e.time(r.last - r.first)
		if flags&hasEstablished != 0 {
			e.time(r.last - r.established)
		}
		if flags&hasEnd != 0 {
			e.time(r.ended - r.last)
		}
		if flags&hasContext != 0 {
			e.sym(r.acr)
			e.sym(r.ua)
			e.sym(r.amr)
		}
		if flags&hasStartUA != 0 {
			e.sym(r.startUA)
		}
	}
	e.time(v.allEnded)
	e.num(uint64(len(v.marks)))
	for _, m := range v.marks {
		e.sym(m.id)
		e.time(m.last)
	}
	e.num(v.dropped)
}

func (d *decoder) inventory() *inventory {
	v := new(inventory)
	n := d.count()
	v.rows = make([]session, 0, n+1)
	for range n {
		flags := d.byte()
		r := session{id: d.str(), issuer: d.sym(), device: d.sym(), last: d.time()}
		r.first = r.last - d.time()
		r.unnamed, r.pointed = flags&isUnnamed != 0, flags&isPointed != 0
		if flags&hasEstablished != 0 {
			r.established = r.last - d.time()
		}
		if flags&hasEnd != 0 {
			r.ended = r.last + d.time()
		}
		if flags&hasContext != 0 {
			r.acr, r.ua, r.amr = d.sym(), d.sym(), d.sym()
		}
		if flags&hasStartUA != 0 {
			r.startUA = d.sym()
		}
		v.rows = append(v.rows, r)
	}
	v.allEnded = d.time()
	for range d.count() {
		v.marks = append(v.marks, usedDevice{d.sym(), d.time()})
	}
	v.dropped = d.num()
	return v
}

func (v *inventory) encode() []byte {
	e := newEncoder()
	e.inventory(v)
	return e.value()
}

func decodeInventory(value []byte) (*inventory, error) {
	d := newDecoder(value)
	v := d.inventory()
	return v, d.end()
}

// pointer is what is stored under a session's own key: whose it is. While its
// user is not known the inventory with the one session is kept here.
type pointer struct {
	user, device string
	inventory    *inventory
}

func (p *pointer) encode() []byte {
	e := newEncoder()
	e.sym(p.user)
	e.sym(p.device)
	if p.user == "" {
		e.inventory(p.inventory)
	}
	return e.value()
}

func decodePointer(value []byte) (*pointer, error) {
	d := newDecoder(value)
	p := &pointer{user: d.sym(), device: d.sym()}
	if p.user == "" {
		p.inventory = d.inventory()
	}
	return p, d.end()
}
