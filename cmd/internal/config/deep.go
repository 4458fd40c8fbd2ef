package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// deepest bounds what the recursive parser is given.
const deepest = 64

// tooDeep finds the first place where brackets, or operators in a row, are
// nested deeper than the parser should go. It looks at tokens only and so needs
// no stack itself.
func tooDeep(file string, src []byte) (hcl.Range, bool) {
	tokens, _ := hclsyntax.LexConfig(src, file, hcl.InitialPos)
	depth, run := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth = max(0, depth-1)
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			run++
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			run = 0
		}
		if depth > deepest || run > deepest {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}
