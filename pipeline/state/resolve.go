package state

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Reader reads what is stored. store.Tx is one.
type Reader interface {
	// Get returns the value of a key, which is not to be changed.
	Get(key string) (value []byte, ok bool, err error)
}

// Writer changes what is stored. store.Tx is one.
type Writer interface {
	// Put sets the value of a key. It must not be changed afterwards.
	Put(key string, value []byte)
	// Delete removes a key. One without a value is no error.
	Delete(key string)
}

// Ref is an entity with what names it for documents and people.
type Ref struct {
	ID    string   // entity id
	Keys  []string // canonical keys of its identifiers, sorted
	Email string   // users: mail address, "" if none is known
	Name  string   // the identifier that says most to a reader
}

// Entities are who an event speaks of; nil means nobody of that kind. Those of
// Resolve name what the event gives, those of View.Entities all that is known.
type Entities struct {
	User    *Ref
	Device  *Ref
	Session *Ref

	user, device found
	session      found
	roles        roles
}

// found is one entity of an event with the bytes stored of it.
type found struct {
	keys  []string // identifiers by which the event names it; none if derived
	id    string   // "" if there is no such entity
	value []byte   // stored bytes, nil if it is new
	also  []string // ids of further entities that the identifiers lead to
}

// Resolve finds the user, the device and the session that the subject names,
// through the links of their identifiers. A session names the user and the
// device it is known to belong to unless the subject does. It only reads; what
// it found is good for Load until the reader's entities are written again.
func Resolve(r Reader, e *event.Event) (x Entities, err error) {
	x.roles = rolesOf(e)
	if x.user, err = find(r, "u/", keysOf(x.roles.user)); err != nil {
		return x, err
	}
	if x.device, err = find(r, "d/", keysOf(x.roles.device)); err != nil {
		return x, err
	}
	if keys := keysOf(x.roles.session); len(keys) > 0 {
		if err = x.findSession(r, keys[0]); err != nil {
			return x, err
		}
	}
	if effects[e.Type] == changesIdentifier {
		if err = x.findRenamed(r, e); err != nil {
			return x, err
		}
	}
	x.User, x.Device, x.Session = x.user.ref(), x.device.ref(), x.session.ref()
	return x, nil
}

func (f *found) ref() *Ref {
	if f.id == "" {
		return nil
	}
	keys := slices.Clone(f.keys)
	if !slices.Contains(keys, f.id) {
		keys = append(keys, f.id)
	}
	return newRef(f.id, keys, "")
}

// newRef sorts the keys in place.
func newRef(id string, keys []string, email string) *Ref {
	slices.Sort(keys)
	r := &Ref{ID: id, Keys: keys, Email: plain(email)}
	if r.Name = r.Email; r.Name == "" {
		r.Name = plain(id)
	}
	return r
}

// plain is the value of a key as people write it.
func plain(key string) string {
	format, value, ok := strings.Cut(key, ":")
	if !ok {
		return key
	}
	switch format {
	case "account":
		value = strings.TrimPrefix(value, "acct:")
	case "iss_sub":
		if i := strings.LastIndexByte(value, '|'); i >= 0 {
			value = value[i+1:]
		}
	}
	if strings.Contains(value, "%") {
		if s, err := event.ParseKey(key); err == nil {
			for _, member := range [...]string{"email", "uri", "sub", "id", "phone_number", "url"} {
				if v := s.Member(member); v != "" {
					return strings.TrimPrefix(v, "acct:")
				}
			}
		}
	}
	return value
}

// keysOf lists the identifiers of a simple or aliases subject as entity keys,
// without repeats and without those too long to be remembered.
func keysOf(s event.Subject) []string {
	if s.IsZero() {
		return nil
	}
	keys := make([]string, 0, 2)
	for id := range s.Identifiers() {
		if k := id.EntityKey(); k != "" && len(k) <= maxKey && !slices.Contains(keys, k) && len(keys) < maxKeys {
			keys = append(keys, k)
		}
	}
	return keys
}

// find looks the identifiers up in their order. The first that is known gives
// the entity, the first of all if none is.
func find(r Reader, role string, keys []string) (f found, err error) {
	f.keys = keys
	for _, k := range keys {
		id, value, err := lookup(r, role, k)
		if err != nil {
			return f, err
		}
		f.add(id, value)
	}
	if f.id == "" && len(keys) > 0 {
		f.id = keys[0]
	}
	return f, nil
}

