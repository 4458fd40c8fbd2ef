package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Notify tells people, by a sink that can be called, of what they should know.
type Notify struct {
	Sink     string
	On       []pipeline.NoticeKind // what is told
	Rules    []string              // of which rules; empty: of all, and what is of none
	Severity string                // the mildest that is told; "": all
	Gather   time.Duration         // how long the first of a group waits for more
	Every    time.Duration         // how long a group is quiet that was told of
	Body     *NoticeBody           // nil: a text, as chats take it
	Place    diag.Place

	rulePlaces []diag.Place
}

type notifyBlock struct {
	Sink     string               `hcl:"sink,label"`
	On       []string             `hcl:"on"`
	Rules    []string             `hcl:"rules,optional"`
	Severity string               `hcl:"severity,optional"`
	Gather   *time.Duration       `hcl:"gather,optional"`
	Every    *time.Duration       `hcl:"every,optional"`
	Body     hclsyntax.Expression `hcl:"body,optional"`
}

// How notices are paced by default.
const (
	defaultGather = 5 * time.Second
	defaultEvery  = 10 * time.Minute
)

// notifies decodes the notify blocks.
func (l *loader) notifies(blocks []notifyBlock) {
	seen := map[string]int{}
	for i, b := range blocks {
		at := fmt.Sprintf("notify[%d]", i)
		label := l.spots.find(at + "#sink").at
		if first, ok := seen[b.Sink]; ok {
			l.faultf(label, fmt.Sprintf("notify %q given twice", b.Sink), "It was given on line %d; put both into one block, or give the second a sink of its own.", first)
			continue
		}
		seen[b.Sink] = label.Start.Line
		n := Notify{
			Sink: b.Sink, Rules: b.Rules, Severity: b.Severity,
			Gather: either(b.Gather, defaultGather), Every: either(b.Every, defaultEvery), Place: l.place(at),
		}
		ok := l.tells(at, b.Sink)
		n.On = l.noticeKinds(at+".on", b.On)
		if b.Severity != "" && !slices.Contains(pipeline.Severities, b.Severity) {
			l.field(at+".severity", fmt.Sprintf("unknown severity %q", b.Severity), suggest(b.Severity, pipeline.Severities, "severities"))
		}
		between(l, at+".gather", n.Gather, 0, 10*time.Minute)
		between(l, at+".every", n.Every, time.Second, 24*time.Hour)
		for j := range b.Rules {
			n.rulePlaces = append(n.rulePlaces, l.place(fmt.Sprintf("%s.rules[%d]", at, j)))
		}
		if b.Body != nil {
			body, right := l.noticeBody(at, b.Body)
			n.Body, ok = body, ok && right
		}
		if ok {
			l.cfg.Notify = append(l.cfg.Notify, n)
		}
	}
}

// tells checks that the sink of a block is there and of a kind that makes calls.
func (l *loader) tells(at, name string) bool {
	label := l.spots.find(at + "#sink").at
	var names []string
	for _, s := range l.cfg.Sinks {
		_, calls := s.Config.(interface{ Calls() })
		switch {
		case s.Name == name && calls:
			return true
		case s.Name == name:
			l.fault(label, fmt.Sprintf("sink %q %q cannot be called", s.Kind, name), "A notice goes to a sink of the kind \"http\".")
			return false
		case calls:
			names = append(names, s.Name)
		}
	}
	if !l.failed["sink "+name] { // else its block is there, and its problem reported
		l.fault(label, fmt.Sprintf("unknown sink %q", name), suggest(name, names, "sinks that can be called"))
	}
	return false
}

