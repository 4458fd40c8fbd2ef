package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// actionVerbs are the commands about actions.
const actionVerbs = "list, show, approve, reject or retry"

const actionHelp = `Usage: signalbox action list [flags]
       signalbox action show [flags] ID
       signalbox action approve [flags] ID... | --all --rule NAME
       signalbox action reject [flags] ID... | --all --rule NAME
       signalbox action retry [flags] ID... | --all --rule NAME

List, release and end the actions that wait for a person: those a guard holds,
those a rule may do on approval only, and those a receiver refused for good
(dead). What nobody releases in time expires. One whose work was done otherwise,
by what was asked for at the same time or later, is superseded. What did the same
and was asked for before is named: whether that is enough is for a person to say.
`

// runAction works on actions that wait for a person.
func runAction(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		verb := c.args[0]
		run := map[string]func(context.Context, string) error{
			"list": c.actionList, "show": c.actionShow,
			"approve": c.actionJudge, "reject": c.actionJudge, "retry": c.actionJudge,
		}[verb]
		if run != nil {
			c.enter(verb)
			return run(ctx, verb)
		}
	}
	c.usage = func() {
		fmt.Fprint(c.Out, actionHelp, "Run signalbox action approve -h for its flags.\n")
	}
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unknown command %q: %s", rest[0], actionVerbs)
	}
	return usagef("say what to do: %s", actionVerbs)
}

// guards are those that leave actions to a person.
var guards = []string{"protected", "stop", "stale", "late", "limit", "mode", "backlog"}

// selection is the flags that choose among waiting actions.
type selection struct{ status, rule, guard *string }

func (c *call) selectionFlags(status bool) selection {
	s := selection{
		rule:  c.flags.String("rule", "", "those this rule asked for, by its `name`"),
		guard: c.flags.String("guard", "", "those held by this `guard`: "+either(guards)),
	}
	if status {
		s.status = c.flags.String("status", "", "`status` to list: held, pending_approval or dead; without it, all three")
	}
	return s
}

// check refuses what would choose nothing for a misspelt name.
func (s selection) check() error {
	if *s.guard == "" {
		return nil
	}
	return oneOf("guard", *s.guard, guards...)
}

func (c *call) actionFlagsUsage(verb, args, text string) {
	c.usage = func() {
		fmt.Fprintf(c.Out, "Usage: %s\n\n%s\n", strings.TrimSpace("signalbox action "+verb+" [flags] "+args), text)
		c.printFlags()
	}
}

// actionList lists what waits.
func (c *call) actionList(ctx context.Context, _ string) error {
	path := c.configFlag()
	format := c.formatFlag("table", "json")
	chosen := c.selectionFlags(true)
	limit := c.flags.Int("limit", 100, "most actions to print")
	c.actionFlagsUsage("list", "", "List the actions that wait for a person, oldest first.")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("unexpected argument %q", rest[0])
	}
	if err := positive(*limit); err != nil {
		return err
	}
	if err := chosen.check(); err != nil {
		return err
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	list, err := client.Actions(ctx, api.ActionsRequest{Status: *chosen.status, Rule: *chosen.rule, Guard: *chosen.guard, Limit: *limit})
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		return writeJSON(c.Out, list)
	}
	if list.Total == 0 {
		fmt.Fprintln(c.Err, "no action waits for a person")
		return nil
	}
	head := []string{"SINCE", "ID", "STATUS", "GUARD", "ACTION", "FOR", "RULE", "EXPIRES", "REASON"}
	marked := slices.ContainsFunc(list.Actions, func(a api.WaitingAction) bool { return a.Same != nil })
	if marked {
		head = slices.Insert(head, len(head)-1, "SAME DONE")
	}
	var rows [][]string
	for _, a := range list.Actions {
		what := a.Type
		if a.Target != "" {
			what += " (" + a.Target + ")"
		}
		row := []string{
			stampOf(a.Since), a.ID, string(a.Status), a.Guard, what, a.Name, a.Rule, until(a.Expires), a.Reason,
		}
		if marked {
			done := ""
			if a.Same != nil {
				done = stampOf(a.Same.At) + " by " + a.Same.Rule
			}
			row = slices.Insert(row, len(row)-1, done)
		}
		rows = append(rows, row)
	}
	if err := table(c.Out, head, rows); err != nil {
		return err
	}
	if list.Total > len(list.Actions) {
		fmt.Fprintf(c.Err, "%d of %d; --limit shows more\n", len(list.Actions), list.Total)
	}
	return nil
}

