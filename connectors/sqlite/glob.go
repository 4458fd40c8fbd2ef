package sqlite

import "unicode/utf8"

// glob is a pattern in the form of query.Match: * is any run of characters, ?
// any one, a backslash makes the next character plain.
type glob []joker

type joker struct {
	r    rune
	kind jokerKind
}

type jokerKind uint8

const (
	plain jokerKind = iota
	anyOne
	anyRun
)

func newGlob(pattern string) glob {
	var g glob
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			g = append(g, joker{r, plain})
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			g = append(g, joker{r, anyRun})
		case r == '?':
			g = append(g, joker{r, anyOne})
		default:
			g = append(g, joker{r, plain})
		}
	}
	return g
}

// match reports whether the pattern covers all of s. A failed attempt goes back
// to the last run only, so the time is at most pattern times text.
func (g glob) match(s string) bool {
	p, i := 0, 0
	run, from := -1, 0
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(g) && g[p].kind == anyRun:
			run, from = p, i
			p++
			continue
		case p < len(g) && (g[p].kind == anyOne || g[p].r == r):
			p++
			i += size
			continue
		case run < 0:
			return false
		}
		_, size = utf8.DecodeRuneInString(s[from:])
		from += size
		p, i = run+1, from
	}
	for p < len(g) && g[p].kind == anyRun {
		p++
	}
	return p == len(g)
}
