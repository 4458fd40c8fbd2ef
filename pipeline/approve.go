package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Approval is what a person says about a waiting action.
type Approval struct {
	By      string // who
	Comment string // why, for the audit record
	// Protected releases an action also where its subject became protected after
	// it was held for another reason.
	Protected bool
}

// Released is what became of an action, or a part of one, that a person judged.
type Released struct {
	Action Action   // as it stood: status, guard and why tell what had held it
	Parts  []Action // as they stand now
}

// RefusedError says why a command about an action cannot be carried out, for
// who gave it.
type RefusedError struct{ Why string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Why }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Approve releases what of an action is held or waits for approval. What must
// hold still is looked at again: that it has not expired, that actions are not
// stopped, that its sinks are there and not overrun, and that its subject has not
// become protected meanwhile. That it was approved, by whom and why, and what is
// queued by it, is one transaction. Of two approvals one releases it. A
// *RefusedError says why it cannot be.
func (p *Pipeline) Approve(ctx context.Context, id string, by Approval) ([]Released, error) {
	return p.judge(ctx, "approve-action", id, by, func(s Status) bool { return s == Held || s == PendingApproval }, p.release)
}

// Retry queues what of an action is dead once more, and what stands behind it.
// Its bytes are made anew, under the same ids: they were refused as they were.
func (p *Pipeline) Retry(ctx context.Context, id string, by Approval) ([]Released, error) {
	return p.judge(ctx, "retry-action", id, by, func(s Status) bool { return s == Dead }, p.release)
}

// Reject ends what of an action is held or waits for approval.
func (p *Pipeline) Reject(ctx context.Context, id string, by Approval) ([]Released, error) {
	return p.judge(ctx, "reject-action", id, by, func(s Status) bool { return s == Held || s == PendingApproval },
		func(_ context.Context, _ store.Tx, w Waiting, by Approval, _ time.Time) (list []Action, _ error) {
			end(w, RejectedByHuman, said("rejected", by), func(a Action) { list = append(list, a) })
			return list, nil
		})
}

// judge carries out one command about one action: all that waits of it and is
// meant, or nothing.
func (p *Pipeline) judge(
	ctx context.Context, verb, id string, by Approval, meant func(Status) bool,
	carryOut func(context.Context, store.Tx, Waiting, Approval, time.Time) ([]Action, error),
) (done []Released, err error) {
	var rec *Record
	var provisional uint64
	var last store.Tx
	var size int
	err = store.Update(ctx, p.store, []string{waitingKey}, func(tx store.Tx) error {
		now := p.now().UTC()
		last, done = tx, nil
		all, err := p.WaitingOf(ctx, id)
		if err != nil {
			return err
		}
		list := slices.DeleteFunc(slices.Clone(all), func(w Waiting) bool { return !meant(w.Action.Status) })
		if len(list) == 0 {
			return p.notMeant(ctx, verb, id, all)
		}
		if err := lockGuards(ctx, tx, list); err != nil {
			return err
		}
		rec = &Record{Kind: OperatorRecord, At: now, Node: p.node, Operator: &OperatorPart{Verb: verb, By: by.By, Comment: by.Comment, Detail: id}}
		for _, w := range list {
			states, err := carryOut(ctx, tx, w, by, now)
			if err != nil {
				return err
			}
			rec.Actions = append(rec.Actions, states...)
			done = append(done, Released{Action: w.Action, Parts: standing(states)})
			if err := drop(tx, w); err != nil {
				return err
			}
		}
		data := rec.AppendJSON(nil)
		size = len(data)
		provisional = tx.Append(store.Record{Data: data, IDs: []string{id}, Exempt: true})
		return nil
	})
	if err != nil {
		if refused, ok := errors.AsType[*RefusedError](err); ok {
			return nil, refused
		}
		return nil, fmt.Errorf("%s %s: %w", verb, id, err)
	}
	p.recent.put(last.Seq(provisional), rec, size)
	for i := range rec.Actions {
		a := &rec.Actions[i]
		p.obs.Action(a.Type, a.Target, a.Status, a.Guard)
	}
	p.log.Info("operator", "verb", verb, "action", id, "by", by.By, "comment", by.Comment)
	return done, nil
}

// notMeant says why there is nothing to carry out.
func (p *Pipeline) notMeant(ctx context.Context, verb, id string, waiting []Waiting) error {
	if len(waiting) > 0 {
		status := waiting[0].Action.Status
		if status == Dead {
			return refuse("%s is dead: a retry sends it again", id)
		}
		return refuse("%s is %s: it can be approved or rejected", id, status)
	}
	found, err := p.Find(ctx, id)
	if err != nil {
		return err
	}
	for _, f := range slices.Backward(found) {
		for _, a := range slices.Backward(f.Record.Actions) {
			if a.ID != id {
				continue
			}
			if a.Status == Dead {
				return refuse("%s is dead and can be sent no more: it expired at %s", id, a.Expires.Format(time.RFC3339))
			}
			if a.Status == Superseded && a.Into != "" {
				return refuse("%s is %s: %s", id, a.Status, a.Why)
			}
			return refuse("%s is %s: nothing of it waits for a person", id, a.Status)
		}
	}
	return refuse("there is no action %s that waits for a person", id)
}