func until(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return stampOf(at)
}

func stampOf(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") }

// actionShow shows all there is about one action.
func (c *call) actionShow(ctx context.Context, _ string) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	c.actionFlagsUsage("show", "ID", "Show what an action is, what it would send, and every state it came to.")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("give one action id")
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	a, err := client.Action(ctx, rest[0])
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		return writeJSON(c.Out, a)
	}
	printAction(&report{c.Out, coloursFor(c.Out, c.Env)}, a)
	return nil
}

func printAction(r *report, a api.ActionAnswer) {
	if len(a.History) > 0 {
		first := a.History[0].Action
		r.head("action", "%s for %s  %s", first.Type, first.Key, a.ID)
		r.line(2, "asked for by %s because of %s: %s", first.Rule, first.Decision, first.Reason)
	} else {
		w := a.Waiting[0]
		r.head("action", "%s for %s  %s", w.Type, w.Subject, a.ID)
		r.line(2, "asked for by %s: %s", w.Rule, w.Reason)
	}
	for _, w := range a.Waiting {
		held := strings.ReplaceAll(string(w.Status), "_", " ")
		if w.Guard != "" {
			held += " by guard " + w.Guard
		}
		r.head("waits", "%s until %s: %s", held, until(w.Expires), w.Why)
		if w.Same != nil {
			r.line(2, "the same was done at %s by %s of rule %s", stampOf(w.Same.At), w.Same.ID, w.Same.Rule)
		}
		for _, part := range w.Parts {
			text := partName(part)
			if part.After > 0 {
				text += ", once the call before it was taken"
			}
			r.line(2, "%s", text)
			if len(part.Body) > 0 {
				r.line(3, "%s", part.Body)
			}
		}
	}
	for i, s := range a.History {
		name := "history"
		if i > 0 {
			name = ""
		}
		text := strings.ReplaceAll(string(s.Action.Status), "_", " ")
		if s.Action.Target != "" {
			text = partName(api.PartOf(s.Action)) + " " + text
		}
		if why := strings.TrimSpace(s.Action.Why + " " + s.Action.Info); why != "" {
			text += ": " + why
		}
		r.head(name, "%s  %s", s.At.UTC().Format("2006-01-02 15:04:05.000Z"), text)
	}
}

// partName says what a part sends where.
func partName(p api.ActionPart) string {
	if p.Call {
		return strings.TrimSpace(strings.TrimSpace("call "+p.Method)+" "+p.Path) + " at " + p.Target
	}
	if p.Target == "" {
		return "recorded only"
	}
	return p.Event + " to " + p.Target
}

// judged words a command that was carried out.
var judged = map[string]string{"approve": "approved", "reject": "rejected", "retry": "sent again"}

// actionJudge approves, rejects or retries actions.
func (c *call) actionJudge(ctx context.Context, verb string) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	chosen := c.selectionFlags(false)
	comment := c.flags.String("comment", "", "`why`, for the audit record, at most 2000 characters")
	by := c.flags.String("by", c.operator(), "`who` gives the command")
	all := c.flags.Bool("all", false, "every action that --rule or --guard chooses, instead of ids")
	yes := c.flags.Bool("yes", false, "do not ask before --all")
	protected := new(bool)
	if verb != "reject" {
		protected = c.flags.Bool("protected", false, "also where the subject has become protected since, and with --all where it was")
	}
	c.actionFlagsUsage(verb, "ID... | --all --rule NAME", map[string]string{
		"approve": "Release actions that are held or wait for approval. What must hold still is looked at\nagain: expiry, the stop switch, sinks, and subjects protected since.",
		"reject":  "End actions that are held or wait for approval: they never go out.",
		"retry":   "Send actions that are dead once more, and what waits behind them. Tokens and requests\nare made anew.",
	}[verb])
	rest, err := c.parse()
	if err != nil {
		return err
	}
	switch {
	case *all && len(rest) > 0:
		return usagef("give ids or --all, not both")
	case !*all && len(rest) == 0:
		return usagef("give the ids of actions, or --all with --rule or --guard; signalbox action list shows them")
	case *all && *chosen.rule == "" && *chosen.guard == "":
		return usagef("--all needs --rule or --guard, so that nothing goes out unseen")
	case !*all && (*chosen.rule != "" || *chosen.guard != ""):
		return usagef("--rule and --guard choose with --all")
	case utf8.RuneCountInString(*comment) > pipeline.MaxComment:
		return usagef("--comment has more than %d characters", pipeline.MaxComment)
	}
	if err := chosen.check(); err != nil {
		return err
	}
	for _, id := range rest {
		if !strings.HasPrefix(id, "a-") || !ids.MatchString(id) {
			return usagef("%q is not the id of an action (a-)", id)
		}
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	if *all {
		if rest, err = c.choose(ctx, client, verb, chosen, *protected, *yes); err != nil {
			return c.explainFailure(err, *path, "")
		}
	}
	answer := api.JudgeAnswer{Results: []api.JudgeResult{}}
	for some := range slices.Chunk(rest, 100) {
		a, err := client.JudgeActions(ctx, verb, api.JudgeRequest{IDs: some, By: *by, Comment: *comment, Protected: *protected})
		if err != nil {
			return c.explainFailure(err, *path, "")
		}
		answer.Results = append(answer.Results, a.Results...)
	}
	failed := slices.ContainsFunc(answer.Results, func(r api.JudgeResult) bool { return !r.Done })
	if *format == "json" {
		err = writeJSON(c.Out, answer)
	} else {
		printJudged(c.Out, c.Err, judged[verb], answer.Results)
	}
	if err == nil && failed {
		return &quietError{exitFailure}
	}
	return err
}

