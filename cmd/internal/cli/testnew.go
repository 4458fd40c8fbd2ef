package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/policies"
)

// testNew makes a test case of a decision.
func (c *call) testNew(ctx context.Context) error {
	path := c.configFlag()
	from := c.flags.String("from", "", "`ID` of an event, decision or action, or a file with a message")
	rule := c.flags.String("rule", "", "`name` of the rule to test; default the only one that fired")
	dir := c.flags.String("dir", "", "`folder` of the rules; default dir in the block policies, or policies")
	name := c.flags.String("name", "", "`name` of the case; default the type of the event and a number")
	source := c.flags.String("source", "", "`name` of the source the message of a file would come by; default the only one")
	fresh := c.flags.Bool("fresh", false, "for a file: as if nothing were known yet, even when the product runs")
	var keep []string
	c.flags.Func("keep", "a `text` that is not replaced, such as an issuer the rule compares with; may be repeated", func(s string) error {
		keep = append(keep, s)
		return nil
	})
	c.usage = func() {
		fmt.Fprint(c.Out, `Usage: signalbox test new [flags] --from ID | FILE

Make a test case of a decision: what the rule saw and what it makes of it. E-mail
addresses, names, addresses, ids, tokens and whatever else is not a word of the
contract or of the rule are replaced, the same by the same and in the same form.
Times stay. Look at the case before you share it.

`)
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	switch {
	case len(rest) > 0:
		return usagef("unexpected argument %q", rest[0])
	case *from == "":
		return usagef("say of what: --from ID or --from FILE")
	}
	folder := *dir
	if folder == "" {
		cfg, _ := config.Load(*path, c.Env)
		if folder = cfg.Policies.Dir; folder == "" {
			folder = "policies"
		}
	}
	d, err := c.decisionOf(ctx, *path, *from, *source, *fresh)
	if err != nil {
		return err
	}
	if *rule == "" {
		if *rule, err = onlyRule(d); err != nil {
			return err
		}
	}
	made, err := app.Capture(ctx, folder, *path, c.Env, policies.CaptureRequest{Rule: *rule, Name: *name, Input: d.Input, Keep: keep})
	if err != nil {
		return c.refused(err)
	}
	var names []string
	for file, text := range made.Files {
		at := filepath.Join(folder, filepath.FromSlash(file))
		if err := replaceFile(at, text); err != nil {
			return err
		}
		names = append(names, at)
	}
	slices.Sort(names)
	fmt.Fprintf(c.Out, "case %s of %s: %s\nwritten to %s; run: signalbox test %s\n",
		made.Name, made.Rule, held(made.Branches), strings.Join(names, " and "), folder)
	if then := branchesOf(d, made.Rule); !slices.Equal(then, made.Branches) {
		fmt.Fprintf(c.Err, "the rules of then decided otherwise: %s; the case says what those in %s make of it\n", held(then), folder)
	}
	return nil
}

// onlyRule is the rule a decision is of, if there is no choice.
func onlyRule(d *api.Decision) (string, error) {
	var fired []string
	for _, f := range d.Fired {
		if !slices.Contains(fired, f.Rule) {
			fired = append(fired, f.Rule)
		}
	}
	switch {
	case len(fired) == 1:
		return fired[0], nil
	case len(fired) == 0 && len(d.Quiet) == 1:
		return d.Quiet[0], nil
	}
	return "", usagef("several rules looked; choose one: --rule %s", strings.Join(slices.Concat(fired, d.Quiet), " or --rule "))
}

func branchesOf(d *api.Decision, rule string) (list []string) {
	for _, f := range d.Fired {
		if f.Rule == rule {
			list = append(list, f.Branch)
		}
	}
	return list
}

func held(branches []string) string {
	if len(branches) == 0 {
		return "nothing holds"
	}
	return strings.Join(branches, "; ")
}

// replaceFile writes a file whole or not at all.
func replaceFile(at string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(at), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), at)
}
