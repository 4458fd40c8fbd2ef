package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// eventsHelp tells what the names are for.
const eventsHelp = `
The names are those of on in a rule, of events in a remit and of emit in an
action. NAME may be qualified by its family, as in okta:session-revoked.

`

// runEvents looks the catalogue of events up.
func runEvents(_ context.Context, c *call) error {
	format := c.formatFlag("text", "json", "markdown")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return usagef("unexpected argument %q", rest[1])
	}
	types := event.Types()
	if len(rest) == 1 {
		if types, err = typesNamed(rest[0]); err != nil {
			return err
		}
	}
	switch {
	case *format == "markdown":
		eventsMarkdown(c.Out, types)
		return nil
	case *format == "json":
		list := []eventView{}
		for _, t := range types {
			list = append(list, viewOf(t))
		}
		return writeJSON(c.Out, list)
	case len(rest) == 0:
		var rows [][]string
		for _, t := range types {
			rows = append(rows, []string{t.QualifiedName(), t.Family, t.Doc})
		}
		return table(c.Out, []string{"name", "family", "says"}, rows)
	}
	for i, t := range types {
		if i > 0 {
			fmt.Fprintln(c.Out)
		}
		printEvent(&report{c.Out, coloursFor(c.Out, c.Env)}, t)
	}
	return nil
}

// typesNamed finds the types of a name, with the dialects of it.
func typesNamed(name string) ([]*event.Type, error) {
	var found []*event.Type
	for _, t := range event.Types() {
		if t.Name == name || t.URI == name || t.Family+":"+t.Name == name || slices.Contains(t.Aliases, name) {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		if n := nearest.Name(name, event.QualifiedNames()); n != "" {
			return nil, fmt.Errorf("there is no event %q; did you mean %q?", name, n)
		}
		return nil, fmt.Errorf("there is no event %q; signalbox events lists them", name)
	}
	return found, nil
}

// eventView is a type for scripts.
type eventView struct {
	Name     string      `json:"name"`
	Family   string      `json:"family"`
	Dialect  string      `json:"dialect,omitempty"`
	URI      string      `json:"uri"`
	Status   string      `json:"status"`
	Spec     string      `json:"spec,omitempty"`
	Doc      string      `json:"doc"`
	Aliases  []string    `json:"aliases,omitempty"`
	Subjects []string    `json:"subject_formats,omitempty"`
	Concepts []string    `json:"concepts,omitempty"`
	Fields   []fieldView `json:"fields"`
	Example  eventSample `json:"example"`
}

// eventSample is how an event may be stated, as signalbox emit does.
type eventSample struct {
	Subject string          `json:"subject"`
	Payload json.RawMessage `json:"payload"`
}

type fieldView struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required,omitempty"`
	Values   []string `json:"values,omitempty"`
	Open     bool     `json:"open,omitempty"` // further values are possible
	Doc      string   `json:"doc"`
}

func sampleOf(t *event.Type) eventSample {
	s := eventSample{t.ExampleSubject(), t.Example(time.Now())}
	if subject, err := event.ParseKey(s.Subject); err == nil && t.Inside() {
		s.Payload, _ = t.PutSubject(s.Payload, subject) // of our own making
	}
	return s
}

func viewOf(t *event.Type) eventView {
	v := eventView{
		Name: t.QualifiedName(), Family: t.Family, Dialect: t.Dialect, URI: t.URI, Status: t.Status, Spec: t.Spec, Doc: t.Doc,
		Aliases: t.Aliases, Subjects: t.SubjectFormats, Concepts: conceptsOf(t), Fields: []fieldView{},
		Example: sampleOf(t),
	}
	for _, f := range t.Fields {
		v.Fields = append(v.Fields, fieldView{f.Name, string(f.Kind), f.Required, f.Enum, f.Open, f.Doc})
	}
	return v
}

