package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// FromHCL takes over what the HCL library reports. Its expression values are
// left behind: they may hold secrets.
func FromHCL(in hcl.Diagnostics) List {
	var l List
	for _, h := range in {
		d := Diagnostic{Summary: lowerFirst(strings.TrimSuffix(h.Summary, ".")), Detail: h.Detail}
		if h.Severity == hcl.DiagWarning {
			d.Severity = Warning
		}
		if h.Subject != nil {
			d.Place = HCLPlace(*h.Subject)
		}
		l = append(l, d)
	}
	return l
}

// HCLPlace is the place of an HCL range.
func HCLPlace(r hcl.Range) Place {
	return Place{File: r.Filename, Range: Range{
		Line: r.Start.Line, Column: r.Start.Column,
		EndLine: r.End.Line, EndColumn: r.End.Column,
	}}
}

// lowerFirst makes "Missing name" fit behind "error:", and leaves "HCL" alone.
func lowerFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[n:])
	if n == 0 || unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[n:]
}
