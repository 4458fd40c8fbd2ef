package sqlite

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzGlob(f *testing.F) {
	for _, s := range [][2]string{
		{"", ""}, {"*", ""}, {"a*b", "axxb"}, {"a?b", "aéb"}, {`a\*b`, "a*b"}, {"*a*a*b", "aaaaaaab"},
		{"**", "x"}, {`\\`, `\`}, {"?", ""}, {"a*", "b"}, {"*@example.com", "jane@example.com"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 30 || len(text) > 100 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			return
		}
		var expr strings.Builder
		expr.WriteString(`(?s)\A`)
		escaped := false
		for _, r := range pattern {
			switch {
			case escaped:
				expr.WriteString(regexp.QuoteMeta(string(r)))
				escaped = false
			case r == '\\':
				escaped = true
			case r == '*':
				expr.WriteString(".*")
			case r == '?':
				expr.WriteString(".")
			default:
				expr.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		expr.WriteString(`\z`)
		want := regexp.MustCompile(expr.String()).MatchString(text)
		if got := newGlob(pattern).match(text); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}
