package mappings

import (
	"fmt"
	"strings"
)

// FunctionTable is the functions as a table of docs/mappings.md.
func FunctionTable() string {
	var b strings.Builder
	b.WriteString("| Function | What it gives |\n| --- | --- |\n")
	for _, f := range Functions() {
		fmt.Fprintf(&b, "| `%s(%s)` | %s |\n", f.Name, f.Args, cell(f.Doc))
	}
	return b.String()
}

// Table is the mappings of the set as a table of docs/mappings.md.
func (s *Set) Table() string {
	var b strings.Builder
	b.WriteString("| Mapping | Records | Events |\n| --- | --- | --- |\n")
	for _, name := range s.Names() {
		m := s.byName[name]
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, cell(m.Title), strings.Join(m.Makes(), ", "))
	}
	return b.String()
}

// cell is text within a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
