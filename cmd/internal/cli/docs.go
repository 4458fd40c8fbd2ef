package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// docPrinter prints documents page by page, so that a long answer needs no
// memory and begins at once.
type docPrinter struct {
	w       io.Writer
	format  string
	columns []string
	widths  []int
	begun   bool
	most    int // characters of a line on a terminal, 0: as many as there are
}

func newDocPrinter(w io.Writer, format string, columns []string) *docPrinter {
	p := &docPrinter{w: w, format: format, columns: slices.Concat([]string{"@timestamp"}, columns)}
	if f, ok := w.(*os.File); ok {
		p.most, _, _ = term.GetSize(int(f.Fd())) // 0 when it is no terminal
	}
	return p
}

// print takes the next page.
func (p *docPrinter) print(docs []json.RawMessage) error {
	switch p.format {
	case "json":
		return p.array(docs)
	case "ndjson":
		return writeDocs(p.w, p.format, docs)
	}
	return p.table(docs)
}

// end closes what print began.
func (p *docPrinter) end() error {
	if p.format != "json" {
		return nil
	}
	text := "[]\n"
	if p.begun {
		text = "\n]\n"
	}
	_, err := io.WriteString(p.w, text)
	return err
}

func (p *docPrinter) array(docs []json.RawMessage) error {
	for _, d := range docs {
		before := ",\n  "
		if !p.begun {
			before, p.begun = "[\n  ", true
		}
		var b bytes.Buffer
		b.WriteString(before)
		if err := json.Indent(&b, d, "  ", "  "); err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		if _, err := p.w.Write(escaped(b.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// leastLast is how much of the last column is shown at least.
const leastLast = 20

// table sets columns as wide as the first page needs them. For a terminal the
// last is cut where the line would be broken; files get all of it.
func (p *docPrinter) table(docs []json.RawMessage) error {
	var rows [][]string
	for _, text := range docs {
		d, err := parseDoc(text)
		if err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		row := []string{d.time().UTC().Format("2006-01-02 15:04:05.000Z")}
		for _, f := range p.columns[1:] {
			row = append(row, plain(d.text(f)))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	if !p.begun {
		p.begun = true
		rows = append([][]string{p.columns}, rows...)
		p.widths = make([]int, len(p.columns))
		for _, row := range rows {
			for i, cell := range row {
				p.widths[i] = max(p.widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	last := len(p.columns) - 1
	room := p.most
	for _, n := range p.widths[:last] {
		room -= n + 2
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if r := []rune(cell); i == last && p.most > 0 && len(r) > max(room, leastLast) {
				cell = string(r[:max(room, leastLast)-1]) + "…"
			}
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", max(p.widths[i]-utf8.RuneCountInString(cell), 0)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}
