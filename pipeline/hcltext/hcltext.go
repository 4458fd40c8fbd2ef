// Package hcltext parses HCL that people wrote: it bounds how deep a text may be
// nested, since the parser is recursive, and says of common mistakes, such as an
// if or an and, how they are written in HCL. It is not for what the text means.
package hcltext

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// deepest bounds what the recursive parser is given.
const deepest = 64

// Parse gives the body of a file, as much as could be read of it, nil if nothing
// was. Of the problems on one line it tells the first: the others follow from it.
func Parse(file string, src []byte) (*hclsyntax.Body, hcl.Diagnostics) {
	tokens, _ := hclsyntax.LexConfig(src, file, hcl.InitialPos)
	if at, deep := tooDeep(tokens); deep {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "nested too deeply",
			Detail: fmt.Sprintf("Brackets and operators may be nested %d deep.", deepest), Subject: &at,
		}}
	}
	f, found := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	var told hcl.Diagnostics
	lines, cut := map[int]bool{}, false
	for _, d := range found {
		if d.Subject != nil {
			line := d.Subject.Start.Line
			if lines[line] || cut && d.Summary == cutText {
				continue
			}
			lines[line], cut = true, cut || d.Summary == cutText
			explain(d, tokens)
		}
		told = append(told, d)
	}
	if f == nil {
		return nil, told
	}
	body, _ := f.Body.(*hclsyntax.Body)
	return body, told
}

// cutText is what the parser says of a text whose closing quote is missing, and
// then of each line after it.
const cutText = "Invalid multi-line string"

// tooDeep finds the first place where brackets, or operators in a row, are
// nested deeper than the parser should go. It looks at tokens only and so needs
// no stack itself.
func tooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	var open [deepest + 1]struct {
		run   int  // operators of the expression that is being read
		lines bool // it may go over several lines
	}
	depth := 0
	for _, t := range tokens {
		at := &open[depth]
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if depth++; depth > deepest {
				return t.Range, true
			}
			open[depth].run, open[depth].lines = 0, t.Type != hclsyntax.TokenOBrace
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth = max(0, depth-1)
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			if at.run++; at.run > deepest {
				return t.Range, true
			}
		case hclsyntax.TokenComma:
			at.run = 0
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			if !at.lines {
				at.run = 0
			}
		}
	}
	return hcl.Range{}, false
}
