package mappings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// maxMade bounds the events of one message.
const maxMade = 10_000

// maxMadeBytes bounds their payloads and fields together: each event of a list
// may repeat what the record says once.
const maxMadeBytes = 16 << 20

// Made is one event that a mapping made, with what was remarkable.
type Made struct {
	Event event.Event
	Notes []Note
}

// Result is what a mapping made of one message.
type Result struct {
	Made    []Made
	Skipped []string // reasons of the skips that applied, one per record
}

// pool keeps the slots of evaluations.
var pool = sync.Pool{New: func() any { return new(env) }}

// Map makes the events of a signal. A *pipeline.RejectError with code unmapped
// says that the mapping does not know the record, and why. Of several records in
// one message, those that are not known become events of type unknown, so that
// none is lost. It is pure, and safe for concurrent use.
func (m *Mapping) Map(s pipeline.Signal) (Result, error) { return m.run(s, false) }

func (m *Mapping) run(s pipeline.Signal, trying bool) (Result, error) {
	e := pool.Get().(*env)
	defer pool.Put(e)
	e.reset(m, &s)
	e.trying = trying
	var out Result
	records := e.records(s.Record.Held())
	for _, r := range records {
		why, err := m.record(e, s, r, &out)
		if err != nil {
			return Result{}, err
		}
		if why == "" {
			continue
		}
		if r.shut != "" {
			why = fmt.Sprintf("%s holds JSON that cannot be read (%s), and of the record without it: %s", r.shut, r.why, why)
		}
		if len(records) == 1 {
			return Result{}, unmapped(m, why)
		}
		if len(out.Made) > maxMade || e.size > maxMadeBytes {
			break
		}
		at, source := channelTime(s)
		out.add(s, event.Event{Type: event.Unknown, URI: event.LocalBase + "unmapped", Time: at, TimeSource: source, Body: r.raw},
			[]Note{{Kind: "unmapped", Value: clip(why)}})
	}
	if len(out.Made) > maxMade {
		return Result{}, unmapped(m, fmt.Sprintf("it makes more than %d events", maxMade))
	}
	if e.size > maxMadeBytes {
		return Result{}, unmapped(m, fmt.Sprintf("its events have more than %d bytes", maxMadeBytes))
	}
	return out, nil
}

func unmapped(m *Mapping, why string) error {
	return &pipeline.RejectError{Code: pipeline.Unmapped, Description: "mapping " + m.Name + ": " + why}
}

func (e *env) reset(m *Mapping, s *pipeline.Signal) {
	e.m, e.steps, e.worked, e.size = m, 0, 0, 0
	e.source, e.position, e.received, e.sent = s.Message.Source, s.Message.Position, s.Message.Received, s.Message.Made
	e.slots = slices.Grow(e.slots[:0], m.paths.n)[:m.paths.n]
	e.there = slices.Grow(e.there[:0], m.paths.n)[:m.paths.n]
	e.locals = slices.Grow(e.locals[:0], len(m.locals))[:len(m.locals)]
	e.known = slices.Grow(e.known[:0], len(m.locals))[:len(m.locals)]
	e.vars = slices.Grow(e.vars[:0], m.vars)[:m.vars]
	e.kept = slices.Grow(e.kept[:0], m.kept)[:m.kept]
	e.bound = slices.Grow(e.bound[:0], bindings+m.vars)[:bindings+m.vars]
}

// begin readies what belongs to one record.
func (e *env) begin(r *record) {
	e.arena.reset()
	e.stack, e.text, e.notes, e.index = e.stack[:0], e.text[:0], nil, 0
	e.envelopes = e.envelopes[:0]
	for _, v := range r.envelopes {
		e.envelopes = append(e.envelopes, e.value(v))
	}
	e.forget()
	e.bind(bindingItem)
	e.lift(r.raw)
	e.shut, e.untimed = r.shut, ""
}

// forget makes the locals be computed anew.
func (e *env) forget() {
	clear(e.known)
	e.bind(bindingLocals)
}

// maxNotes bounds the notes on one event.
const maxNotes = 32

// note keeps a remark on the event being made.
func (e *env) note(n Note) {
	n.Value = clip(n.Value)
	if len(e.notes) < maxNotes && !slices.Contains(e.notes, n) {
		e.notes = append(e.notes, n)
	}
}

