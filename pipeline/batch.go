package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// batch is the messages of one Handle on their way to one transaction. The
// steps up to the commit are pure, so an attempt can be thrown away and made
// again.
type batch struct {
	p     *Pipeline
	gen   *Settings
	units []*unit
}

// unit is one message of a batch.
type unit struct {
	msg    Message
	sig    Signal
	reject *RejectError
	retry  error // could not be verified now
	events []event.Event
	remits []string // per event: why it is recorded only
	chain  string   // input id of the root cause
	timer  string   // id of the timer this fires, "" for messages

	// The result of the present attempt.
	verdict  Verdict
	record   *Record
	seq      uint64
	proposed []*proposal
}

// Strangers' bytes kept in a reject record.
const maxRejectBody = 8 << 10

func (p *Pipeline) newBatch(gen *Settings, msgs []Message) *batch {
	b := &batch{p: p, gen: gen, units: make([]*unit, len(msgs))}
	all := make([]unit, len(msgs))
	for i := range msgs {
		all[i].msg = msgs[i]
		b.units[i] = &all[i]
	}
	return b
}

// verify authenticates and normalizes all units on all cores.
func (b *batch) verify(ctx context.Context) {
	workers := min(runtime.GOMAXPROCS(0), (len(b.units)+7)/8)
	var next atomic.Int64
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(b.units) || ctx.Err() != nil {
				return
			}
			b.verifyUnit(ctx, b.units[i])
		}
	}
	if workers <= 1 {
		work()
		return
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
}

func (b *batch) verifyUnit(ctx context.Context, u *unit) {
	sig, err := b.gen.Verifier.Verify(ctx, u.msg)
	if err == nil {
		u.sig, u.chain = sig, sig.InputID
		if sig.Txn == "" {
			u.sig.Txn = "t-" + tail(sig.InputID)
		}
		if sig.Discard != "" {
			return
		}
		u.events, err = b.gen.Normalizer.Normalize(ctx, u.sig)
	}
	if err != nil {
		if !errors.As(err, &u.reject) {
			u.retry = err
		}
		return
	}
	u.remits = make([]string, len(u.events))
	for i := range u.events {
		e := &u.events[i]
		r := b.gen.compiled[e.Issuer]
		e.Stale = r != nil && r.MaxAge > 0 && e.Received.Sub(e.Time) > r.MaxAge
		if e.Assurance != event.Internal {
			u.remits[i] = r.outside(e)
			if b.gen.own[e.Issuer] {
				u.remits[i] = "own echo: issued by this product"
			}
		}
	}
}

// errMoved means that an entity moved under a new key between resolving and
// locking.
var errMoved = errors.New("links moved")

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
		case !errors.Is(err, errMoved) && !errors.Is(err, store.ErrConflict):
			return err
		case round >= roundsTogether && len(b.units) > 1:
			return b.commitAlone(ctx)
		case round >= roundsAlone:
			return fmt.Errorf("commit: gave up after %d rounds: %w", round, err)
		}
	}
}

