package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
)

const indexHelp = `
rebuild  give an index the whole journal again, which holds all that its
         documents are made from. An embedded index first removes the days that
         the journal holds whole; others take the documents under the same ids.
         Searches find only part of them until it has caught up; intake and
         deliveries do not wait for it.
setup    put what an index needs on its server: templates, lifecycle policies.
         What is there already is left, what is older replaced. It asks the
         server and not the running product, with the credentials of the
         configuration, which need more rights for it than for running.
diff     show what setup would put, line by line; exits with 1 if anything.
status   show the server, what it can do, and how every part stands.

`

// runIndex looks after the indexes.
func runIndex(ctx context.Context, c *call) error {
	path := c.configFlag()
	wait := c.flags.Bool("wait", false, "return when the index has taken everything")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if n := len(rest); n > 0 && n < 3 && slices.Contains([]string{"setup", "diff", "status"}, rest[0]) {
		return c.indexSetup(ctx, rest[0], strings.Join(rest[1:], ""), *path, *format)
	}
	if len(rest) != 2 || rest[0] != "rebuild" {
		return usagef("say what to do: setup, diff or status, or rebuild and the name of an index")
	}
	name := rest[1]
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	a, err := client.Rebuild(ctx, name, api.OperatorRequest{By: c.operator()})
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *wait {
		if err := c.awaitIndex(ctx, client, a); err != nil {
			return c.explainFailure(err, *path, "")
		}
	}
	if *format == "json" {
		return writeJSON(c.Out, a)
	}
	if *wait {
		fmt.Fprintf(c.Out, "Index %s was given %d journal records again.\n", name, a.Records)
		return nil
	}
	fmt.Fprintf(c.Out, "Index %s is given %d journal records again. How far it is: signalbox store status --config %s\n", name, a.Records, *path)
	return nil
}

// awaitIndex waits until the index has caught up.
func (c *call) awaitIndex(ctx context.Context, client *api.Client, a api.RebuildAnswer) error {
	p := progressFor(c.Err)
	defer p.end()
	for {
		s, err := client.Status(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(s.Indexes, func(x api.IndexStatus) bool { return x.Name == a.Index })
		if i < 0 || s.Indexes[i].Lag == 0 {
			return nil
		}
		p.count("records to go", s.Indexes[i].Lag)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (p *progress) count(what string, n uint64) { p.tell(fmt.Sprintf("%d %s", n, what), 0, 0) }
