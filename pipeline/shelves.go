package pipeline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// The keys of the quarantine. Its one lock sorts among those a batch takes
// first.
const (
	quarantineLock    = "q/"
	quarantineEntries = "q/e/" // id -> Quarantined
	quarantineShelves = "q/s/" // source -> shelf, see shelf.encode
	quarantineSizes   = "q/t"  // source -> bytes, of all sources
)

// release is the act by which a unit was taken out of the quarantine.
type release struct{ id, by string }

// quarantineID is derived like every id: the same bytes of a source are the same
// message.
func (u *unit) quarantineID() string {
	d := u.digest()
	return "q-" + hash("quarantine", u.msg.Source, u.msg.Sender, string(d[:]))
}

// quarantined reports whether a refusal puts the unit into the quarantine. A
// drill's does not: what is tried again is no drill any more.
func (u *unit) quarantined() bool {
	return u.reject != nil && u.timer == nil && u.msg.Sender != "" && !u.msg.Test
}

// shelf is what is kept of one source, longest there first. Every batch with a
// refusal reads and writes it, so it is stored as bytes and not as JSON,
// which takes many times as long to read.
type shelf struct{ entries []shelved }

type shelved struct {
	id   string
	size int64
}

// shelfVersion is the first byte of a stored shelf.
const shelfVersion = 1

func (s *shelf) encode() []byte {
	b := append(make([]byte, 0, 1+32*len(s.entries)), shelfVersion)
	for _, e := range s.entries {
		b = append(binary.AppendUvarint(b, uint64(len(e.id))), e.id...)
		b = binary.AppendUvarint(b, uint64(e.size))
	}
	return b
}

var errShelf = errors.New("stored value is damaged")

func decodeShelf(b []byte) (*shelf, error) {
	if len(b) == 0 || b[0] != shelfVersion {
		return nil, errShelf
	}
	s, at, text := new(shelf), 1, string(b)
	for at < len(b) {
		length, n := binary.Uvarint(b[at:])
		at += n
		if n <= 0 || length > uint64(len(b)-at) {
			return nil, errShelf
		}
		id := text[at : at+int(length)]
		at += len(id)
		size, n := binary.Uvarint(b[at:])
		at += n
		if n <= 0 || size > math.MaxInt64 {
			return nil, errShelf
		}
		s.entries = append(s.entries, shelved{id, int64(size)})
	}
	return s, nil
}

// shelves is the quarantine within one transaction that holds its lock. write
// puts what changed into the transaction.
type shelves struct {
	tx      store.Tx
	bounds  Quarantine
	shelves map[string]*shelf
	sizes   map[string]int64 // of every source; nil until read

	entered, dropped map[string]int // by source, for those who watch
}

func newShelves(tx store.Tx, bounds Quarantine) *shelves {
	return &shelves{tx: tx, bounds: bounds.filled(), shelves: map[string]*shelf{}, entered: map[string]int{}, dropped: map[string]int{}}
}

func readQuarantined(tx store.Tx, id string) (*Quarantined, error) {
	e := new(Quarantined)
	ok, err := readJSON(tx, quarantineEntries+id, e)
	if err != nil || !ok {
		return nil, err
	}
	return e, nil
}