// noticeKinds checks the kinds of a block.
func (l *loader) noticeKinds(at string, given []string) []pipeline.NoticeKind {
	var known []string
	for _, k := range pipeline.NoticeKinds {
		known = append(known, string(k))
	}
	if _, written := l.spots[at]; written && len(given) == 0 {
		l.field(at, "nothing to tell", "List kinds of notices: "+list(known)+".")
	}
	var kinds []pipeline.NoticeKind
	for j, name := range given {
		item := fmt.Sprintf("%s[%d]", at, j)
		switch k := pipeline.NoticeKind(name); {
		case !slices.Contains(known, name):
			l.field(item, fmt.Sprintf("unknown kind of notice %q", name), suggest(name, known, "kinds"))
		case slices.Contains(kinds, k):
			l.field(item, fmt.Sprintf("kind of notice %q given twice", name), "Once is enough.")
		default:
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// UnknownNotifyRules reports the rules of notify blocks that are not there.
func (c *Config) UnknownNotifyRules(known []string) (problems diag.List) {
	for _, n := range c.Notify {
		for i, rule := range n.Rules {
			if !slices.Contains(known, rule) {
				problems = append(problems, diag.Diagnostic{
					Summary: fmt.Sprintf("unknown rule %q", rule), Detail: suggest(rule, known, "rules"), Place: n.rulePlaces[i],
				})
			}
		}
	}
	return problems
}

// NoticeBody is a template of a request's body over a notice. It is immutable and
// safe for concurrent use.
//
//	notice.kind notice.severity notice.summary notice.text notice.detail  text
//	notice.action notice.type notice.rule notice.subject notice.target     text, "" if there is none
//	notice.command         what to type next, text
//	notice.count           of how many it speaks, a number; text says so, summary does not
//	notice.first notice.last  when, as RFC 3339 writes it
//
// A member whose value is null is left out.
type NoticeBody struct {
	expr hclsyntax.Expression
	text string // as written
}

// String is the template as it is written.
func (b *NoticeBody) String() string {
	if b == nil {
		return ""
	}
	return b.text
}

// noticeValues is what a template sees of a notice.
func noticeValues(n pipeline.Notice) map[string]cty.Value {
	text := func(s string) cty.Value { return cty.StringVal(s) }
	return map[string]cty.Value{
		"kind": text(string(n.Kind)), "severity": text(n.Severity), "summary": text(n.Summary), "text": text(n.Text()),
		"detail": text(n.Detail), "action": text(n.Action), "type": text(n.Type), "rule": text(n.Rule),
		"subject": text(n.Subject), "target": text(n.Target), "command": text(n.Command),
		"count": cty.NumberIntVal(int64(n.Count)),
		"first": text(n.First.UTC().Format(time.RFC3339)), "last": text(n.Last.UTC().Format(time.RFC3339)),
	}
}

// noticeBody compiles a template and tries it.
func (l *loader) noticeBody(at string, e hclsyntax.Expression) (*NoticeBody, bool) {
	ok := l.loopless(e)
	members := sortedKeys(noticeValues(pipeline.Notice{}))
	for _, t := range e.Variables() {
		member := memberName(t, 1)
		switch {
		case t.RootName() != "notice":
			l.fault(t.SourceRange(), fmt.Sprintf("unknown name %q", t.RootName()), "A body speaks of notice only, such as notice.text.")
		case member == "":
			l.fault(t.SourceRange(), "notice cannot be used whole", "Name a member of it: "+list(members)+".")
		case !slices.Contains(members, member):
			l.fault(t[1].SourceRange(), fmt.Sprintf("notice has no member %q", member), suggest(member, members, "members"))
		default:
			continue
		}
		ok = false
	}
	r := e.Range()
	b := &NoticeBody{expr: e, text: string(r.SliceBytes(l.src))}
	if !ok {
		return nil, false
	}
	_, err := b.Render(pipeline.Notice{Kind: pipeline.ApprovalWaiting, Count: 2})
	if diags := (hcl.Diagnostics)(nil); errors.As(err, &diags) {
		l.hcl(diags)
	} else if err != nil {
		l.fault(l.spots.find(at+".body").at, "unsuitable body", sentence(err.Error()))
	}
	return b, err == nil
}

// Render makes the body of a notice's request, a JSON object. Without a template
// it has one member, text, which is what the incoming webhooks of chats take.
func (b *NoticeBody) Render(n pipeline.Notice) ([]byte, error) {
	if b == nil {
		lines := []string{"[" + n.Severity + "] " + n.Text(), n.Detail, "Next: " + n.Command}
		return json.Marshal(map[string]string{"text": strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")})
	}
	v, diags := b.expr.Value(&hcl.EvalContext{
		Functions: bodyFunctions, Variables: map[string]cty.Value{"notice": cty.ObjectVal(noticeValues(n))},
	})
	if diags.HasErrors() {
		return nil, diags
	}
	if !v.Type().IsObjectType() && !v.Type().IsMapType() || v.IsNull() {
		return nil, errNoObject
	}
	v = withoutNulls(v)
	return ctyjson.Marshal(v, v.Type())
}
