package document

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// input renders a message with all it caused: its events, the decisions about
// them, the actions.
func (r *renderer) input() {
	in := r.rec.Input
	switch {
	case len(r.rec.Outcomes) > 0:
		for i := range r.rec.Outcomes {
			r.event(&r.rec.Outcomes[i])
		}
	case in.Reject != nil && (in.Reject.Code == pipeline.Unmapped || in.Issuer == "" && in.JTI == ""):
		r.unreadable()
	default:
		r.message()
	}
	for i := range r.rec.Outcomes {
		if r.rec.Outcomes[i].Decision != nil {
			r.decision(&r.rec.Outcomes[i])
		}
	}
	r.actions()
}

// event renders one event of an accepted message.
func (r *renderer) event(o *pipeline.Outcome) {
	in, e := r.rec.Input, &o.Event
	p := lift(e.Body)
	x := o.Entities
	if x == (pipeline.EntitiesPart{}) && !in.Test {
		x = named(e, &p)
	}
	h := head{
		stream: SetStream, time: e.Time, created: in.Received, id: e.ID,
		category: file(e.Type, &p), action: e.Type,
		module: "ssf", provider: first(in.Issuer, in.Source), reason: p.why(), hash: in.SHA256,
		tags: r.tags(e, &p),
	}
	local := e.Family == "local" || in.Mapping != ""
	if local {
		h.stream, h.module = AlertStream, in.Source
		if p.action != "" {
			h.action = p.action
		}
	}
	var ecs strictjson.Value
	if len(e.ECS) > len("{}") {
		ecs, _ = strictjson.Parse(e.ECS, strictjson.Limits{}) // of what is none, nothing is there
	}
	h.message = eventMessage(h.provider, e, ecs, &p, x)
	r.original(&h)
	r.begin(&h)
	w := &r.w
	m := w.open("set")
	if !local {
		r.token()
	}
	w.text("event_type", e.URI)
	w.text("event_name", e.Type)
	w.text("profile", first(e.Family, "unknown"))
	w.text("time_source", e.TimeSource)
	w.texts("applied", applied(in, e)...)
	w.text("remit", o.Remit)
	r.subject(e.Subject)
	if p.flat {
		w.flattened("claims", e.Body)
	}
	if !local {
		p.write(w)
	}
	r.verdict()
	w.close(m)
	r.channel(false, e.Concepts)
	if local {
		m = w.open("alert")
		w.text("name", e.Type)
		w.text("severity", p.severity)
		w.close(m)
		r.feed(e)
	}
	r.change(o.Change)
	ip := r.source()
	r.entities(x, &p, e.Type)
	r.related(x, ip)
	r.chain(root(in), 0, in.ID)
	r.enrich(ecs)
	r.end(&h, e.ID, string(in.Verdict))
}

// tags marks what an analyst should know before reading on.
func (r *renderer) tags(e *pipeline.EventPart, p *payload) []string {
	tags := r.marks()
	if e.Stale {
		tags = append(tags, "stale")
	}
	if e.Late {
		tags = append(tags, "late")
	}
	if !p.flat {
		tags = append(tags, "claims-omitted")
	}
	if r.rec.Input.Mapping != "" {
		for _, a := range e.Applied { // notes of the mapping: kind, or kind:name
			kind, _, _ := strings.Cut(a, ":")
			if !slices.Contains(tags, kind) {
				tags = append(tags, kind)
			}
		}
	}
	return tags
}

// marks are the tags of all documents of a message.
func (r *renderer) marks() []string {
	if r.rec.Input != nil && r.rec.Input.Test {
		return []string{"test"}
	}
	return nil
}

// message renders a message without events: refused, set aside, or a reused
// token id.
func (r *renderer) message() {
	in := r.rec.Input
	h := head{
		stream: SetStream, time: in.Received, created: in.Received, id: in.ID,
		category: setAside, action: "set-" + string(in.Verdict),
		module: "ssf", provider: first(in.Issuer, in.Source), reason: in.Discard, hash: in.SHA256,
		tags: r.marks(),
	}
	if !in.IssuedAt.IsZero() && in.Reject == nil {
		h.time = in.IssuedAt
	}
	switch in.Verdict {
	case pipeline.Rejected:
		h.category = refused
	case pipeline.Reused:
		h.category, h.reason = reuse, "the token id was used before with other content"
	}
	if in.Reject != nil {
		h.reason = in.Reject.Description
	}
	at := in.Received.UTC().Format(time.RFC3339Nano)
	if h.id == "" {
		h.id = docID(SetStream, in.SHA256, string(in.Verdict), at)
	}
	h.message = messageOf(h.provider, in, h.reason)
	r.original(&h)
	r.begin(&h)
	w := &r.w
	m := w.open("set")
	r.token()
	r.verdict()
	w.text("discard", in.Discard)
	w.texts("applied", in.Applied...)
	r.refusal(m)
	r.channel(false, nil)
	ip := r.source()
	r.related(pipeline.EntitiesPart{}, ip)
	r.chain(root(in), 0)
	r.end(&h, in.SHA256, string(in.Verdict), at)
}

