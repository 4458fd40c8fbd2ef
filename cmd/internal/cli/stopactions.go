package cli

import (
	"context"
	"fmt"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
)

// runStopActions works the stop switch of the running product.
func runStopActions(ctx context.Context, c *call) error {
	path := c.configFlag()
	resume := c.flags.Bool("resume", false, "let actions go out again")
	comment := c.flags.String("comment", "", "`why`, for the audit record")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	req := api.OperatorRequest{By: c.operator(), Comment: *comment}
	if *resume {
		_, err = client.ResumeActions(ctx, req)
	} else {
		_, err = client.StopActions(ctx, req)
	}
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *resume {
		held, err := client.Actions(ctx, api.ActionsRequest{Guard: "stop", Limit: 1})
		if err != nil {
			return c.explainFailure(err, *path, "")
		}
		fmt.Fprintln(c.Out, "Actions go out again: what was queued before the stop, if it has not expired, and what is decided from now on.")
		if held.Total == 0 {
			fmt.Fprintln(c.Out, "Nothing was held meanwhile.")
			return nil
		}
		fmt.Fprintf(c.Out, "%s held meanwhile and wait for a person, until they expire:\n"+
			"  signalbox action list --guard stop --config %s\n  signalbox action approve --all --guard stop --config %[2]s\n", were(held.Total), *path)
		return nil
	}
	fmt.Fprintf(c.Out, "Actions are stopped: nothing leaves, new ones are held. Intake and indexing go on.\nResume with: signalbox stop-actions --resume --config %s\n", *path)
	return nil
}

func were(n int) string {
	if n == 1 {
		return "1 action was"
	}
	return counted(n) + " were"
}
