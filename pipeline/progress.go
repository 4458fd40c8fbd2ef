package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// progressKeys hold how far each partition was brought. They sort after the
// input ids and before the guards.
const progressKeys = "k/"

func progressKey(source, partition string) string { return progressKeys + source + "/" + partition }

func (u *unit) progressKey() string { return progressKey(u.msg.Source, u.msg.Progress.Partition) }

// marked reports whether a repeat of the message is known by its input id. What
// is read by position and has no id of its own is known by its position.
func (u *unit) marked() bool { return u.msg.Progress == nil || u.msg.Mapping == "" }

// done says which positions of a partition are done: all before Next, and those
// of Above, which messages still under way separate from it.
type done struct {
	Next  int64      `json:"next"`
	Above [][2]int64 `json:"above,omitempty"` // from, and first behind; sorted, apart, above Next
}

// has reports whether a position is done.
func (d *done) has(offset int64) bool {
	return offset < d.Next || slices.ContainsFunc(d.Above, func(r [2]int64) bool { return r[0] <= offset && offset < r[1] })
}

// add marks the positions from one up to another, itself included.
func (d *done) add(from, through int64) {
	from = max(from, d.Next)
	at, _ := slices.BinarySearchFunc(d.Above, from, func(r [2]int64, from int64) int { return int(r[0] - from) })
	d.Above = slices.Insert(d.Above, at, [2]int64{from, through + 1})
	whole := d.Above[:0]
	for _, r := range d.Above {
		switch last := len(whole) - 1; {
		case r[0] <= d.Next:
			d.Next = max(d.Next, r[1])
		case last >= 0 && r[0] <= whole[last][1]:
			whole[last][1] = max(whole[last][1], r[1])
		default:
			whole = append(whole, r)
		}
	}
	d.Above = whole
}

// advance marks the unit's position as done by this attempt, and reports
// whether it was so before. The key is locked.
func (b *batch) advance(tx store.Tx, u *unit) (old bool, err error) {
	key, at := u.progressKey(), u.msg.Progress
	d := b.progress[key]
	if d == nil {
		if d, err = readProgress(tx, key); err != nil {
			return false, err
		}
		if d == nil {
			return false, fmt.Errorf("partition %s of %s was not resumed", at.Partition, u.msg.Source)
		}
		if b.progress == nil {
			b.progress = map[string]*done{}
		}
		b.progress[key] = d
	}
	if d.has(at.Offset) {
		return true, nil
	}
	d.add(at.From, at.Offset)
	return false, nil
}

// writeProgress puts what advance marked into the transaction.
func (b *batch) writeProgress(tx store.Tx) {
	for key, d := range b.progress {
		tx.Put(key, d.encode())
	}
}

func (d *done) encode() []byte {
	text, _ := json.Marshal(d) // numbers only
	return text
}

func readProgress(tx store.Tx, key string) (*done, error) {
	text, ok, err := tx.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	d := new(done)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("progress %s: %w", key, err)
	}
	return d, nil
}

var _ Resumer = (*Pipeline)(nil)

// Resume implements Resumer.
func (p *Pipeline) Resume(ctx context.Context, source, partition string, start int64) (next int64, err error) {
	key := progressKey(source, partition)
	err = store.Update(ctx, p.store, []string{key}, func(tx store.Tx) error {
		d, err := readProgress(tx, key)
		if err != nil {
			return err
		}
		if d == nil {
			d = &done{Next: start}
			tx.Put(key, d.encode())
		}
		next = d.Next
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("resume %s of %s: %w", partition, source, err)
	}
	return next, nil
}
