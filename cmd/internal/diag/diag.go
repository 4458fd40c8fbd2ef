// Package diag is how the product says what is wrong with texts that people
// wrote: configuration, rules, lists and schemas. One type, one order and one
// pair of renderers (text and JSON) serve HCL, Rego and everything else, so a
// reader meets the same form whatever the file.
//
// A diagnostic has a summary that names the problem, a detail that says what to
// do about it and, where there is one, a place. The package never looks at
// files: whoever has the source attaches it, with secrets already masked.
package diag

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Severity tells a problem that must be mended from one that may stay.
type Severity int

// The severities. The zero value is Error, so that nothing passes by mistake.
const (
	Error Severity = iota
	Warning
)

// String gives "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Range is a piece of a text; lines and columns count from 1, in characters,
// and the end column is the one after the last. The zero Range means that the
// problem has no place of its own.
type Range struct {
	Line, Column       int
	EndLine, EndColumn int
}

// IsZero reports whether the range names no place.
func (r Range) IsZero() bool { return r.Line == 0 }

// Place is a range of a named file.
type Place struct {
	File  string // as the operator would name it
	Range Range
}

// Diagnostic is one problem.
type Diagnostic struct {
	Severity Severity
	Summary  string // what is wrong: a short phrase, lower case, no full stop
	Detail   string // what to do: full sentences; may hold line breaks
	Brief    string // what stands for the detail in a log; "": the detail
	Place
	Context string   // what the place is in, such as: sink "ssf" "downstream"
	Snippet *Snippet // nil when the source is not at hand
}

// Snippet is the line of source a diagnostic points at.
type Snippet struct {
	Line  int    // number of the line, from 1
	Code  string // the line without its end, shortened when very long
	Start int    // characters of Code before the marked piece
	End   int    // characters of Code up to the end of the marked piece
}

// Located makes a diagnostic of what another package found in a text. Any
// severity but "warning" is an error.
func Located(severity, summary, detail string, at Place, source string) Diagnostic {
	d := Diagnostic{Summary: summary, Detail: detail, Place: at}
	if severity == Warning.String() {
		d.Severity = Warning
	}
	if source != "" {
		d.Snippet = snippet([]byte(source), at.Range)
	}
	return d
}

// List is a list of diagnostics; nil means that all is well.
type List []Diagnostic

// HasErrors reports whether a diagnostic of the list is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Count returns how many diagnostics of each severity the list holds.
func (l List) Count() (errors, warnings int) {
	for _, d := range l {
		if d.Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// Error implements error, so that a list with errors can be returned as one: it
// gives the first error and how many more there are.
func (l List) Error() string {
	errors, _ := l.Count()
	for _, d := range l {
		if d.Severity != Error {
			continue
		}
		s := d.Summary
		if at := d.At(); at != "" {
			s = at + ": " + s
		}
		if errors > 1 {
			s += " (and " + count(errors-1, "more error") + ")"
		}
		return s
	}
	return "no errors"
}

// Sort puts the list in the order of reading: by file and place, those without
// a place first. Equal problems at one place are kept once.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Range.Line, b.Range.Line),
			cmp.Compare(a.Range.Column, b.Range.Column),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b Diagnostic) bool {
		return a.Severity == b.Severity && a.Place == b.Place && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

// Attach gives every diagnostic about the file its line of the source. The
// source must be fit to be shown to anybody.
func (l List) Attach(file string, source []byte) {
	for i := range l {
		if l[i].File == file && l[i].Snippet == nil {
			l[i].Snippet = snippet(source, l[i].Range)
		}
	}
}

// Line gives what to do on one line, for a log.
func (d Diagnostic) Line() string {
	return strings.Join(strings.Fields(cmp.Or(d.Brief, d.Detail)), " ")
}

// At gives the place as file:line:column, "" if there is none.
func (d Diagnostic) At() string {
	switch {
	case d.File == "":
		return ""
	case d.Range.IsZero():
		return d.File
	}
	return d.File + ":" + itoa(d.Range.Line) + ":" + itoa(d.Range.Column)
}

// A line longer than this is cut round the marked piece.
const longestLine = 160

// snippet takes the first line of the range out of the source.
func snippet(source []byte, r Range) *Snippet {
	if r.IsZero() {
		return nil
	}
	rest := source
	for n := 1; n < r.Line; n++ {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return nil
		}
		rest = rest[i+1:]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	line := []rune(clean(string(bytes.TrimSuffix(rest, []byte{'\r'}))))
	start := min(max(r.Column-1, 0), len(line))
	end := len(line)
	if r.EndLine <= r.Line {
		end = min(max(r.EndColumn-1, start), len(line))
	}
	if len(line) > longestLine {
		from := max(0, start-longestLine/2)
		to := min(len(line), from+longestLine)
		line = line[from:to]
		start, end = start-from, min(end, to)-from
	}
	return &Snippet{Line: r.Line, Code: string(line), Start: start, End: end}
}

// clean makes a line of foreign text safe for a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}