// commitAlone commits each message in a transaction of its own. The caller of
// Handle learns of the first failure; what was committed before is recognized
// as seen when it is offered again.
func (b *batch) commitAlone(ctx context.Context) error {
	for _, u := range b.units {
		one := &batch{p: b.p, gen: b.gen, units: []*unit{u}}
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
	b.p.obs.Took("decide", len(b.units), planned.Sub(start))
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	b.p.obs.Took("commit", len(b.units), time.Since(planned))
	for _, u := range b.units {
		if u.record != nil {
			u.seq = tx.Seq(u.seq)
			b.p.recent.put(u.seq, u.record)
		}
	}
	return nil
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
	for _, u := range b.units {
		if err := b.step(ctx, tx, held, u, now); err != nil {
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
	return tx, nil
}

// lock finds and locks every key the batch will touch, in byte order.
func (b *batch) lock(ctx context.Context, tx store.Tx) (map[string]bool, error) {
	held := map[string]bool{}
	for _, u := range b.units {
		if u.reject != nil || u.retry != nil {
			continue
		}
		held["i/"+u.sig.InputID] = true
		for i := range u.events {
			if u.remits[i] != "" {
				continue
			}
			e := &u.events[i]
			x, err := state.Resolve(tx, e)
			if err != nil {
				return nil, fmt.Errorf("resolve subject of %s: %w", e.ID, err)
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
	u.record, u.seq, u.proposed = nil, 0, nil
	switch {
	case u.retry != nil:
		return nil
	case u.reject != nil:
		u.verdict = Rejected
		if b.p.samples.allow(u.msg.Source, u.msg.Sender != "", now) {
			u.record = b.newRecord(RejectRecord, u, now)
		}
		return nil
	}
	if u.timer != "" {
		tx.CancelTimer(u.timer)
	}
	mark, seen, err := tx.Seen(u.sig.InputID)
	if err != nil {
		return fmt.Errorf("look up seen mark: %w", err)
	}
	if seen {
		u.seq = mark.Seq
		u.verdict = Repeated
		if mark.Digest != u.sig.Digest {
			u.verdict = Reused
			if b.p.samples.allow("reuse "+u.msg.Source, true, now) {
				u.record = b.newRecord(InputRecord, u, now)
			}
		}
		return nil
	}
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
	for _, k := range x.Locks(e, sel.Windows) {
		if !held[k] {
			return errMoved
		}
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

func (b *batch) teaches(e *event.Event) bool {
	r := b.gen.compiled[e.Issuer]
	return r != nil && r.Links
}

// write puts the record of a unit into the transaction.
func (b *batch) write(tx store.Tx, u *unit) error {
	if u.record == nil {
		return nil
	}
	ids := make([]string, 0, 1+len(u.record.Outcomes)+len(u.record.Actions))
	if u.verdict == Accepted || u.verdict == Discarded {
		for i := range u.record.Outcomes {
			ids = append(ids, tail(u.record.Outcomes[i].Event.ID))
		}
		for i := range u.record.Actions {
			if id := u.record.Actions[i].ID; i == 0 || id != u.record.Actions[i-1].ID {
				ids = append(ids, id)
			}
		}
	}
	if u.record.Input != nil && u.record.Input.ID != "" {
		ids = append(ids, u.record.Input.ID)
	}
	u.seq = tx.Append(store.Record{Data: u.record.AppendJSON(nil), IDs: ids})
	if u.verdict == Accepted || u.verdict == Discarded {
		tx.MarkSeen(u.sig.InputID, store.Mark{Digest: u.sig.Digest, Seq: u.seq, At: u.record.At})
	}
	return nil
}

func (b *batch) receipts() []Receipt {
	list := make([]Receipt, len(b.units))
	for i, u := range b.units {
		list[i] = Receipt{Verdict: u.verdict, ID: u.sig.InputID, Seq: u.seq, Reject: u.reject, Retry: u.retry}
	}
	return list
}

func (b *batch) observe() {
	for _, u := range b.units {
		if u.retry != nil {
			b.p.log.Warn("message could not be verified now", "source", u.msg.Source, "err", u.retry)
			continue
		}
		code := ""
		if u.reject != nil {
			code = u.reject.Code
			b.p.log.Info("message refused", "source", u.msg.Source, "sender", u.msg.Sender, "code", code, "why", u.reject.Description)
		}
		b.p.obs.Message(u.msg.Source, u.verdict, code)
		if u.record == nil {
			continue
		}
		for i := range u.record.Outcomes {
			o := &u.record.Outcomes[i]
			result := "recorded"
			if o.Decision != nil {
				result = o.Decision.Result
				for _, re := range o.Decision.Errors {
					b.p.obs.RuleFailed(re.Rule)
					b.p.log.Error("rule failed", "rule", re.Rule, "document", re.Document, "event", o.Event.ID, "err", re.Message)
				}
			}
			b.p.obs.Event(o.Event.Type, result)
		}
		for i := range u.record.Actions {
			a := &u.record.Actions[i]
			b.p.obs.Action(a.Type, a.Target, a.Status, a.Guard)
		}
	}
}

func (b *batch) newRecord(kind RecordKind, u *unit, now time.Time) *Record {
	in := &InputPart{
		ID: u.sig.InputID, Source: u.msg.Source, Sender: u.msg.Sender, RemoteAddr: u.msg.RemoteAddr,
		Position: u.msg.Position, Delivery: u.msg.Delivery, Received: u.msg.Received,
		Verdict: u.verdict, Assurance: u.sig.Assurance, Dialect: u.sig.Dialect,
		Issuer: u.sig.Issuer, JTI: u.sig.JTI, Txn: u.sig.Txn, Audience: u.sig.Audience,
		IssuedAt: u.sig.IssuedAt, TimeOf: u.sig.TimeOf, Alg: u.sig.Alg, KeyID: u.sig.KeyID, Typ: u.sig.Typ,
		Applied: u.sig.Applied, Discard: u.sig.Discard,
	}
	sum := sha256.Sum256(u.msg.Body)
	in.SHA256 = hex.EncodeToString(sum[:])
	body := u.msg.Body
	if u.reject != nil {
		body = body[:min(len(body), maxRejectBody)]
		in.ID, in.Assurance = "", event.None
		in.Issuer, in.JTI = u.reject.Issuer, u.reject.JTI
		in.Reject = &RejectPart{Code: u.reject.Code, Description: u.reject.Description, Requirement: u.reject.Requirement}
	}
	in.Body = string(body)
	if u.chain != in.ID {
		in.Chain = u.chain
	}
	return &Record{Kind: kind, At: now.UTC(), Node: b.p.node, Input: in}
}

func eventPart(e *event.Event) EventPart {
	part := EventPart{
		ID: e.ID, Type: e.Type.Name, Family: e.Type.Family, URI: e.URI, Time: e.Time.UTC(), TimeSource: e.TimeSource,
		Body: e.Body.Raw(), Concepts: e.Concepts, Applied: e.Applied, Stale: e.Stale,
	}
	if !e.Subject.IsZero() {
		part.Subject = e.Subject.AppendJSON(nil)
	}
	return part
}

func entitiesPart(x state.Entities) EntitiesPart {
	return EntitiesPart{User: entityPart(x.User), Device: entityPart(x.Device), Session: entityPart(x.Session)}
}

func entityPart(r *state.Ref) *EntityPart {
	if r == nil {
		return nil
	}
	return &EntityPart{ID: r.ID, Keys: r.Keys, Email: r.Email, Name: r.Name}
}
