package policies

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
)

var (
	namePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	attackPattern = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)
	severities    = []string{"low", "medium", "high", "critical"}
	modes         = []string{string(pipeline.Shadow), string(pipeline.Approve), string(pipeline.Enforce)}
)

// unsaid stands for the needs of a rule that does not say them.
const unsaid = ^pipeline.Needs(0)

// readHeader fills the rule from the METADATA block above its package.
func (ru *rule) readHeader(r *report, b *block) {
	top := b.fields(r, b.root, "METADATA", "title", "description", "related_resources", "custom")
	ru.title = b.text(r, top["title"], "title")
	ru.description = b.text(r, top["description"], "description")
	if ru.title == "" {
		r.errorf(ru.place, "say in a few words what the rule is for", "the rule has no title")
	}
	custom := map[string]*yaml.Node{}
	if n := top["custom"]; n != nil {
		custom = b.fields(r, n, "custom", "on", "needs", "windows", "mode", "limit", "severity", "attack")
	}
	for _, name := range []string{"on", "needs"} {
		if custom[name] == nil {
			r.errorf(ru.place, "add it below custom, [] if it is empty", "the rule does not say %s", name)
		}
	}
	if custom["needs"] == nil {
		ru.needs = unsaid // one complaint is enough
	}
	ru.readOn(r, b, custom["on"])
	for _, n := range b.texts(r, custom["needs"], "needs") {
		bit, ok := pipeline.NeedNames[n.Value]
		if !ok {
			r.errorf(b.place(n), didYouMean(n.Value, slices.Collect(maps.Keys(pipeline.NeedNames))), "unknown need %q", n.Value)
			continue
		}
		ru.needs |= bit
		ru.needNames = append(ru.needNames, n.Value)
	}
	ru.readWindows(r, b, custom["windows"])
	ru.mode = pipeline.Mode(b.choice(r, custom["mode"], "mode", modes, string(pipeline.Shadow)))
	ru.severity = b.choice(r, custom["severity"], "severity", severities, "medium")
	if n := custom["limit"]; n != nil {
		ru.limit = b.limit(r, n)
	}
	for _, n := range b.texts(r, custom["attack"], "attack") {
		if !attackPattern.MatchString(n.Value) {
			r.errorf(b.place(n), "an ATT&CK technique such as T1078 or T1078.004", "%q is not a technique id", n.Value)
			continue
		}
		ru.attack = append(ru.attack, n.Value)
	}
}

// readOn resolves what the rule is about to types of the event catalogue. A
// bare name covers the dialects of the event as well.
func (ru *rule) readOn(r *report, b *block, n *yaml.Node) {
	names := b.texts(r, n, "on")
	if n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.errorf(b.place(n), "name the events it is about", "the rule is about nothing")
	}
	for _, n := range names {
		name := n.Value
		if slices.Contains(ru.on, name) {
			r.errorf(b.place(n), "", "%q is named twice in on", name)
			continue
		}
		concept, isConcept := strings.CutPrefix(name, "concept:")
		t, known := event.ByName(name)
		switch {
		case isConcept:
			if !slices.Contains(event.Concepts(), concept) {
				r.errorf(b.place(n), didYouMean(concept, event.Concepts()), "unknown concept %q", concept)
				continue
			}
			ru.concepts = append(ru.concepts, concept)
		case !known:
			var all []string
			for _, t := range event.Types() {
				all = append(all, t.Name)
			}
			r.errorf(b.place(n), didYouMean(name, all), "unknown event %q", name)
			continue
		case t == event.Unknown:
			ru.unknown = true
		case name != t.Name:
			ru.types = append(ru.types, t)
		default:
			for _, t := range event.Types() {
				if t.Name == name {
					ru.types = append(ru.types, t)
				}
			}
		}
		ru.on = append(ru.on, name)
	}
}

