package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// The guards stand between what a rule asks for and what leaves the product.
// They are Go, and no policy text can turn them off. Their keys start with "~"
// and so sort after every entity key: a transaction takes them last.
const (
	stopKey   = "~s"
	mergeKeys = "~m/"
	hopKeys   = "~h/"
	limitKeys = "~r/"
)

// hopWindow is how long equal actions of one transaction are counted against
// loops.
const hopWindow = 24 * time.Hour

// proposal is an action a rule asked for, on its way through the guards.
type proposal struct {
	Proposal
	event   *event.Event
	out     *Outcome
	subject event.Subject
	typ     ActionType
	issuer  string // whose remit bounds it, "" if the product itself stands behind it
}

// propose turns what the rules asked for into proposals. One that cannot be
// understood becomes an error of its rule.
func (u *unit) propose(gen *Settings, e *event.Event, out *Outcome, list []Proposal) {
	for _, p := range list {
		typ, ok := gen.Actions[p.Type]
		if !ok {
			out.fail(p.Rule, fmt.Sprintf("action type %q is not configured", p.Type))
			continue
		}
		subject, err := actionSubject(e, p.Subject)
		if err != nil {
			out.fail(p.Rule, fmt.Sprintf("subject of %s: %v", p.Type, err))
			continue
		}
		u.proposed = append(u.proposed, &proposal{
			Proposal: p, event: e, out: out, subject: subject, typ: typ, issuer: u.answerable(e),
		})
	}
}

func (o *Outcome) fail(rule, msg string) {
	o.Decision.Errors = append(o.Decision.Errors, RuleError{Rule: rule, Document: "actions", Message: msg})
}

func actionSubject(e *event.Event, asked map[string]any) (event.Subject, error) {
	if asked == nil {
		if e.Subject.IsZero() {
			return e.Subject, fmt.Errorf("the event has none")
		}
		return e.Subject, nil
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return event.Subject{}, err
	}
	var s event.Subject
	err = json.Unmarshal(text, &s)
	return s, err
}

func (q *proposal) key() string { return q.subject.Key() }

// Guard keys hold hashes: transactions and subjects are a stranger's text of
// any length.

// mergeKey is one per action that would say the same: what a rule gave beside
// the reason counts, so that a mild action does not swallow a harsh one.
func (q *proposal) mergeKey() string {
	with := ""
	if len(q.With) > 0 {
		text, _ := json.Marshal(q.With) // came out of the evaluator as JSON
		with = string(text)
	}
	return mergeKeys + hash("merge", q.typ.Name, q.key(), with)
}

// hopKey is one per issuer: a transaction's name is anybody's to use, and who
// uses another's must not bring the other's actions to a halt.
func (q *proposal) hopKey() string {
	return hopKeys + hash("hop", q.issuer, q.event.Txn, q.typ.Name, q.key())
}

// limitKey is one per rule and issuer: nobody uses up what another may cause.
func (q *proposal) limitKey() string { return limitKeys + hash("limit", q.Rule, q.issuer) }

// issuerKey counts what the issuer causes by all rules, "" for the product itself.
func (q *proposal) issuerKey() string {
	if q.issuer == "" {
		return ""
	}
	return limitKeys + hash("issuer", q.issuer)
}

// about names the entities of the action: those of the event, but the session
// or device the action itself singles out.
func (q *proposal) about() EntitiesPart {
	x := q.out.Entities
	for name, s := range q.subject.Parts() {
		part := &EntityPart{ID: s.EntityKey(), Keys: []string{s.Key()}}
		switch name {
		case "session":
			x.Session = part
		case "device":
			x.Device = part
		}
	}
	return x
}

// guard takes every proposal of the batch through the guards, in order, and
// puts the resulting actions into records and queues.
func (b *batch) guard(ctx context.Context, tx store.Tx, now time.Time) error {
	keys := map[string]bool{}
	for _, u := range b.units {
		for _, q := range u.proposed {
			keys[q.mergeKey()], keys[q.hopKey()], keys[q.limitKey()], keys[limitKeys] = true, true, true, true
			keys[waitingKey] = true
			if k := q.issuerKey(); k != "" && b.gen.Share > 0 {
				keys[k] = true
			}
		}
	}
	if len(keys) > 0 {
		if err := tx.Lock(ctx, slices.Sorted(maps.Keys(keys))); err != nil {
			return fmt.Errorf("lock guards: %w", err)
		}
	}
	_, stopped, err := tx.Get(stopKey)
	if err != nil {
		return fmt.Errorf("read stop switch: %w", err)
	}
	for _, u := range b.units {
		for _, q := range u.proposed {
			if err := b.admit(tx, u, q, stopped, now); err != nil {
				return &unitError{u, err}
			}
		}
		if u.record != nil {
			for i := range u.record.Outcomes {
				u.record.Outcomes[i].conclude(u.record.Actions)
			}
		}
	}
	return nil
}

