package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/policies"
)

// inputHelp tells how to ask.
const inputHelp = `
PATH is where to look, such as user.risk or session; default everything.

`

// runInput looks up what a rule sees.
func runInput(_ context.Context, c *call) error {
	format := c.formatFlag("text", "json", "markdown")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return usagef("unexpected argument %q", rest[1])
	}
	list := policies.InputReference()
	if len(rest) == 1 {
		if list, err = membersAt(list, rest[0]); err != nil {
			return err
		}
	}
	switch *format {
	case "markdown":
		inputMarkdown(c.Out, list)
		return nil
	case "json":
		return writeJSON(c.Out, list)
	}
	var rows [][]string
	for _, m := range list {
		rows = append(rows, []string{m.Path, m.Type, m.Present, m.Needs, meaning(m)})
	}
	return table(c.Out, []string{"member", "type", "present", "needs", "meaning"}, rows)
}

// membersAt finds a member with all below it.
func membersAt(list []policies.InputMember, path string) (found []policies.InputMember, err error) {
	path = "input." + strings.TrimPrefix(path, "input.")
	var all []string
	for _, m := range list {
		all = append(all, m.Path)
		if m.Path == path || strings.HasPrefix(m.Path, path+".") || strings.HasPrefix(m.Path, path+"[]") {
			found = append(found, m)
		}
	}
	if found == nil {
		if n := nearest.Name(path, all); n != "" {
			return nil, fmt.Errorf("there is no %s; did you mean %s?", path, n)
		}
		return nil, fmt.Errorf("there is no %s; signalbox input lists everything", path)
	}
	return found, nil
}

func meaning(m policies.InputMember) string {
	if len(m.Values) == 0 {
		return m.Doc
	}
	return m.Doc + "; one of " + strings.Join(m.Values, ", ")
}

func inputMarkdown(w io.Writer, list []policies.InputMember) {
	fmt.Fprint(w, "# What a rule sees\n\n"+
		"Every member of `input`. `signalbox input PATH` shows a part. Made from\n"+
		"`policies/schema/input.schema.json` with `signalbox input --format markdown`.\n\n"+
		"There are no nulls: what is absent is absent. Times are seconds since the epoch.\n"+
		"A rule that reads a member with a name in the column needs has to list that name\n"+
		"in `needs`. `input.event.body` holds the payload, see [events.md](events.md).\n\n"+
		"| Member | Type | Present | Needs | Meaning | Example |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, m := range list {
		needs, example := "", ""
		if m.Needs != "" {
			needs = "`" + m.Needs + "`"
		}
		if m.Example != nil {
			example = "`" + string(m.Example) + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n", m.Path, m.Type, m.Present, needs, cell(meaning(m)), cell(example))
	}
}
