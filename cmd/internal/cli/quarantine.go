package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// quarantineHelp tells what is there and what can be done with it.
const quarantineHelp = `
Refused messages of senders that showed who they are stay here, whole and with
the reason, until somebody decides: after a key, an audience or a rule set was
put right, retry brings them to the line as if they had just come.

  list           what is there; --source, --issuer and --code choose
  show ID        one message: the check that failed, and what it says, unverified
  retry ID...    try again; or --all, with --source, --issuer and --code to choose
  drop ID...     remove for good; or --all, likewise

`

var quarantineIDs = regexp.MustCompile(`^q-[0-9a-z]{26}$`)

// runQuarantine looks after refused messages.
func runQuarantine(ctx context.Context, c *call) error {
	path := c.configFlag()
	all := c.flags.Bool("all", false, "retry, drop: everything that is there and chosen")
	source := c.flags.String("source", "", "only messages of this source, by `name`")
	issuer := c.flags.String("issuer", "", "only messages of this issuer or sender, by `URL`")
	code := c.flags.String("code", "", "only messages refused with this `code`")
	limit := c.flags.Int("limit", 100, "list: at most this many, up to 1000")
	yes := c.flags.Bool("yes", false, "drop: do not ask before --all")
	comment := c.flags.String("comment", "", "drop: `why`, for the audit record")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("say what to do: list, show, retry or drop")
	}
	do, ids := rest[0], rest[1:]
	filter := pipeline.QuarantineFilter{Source: *source, Issuer: *issuer, Code: *code}
	if err := quarantineArgs(do, ids, *all, filter, *limit); err != nil {
		return err
	}
	if do == "drop" && *all && !*yes {
		if err := c.confirm(do, "everything chosen, for good", "everything chosen, for good"); err != nil {
			return err
		}
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	q := quarantine{c, client, *format == "json"}
	req := api.QuarantineRequest{
		IDs: ids, All: *all, Source: *source, Issuer: *issuer, Code: *code, By: c.operator(), Comment: *comment,
	}
	switch do {
	case "list":
		err = q.list(ctx, filter, *limit)
	case "show":
		err = q.show(ctx, ids[0])
	case "retry":
		req.Comment = ""
		err = q.retry(ctx, req)
	case "drop":
		err = q.drop(ctx, req)
	}
	return c.explainFailure(err, *path, "")
}

func quarantineArgs(do string, ids []string, all bool, filter pipeline.QuarantineFilter, limit int) error {
	for _, id := range ids {
		if !quarantineIDs.MatchString(id) {
			return usagef("%q is not the id of a message in quarantine (q-), as signalbox quarantine list shows them", id)
		}
	}
	switch do {
	case "list":
		if len(ids) > 0 || all {
			return usagef("list takes no ids: signalbox quarantine show ID shows one")
		}
		if limit < 1 || limit > 1000 {
			return usagef("--limit %d: give 1 to 1000", limit)
		}
	case "show":
		if len(ids) != 1 {
			return usagef("give the id of one message")
		}
	case "retry", "drop":
		if all == (len(ids) > 0) {
			return usagef("give ids, or --all")
		}
		if !all && filter != (pipeline.QuarantineFilter{}) {
			return usagef("--source, --issuer and --code choose among --all")
		}
	default:
		return usagef("unknown command %q: list, show, retry or drop", do)
	}
	return nil
}

// quarantine is the verb's work on the running product.
type quarantine struct {
	*call
	client *api.Client
	json   bool
}

func (q quarantine) list(ctx context.Context, f pipeline.QuarantineFilter, limit int) error {
	a, err := q.client.Quarantine(ctx, f, limit)
	if err != nil {
		return err
	}
	if q.json {
		return writeJSON(q.Out, a)
	}
	if a.Total == 0 {
		fmt.Fprintln(q.Out, "Nothing is in quarantine.")
		return nil
	}
	var rows [][]string
	for _, m := range a.Messages {
		rows = append(rows, []string{m.ID, m.Last.UTC().Format("2006-01-02 15:04:05Z"), fmt.Sprint(m.Count), m.Source, m.Sender, m.Code, m.Description})
	}
	if err := table(q.Out, []string{"ID", "LAST", "TIMES", "SOURCE", "SENDER", "CODE", "WHY"}, rows); err != nil {
		return err
	}
	if a.Total > len(a.Messages) {
		fmt.Fprintf(q.Err, "The first %d of %d; --limit shows more.\n", len(a.Messages), a.Total)
	}
	return nil
}

func (q quarantine) show(ctx context.Context, id string) error {
	m, err := q.client.Quarantined(ctx, id)
	if err != nil {
		return err
	}
	if q.json {
		return writeJSON(q.Out, m)
	}
	why := m.Code + ": " + m.Description
	if m.Requirement != "" {
		why += " (" + m.Requirement + ")"
	}
	times := fmt.Sprintf("%d, first %s, last %s", m.Count, m.First.Format(time.RFC3339), m.Last.Format(time.RFC3339))
	for _, line := range [][2]string{
		{"id", m.ID}, {"refused", why}, {"source", m.Source}, {"sender", m.Sender}, {"from", m.RemoteAddr},
		{"position", m.Position}, {"times", times}, {"size", fmt.Sprintf("%d bytes", m.Size)},
	} {
		if line[1] != "" {
			fmt.Fprintf(q.Out, "%-9s %s\n", line[0], plain(line[1]))
		}
	}
	if m.Claims != nil {
		// The product made both safe to print.
		var header, claims bytes.Buffer
		if err := errors.Join(json.Indent(&header, m.Header, "", "  "), json.Indent(&claims, m.Claims, "", "  ")); err != nil {
			return err
		}
		fmt.Fprintf(q.Out, "\nheader, not verified\n%s\n\nclaims, not verified\n%s\n", &header, &claims)
	}
	fmt.Fprintf(q.Out, "\nas received\n%s\n", plain(m.Text))
	return nil
}

func (q quarantine) retry(ctx context.Context, req api.QuarantineRequest) error {
	a, err := q.client.RetryQuarantined(ctx, req)
	if err != nil {
		return err
	}
	stay := 0
	for _, r := range a.Results {
		if r.Reject != nil || r.Retry != "" {
			stay++
		}
	}
	if q.json {
		err = writeJSON(q.Out, a)
	} else {
		for _, r := range a.Results {
			what := string(r.Verdict)
			switch {
			case r.Reject != nil:
				what = "refused again: " + r.Reject.Code + ": " + r.Reject.Description
			case r.Retry != "":
				what = "not now: " + r.Retry
			case r.Input != "":
				what += " as " + r.Input
			case r.Verdict == pipeline.Repeated:
				what = "no longer there"
			}
			fmt.Fprintf(q.Out, "%s %s\n", r.ID, plain(what))
		}
		fmt.Fprintf(q.Out, "%d tried again, %d stay in quarantine\n", len(a.Results), stay)
	}
	if err == nil && stay > 0 {
		err = &quietError{exitFailure}
	}
	return err
}

func (q quarantine) drop(ctx context.Context, req api.QuarantineRequest) error {
	a, err := q.client.DropQuarantined(ctx, req)
	if err != nil {
		return err
	}
	if q.json {
		return writeJSON(q.Out, a)
	}
	fmt.Fprintf(q.Out, "%d dropped from quarantine\n", a.Dropped)
	if n := len(req.IDs); n > a.Dropped {
		fmt.Fprintf(q.Err, "%d of %s were not there\n", n-a.Dropped, strings.Join(req.IDs, " "))
	}
	return nil
}
