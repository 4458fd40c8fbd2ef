package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// ids is the form of the ids explain looks up in the journal.
var ids = regexp.MustCompile(`^[iead]-[0-9a-z]{26}(-[a-z]+)?$`)

// maxExplainFile bounds what explain reads.
const maxExplainFile = 4 << 20

const explainHelp = `
As JSON it is one document for each record.

`

// runExplain shows every step for the messages of a file, without side
// effects, or what the journal holds under an id.
func runExplain(ctx context.Context, c *call) error {
	path := c.configFlag()
	source := c.flags.String("source", "", "`name` of the source the message would come by; default the only one")
	mapping := c.flags.String("mapping", "", "`name` of the mapping that reads the file as records of another product; needs no configuration")
	fresh := c.flags.Bool("fresh", false, "as if nothing were known yet, even when the product runs")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one file (- is standard input) or one id")
	}
	if _, err := os.Stat(rest[0]); rest[0] != "-" && errors.Is(err, os.ErrNotExist) && !ids.MatchString(rest[0]) {
		return fmt.Errorf("%s is neither a file nor an id, such as d- and 26 letters and digits", rest[0])
	}
	if ids.MatchString(rest[0]) {
		if _, err := os.Stat(rest[0]); errors.Is(err, os.ErrNotExist) {
			return c.explainID(ctx, *path, rest[0], *format)
		}
	}
	req, err := c.readMessages(rest[0], *source)
	if err != nil {
		return err
	}
	var list []api.Explanation
	if *mapping != "" {
		if list, err = app.ExplainMapped(ctx, app.Options{Config: *path, Env: c.Env, Version: productVersion()}, *mapping, req); err != nil {
			return c.refused(err)
		}
	} else {
		list, err = c.explainMessages(ctx, *path, req, *fresh)
	}
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		return writeExplanations(c.Out, list)
	}
	return printExplanations(c.Out, coloursFor(c.Out, c.Env), list)
}

func (c *call) explainID(ctx context.Context, path, id, format string) error {
	client, err := c.connect(ctx, path)
	if err != nil {
		return err
	}
	a, err := client.Journal(ctx, id)
	if err != nil {
		return c.explainFailure(err, path, "")
	}
	if format == "json" {
		return writeExplanations(c.Out, a.Records)
	}
	return printExplanations(c.Out, coloursFor(c.Out, c.Env), a.Records)
}

// explainMessages asks the running product, which knows the state of users and
// devices, and works from configuration and policies alone if none runs.
func (c *call) explainMessages(ctx context.Context, path string, req api.ExplainRequest, fresh bool) ([]api.Explanation, error) {
	if !fresh {
		client, err := c.connect(ctx, path)
		if err != nil {
			return nil, err
		}
		list, err := client.Explain(ctx, req)
		if !errors.Is(err, api.ErrNotRunning) {
			return list, err
		}
	}
	list, err := app.Explain(ctx, app.Options{Config: path, Env: c.Env, Version: productVersion()}, req)
	if err != nil {
		return nil, c.refused(err)
	}
	return list, nil
}

// readMessages reads a file: one compact token or JSON document, or one per
// line.
func (c *call) readMessages(name, source string) (api.ExplainRequest, error) {
	text, err := c.readFile(name, maxExplainFile)
	if err != nil {
		return api.ExplainRequest{}, err
	}
	var req api.ExplainRequest
	add := func(body []byte, position string) {
		contentType := "application/secevent+jwt"
		if bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("[")) {
			contentType = "application/json"
		}
		req.Messages = append(req.Messages, api.ExplainMessage{Source: source, ContentType: contentType, Body: string(body), Position: position})
	}
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) {
		add(text, name)
		return req, nil
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			add(line, fmt.Sprintf("%s:%d", name, i+1))
		}
	}
	if len(req.Messages) == 0 {
		return req, fmt.Errorf("%s holds no message", name)
	}
	return req, nil
}

