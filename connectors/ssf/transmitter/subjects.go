package transmitter

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// What a receiver said of a subject is an entry: in or out. Simple subjects have
// a key each, so that looking one up costs the same however many there are; those
// made of others are gone through one by one, and so there may be few of them.

// maxComposed is how many complex and aliases subjects a stream may have.
const maxComposed = 256

// entry is what a receiver said of a subject.
type entry struct {
	Subject event.Subject `json:"subject"`
	In      bool          `json:"in"`
}

func (h *hub) subjectPrefix(stream string) string { return h.lock + "/x/" + stream + "/" }

// simpleKey is where the entry of a simple subject is. Its length does not depend
// on what a receiver wrote.
func (h *hub) simpleKey(stream string, s event.Subject) string {
	sum := sha256.Sum256([]byte(s.Key()))
	return h.subjectPrefix(stream) + "i/" + base64.RawURLEncoding.EncodeToString(sum[:18])
}

func (h *hub) composedKey(stream string) string { return h.subjectPrefix(stream) + "c" }

func composed(s event.Subject) bool { return s.Format() == "complex" || s.Format() == "aliases" }

// subjects is what a stream's receiver said, within one transaction.
type subjects struct {
	h        *hub
	tx       store.Tx
	stream   *stream
	composed []entry
	read     bool
}

func (h *hub) subjectsOf(tx store.Tx, s *stream) *subjects {
	return &subjects{h: h, tx: tx, stream: s}
}

// simple tells what was said of exactly this simple subject.
func (x *subjects) simple(s event.Subject) (in, said bool, err error) {
	var e entry
	said, err = readJSON(x.tx, x.h.simpleKey(x.stream.ID, s), &e)
	return e.In, said, err
}

// others are the entries of composed subjects.
func (x *subjects) others() ([]entry, error) {
	if !x.read {
		if _, err := readJSON(x.tx, x.h.composedKey(x.stream.ID), &x.composed); err != nil {
			return nil, err
		}
		x.read = true
	}
	return x.composed, nil
}

// exact tells what was said of exactly this subject (MATCH-01).
func (x *subjects) exact(s event.Subject) (in, said bool, err error) {
	if !composed(s) {
		return x.simple(s)
	}
	list, err := x.others()
	for _, e := range list {
		if e.Subject.Key() == s.Key() {
			return e.In, true, err
		}
	}
	return false, false, err
}

// wants reports whether events about the subject are in the stream. What was
// said of exactly this subject decides; else, where nothing is in until it is
// added, any added subject that matches (MATCH-01 to MATCH-05); and where all is
// in, whatever is not wholly covered by what was removed.
func (x *subjects) wants(s event.Subject) (bool, error) {
	if x.stream.Subjects == 0 {
		return x.h.all, nil
	}
	if in, said, err := x.exact(s); err != nil || said {
		return in, err
	}
	if x.h.all {
		out, err := x.removed(s)
		return !out, err
	}
	return x.added(s)
}

// added reports whether an added subject matches.
func (x *subjects) added(s event.Subject) (bool, error) {
	for id := range identifiers(s) {
		if in, _, err := x.simple(id); err != nil || in {
			return in, err
		}
	}
	list, err := x.others()
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if !e.In {
			continue
		}
		if ok, _ := event.Match(e.Subject, s); ok {
			return true, nil
		}
	}
	return false, nil
}

// removed reports whether what was removed covers the subject. Of several names
// of one entity each must be removed (MATCH-05); a member of a complex subject
// that was removed takes it out; and a removed complex subject takes out only
// what has each of its members. That is narrower than MATCH-03: there, removing
// one user at one tenant would silence all devices, and who removes must not
// silence what nobody spoke of.
func (x *subjects) removed(s event.Subject) (bool, error) {
	list, err := x.others()
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if !e.In && covers(e.Subject, s) {
			return true, nil
		}
	}
	if s.Format() != "complex" {
		return x.allOut(s)
	}
	for _, part := range s.Parts() {
		if out, err := x.allOut(part); err != nil || out {
			return out, err
		}
		for _, e := range list {
			if !e.In && e.Subject.Format() == "aliases" && covers(e.Subject, part) {
				return true, nil
			}
		}
	}
	return false, nil
}

// allOut reports whether every identifier of an entity was removed.
func (x *subjects) allOut(s event.Subject) (bool, error) {
	n := 0
	for id := range s.Identifiers() {
		if in, said, err := x.simple(id); err != nil || !said || in {
			return false, err
		}
		n++
	}
	return n > 0, nil
}

// covers reports whether a removed composed subject takes out events about
// another.
func covers(removed, s event.Subject) bool {
	if removed.Format() == "complex" {
		if s.Format() != "complex" {
			return false
		}
		for name, part := range removed.Parts() {
			other, ok := s.Part(name)
			if !ok {
				return false
			}
			if same, _ := event.Match(part, other); !same {
				return false
			}
		}
		return true
	}
	if s.Format() == "complex" {
		return false
	}
	n := 0
	for id := range s.Identifiers() {
		if ok, _ := event.Match(removed, id); !ok {
			return false
		}
		n++
	}
	return n > 0
}

// identifiers are all simple identifiers in a subject: of a complex one those of
// its members (MATCH-04).
func identifiers(s event.Subject) func(func(event.Subject) bool) {
	if s.Format() != "complex" {
		return s.Identifiers()
	}
	return func(yield func(event.Subject) bool) {
		for _, part := range s.Parts() {
			for id := range part.Identifiers() {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// put says that a subject is in or out. Taking back what was said is enough
// where that has the effect; else it is said of exactly this subject. The
// transaction must save the stream.
func (x *subjects) put(s event.Subject, in bool) error {
	_, said, err := x.exact(s)
	if err != nil {
		return err
	}
	if said {
		if err := x.write(s, nil); err != nil {
			return err
		}
	}
	if now, err := x.wants(s); err != nil || now == in {
		return err
	}
	return x.write(s, &entry{s, in})
}

// write sets or removes what was said of exactly this subject.
func (x *subjects) write(s event.Subject, e *entry) error {
	if e == nil {
		x.stream.Subjects--
	} else if x.stream.Subjects++; x.stream.Subjects > x.h.terms.MaxSubjects {
		return tooMany(fmt.Sprintf("the stream has %d subjects, which is as many as it may have", x.h.terms.MaxSubjects))
	}
	if !composed(s) {
		if key := x.h.simpleKey(x.stream.ID, s); e == nil {
			x.tx.Delete(key)
		} else {
			writeJSON(x.tx, key, e)
		}
		return nil
	}
	list, err := x.others()
	if err != nil {
		return err
	}
	var kept []entry
	for _, other := range list {
		if other.Subject.Key() != s.Key() {
			kept = append(kept, other)
		}
	}
	if e != nil {
		if kept = append(kept, *e); len(kept) > maxComposed {
			return tooMany(fmt.Sprintf("the stream has %d subjects made of others, which is as many as it may have", maxComposed))
		}
	}
	x.composed = kept
	writeJSON(x.tx, x.h.composedKey(x.stream.ID), kept)
	return nil
}

// isItself reports whether a subject stands for the stream: it is always in
// (SSF-TX-72).
func (s *stream) isItself(subject event.Subject) bool {
	return subject.Format() == "opaque" && subject.Member("id") == s.ID
}

// methodName is a delivery method for people.
func methodName(uri string) string {
	if uri == ssf.DeliveryPush {
		return "push"
	}
	return "poll"
}
