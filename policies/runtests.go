package policies

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
)

// Outcome is how a test ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "pass"
	Failed  Outcome = "fail"
	Errored Outcome = "error"
	Skipped Outcome = "skip"
)

// Report is what running the tests of a set gave.
type Report struct {
	Problems []Problem    `json:"problems,omitempty"` // with an error among them nothing was run
	Tests    []TestResult `json:"tests"`              // by file and line
	Passed   int          `json:"passed"`
	Failed   int          `json:"failed"` // errors included
	Skipped  int          `json:"skipped"`
	Coverage float64      `json:"coverage"` // percent of the lines of rules and functions
	Missed   []Missed     `json:"missed,omitempty"`
}

// TestResult is one test.
type TestResult struct {
	Name     string        `json:"name"` // data.signals.x_test.test_y
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Outcome  Outcome       `json:"outcome"`
	Error    string        `json:"error,omitempty"`
	Failure  string        `json:"failure,omitempty"` // the expression that failed, with the values below it
	Output   string        `json:"output,omitempty"`  // what it printed
	Cases    []CaseResult  `json:"cases,omitempty"`   // of a test with cases
	Duration time.Duration `json:"duration"`
}

// CaseResult is one case of a test.
type CaseResult struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
}

// Missed is a range of lines with something no test reached.
type Missed struct {
	File string `json:"file"`
	Line int    `json:"line"`
	End  int    `json:"end"`
}

// testTimeout bounds one test, with room for a machine that does much else.
const testTimeout = 30 * time.Second

// Test runs the tests of a set whose full names the regular expression matches,
// all if it is empty, the shipped ones included unless the options leave the
// pack out. The error is for a set that cannot be run; failures of
// tests and problems of the files are in the report.
func Test(ctx context.Context, fsys fs.FS, o Options, run string) (Report, error) {
	o.Rules = nil // tests are about the rules as written
	set, problems := Load(fsys, o)
	out := Report{Problems: problems, Tests: []TestResult{}}
	if set == nil {
		return out, nil
	}
	p := readPack(&report{sources: map[string]string{}}, fsys, o)
	modules := maps.Clone(p.libs)
	for _, ru := range p.rules {
		modules[ru.file] = ru.module
	}
	covered := maps.Clone(modules)
	cases := map[string]any{}
	for _, t := range p.tests {
		modules[t.file.name] = t.module
		if t.cases.name != "" {
			t.checkCases(&report{sources: map[string]string{}}, nil)
			cases[t.file.base] = t.data
		}
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"lists": p.lists, "cases": cases}, inmem.OptRoundTripOnWrite(false))
	coverage := cover.New()
	results, err := runTests(ctx, store, modules, run, coverage)
	if err != nil {
		return out, err
	}
	var failing []string
	for _, t := range results {
		out.add(t)
		if t.Fail {
			failing = append(failing, regexp.QuoteMeta(t.Package+"."+t.Name))
		}
	}
	if err := out.addFailures(ctx, store, modules, failing); err != nil {
		return out, err
	}
	slices.SortFunc(out.Tests, func(a, b TestResult) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Name, b.Name))
	})
	lines := coverage.Report(covered)
	if run != "" { // the rest was not asked about
		maps.DeleteFunc(covered, func(name string, _ *ast.Module) bool { f := lines.Files[name]; return f == nil || f.CoveredLines == 0 })
		lines = coverage.Report(covered)
	}
	out.Coverage = lines.Coverage
	for _, name := range slices.Sorted(maps.Keys(covered)) {
		out.Missed = append(out.Missed, missed(name, lines.Files[name])...)
	}
	return out, nil
}

// runTests runs the tests whose full name matches the filter, with coverage or,
// without, with traces.
func runTests(ctx context.Context, store storage.Store, modules map[string]*ast.Module, filter string, coverage *cover.Cover) ([]*tester.Result, error) {
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithEnablePrintStatements(true).WithRewriteTestRules(true)
	runner := tester.NewRunner().SetCompiler(compiler).SetStore(store).SetModules(modules).CapturePrintOutput(true).
		SetTimeout(testTimeout).RaiseBuiltinErrors(true).Filter(filter)
	if coverage != nil {
		runner = runner.SetCoverageRuns(nil).SetCoverageQueryTracer(coverage)
	} else {
		runner = runner.EnableTracing(true)
	}
	var results []*tester.Result
	err := storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		found, err := runner.RunTests(ctx, txn)
		if err != nil {
			return fmt.Errorf("run the tests of the policies: %w", err)
		}
		for t := range found {
			results = append(results, t)
		}
		return nil
	})
	return results, err
}

// missed joins the ranges of a file that no test reached.
func missed(name string, f *cover.FileReport) []Missed {
	if f == nil {
		return nil
	}
	rows := map[int]bool{}
	for _, r := range f.NotCovered {
		rows[r.Start.Row] = true
	}
	var list []Missed
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		if n := len(list); n > 0 && list[n-1].End == row-1 {
			list[n-1].End = row
			continue
		}
		list = append(list, Missed{name, row, row})
	}
	return list
}

// add takes one result.
func (r *Report) add(t *tester.Result) {
	result := TestResult{
		Name: t.Package + "." + t.Name, File: t.Location.File, Line: t.Location.Row,
		Output: string(t.Output), Duration: t.Duration, Outcome: Passed,
	}
	switch {
	case t.Error != nil:
		result.Outcome, result.Error = Errored, t.Error.Error()
		r.Failed++
	case t.Skip:
		result.Outcome = Skipped
		r.Skipped++
	case t.Fail:
		result.Outcome = Failed
		r.Failed++
	default:
		r.Passed++
	}
	for name, c := range t.SubResults.Iter {
		result.Cases = append(result.Cases, CaseResult{strings.Join(name, "/"), !c.Fail})
	}
	r.Tests = append(r.Tests, result)
}

// addFailures runs the failing tests again with a trace, and keeps for each the
// expression that failed and its values.
func (r *Report) addFailures(ctx context.Context, store storage.Store, modules map[string]*ast.Module, failing []string) error {
	if len(failing) == 0 {
		return nil
	}
	results, err := runTests(ctx, store, modules, "^("+strings.Join(failing, "|")+")$", nil)
	if err != nil {
		return err
	}
	for _, t := range results {
		i := slices.IndexFunc(r.Tests, func(o TestResult) bool { return o.Name == t.Package+"."+t.Name })
		if i < 0 || !t.Fail {
			continue
		}
		var text bytes.Buffer
		one := make(chan *tester.Result, 1)
		one <- t
		close(one)
		pretty := tester.PrettyReporter{Output: &text, FailureLine: true, LocalVars: true}
		if err := pretty.Report(one); err != nil {
			return fmt.Errorf("describe the failure of %s: %w", t.Name, err)
		}
		r.Tests[i].Failure = strings.TrimSpace(text.String())
	}
	return nil
}
