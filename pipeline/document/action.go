package document

import (
	"strconv"

	"github.com/signalbox-dev/signalbox/pipeline"
)

func (r *renderer) actions() {
	for i := range r.rec.Actions {
		r.action(&r.rec.Actions[i])
	}
}

// action renders an action, or its part for one target, in the state it has.
func (r *renderer) action(a *pipeline.Action) {
	h := head{
		stream: ActionStream, time: r.rec.At, created: r.rec.At, id: a.ID + ":" + string(a.Status),
		category: uncatalogued, action: "action-" + string(a.Status),
		module: "ssf", provider: product, reason: a.Reason,
	}
	if c, ok := categories[a.Emits]; ok {
		h.category = c
	}
	h.category.kind, h.category.outcome = isEvent, unknown
	switch a.Status {
	case pipeline.Acked, pipeline.Done, pipeline.Reverted:
		h.category.outcome = success
	case pipeline.Failed, pipeline.Dead, pipeline.Expired:
		h.category.outcome = failure
	}
	h.category.severity = severityOf(a.Severity, informational)
	if a.Test {
		h.tags = append(h.tags, "test")
	}
	if a.Mode == pipeline.Shadow {
		h.tags = append(h.tags, "shadow")
	}
	h.message = actionMessage(a)
	r.begin(&h)
	w := &r.w
	m := w.open("action")
	w.text("id", a.ID)
	w.text("type", a.Type)
	w.text("event", a.Emits)
	if a.Part > 0 {
		w.int("part", int64(a.Part))
	}
	if a.Call != nil {
		w.text("method", a.Call.Method)
		w.text("path", a.Call.Path)
	}
	w.text("target", a.Target)
	w.text("stream", a.Stream)
	w.text("subject", a.Key)
	w.text("status", string(a.Status))
	w.int("status_rank", int64(a.Status.Rank()))
	w.bool("final", a.Status.Final())
	w.text("jti", a.JTI)
	w.text("guard", a.Guard)
	w.text("why", a.Why)
	w.text("into", a.Into)
	w.int("attempt", int64(a.Attempt))
	w.text("info", a.Info)
	if status, err := strconv.ParseUint(a.Info, 10, 16); err == nil && status >= 100 && status <= 599 {
		w.int("http_status", int64(status))
	}
	w.time("expires", a.Expires)
	w.close(m)
	m = w.open("policy")
	w.text("decision_id", a.Decision)
	if a.Mode != "" {
		w.texts("mode", string(a.Mode))
	}
	if a.Branch != "" {
		w.texts("branch", a.Branch)
	}
	w.close(m)
	if a.Rule != "" {
		m = w.open("rule")
		w.texts("name", a.Rule)
		w.close(m)
	}
	m = w.open("ssf")
	w.text("direction", "outbound")
	if !a.Received.IsZero() && !r.rec.At.Before(a.Received) {
		w.int("latency_ms", r.rec.At.Sub(a.Received).Milliseconds())
	}
	w.close(m)
	m = w.open("set")
	w.text("txn", a.Txn)
	w.text("jti", a.JTI)
	w.close(m)
	x := pipeline.EntitiesPart{User: a.User, Device: a.Device, Session: a.Session}
	r.entities(x, &payload{}, "")
	r.related(x, "")
	r.chain(a.Chain, int64(a.Depth)+1, a.Decision)
	key := []string{a.ID, a.Emits, a.Target, string(a.Status), strconv.Itoa(a.Attempt)}
	if a.Part > 0 {
		key = append(key, strconv.Itoa(a.Part))
	}
	if a.Stream != "" {
		key = append(key, a.Stream)
	}
	r.end(&h, key...)
}
