package document

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Messages are read in a timeline, one below the other: who says it, what
// happened, to whom, why.

// eventMessage is, for example,
// "idp.example.com: user risk LOW→HIGH for jane@example.com (impossible travel)".
// A record of a channel is its product's word: a source may carry several.
func eventMessage(provider string, e *pipeline.EventPart, ecs strictjson.Value, p *payload, x pipeline.EntitiesPart) string {
	var b strings.Builder
	b.Grow(128)
	b.WriteString(clip(first(ecs.Get("observer", "vendor").Text(), host(provider))))
	b.WriteString(": ")
	b.WriteString(statement(e.Type, e.URI, p))
	if s := who(x, strings.HasPrefix(e.Type, "device-") || e.Type == "posture" || p.principal == "device"); s != "" {
		b.WriteString(" for ")
		b.WriteString(s)
	}
	if s := where(e, ecs, x, p); s != "" {
		b.WriteString(s)
	}
	if why := first(p.why(), aside(e.Type, p)); why != "" {
		b.WriteString(" (")
		b.WriteString(why)
		b.WriteByte(')')
	}
	return b.String()
}

// where says on which host, or from where, for what a product reports; "" where
// nothing tells.
func where(e *pipeline.EventPart, ecs strictjson.Value, x pipeline.EntitiesPart, p *payload) string {
	switch {
	case e.Type == "activity" && p.sourceIP != "":
		return " from " + p.sourceIP
	case e.Type != "alert":
		return ""
	}
	name := ecs.Get("host", "name").Text()
	if name == "" || x.User == nil && x.Device != nil && label(x.Device) == name {
		return ""
	}
	return " on " + clip(name)
}

// aside is what is worth saying beside the statement when no reason is given.
func aside(name string, p *payload) string {
	switch name {
	case "alert":
		var said []string
		for _, s := range []string{p.disposition, p.verdict} {
			if s != "" && s != "unknown" {
				said = append(said, strings.ReplaceAll(s, "_", " "))
			}
		}
		return strings.Join(said, ", ")
	case "posture":
		return p.failed
	}
	return ""
}

// statement says what an event says, in a few words.
func statement(name, uri string, p *payload) string {
	switch name {
	case "risk-level-change":
		return first(p.principal, "unknown") + " risk " + strings.ToUpper(step(p.previousLevel, p.currentLevel))
	case "user-risk-change", "device-risk-change":
		return strings.TrimSuffix(name, "-risk-change") + " risk " + strings.ToUpper(step(p.previousLevel, p.currentLevel))
	case "assurance-level-change":
		return "assurance level " + step(p.previousLevel, p.currentLevel)
	case "device-compliance-change":
		return "device compliance " + step(p.previousStatus, p.currentStatus)
	case "credential-change":
		return first(p.credentialType, "credential") + " " + first(changed[p.changeType], "changed")
	case "credential-compromise":
		return first(p.credentialType, "credential") + " compromised"
	case "alert":
		text := "alert " + strconv.Quote(first(p.title, "without a title"))
		if p.severity == "" || p.severity == "unknown" {
			return text + " of unknown severity"
		}
		return p.severity + " " + text
	case "activity":
		text := first(p.action, "activity")
		if p.outcome != "" && p.outcome != "unknown" {
			text += " " + p.outcome
		}
		return text
	case "posture":
		return "posture " + first(p.status, "unknown")
	case "unknown":
		return "unknown event " + uri
	}
	if past, ok := strings.CutPrefix(name, "account-"); ok && past != "credential-change-required" {
		return "account " + past
	}
	return spaced.Replace(name)
}

var spaced = strings.NewReplacer("-", " ", ":", " ")

var changed = map[string]string{"create": "created", "update": "updated", "revoke": "revoked", "delete": "deleted"}

// step shows a change of level or status.
func step(from, to string) string {
	if from == "" {
		return first(to, "unknown")
	}
	return from + "→" + first(to, "unknown")
}

// host shortens an issuer to its host.
func host(issuer string) string {
	if rest, ok := strings.CutPrefix(issuer, "https://"); ok && !strings.ContainsAny(rest, "/?#@") {
		return rest
	}
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		return u.Host
	}
	return issuer
}

func messageOf(provider string, in *pipeline.InputPart, reason string) string {
	what := "token"
	if in.Mapping != "" {
		what = "record"
	}
	switch in.Verdict {
	case pipeline.Rejected:
		what += " rejected"
	case pipeline.Reused:
		what += " id " + in.JTI + " reused"
	case pipeline.Repeated:
		what += " repeated"
	case pipeline.Discarded:
		what += " set aside"
	case pipeline.Accepted:
		if in.Mapping != "" {
			what = "record left out by mapping " + in.Mapping
			break
		}
		fallthrough
	default:
		what += " without events"
	}
	if reason == "" {
		return host(provider) + ": " + what
	}
	return host(provider) + ": " + what + ": " + reason
}

