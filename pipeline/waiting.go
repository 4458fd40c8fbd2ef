package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// What a person may release is kept beside the journal, so that it can be listed
// at once and outlives the journal's retention: one key per action, or per part
// of one where only that part is in question, until it is released, rejected or
// expires. Whoever writes any of them holds waitingKey, whose value is their
// number; a timer of the same name as the key ends each on time. shareKeys hold
// the numbers of those who have others wait.
const (
	waitingKey  = "~a"
	waitingKeys = "~a/"
	shareKeys   = "~b/"
)

// defaultMaxWaiting is how many actions may wait for a person.
const defaultMaxWaiting = 10_000

// WaitingStatuses are those in which an action can wait for a person.
var WaitingStatuses = []Status{Held, PendingApproval, Dead}

// Waiting is an action, or one part of it, that waits for a person.
type Waiting struct {
	// Action is how it stands: held, pending_approval or dead. Without a target
	// it is the action as a whole.
	Action Action    `json:"action"`
	Parts  []Action  `json:"parts"` // what goes out when it is released, in order
	Since  time.Time `json:"since"`

	// Share is who fills the list with it: the issuer whose remit bounds it, or the
	// sink that refused it for good.
	Share string `json:"share,omitempty"`

	Same *SameDone `json:"same,omitempty"` // what did the same since, of an action that waits all the same

	Cause   string  `json:"cause,omitempty"` // canonical key of the causing event's subject
	Booking booking `json:"booking"`
}

func (w *Waiting) key() string {
	if w.Action.Target == "" {
		return waitingKeys + w.Action.ID
	}
	key := waitingKeys + w.Action.ID + "/" + strconv.Itoa(w.Action.Part)
	if w.Action.Stream != "" {
		key += "/" + w.Action.Stream
	}
	return key
}

func (w *Waiting) shareKey() string { return shareKeys + hash("share", w.Share) }

// expires is when it is given up; an action that never expires waits for ever.
func (w *Waiting) expires() time.Time { return w.Action.Expires }

// shareOf is how many of the actions that may wait one issuer or sink may have
// wait: a flood of one leaves room for the others.
func (p *Pipeline) shareOf() int { return max(1, p.maxWaiting-p.maxWaiting/2) }

// keep makes an action wait for a person. It reports false if too many do, or
// too many of who has it wait. The transaction holds waitingKey.
func (p *Pipeline) keep(tx store.Tx, w Waiting) (bool, error) {
	n, err := countWaiting(tx, waitingKey)
	if err != nil {
		return false, err
	}
	own, err := countWaiting(tx, w.shareKey())
	if err != nil {
		return false, err
	}
	if n >= p.maxWaiting || w.Share != "" && own >= p.shareOf() {
		return false, nil
	}
	key := w.key()
	text, err := json.Marshal(w)
	if err != nil {
		return false, fmt.Errorf("keep %s: %w", w.Action.ID, err)
	}
	if _, again, err := tx.Get(key); err != nil {
		return false, err
	} else if !again {
		tx.Put(waitingKey, strconv.AppendInt(nil, int64(n+1), 10))
		if w.Share != "" {
			tx.Put(w.shareKey(), strconv.AppendInt(nil, int64(own+1), 10))
		}
	}
	tx.Put(key, text)
	if err := want(tx, w); err != nil {
		return false, err
	}
	if x := w.expires(); !x.IsZero() {
		tx.SetTimer(store.Timer{ID: key, Due: x})
	}
	return true, nil
}

// drop ends the waiting. The transaction holds waitingKey.
func drop(tx store.Tx, w Waiting) error {
	n, err := countWaiting(tx, waitingKey)
	if err != nil {
		return err
	}
	tx.Put(waitingKey, strconv.AppendInt(nil, int64(max(0, n-1)), 10))
	if w.Share != "" {
		switch own, err := countWaiting(tx, w.shareKey()); {
		case err != nil:
			return err
		case own > 1:
			tx.Put(w.shareKey(), strconv.AppendInt(nil, int64(own-1), 10))
		default:
			tx.Delete(w.shareKey())
		}
	}
	key := w.key()
	tx.Delete(key)
	tx.CancelTimer(key)
	return unwant(tx, w)
}

