package transmitter

import (
	"context"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// course is what became of the SETs of a stream, for people: when one last left,
// was taken, or failed to. It is gathered in memory and written down from time to
// time; nothing is decided by it.
type course struct {
	Delivered time.Time `json:"delivered,omitzero"` // pushed, or handed out to a poll
	Acked     time.Time `json:"acked,omitzero"`     // taken by the receiver
	Failed    time.Time `json:"failed,omitzero"`    // not taken, for now or for good
	Error     string    `json:"error,omitempty"`    // why
}

// with is the course with what came later.
func (c course) with(d course) course {
	if d.Delivered.After(c.Delivered) {
		c.Delivered = d.Delivered
	}
	if d.Acked.After(c.Acked) {
		c.Acked = d.Acked
	}
	if d.Failed.After(c.Failed) {
		c.Failed, c.Error = d.Failed, d.Error
	}
	return c
}

// maxCourseError bounds what is kept of a receiver's words, in characters.
const maxCourseError = 300

// handed notes that SETs went out to a poll.
func (h *hub) handed(id string) { h.note(id, course{Delivered: h.now().UTC()}) }

// pushed notes what became of a SET that was pushed.
func (h *hub) pushed(id string, r pipeline.Result) {
	if r.Err == nil {
		h.handed(id)
	}
	h.answered(id, r)
}

// answered notes what a receiver said of one SET, or that it said nothing.
func (h *hub) answered(id string, r pipeline.Result) {
	now := h.now().UTC()
	if r.Err != nil {
		h.note(id, course{Failed: now, Error: cut(pipeline.Clean(r.Err.Error()), maxCourseError)})
		return
	}
	h.note(id, course{Acked: now})
}

func (h *hub) note(id string, c course) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.courses[id] = h.courses[id].with(c)
}

func (h *hub) courseKey(id string) string { return h.lock + "/c/" + id }

// courseOf is the course of a stream until now.
func (h *hub) courseOf(tx store.Tx, id string) (c course, err error) {
	_, err = readJSON(tx, h.courseKey(id), &c)
	h.mu.Lock()
	defer h.mu.Unlock()
	return c.with(h.courses[id]), err
}

// writeCourses writes down what was gathered since the last time.
func (h *hub) writeCourses(ctx context.Context) error {
	h.mu.Lock()
	gathered := h.courses
	h.courses = map[string]course{}
	h.mu.Unlock()
	if len(gathered) == 0 {
		return nil
	}
	return h.line.Transact(ctx, []string{h.lock}, func(tx store.Tx, _ func(pipeline.Action)) error {
		for id, c := range gathered {
			if s, err := h.load(tx, id); err != nil || s == nil {
				if err != nil {
					return err
				}
				continue
			}
			var before course
			if _, err := readJSON(tx, h.courseKey(id), &before); err != nil {
				return err
			}
			writeJSON(tx, h.courseKey(id), before.with(c))
		}
		return nil
	})
}