// writeExplanations writes one object, or one per line if there are several.
func writeExplanations(w io.Writer, list []api.Explanation) error {
	if len(list) == 1 {
		return writeJSON(w, list[0])
	}
	for _, x := range list {
		if err := writeLine(w, x); err != nil {
			return err
		}
	}
	return nil
}

func printExplanations(w io.Writer, paint colours, list []api.Explanation) error {
	r := &report{w, paint}
	for i, x := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if len(list) > 1 && x.Verdict.Position != "" && x.Seq == 0 {
			r.head("message", "%s", x.Verdict.Position)
		}
		printExplanation(r, x)
	}
	return nil
}

// report writes indented lines.
type report struct {
	w     io.Writer
	paint colours
}

func (r *report) line(depth int, format string, args ...any) {
	fmt.Fprintf(r.w, "%s%s\n", strings.Repeat("  ", depth), plain(fmt.Sprintf(format, args...)))
}

func (r *report) head(name, format string, args ...any) {
	fmt.Fprintf(r.w, "%-10s %s\n", r.paint.bold(name), plain(fmt.Sprintf(format, args...)))
}

// said joins what there is, each after the separator.
func said(sep string, parts ...string) (text string) {
	for _, p := range parts {
		if p != "" {
			text += sep + p
		}
	}
	return text
}

func printExplanation(r *report, x api.Explanation) {
	if x.Seq > 0 {
		r.head("journal", "record %d of %s, %s", x.Seq, x.At.Format(time.RFC3339), x.Kind)
	}
	if o := x.Operator; o != nil && o.Judgement != nil {
		r.head("judged", "%s by %s: %s", o.Judgement.Verdict, o.By, cmp.Or(o.Comment, "without a comment"))
		r.line(2, "about    %s, %s", o.Judgement.ID, cmp.Or(strings.Join(o.Judgement.Rules, ", "), "no rule"))
		return
	}
	if o := x.Operator; o != nil {
		r.head("operator", "%s by %s%s", o.Verb, o.By, said(": ", o.Detail, o.Comment, o.Failed))
		return
	}
	if v := x.Verdict; v.Result != "" {
		printVerdict(r, v)
	}
	if v := x.Verdict; len(x.Events) == 0 && v.Result == pipeline.Accepted && v.Assurance == string(event.Channel) {
		r.head("event", "none: a skip of the mapping leaves the record out%s", said(": ", strings.Join(x.Skipped, ", ")))
	}
	for i, e := range x.Events {
		r.head("event", "%s  %s", e.Type, e.ID)
		r.line(2, "happened %s (%s)", e.Time.Format(time.RFC3339), e.TimeSource)
		if len(e.Subject) > 0 {
			r.line(2, "subject  %s", e.Subject)
		}
		if len(e.Body) > 0 {
			r.line(2, "says     %s", e.Body)
		}
		if fields := flatFields(e.ECS); fields != "" {
			r.line(2, "fields   %s", fields)
		}
		if len(e.Concepts) > 0 {
			r.line(2, "concepts %s", strings.Join(e.Concepts, ", "))
		}
		if len(e.Applied) > 0 && x.Verdict.Assurance == string(event.Channel) {
			if i < len(x.Notes) {
				printNotes(r, x.Notes[i])
			} else {
				r.line(2, "noted    %s", strings.Join(e.Applied, ", "))
			}
		}
		if i < len(x.Decisions) {
			printDecision(r, x.Decisions[i])
		}
	}
	for i, a := range x.Actions {
		if i == 0 || a.ID != x.Actions[i-1].ID {
			r.head("action", "%s for %s  %s", a.Type, a.Key, a.ID)
			r.line(2, "asked for by %s: %s", a.Rule, a.Reason)
		}
		printPart(r, a)
	}
	r.head("documents", "%d; --format json shows them", len(x.Documents))
}

// printNotes prints what a mapping noted, one a line.
func printNotes(r *report, notes []mappings.Note) {
	for i, n := range notes {
		label := "noted    "
		if i > 0 {
			label = "         "
		}
		r.line(2, "%s%s%s%s", label, n.Kind, said(":", n.Name), said("  ", n.Value))
	}
}

