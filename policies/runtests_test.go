package policies_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signalbox-dev/signalbox/policies"
)

// TestShipped: the shipped pack has no problem of any kind, its tests pass and
// reach every line.
func TestShipped(t *testing.T) {
	report, err := policies.Test(t.Context(), nil, policies.Options{ActionTypes: policies.ShippedActionTypes}, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) > 0 {
		t.Error(lines(report.Problems))
	}
	for _, test := range report.Tests {
		if test.Outcome != policies.Passed {
			t.Errorf("%s:%d: %s: %s %s\n%s", test.File, test.Line, test.Name, test.Outcome, test.Error, test.Failure)
		}
	}
	if report.Passed < 50 || report.Coverage < 100 {
		t.Errorf("%d tests reach %.1f %% of the lines, not %v", report.Passed, report.Coverage, report.Missed)
	}
}

// TestReport tells of tests that fail, with the place, the expression and the
// values.
func TestReport(t *testing.T) {
	files := fstest.MapFS{
		"signals/rule.rego": {Data: []byte(ruleOf(`notes contains "n" if input.event.issuer == "i"

notes contains "never" if input.event.issuer == "k"
`))},
		"signals/rule_test.rego": {Data: []byte(`package signals.rule_test

import data.signals.rule

test_passes if count(rule.notes) == 1 with input as data.cases.rule.good

test_fails if {
	print("looking")
	n := count(rule.notes) with input as data.cases.rule.bad
	n == 1
}

test_each[name] if {
	some name, input_ in data.cases.rule
	count(rule.notes) == 1 with input as input_
}

test_errors if to_number("x") == 1

todo_test_later if false
`)},
		"signals/rule_cases.json": {Data: []byte(`{"good": {"event": {"issuer": "i"}}, "bad": {"event": {"issuer": "j"}}}`)},
	}
	report, err := policies.Test(t.Context(), files, policies.Options{Bare: true}, "")
	if err != nil || len(report.Problems) > 0 {
		t.Fatal(err, lines(report.Problems))
	}
	if report.Passed != 1 || report.Failed != 3 || report.Skipped != 1 || report.Coverage <= 50 || report.Coverage >= 100 || len(report.Missed) != 1 {
		t.Errorf("got %+v", report)
	}
	for i, want := range []struct {
		name    string
		outcome policies.Outcome
		line    int
	}{
		{"test_passes", policies.Passed, 5}, {"test_fails", policies.Failed, 7}, {"test_each", policies.Failed, 13},
		{"test_errors", policies.Errored, 18}, {"todo_test_later", policies.Skipped, 20},
	} {
		got := report.Tests[i]
		if got.Name != "data.signals.rule_test."+want.name || got.Outcome != want.outcome || got.Line != want.line || got.File != "policies/signals/rule_test.rego" {
			t.Errorf("got %+v", got)
		}
	}
	if failed := report.Tests[1]; !strings.Contains(failed.Failure, "n == 1") || strings.TrimSpace(failed.Output) != "looking" {
		t.Errorf("got failure %q, output %q", failed.Failure, failed.Output)
	}
	if each := report.Tests[2].Cases; len(each) != 2 || each[0] != (policies.CaseResult{Name: "bad"}) || each[1] != (policies.CaseResult{Name: "good", Passed: true}) {
		t.Errorf("got %+v", each)
	}
	if !strings.Contains(report.Tests[3].Error, "to_number") {
		t.Errorf("got %q", report.Tests[3].Error)
	}
}

// TestReportProblems: with an error in a file nothing is run.
func TestReportProblems(t *testing.T) {
	report, err := policies.Test(t.Context(), fstest.MapFS{"signals/x.rego": {Data: []byte("package")}}, policies.Options{}, "")
	if err != nil || len(report.Problems) == 0 || len(report.Tests) > 0 {
		t.Errorf("got %+v, %v", report, err)
	}
}
