package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// rulesHelp tells what the sums mean.
const rulesHelp = `
For each rule: how many of its decisions and actions were judged, and how.
Precision is true of true, benign and false together; duplicates and tests do
not count. See signalbox verdict.

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

// runRules sums up what analysts found the work of each rule to be.
func runRules(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("table", "json")
	when := c.spanFlags("all")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "stats" {
		return usagef("say what to show: signalbox rules stats")
	}
	if err := oneOf("format", *format, "table", "json"); err != nil {
		return err
	}
	from, to, err := when.times(time.Now())
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	req := api.QueryRequest{Query: "event.dataset:ssf.audit AND event.action:verdict", From: from, To: to, Sort: "@timestamp:asc"}
	docs, total, partial, err := fetch(ctx, client, req, maxVerdicts)
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	list, err := statsOf(docs)
	if err != nil {
		return err
	}
	if *format == "json" {
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