// record is one of those in a message.
type record struct {
	raw       strictjson.Value
	envelopes []strictjson.Value // outermost first
	shut      string             // the member that should hold it, and does as a text that cannot be read
	why       string             // it cannot
}

// records takes a message apart: lists, JSON in a text, and the members that
// unwrap names.
func (e *env) records(v strictjson.Value) []record {
	var out []record
	var open func(v strictjson.Value, envelopes []strictjson.Value, depth int)
	open = func(v strictjson.Value, envelopes []strictjson.Value, depth int) {
		switch v.Kind() {
		case strictjson.Array:
			if depth > 0 {
				for e := range v.Elements() {
					open(e, envelopes, depth-1)
				}
				return
			}
		case strictjson.String:
			if inner := e.unwrapJSON(v.Text()); depth > 0 && inner.made != nil {
				open(inner.made.read, envelopes, depth-1)
				return
			}
		case strictjson.Object:
			var shut, why string
			for _, name := range e.m.unwrap {
				name, many := strings.CutSuffix(name, listOnly)
				inner := e.value(v.Find(name))
				if s := inner.text; inner.kind == text {
					if inner = e.unwrapJSON(s); inner.kind == absent && looksLikeJSON(s) && shut == "" {
						shut, why = name, unreadable(s)
					}
				}
				if depth > 0 && (inner.kind == list || !many && inner.kind == object) {
					open(inner.made.read, append(slices.Clip(envelopes), v), depth-1)
					return
				}
			}
			out = append(out, record{v, envelopes, shut, why})
			return
		}
		out = append(out, record{raw: v, envelopes: envelopes})
	}
	open(v, nil, 4)
	return out
}

// record makes the events of one record. why says that it is not known.
func (m *Mapping) record(e *env, s pipeline.Signal, r record, out *Result) (why string, err error) {
	before := len(out.Made)
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(errSteps); !ok {
				panic(p)
			}
			out.Made = out.Made[:before]
			why = fmt.Sprintf("it makes more work than %d steps or %d bytes", maxSteps, maxWork)
		}
	}()
	if r.raw.Kind() != strictjson.Object {
		return "the record is no object but " + r.raw.Kind().String(), nil
	}
	e.begin(&r)
	if m.when != nil && !m.when(e) {
		return "its condition does not hold", nil
	}
	for i := range m.skips {
		if m.skips[i].when(e) {
			out.Skipped = append(out.Skipped, m.skips[i].reason)
			return "", nil
		}
	}
	for i := range m.demands {
		if !m.demands[i].when(e) {
			return m.demands[i].reason, nil
		}
	}
	applies := false
	var once [1]value // the item of events without each
	for i := range m.events {
		rule := &m.events[i]
		items := once[:]
		if rule.each != nil {
			items = e.elements(rule.each(e))
		}
		for n, item := range items {
			e.step()
			e.item, e.index = item, n
			e.bind(bindingItem)
			if rule.when != nil && !rule.when(e) {
				continue
			}
			applies = true
			if len(e.notes) > 0 { // so that each event tells what was remarkable about it
				e.notes = nil
				e.forget()
			}
			ev, err := rule.make(e, s)
			if err != nil {
				out.Made = out.Made[:before]
				return err.Error(), nil
			}
			out.add(s, ev, e.notes)
			e.size += len(ev.Body.Raw()) + len(ev.ECS)
			if len(out.Made) > maxMade || e.size > maxMadeBytes {
				return "", nil
			}
		}
	}
	if !applies {
		return "no event of it applies", nil
	}
	return "", nil
}

// add completes an event and gives it its place.
func (r *Result) add(s pipeline.Signal, e event.Event, notes []Note) {
	e.Index = len(r.Made)
	e.ID = pipeline.EventID(s.InputID, e.Index)
	e.Source, e.Issuer, e.Assurance = s.Message.Source, s.Issuer, s.Assurance
	e.Received, e.Txn = s.Message.Received, s.Txn
	e.Concepts = e.Type.ConceptsOf(e.Body)
	for _, n := range notes {
		mark := string(n.Kind)
		if n.Name != "" {
			mark += ":" + n.Name
		}
		if !slices.Contains(e.Applied, mark) {
			e.Applied = append(e.Applied, mark)
		}
	}
	slices.Sort(e.Applied)
	r.Made = append(r.Made, Made{e, notes})
}

