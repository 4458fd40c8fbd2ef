package mappings_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

var update = flag.Bool("update", false, "write goldens anew")

func shipped(t testing.TB) *mappings.Set {
	t.Helper()
	set, diags := mappings.Load(mappings.Options{})
	for _, d := range diags {
		t.Error(d)
	}
	return set
}

// leastGoldens is how many every shipped mapping has: typical, minimal,
// resolved or dismissed, odd values.
const leastGoldens = 4

func TestGoldens(t *testing.T) {
	set := shipped(t)
	var o mappings.GoldenOptions
	if *update {
		o.Save = func(name string, text []byte) error { return os.WriteFile(name, text, 0o644) }
	}
	results, err := set.TestGoldens(os.DirFS("."), o)
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, r := range results {
		n[r.Mapping]++
		if !r.Passed && !r.Written {
			t.Errorf("%s: %s", r.File, r.Failure)
		}
	}
	for _, name := range set.Names() {
		if n[name] < leastGoldens {
			t.Errorf("mapping %s has %d goldens, want at least %d", name, n[name], leastGoldens)
		}
	}
}

// TestGoldenFields holds what goldens put into documents to the schema.
func TestGoldenFields(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, expected, ok := strings.Cut(string(text), "\n---\n")
		if !ok {
			t.Errorf("%s has no line of three dashes", f)
			continue
		}
		var out mappings.Outcome
		if err := json.Unmarshal([]byte(expected), &out); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		for _, e := range out.Events {
			if len(e.ECS) == 0 {
				continue
			}
			var ecs map[string]any
			if err := json.Unmarshal(e.ECS, &ecs); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			leaves(ecs, "", func(name string) {
				if d, ok := document.Lookup(name); !ok || !d.Streams.Has(document.AlertStream) || !document.Settable(name) {
					t.Errorf("%s: field %s is not one that mappings may set", f, name)
				}
			})
		}
	}
}

func leaves(v map[string]any, path string, visit func(string)) {
	for k, x := range v {
		name := strings.TrimPrefix(path+"."+k, ".")
		f, known := document.Lookup(name)
		if m, ok := x.(map[string]any); ok && !(known && f.Type == document.Flattened) {
			leaves(m, name, visit)
			continue
		}
		visit(name)
	}
}
