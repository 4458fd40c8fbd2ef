package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
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

// ruling is what the guards say of a proposal.
type ruling struct {
	status Status
	guard  string
	why    string
	into   string
}

// rule asks the guards one after another; the first objection stands.
func (b *batch) rule(tx store.Tx, q *proposal, id string, stopped bool, now time.Time) (ruling, error) {
	e := q.event
	if r := b.gen.compiled[q.issuer]; q.issuer != "" && (r == nil || !r.causes(q.typ.Name)) {
		return ruling{Suppressed, "remit", q.issuer + " may not cause " + q.typ.Name, ""}, nil
	}
	if reason, ok, err := b.protected(tx, q, now); err != nil {
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
		into, err := mergeInto(tx, q.mergeKey(), now)
		if err != nil {
			return ruling{}, err
		}
		if into != "" {
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

// protected tells whether the action would reach somebody who is protected: by
// the name it gives, by any other name known of those it names, or by being
// caused by an event about them.
func (b *batch) protected(tx store.Tx, q *proposal, now time.Time) (reason string, ok bool, err error) {
	if len(b.gen.Protect) == 0 {
		return "", false, nil
	}
	named := &event.Event{Type: event.Unknown, Subject: q.subject, Time: now, Received: now}
	if len(q.typ.Emits) > 0 {
		if t, ok := event.ByName(q.typ.Emits[0].Event); ok {
			named.Type = t // says whom a simple subject means
		}
	}
	x, err := state.Resolve(tx, named)
	if err != nil {
		return "", false, fmt.Errorf("resolve subject of action: %w", err)
	}
	view, err := state.Load(tx, x, named, state.LoadOptions{Now: now})
	if err != nil {
		return "", false, fmt.Errorf("load subject of action: %w", err)
	}
	names := entitiesPart(view.Entities())
	known := []event.Subject{q.subject, q.event.Subject}
	for _, entity := range []*EntityPart{names.User, names.Device, names.Session, q.out.Entities.User} {
		if entity == nil {
			continue
		}
		for _, k := range entity.Keys {
			if s, err := event.ParseKey(k); err == nil {
				known = append(known, s)
			}
		}
	}
	for _, guard := range b.gen.Protect {
		for _, pattern := range guard.Subjects {
			for _, s := range known {
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
	}{{q.limitKey(), "rule " + q.Rule + " for " + q.issuer, q.Limit}, {limitKeys, "all rules together", b.gen.Limit}} {
		if l.bind.Actions == 0 {
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
	r, err := b.rule(tx, q, id, stopped, now)
	if err != nil {
		return fmt.Errorf("guard %s: %w", id, err)
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
		User: about.User, Device: about.Device, Session: about.Session, Test: u.msg.Test,
	}
	if r.status != Queued {
		u.record.Actions = append(u.record.Actions, a)
		return nil
	}
	parts, err := b.route(u, q, a, now)
	if err != nil {
		q.out.fail(q.Rule, err.Error())
		a.Status, a.Guard, a.Why = Suppressed, "template", err.Error()
		u.record.Actions = append(u.record.Actions, a)
		return nil
	}
	if len(parts) == 0 {
		a.Status, a.Why = Proposed, "no sink is configured for "+q.typ.Name
		u.record.Actions = append(u.record.Actions, a)
		return nil
	}
	goes := false
	for n := range parts {
		part := &parts[n]
		if b.backlogged(part.Target) {
			part.Status, part.Guard, part.Why = Held, "backlog", "too many actions wait for "+part.Target
			continue
		}
		goes = true
		item, err := newItem(*part, n, q.mergeKey(), now)
		if err != nil {
			return err
		}
		tx.Enqueue(item)
	}
	u.record.Actions = append(u.record.Actions, parts...)
	if !goes || u.msg.Test {
		return nil
	}
	return b.charge(tx, q, id, now)
}

// route makes one action per emitted event and sink.
func (b *batch) route(u *unit, q *proposal, a Action, now time.Time) ([]Action, error) {
	var parts []Action
	vars := ActionVars{Type: a.Type, Rule: a.Rule, Reason: a.Reason, Subject: a.Key, With: q.With, Event: q.event, Now: now}
	for _, emit := range q.typ.Emits {
		if len(emit.To) == 0 {
			continue
		}
		body, err := emit.Body(vars)
		if err != nil {
			return nil, fmt.Errorf("body of %s for %s: %w", emit.Event, a.Type, err)
		}
		if !json.Valid(body) || bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
			return nil, fmt.Errorf("body of %s for %s is not a JSON object", emit.Event, a.Type)
		}
		for _, sink := range emit.To {
			part := a
			part.Emits, part.Target, part.Body = emit.Event, sink, body
			parts = append(parts, part)
		}
	}
	return parts, nil
}

func (b *batch) backlogged(sink string) bool {
	n, _ := b.p.store.Pending(sink)
	return n >= b.p.maxPending
}

// charge books an action that goes out with the guards that count.
func (b *batch) charge(tx store.Tx, q *proposal, id string, now time.Time) error {
	if q.typ.Merge > 0 {
		tx.Put(q.mergeKey(), []byte(strconv.FormatInt(now.Add(q.typ.Merge).UnixMilli(), 10)+" "+id))
	}
	if err := charge(tx, q.hopKey(), hopWindow, now); err != nil {
		return err
	}
	if q.Limit.Actions > 0 {
		if err := charge(tx, q.limitKey(), q.Limit.Per, now); err != nil {
			return err
		}
	}
	if b.gen.Limit.Actions > 0 {
		return charge(tx, limitKeys, b.gen.Limit.Per, now)
	}
	return nil
}

// mergeInto names the action that an equal one now becomes part of.
func mergeInto(tx store.Tx, key string, now time.Time) (string, error) {
	v, ok, err := tx.Get(key)
	if err != nil || !ok {
		return "", err
	}
	var until int64
	var id string
	if _, err := fmt.Sscanf(string(v), "%d %s", &until, &id); err != nil {
		return "", fmt.Errorf("merge mark %s: %w", key, err)
	}
	if now.UnixMilli() >= until {
		return "", nil
	}
	return id, nil
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
