package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// batch is the messages of one Handle on their way to one transaction. The
// steps up to the commit are pure, so an attempt can be thrown away and made
// again.
type batch struct {
	p       *Pipeline
	obs     Observer
	watched bool    // obs is not the pipeline's own
	trace   SpanRef // zero: not traced
	gen     *Settings
	units   []*unit
	dry     bool            // nothing will be committed
	moved   map[string]bool // keys that earlier attempts found unlocked

	// The result of the present attempt.
	first    map[string]*unit // by input id: the message that is accepted
	progress map[string]*done // by key of the partition
	shelves  *shelves         // the quarantine, once it is touched
}

// unit is one message of a batch.
type unit struct {
	msg     Message
	sig     Signal
	reject  *RejectError
	retry   error // nothing can be done with it now
	events  []event.Event
	remits  []string     // per event: why it is recorded only
	chain   string       // input id of the root cause
	timer   *store.Timer // the timer this fires, nil for messages
	cause   string       // issuer of the event that set the timer, "" if the product itself
	sample  sample       // whether it is recorded although it was refused
	release *release     // tried again from the quarantine; nil for what a source read

	// The result of the present attempt.
	verdict  Verdict
	record   *Record
	size     int // of the record as stored
	seq      uint64
	repeats  *unit // the same message earlier in the batch
	proposed []*proposal
}

// answerable is the issuer whose remit bounds what an event of the unit may
// cause, "" if the product itself stands behind it. A timer may do no more than
// the event that set it.
func (u *unit) answerable(e *event.Event) string {
	if e.Assurance == event.Internal {
		return u.cause
	}
	return e.Issuer
}

// digest is as much of the message's digest as a mark keeps.
func (u *unit) digest() [16]byte {
	sum := u.msg.digest()
	return [16]byte(sum[:])
}

func (p *Pipeline) newBatch(ctx context.Context, gen *Settings, msgs []Message) *batch {
	b := &batch{p: p, gen: gen, units: make([]*unit, len(msgs))}
	b.obs, b.watched = p.observer(ctx)
	all := make([]unit, len(msgs))
	for i := range msgs {
		all[i].msg = msgs[i]
		b.units[i] = &all[i]
	}
	return b
}

// errMoved means that an event touches keys that were not seen when the batch
// was locked: an entity moved meanwhile, or an earlier event of the batch moved
// it. The next attempt locks them.
var errMoved = errors.New("links moved")

// unitError is what went wrong with one message.
type unitError struct {
	unit *unit
	err  error
}

func (e *unitError) Error() string { return e.err.Error() }
func (e *unitError) Unwrap() error { return e.err }

// Attempts together before every message goes alone, and in all.
const (
	roundsTogether = 3
	roundsAlone    = 20
)

// commit takes the batch to its durable outcome.
func (b *batch) commit(ctx context.Context) error {
	for round := 1; ; round++ {
		err := b.attempt(ctx)
		switch {
		case err == nil:
			b.observe()
			return nil
		case b.leaveOut(ctx, err):
			round--
		case !errors.Is(err, errMoved) && !errors.Is(err, store.ErrConflict):
			return err
		case round >= roundsTogether && len(b.units) > 1:
			return b.commitAlone(ctx)
		case round >= roundsAlone:
			return fmt.Errorf("commit: gave up after %d rounds: %w", round, err)
		}
	}
}

// leaveOut takes a message that cannot be brought through out of the batch, so
// that the others are not lost with it: it is to be offered again. It reports
// whether that is what err was about.
func (b *batch) leaveOut(ctx context.Context, err error) bool {
	bad, ok := errors.AsType[*unitError](err)
	if !ok || ctx.Err() != nil {
		return false
	}
	bad.unit.retry = bad.err
	return true
}

