package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// results collects what the bodies of one document gave, until all are known
// to be good.
type results struct {
	rule      *rule
	root      strictjson.Value
	proposals []pipeline.Proposal
	facts     []pipeline.Fact
	timers    []pipeline.TimerOrder
	notes     []pipeline.Note
	fired     []pipeline.Fired
}

// into adds the results to a decision.
func (r *results) into(d *pipeline.Decision) {
	d.Proposals = append(d.Proposals, r.proposals...)
	d.Facts = append(d.Facts, r.facts...)
	d.Timers = append(d.Timers, r.timers...)
	d.Notes = append(d.Notes, r.notes...)
	d.Fired = append(d.Fired, r.fired...)
}

// add takes the value of one body: a set, or an object for facts.
func (r *results) add(b *body, v ast.Value) error {
	var list []ast.Value
	switch v := v.(type) {
	case ast.Set:
		v.Foreach(func(t *ast.Term) { list = append(list, t.Value) })
	case ast.Object:
		if v.Len() > 0 {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, v := range list {
		var err error
		switch b.document {
		case actionsDoc:
			err = r.action(b, v)
		case factsDoc:
			err = r.fact(v)
		case timersDoc:
			err = r.timer(v)
		case notesDoc:
			err = r.note(v)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", r.rule.file, b.written.Head.Location.Row, err)
		}
	}
	r.fired = append(r.fired, pipeline.Fired{Rule: r.rule.name, Branch: b.branch()})
	return nil
}

// branch names a body in decisions.
func (b *body) branch() string {
	if b.title != "" {
		return b.title
	}
	return b.document
}

// action reads {type, reason, subject?, key?, mode?, ...}; what else it holds is
// given to the templates of the action type.
func (r *results) action(b *body, v ast.Value) error {
	if len(r.proposals) == maxActions {
		return fmt.Errorf("more than %d actions", maxActions)
	}
	m, ok := fromValue(v).(map[string]any)
	if !ok {
		return fmt.Errorf("an action must be an object, not %s", v)
	}
	p := pipeline.Proposal{Rule: r.rule.name, Branch: b.branch(), Severity: r.rule.severity, Mode: r.rule.mode, Limit: r.rule.limit}
	var mode string
	for _, member := range []struct {
		name     string
		into     *string
		required bool
	}{{"type", &p.Type, true}, {"reason", &p.Reason, true}, {"key", &p.Key, false}, {"mode", &mode, false}} {
		text, isText := m[member.name].(string)
		if _, given := m[member.name]; !given && !member.required {
			continue
		}
		if !isText || text == "" {
			return fmt.Errorf("an action needs %s as text", member.name)
		}
		*member.into = text
		delete(m, member.name)
	}
	if mode != "" && !slices.Contains(modes, mode) {
		return fmt.Errorf("unknown mode %q", mode)
	}
	p.Mode, p.Reason = p.Mode.Lower(pipeline.Mode(mode)), clip(p.Reason)
	if s, given := m["subject"]; given {
		subject, err := subjectOf(s)
		if err != nil {
			return fmt.Errorf("subject of %s: %w", p.Type, err)
		}
		p.Subject = subject
		delete(m, "subject")
	}
	if types := r.rule.actionTypes; types != nil && !slices.Contains(types, p.Type) {
		return fmt.Errorf("there is no action type %q", p.Type)
	}
	if len(m) > 0 {
		if size(m) > maxWithSize {
			return fmt.Errorf("an action of type %s is larger than %d bytes", p.Type, maxWithSize)
		}
		p.With = m
	}
	if slices.ContainsFunc(r.proposals, func(o pipeline.Proposal) bool { return sameAction(o, p) }) {
		return nil
	}
	r.proposals = append(r.proposals, p)
	return nil
}

// sameAction reports whether two proposals of one rule and event are one action
// by its id; the first body to ask for it is the one that is heard.
func sameAction(a, b pipeline.Proposal) bool {
	return a.Type == b.Type && a.Key == b.Key && text(a.Subject) == text(b.Subject)
}

// subjectOf reads whom an action is about: a canonical key from the input, an
// object of canonical keys by the members of a complex subject, or a subject
// identifier (RFC 9493).
func subjectOf(v any) (map[string]any, error) {
	switch v := v.(type) {
	case string:
		s, err := event.ParseKey(v)
		if err != nil {
			return nil, err
		}
		return identifier(s)
	case map[string]any:
		if _, isIdentifier := v["format"]; isIdentifier {
			return v, checkIdentifier(v)
		}
		complex := map[string]any{"format": "complex"}
		for name, key := range v {
			text, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("%s must be a canonical key such as %q", name, "email:jane@example.com")
			}
			s, err := event.ParseKey(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if complex[name], err = identifier(s); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return complex, checkIdentifier(complex)
	}
	return nil, fmt.Errorf("must be a canonical key or an object")
}

func identifier(s event.Subject) (m map[string]any, err error) {
	err = json.Unmarshal(s.AppendJSON(nil), &m)
	return m, err
}

func checkIdentifier(m map[string]any) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	v, err := strictjson.Parse(text, strictjson.DefaultLimits)
	if err != nil {
		return err
	}
	_, _, err = event.ParseSubject(v, event.SubjectOptions{})
	return err
}

// fact reads the one or more facts of a body: name to {value, ttl, of?}.
func (r *results) fact(v ast.Value) error {
	all, ok := fromValue(v).(map[string]any)
	if !ok {
		return fmt.Errorf("facts must be an object, not %s", v)
	}
	for _, name := range sortedNames(all) {
		m, ok := all[name].(map[string]any)
		if !ok {
			return fmt.Errorf("fact %q must be an object of value, ttl and of", name)
		}
		f := pipeline.Fact{Rule: r.rule.name, Name: name, Value: m["value"], Of: "user"}
		if !r.root.Get("user").Exists() {
			f.Of = "device"
		}
		if of, given := m["of"]; given {
			f.Of, _ = of.(string)
		}
		ttl, err := durationOf(m["ttl"])
		switch {
		case err != nil:
			return fmt.Errorf("ttl of fact %q: %w", name, err)
		case ttl <= 0:
			return fmt.Errorf("ttl of fact %q must be positive", name)
		case f.Value == nil:
			return fmt.Errorf("fact %q has no value", name)
		case len(r.facts) == maxFacts:
			return fmt.Errorf("more than %d facts", maxFacts)
		}
		if extra := unknownMember(m, factMembers); extra != "" {
			return fmt.Errorf("unknown member %q of fact %q", extra, name)
		}
		f.TTL = ttl
		if err := f.Check(); err != nil {
			return err
		}
		if i := slices.IndexFunc(r.facts, func(o pipeline.Fact) bool { return o.Name == name && o.Of == f.Of }); i >= 0 {
			if text(r.facts[i]) != text(f) {
				return fmt.Errorf("two bodies give fact %q different values", name)
			}
			continue
		}
		r.facts = append(r.facts, f)
	}
	return nil
}

// timer reads {name, after, data?}; after "0s" cancels.
func (r *results) timer(v ast.Value) error {
	m, ok := fromValue(v).(map[string]any)
	if !ok {
		return fmt.Errorf("a timer must be an object, not %s", v)
	}
	t := pipeline.TimerOrder{Rule: r.rule.name}
	t.Name, _ = m["name"].(string)
	after, err := durationOf(m["after"])
	switch {
	case t.Name == "":
		return fmt.Errorf("a timer needs name as text")
	case err != nil:
		return fmt.Errorf("after of timer %q: %w", t.Name, err)
	case len(r.timers) == maxTimers:
		return fmt.Errorf("more than %d timers", maxTimers)
	}
	if data, given := m["data"]; given {
		if t.Data, ok = data.(map[string]any); !ok || size(data) > maxDataSize {
			return fmt.Errorf("data of timer %q must be an object of at most %d bytes", t.Name, maxDataSize)
		}
	}
	if extra := unknownMember(m, timerMembers); extra != "" {
		return fmt.Errorf("unknown member %q of timer %q", extra, t.Name)
	}
	t.After = after
	if i := slices.IndexFunc(r.timers, func(o pipeline.TimerOrder) bool { return o.Name == t.Name }); i >= 0 {
		if text(r.timers[i]) != text(t) {
			return fmt.Errorf("two bodies set timer %q differently", t.Name)
		}
		return nil
	}
	r.timers = append(r.timers, t)
	return nil
}

func (r *results) note(v ast.Value) error {
	s, ok := v.(ast.String)
	switch {
	case !ok || s == "":
		return fmt.Errorf("a note must be text, not %s", v)
	case len(r.notes) == maxNotes:
		return fmt.Errorf("more than %d notes", maxNotes)
	}
	r.notes = append(r.notes, pipeline.Note{Rule: r.rule.name, Text: clip(string(s))})
	return nil
}

var (
	factMembers  = []string{"of", "ttl", "value"}
	timerMembers = []string{"after", "data", "name"}
)

// unknownMember returns a member that is none of the known ones, "" if all are.
func unknownMember(m map[string]any, known []string) string {
	for _, name := range sortedNames(m) {
		if !slices.Contains(known, name) {
			return name
		}
	}
	return ""
}

// durationOf reads "15m" or a number of seconds.
func durationOf(v any) (time.Duration, error) {
	switch v := v.(type) {
	case string:
		return parseDuration(v)
	case json.Number:
		n, err := v.Int64()
		if err != nil || n < 0 || n > int64(maxDuration/time.Second) {
			return 0, fmt.Errorf("%s is not a number of seconds up to %d days", v, maxDuration/(24*time.Hour))
		}
		return time.Duration(n) * time.Second, nil
	}
	return 0, fmt.Errorf("must be a duration such as 15m or a number of seconds")
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

// text is the JSON of a value made of plain JSON types, which always has one.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func size(v any) int { return len(text(v)) }

// clip bounds a text meant for people.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	return string([]rune(s)[:maxText-1]) + "…"
}
