package config

import (
	"reflect"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/connectors"
	"github.com/signalbox-dev/signalbox/connectors/kind"
)

// secretNames gives the attributes of all kinds that hold a secret.
func secretNames() map[string]bool {
	names := map[string]bool{}
	for _, blank := range connectors.Sources {
		collectSecrets(reflect.TypeOf(blank()).Elem(), names)
	}
	for _, kinds := range []map[string]func() kind.SinkConfig{connectors.Sinks, connectors.Indexes, connectors.Relays} {
		for _, blank := range kinds {
			collectSecrets(reflect.TypeOf(blank()).Elem(), names)
		}
	}
	return names
}

func collectSecrets(t reflect.Type, names map[string]bool) {
	for _, f := range fields(t) {
		switch ft := t.Field(f.index).Type; {
		case f.kind == "block":
			collectSecrets(ft.Elem(), names)
		case isSecret(ft):
			names[f.name] = true
		}
	}
}

// isSecret reports whether a field of the type holds secrets.
func isSecret(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		t = t.Elem()
	}
	return t == secretType
}

// mask gives the text with stars over what is assigned to attributes for
// secrets, except what names a variable or a file. It looks at tokens, so a
// text that does not parse is masked too. Lines and columns stay.
func mask(src []byte, secrets map[string]bool) []byte {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	out := make([]byte, 0, len(src))
	done := 0
	hide := func(t hclsyntax.Token) {
		out = append(out, src[done:t.Range.Start.Byte]...)
		for text := t.Bytes; len(text) > 0; {
			r, n := utf8.DecodeRune(text)
			if r == '\n' {
				out = append(out, '\n')
			} else {
				out = append(out, '*')
			}
			text = text[n:]
		}
		done = t.Range.End.Byte
	}
	m := masker{secrets: secrets}
	for i, t := range tokens {
		if m.next(tokens, i) {
			hide(t)
		}
	}
	return append(out, src[done:]...)
}

// masker follows the tokens of a text.
type masker struct {
	secrets map[string]bool
	inside  bool // an assignment to an attribute for secrets
	depth   int  // brackets open within it
	call    int  // depth at which a call of env or file ends, 0 outside of one
}

// next reports whether token i must be hidden.
func (m *masker) next(tokens hclsyntax.Tokens, i int) bool {
	t := tokens[i]
	if !m.inside {
		m.inside = t.Type == hclsyntax.TokenIdent && m.secrets[string(t.Bytes)]
		m.depth, m.call = 0, 0
		return false
	}
	switch t.Type {
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		m.depth++
		if m.call == 0 && t.Type == hclsyntax.TokenOParen && reads(tokens[i-1]) {
			m.call = m.depth
		}
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
		if m.depth == m.call {
			m.call = 0
		}
		m.depth--
		m.inside = m.depth >= 0
	case hclsyntax.TokenNewline, hclsyntax.TokenComment: // a comment takes its newline along
		m.inside = m.depth > 0
	case hclsyntax.TokenIdent:
		return m.call == 0 && !reads(t)
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNumberLit, hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8:
		return m.call == 0
	}
	return false
}

// reads reports whether the token is a function that names where a secret is.
func reads(t hclsyntax.Token) bool {
	name := string(t.Bytes)
	return t.Type == hclsyntax.TokenIdent && (name == "env" || name == "file")
}