// conceptsOf says in words what an event of the type is about.
func conceptsOf(t *event.Type) []string {
	list := slices.Clone(t.Concepts)
	rules := t.ConceptRules()
	for i, r := range rules {
		if r.Value == "" {
			list = append(list, "those in "+r.Field)
			continue
		}
		if i > 0 && r.Field == rules[i-1].Field && slices.Equal(r.Concepts, rules[i-1].Concepts) {
			list[len(list)-1] += ", " + r.Value
			continue
		}
		list = append(list, strings.Join(r.Concepts, ", ")+" when "+r.Field+" is "+r.Value)
	}
	return list
}

func printEvent(r *report, t *event.Type) {
	r.head(t.QualifiedName(), "%s", t.Doc)
	lines := [][2]string{{"uri", t.URI}, {"family", t.Family}, {"defined", strings.TrimSpace(t.Spec + " " + t.Status)},
		{"aliases", strings.Join(t.Aliases, ", ")}, {"subjects", strings.Join(t.SubjectFormats, ", ")}, {"concepts", strings.Join(conceptsOf(t), "; ")}}
	for _, l := range lines {
		if l[1] != "" {
			r.line(1, "%-9s %s", l[0], l[1])
		}
	}
	sample := sampleOf(t)
	r.line(1, "%-9s about %s: %s", "example", sample.Subject, sample.Payload)
	if len(t.Fields) == 0 {
		r.line(1, "%-9s nothing more", "payload")
		return
	}
	r.line(1, "payload, as input.event.body.<name>")
	for _, f := range t.Fields {
		need := ""
		if f.Required {
			need = ", required"
		}
		r.line(2, "%-20s %s%s: %s", f.Name, f.Kind, need, f.Doc)
		if values := valuesOf(f); values != "" {
			r.line(2, "%-20s %s", "", values)
		}
	}
}

// valuesOf lists what a member can be, "" for anything.
func valuesOf(f event.Field) string {
	if len(f.Enum) == 0 {
		return ""
	}
	values := "one of " + strings.Join(f.Enum, ", ")
	if f.Open {
		values += ", or another"
	}
	return values
}

func eventsMarkdown(w io.Writer, types []*event.Type) {
	fmt.Fprint(w, "# Events\n\n"+
		"Every event that has a name: in `on` of a rule, in `events` of a remit, in `emit`\n"+
		"of an action. `signalbox events NAME` shows one. Made from the catalogue with\n"+
		"`signalbox events --format markdown`.\n\n"+
		"An event whose URI is not here has the type `unknown` and is recorded whole.\n")
	family := ""
	for _, t := range types {
		if t.Family != family {
			family = t.Family
			fmt.Fprintf(w, "\n## %s\n", family)
		}
		fmt.Fprintf(w, "\n### %s\n\n%s\n\n- URI: `%s`\n", t.QualifiedName(), t.Doc, t.URI)
		if d := strings.TrimSpace(t.Spec + ", " + t.Status); d != "," {
			fmt.Fprintf(w, "- Defined: %s\n", strings.Trim(d, ", "))
		}
		for _, l := range []struct {
			name string
			list []string
		}{{"Dialect", []string{t.Dialect}}, {"Also read as", t.Aliases}, {"Subject formats", t.SubjectFormats}, {"Concepts", conceptsOf(t)}} {
			if text := strings.Join(l.list, "; "); text != "" {
				fmt.Fprintf(w, "- %s: %s\n", l.name, text)
			}
		}
		if len(t.Fields) == 0 {
			continue
		}
		fmt.Fprint(w, "\n| Payload | Type | Meaning |\n| --- | --- | --- |\n")
		for _, f := range t.Fields {
			name, doc := "`"+f.Name+"`", f.Doc
			if f.Required {
				name += " (required)"
			}
			if v := valuesOf(f); v != "" {
				doc += "; " + v
			}
			fmt.Fprintf(w, "| %s | `%s` | %s |\n", name, cell(string(f.Kind)), cell(doc))
		}
	}
}

// cell makes text fit for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
