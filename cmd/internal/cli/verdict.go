package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// verdictHelp tells what the words mean.
const verdictHelp = `
  true       an attack, rightly found
  benign     what the rule looks for, and harmless
  false      not what the rule looks for
  duplicate  of one that was judged already
  test       somebody tried something out

A verdict about an event is one about its decision. The newest verdict of an id
counts; the older ones stay in the journal. signalbox rules stats sums them up.

`

// runVerdict records what an analyst found a decision or action to be.
func runVerdict(ctx context.Context, c *call) error {
	path := c.configFlag()
	comment := c.flags.String("comment", "", "`why`, at most 2000 characters")
	by := c.flags.String("by", c.operator(), "`who` judges")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return usagef("give the id of an event, decision or action, and a verdict: %s", verdictWords())
	}
	id, verdict := rest[0], pipeline.Judgement(rest[1])
	switch {
	case slices.Contains(pipeline.Judgements, pipeline.Judgement(id)) && ids.MatchString(rest[1]):
		return usagef("the id comes first: signalbox verdict %s %s", rest[1], id)
	case !ids.MatchString(id) || strings.HasPrefix(id, "i-"):
		return usagef("%q is not the id of an event (e-), decision (d-) or action (a-)", id)
	case !slices.Contains(pipeline.Judgements, verdict):
		return usagef("%q is not a verdict: %s", rest[1], verdictWords())
	case utf8.RuneCountInString(*comment) > pipeline.MaxComment:
		return usagef("--comment has more than %d characters", pipeline.MaxComment)
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	j, err := client.Judge(ctx, api.VerdictRequest{ID: id, Verdict: verdict, By: *by, Comment: *comment})
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		return writeJSON(c.Out, j)
	}
	about := "no rule"
	if len(j.Rules) > 0 {
		about = strings.Join(j.Rules, ", ")
	}
	fmt.Fprintf(c.Out, "%s is judged %s; it counts for %s\n", j.ID, j.Verdict, plain(about))
	return nil
}

func verdictWords() string {
	var words []string
	for _, j := range pipeline.Judgements {
		words = append(words, string(j))
	}
	return either(words)
}