// ruling is what the guards say of a proposal. What a rule in shadow mode asked
// for is never released, so what would be held of it is suppressed.
type ruling struct {
	status Status
	guard  string
	why    string
	into   string
}

// rule asks the guards one after another; the first objection stands.
func (b *batch) rule(tx store.Tx, q *proposal, stopped bool, now time.Time) (ruling, error) {
	e := q.event
	if r := b.gen.compiled[q.issuer]; q.issuer != "" && (r == nil || !r.causes(q.typ.Name)) {
		return ruling{Suppressed, "remit", q.issuer + " may not cause " + q.typ.Name, ""}, nil
	}
	if reason, ok, err := b.gen.protects(tx, q.subject, q.typ.speaksOf(), e.Subject, q.out.Entities.User, now); err != nil {
		return ruling{}, err
	} else if ok {
		return ruling{Held, "protected", "protected subject: " + reason, ""}, nil
	}
	if stopped {
		return ruling{Held, "stop", "actions are stopped by an operator", ""}, nil
	}
	if e.Stale {
		return ruling{Held, "stale", "the event is older than its issuer may be to act alone", ""}, nil
	}
	if q.out.Event.Late {
		return ruling{Held, "late", "something newer is known of the subject", ""}, nil
	}
	if q.Mode == Shadow {
		return ruling{Suppressed, "mode", "rule is in shadow mode", ""}, nil
	}
	if q.typ.Merge > 0 {
		into, until, err := merging(tx, q.mergeKey())
		if err != nil {
			return ruling{}, err
		}
		// What ends further ahead than a window was set by a clock that has been put
		// right since, or under a longer window.
		if left := until.Sub(now.Truncate(time.Millisecond)); into != "" && left > 0 && left <= q.typ.Merge {
			return ruling{Merged, "merge", "same action within " + q.typ.Merge.String(), into}, nil
		}
	}
	hops, err := count(tx, q.hopKey(), hopWindow, now)
	if err != nil {
		return ruling{}, err
	}
	if hops >= b.gen.MaxHops {
		return ruling{Suppressed, "loop", "transaction " + e.Txn + " keeps asking for the same action", ""}, nil
	}
	if over, why, err := b.overLimit(tx, q, now); err != nil || over {
		return ruling{PendingApproval, "limit", why, ""}, err
	}
	if q.Mode == Approve {
		return ruling{PendingApproval, "mode", "rule acts on approval only", ""}, nil
	}
	return ruling{status: Queued}, nil
}

// protects tells whether an action would reach somebody who is protected: by
// the name it gives, by any other name known of those it names, or by being
// caused by an event about them.
func (s *Settings) protects(tx store.Tx, subject event.Subject, typ *event.Type, cause event.Subject, user *EntityPart, now time.Time) (reason string, ok bool, err error) {
	if len(s.Protect) == 0 {
		return "", false, nil
	}
	names, err := known(tx, subject, typ, now)
	if err != nil {
		return "", false, err
	}
	all := []event.Subject{subject, cause}
	for _, entity := range []*EntityPart{names.User, names.Device, names.Session, user} {
		if entity == nil {
			continue
		}
		for _, k := range entity.Keys {
			if s, err := event.ParseKey(k); err == nil {
				all = append(all, s)
			}
		}
	}
	for _, guard := range s.Protect {
		for _, pattern := range guard.Subjects {
			for _, s := range all {
				if event.MatchPattern(pattern, s) {
					return guard.Reason, true, nil
				}
			}
		}
	}
	return "", false, nil
}

