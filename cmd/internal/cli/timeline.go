package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/query"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// runTimeline shows, oldest first, what happened around one thing.
func runTimeline(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "ndjson", "json")
	when := c.spanFlags("24h")
	limit := c.flags.Int("limit", 500, "most documents to print")
	kinds := map[string]*string{}
	for _, k := range []string{"user", "session", "device"} {
		kinds[k] = c.flags.String(k, "", "any `identifier` of the "+k)
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
	kind, value := "", ""
	for k, v := range kinds {
		if *v == "" {
			continue
		}
		if kind != "" {
			return usagef("give one of --user, --session and --device")
		}
		kind, value = k, *v
	}
	if kind == "" {
		return usagef("say around what: --user, --session or --device; signalbox chain ID shows what came of one cause")
	}
	docs, total, partial, err := c.timeline(ctx, *path, kind, value, when, *limit)
	if err != nil {
		return err
	}
	if *format != "text" {
		if err := writeDocs(c.Out, *format, docs); err != nil {
			return err
		}
		if partial != "" {
			fmt.Fprintln(c.Err, "incomplete:", partial)
		}
		return nil
	}
	if err := printTimeline(c.Out, coloursFor(c.Out, c.Env), widthOf(c.Out), docs); err != nil {
		return err
	}
	switch {
	case partial != "":
		fmt.Fprintf(c.Err, "incomplete: %s\n", partial)
	case total > len(docs):
		fmt.Fprintf(c.Err, "%d of %d documents; --limit shows more\n", len(docs), total)
	case len(docs) == 0:
		fmt.Fprintf(c.Err, "nothing about %s %s with --since %s; identifiers are whole, such as jane@example.com, and --since all looks at everything that is kept\n", kind, value, *when.since)
	}
	return nil
}

// timeline asks for the documents around one thing. Those of a session are the
// answer to a question, as not all that ends a session names it.
func (c *call) timeline(ctx context.Context, path, kind, value string, when span, limit int) (docs []json.RawMessage, total int, partial string, err error) {
	if kind == "session" {
		a, err := c.answer(ctx, path, when, api.AskRequest{Name: "session-timeline", Limit: min(limit, question.MaxLimit), Values: map[string]string{"session": value}})
		return a.Docs, a.Found, a.Partial, err
	}
	q, err := query.Timeline(kind, value)
	if err != nil {
		return nil, 0, "", usagef("--%s: %v", kind, err)
	}
	from, to, err := when.times(time.Now())
	if err != nil {
		return nil, 0, "", err
	}
	client, err := c.connect(ctx, path)
	if err != nil {
		return nil, 0, "", err
	}
	docs, total, partial, err = fetch(ctx, client, api.QueryRequest{Query: q.String(), From: from, To: to, Sort: "@timestamp:asc"}, limit)
	if err != nil {
		err = c.explainFailure(err, path, "")
	}
	return docs, total, partial, err
}

// printTimeline prints documents as an analyst reads them: one line each, the
// day once, the reasons of decisions below them. Longer lines are broken to the
// width. Of an action that a sink spread over its streams, only the streams'
// own lines are printed.
func printTimeline(w io.Writer, paint colours, width int, docs []json.RawMessage) error {
	p := linePrinter{w: w, paint: paint, width: width}
	told := map[string]bool{} // decisions whose reasons were printed
	list, err := readDocs(docs)
	if err != nil {
		return err
	}
	for _, d := range list {
		told[d.text("policy.decision_id")] = told[d.text("policy.decision_id")] || d.stream() == "decision"
		p.line(0, d.time(), d.stream(), headline(d, told), mark(paint, d))
		p.notes(0, details(d))
	}
	return nil
}

// linePrinter prints lines with their time, under the day they are of.
type linePrinter struct {
	w     io.Writer
	paint colours
	width int
	day   string
}

// lineMargin is what stands before the text of a line.
const lineMargin = len("15:04:05.000  decision  ")

