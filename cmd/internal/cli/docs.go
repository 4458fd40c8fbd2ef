package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// docPrinter prints documents page by page, so that a long answer needs no
// memory and begins at once.
type docPrinter struct {
	w       io.Writer
	format  string
	columns []string
	widths  []int
	begun   bool
}

func newDocPrinter(w io.Writer, format string, columns []string) *docPrinter {
	return &docPrinter{w: w, format: format, columns: slices.Concat([]string{"@timestamp"}, columns)}
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

// table sets columns as wide as the first page needs them.
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
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
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
