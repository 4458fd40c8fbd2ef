package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

const chainHelp = `
ID is any id in it: of a message (i-), event (e-), decision (d-) or action (a-),
of a token that was received or sent, or a transaction, which may hold several
chains. It is read from the index; signalbox explain shows one decision from the
journal, to the last expression.

`

// chainQuestion is the question that chains answer.
func chainQuestion() question.Question {
	for _, q := range question.All() {
		if q.Chain != "" {
			return q
		}
	}
	panic("cli: no question about chains")
}

// runChain shows one cause with all that came of it.
func runChain(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	when := c.spanFlags("all")
	limit := c.flags.Int("limit", 500, "most documents to print, at most "+strconv.Itoa(question.MaxLimit))
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one id, such as that of a decision, an action or a token")
	}
	if err := positive(*limit); err != nil {
		return err
	}
	q := chainQuestion()
	a, err := c.answer(ctx, *path, when, api.AskRequest{Name: q.Name, Limit: *limit, Values: map[string]string{q.Chain: rest[0]}})
	if err != nil {
		return err
	}
	if *format == "json" {
		if a.Chain == nil {
			a.Chain = []*question.Link{}
		}
		err = writeJSON(c.Out, a.Chain)
	} else {
		p := chainPrinter{linePrinter{w: c.Out, paint: coloursFor(c.Out, c.Env), width: widthOf(c.Out)}, map[string]bool{}}
		err = p.print(a.Chain)
	}
	if err != nil {
		return err
	}
	switch {
	case a.Partial != "":
		fmt.Fprintln(c.Err, "incomplete:", a.Partial)
	case a.Found > *limit:
		fmt.Fprintf(c.Err, "%d of %d documents; --limit shows more\n", *limit, a.Found)
	case a.Found == 0:
		fmt.Fprintf(c.Err, "no document has the id %s with --since %s; ids are whole, and what was committed a moment ago is indexed soon\n", plain(rest[0]), *when.since)
	}
	return nil
}

// chainPrinter prints links as an analyst reads them: what came of one below it
// and further in, each with its time, reasons and id.
type chainPrinter struct {
	linePrinter
	told map[string]bool // decisions whose reasons were printed
}

func (p *chainPrinter) print(links []*question.Link) error {
	for i, l := range links {
		if i > 0 {
			fmt.Fprintln(p.w)
			p.day = ""
		}
		if err := p.link(l, 0); err != nil {
			return err
		}
	}
	return nil
}

// mostSteps bounds how far in a link is printed.
const mostSteps = 12

func (p *chainPrinter) link(l *question.Link, depth int) error {
	docs, err := readDocs(l.Docs)
	if err != nil {
		return err
	}
	in := 2 * min(depth, mostSteps)
	kind, notes := string(l.Kind), []string{l.ID}
	for i, d := range docs {
		switch l.Kind {
		case question.EventLink:
			kind = d.stream()
		case question.DecisionLink:
			p.told[l.ID] = true
			notes = nil // their details end with the id
		case question.AuditLink:
			notes = nil // no other command takes the id
		}
		p.line(in, d.time(), kind, headline(d, p.told), mark(p.paint, d))
		p.notes(in, details(d))
		if i == 0 && len(docs) > 1 {
			kind = "" // the further states of an action
		}
	}
	if len(docs) == 0 {
		at, text, err := p.stands(l)
		if err != nil {
			return err
		}
		p.line(in, at, kind, text, func(s string) string { return s })
	}
	p.notes(in, notes)
	for _, next := range l.Then {
		if err := p.link(next, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// stands says what is known of a link without documents: of a message by what the
// first event says of it.
func (p *chainPrinter) stands(l *question.Link) (at time.Time, text string, err error) {
	of := l
	for len(of.Docs) == 0 && len(of.Then) > 0 {
		of = of.Then[0]
	}
	if len(of.Docs) == 0 {
		return at, lost, nil
	}
	d, err := parseDoc(of.Docs[0])
	if err != nil {
		return at, "", fmt.Errorf("read document: %w", err)
	}
	if l.Kind != question.InputLink || of.Kind != question.EventLink {
		return d.time(), lost, nil
	}
	if at, err = time.Parse(time.RFC3339Nano, d.text("ssf.received")); err != nil {
		at = d.time()
	}
	text = "record of " + d.text("event.provider")
	if jti := d.text("set.jti"); jti != "" {
		text = "token " + jti + " of " + d.text("event.provider")
	}
	for _, part := range [][2]string{{" by ", "ssf.delivery"}, {" through ", "ssf.source"}, {": ", "set.verdict"}, {", ", "set.assurance"}, {", transaction ", "set.txn"}} {
		if v := d.text(part[1]); v != "" {
			text += part[0] + v
		}
	}
	return at, text, nil
}

// lost is said of what is known only as the cause of something.
const lost = "its document is not among these"