// line prints what happened, that many characters in.
func (p *linePrinter) line(in int, at time.Time, kind, text string, colour func(string) string) {
	at = at.UTC()
	if today := at.Format("Monday 2006-01-02 MST"); today != p.day {
		p.day = today
		fmt.Fprintln(p.w, p.paint.bold(today))
	}
	begin := fmt.Sprintf("%s  %*s%-8s  ", at.Format("15:04:05.000"), in, "", kind)
	for _, part := range wrap(plain(text), p.width-lineMargin-in) {
		fmt.Fprintf(p.w, "%s%s\n", begin, colour(part))
		begin = strings.Repeat(" ", lineMargin+in)
	}
}

// notes prints what stands below a line.
func (p *linePrinter) notes(in int, notes []string) {
	for _, n := range notes {
		for i, part := range wrap(plain(n), p.width-lineMargin-in-2) {
			fmt.Fprintf(p.w, "%s%s\n", strings.Repeat(" ", lineMargin+in+2*min(i, 1)), p.paint.faint(part))
		}
	}
}

// readDocs parses documents for printing. Of an action that a sink spread over
// its streams it leaves out the sink's own, of which the streams' tell more.
func readDocs(texts []json.RawMessage) ([]doc, error) {
	list := make([]doc, len(texts))
	share := func(d doc) string { return d.text("action.id") + " " + d.text("action.target") }
	spread := map[string]bool{}
	for i, text := range texts {
		d, err := parseDoc(text)
		if err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		list[i] = d
		if d.text("action.stream") != "" {
			spread[share(d)] = true
		}
	}
	return slices.DeleteFunc(list, func(d doc) bool {
		status := d.text("action.status")
		return (status == "queued" || status == "superseded") && d.text("action.stream") == "" && spread[share(d)]
	}), nil
}

// headline is a document's message; of a decision without its reasons, which
// stand below it, and of an action without its reason if its decision has told
// it already.
func headline(d doc, told map[string]bool) string {
	list := reasons(d)
	if d.stream() == "action" && told[d.text("policy.decision_id")] {
		list = []string{d.text("event.reason")}
	}
	msg := d.text("message")
	if len(list) > 0 && list[0] != "" {
		for _, r := range []string{list[0], strings.TrimPrefix(list[0], d.text("user.name")+": ")} {
			if before, after, ok := strings.Cut(msg, ": "+r); ok {
				return before + after
			}
		}
	}
	return msg
}

// reasons are those of a decision, as the document has them.
func reasons(d doc) []string {
	v := d.value("policy.reasons")
	if text := v.Text(); text != "" {
		return []string{text}
	}
	var list []string
	for r := range v.Elements() {
		list = append(list, r.Text())
	}
	return list
}

// mark is the colour of a message, by how it ended.
func mark(paint colours, d doc) func(string) string {
	switch d.text("action.status") {
	case "acked", "done":
		return paint.green
	case "held", "pending_approval", "suppressed", "merged", "failed":
		return paint.yellow
	case "dead", "expired":
		return paint.red
	}
	if d.text("set.verdict") == "rejected" || d.text("policy.result") == "error" {
		return paint.red
	}
	return func(s string) string { return s }
}

// details are the further lines of a document: why, and the id to ask with.
func details(d doc) []string {
	var lines []string
	switch d.stream() {
	case "decision":
		lines = bullets(reasons(d), d.text("user.name"))
		for e := range d.value("policy.errors").Elements() {
			lines = append(lines, "error: "+e.Text())
		}
		lines = append(lines, "explain "+d.text("policy.decision_id"))
	case "signal", "alert":
		if r := d.text("set.remit"); r != "" {
			lines = append(lines, "recorded only: "+r)
		}
		if a := d.text("set.applied"); a != "" {
			lines = append(lines, "tolerated: "+a)
		}
	}
	return lines
}

// bullets lists reasons below a headline that names who already. A reason that
// another one begins with is left out.
func bullets(reasons []string, who string) []string {
	var lines []string
	for i, r := range reasons {
		longer := func(o string) bool { return len(o) > len(r) && strings.HasPrefix(o, r) }
		if !slices.ContainsFunc(reasons, longer) && !slices.Contains(reasons[:i], r) {
			lines = append(lines, "- "+strings.TrimPrefix(r, who+": "))
		}
	}
	return lines
}
