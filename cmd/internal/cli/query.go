package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/query"
)

// connect finds the running product by its configuration.
func (c *call) connect(ctx context.Context, path string) (*api.Client, error) {
	cfg, list := config.Load(path, c.Env)
	client := api.Dial(cfg.DataDir)
	if !list.HasErrors() {
		return client, nil
	}
	// The product that runs had a configuration without errors; to stop its
	// actions must not wait until this one is mended.
	if _, err := client.Status(ctx); err != nil {
		return nil, c.refused(list)
	}
	fmt.Fprintf(c.Err, "signalbox: %s has errors now (signalbox check shows them); asking the product that runs in %s\n", path, cfg.DataDir)
	return client, nil
}

// explainFailure adds what to do next to an error of the product.
func (c *call) explainFailure(err error, path, text string) error {
	if errors.Is(err, api.ErrNotRunning) {
		return fmt.Errorf("%w; start it with: signalbox run --config %s", err, path)
	}
	var failure *api.Error
	if errors.As(err, &failure) && failure.Offset != nil && *failure.Offset >= 0 && text != "" {
		return fmt.Errorf("%s\n  %s\n  %s^%s", failure.Message, text, strings.Repeat(" ", min(*failure.Offset, len(text))), hint(failure.Hint))
	}
	if failure != nil && failure.Hint != "" {
		return fmt.Errorf("%s (%s)", failure.Message, failure.Hint)
	}
	return err
}

func hint(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

// queryHelp tells the language of queries.
const queryHelp = `
A query is terms joined by AND, OR, NOT and parentheses; terms side by side
are joined by AND:

  event.action:session-revoked        the field has the value
  user.name:jane*                     * is any text, ? any character
  set.iss:"https://idp.example.com"   quotes where there is a colon or a space
  event.severity:>=73                 also > < <=, for numbers and dates
  @timestamp:[2026-02-03 TO now-1h]   from one to the other
  user.name:*                         the field is there
  "session established"               the words, in any field
  *                                   everything

Often asked: event.action, event.dataset, user.name, device.id, session.id,
set.iss, set.jti, policy.rules, action.type, action.status. What else there is,
--format json shows.

`

// span is the --since and --until of a search.
type span struct{ since, until *string }

func (c *call) spanFlags(since string) span {
	return span{
		c.flags.String("since", since, "how long ago to start, such as 90m, 24h or 7d, or a `time` such as 2026-02-03T10:15:00Z or 2026-02-03; all is no bound"),
		c.flags.String("until", "", "where to end, a `time` likewise; default now"),
	}
}

func (s span) times(now time.Time) (from, to time.Time, err error) {
	if from, err = moment("since", *s.since, now); err != nil {
		return from, to, err
	}
	to, err = moment("until", *s.until, now)
	return from, to, err
}

// moment reads "90m", "7d", an RFC 3339 time, or a day, which begins in UTC; ""
// and "all" are no bound.
func moment(flagName, text string, now time.Time) (time.Time, error) {
	if text == "" || text == "all" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	days := time.Duration(0)
	rest := text
	if d, after, ok := strings.Cut(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(d, "%d", &n); err != nil || fmt.Sprint(n) != d || n < 0 || n > 36500 {
			return time.Time{}, usagef("--%s %q: give a duration such as 90m, 24h or 7d, or a time such as 2026-02-03T10:15:00Z", flagName, text)
		}
		days, rest = time.Duration(n)*24*time.Hour, after
	}
	d := time.Duration(0)
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || d < 0 {
			return time.Time{}, usagef("--%s %q: give a duration such as 90m, 24h or 7d, or a time such as 2026-02-03T10:15:00Z", flagName, text)
		}
	}
	return now.Add(-days - d), nil
}