// commitAlone commits each message in a transaction of its own. The caller of
// Handle learns of the first failure; what was committed before is recognized
// as seen when it is offered again.
func (b *batch) commitAlone(ctx context.Context) error {
	for _, u := range b.units {
		one := &batch{p: b.p, obs: b.obs, watched: b.watched, trace: b.trace, gen: b.gen, units: []*unit{u}}
		if err := one.commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// attempt runs the steps of the whole batch in one transaction.
func (b *batch) attempt(ctx context.Context) error {
	start := time.Now()
	tx, err := b.plan(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	planned := time.Now()
	b.obs.Took("decide", len(b.units), planned.Sub(start))
	b.station("decide", start, planned)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	committed := time.Now()
	b.obs.Took("commit", len(b.units), committed.Sub(planned))
	b.station("commit", planned, committed)
	b.number(tx)
	for _, u := range b.units {
		if u.record != nil {
			b.p.recent.put(u.seq, u.record, u.size)
		}
	}
	return nil
}

// number turns provisional sequences into those of the journal once the
// transaction is over, and into 0 if it was given up.
func (b *batch) number(tx store.Tx) {
	for _, u := range b.units {
		if u.repeats != nil && u.record == nil {
			u.seq = u.repeats.seq
		}
		u.seq = tx.Seq(u.seq)
	}
}

// plan does everything but the commit. The caller ends the transaction.
func (b *batch) plan(ctx context.Context) (_ store.Tx, err error) {
	tx, err := b.p.store.Begin(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	defer func() {
		if err != nil {
			tx.Rollback()
		}
	}()
	held, err := b.lock(ctx, tx)
	if err != nil {
		return nil, err
	}
	now := b.p.now()
	b.first = make(map[string]*unit, len(b.units))
	b.progress, b.shelves = nil, nil
	for _, u := range b.units {
		if err := b.step(ctx, tx, held, u, now); errors.Is(err, errMoved) {
			return nil, err
		} else if err != nil {
			return nil, &unitError{u, err}
		}
		if err := b.settle(tx, u, now); err != nil {
			return nil, err
		}
	}
	if err := b.guard(ctx, tx, now); err != nil {
		return nil, err
	}
	for _, u := range b.units {
		if err := b.write(tx, u); err != nil {
			return nil, err
		}
	}
	b.writeProgress(tx)
	if b.shelves != nil {
		b.shelves.write()
	}
	return tx, nil
}

// lock finds and locks every key the batch will touch, in byte order.
func (b *batch) lock(ctx context.Context, tx store.Tx) (map[string]bool, error) {
	held := make(map[string]bool, 4*len(b.units))
	maps.Copy(held, b.moved)
	for _, u := range b.units {
		if u.retry != nil {
			continue
		}
		if u.msg.Progress != nil && u.release == nil {
			held[u.progressKey()] = true
		}
		if u.release != nil || u.quarantined() {
			held[quarantineLock] = true
		}
		if u.reject != nil {
			continue
		}
		held["i/"+u.sig.InputID] = true
		if u.timer != nil {
			// Whoever replaces or cancels it holds its entity.
			if entity, _, _ := strings.Cut(u.timer.ID, "\x00"); isEntity(entity) {
				held[entity] = true
			}
		}
		for i := range u.events {
			if u.remits[i] != "" {
				continue
			}
			e := &u.events[i]
			x, err := state.Resolve(tx, e)
			if err != nil {
				return nil, &unitError{u, fmt.Errorf("resolve subject of %s: %w", e.ID, err)}
			}
			for _, k := range x.Locks(e, b.windows(e)) {
				held[k] = true
			}
		}
	}
	if err := tx.Lock(ctx, slices.Sorted(maps.Keys(held))); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return held, nil
}

func (b *batch) windows(e *event.Event) []Window { return b.selection(e).Windows }

func (b *batch) selection(e *event.Event) Selection {
	if b.gen.Decider == nil {
		return Selection{}
	}
	return b.gen.Decider.Select(e)
}

// step brings one message through: marks, state, rules.
func (b *batch) step(ctx context.Context, tx store.Tx, held map[string]bool, u *unit, now time.Time) error {
	u.verdict, u.record, u.seq, u.repeats, u.proposed = "", nil, 0, nil, nil
	if u.retry != nil {
		return nil
	}
	if gone, err := u.overtaken(tx); gone || err != nil {
		u.verdict = Repeated
		return err
	}
	if u.msg.Progress != nil && u.release == nil {
		if old, err := b.advance(tx, u); err != nil {
			return err
		} else if old {
			u.verdict = Repeated
			return nil
		}
	}
	if u.reject != nil {
		u.verdict = Rejected
		if b.sampled(u, u.msg.Source, u.msg.Sender != "" || u.sig.InputID != "", now) {
			u.record = b.newRecord(RejectRecord, u, now)
			return b.isolate(tx, u, now)
		}
		return nil
	}
	if u.timer != nil {
		set, ok, err := tx.Timer(u.timer.ID)
		if err != nil {
			return fmt.Errorf("look up timer: %w", err)
		}
		if !ok || !set.Due.Equal(u.timer.Due) || !bytes.Equal(set.Data, u.timer.Data) {
			u.verdict = Discarded // cancelled or set anew since it fell due
			return nil
		}
		tx.CancelTimer(u.timer.ID)
	}
	var mark store.Mark
	var seen bool
	if u.marked() {
		var err error
		if mark, seen, err = tx.Seen(u.sig.InputID); err != nil {
			return fmt.Errorf("look up seen mark: %w", err)
		}
	}
	if first := b.first[u.sig.InputID]; first != nil {
		mark, seen, u.repeats = store.Mark{Digest: first.digest()}, true, first
	}
	if seen {
		u.seq = mark.Seq
		u.verdict = Repeated
		if mark.Digest != u.digest() {
			u.verdict = Reused
			if b.sampled(u, "reuse "+u.msg.Source, true, now) {
				u.record = b.newRecord(InputRecord, u, now)
			}
		}
		return nil
	}
	b.first[u.sig.InputID] = u
	u.verdict = Accepted
	if u.sig.Discard != "" {
		u.verdict = Discarded
	}
	u.record = b.newRecord(InputRecord, u, now)
	u.record.Outcomes = make([]Outcome, len(u.events))
	for i := range u.events {
		if err := b.decide(ctx, tx, held, u, i, now); err != nil {
			return err
		}
	}
	return nil
}

// decide shows one event to state and rules, in this order: rules see what was
// known before the event and what it would change.
func (b *batch) decide(ctx context.Context, tx store.Tx, held map[string]bool, u *unit, i int, now time.Time) error {
	e, out := &u.events[i], &u.record.Outcomes[i]
	out.Event = eventPart(e)
	x, err := state.Resolve(tx, e)
	if err != nil {
		return fmt.Errorf("resolve subject of %s: %w", e.ID, err)
	}
	if out.Remit = u.remits[i]; out.Remit != "" {
		// Nothing is learned from it, so no lock is held: the names are for documents.
		out.Entities = entitiesPart(x)
		return nil
	}
	sel := b.selection(e)
	if !b.holds(held, x.Locks(e, sel.Windows)) {
		return errMoved
	}
	view, err := state.Load(tx, x, e, state.LoadOptions{
		Needs: sel.Needs, Windows: sel.Windows, Links: b.teaches(e), Now: now,
	})
	if err != nil {
		return fmt.Errorf("load state for %s: %w", e.ID, err)
	}
	out.Entities = entitiesPart(view.Entities())
	if c := view.Change(); c != nil {
		out.Change = c.AppendJSON(nil)
	}
	out.Event.Late = view.Late()
	var facts []Fact
	if b.gen.Decider != nil {
		d := Decision{}
		part := &DecisionPart{ID: DecisionID(e.ID, ""), Revision: b.gen.Decider.Revision()}
		if len(sel.Rules) > 0 {
			part.Input = view.AppendInput(nil, e, sel.Needs, now)
			if d, err = b.gen.Decider.Decide(ctx, Input{Event: e, Selection: sel, Document: part.Input}); err != nil {
				return fmt.Errorf("decide %s: %w", e.ID, err)
			}
		}
		part.Fired, part.Quiet, part.Notes, part.Facts, part.Timers = d.Fired, d.Quiet, d.Notes, d.Facts, d.Timers
		part.Errors, part.Steps = d.Errors, d.Steps
		facts = d.Facts
		out.Decision = part
		b.setTimers(tx, u, e, out, d.Timers, now)
		u.propose(b.gen, e, out, d.Proposals)
	}
	if err := view.Apply(tx, facts); err != nil {
		return fmt.Errorf("apply %s: %w", e.ID, err)
	}
	return nil
}

// holds reports whether all keys are locked, and notes those that are not.
func (b *batch) holds(held map[string]bool, keys []string) bool {
	all := true
	for _, k := range keys {
		if !held[k] {
			all = false
			if b.moved == nil {
				b.moved = map[string]bool{}
			}
			b.moved[k] = true
		}
	}
	return all
}

func (b *batch) teaches(e *event.Event) bool {
	r := b.gen.compiled[e.Issuer]
	return r != nil && r.Links
}
