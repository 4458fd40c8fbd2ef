package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// route makes the parts of an action: one per call, then one per emitted event
// and sink. They are made once, when the rule asks: what is approved later is
// what was shown.
func (b *batch) route(tx store.Tx, q *proposal, a Action, now time.Time) ([]Action, error) {
	vars := ActionVars{
		ID: a.ID, Type: a.Type, Rule: a.Rule, Severity: a.Severity, Reason: a.Reason, Subject: q.subject, With: q.With,
		Event: q.event, Now: now,
	}
	if q.typ.Known {
		var err error
		if vars.Known, err = known(tx, q.subject, q.typ.speaksOf(), now); err != nil {
			return nil, err
		}
	}
	var parts []Action
	add := func(part Action) {
		part.Status, part.Guard, part.Why, part.Into = Proposed, "", "", ""
		part.Part = len(parts)
		parts = append(parts, part)
	}
	for i, do := range q.typ.Dos {
		r, err := do.Call(vars)
		if err != nil {
			return nil, &templateError{fmt.Errorf("call of %s for %s: %w", do.Sink, a.Type, err)}
		}
		if r.Body != nil && !isObject(r.Body) {
			return nil, &templateError{fmt.Errorf("call of %s for %s: its body is not a JSON object", do.Sink, a.Type)}
		}
		part := a
		part.Target, part.After = do.Sink, i
		part.Call, part.Body = &CallPart{Method: r.Method, Path: r.Path}, r.Body
		add(part)
	}
	for _, emit := range q.typ.Emits {
		if len(emit.To) == 0 {
			continue
		}
		body, err := emit.Body(vars)
		if err != nil {
			return nil, &templateError{fmt.Errorf("body of %s for %s: %w", emit.Event, a.Type, err)}
		}
		if !isObject(body) {
			return nil, &templateError{fmt.Errorf("body of %s for %s is not a JSON object", emit.Event, a.Type)}
		}
		for _, sink := range emit.To {
			part := a
			part.Emits, part.Target, part.After, part.Body = emit.Event, sink, emit.After, body
			add(part)
		}
	}
	return parts, nil
}

// templateError is a template that makes nothing of an action: an error of the
// rule or the configuration, not of the store.
type templateError struct{ err error }

func (e *templateError) Error() string { return e.err.Error() }
func (e *templateError) Unwrap() error { return e.err }

func isObject(text []byte) bool {
	return json.Valid(text) && bytes.TrimLeft(text, " \t\r\n")[0] == '{'
}

// speaksOf is the event type by which it is told whom a simple subject means.
func (t *ActionType) speaksOf() *event.Type {
	if len(t.Emits) > 0 {
		if typ, ok := event.ByName(t.Emits[0].Event); ok {
			return typ
		}
	}
	return event.Unknown
}

// known is what is known of whom a subject names.
func known(tx store.Tx, subject event.Subject, typ *event.Type, now time.Time) (EntitiesPart, error) {
	named := &event.Event{Type: typ, Subject: subject, Time: now, Received: now}
	x, err := state.Resolve(tx, named)
	if err != nil {
		return EntitiesPart{}, fmt.Errorf("resolve subject of action: %w", err)
	}
	view, err := state.Load(tx, x, named, state.LoadOptions{Now: now})
	if err != nil {
		return EntitiesPart{}, fmt.Errorf("load subject of action: %w", err)
	}
	return entitiesPart(view.Entities()), nil
}

// Identify fills in whom an action that no rule asked for is about, by what is known
// of its subject, so that those who look for a user find it. What is about a stream
// (family ssf) is about nobody. It only reads.
func (a *Action) Identify(tx store.Tx, subject event.Subject, typ *event.Type, now time.Time) error {
	if typ.Family == "ssf" {
		return nil
	}
	x, err := known(tx, subject, typ, now)
	a.User, a.Device, a.Session = x.User, x.Device, x.Session
	return err
}

// split takes parts apart by what may go out now: nothing behind the first call
// among them may.
func split(parts []Action) (ready, waiting []Action) {
	call := -1
	for i := range parts {
		if parts[i].Call != nil && (call < 0 || parts[i].After < parts[call].After) {
			call = i
		}
	}
	if call < 0 {
		return parts, nil
	}
	for _, p := range parts {
		if p.After <= parts[call].After {
			ready = append(ready, p)
		} else {
			waiting = append(waiting, p)
		}
	}
	return ready, waiting
}

// awaits says for which call a part waits.
func awaits(ready []Action) string {
	for i := range ready {
		if ready[i].Call != nil {
			return "waits for the call of " + ready[i].Target
		}
	}
	return ""
}

// send queues parts that are ready. The call among them takes those along that
// wait for it.
func send(tx store.Tx, ready, waiting []Action, merge string, now time.Time) error {
	for i := range ready {
		ready[i].Status, ready[i].Guard, ready[i].Why = Queued, "", ""
		var then []Action
		if ready[i].Call != nil {
			then = waiting
		}
		item, err := newItem(ready[i], then, merge, now)
		if err != nil {
			return err
		}
		tx.Enqueue(item)
	}
	return nil
}
