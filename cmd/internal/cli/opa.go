package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/policies"
)

// runOPA hands over to the stock opa program and to editors that use it: what
// the rules saw, and the rules in the layout it reads.
func runOPA(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		switch sub := c.args[0]; sub {
		case "input":
			c.enter(sub)
			return c.opaInput(ctx)
		case "bundle":
			c.enter(sub)
			return c.opaBundle(ctx)
		}
	}
	c.usage = func() {
		fmt.Fprint(c.Out, `Usage: signalbox opa input [flags] ID | FILE
       signalbox opa bundle [flags] DIR

Work on rules with the stock opa program, or an editor that uses it:

  signalbox opa input d-... > input.json
  signalbox opa bundle bundle
  opa eval -b bundle -i input.json data.signals.threat_alert.actions

Run signalbox opa input -h for its flags.
`)
	}
	if _, err := c.parse(); err != nil {
		return err
	}
	return usagef("say what to make: input or bundle")
}

// opaInput prints the input document that the rules saw, or would see of a
// message in a file.
func (c *call) opaInput(ctx context.Context) error {
	path := c.configFlag()
	source := c.flags.String("source", "", "`name` of the source the message of a file would come by; default the only one")
	fresh := c.flags.Bool("fresh", false, "for a file: as if nothing were known yet, even when the product runs")
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox opa input [flags] ID | FILE\n\nPrint the input document that the rules saw of an event, decision, action or\ninput (ID), or would see of a message in a file.\n")
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one id or one file (- is standard input)")
	}
	d, err := c.decisionOf(ctx, *path, rest[0], *source, *fresh)
	if err != nil {
		return err
	}
	return writeJSON(c.Out, d.Input)
}

// decisionOf finds the decision with an input document that an id or a file
// stands for.
func (c *call) decisionOf(ctx context.Context, path, from, source string, fresh bool) (*api.Decision, error) {
	var list []api.Explanation
	if _, err := os.Stat(from); ids.MatchString(from) && errors.Is(err, fs.ErrNotExist) {
		client, err := c.connect(ctx, path)
		if err != nil {
			return nil, err
		}
		a, err := client.Journal(ctx, from)
		if err != nil {
			return nil, c.explainFailure(err, path, "")
		}
		list = a.Records
	} else {
		if from != "-" && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is neither a file nor an id, such as d- and 26 letters and digits", from)
		}
		req, err := c.readMessages(from, source)
		if err != nil {
			return nil, err
		}
		if list, err = c.explainMessages(ctx, path, req, fresh); err != nil {
			return nil, c.explainFailure(err, path, "")
		}
	}
	return pickDecision(list, from)
}

// pickDecision finds the one decision an id is about among the records under
// it.
func pickDecision(list []api.Explanation, from string) (*api.Decision, error) {
	want := from
	var made []*api.Decision
	for i := range list {
		for _, a := range list[i].Actions {
			if a.ID == from {
				want = a.Decision
			}
		}
	}
	var without string
	for i := range list {
		for j := range list[i].Decisions {
			d := &list[i].Decisions[j]
			switch one := strings.HasPrefix(want, "d-") || strings.HasPrefix(want, "e-"); {
			case one && d.Event != want && d.ID != want && "d-"+strings.TrimPrefix(d.Event, "e-") != want:
			case len(d.Input) > 0:
				made = append(made, d)
			case d.Remit != "":
				without = "the event was recorded only: " + d.Remit
			default:
				without = "no rule speaks to the event"
			}
		}
		if v := list[i].Verdict; v.Code != "" {
			without = "the message was rejected: " + v.Description
		} else if len(list[i].Decisions) == 0 && v.InputID != "" && len(list) == 1 {
			without = "the message was taken before; ask for " + v.InputID + ", or use --fresh"
		}
	}
	switch {
	case len(made) == 1:
		return made[0], nil
	case len(made) > 1:
		var names []string
		for _, d := range made {
			names = append(names, d.ID)
		}
		return nil, fmt.Errorf("%s stands for %d decisions; give one of %s", from, len(made), strings.Join(names, ", "))
	case without != "":
		return nil, fmt.Errorf("no rules saw %s: %s", from, without)
	}
	return nil, fmt.Errorf("no rules saw %s: it is about no event", from)
}

// opaBundle writes the rules in the layout of an OPA bundle.
func (c *call) opaBundle(ctx context.Context) error {
	path := c.configFlag()
	dir := c.flags.String("dir", "", "rules of this `folder` over those that come with the program, without a configuration")
	c.usage = func() {
		fmt.Fprint(c.Out, "Usage: signalbox opa bundle [flags] DIR\n\nWrite the rules a configuration uses, with their tests and lists, for\nopa eval -b, opa test -b and editors. DIR is made, or brought up to date if it\nis such a bundle.\n")
		c.printFlags()
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give the folder to write to")
	}
	var files map[string][]byte
	if *dir != "" {
		files, err = app.BundleDir(*dir)
	} else {
		files, err = app.Bundle(*path, c.Env)
	}
	if err != nil {
		return c.refused(err)
	}
	if err := writeBundle(rest[0], files); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s holds the rules; evaluate them with: opa eval -b %s -i input.json data.signals.<rule>.actions\n", rest[0], rest[0])
	return nil
}

// writeBundle fills an empty folder, or exchanges a bundle of ours: nothing else
// is ever overwritten.
func writeBundle(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		text, err := os.ReadFile(filepath.Join(dir, ".manifest"))
		var manifest struct{ Metadata map[string]any }
		if err != nil || json.Unmarshal(text, &manifest) != nil || manifest.Metadata[policies.BundleMark] == nil {
			return fmt.Errorf("%s is not empty and not a bundle of signalbox; give a new folder", dir)
		}
		for _, root := range []string{"cases", "lib", "lists", "signals"} {
			if err := os.RemoveAll(filepath.Join(dir, root)); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
