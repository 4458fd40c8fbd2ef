package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// timerData is what a timer remembers until it fires.
type timerData struct {
	Rule    string          `json:"rule"`
	Name    string          `json:"name"`
	Data    map[string]any  `json:"data,omitempty"`
	Subject json.RawMessage `json:"subject"`
	Chain   string          `json:"chain"`
	Event   string          `json:"event"`
	Source  string          `json:"source"`
	Txn     string          `json:"txn"`
	Issuer  string          `json:"issuer,omitempty"` // whose remit bounds what it may cause
	Stale   bool            `json:"stale,omitempty"`  // set by an event too old to act
}

// shortestTimer keeps a rule that sets its own timer again from spinning.
const shortestTimer = time.Second

// timerID is one per entity, rule and name.
func timerID(entity, rule, name string) string { return entity + "\x00" + rule + "\x00" + name }

// setTimers sets, replaces and cancels what the rules asked for.
func (b *batch) setTimers(tx store.Tx, u *unit, e *event.Event, out *Outcome, orders []TimerOrder, now time.Time) {
	for _, o := range orders {
		id := timerID(entityOf(out.Entities, e), o.Rule, o.Name)
		if o.After <= 0 {
			tx.CancelTimer(id)
			continue
		}
		data, err := json.Marshal(timerData{
			Rule: o.Rule, Name: o.Name, Data: o.Data, Subject: e.Subject.AppendJSON(nil),
			Chain: u.chain, Event: e.ID, Source: e.Source, Txn: e.Txn,
			Issuer: u.answerable(e), Stale: e.Stale,
		})
		if err != nil {
			out.Decision.Errors = append(out.Decision.Errors, RuleError{Rule: o.Rule, Document: "timers", Message: err.Error()})
			continue
		}
		tx.SetTimer(store.Timer{ID: id, Due: now.Add(max(o.After, shortestTimer)), Data: data})
	}
}

// entityOf is the entity a timer belongs to.
func entityOf(x EntitiesPart, e *event.Event) string {
	switch {
	case x.User != nil:
		return "u/" + x.User.ID
	case x.Device != nil:
		return "d/" + x.Device.ID
	case x.Session != nil:
		return "s/" + x.Session.ID
	}
	return e.Subject.Key()
}

// isEntity reports whether what entityOf returned is the key of an entity, which
// is locked by whoever sets its timers.
func isEntity(key string) bool { return len(key) > 2 && key[1] == '/' }

// Timers fires due timers until ctx ends. A timer of a rule becomes an event of
// type timer about the subject of the event that set it, and goes down the line
// like any other. One of a waiting action ends the waiting.
func (p *Pipeline) Timers(ctx context.Context) error {
	for ctx.Err() == nil {
		if p.settings.Load() == nil {
			return &BusyError{Reason: "starting", After: time.Second}
		}
		changed := p.store.Changed()
		now := p.now()
		due, next, err := p.store.ClaimTimers(ctx, claimBatch, now, claimLease)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("claim timers: %w", err)
		}
		for _, t := range due {
			// One that does not go must not stop the others; its lease brings
			// it back.
			if err := p.fire(ctx, t, now); err != nil && ctx.Err() == nil {
				p.log.Error("timer does not fire, will try again", "timer", t.ID, "due", t.Due, "err", err)
			}
		}
		if len(due) > 0 {
			continue
		}
		pause(ctx, changed, untilDue(next, now))
	}
	return nil
}

// fire turns one timer into an event and removes it in the same transaction.
func (p *Pipeline) fire(ctx context.Context, t store.Timer, now time.Time) error {
	if isWaitingTimer(t.ID) {
		return p.expireWaiting(ctx, t)
	}
	var d timerData
	if err := json.Unmarshal(t.Data, &d); err != nil {
		return p.dropTimer(ctx, t, fmt.Errorf("read timer: %w", err))
	}
	body, err := json.Marshal(map[string]any{"rule": d.Rule, "name": d.Name, "due": t.Due.Unix(), "data": orEmpty(d.Data)})
	if err != nil {
		return err
	}
	parsed, err := strictjson.Parse(body, strictjson.DefaultLimits)
	if err != nil {
		return p.dropTimer(ctx, t, fmt.Errorf("make event of timer: %w", err))
	}
	var subject event.Subject
	if err := json.Unmarshal(d.Subject, &subject); err != nil {
		return p.dropTimer(ctx, t, fmt.Errorf("read timer's subject: %w", err))
	}
	typ, _ := event.ByName("timer")
	input := recordInputID("timer", t.ID+"@"+t.Due.UTC().Format(time.RFC3339Nano))
	msg := Message{Source: "timer", Body: body, ContentType: "application/json", Received: now, Delivery: "internal"}
	u := &unit{msg: msg, remits: []string{""}, chain: d.Chain, timer: &t, cause: d.Issuer}
	u.sig = Signal{
		Message: msg, InputID: input, Assurance: event.Internal, Issuer: "timer",
		Txn: d.Txn, Subject: subject,
	}
	u.events = []event.Event{{
		ID: EventID(input, 0), Type: typ, URI: typ.URI, Source: "timer", Issuer: "timer", Assurance: event.Internal,
		Time: t.Due, TimeSource: "timer", Received: now, Txn: d.Txn, Subject: subject, Body: parsed, Concepts: typ.ConceptsOf(parsed),
		Stale: d.Stale,
	}}
	b := &batch{p: p, obs: p.obs, gen: p.settings.Load(), units: []*unit{u}}
	if err := b.commit(ctx); err != nil {
		return err
	}
	return u.retry
}

// dropTimer removes a timer that can never fire, and says so in the journal.
func (p *Pipeline) dropTimer(ctx context.Context, t store.Timer, why error) error {
	o := OperatorPart{Verb: "drop-timer", By: "signalbox", Detail: strings.ReplaceAll(t.ID, "\x00", " "), Failed: why.Error()}
	return p.operate(ctx, o, func(tx store.Tx) {
		if set, ok, err := tx.Timer(t.ID); err == nil && ok && bytes.Equal(set.Data, t.Data) {
			tx.CancelTimer(t.ID)
		}
	})
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