// flatFields shows the fields that a mapping gives the document, by dotted name.
func flatFields(raw []byte) string {
	v, err := strictjson.Parse(raw, strictjson.Limits{})
	if err != nil {
		return ""
	}
	var parts []string
	var walk func(v strictjson.Value, path string)
	walk = func(v strictjson.Value, path string) {
		if v.Kind() != strictjson.Object {
			text := v.Text()
			if v.Kind() != strictjson.String || strings.ContainsAny(text, " \"") {
				text = string(v.Raw())
			}
			parts = append(parts, path+"="+text)
			return
		}
		for name, m := range v.Members() {
			walk(m, strings.TrimPrefix(path+"."+name, "."))
		}
	}
	walk(v, "")
	return strings.Join(parts, "  ")
}

// printPart tells how an action stands with one of its targets.
func printPart(r *report, a pipeline.Action) {
	where := ""
	switch {
	case a.Call != nil:
		where = strings.TrimSpace(cmp.Or(a.Call.Method, "call")+" "+a.Call.Path) + " at " + a.Target + " "
	case a.Target != "":
		where = a.Emits + " to " + a.Target + said("/", a.Stream) + " "
	}
	status := string(a.Status)
	if a.Info != "" {
		status += " (" + a.Info + ")"
	}
	if a.Why != "" {
		status += ": " + a.Why
	}
	r.line(2, "%s%s", where, status)
}

func printVerdict(r *report, v api.Verdict) {
	if v.Code != "" {
		r.head("verdict", "%s: %s: %s", v.Result, v.Code, v.Description)
		if v.Requirement != "" {
			r.line(2, "breaks %s", v.Requirement)
		}
		return
	}
	if v.Result == pipeline.Repeated {
		r.head("verdict", "repeated: this token was taken before, and nothing more comes of it")
		r.line(2, "explain %s tells what came of it then; --fresh tells what would if it were new", v.InputID)
		return
	}
	if v.Result == pipeline.Reused {
		r.head("verdict", "reused: token id %s was used before with other content; recorded and not run", v.JTI)
		return
	}
	r.head("verdict", "%s, %s by %s", v.Result, v.Assurance, v.Issuer)
	if v.Algorithm != "" {
		r.line(2, "%s with key %s, rule set %s, jti %s", v.Algorithm, v.KeyID, v.Rules, v.JTI)
	}
	if len(v.Applied) > 0 {
		r.line(2, "tolerated %s", strings.Join(v.Applied, ", "))
	}
	if v.Discard != "" {
		r.line(2, "dropped: %s", v.Discard)
	}
}

func printDecision(r *report, d api.Decision) {
	if d.Remit != "" {
		r.head("decision", "none: %s", d.Remit)
		return
	}
	if len(d.Change) > 0 {
		r.line(2, "changes  %s", d.Change)
	}
	r.head("decision", "%s  %s", d.Result, d.ID)
	for _, f := range d.Fired {
		r.line(2, "%s fired: %s", f.Rule, f.Branch)
	}
	for _, n := range d.Notes {
		r.line(2, "%s notes: %s", n.Rule, n.Text)
	}
	for _, e := range d.Errors {
		r.line(2, "%s failed in %s: %s", e.Rule, e.Document, e.Message)
	}
	if d.RulesChanged != "" {
		r.line(2, "the rules have changed since, from %s to %s; what follows is by those of today", d.Revision, d.RulesChanged)
	}
	for _, v := range d.Rules {
		if v.Held {
			continue
		}
		r.line(2, "%s did not fire: %s", v.Rule, v.Branch)
		if v.Text != "" {
			r.line(3, "%s:%d  %s  (%s)", v.File, v.Line, v.Text, v.Values)
		}
	}
	if len(d.Fired) == 0 && len(d.Quiet) == 0 {
		r.line(2, "no rule speaks to this event")
	}
}
