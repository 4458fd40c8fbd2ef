package query

import (
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Error is a fault of a query, an option or a cursor.
type Error struct {
	Offset  int    // byte offset in the text, -1 if it is not about the text
	Problem string // lower case, without the place
	Hint    string // what to write instead, "" if nothing comes to mind
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Problem)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", e.Offset)
	}
	if e.Hint != "" {
		b.WriteString(": ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// clip keeps foreign text in an error short.
func clip(s string) string {
	const limit = 64
	n := 0
	for i := range s {
		if n++; n > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// nearest names the field somebody may have meant, "" if none is near.
func nearest(name string) string {
	if name == "" || len(name) > 64 {
		return ""
	}
	lower := strings.ToLower(name)
	best, least := "", max(2, len(name)/4)+1
	for _, f := range document.Fields() {
		if strings.HasSuffix(f.Name, "."+lower) {
			return f.Name
		}
		if d := distance(lower, f.Name); d < least {
			best, least = f.Name, d
		}
	}
	return best
}

// distance counts the bytes to insert, drop or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
