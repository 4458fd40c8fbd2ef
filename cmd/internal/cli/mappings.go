package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// mappingsHelp tells what the parts of the verb do.
const mappingsHelp = `
  list                  every mapping: whose records it reads, which events it makes
  show NAME             the text of a mapping, to read or to copy as a start
  functions [NAME]      the functions that expressions may call
  coverage NAME FILE... what samples hold that a mapping does not look at, and
                        values that none of its enums lists

The mappings are those of the configuration, those that come with the program if
there is none, or with --dir those in a folder too. FILE holds records as JSON: one,
a list, an envelope around them, or one per line; - is standard input.

`

// runMappings shows the mappings and what they make of samples.
func runMappings(_ context.Context, c *call) error {
	path := c.configFlag()
	dir := c.flags.String("dir", "", "`folder` of own mappings instead of what the configuration names")
	most := c.flags.Int("most", 40, "`number` of lines per part of coverage, 0 for all")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("say what to show: list, show NAME, functions [NAME] or coverage NAME FILE...")
	}
	what, rest := rest[0], rest[1:]
	if what == "functions" {
		return c.mappingFunctions(rest, *format)
	}
	if !slices.Contains([]string{"list", "show", "coverage"}, what) {
		return usagef("unknown %q; say list, show NAME, functions [NAME] or coverage NAME FILE...", what)
	}
	set, err := c.mappingSet(*path, *dir)
	if err != nil {
		return c.refused(err)
	}
	if what == "list" {
		if len(rest) > 0 {
			return usagef("unexpected argument %q", rest[0])
		}
		return c.mappingList(set, *format)
	}
	if len(rest) == 0 {
		return usagef("say of which mapping; signalbox mappings list names them")
	}
	m, ok := set.Get(rest[0])
	if !ok {
		return fmt.Errorf("there is no mapping %q. %s", rest[0], nearest.Advice(rest[0], set.Names(), "mappings"))
	}
	if what == "coverage" {
		if len(rest) == 1 {
			return usagef("give files with samples; - is standard input")
		}
		return c.mappingCoverage(m, rest[1:], *format, *most)
	}
	if len(rest) > 1 {
		return usagef("unexpected argument %q", rest[1])
	}
	text := set.Source(m.File)
	if *format == "json" {
		return writeJSON(c.Out, struct {
			mappingView
			Text string `json:"text"`
		}{viewOfMapping(m), string(text)})
	}
	_, err = c.Out.Write(text)
	return err
}

func (c *call) mappingSet(path, dir string) (*mappings.Set, error) {
	if dir != "" {
		return app.MappingsIn(dir)
	}
	return app.Mappings(path, c.Env)
}

// mappingView is a mapping for scripts.
type mappingView struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Vendor  string   `json:"vendor"`
	Shipped bool     `json:"shipped"`
	File    string   `json:"file"`
	Events  []string `json:"events"`
}

func viewOfMapping(m *mappings.Mapping) mappingView {
	return mappingView{m.Name, m.Title, m.Vendor, m.Shipped, m.File, m.Makes()}
}

func (c *call) mappingList(set *mappings.Set, format string) error {
	list := []mappingView{}
	var rows [][]string
	for _, name := range set.Names() {
		m, _ := set.Get(name)
		v := viewOfMapping(m)
		list = append(list, v)
		from := "own"
		if m.Shipped {
			from = "shipped"
		}
		rows = append(rows, []string{v.Name, v.Vendor, from, strings.Join(v.Events, ", "), v.Title})
	}
	if format == "json" {
		return writeJSON(c.Out, list)
	}
	return table(c.Out, []string{"name", "vendor", "from", "events", "title"}, rows)
}

// functionView is a function for scripts.
type functionView struct {
	Name string `json:"name"`
	Call string `json:"call"`
	Doc  string `json:"doc"`
}