func readJSON(tx store.Tx, key string, into any) (bool, error) {
	text, ok, err := tx.Get(key)
	if err != nil || !ok {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	return true, nil
}

func (s *shelves) put(key string, v any) {
	text, _ := json.Marshal(v) // plain data
	s.tx.Put(key, text)
}

// of returns the shelf of a source.
func (s *shelves) of(source string) (*shelf, error) {
	if s.sizes == nil {
		s.sizes = map[string]int64{}
		if _, err := readJSON(s.tx, quarantineSizes, &s.sizes); err != nil {
			return nil, err
		}
	}
	if s.shelves[source] == nil {
		sh := new(shelf)
		key := quarantineShelves + source
		text, ok, err := s.tx.Get(key)
		if err != nil {
			return nil, err
		}
		if ok {
			if sh, err = decodeShelf(text); err != nil {
				return nil, fmt.Errorf("read %s: %w", key, err)
			}
		}
		s.shelves[source] = sh
	}
	return s.shelves[source], nil
}

// enter keeps a refused message, or counts it once more, and returns its id; ""
// if it is larger than all that may be kept. What was there longest makes room:
// of its own source for the number of messages, of the source that takes most
// for the bytes, so that one noisy sender costs the others nothing.
func (s *shelves) enter(u *unit, now time.Time) (id string, err error) {
	id = u.quarantineID()
	e, err := readQuarantined(s.tx, id)
	if err != nil {
		return "", err
	}
	fresh := e == nil
	if fresh {
		m := &u.msg
		e = &Quarantined{
			ID: id, Source: m.Source, Sender: m.Sender, ContentType: m.ContentType, Delivery: m.Delivery, RemoteAddr: m.RemoteAddr,
			Position: m.Position, Mapping: m.Mapping, Progress: m.Progress, First: now.UTC(), Size: len(m.Body), Body: m.Body,
		}
	}
	if u.release == nil {
		e.Last = now.UTC()
		e.Count++
	}
	e.Issuer, e.JTI = u.reject.Issuer, u.reject.JTI
	e.Code, e.Description, e.Requirement = u.reject.Code, u.reject.Description, u.reject.Requirement
	if fresh {
		size := int64(e.Size)
		if size > s.bounds.MaxBytes {
			s.dropped[e.Source]++
			return "", nil
		}
		sh, err := s.of(e.Source)
		if err != nil {
			return "", err
		}
		sh.entries = append(sh.entries, shelved{id, size})
		s.sizes[e.Source] += size
		s.entered[e.Source]++
	}
	s.put(quarantineEntries+id, e)
	if !fresh {
		return id, nil
	}
	if err := s.makeRoom(e.Source); err != nil {
		return "", err
	}
	if left := s.shelves[e.Source].entries; len(left) == 0 || left[len(left)-1].id != id {
		return "", nil // it took more than its source may have
	}
	return id, nil
}

func (s *shelves) makeRoom(source string) error {
	for len(s.shelves[source].entries) > s.bounds.MaxEntries {
		s.drop(source)
	}
	for {
		var total int64
		most := source
		for _, name := range slices.Sorted(maps.Keys(s.sizes)) {
			total += s.sizes[name]
			if s.sizes[name] > s.sizes[most] {
				most = name
			}
		}
		if total <= s.bounds.MaxBytes {
			return nil
		}
		if _, err := s.of(most); err != nil {
			return err
		}
		s.drop(most)
	}
}

// drop removes what is longest on a shelf that was read.
func (s *shelves) drop(source string) {
	sh := s.shelves[source]
	if len(sh.entries) == 0 { // sizes that belong to nothing
		delete(s.sizes, source)
		return
	}
	s.take(source, 0)
	s.dropped[source]++
}

func (s *shelves) take(source string, i int) {
	sh := s.shelves[source]
	e := sh.entries[i]
	sh.entries = slices.Delete(sh.entries, i, i+1)
	if s.sizes[source] -= e.size; s.sizes[source] <= 0 {
		delete(s.sizes, source)
	}
	s.tx.Delete(quarantineEntries + e.id)
}

// remove takes a message out, false if it is not there.
func (s *shelves) remove(id string) (bool, error) {
	e, err := readQuarantined(s.tx, id)
	if err != nil || e == nil {
		return false, err
	}
	sh, err := s.of(e.Source)
	if err != nil {
		return false, err
	}
	if i := slices.IndexFunc(sh.entries, func(x shelved) bool { return x.id == id }); i >= 0 {
		s.take(e.Source, i)
	} else {
		s.tx.Delete(quarantineEntries + id)
	}
	return true, nil
}

// write puts the shelves and sizes that changed into the transaction.
func (s *shelves) write() {
	for source, sh := range s.shelves {
		if len(sh.entries) == 0 {
			s.tx.Delete(quarantineShelves + source)
		} else {
			s.tx.Put(quarantineShelves+source, sh.encode())
		}
	}
	if s.sizes != nil {
		s.put(quarantineSizes, s.sizes)
	}
}

// observe tells what happened once it is durable.
func (s *shelves) observe(b *batch) {
	for source, n := range s.entered {
		b.obs.Quarantine(source, "entered", n)
	}
	for source, n := range s.dropped {
		b.obs.Quarantine(source, "dropped", n)
		b.p.log.Warn("quarantine is full: the oldest messages were dropped", "source", source, "messages", n)
	}
}

// quarantine is the shelves of the present attempt.
func (b *batch) quarantine(tx store.Tx) *shelves {
	if b.shelves == nil {
		b.shelves = newShelves(tx, b.gen.Quarantine)
	}
	return b.shelves
}

// isolate puts a refused unit whose record was made into the quarantine.
func (b *batch) isolate(tx store.Tx, u *unit, now time.Time) (err error) {
	if u.quarantined() && !b.dry {
		u.record.Input.Reject.Quarantine, err = b.quarantine(tx).enter(u, now)
	}
	return err
}

// overtaken reports whether a unit that is tried again is no longer in the
// quarantine: somebody was faster.
func (u *unit) overtaken(tx store.Tx) (bool, error) {
	if u.release == nil {
		return false, nil
	}
	e, err := readQuarantined(tx, u.release.id)
	return e == nil, err
}

// settle takes a message that was tried again and not refused out of the
// quarantine, and writes down who tried.
func (b *batch) settle(tx store.Tx, u *unit, now time.Time) error {
	if u.release == nil || u.retry != nil {
		return nil
	}
	detail := u.release.id + ": " + string(u.verdict)
	if u.verdict != Rejected {
		if there, err := b.quarantine(tx).remove(u.release.id); err != nil || !there {
			return err
		}
	} else {
		detail += ": " + u.reject.Description
	}
	rec := &Record{Kind: OperatorRecord, At: now.UTC(), Node: b.p.node,
		Operator: &OperatorPart{Verb: "quarantine-retry", By: u.release.by, Detail: detail}}
	tx.Append(store.Record{Data: rec.AppendJSON(nil), Exempt: true})
	return nil
}
