package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
)

const drillHelp = `
A token of an issuer within the product goes through the running line: verify,
normalize, decide, commit, sign, deliver, index and search. It concerns nobody,
reaches no receiver, counts in no limit and no figure of real signals; its
documents carry the tag test. The network to and from the product is not tested.

Ends with 0 when every station answered, with 1 when one did not in time or
nothing runs. Stations that the configuration or the stop switch hold back are
named and are no failure. One at a time, and one in five seconds.
`

// runDrill sends a test signal through the running product.
func runDrill(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	timeout := c.flags.Duration("timeout", 20*time.Second, "how long all stations together may take, at most 50s")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if *timeout <= 0 || *timeout > 50*time.Second {
		return usagef("--timeout %s: give at most 50s", *timeout)
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	a, err := client.Drill(ctx, api.DrillRequest{By: c.operator(), Timeout: timeout.String()})
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		err = writeJSON(c.Out, a)
	} else {
		err = printDrill(c, a)
	}
	if err == nil && !a.OK {
		err = &quietError{exitFailure}
	}
	return err
}

// failedStation is the first one that did not answer.
func failedStation(list []api.DrillStation) string {
	for _, s := range list {
		if s.State == api.StationFailed {
			return s.Station
		}
	}
	return "a station"
}

func printDrill(c *call, a api.DrillAnswer) error {
	width := 0
	for _, s := range a.Stations {
		width = max(width, len(s.Station))
	}
	for _, s := range a.Stations {
		took := ""
		if s.Seconds > 0 {
			took = fmt.Sprintf("%.1f ms", s.Seconds*1000)
		}
		if _, err := fmt.Fprintf(c.Out, "%-*s  %-11s  %10s  %s\n", width, s.Station, s.State, took, s.Seen); err != nil {
			return err
		}
	}
	if a.Stopped {
		fmt.Fprintln(c.Out, "\nActions are stopped: nothing leaves, so the drill's action was held as well. Everything else was tested.")
	}
	verdict := "every station answered"
	if !a.OK {
		verdict = "FAILED at " + failedStation(a.Stations)
	}
	_, err := fmt.Fprintf(c.Out, "\nDrill%s: %s in %.2f s.\n", said(" ", a.ID), verdict, a.Seconds)
	return err
}
