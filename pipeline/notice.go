package pipeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NoticeKind says what a person is told of.
type NoticeKind string

// The kinds of notices.
const (
	ApprovalWaiting NoticeKind = "approval-waiting" // an action waits for a person
	BrakeTripped    NoticeKind = "brake-tripped"    // a limit, the loop guard or a full queue began to hold actions
	BudgetFilling   NoticeKind = "budget-filling"   // the disk, the journal or a queue is used up by 70, 90 or 100 %
	DeadLetter      NoticeKind = "dead-letter"      // an action came to nothing: refused for good, or its time ran out
	StreamDead      NoticeKind = "stream-dead"      // a source fell silent, or a receiver takes nothing
	RuleFailing     NoticeKind = "rule-failing"     // a rule cannot be evaluated
	ActionsStopped  NoticeKind = "actions-stopped"  // somebody turned the stop switch on
)

// NoticeKinds lists the kinds.
var NoticeKinds = []NoticeKind{ActionsStopped, ApprovalWaiting, BrakeTripped, BudgetFilling, DeadLetter, RuleFailing, StreamDead}

// Severities from the mildest to the gravest, as rules have them.
var Severities = []string{"low", "medium", "high", "critical"}

// Notice is something a person should know, and what to type next. Its texts
// are safe to show in a chat: names of strangers can neither mention, link nor
// format anything.
type Notice struct {
	Kind     NoticeKind `json:"kind"`
	Severity string     `json:"severity"`
	Summary  string     `json:"summary"`          // one sentence on the first of them
	Detail   string     `json:"detail,omitempty"` // why
	Count    int        `json:"count"`            // of how many it speaks
	Action   string     `json:"action,omitempty"` // id of the first action
	Type     string     `json:"type,omitempty"`   // its action type
	Rule     string     `json:"rule,omitempty"`
	Subject  string     `json:"subject,omitempty"` // best name of whom it is about
	Target   string     `json:"target,omitempty"`  // sink
	Command  string     `json:"command"`           // what to type next
	All      string     `json:"all,omitempty"`     // what to type where there are several
	First    time.Time  `json:"first"`
	Last     time.Time  `json:"last"`

	// Group is what notices are gathered by. It is made of names of the
	// configuration only, so that there are few.
	Group string `json:"group"`
}

