package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// none stands for documents without the field.
const none = "(none)"

// longestCell is how many characters of a value stand before a bar.
const longestCell = 48

// printTop prints groups with a bar for each count.
func printTop(c *call, req api.AggregateRequest, answer api.AggregateAnswer) {
	if len(answer.Groups) == 0 {
		fmt.Fprintln(c.Err, "no documents")
		return
	}
	b := newBars(c, slices.Concat(req.By, []string{"count"}, req.Metrics), len(req.By))
	for _, g := range answer.Groups {
		var row []string
		for _, k := range g.Keys {
			row = append(row, keyLabel(k))
		}
		row = append(row, strconv.Itoa(g.Count))
		b.add(append(row, figures(req.Metrics, g.Values)...), g.Count)
	}
	b.print(c.Out)
	if answer.Found > len(answer.Groups) {
		fmt.Fprintf(c.Err, "%d of %d groups of %s; --top %s,%d shows more\n", len(answer.Groups), answer.Found, documents(answer.Total), strings.Join(req.By, ","), min(answer.Found, query.MaxGroups))
		return
	}
	fmt.Fprintln(c.Err, documents(answer.Total))
}

func keyLabel(k *string) string {
	switch {
	case k == nil:
		return none
	case *k == "":
		return `""`
	}
	return *k
}

// printHistogram prints the intervals from the first with documents to the last,
// with a bar for the count of each and a column for each value.
func printHistogram(c *call, req api.AggregateRequest, total, by api.AggregateAnswer) {
	if len(total.Groups) == 0 || total.Total == 0 {
		fmt.Fprintln(c.Err, "no documents")
		return
	}
	header := []string{"@timestamp", "count"}
	columns := make([]map[int64]int, 0, len(by.Groups))
	rest := len(req.By) > 0 && by.Found > len(by.Groups)
	if len(req.By) > 0 {
		for _, g := range by.Groups {
			var names []string
			for _, k := range g.Keys {
				names = append(names, keyLabel(k))
			}
			header = append(header, strings.Join(names, " "))
			counts := map[int64]int{}
			for _, cell := range g.Cells {
				counts[cell.Start.UnixMilli()] = cell.Count
			}
			columns = append(columns, counts)
		}
	}
	header = append(header, req.Metrics...)
	b := newBars(c, header, 1)
	every, _ := query.ParseInterval(req.Every)
	form := "2006-01-02 15:04Z"
	switch {
	case every.Length()%(24*time.Hour) == 0:
		form = "2006-01-02"
	case every.Length()%time.Minute != 0:
		form = "2006-01-02 15:04:05Z"
	}
	row := func(cell api.Cell) {
		cells := []string{cell.Start.UTC().Format(form), strconv.Itoa(cell.Count)}
		for _, counts := range columns {
			cells = append(cells, strconv.Itoa(counts[cell.Start.UnixMilli()]))
		}
		b.add(append(cells, figures(req.Metrics, cell.Values)...), cell.Count)
	}
	var last time.Time
	for _, cell := range total.Groups[0].Cells {
		if !last.IsZero() {
			gap := int(cell.Start.Sub(last)/every.Length()) - 1
			if gap > mostEmpty {
				b.add([]string{fmt.Sprintf("  … %d without documents", gap)}, 0)
			} else {
				for i := range gap {
					row(api.Cell{Start: last.Add(time.Duration(i+1) * every.Length())})
				}
			}
		}
		row(cell)
		last = cell.Start
	}
	b.print(c.Out)
	if rest {
		fmt.Fprintf(c.Err, "%s; columns for %d of %d values of %s\n", documents(total.Total), len(by.Groups), by.Found, strings.Join(req.By, ","))
		return
	}
	fmt.Fprintln(c.Err, documents(total.Total))
}

// mostEmpty is how many empty intervals side by side are printed.
const mostEmpty = 3

// bars is a table with a bar at the end of each row.
type bars struct {
	width  int
	paint  colours
	fill   string
	left   int // columns set to the left, the others are numbers
	header []string
	rows   [][]string
	counts []int
}

func newBars(c *call, header []string, left int) *bars {
	b := &bars{width: widthOf(c.Out), paint: coloursFor(c.Out, c.Env), fill: "#", left: left, header: header}
	if isTerminal(c.Out) {
		b.fill = "█"
	}
	return b
}

// isTerminal reports whether people look at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (b *bars) add(row []string, count int) {
	for i := range row {
		row[i] = shorten(plain(row[i]), longestCell)
	}
	b.rows, b.counts = append(b.rows, row), append(b.counts, count)
}

// shorten cuts text in its middle: both ends of identifiers tell them apart.
func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most/2]) + "…" + string(r[len(r)-most/2+1:])
}

func (b *bars) print(w io.Writer) {
	widths := make([]int, len(b.header))
	for i := range b.header {
		b.header[i] = shorten(plain(b.header[i]), longestCell)
	}
	for _, row := range append([][]string{b.header}, b.rows...) {
		for i, cell := range row {
			if len(row) == len(b.header) { // others run over their column
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	room := b.width
	for _, n := range widths {
		room -= n + 2
	}
	room = max(room, 10)
	most := max(slices.Max(b.counts), 1)
	fmt.Fprintln(w, strings.TrimRight(b.line(b.header, widths), " "))
	for i, row := range b.rows {
		n := b.counts[i] * room / most
		if b.counts[i] > 0 {
			n = max(n, 1)
		}
		line := b.line(row, widths)
		if n == 0 {
			line = strings.TrimRight(line, " ")
		}
		fmt.Fprintln(w, line+b.paint.green(strings.Repeat(b.fill, n)))
	}
}

// line sets cells into columns, with space behind each.
func (b *bars) line(row []string, widths []int) string {
	var s strings.Builder
	for i, cell := range row {
		pad := strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0))
		if i < b.left {
			s.WriteString(cell + pad + "  ")
		} else {
			s.WriteString(pad + cell + "  ")
		}
	}
	return s.String()
}