// unreadable renders what could not become anything else.
func (r *renderer) unreadable() {
	in := r.rec.Input
	at := in.Received.UTC().Format(time.RFC3339Nano)
	h := head{
		stream: ErrorStream, time: in.Received, created: in.Received, id: in.ID,
		category: unreadable, action: "parse-failed",
		module: in.Source, provider: in.Source, reason: in.Reject.Description, hash: in.SHA256,
	}
	if h.id == "" {
		h.id = docID(ErrorStream, in.SHA256, at)
	}
	h.message = first(in.Sender, in.RemoteAddr, in.Source) + ": message could not be read: " + in.Reject.Description
	if in.Reject.Code == pipeline.Unmapped {
		h.action, h.tags = "unmapped", append(h.tags, pipeline.Unmapped)
		h.message = in.Source + ": record that is not mapped: " + in.Reject.Description
	}
	r.original(&h)
	r.begin(&h)
	m := r.w.open("set")
	r.w.text("jti", in.JTI)
	r.w.text("iss", in.Issuer)
	r.verdict()
	r.refusal(m)
	r.channel(true, nil)
	ip := r.source()
	r.related(pipeline.EntitiesPart{}, ip)
	r.chain(root(in), 0)
	r.end(&h, in.SHA256, at)
}

// original puts the received bytes into the document where that is wanted.
func (r *renderer) original(h *head) {
	if r.options.Original {
		h.original = r.rec.Input.Body
	}
}

// token writes the claims and header of a token.
func (r *renderer) token() {
	w, in := &r.w, r.rec.Input
	w.text("jti", in.JTI)
	w.text("iss", in.Issuer)
	w.texts("aud", in.Audience...)
	w.time("iat", in.IssuedAt)
	w.time("toe", in.TimeOf)
	w.text("alg", in.Alg)
	w.text("kid", in.KeyID)
	w.text("typ", in.Typ)
	w.bool("verified", in.Reject == nil && in.Assurance == event.Signed)
}

// verdict writes what verification said.
func (r *renderer) verdict() {
	w, in := &r.w, r.rec.Input
	w.text("verdict", string(in.Verdict))
	w.text("assurance", string(in.Assurance))
	w.text("txn", in.Txn)
	w.text("dialect", in.Dialect)
}

// refusal ends the set object begun at m with why the message was refused.
func (r *renderer) refusal(m int) {
	w, reject := &r.w, r.rec.Input.Reject
	if reject == nil {
		w.close(m)
		return
	}
	n := w.open("reject")
	w.text("code", reject.Code)
	w.text("requirement", reject.Requirement)
	w.text("quarantine", reject.Quarantine)
	w.close(n)
	w.close(m)
	m = w.open("error")
	w.text("code", reject.Code)
	w.text("message", reject.Description)
	w.close(m)
}

// channel writes how the message came.
func (r *renderer) channel(unreadable bool, concepts []string) {
	w, in := &r.w, r.rec.Input
	m := w.open("ssf")
	w.text("direction", "inbound")
	w.text("source", in.Source)
	w.text("sender", in.Sender)
	w.text("delivery", in.Delivery)
	w.text("position", in.Position)
	w.time("received", in.Received)
	if unreadable {
		w.int("size", int64(len(in.Body)))
	}
	w.texts("concept", concepts...)
	w.close(m)
}

// source writes the peer's address and returns it, "" if there is none.
func (r *renderer) source() string {
	a, err := netip.ParseAddr(r.rec.Input.RemoteAddr)
	if err != nil {
		return ""
	}
	ip := a.Unmap().WithZone("").String()
	m := r.w.open("source")
	r.w.text("ip", ip)
	r.w.close(m)
	return ip
}

// change writes what the event changed.
func (r *renderer) change(raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	v, err := strictjson.Parse(raw, strictjson.DefaultLimits)
	if err != nil || v.Kind() != strictjson.Object {
		return
	}
	w := &r.w
	m := w.open("change")
	w.text("entity", v.Get("entity").Text())
	w.text("from", v.Get("from").Text())
	w.text("to", v.Get("to").Text())
	if a := v.Get("applied"); a.Kind() == strictjson.Bool {
		w.bool("applied", a.Bool())
	}
	w.close(m)
}

// write lifts what queries and rules of analysts ask for.
func (p *payload) write(w *writer) {
	w.text("previous_level", p.previousLevel)
	w.text("current_level", p.currentLevel)
	w.text("previous_status", p.previousStatus)
	w.text("current_status", p.currentStatus)
	w.text("credential_type", p.credentialType)
	w.text("change_type", p.changeType)
	w.text("principal", p.principal)
	w.text("initiating_entity", p.initiating)
	w.text("reason_admin", p.reasonAdmin)
	w.text("reason_user", p.reasonUser)
}

// root is the input id at the start of the chain.
func root(in *pipeline.InputPart) string { return first(in.Chain, in.ID) }

// applied lists the tolerances of the token and of the event.
func applied(in *pipeline.InputPart, e *pipeline.EventPart) []string {
	if len(in.Applied) == 0 {
		return e.Applied
	}
	list := slices.Clone(in.Applied)
	for _, a := range e.Applied {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}