// lockGuards takes the locks of all that a release books.
func lockGuards(ctx context.Context, tx store.Tx, list []Waiting) error {
	keys := []string{limitKeys, stopKey}
	for _, w := range list {
		keys = append(keys, w.Booking.keys()...)
	}
	slices.Sort(keys)
	return tx.Lock(ctx, slices.Compact(keys))
}

// standing drops the states that were only passed through.
func standing(states []Action) (list []Action) {
	for _, a := range states {
		if a.Status != Approved || len(states) == 1 {
			list = append(list, a)
		}
	}
	return list
}

// said is the why of a person's verdict.
func said(what string, by Approval) string {
	text := what + " by " + by.By
	if by.Comment != "" {
		text += ": " + by.Comment
	}
	return text
}

// release queues what waits, after a last look, and returns the states it goes
// through.
func (p *Pipeline) release(ctx context.Context, tx store.Tx, w Waiting, by Approval, now time.Time) ([]Action, error) {
	gen := p.settings.Load()
	if gen == nil {
		return nil, refuse("the product is starting: try again in a moment")
	}
	a := w.Action
	if x := w.expires(); !x.IsZero() && !now.Before(x) {
		return nil, refuse("%s expired at %s", a.ID, x.Format(time.RFC3339))
	}
	if _, stopped, err := tx.Get(stopKey); err != nil {
		return nil, fmt.Errorf("read stop switch: %w", err)
	} else if stopped {
		return nil, refuse("actions are stopped by an operator: resume first, then release %s", a.ID)
	}
	ready, waiting := split(slices.Clone(w.Parts))
	for _, part := range w.Parts {
		if gen.Sinks != nil && !slices.Contains(gen.Sinks, part.Target) {
			return nil, refuse("there is no sink %q any more: reject %s, or configure it again", part.Target, a.ID)
		}
	}
	for i := range w.Parts {
		if part := &w.Parts[i]; part.Stream != "" && !p.serves(tx, part) {
			return nil, refuse("there is no stream %q of %s any more: reject %s", part.Stream, part.Target, a.ID)
		}
	}
	for _, part := range ready {
		if p.backlogged(part.queue()) {
			return nil, refuse("too many actions wait for %s: release %s when they are fewer", part.Target, a.ID)
		}
	}
	if a.Guard != "protected" && !by.Protected {
		if reason, protected, err := p.protectedSince(tx, gen, w, now); err != nil {
			return nil, err
		} else if protected {
			return nil, refuse("the subject of %s has become protected: %s; release it with --protected if that is meant", a.ID, reason)
		}
	}
	if err := w.Booking.charge(tx, gen, a.ID, now); err != nil {
		return nil, err
	}
	var states []Action
	if a.Status != Dead {
		a.Status, a.Why = Approved, said("approved", by)
		if len(w.Parts) == 0 {
			a.Why += "; no sink is configured for it, so it is for people to carry out"
		}
		states = append(states, a)
	} else {
		for i := range ready {
			// Later tries are told from the ones before.
			ready[i].Attempt = a.Attempt
		}
	}
	why := awaits(ready)
	if err := send(tx, ready, waiting, w.Booking.Merge, now); err != nil {
		return nil, err
	}
	states = append(states, ready...)
	if w.Action.Target == "" { // those of a part were recorded before
		for _, part := range waiting {
			part.Why = why
			states = append(states, part)
		}
	}
	return states, nil
}

// protectedSince tells whether the action would reach somebody who is protected
// by the settings of today.
func (p *Pipeline) protectedSince(tx store.Tx, gen *Settings, w Waiting, now time.Time) (string, bool, error) {
	var subject event.Subject
	if err := json.Unmarshal(w.Action.Subject, &subject); err != nil {
		return "", false, fmt.Errorf("subject of %s: %w", w.Action.ID, err)
	}
	var cause event.Subject
	if w.Cause != "" {
		var err error
		if cause, err = event.ParseKey(w.Cause); err != nil {
			return "", false, fmt.Errorf("cause of %s: %w", w.Action.ID, err)
		}
	}
	typ := event.Unknown
	for _, part := range w.Parts {
		if t, ok := event.ByName(part.Emits); ok {
			typ = t
			break
		}
	}
	return gen.protects(tx, subject, typ, cause, w.Action.User, now)
}
