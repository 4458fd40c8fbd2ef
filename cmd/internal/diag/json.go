package diag

import (
	"encoding/json"
	"io"
)

// FormatVersion is the version of the JSON form. It changes its first part when
// a member changes its meaning or goes away.
const FormatVersion = "1.0"

type document struct {
	FormatVersion string       `json:"format_version"`
	Valid         bool         `json:"valid"`
	ErrorCount    int          `json:"error_count"`
	WarningCount  int          `json:"warning_count"`
	Diagnostics   []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Severity string       `json:"severity"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail,omitempty"`
	Range    *jsonRange   `json:"range,omitempty"`
	Snippet  *jsonSnippet `json:"snippet,omitempty"`
}

type jsonRange struct {
	Filename string    `json:"filename"`
	Start    *position `json:"start,omitempty"`
	End      *position `json:"end,omitempty"`
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type jsonSnippet struct {
	Context        string `json:"context,omitempty"`
	Code           string `json:"code"`
	StartLine      int    `json:"start_line"`
	HighlightStart int    `json:"highlight_start_offset"`
	HighlightEnd   int    `json:"highlight_end_offset"`
}

// WriteJSON writes the list for machines. Lines and columns count from 1; the
// offsets of a snippet count characters of its code from 0.
func WriteJSON(w io.Writer, l List) error {
	errors, warnings := l.Count()
	doc := document{
		FormatVersion: FormatVersion,
		Valid:         errors == 0,
		ErrorCount:    errors,
		WarningCount:  warnings,
		Diagnostics:   make([]diagnostic, 0, len(l)),
	}
	for _, d := range l {
		doc.Diagnostics = append(doc.Diagnostics, d.json())
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

func (d Diagnostic) json() diagnostic {
	j := diagnostic{Severity: d.Severity.String(), Summary: d.Summary, Detail: d.Detail}
	if d.File != "" {
		j.Range = &jsonRange{Filename: d.File}
		if !d.Range.IsZero() {
			j.Range.Start = &position{d.Range.Line, d.Range.Column}
			j.Range.End = &position{d.Range.EndLine, d.Range.EndColumn}
		}
	}
	if s := d.Snippet; s != nil {
		j.Snippet = &jsonSnippet{Context: d.Context, Code: s.Code, StartLine: s.Line, HighlightStart: s.Start, HighlightEnd: s.End}
	}
	return j
}
