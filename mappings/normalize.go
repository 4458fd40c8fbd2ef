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
	e.reset(m, s)
	e.trying = trying
	var out Result
	records := m.records(s.Record.Held())
	for _, r := range records {
		why, err := m.record(e, s, r, &out)
		if err != nil {
			return Result{}, err
		}
		if why == "" {
			continue
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

func (e *env) reset(m *Mapping, s pipeline.Signal) {
	e.m, e.steps, e.worked, e.size, e.received = m, 0, 0, 0, s.Message.Received
	e.args = e.args[:0]
	e.slots = slices.Grow(e.slots[:0], m.paths.n)[:m.paths.n]
	e.locals = slices.Grow(e.locals[:0], len(m.locals))[:len(m.locals)]
	e.known = slices.Grow(e.known[:0], len(m.locals))[:len(m.locals)]
	e.vars = slices.Grow(e.vars[:0], m.vars)[:m.vars]
	e.meta = append(e.meta[:0],
		member{"source", textOf(s.Message.Source)}, member{"position", textOf(s.Message.Position)},
		member{"received", momentOf(s.Message.Received)}, member{"made", momentOf(s.Message.Made)})
}

// record is one of those in a message.
type record struct {
	raw       strictjson.Value
	envelopes []strictjson.Value // outermost first
}

// records takes a message apart: lists, JSON in a text, and the members that
// unwrap names.
func (m *Mapping) records(v strictjson.Value) []record {
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
			if inner := unwrapJSON(v.Text()); depth > 0 && inner.read.Exists() {
				open(inner.read, envelopes, depth-1)
				return
			}
		case strictjson.Object:
			for _, name := range m.unwrap {
				name, many := strings.CutSuffix(name, listOnly)
				inner := readValue(v).attribute(name)
				if inner.kind == text {
					inner = unwrapJSON(inner.text)
				}
				if depth > 0 && (inner.kind == list || !many && inner.kind == object) {
					open(inner.read, append(slices.Clip(envelopes), v), depth-1)
					return
				}
			}
		}
		out = append(out, record{v, envelopes})
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
	m.paths.lift(r.raw, e.slots)
	e.envelopes, e.index = r.envelopes, 0
	clear(e.known)
	var notes []Note
	e.report = func(n Note) {
		n.Value = clip(n.Value)
		if len(notes) < 32 && !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	if m.when != nil && !m.when(e).holds() {
		return "its condition does not hold", nil
	}
	for i := range m.skips {
		if m.skips[i].when(e).holds() {
			out.Skipped = append(out.Skipped, m.skips[i].reason)
			return "", nil
		}
	}
	for i := range m.demands {
		if !m.demands[i].when(e).holds() {
			return m.demands[i].reason, nil
		}
	}
	applies := false
	var once [1]value // the item of events without each
	for i := range m.events {
		rule := &m.events[i]
		items := once[:]
		if rule.each != nil {
			items = slices.Collect(rule.each(e).elements())
		}
		for n, item := range items {
			e.step()
			e.item, e.index = item, n
			if rule.when != nil && !rule.when(e).holds() {
				continue
			}
			applies = true
			if len(notes) > 0 { // so that each event tells what was remarkable about it
				notes = nil
				clear(e.known)
			}
			ev, err := rule.make(e, s)
			if err != nil {
				out.Made = out.Made[:before]
				return err.Error(), nil
			}
			out.add(s, ev, notes)
			e.size += len(ev.Body.Raw()) + len(ev.ECS.Raw())
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
	ev.Time, ev.TimeSource = r.moment(e, s)
	if r.subject != nil {
		if v := r.subject(e); v.kind != absent && v.kind != object {
			e.report(Note{Kind: NoSubject, Value: "it is no subject; email(), opaque() and others make one"})
		} else if v.kind == object {
			subject, err := readSubject(v)
			if err != nil {
				e.report(Note{Kind: NoSubject, Value: err.Error()})
			}
			ev.Subject = subject
		}
	}
	var err error
	if ev.Body, err = r.payload(e); err != nil {
		return ev, err
	}
	ev.ECS = r.document(e)
	return ev, nil
}

// moment is the time of the event: its own, else the channel's, else the
// receipt's.
func (r *eventRule) moment(e *env, s pipeline.Signal) (time.Time, string) {
	if r.time != nil {
		if t, ok := readTime(r.time(e)); ok && plausible(t, e) {
			return t, "record"
		}
	}
	e.report(Note{Kind: FallbackTime})
	return channelTime(s)
}

// channelTime is the time of a record that tells none itself.
func channelTime(s pipeline.Signal) (time.Time, string) {
	if !s.Message.Made.IsZero() {
		return s.Message.Made.UTC(), "channel"
	}
	return s.Message.Received.UTC(), "received"
}

func readSubject(v value) (event.Subject, error) {
	parsed, err := strictjson.Parse(v.appendJSON(nil), strictjson.DefaultLimits)
	if err != nil {
		return event.Subject{}, err
	}
	s, _, err := event.ParseSubject(parsed, event.SubjectOptions{})
	return s, err
}

// payload makes the body. What the event does not permit is left out, unless it
// requires it.
func (r *eventRule) payload(e *env) (strictjson.Value, error) {
	members := e.payload[:0]
	for i := range r.body {
		b := &r.body[i]
		if v := b.conform(b.val(e)); !v.empty() {
			members = append(members, member{b.name, v})
		}
	}
	for {
		text := objectOf(members).appendJSON(make([]byte, 0, 512))
		body, err := strictjson.Parse(text, strictjson.Limits{})
		if err != nil {
			return body, err
		}
		err = r.typ.Check(body)
		var broken *event.PayloadError
		if err == nil || !errors.As(err, &broken) {
			e.payload = members
			return body, err
		}
		at := slices.IndexFunc(members, func(m member) bool { return m.name == broken.Field })
		if at < 0 || slices.ContainsFunc(r.body, func(b bodyRule) bool { return b.name == broken.Field && b.field.Required }) {
			return body, fmt.Errorf("%s of %s", broken.Error(), r.typ.Name)
		}
		e.report(Note{Kind: DroppedMember, Name: broken.Field, Value: broken.Problem})
		members = slices.Delete(members, at, at+1)
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
