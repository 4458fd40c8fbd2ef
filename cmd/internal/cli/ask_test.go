package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/sqlite"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

// storied serves an index with the documents of pipelinetest.TestQuestions, at
// the time of that.
func storied(t *testing.T) (conf string) {
	t.Helper()
	now := func() time.Time { return pipelinetest.SearcherNow }
	x, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := x.Deliver(t.Context(), pipelinetest.QuestionDocuments(t)); err != nil {
		t.Fatal(err)
	}
	return serve(t, x, now)
}

// TestQuestionsPage: docs/questions.md is made of the table of questions and of
// what the commands print.
func TestQuestionsPage(t *testing.T) {
	const path = "../../../docs/questions.md"
	got := questionsPage(t, storied(t))
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the questions give; go test ./cmd/internal/cli -run Questions -update writes it anew (%v)", path, err)
	}
}

const pageHead = `# Questions

Made from the table in ` + "`pipeline/question`" + ` by ` + "`go test ./cmd/internal/cli -run Questions -update`" + `; do not edit.

Fifteen questions analysts ask, each one command. The answer is computed from what the index finds and counts; of
two things in sequence, signalbox itself finds the pairs. Any index will do. ` + "`signalbox ask`" + ` lists them,
` + "`signalbox ask NAME -h`" + ` says what one takes, ` + "`--since`" + ` and ` + "`--until`" + ` set the time, ` + "`--format json`" + ` prints for scripts.
What is not here is asked with ` + "`signalbox query`" + `.

The samples are of the documents with which every index is tested. Below each stand the texts that ask the same of
Elasticsearch and Kibana, with the defaults put in. **No server runs these texts in the tests**, which check that the
templates have every field they name, and by an evaluator of their own that KQL and EQL find what they should. EQL
finds pairs in the order written, and needs the events of both steps in one index pattern, ` + "`logs-ssf.*-*`" + `. [mappings/kibana](../mappings/kibana/README.md) has saved searches of them.

` + "```sh" + `
go build ./cmd/signalbox
./signalbox run &
until ./signalbox status >/dev/null 2>&1; do sleep 1; done
./signalbox ask
` + "```" + `
`

func questionsPage(t *testing.T, conf string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(pageHead)
	for i, q := range question.All() {
		args := []string{"ask", q.Name}
		if q.Chain != "" {
			args = []string{"chain"}
		}
		for _, p := range q.Params {
			switch {
			case p.Name == q.Chain:
				args = append(args, p.Example)
			case p.Required():
				args = append(args, "--"+p.Name, p.Example)
			}
		}
		// The time of the documents is not that of the commands.
		out, errs, code := told(t, conf, append(args, "--since", "all")...)
		if code != 0 || out == "" {
			t.Errorf("%s: exit %d, prints %q, %s", q.Name, code, out, errs)
		}
		fmt.Fprintf(&b, "\n## %d. %s\n\n", i+1, q.Ask)
		for _, line := range wrap(q.Doc, 118) {
			b.WriteString(line + "\n")
		}
		fmt.Fprintf(&b, "\n```sh\n./signalbox %s\n```\n\n```text\n%s```\n", strings.Join(args, " "), trimmed(out))
		b.WriteString("\n| Parameter | Default | Meaning |\n| --- | --- | --- |\n")
		for _, p := range q.Params {
			def := "`" + p.Default + "`"
			switch {
			case p.Required():
				def = "must be given"
			case p.Default == "":
				def = "none"
			}
			name := "--" + p.Name
			if p.Name == q.Chain {
				name = "ID"
			}
			fmt.Fprintf(&b, "| `%s` %s | %s | %s |\n", name, p.Kind, def, p.Doc)
		}
		fmt.Fprintf(&b, "| `--since` | `%s` | how far back it looks |\n", sinceOf(q))
		for _, text := range []struct{ language, text string }{{"esql", q.ESQL}, {"eql", q.EQL}, {"kql", q.KQL}} {
			if text.text != "" {
				fmt.Fprintf(&b, "\n```%s\n%s\n```\n", text.language, q.Example(text.text))
			}
		}
	}
	b.WriteString("\nThat was all:\n\n```sh\nkill $!\n```\n")
	return b.String()
}

// trimmed is text without spaces at the ends of lines.
func trimmed(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestAsk(t *testing.T) {
	conf := storied(t)
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"ask", "nobody"}, 2, []string{`there is no question "nobody"`}},
		{[]string{"ask", "top-user"}, 2, []string{`Did you mean "top-users"`}},
		{[]string{"ask", "top-users", "--severty", "73"}, 2, []string{`did you mean --severity`}},
		{[]string{"ask", "user-timeline"}, 2, []string{`--user is missing`}},
		{[]string{"ask", "top-users", "--limit", "2", "--since", "all"}, 0, []string{`tom@example.com`, `2 of 6; --limit shows more`}},
		{[]string{"ask", "top-users", "--severity", "99"}, 0, []string{`none with --since 7d`}},
		{[]string{"ask", "top-users", "--limit", "0"}, 2, []string{`give 1 or more`}},
		{[]string{"ask", "top-users", "--limit", "99999"}, 1, []string{`out of range`}},
		{[]string{"ask", "top-users", "--format", "xml"}, 2, []string{`choose text, ndjson or json`}},
		{[]string{"ask", "top-users", "-h"}, 0, []string{`Which users have the most severe signals`, `--severity`}},
		{[]string{"ask", "why", "--id", "jti-8"}, 2, []string{`a command of its own: signalbox chain a-0`}},
		{[]string{"chain", "jti-8", "d-1"}, 2, []string{`give one id`}},
		{[]string{"chain", "nothing"}, 0, []string{`no document has the id nothing with --since all`}},
		{[]string{"chain", "jti-8", "--limit", "2"}, 0, []string{`by push through idp: accepted,`, `2 of 5 documents; --limit shows more`}},
		{[]string{"ask"}, 0, []string{`signalbox chain a-0`, `Which source has gone quiet?`}},
	} {
		conf := conf
		if len(c.args) == 1 {
			conf = ""
		}
		out, errs, code := told(t, conf, c.args...)
		if code != c.code {
			t.Errorf("%v: exit %d\n%s", c.args, code, errs)
		}
		for _, want := range c.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("%v prints\n%s%s\nwithout %s", c.args, out, errs, want)
			}
		}
	}
	asked, _, _ := told(t, conf, "ask", "session-timeline", "--session", "s-100", "--since", "all")
	if out, _, _ := told(t, conf, "timeline", "--session", "s-100", "--since", "all"); out != asked || !strings.Contains(out, "session established") {
		t.Errorf("timeline --session prints\n%s\nand the question\n%s", out, asked)
	}
	out, _, _ := told(t, conf, "ask", "rule-quality", "--since", "all", "--format", "json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 4 || rows[0]["rule.name"] != "credential_compromise" || rows[0]["false share"] != 1.0 {
		t.Errorf("rows are %v, %v", rows, err)
	}
	out, _, _ = told(t, conf, "chain", "jti-8", "--format", "json")
	var chain []question.Link
	if err := json.Unmarshal([]byte(out), &chain); err != nil || len(chain) != 1 || chain[0].Kind != question.InputLink || len(chain[0].Then) != 1 || len(chain[0].Then[0].Docs) != 1 {
		t.Errorf("the chain is %s, %v", out, err)
	}
	out, _, _ = told(t, "", "ask", "--format", "json")
	var list []listed
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 15 || list[0].Since != "24h" || !list[0].Params[0].Needed {
		t.Errorf("questions are %v, %v", list, err)
	}
}