func (b *batch) overLimit(tx store.Tx, q *proposal, now time.Time) (bool, string, error) {
	for _, l := range []struct {
		key  string
		of   string
		bind Limit
	}{
		{q.limitKey(), "rule " + q.Rule + " for " + q.issuer, q.Limit},
		{q.issuerKey(), "all rules for " + q.issuer, Limit{b.gen.Share, b.gen.Limit.Per}},
		{limitKeys, "all rules together", b.gen.Limit},
	} {
		if l.key == "" || l.bind.Actions == 0 {
			continue
		}
		n, err := count(tx, l.key, l.bind.Per, now)
		if err != nil {
			return false, "", err
		}
		if n >= l.bind.Actions {
			return true, fmt.Sprintf("limit of %s reached: %d actions in %s", l.of, l.bind.Actions, l.bind.Per), nil
		}
	}
	return false, "", nil
}

// admit rules on a proposal and makes its actions.
func (b *batch) admit(tx store.Tx, u *unit, q *proposal, stopped bool, now time.Time) error {
	lane := ""
	if q.Mode == Shadow {
		lane = string(Shadow)
	}
	e := q.event
	id := ActionID(e.ID, q.Rule, q.typ.Name, q.key(), q.Key, lane)
	if slices.ContainsFunc(u.record.Actions, func(a Action) bool { return a.ID == id }) {
		return nil // bodies of a rule that ask for the same ask for one
	}
	r, err := b.rule(tx, q, stopped, now)
	if err != nil {
		return fmt.Errorf("guard %s: %w", id, err)
	}
	if q.Mode == Shadow && (r.status == Held || r.status == PendingApproval) {
		r.status, r.why = Suppressed, r.why+"; the rule is in shadow mode"
	}
	if u.msg.Test && (r.status == Held || r.status == PendingApproval) {
		r.status = Suppressed // people are not asked about a drill
	}
	validFor := q.typ.ValidFor
	if validFor == 0 {
		validFor = defaultValidFor
	}
	about := q.about()
	a := Action{
		ID: id, Event: e.ID, Decision: q.out.Decision.ID, Chain: u.chain, Depth: 1,
		Rule: q.Rule, Branch: q.Branch, Severity: q.Severity, Mode: q.Mode, Type: q.typ.Name,
		Subject: q.subject.AppendJSON(nil), Key: q.key(), Reason: q.Reason,
		Status: r.status, Guard: r.guard, Why: r.why, Into: r.into,
		Txn: e.Txn, Made: now.UTC(), Received: e.Received, Expires: now.Add(validFor).UTC(),
		User: about.User, Device: about.Device, Session: about.Session, Test: u.msg.Test, Trace: u.record.Trace,
	}
	if r.status != Queued && r.status != Held && r.status != PendingApproval {
		u.record.Actions = append(u.record.Actions, a)
		return nil
	}
	parts, err := b.route(tx, q, a, now)
	if bad, ok := errors.AsType[*templateError](err); ok {
		q.out.fail(q.Rule, bad.Error())
		a.Status, a.Guard, a.Why = Suppressed, "template", bad.Error()
		u.record.Actions = append(u.record.Actions, a)
		return nil
	} else if err != nil {
		return err
	}
	if r.status != Queued {
		w := Waiting{Action: a, Parts: parts, Since: a.Made, Cause: e.Subject.Key(), Share: q.issuer, Booking: q.booking()}
		if err := b.hold(tx, &w); err != nil {
			return err
		}
		u.record.Actions = append(u.record.Actions, w.Action)
		return nil
	}
	if len(parts) == 0 {
		a.Status, a.Why = Proposed, "no sink is configured for "+q.typ.Name
		u.record.Actions = append(u.record.Actions, a)
		return nil
	}
	goes, err := b.enqueue(tx, u, q, parts, now)
	if err != nil || !goes || u.msg.Test {
		return err
	}
	return q.booking().charge(tx, b.gen, id, now)
}

// hold makes an action wait for a person. It is given up where too many do.
func (b *batch) hold(tx store.Tx, w *Waiting) error {
	if w.Action.Test {
		w.Action.Status = Suppressed
		return nil
	}
	kept, err := b.p.keep(tx, *w)
	if err == nil && !kept {
		w.Action.Status = Suppressed
		w.Action.Why = fmt.Sprintf("%s; too many actions wait for a person already, %d in all or %d of one issuer, and it is given up",
			w.Action.Why, b.p.maxWaiting, b.p.shareOf())
	}
	return err
}

