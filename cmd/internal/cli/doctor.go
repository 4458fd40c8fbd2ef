package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/ssf/doctor"
)

const doctorHelp = `
Interrogates a transmitter of the Shared Signals Framework and says what deviates
from SSF 1.0 and the CAEP interoperability profile: discovery, TLS, keys, access,
streams, vocabulary, clocks, and a verification round trip. For that it makes a
stream of its own, polls it and deletes it; --no-stream leaves it out. No secret is
shown.
` + reachHelp + `
Ends with 0 when signals can come through, with 1 when a fault was found.

`

// runDoctor examines a transmitter.
func runDoctor(ctx context.Context, c *call) error {
	r := c.reachFlags()
	format := c.formatFlag("text", "json")
	none := c.flags.Bool("no-stream", false, "make no stream for the verification round trip")
	wait := c.flags.Duration("timeout", 30*time.Second, "how long the verification event may take, at most 10m")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one transmitter: the name of a source, or the URL of an issuer")
	}
	if *wait <= 0 || *wait > 10*time.Minute {
		return usagef("--timeout %s: give at most 10m", *wait)
	}
	t, err := r.open(rest[0])
	if err != nil {
		return err
	}
	public, err := t.conf.Reach().Client(t.env)
	if err != nil {
		return err
	}
	report := doctor.Examine(ctx, doctor.Options{
		Client: t.Client, HTTP: public, Issuer: t.Issuer(), Credentials: t.conf.HasCredentials(), RoundTrip: !*none, Wait: *wait,
	})
	if *format == "json" {
		err = writeJSON(c.Out, report)
	} else {
		printFindings(c.Out, coloursFor(c.Out, c.Env), report)
	}
	if err == nil && !report.OK {
		err = &quietError{exitFailure}
	}
	return err
}

// printFindings prints findings in the order they were made.
func printFindings(w io.Writer, paint colours, r doctor.Report) {
	count := map[doctor.State]int{}
	for _, f := range r.Findings {
		count[f.State]++
		state := fmt.Sprintf("%-8s", f.State)
		switch f.State {
		case doctor.Fault:
			state = paint.red(state)
		case doctor.Warning:
			state = paint.yellow(state)
		case doctor.OK:
			state = paint.green(state)
		}
		says := plain(f.Says)
		if f.Requirement != "" && f.State != doctor.OK {
			says += " (" + f.Requirement + ")"
		}
		fmt.Fprintf(w, "%s %-13s %s\n", state, f.Check, says)
		if f.Do != "" {
			fmt.Fprintf(w, "%23s%s\n", "", plain(f.Do))
		}
	}
	fmt.Fprintf(w, "\n%d faults, %d warnings\n", count[doctor.Fault], count[doctor.Warning])
}
