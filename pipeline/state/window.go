package state

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// MaxCount is the highest count a window gives. It then holds as many events
// or values as are kept and stays there: read it as "at least".
const MaxCount = 1000

// maxPlainValue is the longest key value that is stored as it is; of a longer
// one its hash is.
const maxPlainValue = 160

const bodyPath = "event.body."

// ValidPath reports whether a window can count by the path: subject, user,
// device, session, event.issuer, event.source, event.type, event.txn, or
// event.body and the names of a member in it.
func ValidPath(path string) bool {
	switch path {
	case "subject", "user", "device", "session", "event.issuer", "event.source", "event.type", "event.txn":
		return true
	}
	rest, ok := strings.CutPrefix(path, bodyPath)
	return ok && !slices.Contains(strings.Split(rest, "."), "")
}

// valueAt resolves a path; "" means that the event has no such value, and is
// not counted.
func valueAt(path string, e *event.Event, x *Entities) string {
	switch path {
	case "subject":
		if e.Subject.IsZero() {
			return ""
		}
		return e.Subject.Key()
	case "user":
		return x.user.id
	case "device":
		return x.device.id
	case "session":
		return x.session.id
	case "event.issuer":
		return e.Issuer
	case "event.source":
		return e.Source
	case "event.type":
		return e.Type.Name
	case "event.txn":
		return e.Txn
	}
	rest, ok := strings.CutPrefix(path, bodyPath)
	if !ok {
		return ""
	}
	v := e.Body.Get(strings.Split(rest, ".")...)
	switch v.Kind() {
	case strictjson.String:
		return v.Text()
	case strictjson.Number, strictjson.Bool:
		return string(v.Raw())
	}
	return ""
}

// storeKey is where the count for this event is kept, "" if it is not counted.
func (w *Window) storeKey(e *event.Event, x *Entities) string {
	v := valueAt(w.Key, e, x)
	if v == "" {
		return ""
	}
	if len(v) > maxPlainValue {
		sum := sha256.Sum256([]byte(v))
		v = hex.EncodeToString(sum[:])
	}
	return "w/" + w.Name + "/" + v
}

// tally is the content of a window for one key value: what was counted and
// when, the oldest first. Values told apart are kept as hashes; events have
// the hash 0.
type tally struct {
	over  int64
	marks []countMark
}

type countMark struct {
	hash uint64
	at   int64
}

// newest is the moment the window reaches up to.
func (t *tally) newest() int64 {
	if len(t.marks) == 0 {
		return 0
	}
	return t.marks[len(t.marks)-1].at
}

// add counts a value, or an event if hash is 0, and lets go of what is older
// than the window. A value seen again counts once, at its newest time.
func (t *tally) add(hash uint64, at int64) {
	if hash != 0 {
		for i, m := range t.marks {
			if m.hash == hash {
				if at <= m.at {
					return
				}
				t.marks = slices.Delete(t.marks, i, i+1)
				break
			}
		}
	}
	i := len(t.marks)
	for i > 0 && t.marks[i-1].at > at {
		i--
	}
	t.marks = slices.Insert(t.marks, i, countMark{hash, at})
	begin, old := t.newest()-t.over, 0
	for old < len(t.marks) && t.marks[old].at <= begin {
		old++
	}
	old = max(old, len(t.marks)-MaxCount)
	t.marks = slices.Delete(t.marks, 0, old)
}

// hashOf tells values apart. Zero is kept for events.
func hashOf(value string) uint64 {
	sum := sha256.Sum256([]byte(value))
	return max(binary.LittleEndian.Uint64(sum[:]), 1)
}

func (t *tally) encode() []byte {
	e := newEncoder()
	e.num(uint64(t.over))
	e.num(uint64(len(t.marks)))
	last := int64(0)
	for _, m := range t.marks {
		e.time(m.at - last)
		last = m.at
		if m.hash == 0 {
			e.b = append(e.b, 0)
			continue
		}
		e.b = append(e.b, 1)
		e.b = binary.LittleEndian.AppendUint64(e.b, m.hash)
	}
	return e.value()
}

func decodeTally(value []byte) (*tally, error) {
	d := newDecoder(value)
	t := &tally{over: int64(d.num())}
	n := d.count()
	t.marks = make([]countMark, 0, n+1)
	last := int64(0)
	for range n {
		last += d.time()
		m := countMark{at: last}
		if d.byte() != 0 {
			if h := d.take(8); h != "" {
				m.hash = binary.LittleEndian.Uint64([]byte(h))
			}
		}
		t.marks = append(t.marks, m)
	}
	return t, d.end()
}

// counted is a window as the present event leaves it.
type counted struct {
	name  string
	key   string // "" if the event is not counted
	tally *tally
}

func countWindows(r Reader, windows []Window, e *event.Event, x *Entities, at int64) ([]counted, error) {
	if len(windows) == 0 {
		return nil, nil
	}
	list := make([]counted, 0, len(windows))
	for i := range windows {
		w := &windows[i]
		c := counted{name: w.Name, key: w.storeKey(e, x), tally: &tally{}}
		if c.key != "" {
			value, ok, err := r.Get(c.key)
			if err != nil {
				return nil, err
			}
			if ok {
				if c.tally, err = decodeTally(value); err != nil {
					return nil, damaged(c.key, err)
				}
			}
			c.tally.over = w.Over.Milliseconds()
			if hash, ok := w.hash(e, x); ok {
				c.tally.add(hash, at)
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// hash is what the event adds to the window; ok is false if it lacks the value
// that is told apart.
func (w *Window) hash(e *event.Event, x *Entities) (hash uint64, ok bool) {
	if w.Count != "distinct" {
		return 0, true
	}
	v := valueAt(w.Of, e, x)
	if v == "" {
		return 0, false
	}
	return hashOf(v), true
}