// enqueue queues the parts that can go out now and reports whether any did. A
// part whose sink is overrun is held, a call with all that waits for it.
func (b *batch) enqueue(tx store.Tx, u *unit, q *proposal, parts []Action, now time.Time) (goes bool, err error) {
	ready, waiting := split(parts)
	why := awaits(ready)
	for i := range ready {
		part := &ready[i]
		var then []Action
		if part.Call != nil {
			then = waiting
		}
		if !b.p.backlogged(part.Target) {
			goes = true
			if err := send(tx, ready[i:i+1], then, q.mergeKey(), now); err != nil {
				return false, err
			}
			continue
		}
		part.Status, part.Guard, part.Why = Held, "backlog", "too many actions wait for "+part.Target
		w := Waiting{Action: *part, Parts: append([]Action{*part}, then...), Since: part.Made, Cause: q.event.Subject.Key(), Share: q.issuer, Booking: q.booking()}
		if err := b.hold(tx, &w); err != nil {
			return false, err
		}
		if *part = w.Action; part.Status == Suppressed && part.Call != nil {
			for j := range waiting {
				waiting[j] = shareEnd(waiting[j], *part)
			}
			why = ""
		}
	}
	for j := range waiting {
		if why != "" {
			waiting[j].Why = why
		}
	}
	u.record.Actions = append(append(u.record.Actions, ready...), waiting...)
	return goes, nil
}

func (p *Pipeline) backlogged(sink string) bool {
	n, _ := p.store.Pending(sink)
	return n >= p.maxPending
}

// booking is what an action that goes out is booked under with the guards that
// count.
type booking struct {
	Merge    string        `json:"merge,omitempty"`     // by which equal actions are known
	MergeFor time.Duration `json:"merge_for,omitempty"` // how long they become part of it; 0: they do not
	Hop      string        `json:"hop"`
	Limit    string        `json:"limit,omitempty"`
	Issuer   string        `json:"issuer,omitempty"`
	Bound    Limit         `json:"bound,omitzero"` // of the rule
}

func (q *proposal) booking() booking {
	k := booking{Hop: q.hopKey(), Issuer: q.issuerKey(), Merge: q.mergeKey(), MergeFor: q.typ.Merge}
	if q.Limit.Actions > 0 {
		k.Limit, k.Bound = q.limitKey(), q.Limit
	}
	return k
}

// keys are those that charge writes, beside limitKeys.
func (k booking) keys() []string {
	return slices.DeleteFunc([]string{k.Hop, k.Merge, k.Limit, k.Issuer}, func(s string) bool { return s == "" })
}

// charge books an action that goes out.
func (k booking) charge(tx store.Tx, gen *Settings, id string, now time.Time) error {
	if k.MergeFor > 0 {
		tx.Put(k.Merge, []byte(strconv.FormatInt(now.Add(k.MergeFor).UnixMilli(), 10)+" "+id))
	}
	if k.Hop != "" {
		if err := charge(tx, k.Hop, hopWindow, now); err != nil {
			return err
		}
	}
	if k.Limit != "" {
		if err := charge(tx, k.Limit, k.Bound.Per, now); err != nil {
			return err
		}
	}
	if k.Issuer != "" && gen.Share > 0 {
		if err := charge(tx, k.Issuer, gen.Limit.Per, now); err != nil {
			return err
		}
	}
	if gen.Limit.Actions > 0 {
		return charge(tx, limitKeys, gen.Limit.Per, now)
	}
	return nil
}

// merging names the action that an equal one becomes part of, and until when.
func merging(tx store.Tx, key string) (id string, until time.Time, err error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return "", until, err
	}
	var ms int64
	if _, err := fmt.Sscanf(string(v), "%d %s", &ms, &id); err != nil {
		return "", until, fmt.Errorf("merge mark %s: %w", key, err)
	}
	return id, time.UnixMilli(ms), nil
}

// conclude sets the result of the decision from what became of its actions.
func (o *Outcome) conclude(actions []Action) {
	if o.Decision == nil {
		return
	}
	rank := map[string]int{"no_action": 0, "error": 1, "suppressed": 2, "needs_approval": 3, "act": 4}
	result := "no_action"
	if len(o.Decision.Errors) > 0 {
		result = "error"
	}
	for i := range actions {
		a := &actions[i]
		if a.Event != o.Event.ID {
			continue
		}
		r := "suppressed"
		switch a.Status {
		case Queued, Proposed:
			r = "act"
		case Held, PendingApproval:
			r = "needs_approval"
		}
		if rank[r] > rank[result] {
			result = r
		}
	}
	o.Decision.Result = result
}