// readWindows reads the counts over time. One per rule for now.
func (ru *rule) readWindows(r *report, b *block, n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(b.place(n), "write it as {name: {key: ..., over: 10m, count: events}}", "windows must be a mapping of names to windows")
		return
	}
	if len(n.Content) > 2 {
		r.errorf(b.place(n.Content[2]), "split the rule", "a rule can have one window")
	}
	for i := 0; i+1 < min(2, len(n.Content)); i += 2 {
		name, body := n.Content[i], n.Content[i+1]
		f := b.fields(r, body, "a window", "key", "over", "count", "of")
		w := pipeline.Window{Rule: ru.name, Name: name.Value}
		ru.windowPlace = b.place(name)
		if !namePattern.MatchString(name.Value) {
			r.errorf(b.place(name), "letters, digits and _", "%q is not a name for a window", name.Value)
		}
		for _, m := range []string{"key", "over", "count"} {
			if f[m] == nil && body.Kind == yaml.MappingNode {
				r.errorf(b.place(name), "add it", "window %q does not say %s", name.Value, m)
			}
		}
		w.Key = ru.readPath(r, b, f["key"], "key")
		if v := f["over"]; v != nil {
			d, err := parseDuration(v.Value)
			switch {
			case err != nil:
				r.errorf(b.place(v), "", "%v", err)
			case d < time.Second || d > maxOver:
				r.errorf(b.place(v), "between 1s and 31d", "a window cannot be %s long", v.Value)
			}
			w.Over = d
		}
		w.Count = b.choice(r, f["count"], "count", []string{"events", "distinct"}, "")
		w.Of = ru.readPath(r, b, f["of"], "of")
		switch {
		case w.Count == "distinct" && w.Of == "":
			r.errorf(b.place(name), "add of: the path of the values told apart", "window %q counts distinct values of nothing", name.Value)
		case w.Count == "events" && w.Of != "":
			r.errorf(b.place(f["of"]), "use count: distinct or remove of", "window %q counts events, not values", name.Value)
		}
		ru.windows = append(ru.windows, w)
	}
}

// readPath reads the path of a value to count by: subject, user, device,
// session, or a member of event such as event.txn or event.body.credential_type.
func (ru *rule) readPath(r *report, b *block, n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	path := n.Value
	rest, inBody := strings.CutPrefix(path, "event.body.")
	switch {
	case !state.ValidPath(path):
		r.errorf(b.place(n), "one of subject, user, device, session, event.issuer, event.source, event.type, event.txn, event.body.<name>",
			"%s: nothing can be counted by %q", what, path)
	case inBody && len(ru.concepts) == 0 && !ru.unknown:
		name, _, _ := strings.Cut(rest, ".")
		if s := bodyOf(ru.types); s.members[name] == nil {
			r.errorf(b.place(n), didYouMean(name, s.names()), "%s: the events in on have no member %q", what, name)
		}
	}
	return path
}

// choice reads one of the given words.
func (b *block) choice(r *report, n *yaml.Node, what string, words []string, otherwise string) string {
	if n == nil {
		return otherwise
	}
	if !slices.Contains(words, n.Value) {
		r.errorf(b.place(n), didYouMean(n.Value, words), "unknown %s %q", what, n.Value)
		return otherwise
	}
	return n.Value
}

// limit reads how many actions a rule may make in a time.
func (b *block) limit(r *report, n *yaml.Node) (l pipeline.Limit) {
	f := b.fields(r, n, "limit", "actions", "per")
	if f["actions"] == nil || f["per"] == nil {
		r.errorf(b.place(n), "write it as {actions: 50, per: 10m}", "limit must say actions and per")
		return l
	}
	count, err := strconv.Atoi(f["actions"].Value)
	if err != nil || count < 1 {
		r.errorf(b.place(f["actions"]), "", "%q is not a number of actions", f["actions"].Value)
	}
	per, err := parseDuration(f["per"].Value)
	if err != nil || per <= 0 {
		r.errorf(b.place(f["per"]), "such as 10m", "%q is not a length of time", f["per"].Value)
	}
	return pipeline.Limit{Actions: count, Per: per}
}
