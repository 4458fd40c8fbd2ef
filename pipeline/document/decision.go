package document

import (
	"encoding/json"
	"slices"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// decision renders what the rules said about one event.
func (r *renderer) decision(o *pipeline.Outcome) {
	in, d := r.rec.Input, o.Decision
	s := r.summary(d)
	h := head{
		stream: DecisionStream, time: r.rec.At, created: r.rec.At, id: d.ID,
		category: category{isEvent, `["intrusion_detection"]`, `["info","allowed"]`, success, s.severity},
		action:   "policy-decision", module: "ssf", provider: product, tags: r.marks(),
	}
	if len(s.reasons) > 0 {
		h.reason = s.reasons[0]
	}
	switch d.Result {
	case "act", "needs_approval", "suppressed":
		h.category.types = `["info","denied"]`
	}
	if d.Result == "error" || len(d.Errors) > 0 {
		h.category.outcome = failure
	}
	if s.shadow {
		h.tags = append(h.tags, "shadow")
	}
	h.message = decisionMessage(o, s)
	r.begin(&h)
	w := &r.w
	m := w.open("policy")
	w.text("decision_id", d.ID)
	w.text("revision", d.Revision)
	w.text("result", d.Result)
	w.texts("mode", s.modes...)
	w.texts("rules", s.rules...)
	w.texts("quiet", d.Quiet...)
	w.texts("reasons", s.reasons...)
	w.texts("branch", s.branches...)
	w.texts("errors", s.errors...)
	r.facts(d.Facts)
	if d.Steps > 0 {
		w.int("steps", int64(d.Steps))
	}
	w.close(m)
	m = w.open("rule")
	w.texts("name", s.rules...)
	w.text("version", d.Revision)
	w.close(m)
	if len(s.errors) > 0 {
		m = w.open("error")
		w.text("message", s.errors[0])
		w.close(m)
	}
	r.transaction(in.Txn)
	r.entities(o.Entities, &payload{}, "")
	r.related(o.Entities, "")
	r.chain(root(in), 1, o.Event.ID)
	r.end(&h, d.ID, d.Revision)
}

// summary is a decision with its actions folded into lists.
type summary struct {
	rules, branches, reasons, modes, errors []string
	actions                                 []*pipeline.Action
	severity                                int64
	shadow                                  bool // all that was asked for stays in the shadow
}

func (r *renderer) summary(d *pipeline.DecisionPart) (s summary) {
	add := func(list *[]string, v string) {
		if v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	for _, f := range d.Fired {
		add(&s.rules, f.Rule)
		add(&s.branches, f.Branch)
	}
	s.severity = informational
	for i := range r.rec.Actions {
		a := &r.rec.Actions[i]
		if a.Decision != d.ID {
			continue
		}
		s.actions = append(s.actions, a)
		add(&s.reasons, a.Reason)
		add(&s.modes, string(a.Mode))
		s.severity = max(s.severity, severityOf(a.Severity, informational))
	}
	s.shadow = len(s.modes) == 1 && s.modes[0] == string(pipeline.Shadow)
	for _, n := range d.Notes {
		add(&s.reasons, n.Text)
	}
	for _, e := range d.Errors {
		add(&s.errors, e.Rule+": "+e.Message)
	}
	return s
}

// facts writes what the rules wanted remembered, by rule and name.
func (r *renderer) facts(facts []pipeline.Fact) {
	if len(facts) == 0 {
		return
	}
	w := &r.w
	m := w.open("facts")
	for i, f := range facts {
		if slices.ContainsFunc(facts[:i], func(g pipeline.Fact) bool { return g.Rule == f.Rule && g.Name == f.Name }) {
			continue
		}
		value, err := json.Marshal(f.Value)
		if err != nil || string(value) == "null" || len(value) > longestReason {
			continue
		}
		if w.b[len(w.b)-1] != '{' {
			w.b = append(w.b, ',')
		}
		w.b = strictjson.AppendString(w.b, f.Rule+"."+f.Name)
		w.b = append(w.b, ':')
		w.b = append(w.b, value...)
	}
	w.close(m)
}

// transaction writes the transaction of a document that is not of a token.
func (r *renderer) transaction(txn string) {
	m := r.w.open("set")
	r.w.text("txn", txn)
	r.w.close(m)
}