// choose finds the ids that --all means, and asks.
func (c *call) choose(ctx context.Context, client *api.Client, verb string, s selection, protected, yes bool) ([]string, error) {
	list, err := client.Actions(ctx, api.ActionsRequest{Rule: *s.rule, Guard: *s.guard, Limit: 1000})
	if err != nil {
		return nil, err
	}
	var chosen []string
	spared := 0
	types := map[string]int{}
	for _, a := range list.Actions {
		switch {
		case (a.Status == pipeline.Dead) != (verb == "retry") || slices.Contains(chosen, a.ID):
		case verb == "approve" && a.Guard == "protected" && !protected:
			spared++
		default:
			chosen = append(chosen, a.ID)
			types[a.Type]++
		}
	}
	if spared > 0 {
		fmt.Fprintf(c.Err, "%s for protected subjects left out: approve them one by one, by id, or give --protected\n", counted(spared))
	}
	if list.Total > len(list.Actions) {
		fmt.Fprintf(c.Err, "the oldest %d of %d are looked at; repeat the command for the rest\n", len(list.Actions), list.Total)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("there is nothing to %s", verb)
	}
	if yes {
		return chosen, nil
	}
	var kinds []string
	for name, n := range types {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(kinds)
	return chosen, c.confirm(verb, counted(len(chosen)), strings.Join(kinds, ", "))
}

// confirm asks a person on a terminal about what cannot be taken back, and
// refuses elsewhere. what is for who must give --yes, detail for who is asked.
func (c *call) confirm(verb, what, detail string) error {
	in, ok := c.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usagef("this would %s %s; give --yes to do so without being asked", verb, what)
	}
	fmt.Fprintf(c.Err, "%s: %s? [y/N] ", strings.ToUpper(verb[:1])+verb[1:], detail)
	answer, _ := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fmt.Errorf("nothing was done")
	}
	return nil
}

func counted(n int) string {
	if n == 1 {
		return "1 action"
	}
	return fmt.Sprintf("%d actions", n)
}

// printJudged says what became of each action, and what had held it.
func printJudged(out, problems io.Writer, done string, results []api.JudgeResult) {
	for _, r := range results {
		if !r.Done {
			fmt.Fprintln(problems, "not done:", plain(r.Problem))
			continue
		}
		held := ""
		if r.Guard != "" {
			held = fmt.Sprintf("; guard %s had held it (%s)", r.Guard, r.Why)
		} else if r.Why != "" {
			held = "; " + r.Why
		}
		fmt.Fprintln(out, plain(fmt.Sprintf("%s %s for %s: %s%s", r.ID, r.Type, r.Name, done, held)))
		for _, p := range r.Parts {
			if p.Target == "" {
				continue
			}
			text := partName(p) + " " + string(p.Status)
			if p.Status != pipeline.Queued && p.Why != "" {
				text += ": " + p.Why
			}
			fmt.Fprintln(out, "    "+plain(text))
		}
	}
}
