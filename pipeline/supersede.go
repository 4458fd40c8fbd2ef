package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// What waits for a person is found by what it would do, too: sameKeys and the hash
// of its merge key hold how many want the same, and below that there is a key for
// each. Whoever writes any of them holds waitingKey.
const sameKeys = "~c/"

// sameBatch is how many waiting actions one transaction looks at.
const sameBatch = 200

// SameDone is another action that did what a waiting one asks for.
type SameDone struct {
	ID   string    `json:"id"`
	Rule string    `json:"rule"`
	At   time.Time `json:"at"` // when the last of its targets took it
}

// sameKey is where those are counted that want what actions of the merge key do.
func sameKey(merge string) string { return sameKeys + strings.TrimPrefix(merge, mergeKeys) }

// sameKey is where the action is found by what it does; "" where nobody looks.
func (w *Waiting) sameKey() string {
	if w.Booking.Merge == "" {
		return ""
	}
	return sameKey(w.Booking.Merge) + "/" + strings.TrimPrefix(w.key(), waitingKeys)
}

// want lets a waiting action be found by what it does, unwant ends that.
func want(tx store.Tx, w Waiting) error   { return wanted(tx, w, true) }
func unwant(tx store.Tx, w Waiting) error { return wanted(tx, w, false) }

func wanted(tx store.Tx, w Waiting, on bool) error {
	key := w.sameKey()
	if key == "" {
		return nil
	}
	_, is, err := tx.Get(key)
	if err != nil || is == on {
		return err
	}
	all := sameKey(w.Booking.Merge)
	n, err := countWaiting(tx, all)
	if err != nil {
		return err
	}
	switch {
	case on:
		tx.Put(key, []byte{})
		tx.Put(all, strconv.AppendInt(nil, int64(n+1), 10))
	case n > 1:
		tx.Delete(key)
		tx.Put(all, strconv.AppendInt(nil, int64(n-1), 10))
	default:
		tx.Delete(key)
		tx.Delete(all)
	}
	return nil
}

// supersede looks for waiting actions whose work was just done by another, merge
// being its merge key, once all its targets took it. One that was asked for no
// later ends: what was sent says all that it would say. One that was asked for
// later, whose facts are newer, and one that is dead, which has its end, are marked.
// If it fails they wait on as they are.
func (p *Pipeline) supersede(ctx context.Context, merge string, done Action) {
	if merge == "" || done.Test {
		return
	}
	if err := p.endSame(ctx, sameKey(merge), done); err != nil {
		p.log.Warn("actions keep waiting for a person though the same was done", "action", done.ID, "err", err)
	}
}

func (p *Pipeline) endSame(ctx context.Context, all string, done Action) error {
	n := 0
	err := p.Read(ctx, func(tx store.Tx) (err error) {
		n, err = countWaiting(tx, all)
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	parts, err := p.doneParts(ctx, done.ID)
	if err != nil || parts == nil {
		return err
	}
	var keys []string
	err = p.store.Scan(ctx, all+"/", func(key string, _ []byte) bool {
		keys = append(keys, waitingKeys+strings.TrimPrefix(strings.Clone(key), all+"/"))
		return true
	})
	if err != nil {
		return fmt.Errorf("list waiting actions: %w", err)
	}
	same := SameDone{ID: done.ID, Rule: done.Rule, At: p.now().UTC()}
	for some := range slices.Chunk(keys, sameBatch) {
		err := p.record(ctx, []string{waitingKey}, func(tx store.Tx, add func(Action, string)) error {
			for _, key := range some {
				if err := settleSame(tx, key, parts, done, same, add); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settleSame ends or marks one waiting action if the parts did all it asks for. It
// is looked at under lock: a person may have settled it since it was found.
func settleSame(tx store.Tx, key string, parts []Action, done Action, same SameDone, add func(Action, string)) error {
	value, ok, err := tx.Get(key)
	if err != nil || !ok {
		return err
	}
	w, err := readWaiting(key, value)
	if err != nil {
		return err
	}
	dead := w.Action.Status == Dead
	switch {
	case w.Action.ID == done.ID || !doneBy(parts, w.Parts):
		return nil
	case !dead && !done.Made.Before(w.Action.Made):
		w.Action.Into = done.ID
		why := fmt.Sprintf("the same was done at %s by %s of rule %s", same.At.Format(time.RFC3339), done.ID, done.Rule)
		end(w, Superseded, why, func(a Action) { add(a, "") })
		return drop(tx, w)
	case w.Same != nil:
		return nil
	}
	w.Same = &same
	if value, err = json.Marshal(w); err != nil {
		return fmt.Errorf("mark %s: %w", w.Action.ID, err)
	}
	tx.Put(key, value)
	if dead {
		return unwant(tx, w)
	}
	return nil
}

// doneBy reports whether every part was done by one of those that were taken.
func doneBy(taken, parts []Action) bool {
	for i := range parts {
		if !slices.ContainsFunc(taken, func(t Action) bool { return t.does(&parts[i]) }) {
			return false
		}
	}
	return len(parts) > 0
}

// does reports whether a part states or calls the same at the same target. That
// both say it of the same subject, with the same given by their rules, their merge
// key tells.
func (a *Action) does(b *Action) bool {
	if (a.Call == nil) != (b.Call == nil) || a.Call != nil && *a.Call != *b.Call {
		return false
	}
	return a.Emits == b.Emits && a.Target == b.Target && a.Stream == b.Stream
}

// doneParts are the parts of an action as their targets took them, nil unless all
// did. A part that a sink spread over its streams is among them, beside those of
// the streams, when every stream it went to took it.
func (p *Pipeline) doneParts(ctx context.Context, id string) ([]Action, error) {
	found, err := p.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	type leg struct {
		part   int
		stream string
	}
	last := map[leg]Action{}
	streams := map[int]int{}
	for _, f := range found {
		for _, a := range f.Record.Actions {
			if a.ID != id || a.Target == "" {
				continue
			}
			at := leg{a.Part, a.Stream}
			if _, seen := last[at]; !seen && a.Stream != "" {
				streams[a.Part]++
			}
			last[at] = a
		}
	}
	var parts []Action
	for at, a := range last {
		spread := at.stream == "" && a.Status == Superseded && streams[at.part] > 0
		if a.Status != Acked && !spread {
			return nil, nil
		}
		parts = append(parts, a)
	}
	return parts, nil
}
