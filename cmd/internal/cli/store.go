package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

const storeHelp = `
status   what is in the store and how full its bounds are; asked of the running
         product, or read from its files when it does not run
compact  rewrite the tables of the running product so that what was removed
         takes no room any more; it goes by itself in time

`

// runStore looks after the store.
func runStore(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "status" && rest[0] != "compact" {
		return usagef("say what to do: status or compact")
	}
	if rest[0] == "compact" {
		return c.compact(ctx, *path, *format)
	}
	s, err := askOrRead(ctx, c, *path, func(client *api.Client) (api.StoreStatus, error) { return client.Store(ctx) }, app.InspectStore)
	if err != nil {
		return err
	}
	if *format == "json" {
		return writeJSON(c.Out, s)
	}
	return printStore(c.Out, s, time.Now())
}

func (c *call) compact(ctx context.Context, path, format string) error {
	client, err := c.connect(ctx, path)
	if err != nil {
		return err
	}
	a, err := client.Compact(ctx, api.OperatorRequest{By: c.operator()})
	if err != nil {
		return c.explainFailure(err, path, "")
	}
	if format == "json" {
		return writeJSON(c.Out, a)
	}
	fmt.Fprintf(c.Out, "The store had %s and has %s. Files still being read go in a moment.\n", pipeline.Bytes(a.Before), pipeline.Bytes(a.After))
	return nil
}

// askOrRead asks the running product, or reads the files of one that does not run.
func askOrRead[T any](ctx context.Context, c *call, path string, ask func(*api.Client) (T, error), read func(*config.Config) (T, error)) (answer T, err error) {
	client, err := c.connect(ctx, path)
	if err != nil {
		return answer, err
	}
	answer, err = ask(client)
	if !errors.Is(err, api.ErrNotRunning) {
		if err != nil {
			err = c.explainFailure(err, path, "")
		}
		return answer, err
	}
	cfg, _ := config.Load(path, c.Env)
	answer, err = read(cfg)
	if errors.Is(err, store.ErrNone) {
		err = fmt.Errorf("there is no store in data_dir %s yet: signalbox run --config %s makes it", cfg.DataDir, path)
	}
	return answer, err
}

func printStore(w io.Writer, s api.StoreStatus, now time.Time) error {
	how := "read from its files: the product does not run"
	if s.Running {
		how = "in use by the running product"
	}
	fmt.Fprintf(w, "store     format %d, %s\n", s.Format, how)
	if s.Journal.Records == 0 {
		fmt.Fprintln(w, "journal   empty")
	} else {
		fmt.Fprintf(w, "journal   %s, %d (%s) to %d (%s)\n", count(int(s.Journal.Records), "record"),
			s.Journal.First, s.Journal.FirstTime.Format(time.RFC3339), s.Journal.Last, s.Journal.LastTime.Format(time.RFC3339))
	}
	timers := "no timer is set"
	if s.Timers.Count > 0 {
		timers = fmt.Sprintf("%s, the next at %s", count(s.Timers.Count, "timer"), s.Timers.Next.Format(time.RFC3339))
	}
	fmt.Fprintf(w, "timers    %s\n", timers)
	fmt.Fprintf(w, "disk      %s of tables, %s of log, %s free\n\n", pipeline.Bytes(s.Disk.Tables), pipeline.Bytes(s.Disk.Log), pipeline.Bytes(s.Disk.Free))

	var rows [][]string
	for _, p := range s.Parts {
		rows = append(rows, []string{p.Name, pipeline.Bytes(p.Bytes)})
	}
	if err := table(w, []string{"PART", "IN TABLES"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(w, "What is younger is in the log.")
	rows = nil
	for _, b := range s.Budgets {
		name, used, most := b.Name, pipeline.Bytes(b.Used), pipeline.Bytes(b.Max)
		if b.Of != "" {
			name, used, most = b.Name+" "+b.Of, strconv.FormatInt(b.Used, 10), strconv.FormatInt(b.Max, 10)
		}
		rows = append(rows, []string{name, fmt.Sprintf("%d %%", b.Percent), used, most, b.AtLimit})
	}
	fmt.Fprintln(w)
	if err := table(w, []string{"BUDGET", "USED", "IS", "OF", "AT 100 %"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, x := range s.Cursors {
		rows = append(rows, []string{x.Name, strconv.FormatUint(x.At, 10), strconv.FormatUint(x.Lag, 10)})
	}
	if err := section(w, []string{"CURSOR", "AT", "BEHIND"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, q := range s.Queues {
		rows = append(rows, []string{q.Sink, strconv.Itoa(q.Pending), fmt.Sprintf("%s (%s)", q.Oldest.Format(time.RFC3339), now.Sub(q.Oldest).Round(time.Second))})
	}
	return section(w, []string{"SINK", "PENDING", "OLDEST"}, rows)
}
