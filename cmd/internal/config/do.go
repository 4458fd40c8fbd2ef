package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// Do is a call an action makes of what a sink stands for.
type Do struct {
	Sink   string
	Method string // "" is the sink's own
	Path   *Path  // nil is the URL of the sink itself
	Body   *Body  // nil sends none
}

// doBlock is a call of an actuator or a notifier.
type doBlock struct {
	Sink   string               `hcl:"sink,label"`
	Method string               `hcl:"method,optional"`
	Path   hclsyntax.Expression `hcl:"path,optional"`
	Body   hclsyntax.Expression `hcl:"body,optional"`
}

// methods are those a call may use.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// do decodes one call; says is the body of one that has none of its own.
func (l *loader) do(at string, b doBlock, says *Body) (Do, bool) {
	do, ok := Do{Sink: b.Sink, Method: b.Method, Body: says}, l.callable(at, b.Sink)
	if b.Method != "" && !slices.Contains(methods, b.Method) {
		l.field(at+".method", fmt.Sprintf("unknown method %q", b.Method), suggest(b.Method, methods, "methods"))
		ok = false
	}
	if b.Path != nil {
		path, right := l.compilePath(b.Path)
		do.Path, ok = path, ok && right
	}
	if b.Body != nil {
		body, right := l.compile(b.Body)
		do.Body, ok = body, ok && right && l.checkObject(at, body)
	}
	return do, ok
}

// callable checks that the sink of a call is there and of a kind that makes
// calls.
func (l *loader) callable(at, name string) bool {
	label := l.spots.find(at + "#sink").at
	var names []string
	for _, s := range l.cfg.Sinks {
		_, calls := s.Config.(kind.Caller)
		switch {
		case s.Name == name && calls:
			return true
		case s.Name == name:
			l.fault(label, fmt.Sprintf("sink %q %q cannot be called", s.Kind, name),
				fmt.Sprintf("It takes events, with emit. A do calls a sink of the kind \"http\", or \"file\" to try it out; state facts with emit \"<event>\" { to = [%q] }.", name))
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

// checkObject holds the body of a call, as far as it is known before there is an
// action, to being an object.
func (l *loader) checkObject(at string, body *Body) bool {
	_, err := body.sample(event.Unknown, false)
	if diags := (hcl.Diagnostics)(nil); errors.As(err, &diags) {
		l.hcl(diags)
	} else if err != nil {
		l.fault(l.spots.find(at+".body").at, "unsuitable body", sentence(err.Error()))
	}
	return err == nil
}

// callsBefore counts the calls of an action that are written before an emit.
func (l *loader) callsBefore(at string, emit, calls int) (n int) {
	here := l.spots.find(fmt.Sprintf("%s.emit[%d]", at, emit)).at.Start.Byte
	for i := range calls {
		if l.spots.find(fmt.Sprintf("%s.do[%d]", at, i)).at.Start.Byte < here {
			n++
		}
	}
	return n
}

// takenBack warns of calls that are not taken back by the action type that is to
// take the action back: its word would be sent, and nothing done.
func (l *loader) takenBack() {
	for _, name := range sortedKeys(l.cfg.Actions) {
		a := l.cfg.Actions[name]
		back := l.cfg.Actions[a.ReversibleBy]
		if back == nil || !back.Routed() {
			continue
		}
		for _, do := range a.Dos {
			if slices.ContainsFunc(back.Dos, func(d Do) bool { return d.Sink == do.Sink }) {
				continue
			}
			l.problem = append(l.problem, warning(back.Place,
				fmt.Sprintf("action %q calls %q, and %q, which takes it back, does not", name, do.Sink, back.Name),
				fmt.Sprintf("Give action %q a do %q { ... } that undoes what that call did.", back.Name, do.Sink)))
		}
	}
}

// Render makes the request of an action.
func (d *Do) Render(v pipeline.ActionVars) (r pipeline.Request, err error) {
	r.Method = d.Method
	if d.Path != nil {
		if r.Path, err = d.Path.Render(v); err != nil {
			return pipeline.Request{}, err
		}
	}
	if d.Body != nil {
		if r.Body, err = d.Body.Render(v); err != nil {
			return pipeline.Request{}, err
		}
	}
	return r, nil
}

func (d *Do) speaksOfKnown() bool {
	if d.Body.speaksOfKnown() {
		return true
	}
	return d.Path != nil && slices.ContainsFunc(d.Path.parts, func(p pathPart) bool { return p.value.speaksOfKnown() })
}

// SpeaksOfKnown reports whether a template of the action needs what is known of
// its subject.
func (a *Action) SpeaksOfKnown() bool {
	return slices.ContainsFunc(a.Dos, func(d Do) bool { return d.speaksOfKnown() }) ||
		slices.ContainsFunc(a.Emits, func(e Emit) bool { return e.Body.speaksOfKnown() })
}
