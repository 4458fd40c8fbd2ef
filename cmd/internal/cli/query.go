package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		return errors.New(pointed(failure.Message, *failure.Offset, failure.Hint, text))
	}
	if failure != nil && failure.Hint != "" {
		return fmt.Errorf("%s (%s)", failure.Message, failure.Hint)
	}
	return err
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
set.iss, set.jti, policy.rules, action.type, action.status. signalbox fields
lists all of them.

Instead of documents it can count:

  --count '*'                                      how many there are
  --top user.name,20 'event.severity:>=73'         whom it is about most
  --top action.target --measure p95:ssf.latency_ms 'action.status:acked'
  --histogram 1h --by event.action '*'             how many in each hour

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
	asc := c.flags.Bool("asc", false, "oldest first; the same as --sort @timestamp:asc")
	order := c.flags.String("sort", "", "order by `FIELD[:asc|desc]`, asc unless said; documents without the field come last; newest first by default")
	fields := c.flags.String("fields", "", "comma-separated `fields` to print as columns")
	counts := c.countingFlags()
	rest, err := c.parse()
	if err != nil {
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
		return placed("", err, text)
	}
	var counting api.AggregateRequest
	if counts.asked() {
		if counting, err = counts.plan(); err != nil {
			return err
		}
		if *order != "" || *asc || *fields != "" {
			return usagef("--sort, --asc and --fields are for documents, not for counts")
		}
	}
	sort, err := sortOf(*order, *asc)
	if err != nil {
		return err
	}
	from, to, err := when.times(time.Now())
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	if counts.asked() {
		counting.Query, counting.From, counting.To = text, from, to
		partial, err := counts.run(ctx, c, client, counting, *format)
		if err != nil {
			return c.explainFailure(err, *path, text)
		}
		if partial != "" {
			fmt.Fprintln(c.Err, "incomplete:", partial)
		}
		return nil
	}
	out := newDocPrinter(c.Out, *format, columns)
	n, total, partial, err := eachPage(ctx, client, api.QueryRequest{Query: text, From: from, To: to, Sort: sort}, *limit, out.print)
	if err != nil {
		return c.explainFailure(err, *path, text)
	}
	if err := out.end(); err != nil {
		return err
	}
	switch {
	case partial != "":
		fmt.Fprintf(c.Err, "%s; incomplete: %s\n", documents(n), partial)
	case *format != "table":
	case total > n:
		fmt.Fprintf(c.Err, "%d of %d documents; --limit shows more\n", n, total)
	default:
		fmt.Fprintf(c.Err, "%s\n", documents(n))
	}
	return nil
}

// sortOf reads --sort and --asc.
func sortOf(order string, asc bool) (string, error) {
	switch {
	case order == "" && asc:
		order = "@timestamp:asc"
	case order == "":
		return "", nil
	case asc:
		return "", usagef("give one of --sort and --asc")
	}
	s, err := query.ParseSort(order)
	if err != nil {
		return "", usagef("--sort: %v", err)
	}
	return s.String(), nil
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

// placed shows an error of a query below its text.
func placed(before string, err error, text string) error {
	var qe *query.Error
	if !errors.As(err, &qe) {
		return err
	}
	if qe.Offset < 0 {
		return usagef("%s%v", before, err)
	}
	return usagef("%s%s", before, pointed(qe.Problem, qe.Offset, qe.Hint, text))
}

// pointed puts a caret below the place of a problem. Of a long text only what
// is around it is shown, on one line.
func pointed(problem string, offset int, hint, text string) string {
	const around = 60
	r := []rune(plain(text))
	at := min(len([]rune(text[:min(max(offset, 0), len(text))])), len(r))
	if end := at + around; end < len(r) {
		r = append(r[:end:end], '…')
	}
	if from := at - around; from > 0 {
		r, at = append([]rune{'…'}, r[from:]...), around+1
	}
	if hint != "" {
		hint = " " + hint
	}
	return fmt.Sprintf("%s\n  %s\n  %s^%s", problem, string(r), strings.Repeat(" ", at), hint)
}

// fetch is eachPage for an answer that is needed whole.
func fetch(ctx context.Context, client *api.Client, req api.QueryRequest, limit int) (docs []json.RawMessage, total int, partial string, err error) {
	_, total, partial, err = eachPage(ctx, client, req, limit, func(page []json.RawMessage) error {
		docs = append(docs, page...)
		return nil
	})
	return docs, total, partial, err
}

// eachPage pages until the limit or the end and hands each page on. Only the
// first counts all matches.
func eachPage(ctx context.Context, client *api.Client, req api.QueryRequest, limit int, take func([]json.RawMessage) error) (n, total int, partial string, err error) {
	for n < limit {
		req.Size = min(limit-n, 1000)
		page, err := client.Query(ctx, req)
		if err != nil {
			return n, total, "", err
		}
		if err := take(page.Docs); err != nil {
			return n, total, "", err
		}
		n += len(page.Docs)
		total = max(total, page.Total)
		if page.Partial != "" {
			partial = page.Partial
		}
		if page.Next == "" {
			break
		}
		req.After, req.SkipTotal = page.Next, true
	}
	return n, total, partial, nil
}
