package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

const askHelp = `
Without a NAME the questions are listed; signalbox ask NAME -h says how one is
answered and what it takes. docs/questions.md has a sample of each.

`

// runAsk answers one of the questions of package question.
func runAsk(ctx context.Context, c *call) error {
	if len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
		name := c.args[0]
		q, ok := question.Lookup(name)
		if !ok {
			return usagef("there is no question %q. %s", name, nearest.Advice(name, api.Questions(), "questions"))
		}
		if q.Chain != "" {
			return usagef("this question has a command of its own: %s", q.Command())
		}
		c.enter(name)
		return c.ask(ctx, q)
	}
	format := c.formatFlag("text", "ndjson", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("put the name of the question first: signalbox ask %s", rest[0])
	}
	return listQuestions(c, *format)
}

// listed is a question for scripts.
type listed struct {
	Name   string  `json:"name"`
	Ask    string  `json:"question"`
	Run    string  `json:"command"`
	Doc    string  `json:"meaning"`
	Since  string  `json:"since"`
	Params []given `json:"parameters"`
}

type given struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Doc     string `json:"meaning"`
	Default string `json:"default,omitempty"`
	Needed  bool   `json:"required"`
}

func listQuestions(c *call, format string) error {
	if format == "text" {
		var rows [][]string
		for _, q := range question.All() {
			rows = append(rows, []string{q.Command(), q.Ask})
		}
		return table(c.Out, []string{"command", "question"}, rows)
	}
	list := []listed{}
	for _, q := range question.All() {
		l := listed{q.Name, q.Ask, q.Command(), q.Doc, sinceOf(q), []given{}}
		for _, p := range q.Params {
			l.Params = append(l.Params, given{p.Name, string(p.Kind), p.Doc, p.Default, p.Required()})
		}
		list = append(list, l)
	}
	if format == "json" {
		return writeJSON(c.Out, list)
	}
	for _, l := range list {
		if err := writeLine(c.Out, l); err != nil {
			return err
		}
	}
	return nil
}

// sinceOf is how far back a question looks, as --since has it.
func sinceOf(q question.Question) string {
	switch day := 24 * time.Hour; {
	case q.Since == 0:
		return "all"
	case q.Since == day:
		return "24h"
	default:
		return strconv.Itoa(int(q.Since/day)) + "d"
	}
}