func (c *call) mappingFunctions(names []string, format string) error {
	if len(names) > 1 {
		return usagef("unexpected argument %q", names[1])
	}
	list := []functionView{}
	var all []string
	for _, f := range mappings.Functions() {
		all = append(all, f.Name)
		if len(names) == 0 || names[0] == f.Name {
			list = append(list, functionView{f.Name, f.Name + "(" + f.Args + ")", f.Doc})
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("there is no function %q. %s", names[0], nearest.Advice(names[0], all, "functions"))
	}
	if format == "json" {
		return writeJSON(c.Out, list)
	}
	paint, width := coloursFor(c.Out, c.Env), widthOf(c.Out)
	for _, f := range list {
		fmt.Fprintln(c.Out, paint.bold(f.Call))
		for _, line := range wrap(f.Doc, width-4) {
			fmt.Fprintf(c.Out, "    %s\n", line)
		}
	}
	return nil
}

// mappingCoverage tells what samples hold that the mapping does not look at.
func (c *call) mappingCoverage(m *mappings.Mapping, files []string, format string, most int) error {
	cover := m.Coverage()
	for _, name := range files {
		text, err := c.readSample(name)
		if err != nil {
			return err
		}
		if err := cover.Add(text, time.Now()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r := cover.Report()
	if format == "json" {
		return writeJSON(c.Out, r)
	}
	return printCoverage(c.Out, coloursFor(c.Out, c.Env), r, most)
}

// readSample reads a file of records, or standard input.
func (c *call) readSample(name string) ([]byte, error) {
	text, err := c.readFile(name, int64(mappings.SampleLimits.Bytes))
	if errors.Is(err, errLarge) {
		err = fmt.Errorf("%w; give a part of it", err)
	}
	return text, err
}

func printCoverage(w io.Writer, paint colours, r mappings.CoverageReport, most int) error {
	p := &report{w, paint}
	p.head("records", "%d", r.Records)
	for _, part := range []struct {
		name   string
		counts map[string]int
	}{{"makes", r.Events}, {"skipped", r.Skipped}, {"unmapped", r.Unmapped}} {
		for _, what := range slices.Sorted(maps.Keys(part.counts)) {
			p.head(part.name, "%d  %s", part.counts[what], what)
		}
	}
	p.head("fields", "%d of %d touched", r.Touched, r.Fields)
	fields := func(title string, list []mappings.SeenField) error {
		var rows [][]string
		for _, f := range list {
			rows = append(rows, []string{strconv.Itoa(f.Count), f.Path, f.Example})
		}
		return part(w, paint, title, []string{"count", "field", "example"}, rows, most)
	}
	notes := func(title string, list []mappings.SeenNote, kind bool) error {
		var rows [][]string
		for _, n := range list {
			row := []string{strconv.Itoa(n.Count), n.Name, n.Value}
			if kind {
				row = slices.Insert(row, 1, string(n.Kind))
			}
			rows = append(rows, row)
		}
		columns := []string{"count", "enum", "value"}
		if kind {
			columns = []string{"count", "note", "name", "value"}
		}
		return part(w, paint, title, columns, rows, most)
	}
	if err := notes("values that no enum lists; they became unknown", r.Unknown, false); err != nil {
		return err
	}
	if err := notes("other notes: what was left out, and why", r.Other, true); err != nil {
		return err
	}
	if err := fields("not touched by any expression", r.Untouched); err != nil {
		return err
	}
	return fields("lists and objects taken as one; which of their members are used cannot be told", r.Whole)
}

// part prints one table of a report under a title, nothing if it is empty.
func part(w io.Writer, paint colours, title string, columns []string, rows [][]string, most int) error {
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", paint.bold(title))
	left := 0
	if most > 0 && len(rows) > most {
		rows, left = rows[:most], len(rows)-most
	}
	if err := table(w, columns, rows); err != nil {
		return err
	}
	if left > 0 {
		fmt.Fprintf(w, "and %d more; --most 0 shows all\n", left)
	}
	return nil
}
