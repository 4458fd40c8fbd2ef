package config

import (
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// Unrouted warns of action types that rules ask for and that no sink gets: such
// an action is recorded as proposed and not sent. Asked maps action types to
// the rules that ask for them. Types that emit nothing are left alone, to be
// recorded is all they are for.
func (c *Config) Unrouted(asked map[string][]string) diag.List {
	var found diag.List
	for _, name := range sortedKeys(asked) {
		a := c.Actions[name]
		if a == nil || len(a.Emits) == 0 || a.Routed() {
			continue
		}
		d := diag.Diagnostic{
			Severity: diag.Warning,
			Summary:  fmt.Sprintf("action %q goes to no sink", name),
			Detail:   fmt.Sprintf("It is recorded and not sent, though rules ask for it: %s. To send it, write\n%s", list(asked[name]), routed(a)),
			Place:    a.Place,
		}
		if d.Place.File == "" {
			d.Place.File = c.File
		}
		found = append(found, d)
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