func (c *call) ask(ctx context.Context, q question.Question) error {
	c.usage = func() {
		fmt.Fprintf(c.Out, "Usage: signalbox ask %s [flags]\n\n%s\n\n", q.Name, q.Ask)
		for _, line := range wrap(q.Doc, widthOf(c.Out)) {
			fmt.Fprintln(c.Out, line)
		}
		fmt.Fprintln(c.Out)
		c.printFlags()
	}
	path := c.configFlag()
	format := c.formatFlag("text", "ndjson", "json")
	when := c.spanFlags(sinceOf(q))
	most := question.DefaultLimit
	if q.Timeline != "" {
		most = 500
	}
	limit := c.flags.Int("limit", most, "most rows or documents to print, at most "+strconv.Itoa(question.MaxLimit))
	values := map[string]*string{}
	for _, p := range q.Params {
		article := "a"
		if strings.ContainsRune("aeiou", rune(p.Kind[0])) {
			article = "an"
		}
		doc := p.Doc + ", " + article + " `" + string(p.Kind) + "`"
		if p.Example != "" {
			doc += " such as " + p.Example
		}
		values[p.Name] = c.flags.String(p.Name, p.Default, doc)
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if err := positive(*limit); err != nil {
		return err
	}
	req := api.AskRequest{Name: q.Name, Limit: *limit, Values: map[string]string{}}
	for name, v := range values {
		req.Values[name] = *v
	}
	if _, err := q.Check(req.Values); err != nil {
		return usagef("%v", err)
	}
	a, err := c.answer(ctx, *path, when, req)
	if err != nil {
		return err
	}
	if err := printAnswer(c, q, a, *format); err != nil {
		return err
	}
	switch n := len(a.Rows) + len(a.Docs); {
	case a.Partial != "":
		fmt.Fprintln(c.Err, "incomplete:", a.Partial)
	case *format != "text":
	case a.Found > n:
		fmt.Fprintf(c.Err, "%d of %d; --limit shows more\n", n, a.Found)
	case n == 0:
		fmt.Fprintf(c.Err, "none with --since %s\n", *when.since)
	}
	return nil
}

// answer asks the running product about a span of time.
func (c *call) answer(ctx context.Context, path string, when span, req api.AskRequest) (a api.AskAnswer, err error) {
	if req.From, req.To, err = when.times(time.Now()); err != nil {
		return a, err
	}
	req.All = req.From.IsZero()
	client, err := c.connect(ctx, path)
	if err != nil {
		return a, err
	}
	if a, err = client.Ask(ctx, req); err != nil {
		return a, c.explainFailure(err, path, "")
	}
	return a, nil
}

// printAnswer prints documents as a timeline, pairs as paragraphs and counts as
// a table.
func printAnswer(c *call, q question.Question, a api.AskAnswer, format string) error {
	switch {
	case q.Timeline != "" && format == "text":
		return printTimeline(c.Out, coloursFor(c.Out, c.Env), widthOf(c.Out), a.Docs)
	case q.Timeline != "":
		return writeDocs(c.Out, format, a.Docs)
	case format != "text":
		return writeRows(c.Out, format, a)
	case len(a.Rows) == 0:
		return nil
	case q.Sequence != nil:
		return printPairs(c, q.Sequence, a)
	}
	header := make([]string, len(a.Columns))
	for i, col := range a.Columns {
		header[i] = col.Name
	}
	rows := make([][]string, len(a.Rows))
	for i, row := range a.Rows {
		for k, v := range row {
			rows[i] = append(rows[i], cellText(a.Columns[k].Kind, v))
		}
	}
	return table(c.Out, header, rows)
}

// printPairs prints when and who on one line, and below it what happened.
func printPairs(c *call, s *question.Sequence, a api.AskAnswer) error {
	head := 2
	if !s.Missing {
		head++
	}
	margin := 0
	for _, col := range a.Columns[head:] {
		margin = max(margin, len(col.Name)+4)
	}
	paint, width := coloursFor(c.Out, c.Env), widthOf(c.Out)
	for _, row := range a.Rows {
		line := cellText(a.Columns[0].Kind, row[0]) + "  " + plain(cellText(a.Columns[1].Kind, row[1]))
		if !s.Missing {
			line += ", within " + cellText(a.Columns[2].Kind, row[2])
		}
		fmt.Fprintln(c.Out, paint.bold(line))
		for i, col := range a.Columns[head:] {
			v := row[head+i]
			if v == nil {
				continue
			}
			begin := fmt.Sprintf("  %-*s", margin-2, col.Name)
			for _, text := range wrap(plain(cellText(col.Kind, v)), width-margin) {
				fmt.Fprintln(c.Out, begin+text)
				begin = strings.Repeat(" ", margin)
			}
		}
	}
	return nil
}

// writeRows writes one object for each row, its members named for the columns.
func writeRows(w io.Writer, format string, a api.AskAnswer) error {
	out := []json.RawMessage{}
	for _, row := range a.Rows {
		object := map[string]any{}
		for i, v := range row {
			object[a.Columns[i].Name] = v
		}
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		out = append(out, text)
	}
	return writeDocs(w, format, out)
}

// cellText is a value for people.
func cellText(kind question.Kind, v any) string {
	switch x := v.(type) {
	case string:
		if kind == question.TimeColumn {
			if at, err := time.Parse(time.RFC3339Nano, x); err == nil {
				return at.UTC().Format("2006-01-02 15:04:05Z")
			}
		}
		if x == "" {
			return `""`
		}
		return x
	case float64:
		switch kind {
		case question.DurationColumn:
			return briefly(time.Duration(x * float64(time.Second)))
		case question.ShareColumn:
			return strconv.FormatFloat(100*x, 'f', 0, 64) + " %"
		}
		text := strconv.FormatFloat(x, 'f', -1, 64)
		if whole, fraction, ok := strings.Cut(text, "."); ok && len(fraction) > 1 {
			text = whole + "." + fraction[:1]
		}
		return text
	}
	return "-"
}

// briefly is a duration in its two largest units.
func briefly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d/time.Minute), int(d%time.Minute/time.Second))
	case d < 2*day:
		return fmt.Sprintf("%dh%dm", int(d/time.Hour), int(d%time.Hour/time.Minute))
	}
	return fmt.Sprintf("%dd%dh", int(d/day), int(d%day/time.Hour))
}
