package pipeline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxForeign bounds a foreign text that is shown, in bytes.
const maxForeign = 300

// Clean makes a foreign text fit for logs, journals and headers: one line, no
// control or formatting characters, at most 300 bytes.
func Clean(s string) string {
	clipped := len(s) > maxForeign
	if clipped {
		s = strings.ToValidUTF8(s[:maxForeign], "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); clipped {
		s += " ..."
	}
	return s
}
