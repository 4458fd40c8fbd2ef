package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

type actionBlock struct {
	Name         string         `hcl:"name,label"`
	Emits        []emitBlock    `hcl:"emit,block"`
	Dos          []doBlock      `hcl:"do,block"`
	Merge        *time.Duration `hcl:"merge,optional"`
	ValidFor     *time.Duration `hcl:"valid_for,optional"`
	ReversibleBy *string        `hcl:"reversible_by,optional"`
}

type emitBlock struct {
	Event string               `hcl:"event,label"`
	To    []string             `hcl:"to,optional"`
	Body  hclsyntax.Expression `hcl:"body,optional"`
}

// defaultValidFor is how long an action of the file's own is worth sending.
const defaultValidFor = 24 * time.Hour

// actionName is what an action type may be called.
var actionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// actions decodes the action blocks over the shipped types. A block for a
// shipped type changes what it mentions: an attribute replaces the shipped one;
// emit blocks replace all shipped ones, but one without a body keeps the body
// that the shipped type has for the event. An emit waits for the do blocks that
// are written before it.
func (l *loader) actions(blocks []actionBlock) {
	seen := map[string]int{}
	for i, b := range blocks {
		at := fmt.Sprintf("action[%d]", i)
		label := l.spots.find(at + "#name").at
		if first, ok := seen[b.Name]; ok {
			l.faultf(label, fmt.Sprintf("action %q given twice", b.Name), "It was given on line %d; put both into one block.", first)
			continue
		}
		seen[b.Name] = label.Start.Line
		if !actionName.MatchString(b.Name) {
			l.fault(label, fmt.Sprintf("invalid action name %q", b.Name), "Use small letters, digits and dashes, starting with a letter, such as \"lock-badge\".")
		}
		l.action(at, b)
	}
}

func (l *loader) action(at string, b actionBlock) {
	a := l.cfg.Actions[b.Name]
	if a == nil {
		a = &Action{Name: b.Name, ValidFor: defaultValidFor}
		l.cfg.Actions[b.Name] = a
	}
	a.Place = l.place(at)
	a.Merge = either(b.Merge, a.Merge)
	a.ValidFor = either(b.ValidFor, a.ValidFor)
	a.ReversibleBy = either(b.ReversibleBy, a.ReversibleBy)
	if b.ReversibleBy != nil {
		l.mentions = append(l.mentions, at+".reversible_by")
	}
	between(l, at+".merge", a.Merge, 0, 31*24*time.Hour)
	between(l, at+".valid_for", a.ValidFor, time.Second, 31*24*time.Hour)
	if b.Emits == nil && b.Dos == nil {
		return
	}
	if l.shipping {
		l.says(at, a, b.Dos)
		b.Dos = nil
	}
	a.Dos = nil
	for i, d := range b.Dos {
		if do, ok := l.do(fmt.Sprintf("%s.do[%d]", at, i), d, a.Says); ok {
			a.Dos = append(a.Dos, do)
		}
	}
	shipped := a.Emits
	a.Emits = nil
	if b.Emits == nil {
		for _, e := range shipped { // they go nowhere, and tell what the action is about
			e.After = len(b.Dos)
			a.Emits = append(a.Emits, e)
		}
	}
	for i, e := range b.Emits {
		if emit, ok := l.emit(fmt.Sprintf("%s.emit[%d]", at, i), e, l.callsBefore(at, i, len(b.Dos)), shipped); ok {
			a.Emits = append(a.Emits, emit)
		}
	}
}

// says takes over what a call without a body of its own says, of a shipped type.
func (l *loader) says(at string, a *Action, dos []doBlock) {
	for i, d := range dos {
		if body, ok := l.compile(d.Body); ok && l.checkObject(fmt.Sprintf("%s.do[%d]", at, i), body) {
			a.Says = body
		}
	}
}

// emit decodes one step. Only a step with a usable event and body is kept.
func (l *loader) emit(at string, b emitBlock, after int, shipped []Emit) (Emit, bool) {
	label := l.spots.find(at + "#event").at
	t, ok := event.ByName(b.Event)
	switch {
	case !ok || t == event.Unknown:
		l.fault(label, fmt.Sprintf("unknown event %q", b.Event), suggest(b.Event, eventNames(), "events"))
		return Emit{}, false
	case t.Status == "deprecated":
		l.fault(label, fmt.Sprintf("event %q is deprecated", b.Event), "It is still read but never sent; for \"sessions-revoked\" send \"session-revoked\" (EVT-29).")
		return Emit{}, false
	case t.Dialect != "" || t.Family == "ssf":
		l.fault(label, fmt.Sprintf("event %q cannot be sent by an action", b.Event), "It belongs to a vendor's dialect or to the stream itself; send a CAEP or RISC event.")
		return Emit{}, false
	}
	emit := Emit{Event: t, To: l.route(at, t, after, b.To), After: after}
	if b.Body == nil {
		for _, e := range shipped {
			if e.Event == t {
				emit.Body = e.Body
				return emit, true
			}
		}
		b.Body = commonBody(t)
	}
	body, ok := l.compile(b.Body)
	if !ok {
		return Emit{}, false
	}
	emit.Body = body
	return emit, l.checkBody(at, emit)
}

