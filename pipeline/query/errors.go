package query

import (
	"fmt"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
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

// fieldNames are the names of the schema, for hints.
var fieldNames = func() (names []string) {
	for _, f := range document.Fields() {
		names = append(names, f.Name)
	}
	return names
}()

// likely names the field somebody may have meant, "" if none is near.
func likely(name string) string {
	for _, f := range fieldNames {
		if strings.HasSuffix(f, "."+strings.ToLower(name)) {
			return f
		}
	}
	return nearest.Name(name, fieldNames)
}
