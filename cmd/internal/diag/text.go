package diag

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// Style is how diagnostics are written for people.
type Style struct {
	Color bool // with ANSI colours
}

// StyleFor fits the style to where the text goes: colours on a terminal, unless
// the environment holds a non-empty NO_COLOR or says that the terminal is dumb.
func StyleFor(f *os.File) Style {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Style{}
	}
	return Style{Color: term.IsTerminal(int(f.Fd()))}
}

// The colours, as ANSI sequences.
const (
	red    = "\x1b[1;31m"
	yellow = "\x1b[1;33m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	reset  = "\x1b[0m"
)

// Write writes the list as text, one paragraph per diagnostic:
//
//	error: unknown sink "downstraem"
//	  config.hcl:41:38, in action "revoke-session"
//	   41 |     emit "session-revoked" { to = ["downstraem"] }
//	      |                                    ^^^^^^^^^^^^
//	  Did you mean "downstream"?
//
// It returns the first error of w.
func (s Style) Write(w io.Writer, l List) error {
	out := bufio.NewWriter(w)
	for i, d := range l {
		if i > 0 {
			out.WriteByte('\n')
		}
		s.one(out, d)
	}
	return out.Flush()
}

func (s Style) one(out *bufio.Writer, d Diagnostic) {
	tint := red
	if d.Severity == Warning {
		tint = yellow
	}
	out.WriteString(s.paint(tint, d.Severity.String()+":") + " " + s.paint(bold, clean(d.Summary)) + "\n")
	if at := d.At(); at != "" {
		out.WriteString("  " + clean(at))
		if d.Context != "" {
			out.WriteString(", in " + clean(d.Context))
		}
		out.WriteByte('\n')
	}
	if d.Snippet != nil {
		s.snippet(out, d.Snippet, tint)
	}
	if d.Detail == "" {
		return
	}
	for line := range strings.SplitSeq(d.Detail, "\n") {
		out.WriteString("  " + clean(line) + "\n")
	}
}

// snippet writes the line and marks the piece under it; a piece of no length
// gets one mark.
func (s Style) snippet(out *bufio.Writer, sn *Snippet, tint string) {
	number := strconv.Itoa(sn.Line)
	gutter := strings.Repeat(" ", max(0, 5-len(number)))
	out.WriteString(gutter + s.paint(faint, number+" |") + " " + sn.Code + "\n")
	line := []rune(sn.Code)
	var lead strings.Builder
	for _, r := range line[:sn.Start] {
		if r != '\t' {
			r = ' '
		}
		lead.WriteRune(r)
	}
	marks := strings.Repeat("^", max(1, sn.End-sn.Start))
	out.WriteString(strings.Repeat(" ", len(gutter)+len(number)) + s.paint(faint, " |") + " " + lead.String() + s.paint(tint, marks) + "\n")
}

func (s Style) paint(tint, text string) string {
	if !s.Color {
		return text
	}
	return tint + text + reset
}

// Verdict sums the list up in a sentence: "2 errors, 1 warning", "no problems".
func (l List) Verdict() string {
	errors, warnings := l.Count()
	switch {
	case errors == 0 && warnings == 0:
		return "no problems"
	case warnings == 0:
		return count(errors, "error")
	case errors == 0:
		return count(warnings, "warning")
	}
	return count(errors, "error") + ", " + count(warnings, "warning")
}

func itoa(n int) string { return strconv.Itoa(n) }

// count gives "1 thing" or "3 things".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return itoa(n) + " " + thing
}
