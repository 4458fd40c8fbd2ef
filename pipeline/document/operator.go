package document

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// verbs files what operators and the system do to the product.
var verbs = map[string]category{
	"start":          {isEvent, `["process"]`, `["start"]`, success, informational},
	"stop":           {isEvent, `["process"]`, `["end"]`, success, informational},
	"reload":         {isEvent, `["configuration"]`, `["change"]`, success, low},
	"stop-actions":   {isEvent, `["configuration"]`, `["change"]`, success, high},
	"resume-actions": {isEvent, `["configuration"]`, `["change"]`, success, medium},
}

// operator renders an act on the product.
func (r *renderer) operator() {
	o := r.rec.Operator
	at := r.rec.At.UTC().Format(time.RFC3339Nano)
	h := head{
		stream: AuditStream, time: r.rec.At, created: r.rec.At, id: docID(AuditStream, o.Verb, o.By, at),
		category: category{isEvent, `["configuration"]`, `["info"]`, success, low},
		action:   o.Verb, module: "ssf", provider: product, reason: o.Comment, message: operatorMessage(o),
	}
	if c, ok := verbs[o.Verb]; ok {
		h.category = c
	}
	if o.Failed != "" {
		h.category.outcome = failure
	}
	r.begin(&h)
	w := &r.w
	m := w.open("audit")
	w.text("detail", o.Detail)
	w.close(m)
	if o.Failed != "" {
		m = w.open("error")
		w.text("message", o.Failed)
		w.close(m)
	}
	if o.By != "" {
		m = w.open("user")
		w.text("name", o.By)
		w.close(m)
		r.related(pipeline.EntitiesPart{User: &pipeline.EntityPart{Name: o.By}}, "")
	}
	r.end(&h, o.Verb, o.By, at)
}
