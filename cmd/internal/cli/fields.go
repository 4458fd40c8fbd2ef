package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

const fieldsHelp = `
PATTERN is part of a name, as in risk; a name with * for any text, as in
'user.*'; or the name of a stream: set, alert, decision, action, audit, error.

`

// runFields lists the fields of documents.
func runFields(_ context.Context, c *call) error {
	format := c.formatFlag("text", "ndjson", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return usagef("unexpected argument %q; put a pattern with * in quotes", rest[1])
	}
	pattern := strings.Join(rest, "")
	var found []document.Field
	for _, f := range document.Fields() {
		if fieldMatches(f, strings.ToLower(pattern)) {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		var names []string
		for _, f := range document.Fields() {
			names = append(names, f.Name)
		}
		if n := nearest.Name(pattern, names); n != "" {
			return fmt.Errorf("no field fits %q; did you mean %s?", pattern, n)
		}
		return fmt.Errorf("no field fits %q; without a pattern all are listed", pattern)
	}
	if *format != "text" {
		return writeFields(c, *format, found)
	}
	paint, width := coloursFor(c.Out, c.Env), widthOf(c.Out)
	for _, f := range found {
		fmt.Fprintf(c.Out, "%s  %s\n", paint.bold(f.Name), paint.faint(f.TypeName()+" in "+f.Streams.String()))
		for _, line := range wrap(f.Doc, width-4) {
			fmt.Fprintf(c.Out, "    %s\n", line)
		}
		fmt.Fprintf(c.Out, "    %s\n", paint.faint("such as "+shorten(f.Example, width-12)))
	}
	return nil
}

// fieldMatches reports whether a pattern in lower case means the field.
func fieldMatches(f document.Field, pattern string) bool {
	name := strings.ToLower(f.Name)
	if f.Streams.Has("ssf." + strings.TrimPrefix(pattern, "ssf.")) {
		return true
	}
	if !strings.Contains(pattern, "*") {
		return strings.Contains(name, pattern)
	}
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	rest, ok := strings.CutPrefix(name, parts[0])
	for _, part := range parts[1:last] {
		var found bool
		_, rest, found = strings.Cut(rest, part)
		ok = ok && found
	}
	return ok && strings.HasSuffix(rest, parts[last])
}

// fieldRow is a field for scripts.
type fieldRow struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Many    bool     `json:"many"`
	Streams []string `json:"streams"`
	Doc     string   `json:"meaning"`
	Example string   `json:"example"`
}

func writeFields(c *call, format string, fields []document.Field) error {
	rows := make([]fieldRow, len(fields))
	for i, f := range fields {
		rows[i] = fieldRow{f.Name, string(f.Type), f.Multi, f.Streams.Names(), f.Doc, f.Example}
	}
	if format == "json" {
		return writeJSON(c.Out, rows)
	}
	for _, r := range rows {
		if err := writeLine(c.Out, r); err != nil {
			return err
		}
	}
	return nil
}
