package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
)

const statusHelp = `
What does not work now and why, what came in, what waits to go out, how far the
indexes are behind. store status tells how full its bounds are.

Ends with 0 when it is ready, with 1 when a part does not work.

`

// runStatus shows how the running product is.
func runStatus(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("status takes no argument")
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	s, err := client.Status(ctx)
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		err = writeJSON(c.Out, s)
	} else {
		err = printStatus(c.Out, s, time.Now())
	}
	if err == nil && !s.Ready {
		err = &quietError{exitFailure}
	}
	return err
}

func printStatus(w io.Writer, s api.Status, now time.Time) error {
	fmt.Fprintf(w, "signalbox %s, up for %s, listening on %s\n", plain(s.Version), age(now, s.Started), plain(s.Listen))
	if s.Ready {
		fmt.Fprintln(w, "ready     every part works")
	}
	for _, part := range slices.Sorted(maps.Keys(s.Problems)) {
		fmt.Fprintf(w, "problem   %s: %s\n", plain(part), plain(s.Problems[part]))
	}
	if s.Stopped {
		fmt.Fprintln(w, "actions   are held: signalbox stop-actions --resume lets them go")
	} else {
		fmt.Fprintln(w, "actions   go out as they are decided")
	}
	fmt.Fprintf(w, "policies  %s\n", plain(s.Policies))
	room := pipeline.Bytes(s.Journal.Bytes)
	if s.Journal.MaxBytes > 0 {
		room += " of " + pipeline.Bytes(s.Journal.MaxBytes)
	}
	fmt.Fprintf(w, "journal   %s, at record %d; %s of disk free\n", room, s.Journal.Last, pipeline.Bytes(s.Journal.DiskFree))

	var rows [][]string
	for _, x := range s.Sources {
		behind := ""
		if x.Behind != nil {
			behind = strconv.FormatInt(*x.Behind, 10)
		}
		rows = append(rows, []string{x.Name, x.Feed, age(now, x.Last), age(now, x.Keys), behind, x.Reason})
	}
	if err := section(w, []string{"SOURCE", "FEED", "LAST SET", "KEYS", "BEHIND", "PROBLEM"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, x := range s.Sinks {
		streams := ""
		if x.Streams > 0 {
			streams = strconv.Itoa(x.Streams)
		}
		rows = append(rows, []string{x.Name, strconv.Itoa(x.Pending), age(now, x.Oldest), streams})
	}
	if err := section(w, []string{"SINK", "PENDING", "OLDEST", "STREAMS"}, rows); err != nil {
		return err
	}
	rows = nil
	for _, x := range s.Indexes {
		rows = append(rows, []string{x.Name, strconv.FormatUint(x.Lag, 10)})
	}
	return section(w, []string{"INDEX", "BEHIND"}, rows)
}

// section is a table after an empty line, unless there is nothing in it.
func section(w io.Writer, header []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return table(w, header, rows)
}

// age is how long ago something was, "" if it never was.
func age(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return max(0, now.Sub(at)).Round(time.Second).String()
}
