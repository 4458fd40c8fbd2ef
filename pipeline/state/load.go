package state

import (
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// LoadOptions says what is wanted of the state.
type LoadOptions struct {
	Needs   Needs     // branches that rules will see; the others are not read
	Windows []Window  // windows that count the event
	Links   bool      // the source may teach that identifiers are one entity, or no longer
	Now     time.Time // base of the facts' time to live; zero means when the event was received
}

// View is what is known of an event's entities before the event, and what the
// event makes of it. It is good for one event and one transaction, and not
// safe for concurrent use.
type View struct {
	r  Reader
	e  *event.Event
	o  LoadOptions
	x  Entities
	at int64

	user, device  side
	pointer       *pointer   // of the session, nil if not read or not there
	inventory     *inventory // of the user's sessions, or of the session without one; nil if not read
	nearby        []deviceOf // devices that sessions and lists refer to
	userHistory   []entry    // newest first
	deviceHistory []entry
	userFacts     []fact
	deviceFacts   []fact
	windows       []counted

	statement statement
	stated    bool
	sighting  *sighting
	foreign   bool // older than the time its identifier was recycled: about somebody else
	change    *Change
}

// deviceOf is a device that another entity refers to.
type deviceOf struct {
	id     string
	entity *entity
}

// Load reads what rules and the event itself need to know of the entities. x
// must come from Resolve on the same reader, with none of its keys written
// since, and its Locks must be held if the view is to be applied.
//
// Devices that only a list of the user refers to are read as last committed,
// without lock.
func Load(r Reader, x Entities, e *event.Event, o LoadOptions) (*View, error) {
	v := &View{r: r, e: e, o: o, x: x, at: timeOf(e)}
	if v.o.Now.IsZero() {
		v.o.Now = e.Received
	}
	for _, load := range [...]func() error{v.loadEntities, v.loadSessions, v.loadNearby, v.loadHistory, v.loadFacts, v.loadWindows} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	v.statement, v.stated = statementOf(e)
	v.change = v.peek()
	return v, nil
}

// timeOf is the event's time for state: never later than its receipt, so that
// a clock running ahead cannot overrule what comes after.
func timeOf(e *event.Event) int64 {
	at := e.Time
	if at.IsZero() || at.After(e.Received) && !e.Received.IsZero() {
		at = e.Received
	}
	return millis(at)
}

func (v *View) loadEntities() (err error) {
	if v.user, err = v.loadSide("u/", v.x.user); err != nil {
		return err
	}
	if v.device, err = v.loadSide("d/", v.x.device); err != nil {
		return err
	}
	for _, s := range [...]*side{&v.user, &v.device} {
		if s.entity != nil && v.at < s.entity.floor {
			v.foreign = true
		}
	}
	return nil
}

// loadSessions reads the inventory if the event is about sessions or a rule
// wants to see them, and works out what the event says of them.
func (v *View) loadSessions() (err error) {
	if v.x.session.value != nil {
		if v.pointer, err = decodePointer(v.x.session.value); err != nil {
			return damaged("s/"+v.x.session.id, err)
		}
	}
	do := effects[v.e.Type]
	concerns := do == establishesSession || do == presentsSession || do == revokesSession || do == revokesAllSessions
	wanted := v.o.Needs.any(NeedUserSessions) || v.o.Needs.any(NeedSession) && v.x.session.id != ""
	if !concerns && !wanted && len(v.user.absorbed) == 0 {
		return nil
	}
	v.inventory = new(inventory)
	if v.user.entity != nil && !v.user.fresh {
		if v.inventory, err = loadInventory(v.r, v.user.id); err != nil {
			return err
		}
	}
	for _, id := range v.user.absorbed {
		other, err := loadInventory(v.r, id)
		if err != nil {
			return err
		}
		v.inventory.merge(other)
	}
	if v.pointer != nil && v.pointer.inventory != nil {
		v.inventory.merge(v.pointer.inventory)
	}
	if do == establishesSession || do == presentsSession {
		v.sighting = v.sightingOf(do == establishesSession)
	}
	return nil
}

func loadInventory(r Reader, user string) (*inventory, error) {
	key := "us/" + user
	value, ok, err := r.Get(key)
	if err != nil || !ok {
		return new(inventory), err
	}
	inv, err := decodeInventory(value)
	if err != nil {
		return nil, damaged(key, err)
	}
	return inv, nil
}

// sightingOf is the session the event speaks of. One that is given no id is
// the session of that subject at that issuer. Nil means that nothing can be
// told of it.
func (v *View) sightingOf(established bool) *sighting {
	s := &sighting{
		id: v.x.session.id, issuer: v.e.Issuer, device: v.device.id, at: v.at, established: established,
		ua: clip(v.e.Body.Get("fp_ua").Text(), maxAgent),
	}
	if s.id == "" {
		if v.user.entity == nil {
			return nil
		}
		s.id, s.unnamed = v.e.Subject.Key(), true
		if len(s.id) > 4*maxKey {
			return nil
		}
	}
	if established {
		s.acr = clip(v.e.Body.Get("acr").Text(), maxLifted)
		var methods []string
		for m := range v.e.Body.Get("amr").Elements() {
			if len(methods) < maxMethods && m.Text() != "" {
				methods = append(methods, clip(m.Text(), maxLifted))
			}
		}
		s.amr = pack(methods...)
	}
	return s
}

// ended is which sessions an event ends.
type ended uint8

const (
	noSession ended = iota
	oneSession
	sessionsOfUser
	sessionsOfUserOnDevice
	sessionsOnDevice
)

// ending says which sessions the event ends: those that match every member of
// its subject (EVT-07, MATCH-07). A member that sessions are not known by could
// take any of them out, so none is ended here.
func (v *View) ending() ended {
	user, device := !v.x.roles.user.IsZero() && v.user.entity != nil, !v.x.roles.device.IsZero() && v.device.entity != nil
	switch do := effects[v.e.Type]; {
	case do == revokesAllSessions && v.user.entity != nil:
		return sessionsOfUser
	case do != revokesSession:
		return noSession
	case v.x.session.id != "":
		return oneSession
	case v.x.roles.narrower:
		return noSession
	case user && device:
		return sessionsOfUserOnDevice
	case user:
		return sessionsOfUser
	case device:
		return sessionsOnDevice
	}
	return noSession
}

// loadNearby reads the devices that the user's sessions and devices refer to.
func (v *View) loadNearby() error {
	var ids []string
	if v.inventory != nil && v.o.Needs.any(NeedUserSessions|NeedSession) {
		all := v.o.Needs.any(NeedUserSessions)
		for i := range v.inventory.rows {
			r := &v.inventory.rows[i]
			if r.ended == 0 && r.device != "" && (all || r.id == v.x.session.id) && !slices.Contains(ids, r.device) {
				ids = append(ids, r.device)
			}
		}
	}
	if v.user.entity != nil && v.o.Needs.any(NeedUserDevices) {
		for _, d := range v.user.entity.devices {
			if !slices.Contains(ids, d.id) {
				ids = append(ids, d.id)
			}
		}
	}
	for _, id := range ids {
		known := deviceOf{id, v.device.entity}
		if id != v.device.id {
			_, value, err := lookup(v.r, "d/", id)
			if err != nil {
				return err
			}
			known.entity = new(entity)
			if value != nil {
				if known.entity, err = decodeEntity(value); err != nil {
					return damaged("d/"+id, err)
				}
			}
		}
		v.nearby = append(v.nearby, known)
	}
	return nil
}

// near is a device read by loadNearby, an empty one if it was not.
func (v *View) near(id string) *entity {
	for i := range v.nearby {
		if v.nearby[i].id == id {
			return v.nearby[i].entity
		}
	}
	return new(entity)
}

// live reports whether a session is live beside what its device knows.
func (v *View) live(s *session) bool { return s.liveBeside(v.near(s.device).sessionsEnded) }

func (v *View) loadHistory() (err error) {
	if v.o.Needs.any(NeedHistoryUser) && !v.foreign {
		if v.userHistory, err = v.user.shownHistory(v.r); err != nil {
			return err
		}
	}
	if v.o.Needs.any(NeedHistoryDevice) && !v.foreign {
		v.deviceHistory, err = v.device.shownHistory(v.r)
	}
	return err
}

func (v *View) loadFacts() (err error) {
	if v.foreign {
		return nil
	}
	if v.o.Needs.any(NeedFactsUser) || len(v.user.absorbed) > 0 {
		if v.userFacts, err = v.user.loadFacts(v.r); err != nil {
			return err
		}
	}
	if v.o.Needs.any(NeedFactsDevice) || len(v.device.absorbed) > 0 {
		v.deviceFacts, err = v.device.loadFacts(v.r)
	}
	return err
}

func (v *View) loadWindows() (err error) {
	v.windows, err = countWindows(v.r, v.o.Windows, v.e, &v.x, v.at)
	return err
}

// Entities are who the event speaks of, with all identifiers known of them,
// those it teaches included.
func (v *View) Entities() Entities {
	x := v.x
	x.User, x.Device = v.user.ref(), v.device.ref()
	return x
}

// Change is what the event changes, nil if nothing.
func (v *View) Change() *Change { return v.change }

// Late reports whether something newer than the event is known of what it
// speaks of, including that its subject now is somebody else.
func (v *View) Late() bool { return v.foreign || v.change != nil && v.change.Late() }
