package cli

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/policies"
)

// testHelp points to the other half of the verb.
const testHelp = `
Without DIR, what the configuration names: the tests of policies and the goldens
of own mappings. DIR is a folder of policies, of mappings or of both. The rules that
come with the program are tested with those of DIR, unless there is a configuration
with policies { shipped = false }: of a configuration nothing else counts then, and
it may be incomplete. A golden is
DIR/testdata/MAPPING/CASE.golden: a record, a line of three dashes, and what the
mapping makes of it; write the record alone and let --update add the rest, then
read it.

signalbox test new --from ID makes a test case of a decision; see
signalbox test new -h.

`

// runTest runs the tests of policies, those that come with the program
// included where they are in use, and the goldens of own mappings, and prints them as "opa test" does.
// It exits 1 when one fails.
func runTest(ctx context.Context, c *call) error {
	if len(c.args) > 0 && c.args[0] == "new" {
		c.enter("new")
		return c.testNew(ctx)
	}
	path := c.configFlag()
	verbose := c.flags.Bool("v", false, "name the tests that pass, and the lines no test reaches")
	run := c.flags.String("run", "", "only tests whose full names this `regexp` matches, such as threat_alert, test_captured or, of a golden, acme/typical")
	update := c.flags.Bool("update", false, "write goldens of mappings that are not right anew")
	threshold := c.flags.Float64("threshold", 0, "fail when fewer `percent` of the lines of rules and functions are covered")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return usagef("unexpected argument %q", rest[1])
	}
	if *threshold < 0 || *threshold > 100 {
		return usagef("--threshold %g: give a percentage from 0 to 100", *threshold)
	}
	if _, err := regexp.Compile(*run); err != nil {
		return usagef("--run: %v", err)
	}
	o := app.TestOptions{Config: *path, Env: c.Env, Run: *run, Update: *update}
	if len(rest) == 1 {
		o.Dir = rest[0]
	}
	r, err := app.Test(ctx, o)
	switch {
	case err != nil && *format == "json" && len(r.Problems) > 0:
		if err := writeJSON(c.Out, r); err != nil {
			return err
		}
		return &quietError{exitFailure}
	case err != nil:
		return c.refused(err)
	case *run != "" && len(r.Tests)+len(r.Goldens) == 0:
		return fmt.Errorf("no test has a name that --run %s matches", *run)
	}
	if *format == "json" {
		err = writeJSON(c.Out, r)
	} else {
		printTests(&report{c.Out, coloursFor(c.Out, c.Env)}, r, *verbose)
	}
	if err == nil && r.Failed > 0 {
		return &quietError{exitFailure}
	}
	if err == nil && r.Policies && r.Coverage < *threshold {
		return fmt.Errorf("coverage is %.1f%%, below --threshold %g", r.Coverage, *threshold)
	}
	return err
}

// printTests prints the tests that did not pass, all of them if verbose, and
// the sums.
func printTests(p *report, r app.TestReport, verbose bool) {
	rule := strings.Repeat("-", 80)
	file, shown := "", false
	for _, t := range r.Tests {
		if t.Outcome == policies.Passed && !verbose {
			continue
		}
		if shown = true; t.File != file {
			file = t.File
			fmt.Fprintf(p.w, "%s:\n", plain(file))
		}
		p.test(t, verbose)
	}
	for _, g := range r.Goldens {
		if !g.Passed || verbose {
			shown = true
			p.golden(g)
		}
	}
	if shown {
		fmt.Fprintln(p.w, rule)
	}
	all := len(r.Tests) + len(r.Goldens)
	fmt.Fprintln(p.w, p.paint.green(fmt.Sprintf("PASS: %d/%d", r.Passed, all)))
	if r.Failed > 0 {
		fmt.Fprintln(p.w, p.paint.red(fmt.Sprintf("FAIL: %d/%d", r.Failed, all)))
	}
	if r.Skipped > 0 {
		fmt.Fprintln(p.w, p.paint.yellow(fmt.Sprintf("SKIPPED: %d/%d", r.Skipped, all)))
	}
	if r.Written > 0 {
		fmt.Fprintln(p.w, p.paint.yellow(fmt.Sprintf("WRITTEN: %d/%d", r.Written, all)))
	}
	if !r.Policies || len(r.Tests) == 0 {
		return
	}
	fmt.Fprintf(p.w, "coverage: %.1f%% of the lines of rules and functions\n", r.Coverage)
	if !verbose {
		return
	}
	for _, m := range r.Missed {
		fmt.Fprintf(p.w, "  not reached: %s:%d-%d\n", plain(m.File), m.Line, m.End)
	}
}

// golden prints how a golden of a mapping came out.
func (p *report) golden(g mappings.GoldenResult) {
	outcome := p.paint.red("FAIL")
	switch {
	case g.Passed:
		outcome = p.paint.green("PASS")
	case g.Written:
		outcome = p.paint.yellow("WRITTEN")
	}
	fmt.Fprintf(p.w, "%s: %s\n", plain(g.File), outcome)
	if g.Failure != "" {
		p.line(2, "%s", g.Failure)
	}
}

// test prints one test: its cases that failed, or all of them, and why.
func (p *report) test(t policies.TestResult, verbose bool) {
	paint := p.paint.red
	switch t.Outcome {
	case policies.Passed:
		paint = p.paint.green
	case policies.Skipped:
		paint = p.paint.yellow
	}
	fmt.Fprintf(p.w, "%s: %s (%s)\n", t.Name, paint(strings.ToUpper(string(t.Outcome))), t.Duration.Round(time.Microsecond))
	for _, c := range t.Cases {
		switch {
		case !c.Passed:
			p.line(1, "%s: FAIL", c.Name)
		case verbose:
			p.line(1, "%s: PASS", c.Name)
		}
	}
	for _, text := range []string{t.Error, t.Failure, t.Output} {
		for line := range strings.Lines(text) {
			p.line(2, "%s", strings.TrimRight(line, "\n"))
		}
	}
}