// Text is the notice in one line, with how many more there are.
func (n *Notice) Text() string {
	text := n.Summary
	if n.Count > 1 {
		text += ", and " + thousands(n.Count-1) + " more"
	}
	return text
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

// add takes in a later notice of the same group.
func (n *Notice) add(more Notice) {
	n.Count += more.Count
	if n.All != "" {
		n.Command = n.All
	}
	if more.Last.After(n.Last) {
		n.Last = more.Last
	}
	if slices.Index(Severities, more.Severity) > slices.Index(Severities, n.Severity) {
		n.Severity = more.Severity
	}
}

// VerbStreamDead is the verb of the note that a stream to a receiver stands still.
const VerbStreamDead = "stream-dead"

// Notices says what a person should know of a record. It is pure.
func Notices(r *Record) []Notice {
	var list []Notice
	add := func(n Notice, group ...string) {
		n.Count, n.First, n.Last = 1, r.At, r.At
		n.Group = string(n.Kind) + " " + strings.Join(group, " ")
		list = append(list, n)
	}
	for i := range r.Actions {
		a := &r.Actions[i]
		// Parts of one action that wait for the same are one; parts behind a
		// call share its end.
		if a.Mode == Shadow || a.Guard == "do" || slices.ContainsFunc(r.Actions[:i], func(b Action) bool {
			return b.ID == a.ID && b.Status == a.Status && b.Target == a.Target && b.Stream == a.Stream
		}) {
			continue
		}
		noticesOf(a, add)
	}
	for i := range r.Outcomes {
		outcomeNotices(&r.Outcomes[i], add)
	}
	if o := r.Operator; o != nil && o.Failed == "" {
		switch o.Verb {
		case "stop-actions":
			add(Notice{Kind: ActionsStopped, Severity: "high", Summary: "all actions were stopped by " + forPeople(o.By),
				Detail: forPeople(o.Comment), Command: "signalbox stop-actions --resume"})
		case VerbStreamDead:
			add(Notice{Kind: StreamDead, Severity: "high", Summary: "a stream to a receiver stands still: " + forPeople(o.Detail),
				Command: "signalbox receivers list"})
		case BudgetWarning, BudgetExhausted:
			add(budgetFilling(o), o.Verb, o.Budget)
		}
	}
	return list
}

// noticesOf says what a person should know of an action.
func noticesOf(a *Action, add func(Notice, ...string)) {
	n := Notice{
		Severity: cmp.Or(a.Severity, "medium"), Action: a.ID, Type: a.Type, Rule: a.Rule, Target: a.Target,
		Subject: subjectOf(a), Detail: forPeople(cmp.Or(a.Reason, a.Why)), Command: "signalbox action show " + a.ID,
	}
	if a.Why != "" && a.Reason != "" {
		n.Detail = forPeople(a.Reason + " (" + a.Why + ")")
	}
	what := a.Type + " for " + n.Subject
	brake := a.Guard == "limit" || a.Guard == "loop" || a.Guard == "backlog"
	switch {
	case a.Status == PendingApproval || a.Status == Held:
		n.Kind, n.Summary, n.All = ApprovalWaiting, what+" waits for approval (rule "+a.Rule+")", "signalbox action list"
		add(n, a.Rule, a.Type)
	case a.Status == Dead, a.Status == Expired:
		n.Kind, n.Summary, n.All = DeadLetter, what+" came to nothing", "signalbox action list"
		if a.Status == Expired { // nothing is left of it that could be released
			n.Command, n.All = "signalbox explain "+a.ID, "signalbox query 'action.status:expired' --since 1h"
		}
		if a.Target != "" {
			n.Summary += " at " + a.Target
		}
		n.Detail = forPeople(a.Why)
		add(n, string(a.Status), a.Target, a.Type)
	}
	if brake && (a.Status == PendingApproval || a.Status == Held || a.Status == Suppressed) {
		n.Kind, n.Severity, n.Detail = BrakeTripped, "high", forPeople(a.Why)
		n.Summary = "the " + a.Guard + " guard holds actions: " + what
		n.Command, n.All = "signalbox query 'action.guard:"+a.Guard+"' --since 1h", ""
		add(n, a.Guard, a.Rule, a.Target)
	}
}

// outcomeNotices says what a person should know of the decision on an event, and
// of an event about ourselves.
func outcomeNotices(o *Outcome, add func(Notice, ...string)) {
	if o.Event.Type == "feed-health" {
		var body struct{ Source, Status, Reason string }
		if json.Unmarshal(o.Event.Body, &body) == nil && body.Status == "blind" {
			add(Notice{Kind: StreamDead, Severity: "high", Summary: "a source fell silent: " + forPeople(body.Source+": "+body.Reason),
				Command: "signalbox status"}, body.Source)
		}
	}
	if o.Decision == nil {
		return
	}
	for i, e := range o.Decision.Errors {
		if slices.ContainsFunc(o.Decision.Errors[:i], func(b RuleError) bool { return b.Rule == e.Rule }) {
			continue
		}
		add(Notice{
			Kind: RuleFailing, Severity: "medium", Rule: e.Rule, Summary: "rule " + e.Rule + " fails for " + o.Event.Type,
			Detail: forPeople(e.Document + ": " + e.Message), Command: "signalbox explain " + o.Decision.ID,
		}, e.Rule)
	}
}

// budgetFilling is of the two verbs each: that intake stops must not wait because
// a warning was given a moment ago.
func budgetFilling(o *OperatorPart) Notice {
	n := Notice{
		Kind: BudgetFilling, Severity: "medium", Summary: forPeople(o.Detail), Detail: forPeople(o.Comment),
		Command: "signalbox store status",
	}
	if o.Verb == BudgetExhausted {
		n.Severity = "high"
	}
	return n
}

// subjectOf is the best name of whom an action is about.
func subjectOf(a *Action) string {
	name := a.Key
	if u := a.User; u != nil && (u.Email != "" || u.Name != "") {
		name = cmp.Or(u.Email, u.Name)
	}
	return forPeople(name)
}

// forPeople makes foreign text fit for a chat: clean, without what makes
// mentions, links and formats in any of them.
func forPeople(s string) string {
	var b strings.Builder
	before := ' '
	for _, r := range strings.ReplaceAll(Clean(s), "://", "[:]//") {
		switch {
		case r == '<' || r == '>' || r == '`' || r == '*' || r == '|' || r == '~':
			b.WriteByte('\'')
		case r == '@' && strings.ContainsRune(" \t\"'([{,;:<>`*|~", before):
			b.WriteString("(at)")
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}
