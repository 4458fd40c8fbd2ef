package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Severity says whether a problem stops a set from being used.
type Severity string

// The severities. A warning never stops a set.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing wrong with a policy set, in the form the configuration
// uses for its own. Lines and columns count from 1, columns in characters; they
// are 0 when the problem has no place in a file. The end is exclusive.
type Problem struct {
	Severity  Severity `json:"severity"`
	Summary   string   `json:"summary"`
	Detail    string   `json:"detail,omitempty"` // what to do
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`
	Column    int      `json:"column,omitempty"`
	EndLine   int      `json:"end_line,omitempty"`
	EndColumn int      `json:"end_column,omitempty"`
	Rule      string   `json:"rule,omitempty"` // the entry of Options.Rules concerned, when there is no file
	Source    string   `json:"-"`              // text of File, for showing the lines
}

// String renders the problem on one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	}
	fmt.Fprintf(&b, "%s: %s", p.Severity, p.Summary)
	if p.Detail != "" {
		fmt.Fprintf(&b, " (%s)", p.Detail)
	}
	return b.String()
}

// place is a range on one line of a file.
type place struct {
	file             string
	line, column, to int // to: exclusive end column
}

// at gives the place of a syntax node: its text up to the end of the line.
func at(loc *ast.Location) place {
	if loc == nil {
		return place{}
	}
	text, _, _ := strings.Cut(string(loc.Text), "\n")
	return place{loc.File, loc.Row, loc.Col, loc.Col + max(1, utf8.RuneCountInString(text))}
}

// report collects the problems of one run.
type report struct {
	sources map[string]string // file to text
	list    []Problem
}

func (r *report) add(sev Severity, p place, summary, detail string) {
	problem := Problem{Severity: sev, Summary: summary, Detail: detail}
	if p.file != "" {
		problem.File, problem.Source = p.file, r.sources[p.file]
		problem.Line, problem.EndLine = max(1, p.line), max(1, p.line)
		problem.Column = max(1, p.column)
		problem.EndColumn = max(problem.Column+1, p.to)
	}
	r.list = append(r.list, problem)
}

func (r *report) errorf(p place, detail, format string, args ...any) {
	r.add(Error, p, fmt.Sprintf(format, args...), detail)
}

func (r *report) warnf(p place, detail, format string, args ...any) {
	r.add(Warning, p, fmt.Sprintf(format, args...), detail)
}

// failed reports whether an error was found.
func (r *report) failed() bool {
	return slices.ContainsFunc(r.list, func(p Problem) bool { return p.Severity == Error })
}

// failedIn reports whether an error was found in a file.
func (r *report) failedIn(file string) bool {
	return slices.ContainsFunc(r.list, func(p Problem) bool { return p.Severity == Error && p.File == file })
}

// problems returns what was found, in the order of files and lines, once each:
// the compiler sees a body twice and our own checks overlap with its.
func (r *report) problems() []Problem {
	slices.SortStableFunc(r.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Summary, b.Summary))
	})
	return slices.CompactFunc(r.list, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Summary == b.Summary && a.Rule == b.Rule
	})
}
