package transmitter

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// The statuses of a stream (SSF-TX-50).
const (
	enabled  = "enabled"
	paused   = "paused"
	disabled = "disabled"
)

// stream is what is kept of one, in the store. Whoever writes it holds the lock
// of its sink.
type stream struct {
	ID       string    `json:"id"`
	Receiver string    `json:"receiver"`
	Declared bool      `json:"declared,omitempty"` // stated by the configuration
	Created  time.Time `json:"created"`
	Active   time.Time `json:"active"`             // last eligible activity that was written down (SSF-TX-44)
	Verified time.Time `json:"verified,omitzero"`  // last request for verification
	Deleted  bool      `json:"deleted,omitempty"`  // nobody sees it; what is left of it goes
	Subjects int       `json:"subjects,omitempty"` // entries of its own, added or removed

	Audience  []string `json:"audience"`
	Requested []string `json:"requested"` // null: all there are
	Describe  string   `json:"description,omitempty"`

	Method        string `json:"method"`                  // delivery method URI
	Endpoint      string `json:"endpoint,omitempty"`      // of push
	Authorization string `json:"authorization,omitempty"` // of push; shown to nobody

	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	Held   bool   `json:"held,omitempty"` // by an operator: its receiver cannot enable it
}

// newStreamID makes a stream id of unreserved characters that nobody guesses
// (SSF-TX-19, SSF-TX-20).
func newStreamID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return "s-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

func (s *stream) pushes() bool { return s.Method == ssf.DeliveryPush }

// supported are the events the receiver of the stream may be told, requested or
// not; delivered those it gets (SSF-TX-22).
func (s *stream) delivered(supported []string) []string {
	if s.Requested == nil {
		return supported
	}
	list := []string{}
	for _, uri := range supported {
		if slices.Contains(s.Requested, uri) {
			list = append(list, uri)
		}
	}
	return list
}

// The keys of a sink's streams. Its lock, which is also the key of the list of
// ids, sorts among those of the guards.
const lockPrefix = "~t/"

func (h *hub) streamKey(id string) string { return h.lock + "/s/" + id }

// ids lists the streams there are, deleted ones included, in the order of their
// creation.
func (h *hub) ids(tx store.Tx) (list []string, err error) {
	_, err = readJSON(tx, h.lock, &list)
	return list, err
}

// load returns a stream, nil if there is none or it was deleted.
func (h *hub) load(tx store.Tx, id string) (*stream, error) {
	s, err := h.loadAny(tx, id)
	if err != nil || s == nil || s.Deleted {
		return nil, err
	}
	return s, nil
}

func (h *hub) loadAny(tx store.Tx, id string) (*stream, error) {
	s := new(stream)
	ok, err := readJSON(tx, h.streamKey(id), s)
	if err != nil || !ok {
		return nil, err
	}
	return s, nil
}

// loadAll returns every stream, deleted ones included.
func (h *hub) loadAll(tx store.Tx) (list []*stream, err error) {
	ids, err := h.ids(tx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		s, err := h.loadAny(tx, id)
		if err != nil {
			return nil, err
		}
		if s != nil {
			list = append(list, s)
		}
	}
	return list, nil
}

// save writes a stream, and adds it to the list if it is new.
func (h *hub) save(tx store.Tx, s *stream) error {
	ids, err := h.ids(tx)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, s.ID) {
		writeJSON(tx, h.lock, append(ids, s.ID))
	}
	writeJSON(tx, h.streamKey(s.ID), s)
	return nil
}

// erase removes the record of a stream of which nothing else is left.
func (h *hub) erase(tx store.Tx, id string) error {
	ids, err := h.ids(tx)
	if err != nil {
		return err
	}
	writeJSON(tx, h.lock, slices.DeleteFunc(ids, func(x string) bool { return x == id }))
	tx.Delete(h.courseKey(id))
	tx.Delete(h.streamKey(id))
	return nil
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

func writeJSON(tx store.Tx, key string, v any) {
	text, _ := json.Marshal(v) // plain data
	tx.Put(key, text)
}