func countWaiting(tx store.Tx, key string) (int, error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return 0, err
	}
	n, err := strconv.Atoi(string(v))
	if err != nil {
		return 0, fmt.Errorf("number of waiting actions: %w", err)
	}
	return n, nil
}

func readWaiting(key string, value []byte) (w Waiting, err error) {
	if err := json.Unmarshal(value, &w); err != nil {
		return w, fmt.Errorf("waiting action %s: %w", key, err)
	}
	return w, nil
}

// Waiting calls f for every action that waits for a person, by id, until f
// returns false.
func (p *Pipeline) Waiting(ctx context.Context, f func(Waiting) bool) error {
	return p.scanWaiting(ctx, waitingKeys, func(_ string, w Waiting) bool { return f(w) })
}

// WaitingOf returns what of one action waits for a person: nothing, the whole,
// or parts of it.
func (p *Pipeline) WaitingOf(ctx context.Context, id string) (list []Waiting, err error) {
	err = p.scanWaiting(ctx, waitingKeys+id, func(key string, w Waiting) bool {
		if w.Action.ID == id {
			list = append(list, w)
		}
		return true
	})
	return list, err
}

func (p *Pipeline) scanWaiting(ctx context.Context, prefix string, f func(string, Waiting) bool) error {
	var bad error
	err := p.store.Scan(ctx, prefix, func(key string, value []byte) bool {
		var w Waiting
		if w, bad = readWaiting(key, value); bad != nil {
			return false
		}
		return f(key, w)
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("list waiting actions: %w", err)
	}
	return nil
}

// isWaitingTimer tells the timers of waiting actions from those of rules, whose
// ids have a NUL in them.
func isWaitingTimer(id string) bool {
	return strings.HasPrefix(id, waitingKeys) && !strings.Contains(id, "\x00")
}

// expireWaiting ends what nobody released in time and says so in the journal. A
// dead action had its end already and is only forgotten.
func (p *Pipeline) expireWaiting(ctx context.Context, t store.Timer) error {
	return p.record(ctx, []string{waitingKey}, func(tx store.Tx, add func(Action, string)) error {
		set, ok, err := tx.Timer(t.ID)
		if err != nil || !ok || !set.Due.Equal(t.Due) {
			return err // released, or kept anew, since it fell due
		}
		value, ok, err := tx.Get(t.ID)
		if err != nil {
			return err
		}
		if !ok {
			tx.CancelTimer(t.ID)
			return nil
		}
		w, err := readWaiting(t.ID, value)
		if err != nil {
			return err
		}
		if a := w.Action; a.Status != Dead {
			end(w, Expired, "nobody released it before "+a.Expires.Format(time.RFC3339), func(a Action) { add(a, "") })
		}
		return drop(tx, w)
	})
}

// end tells the journal how waiting ended: of the action or part, and of the
// parts behind it that were recorded by themselves.
func end(w Waiting, s Status, why string, add func(Action)) {
	a := w.Action
	a.Status, a.Why = s, why
	add(a)
	if a.Target == "" {
		return
	}
	for _, part := range w.Parts {
		if part.Part != a.Part {
			add(shareEnd(part, a))
		}
	}
}

// shareEnd is a part whose call ended otherwise than taken: it never goes out, for
// what it says would not be true.
func shareEnd(part, call Action) Action {
	part.Status, part.Guard = call.Status, "do"
	part.Why = "the call of " + call.Target + " before it is " + strings.ReplaceAll(string(call.Status), "_", " ")
	if call.Status == RejectedByHuman {
		part.Why = "the call of " + call.Target + " before it was rejected"
	}
	return part
}
