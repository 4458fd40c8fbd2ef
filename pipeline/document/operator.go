package document

import (
	"maps"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// verbs files what operators and the system do to the product.
var verbs = map[string]category{
	"start":          {isEvent, `["process"]`, `["start"]`, success, informational},
	"stop":           {isEvent, `["process"]`, `["end"]`, success, informational},
	"reload":         {isEvent, `["configuration"]`, `["change"]`, success, low},
	"stop-actions":   {isEvent, `["configuration"]`, `["change"]`, success, high},
	"verdict":        {isEvent, `["intrusion_detection"]`, `["info"]`, success, informational},
	"notify":         {isEvent, `["configuration"]`, `["info"]`, success, informational},
	"resume-actions": {isEvent, `["configuration"]`, `["change"]`, success, medium},
	"approve-action": {isEvent, `["iam"]`, `["admin","info"]`, success, medium},
	"reject-action":  {isEvent, `["iam"]`, `["admin","info"]`, success, low},
	"retry-action":   {isEvent, `["iam"]`, `["admin","info"]`, success, low},
	"emit":           {isEvent, `["configuration"]`, `["info"]`, success, medium}, // receivers may act on it
	"rotate-keys":    {isEvent, `["configuration"]`, `["change"]`, success, medium},
	"pause-stream":   {isEvent, `["configuration"]`, `["change"]`, success, medium},
	"enable-stream":  {isEvent, `["configuration"]`, `["change"]`, success, medium},
	"disable-stream": {isEvent, `["configuration"]`, `["change"]`, success, high}, // what waited is dropped
	"backup":         {isEvent, `["file"]`, `["creation"]`, success, medium},      // keys leave with it
	"export":         {isEvent, `["file"]`, `["creation"]`, success, medium},      // what is known of people leaves with it
	"restore":        {isEvent, `["configuration"]`, `["change"]`, success, high},

	pipeline.BudgetWarning:   {isEvent, `["host"]`, `["info"]`, success, medium},
	pipeline.BudgetExhausted: {isEvent, `["host"]`, `["info"]`, success, high},
	pipeline.BudgetEased:     {isEvent, `["host"]`, `["info"]`, success, low},

	"quarantine-retry": {isEvent, `["configuration"]`, `["info"]`, success, low},
	"quarantine-drop":  {isEvent, `["configuration"]`, `["deletion"]`, success, medium},
}

// Verbs are those of the table, sorted: what is not in it is filed as an act on the
// configuration.
func Verbs() []string { return slices.Sorted(maps.Keys(verbs)) }

// operator renders an act on the product.
func (r *renderer) operator() {
	o := r.rec.Operator
	at := r.rec.At.UTC().Format(time.RFC3339Nano)
	key := []string{o.Verb, o.By, at}
	if len(r.rec.Actions) > 0 { // several actions may be judged in one moment
		key = append(key, o.Detail)
	}
	if o.Budget != "" { // and several budgets found in one look
		key = append(key, o.Budget)
	}
	h := head{
		stream: AuditStream, time: r.rec.At, created: r.rec.At, id: docID(AuditStream, key...),
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
	if j := o.Judgement; j != nil {
		w.text("verdict", string(j.Verdict))
		w.text("judged", j.ID)
	}
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
	}
	r.about(o)
	r.end(&h, key...)
}

// about writes whom an act is by and, of a verdict, what it is about, so that it
// stands in the timelines of those concerned.
func (r *renderer) about(o *pipeline.OperatorPart) {
	j := o.Judgement
	if j == nil {
		if o.By != "" {
			r.related(pipeline.EntitiesPart{User: &pipeline.EntityPart{Name: o.By}}, "")
		}
		return
	}
	x := j.Entities
	by := pipeline.EntityPart{Name: o.By}
	if x.User != nil {
		by.ID, by.Email = x.User.ID, x.User.Email
		by.Keys = x.User.Keys
	}
	x.User = &by
	r.related(x, "")
	w := &r.w
	if s := x.Session; s != nil {
		m := w.open("session")
		w.text("id", bare(s))
		w.texts("keys", r.identifiers(s)...)
		w.close(m)
	}
	m := w.open("policy")
	w.text("decision_id", j.Decision)
	w.close(m)
	m = w.open("rule")
	w.texts("name", j.Rules...)
	w.close(m)
	m = w.open("action")
	w.text("id", j.Action)
	w.close(m)
	r.chain(j.Chain, 2, j.ID)
}
