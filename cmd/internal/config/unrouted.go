package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// Unrouted warns of action types that rules ask for and that no sink gets: such
// an action is recorded as proposed and not sent. Asked maps action types to
// the rules that ask for them. Types that emit nothing are left alone, to be
// recorded is all they are for. Those that the file does not name are one
// warning. Without a source no rule asks for anything, and without a sink it is
// said once.
func (c *Config) Unrouted(asked map[string][]string) diag.List {
	var found diag.List
	if len(c.Sources) == 0 {
		return nil
	}
	if len(c.Sinks) == 0 {
		found = diag.List{{
			Severity: diag.Warning, Summary: "there is no sink",
			Detail: "What rules ask for is recorded and goes nowhere. That is a good start; later, add a sink, and an action block for each type of action that is to go there.",
			Place:  diag.Place{File: c.File},
		}}
		return found
	}
	var unnamed []string // the file says nothing of them
	for _, name := range sortedKeys(asked) {
		a := c.Actions[name]
		switch {
		case a == nil || len(a.Emits) == 0 || a.Routed():
		case a.Place.File == "":
			unnamed = append(unnamed, name)
		default:
			found = append(found, c.unrouted(asked, name))
		}
	}
	if len(unnamed) > 0 {
		found = append(found, c.unrouted(asked, unnamed...))
	}
	found.Attach(c.File, c.Text)
	return found
}

// toSend is how the log says what to do: the text to write takes several lines.
const toSend = "signalbox check shows how to send."

// unrouted is one warning of actions of one place. Those that come with the
// program share one, since a small configuration never meant to send most.
func (c *Config) unrouted(asked map[string][]string, names ...string) diag.Diagnostic {
	first := c.Actions[names[0]]
	d := diag.Diagnostic{
		Severity: diag.Warning,
		Summary:  fmt.Sprintf("action %q goes to no sink", first.Name),
		Detail:   fmt.Sprintf("It is recorded and not sent, though rules ask for it: %s. To send it, write\n%s", list(asked[first.Name]), routed(first)),
		Brief:    fmt.Sprintf("It is recorded and not sent, though rules ask for it: %s. %s", list(asked[first.Name]), toSend),
		Place:    first.Place,
	}
	if len(names) > 1 {
		var b strings.Builder
		brief := make([]string, 0, len(names))
		b.WriteString("They are recorded and not sent, though rules ask for them:\n")
		for _, name := range names {
			fmt.Fprintf(&b, "  %s: %s\n", name, list(asked[name]))
			brief = append(brief, name+" for "+list(asked[name]))
		}
		fmt.Fprintf(&b, "That is well if you want none of them. To send one, name its sink, as in\n%s", routed(first))
		d.Summary, d.Detail = fmt.Sprintf("%d actions go to no sink", len(names)), b.String()
		d.Brief = fmt.Sprintf("They are recorded and not sent, though rules ask for them: %s. %s", strings.Join(brief, "; "), toSend)
	}
	if d.Place.File == "" {
		d.Place.File = c.File
	}
	return d
}

// Unasked warns of action types of the file that no rule asks for and whose name
// is almost that of a shipped one: a slip of the pen would otherwise leave the
// shipped type as it was and unheard.
func (c *Config) Unasked(asked map[string][]string) diag.List {
	var shipped []string
	for name, a := range c.Actions {
		if a.Shipped {
			shipped = append(shipped, name)
		}
	}
	slices.Sort(shipped)
	var found diag.List
	for _, name := range sortedKeys(c.Actions) {
		if near := nearest.Name(name, shipped); near != "" && near != name && !c.Actions[name].Shipped && len(asked[name]) == 0 {
			found = append(found, diag.Diagnostic{
				Severity: diag.Warning,
				Summary:  fmt.Sprintf("no rule asks for action %q", name),
				Detail:   fmt.Sprintf("Did you mean %q?", near),
				Place:    c.Actions[name].Place,
			})
		}
	}
	found.Attach(c.File, c.Text)
	return found
}

// routed is the text that would send an action somewhere.
func routed(a *Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  action %q {\n", a.Name)
	for _, e := range a.Emits {
		fmt.Fprintf(&b, "    emit %q { to = [\"<sink>\"] }\n", e.Event.Name)
	}
	b.WriteString("  }")
	return b.String()
}
