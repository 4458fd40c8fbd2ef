package pipeline

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// AppendJSON appends the record as encoding/json would write it. The parts
// every input has are written by hand, because each event pays for them; the
// rare ones go through encoding/json.
func (r *Record) AppendJSON(b []byte) []byte {
	w := writer{b: b}
	w.open()
	w.text("kind", string(r.Kind))
	w.time("at", r.At)
	w.opt("node", r.Node)
	w.opt("trace", r.Trace)
	if r.Input != nil {
		w.key("input")
		r.Input.append(&w)
	}
	if len(r.Outcomes) > 0 {
		w.key("outcomes")
		w.list(len(r.Outcomes), func(i int) { r.Outcomes[i].append(&w) })
	}
	if len(r.Actions) > 0 {
		w.value("actions", r.Actions)
	}
	if r.Operator != nil {
		w.value("operator", r.Operator)
	}
	w.close()
	return w.b
}

// sizeHint is about how long the JSON of most records is, so that its buffer
// need not grow.
func (r *Record) sizeHint() int {
	n := 1 << 10
	if r.Input != nil {
		n += len(r.Input.Body)
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		n += 512 + len(o.Event.Body) + len(o.Event.Subject)
		if o.Decision != nil {
			n += len(o.Decision.Input)
		}
	}
	return n + 1<<10*len(r.Actions)
}

func (in *InputPart) append(w *writer) {
	w.open()
	w.text("id", in.ID)
	w.opt("chain", in.Chain)
	w.text("source", in.Source)
	w.opt("sender", in.Sender)
	w.opt("remote_addr", in.RemoteAddr)
	w.opt("position", in.Position)
	w.opt("mapping", in.Mapping)
	w.text("delivery", in.Delivery)
	w.time("received", in.Received)
	w.text("body", in.Body)
	if in.Bytes != nil {
		w.value("bytes", in.Bytes)
	}
	w.text("sha256", in.SHA256)
	w.text("verdict", string(in.Verdict))
	w.text("assurance", string(in.Assurance))
	w.opt("dialect", in.Dialect)
	w.opt("issuer", in.Issuer)
	w.opt("jti", in.JTI)
	w.opt("txn", in.Txn)
	w.texts("aud", in.Audience)
	w.optTime("iat", in.IssuedAt)
	w.optTime("toe", in.TimeOf)
	w.opt("alg", in.Alg)
	w.opt("kid", in.KeyID)
	w.opt("typ", in.Typ)
	w.texts("applied", in.Applied)
	w.opt("discard", in.Discard)
	if in.Reject != nil {
		w.value("reject", in.Reject)
	}
	if in.Key != nil {
		w.value("key", in.Key)
	}
	if len(in.Headers) > 0 {
		w.value("headers", in.Headers)
	}
	w.optTime("made", in.Made)
	w.flag("test", in.Test)
	w.close()
}

func (o *Outcome) append(w *writer) {
	w.open()
	w.key("event")
	e := &o.Event
	w.open()
	w.text("id", e.ID)
	w.text("type", e.Type)
	w.opt("family", e.Family)
	w.text("uri", e.URI)
	w.time("time", e.Time)
	w.text("time_source", e.TimeSource)
	w.raw("subject", e.Subject)
	w.raw("body", e.Body)
	w.raw("ecs", e.ECS)
	w.texts("concepts", e.Concepts)
	w.texts("applied", e.Applied)
	w.flag("stale", e.Stale)
	w.flag("late", e.Late)
	w.close()
	if o.Decision != nil {
		w.key("decision")
		o.Decision.append(w)
	}
	w.opt("remit", o.Remit)
	w.raw("change", o.Change)
	if x := &o.Entities; x.User != nil || x.Device != nil || x.Session != nil {
		w.key("entities")
		w.open()
		w.entity("user", x.User)
		w.entity("device", x.Device)
		w.entity("session", x.Session)
		w.close()
	}
	w.close()
}

func (d *DecisionPart) append(w *writer) {
	w.open()
	w.text("id", d.ID)
	w.text("revision", d.Revision)
	w.text("result", d.Result)
	w.raw("input", d.Input)
	if len(d.Fired) > 0 {
		w.value("fired", d.Fired)
	}
	w.texts("quiet", d.Quiet)
	if len(d.Notes) > 0 {
		w.value("notes", d.Notes)
	}
	if len(d.Facts) > 0 {
		w.value("facts", d.Facts)
	}
	if len(d.Timers) > 0 {
		w.value("timers", d.Timers)
	}
	if len(d.Errors) > 0 {
		w.value("errors", d.Errors)
	}
	if d.Steps != 0 {
		w.key("steps")
		w.b = strconv.AppendInt(w.b, int64(d.Steps), 10)
	}
	w.close()
}

// writer appends JSON objects member by member.
type writer struct {
	b    []byte
	more bool // a comma is due before the next member
}

func (w *writer) open() {
	w.b = append(w.b, '{')
	w.more = false
}

func (w *writer) close() {
	w.b = append(w.b, '}')
	w.more = true
}

func (w *writer) key(name string) {
	if w.more {
		w.b = append(w.b, ',')
	}
	w.more = true
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) text(name, v string) {
	w.key(name)
	w.b = strictjson.AppendString(w.b, v)
}

func (w *writer) opt(name, v string) {
	if v != "" {
		w.text(name, v)
	}
}

func (w *writer) texts(name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.key(name)
	w.list(len(list), func(i int) { w.b = strictjson.AppendString(w.b, list[i]) })
}

func (w *writer) time(name string, t time.Time) {
	w.key(name)
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

func (w *writer) optTime(name string, t time.Time) {
	if !t.IsZero() {
		w.time(name, t)
	}
}

func (w *writer) flag(name string, v bool) {
	if v {
		w.key(name)
		w.b = append(w.b, "true"...)
	}
}

// raw appends JSON text that was checked when it was read or made.
func (w *writer) raw(name string, text []byte) {
	if len(text) > 0 {
		w.key(name)
		w.b = append(w.b, text...)
	}
}

func (w *writer) list(n int, item func(int)) {
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		item(i)
	}
	w.b = append(w.b, ']')
	w.more = true
}

// value appends a rare part. What it is given always marshals: rule output is
// JSON already and everything else is plain data.
func (w *writer) value(name string, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		text.Reset()
		text.Write(strictjson.AppendString(nil, "unwritable: "+err.Error()))
	}
	w.raw(name, bytes.TrimRight(text.Bytes(), "\n"))
}

func (w *writer) entity(name string, e *EntityPart) {
	if e == nil {
		return
	}
	w.key(name)
	w.open()
	w.text("id", e.ID)
	w.key("keys")
	w.list(len(e.Keys), func(i int) { w.b = strictjson.AppendString(w.b, e.Keys[i]) })
	w.opt("email", e.Email)
	w.opt("name", e.Name)
	w.close()
}