// checkBody holds a payload, as far as it is known before there is an action,
// against the definition of its event.
func (l *loader) checkBody(at string, e Emit) bool {
	t, body := e.Event, e.Body
	sample, err := body.sample(t, l.inside(e))
	if err != nil {
		var diags hcl.Diagnostics
		if errors.As(err, &diags) {
			l.hcl(diags)
		} else {
			l.fault(l.spots.find(at+".body").at, "unsuitable body", sentence(err.Error()))
		}
		return false
	}
	var broken *event.PayloadError
	if err := t.Check(sample); errors.As(err, &broken) {
		where := l.spots.find(at + ".body").at
		if member, ok := body.member(broken.Field); ok {
			where = member
		}
		detail := "The payload's member " + broken.Error() + "."
		if broken.Field == "" {
			detail = sentence(broken.Error())
		}
		if _, written := l.spots[at+".body"]; !written {
			detail += " Write a body = { ... } that has it."
		}
		l.fault(where, fmt.Sprintf("body does not fit %s", t.Name), detail)
		return false
	}
	return true
}

// inside reports whether the sinks of an emit write the subject into the payload
// themselves.
func (l *loader) inside(e Emit) bool {
	return len(e.To) > 0 && !slices.ContainsFunc(e.To, func(name string) bool {
		i := slices.IndexFunc(l.cfg.Sinks, func(s Sink) bool { return s.Name == name })
		_, ok := l.cfg.Sinks[i].Config.(kind.Taker)
		return !ok
	})
}

// judgements are the events that state an opinion or a demand of ours, which is
// true because we say it. Every other event tells of something that happened.
var judgements = []string{"credential-compromise", "risk-level-change", "account-credential-change-required", "user-risk-change", "device-risk-change"}

// route checks the sinks of an emit that has so many calls before it.
func (l *loader) route(at string, t *event.Type, after int, to []string) []string {
	var known, names []string
	for _, s := range l.cfg.Sinks {
		names = append(names, s.Name)
	}
	for j, name := range to {
		item := fmt.Sprintf("%s.to[%d]", at, j)
		i := slices.IndexFunc(l.cfg.Sinks, func(s Sink) bool { return s.Name == name })
		switch {
		case i < 0 && l.failed["sink "+name]:
			continue // its block is there, and its problem reported
		case i < 0:
			l.field(item, fmt.Sprintf("unknown sink %q", name), suggest(name, names, "sinks"))
			continue
		case slices.Contains(known, name):
			l.field(item, fmt.Sprintf("sink %q given twice", name), "Once is enough.")
			continue
		}
		known = append(known, name)
		s := l.cfg.Sinks[i]
		if takes, ok := s.Config.(kind.Taker); ok && !slices.Contains(takes.Takes(), t.Name) {
			l.field(item, fmt.Sprintf("sink %q does not take %s", name, t.Name),
				fmt.Sprintf("A sink %q takes %s.", s.Kind, list(takes.Takes())))
			continue
		}
		if after == 0 && !s.Authority && t.Family != "local" && !slices.Contains(judgements, t.Name) {
			l.warn(l.spots.find(item).at, fmt.Sprintf("%s is stated to %q, but nothing here brings it about", t.Name, name),
				fmt.Sprintf("An event tells what has happened and commands nothing. Write a do \"<sink>\" { ... } before the emit that brings it about. Or, if the receiver agreed to take our word for the change, write authority = true in sink %q %q.", s.Kind, name))
		}
	}
	return known
}

// references checks the names of actions that blocks mentioned, now that all
// actions are known.
func (l *loader) references() {
	known := sortedKeys(l.cfg.Actions)
	for _, path := range l.mentions {
		if given := l.spots[path].text; l.cfg.Actions[given] == nil {
			l.field(path, fmt.Sprintf("unknown action %q", given), suggest(given, known, "actions"))
		}
	}
	l.takenBack()
}

// sentence makes a full sentence of an error's text.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
