package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
	"github.com/signalbox-dev/signalbox/policies"
)

// rulesHelp tells what the parts of the verb do.
const rulesHelp = `
  list       every rule: what it is about, how it acts, what it asks for
  show NAME  the text of a rule, to read or to copy as a start
  stats      how each rule's work was judged, between --since and --until

The rules are those of the configuration, those that come with the program if
there is none, or with --dir those in a folder beside them. Where the configuration
says policies { shipped = false }, those that come with the program are left out.

stats tells how many decisions and actions of a rule were judged, and how. Precision
is true of true, benign and false together; duplicates and tests do not count. See
signalbox verdict.

`

// maxVerdicts bounds how many verdicts one sum is made of.
const maxVerdicts = 100_000

// ruleStats is how the work of one rule was judged.
type ruleStats struct {
	Rule      string   `json:"rule"`
	True      int      `json:"true"`
	Benign    int      `json:"benign"`
	False     int      `json:"false"`
	Duplicate int      `json:"duplicate"`
	Test      int      `json:"test"`
	Precision *float64 `json:"precision,omitempty"` // 0 to 1; absent while nothing counts
}

// runRules shows the rules and how they do.
func runRules(ctx context.Context, c *call) error {
	path := c.configFlag()
	dir := c.flags.String("dir", "", "list, show: `folder` of own policies instead of what the configuration names")
	format := c.formatFlag("table", "json")
	when := c.spanFlags("all")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 1 && rest[0] == "stats":
		return c.ruleStats(ctx, *path, *format, when)
	case len(rest) == 1 && rest[0] == "list", len(rest) == 2 && rest[0] == "show":
		set, err := c.ruleSet(*path, *dir)
		if err != nil {
			return c.refused(err)
		}
		if rest[0] == "list" {
			return c.ruleList(set, *format)
		}
		return c.ruleShow(set, rest[1], *format)
	}
	return usagef("say what to show: list, show NAME or stats")
}

func (c *call) ruleSet(path, dir string) (*policies.Set, error) {
	if dir != "" {
		return app.RulesIn(dir, path, c.Env)
	}
	return app.Rules(path, c.Env)
}

func (c *call) ruleList(set *policies.Set, format string) error {
	list := set.Rules()
	if format == "json" {
		return writeJSON(c.Out, list)
	}
	rows := make([][]string, 0, len(list))
	for _, r := range list {
		mode := string(r.Mode)
		if r.Disabled {
			mode = "off"
		}
		rows = append(rows, []string{r.Name, mode, r.Severity, strings.Join(r.On, ", "), strings.Join(r.Actions, ", "), r.Title})
	}
	return table(c.Out, []string{"name", "mode", "severity", "on", "actions", "title"}, rows)
}

func (c *call) ruleShow(set *policies.Set, name, format string) error {
	var names []string
	for _, r := range set.Rules() {
		names = append(names, r.Name)
		if r.Name != name {
			continue
		}
		text := set.Sources()[r.File]
		if format == "json" {
			return writeJSON(c.Out, struct {
				policies.RuleInfo
				Text string `json:"text"`
			}{r, text})
		}
		_, err := io.WriteString(c.Out, text)
		return err
	}
	return fmt.Errorf("there is no rule %q. %s", name, nearest.Advice(name, names, "rules"))
}

// ruleStats sums up what analysts found the work of each rule to be.
func (c *call) ruleStats(ctx context.Context, path, format string, when span) error {
	from, to, err := when.times(time.Now())
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, path)
	if err != nil {
		return err
	}
	req := api.QueryRequest{Query: "event.dataset:ssf.audit AND event.action:verdict", From: from, To: to, Sort: "@timestamp:asc"}
	docs, total, partial, err := fetch(ctx, client, req, maxVerdicts)
	if err != nil {
		return c.explainFailure(err, path, "")
	}
	list, err := statsOf(docs)
	if err != nil {
		return err
	}
	if format == "json" {
		err = writeJSON(c.Out, list)
	} else {
		err = printStats(c, list)
	}
	switch {
	case err != nil:
		return err
	case partial != "":
		fmt.Fprintf(c.Err, "incomplete: %s\n", partial)
	case total > len(docs):
		fmt.Fprintf(c.Err, "incomplete: the oldest %d of %d verdicts; --since and --until choose others\n", len(docs), total)
	}
	return nil
}

// statsOf sums up verdicts, oldest first: the last of an id counts.
func statsOf(docs []json.RawMessage) ([]ruleStats, error) {
	newest := map[string]doc{}
	for _, text := range docs {
		d, err := parseDoc(text)
		if err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		newest[d.text("audit.judged")] = d
	}
	sums := map[string]*ruleStats{}
	for _, d := range newest {
		for e := range d.value("rule.name").Elements() {
			s := sums[e.Text()]
			if s == nil {
				s = &ruleStats{Rule: e.Text()}
				sums[s.Rule] = s
			}
			switch pipeline.Judgement(d.text("audit.verdict")) {
			case pipeline.TruePositive:
				s.True++
			case pipeline.BenignPositive:
				s.Benign++
			case pipeline.FalsePositive:
				s.False++
			case pipeline.Duplicate:
				s.Duplicate++
			case pipeline.TestRun:
				s.Test++
			}
		}
	}
	list := []ruleStats{}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		s := sums[name]
		if n := s.True + s.Benign + s.False; n > 0 {
			p := float64(s.True) / float64(n)
			s.Precision = &p
		}
		list = append(list, *s)
	}
	return list, nil
}

func printStats(c *call, list []ruleStats) error {
	if len(list) == 0 {
		fmt.Fprintln(c.Err, "no verdicts in that time; signalbox verdict gives one")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, s := range list {
		precision := "-"
		if s.Precision != nil {
			precision = fmt.Sprintf("%.0f%%", 100**s.Precision)
		}
		row := []string{s.Rule}
		for _, n := range []int{s.True, s.Benign, s.False, s.Duplicate, s.Test} {
			row = append(row, fmt.Sprint(n))
		}
		rows = append(rows, append(row, precision))
	}
	return table(c.Out, []string{"rule", "true", "benign", "false", "duplicate", "test", "precision"}, rows)
}