// make makes one event. An error says which required member is missing.
func (r *eventRule) make(e *env, s pipeline.Signal) (event.Event, error) {
	ev := event.Event{Type: r.typ, URI: r.typ.URI}
	if e.shut != "" {
		e.note(Note{Kind: Unreadable, Name: e.shut})
	}
	ev.Time, ev.TimeSource = r.moment(e, s)
	if r.subject != nil {
		if v := r.subject(e); v.kind != object {
			e.noSubject("", v)
		} else {
			subject, err := e.readSubject(v)
			if err != nil {
				e.note(Note{Kind: NoSubject, Value: err.Error()})
			}
			ev.Subject = subject
		}
	}
	var err error
	if ev.Body, err = r.makePayload(e); err != nil {
		return ev, err
	}
	ev.ECS = r.document(e)
	return ev, nil
}

// moment is the time of the event: its own, else the channel's, else the
// receipt's.
func (r *eventRule) moment(e *env, s pipeline.Signal) (time.Time, string) {
	if r.time != nil {
		v := r.time(e)
		if t, ok := readTime(v); ok && plausible(t, e) {
			return t, "record"
		}
		e.noTime(v)
	}
	e.note(Note{Kind: FallbackTime, Value: e.untimed})
	return channelTime(s)
}

// channelTime is the time of a record that tells none itself.
func channelTime(s pipeline.Signal) (time.Time, string) {
	if !s.Message.Made.IsZero() {
		return s.Message.Made.UTC(), "channel"
	}
	return s.Message.Received.UTC(), "received"
}

// readSubject makes the subject that an object means.
func (e *env) readSubject(v value) (event.Subject, error) {
	if s, ok := e.madeSubject(v); ok {
		return s, nil
	}
	return e.writtenSubject(v)
}

// writtenSubject makes a subject of an object by its text.
func (e *env) writtenSubject(v value) (event.Subject, error) {
	e.builder.Reset(strictjson.DefaultLimits)
	v.write(&e.builder)
	made, err := e.builder.View() // of which a subject keeps nothing
	if err != nil {
		return event.Subject{}, err
	}
	s, _, err := event.ParseSubject(made, event.SubjectOptions{})
	return s, err
}

// makePayload makes the body. What the event does not permit is left out, unless it
// requires it.
func (r *eventRule) makePayload(e *env) (strictjson.Value, error) {
	e.payload = e.payload[:0]
	for i := range r.body {
		b := &r.body[i]
		v := b.conform(e, b.val(e))
		if v.empty() {
			v = value{}
		}
		e.payload = append(e.payload, v)
	}
	for {
		w := &e.builder
		w.Reset(strictjson.Limits{})
		w.Object()
		for i, v := range e.payload {
			if v.kind != absent {
				w.NameQuoted(r.body[i].as)
				v.write(w)
				bounded(w)
			}
		}
		w.End()
		body, err := w.Value()
		if err != nil {
			return body, err
		}
		err = r.typ.Check(body)
		var broken *event.PayloadError
		if err == nil || !errors.As(err, &broken) {
			return body, err
		}
		at := slices.IndexFunc(r.body, func(b bodyRule) bool { return b.name == broken.Field })
		if at < 0 || e.payload[at].kind == absent || r.body[at].field.Required {
			return body, fmt.Errorf("%s of %s", broken.Error(), r.typ.Name)
		}
		e.note(Note{Kind: DroppedMember, Name: broken.Field, Value: broken.Problem})
		e.payload[at] = value{}
	}
}

// clip shortens what is told about a value.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return strings.ToValidUTF8(s[:64], "") + "…"
}

var _ pipeline.Normalizer = (*Mapping)(nil)

// Normalize implements pipeline.Normalizer.
func (m *Mapping) Normalize(_ context.Context, s pipeline.Signal) ([]event.Event, error) {
	r, err := m.Map(s)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(r.Made))
	for i := range r.Made {
		events[i] = r.Made[i].Event
	}
	return events, nil
}