func (f *found) add(id string, value []byte) {
	switch {
	case value == nil || id == f.id || slices.Contains(f.also, id):
	case f.id == "":
		f.id, f.value = id, value
	default:
		f.also = append(f.also, id)
	}
}

// lookup finds the entity of one identifier: its own, or the one it is linked
// to. The value is nil if there is none.
func lookup(r Reader, role, key string) (id string, value []byte, err error) {
	value, ok, err := r.Get(role + key)
	if err != nil {
		return "", nil, err
	}
	if ok {
		return key, present(value), nil
	}
	link, ok, err := r.Get(linkKey(role, key))
	if err != nil || !ok {
		return key, nil, err
	}
	id = string(link)
	value, ok, err = r.Get(role + id)
	if err != nil || !ok {
		return id, nil, err
	}
	return id, present(value), nil
}

// present keeps an empty stored value, which is a damaged one, apart from none.
func present(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

func linkKey(role, key string) string { return "l/" + role + key }

func (x *Entities) findSession(r Reader, key string) error {
	x.session = found{keys: []string{key}, id: key}
	value, ok, err := r.Get("s/" + key)
	if err != nil || !ok {
		return err
	}
	x.session.value = present(value)
	p, err := decodePointer(value)
	if err != nil {
		return damaged("s/"+key, err)
	}
	if x.user.id == "" && p.user != "" {
		if err := x.user.derive(r, "u/", p.user); err != nil {
			return err
		}
	}
	if x.device.id == "" && p.device != "" {
		return x.device.derive(r, "d/", p.device)
	}
	return nil
}

// derive finds an entity that another one is known to belong to. One that is
// gone was cut loose and names nobody.
func (f *found) derive(r Reader, role, id string) error {
	id, value, err := lookup(r, role, id)
	if err == nil && value != nil {
		f.id, f.value = id, value
	}
	return err
}

// findRenamed adds the new identifier of an identifier-changed event.
func (x *Entities) findRenamed(r Reader, e *event.Event) error {
	k := newIdentifier(e)
	if k == "" || len(x.user.keys) == 0 || slices.Contains(x.user.keys, k) {
		return nil
	}
	x.user.keys = append(x.user.keys, k)
	id, value, err := lookup(r, "u/", k)
	if err != nil {
		return err
	}
	if x.user.value == nil && value != nil {
		x.user.id = ""
	}
	x.user.add(id, value)
	return nil
}

// NewIdentifier is the identifier that an identifier-changed event gives the
// entity of its subject (EVT-25), absent if e is no such event or names none.
// Resolve follows it, so whoever bounds the subjects a sender may speak of must
// hold it to the same bounds.
func NewIdentifier(e *event.Event) event.Subject {
	format := e.Subject.Format()
	if effects[e.Type] != changesIdentifier || format != "email" && format != "phone_number" {
		return event.Subject{}
	}
	value := e.Body.Get("new-value").Text()
	if value == "" {
		return event.Subject{}
	}
	s, err := event.NewSimple(format, format, value)
	if err != nil {
		return event.Subject{}
	}
	return s
}

// newIdentifier is the entity key of NewIdentifier, "" if there is none to
// remember.
func newIdentifier(e *event.Event) string {
	if k := NewIdentifier(e).EntityKey(); len(k) <= maxKey {
		return k
	}
	return ""
}

// Locks are the keys to lock before Load and Apply, sorted: every entity the
// identifiers lead to, the identifiers themselves, and the windows.
func (x Entities) Locks(e *event.Event, windows []Window) []string {
	keys := make([]string, 0, 4+len(windows))
	keys = x.user.lock(keys, "u/")
	keys = x.device.lock(keys, "d/")
	keys = x.session.lock(keys, "s/")
	for i := range windows {
		if k := windows[i].storeKey(e, &x); k != "" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (f *found) lock(keys []string, role string) []string {
	if f.id == "" {
		return keys
	}
	keys = append(keys, role+f.id)
	for _, list := range [...][]string{f.keys, f.also} {
		for _, k := range list {
			if k != f.id {
				keys = append(keys, role+k)
			}
		}
	}
	return keys
}
