package cli

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// How wide text is set: as wide as the terminal within bounds, else readable.
const (
	defaultWidth = 100
	leastWidth   = 60
	mostWidth    = 160
)

// widthOf is how wide text for w is set.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return min(max(n, leastWidth), mostWidth)
		}
	}
	return defaultWidth
}

// wrap breaks text at spaces into lines of at most width characters. A longer
// word stands on a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		if n > 0 && n+1+size > width {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line += " "
			n++
		}
		line += word
		n += size
	}
	return append(lines, line)
}
