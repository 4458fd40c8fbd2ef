package req

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// failures is a test that only notes what it is told.
type failures struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func TestAssertions(t *testing.T) {
	t.Setenv(Variable, "")
	f := &failures{TB: t}
	Equal(f, "SET-01", []string{"a"}, []string{"a"})
	True(f, "SET-01 SET-02", true, "never said")
	if len(f.said) != 0 {
		t.Errorf("what holds failed: %q", f.said)
	}
	Equal(f, "SET-01", 200, 202)
	True(f, "SET-02", false, "%d left", 3)
	Equal(f, "SET-01 SET-999", 1, 1)
	want := []string{"SET-01: got 200, want 202", "SET-02: 3 left", `there is no requirement "SET-999" in requirements.tsv`}
	if !slices.Equal(f.said, want) {
		t.Errorf("said %q, want %q", f.said, want)
	}
}

// TestRecord: many assertions at once leave one line for each requirement and
// test, in one file.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(Variable, dir)
	before := records.file
	records.file, records.seen = nil, nil
	t.Cleanup(func() {
		_ = records.file.Close()
		records.file, records.seen = before, nil
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { Equal(t, "SET-01 POLL-05", 1, 1) })
	}
	wg.Wait()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files (%v), want one", len(files), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	want := []string{"POLL-05\tpipeline/pipelinetest/req\tTestRecord", "SET-01\tpipeline/pipelinetest/req\tTestRecord"}
	if !slices.Equal(lines, want) {
		t.Errorf("recorded %q, want %q", lines, want)
	}
}

func TestRequirements(t *testing.T) {
	levels := []string{"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "FACT", "DESIGN"}
	for _, r := range requirements {
		if !slices.Contains(levels, r.level) || r.text == "" || r.source == "" {
			t.Errorf("%s has no level, text or source: %+v", r.id, r)
		}
		if strings.Contains(r.text+r.source+r.reason, "|") {
			t.Errorf("%s breaks the table: %+v", r.id, r)
		}
	}
}
