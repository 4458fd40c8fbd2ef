package cli

import (
	"context"
	"fmt"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// runCheck reports every problem of configuration and policies in one run. It
// exits 1 when there are errors; warnings alone are fine.
func runCheck(_ context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1:
		*path = rest[0]
	case len(rest) > 1:
		return usagef("unexpected argument %q", rest[1])
	}
	list := app.Check(*path, c.Env)
	if *format == "json" {
		err = diag.WriteJSON(c.Out, list)
	} else {
		if err = c.style().Write(c.Err, list); err == nil {
			if len(list) > 0 {
				fmt.Fprintln(c.Err)
			}
			fmt.Fprintln(c.Out, list.Verdict())
		}
	}
	if err == nil && list.HasErrors() {
		return &quietError{exitFailure}
	}
	return err
}
