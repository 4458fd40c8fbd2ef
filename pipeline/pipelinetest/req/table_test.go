package req

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	recorded = flag.String("records", "", "folder in which a whole test run recorded")
	update   = flag.Bool("update", false, "with -records: write docs/requirements.md anew")
)

const document = "../../../docs/requirements.md"

// shown is what ran: id, package, test functions.
type shown map[string]map[string][]string

// TestTable: docs/requirements.md says what a whole test run recorded, and
// nothing that is a must is left without a test or a reason.
func TestTable(t *testing.T) {
	if *recorded == "" {
		t.Skip("needs the records of a whole test run, see .ci/run")
	}
	ran := readRecords(t, *recorded)
	for _, r := range requirements {
		must := r.level == "MUST" || r.level == "MUST NOT"
		switch tested := len(ran[r.id]) > 0; {
		case must && !tested && r.reason == "":
			t.Errorf("%s (%s) has no test and no reason why not", r.id, r.text)
		case tested && r.reason != "":
			t.Errorf("%s has a test and the reason %q why it has none; take the reason away", r.id, r.reason)
		}
	}
	text := render(ran)
	if *update {
		if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != text {
		t.Error("docs/requirements.md is not what the test run recorded; CONTRIBUTING.md says how to write it anew")
		reportChanges(t, string(old), text)
	}
}

func readRecords(t *testing.T, dir string) shown {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tsv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no records in %s (%v)", dir, err)
	}
	ran := shown{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) != 3 {
				t.Fatalf("%s: no record: %q", file, line)
			}
			if strings.HasPrefix(f[1], "pipeline/pipelinetest/req") {
				continue // shows that recording works
			}
			function, _, _ := strings.Cut(f[2], "/")
			if ran[f[0]] == nil {
				ran[f[0]] = map[string][]string{}
			}
			if tests := ran[f[0]][f[1]]; !slices.Contains(tests, function) {
				ran[f[0]][f[1]] = append(tests, function)
			}
		}
	}
	return ran
}

// render makes the document: a table for each family of ids.
func render(ran shown) string {
	var b strings.Builder
	b.WriteString(`# Requirements

What the standards ask of a receiver, a transmitter and a Security Event Token,
in our words, and the tests that show it. A test names the requirement in the
assertion, and the table is made from the assertions that ran; it is not edited.
FACT is a definition, DESIGN a decision of this project where the standards
leave it open. What has no test says why.

`)
	count := map[string][3]int{}
	family := ""
	var rows strings.Builder
	for _, r := range requirements {
		c := count[r.level]
		c[0]++
		by := tests(ran[r.id])
		switch {
		case by != "":
			c[1]++
		case r.reason != "":
			c[2]++
			by = "none: " + r.reason
		}
		count[r.level] = c
		if f := r.id[:strings.LastIndex(r.id, "-")]; f != family {
			family = f
			fmt.Fprintf(&rows, "\n## %s\n\n| Id | Level | Requirement | Source | Shown by |\n| --- | --- | --- | --- | --- |\n", f)
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s |\n", r.id, r.level, r.text, r.source, by)
	}
	b.WriteString("| Level | Number | Shown by tests | With a reason |\n| --- | --- | --- | --- |\n")
	for _, level := range []string{"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "FACT", "DESIGN"} {
		c := count[level]
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", level, c[0], c[1], c[2])
	}
	return b.String() + rows.String()
}

func tests(byPackage map[string][]string) string {
	var parts []string
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		parts = append(parts, pkg+": "+strings.Join(slices.Sorted(slices.Values(byPackage[pkg])), ", "))
	}
	return strings.Join(parts, "; ")
}

// reportChanges names the lines that differ.
func reportChanges(t *testing.T, old, text string) {
	t.Helper()
	before, after := strings.Split(old, "\n"), strings.Split(text, "\n")
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Logf("committed: %s", line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Logf("recorded:  %s", line)
		}
	}
}