// decisionMessage is, for example,
// "revoke-session for jane@example.com: credential phished (credential_compromise)".
func decisionMessage(o *pipeline.Outcome, s summary) string {
	about, name := "", who(o.Entities, false)
	if name != "" {
		about = " for " + name
	}
	switch {
	case len(s.actions) > 0:
		var types []string
		for _, a := range s.actions {
			if len(types) == 0 || types[len(types)-1] != a.Type {
				types = append(types, a.Type)
			}
		}
		verb := ""
		switch {
		case s.shadow:
			verb = "would "
		case o.Decision.Result == "suppressed":
			verb = "suppressed: "
		case o.Decision.Result == "needs_approval":
			verb = "to be approved: "
		}
		text := verb + strings.Join(types, ", ") + about
		if len(s.reasons) > 0 {
			text += ": " + unnamed(s.reasons[0], name)
		}
		return text + " (" + strings.Join(s.rules, ", ") + ")"
	case len(s.errors) > 0:
		return "no decision" + about + ": " + s.errors[0]
	case len(s.reasons) > 0:
		return "no action" + about + ": " + unnamed(s.reasons[0], name)
	case len(s.rules) > 0:
		return "no action" + about + ": noted by " + strings.Join(s.rules, ", ")
	case len(o.Decision.Quiet) > 0:
		return "no action" + about + ": " + strings.Join(o.Decision.Quiet, ", ") + " looked at " + o.Event.Type + " and found nothing to do"
	}
	return "no action" + about + ": no rule looks at " + o.Event.Type
}

// unnamed is a reason without the name it begins with, where the name stands
// already.
func unnamed(reason, name string) string {
	if name == "" {
		return reason
	}
	return strings.TrimPrefix(reason, name+": ")
}

// actionMessage is, for example,
// "revoke-session for jane@example.com held: protected subject".
func actionMessage(a *pipeline.Action) string {
	var b strings.Builder
	b.WriteString(a.Type)
	name := who(pipeline.EntitiesPart{User: a.User, Device: a.Device, Session: a.Session}, false)
	if name == "" {
		name = first(keyValue(a.Key), a.Key)
	}
	if name != "" {
		b.WriteString(" for ")
		b.WriteString(name)
	}
	b.WriteByte(' ')
	if strings.HasPrefix(a.Why, string(a.Status)+" by ") { // the word of a person
		b.WriteString(a.Why)
		return b.String()
	}
	b.WriteString(strings.ReplaceAll(string(a.Status), "_", " "))
	if a.Target != "" {
		b.WriteString(preposition(a.Status))
		b.WriteString(a.Target)
		if a.Stream != "" {
			b.WriteString("/" + a.Stream)
		}
	}
	if a.Call != nil {
		b.WriteString(" (" + strings.TrimSpace(first(a.Call.Method, "call")+" "+a.Call.Path) + ")")
	}
	if a.Mode == pipeline.Shadow {
		b.WriteString(" in the shadow")
	}
	if a.Test {
		b.WriteString(" as a test")
	}
	why := first(a.Why, a.Info)
	if why == "" && (a.Status == pipeline.Queued || a.Status == pipeline.Proposed) {
		why = unnamed(a.Reason, name)
	}
	if why != "" {
		b.WriteString(": ")
		b.WriteString(why)
	}
	return b.String()
}

// preposition joins a status with the target.
func preposition(s pipeline.Status) string {
	switch s {
	case pipeline.Acked, pipeline.Done:
		return " by "
	case pipeline.Failed, pipeline.Dead:
		return " at "
	case pipeline.Sent:
		return " to "
	}
	return " for "
}

func operatorMessage(o *pipeline.OperatorPart) string {
	if o.Judgement != nil {
		return verdictMessage(o)
	}
	text := o.Verb
	if o.By != "" {
		text += " by " + o.By
	}
	if o.Failed != "" {
		return text + " failed: " + o.Failed
	}
	for _, s := range []string{o.Detail, o.Comment} {
		if s != "" {
			text += ": " + s
		}
	}
	return text
}

// verdictMessage is, for example,
// "verdict false by ana on credential-compromise d-... for jane@example.com: a drill".
func verdictMessage(o *pipeline.OperatorPart) string {
	j := o.Judgement
	text := "verdict " + string(j.Verdict)
	if o.By != "" {
		text += " by " + o.By
	}
	text += " on " + j.Type + " " + j.ID
	if name := who(j.Entities, false); name != "" {
		text += " for " + name
	}
	if o.Comment != "" {
		text += ": " + o.Comment
	}
	return text
}
