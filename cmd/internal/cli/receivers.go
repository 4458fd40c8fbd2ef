package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
)

const receiversHelp = `
Looks after the streams by which receivers get SETs from a sink "ssf" of ours.
Streams at transmitters of others are driven by signalbox stream.

  list            every stream: its receiver, whether it sends, what waits and what
                  became of the last SETs; asked of the running product, or read
                  from its files when it does not run
  show STREAM     one of them, all there is to know
  pause STREAM    hold what is for it, as much and as long as a queue holds
  disable STREAM  drop what waits and what comes; asks before it does
  enable STREAM   send again

The receiver is told of a change by a stream-updated event, with --reason. What an
operator paused or disabled its receiver cannot enable.

`

// receiverVerbs are the commands of receivers, with the status they ask for.
var receiverVerbs = map[string]string{"list": "", "show": "", "pause": "paused", "enable": "enabled", "disable": "disabled"}

// runReceivers looks after the streams of receivers.
func runReceivers(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	sink := c.flags.String("sink", "", "only streams of this sink, by `name`")
	reason := c.flags.String("reason", "", "pause, enable, disable: `why`, for the receiver and the audit record")
	yes := c.flags.Bool("yes", false, "disable: do not ask")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	const verbs = "list, show, pause, enable or disable"
	if len(rest) == 0 {
		return usagef("say what to do: %s", verbs)
	}
	status, ok := receiverVerbs[rest[0]]
	switch {
	case !ok:
		return usagef("unknown command %q: %s", rest[0], verbs)
	case rest[0] == "list" && len(rest) > 1:
		return usagef("unexpected argument %q", rest[1])
	case rest[0] != "list" && len(rest) != 2:
		return usagef("%s: give one stream; signalbox receivers list shows their ids", rest[0])
	case *reason != "" && status == "":
		return usagef("--reason: it goes with pause, enable or disable")
	}
	if status != "" {
		return c.setReceiverStatus(ctx, *path, *format, *yes, api.ReceiverStatusRequest{
			By: c.operator(), Reason: *reason, Sink: *sink, Stream: rest[1], Status: status,
		})
	}
	a, err := askOrRead(ctx, c, *path,
		func(client *api.Client) (api.ReceiversAnswer, error) { return client.Receivers(ctx) },
		func(cfg *config.Config) (api.ReceiversAnswer, error) { return app.InspectReceivers(ctx, cfg) })
	if err != nil {
		return err
	}
	a.Streams = slices.DeleteFunc(a.Streams, func(x api.ReceiverStream) bool {
		return *sink != "" && x.Sink != *sink || rest[0] == "show" && x.ID != rest[1]
	})
	switch {
	case rest[0] == "show" && len(a.Streams) == 0:
		return fmt.Errorf("there is no stream %q; signalbox receivers list shows them", rest[1])
	case *format == "json":
		return writeJSON(c.Out, a)
	case rest[0] == "show":
		for _, x := range a.Streams {
			c.printReceiver(x, time.Now())
		}
		return nil
	}
	return c.printReceivers(a, time.Now())
}

func (c *call) setReceiverStatus(ctx context.Context, path, format string, yes bool, req api.ReceiverStatusRequest) error {
	if req.Status == "disabled" && !yes {
		if err := c.confirm("disable", "a stream, which drops what waits for its receiver", "stream "+plain(req.Stream)+", and drop what waits for its receiver"); err != nil {
			return err
		}
	}
	client, err := c.connect(ctx, path)
	if err != nil {
		return err
	}
	a, err := client.SetReceiverStatus(ctx, req)
	if err != nil {
		return c.explainFailure(err, path, "")
	}
	if format == "json" {
		return writeJSON(c.Out, a)
	}
	x := a.Stream
	if a.Was == x.Status {
		fmt.Fprintln(c.Out, plain(fmt.Sprintf("stream %s of %s is %s already%s", x.ID, x.Receiver, x.Status, said(": ", x.Reason))))
		if x.Held {
			fmt.Fprintln(c.Out, "Only signalbox receivers enable lets it go on.")
		}
		return nil
	}
	fmt.Fprintln(c.Out, plain(fmt.Sprintf("stream %s of %s is %s, was %s; its receiver is told", x.ID, x.Receiver, x.Status, a.Was)))
	return nil
}

func (c *call) printReceivers(a api.ReceiversAnswer, now time.Time) error {
	if !a.Running {
		fmt.Fprintln(c.Out, "Read from the files: the product does not run.")
	}
	if len(a.Streams) == 0 {
		fmt.Fprintln(c.Out, `There is no stream. Receivers of a sink "ssf" make them, or stream blocks of the configuration do.`)
		return nil
	}
	var rows [][]string
	for _, x := range a.Streams {
		rows = append(rows, []string{
			x.Sink, x.Receiver, x.ID, x.Method, x.Status, strconv.Itoa(x.Pending), age(now, x.Oldest),
			ago(now, x.Delivered), ago(now, x.Acked), ago(now, x.Verified), lastError(x, now), x.Reason,
		})
	}
	return table(c.Out, []string{"SINK", "RECEIVER", "STREAM", "METHOD", "STATUS", "WAITING", "OLDEST", "DELIVERED", "TAKEN", "VERIFIED", "LAST ERROR", "REASON"}, rows)
}

// ago is age with "never".
func ago(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return age(now, at) + " ago"
}

// longestError is how much of an error a table shows, in characters.
const longestError = 60

func lastError(x api.ReceiverStream, now time.Time) string {
	if x.Failed.IsZero() {
		return "none"
	}
	text := []rune(x.Error)
	if len(text) > longestError {
		text = append(text[:longestError], []rune("...")...)
	}
	return ago(now, x.Failed) + ": " + string(text)
}

func (c *call) printReceiver(x api.ReceiverStream, now time.Time) {
	stamp := func(at time.Time) string {
		if at.IsZero() {
			return "never"
		}
		return fmt.Sprintf("%s (%s)", at.UTC().Format(time.RFC3339), ago(now, at))
	}
	made := "by its receiver"
	if x.Declared {
		made = "by the configuration"
	}
	status := x.Status + said(": ", x.Reason)
	if x.Held {
		status += " (by an operator: its receiver cannot enable it)"
	}
	waits := "nothing"
	if x.Pending > 0 {
		waits = fmt.Sprintf("%s, the oldest since %s", count(x.Pending, "SET"), stamp(x.Oldest))
	}
	last := "none"
	if !x.Failed.IsZero() {
		last = stamp(x.Failed) + ": " + x.Error
	}
	for _, l := range [][2]string{
		{"stream", x.ID}, {"sink", x.Sink}, {"receiver", x.Receiver}, {"made", made}, {"delivery", x.Method}, {"status", status},
		{"waiting", waits}, {"last delivered", stamp(x.Delivered)}, {"last taken", stamp(x.Acked)}, {"last error", last},
		{"last verification", stamp(x.Verified)}, {"last call", stamp(x.Active)}, {"subjects of its own", strconv.Itoa(x.Subjects)},
	} {
		fmt.Fprintf(c.Out, "%-20s %s\n", l[0], plain(l[1]))
	}
}
