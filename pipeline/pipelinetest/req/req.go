// Package req ties assertions to the requirements they show. A test passes the
// ids of the requirements to the assertion; when the assertion runs, it notes
// ids, package and test, so that docs/requirements.md lists what was shown and
// not what somebody meant to show. It is imported by tests only and is no
// library of assertions: what shows no requirement is asserted without it.
//
// The requirements are the rows of requirements.tsv. The last column says why a
// requirement has no test: it binds the other party, or whoever operates the
// product, or what it permits is not done here.
package req

import (
	_ "embed"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// Variable names the environment variable that holds the folder to record in,
// one file per test process. Without it assertions only assert.
const Variable = "SIGNALBOX_REQUIREMENTS"

//go:embed requirements.tsv
var table string

// requirement is one row of the table.
type requirement struct {
	id, level, text, source, reason string
}

// requirements are the rows in order, and byID finds them.
var requirements, byID = parse(table)

func parse(tsv string) ([]requirement, map[string]requirement) {
	var list []requirement
	ids := map[string]requirement{}
	for i, line := range strings.Split(strings.TrimSuffix(tsv, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			panic(fmt.Sprintf("requirements.tsv:%d: %d columns, want 5", i+1, len(f)))
		}
		if i == 0 {
			continue
		}
		r := requirement{id: f[0], level: f[1], text: f[2], source: f[3], reason: f[4]}
		if _, twice := ids[r.id]; twice {
			panic(fmt.Sprintf("requirements.tsv:%d: %s a second time", i+1, r.id))
		}
		list = append(list, r)
		ids[r.id] = r
	}
	return list, ids
}

// Equal fails the test unless got and want are deeply equal, and records that
// it was asked. ids are one or more ids of requirements.tsv with a space
// between; an unknown one fails the test. Safe for concurrent use.
func Equal[T any](t testing.TB, ids string, got, want T) {
	t.Helper()
	record(t, ids)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", ids, any(got), any(want))
	}
}

// True is Equal for what is no comparison: the format and its arguments say
// what is the case when ok is false.
func True(t testing.TB, ids string, ok bool, format string, args ...any) {
	t.Helper()
	record(t, ids)
	if !ok {
		t.Errorf("%s: %s", ids, fmt.Sprintf(format, args...))
	}
}

// records is where this process writes to.
var records struct {
	sync.Mutex
	file *os.File
	seen map[string]bool
}

func record(t testing.TB, ids string) {
	t.Helper()
	for _, id := range strings.Fields(ids) {
		if _, ok := byID[id]; !ok {
			t.Errorf("there is no requirement %q in requirements.tsv", id)
			continue
		}
		if err := enter(id, t.Name()); err != nil {
			t.Errorf("recording %s: %v", id, err)
		}
	}
}

// enter writes one line of id, package and test, once.
func enter(id, test string) error {
	dir := os.Getenv(Variable)
	if dir == "" {
		return nil
	}
	records.Lock()
	defer records.Unlock()
	line := id + "\t" + pkg() + "\t" + test + "\n"
	if records.seen[line] {
		return nil
	}
	if records.file == nil {
		f, err := os.CreateTemp(dir, "*.tsv")
		if err != nil {
			return err
		}
		records.file, records.seen = f, map[string]bool{}
	}
	if _, err := records.file.WriteString(line); err != nil {
		return err
	}
	records.seen[line] = true
	return nil
}

// pkg is the folder within the module of the package under test, which the
// linker names after it.
func pkg() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	path := strings.TrimSuffix(b.Path, ".test")
	return strings.TrimPrefix(strings.TrimPrefix(path, b.Main.Path), "/")
}