// runQuery searches the index.
func runQuery(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("table", "ndjson", "json")
	when := c.spanFlags("24h")
	limit := c.flags.Int("limit", 100, "most documents to print")
	asc := c.flags.Bool("asc", false, "oldest first")
	fields := c.flags.String("fields", "", "comma-separated `fields` to print as columns")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if err := oneOf("format", *format, "table", "ndjson", "json"); err != nil {
		return err
	}
	if err := positive(*limit); err != nil {
		return err
	}
	columns, err := columnsOf(*fields)
	if err != nil {
		return err
	}
	text := strings.Join(rest, " ")
	if text == "" {
		return usagef("give a query, such as 'event.action:session-revoked'; '*' is everything")
	}
	if _, err := query.Parse(text); err != nil {
		return queryError(err, text)
	}
	now := time.Now()
	from, to, err := when.times(now)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	docs, total, partial, err := fetch(ctx, client, api.QueryRequest{Query: text, From: from, To: to, Asc: *asc}, *limit)
	if err != nil {
		return c.explainFailure(err, *path, text)
	}
	if *format != "table" {
		if err := writeDocs(c.Out, *format, docs); err != nil {
			return err
		}
		if partial != "" {
			fmt.Fprintln(c.Err, "incomplete:", partial)
		}
		return nil
	}
	if err := printDocs(c, docs, columns); err != nil {
		return err
	}
	switch {
	case partial != "":
		fmt.Fprintf(c.Err, "%s; incomplete: %s\n", documents(len(docs)), partial)
	case total > len(docs):
		fmt.Fprintf(c.Err, "%d of %d documents; --limit shows more\n", len(docs), total)
	default:
		fmt.Fprintf(c.Err, "%s\n", documents(len(docs)))
	}
	return nil
}

func positive(limit int) error {
	if limit < 1 {
		return usagef("--limit %d: give 1 or more", limit)
	}
	return nil
}

// columnsOf reads --fields. The time always comes first and is not repeated.
func columnsOf(list string) ([]string, error) {
	if list == "" {
		return []string{"event.dataset", "event.action", "user.name", "message"}, nil
	}
	var columns []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if _, ok := document.Lookup(name); !ok {
			if _, err := query.Parse(name + ":*"); err != nil {
				var qe *query.Error
				if errors.As(err, &qe) && qe.Hint != "" {
					return nil, usagef("--fields: %s; %s", qe.Problem, qe.Hint)
				}
				return nil, usagef("--fields: %q is not a field", name)
			}
		}
		if name != "@timestamp" {
			columns = append(columns, name)
		}
	}
	return columns, nil
}

func queryError(err error, text string) error {
	var qe *query.Error
	if !errors.As(err, &qe) {
		return err
	}
	at := min(max(qe.Offset, 0), len(text))
	return usagef("%s\n  %s\n  %s^%s", qe.Problem, text, strings.Repeat(" ", len([]rune(text[:at]))), hint(qe.Hint))
}

// fetch pages until the limit or the end.
func fetch(ctx context.Context, client *api.Client, req api.QueryRequest, limit int) (docs []json.RawMessage, total int, partial string, err error) {
	for len(docs) < limit {
		req.Size = min(limit-len(docs), 1000)
		page, err := client.Query(ctx, req)
		if err != nil {
			return nil, 0, "", err
		}
		docs = append(docs, page.Docs...)
		total = max(total, page.Total)
		if page.Partial != "" {
			partial = page.Partial
		}
		if page.Next == "" {
			break
		}
		req.After = page.Next
	}
	return docs, total, partial, nil
}

func printDocs(c *call, docs []json.RawMessage, columns []string) error {
	rows := make([][]string, 0, len(docs))
	for _, text := range docs {
		d, err := parseDoc(text)
		if err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		row := []string{d.time().UTC().Format("2006-01-02 15:04:05.000Z")}
		for _, f := range columns {
			row = append(row, d.text(f))
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return table(c.Out, slices.Concat([]string{"@timestamp"}, columns), rows)
}
