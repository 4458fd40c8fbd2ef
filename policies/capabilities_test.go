package policies

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

var write = flag.Bool("write-capabilities", false, "write schema/capabilities.json")

// TestCapabilitiesFile: what other tools are told is what the engine allows.
func TestCapabilitiesFile(t *testing.T) {
	const path = "schema/capabilities.json"
	want, err := json.MarshalIndent(capabilities(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *write {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date: run go test ./policies -run TestCapabilitiesFile -write-capabilities", path)
	}
}

// TestCapabilities: every allowed function exists, and none depends on anything
// but its arguments.
func TestCapabilities(t *testing.T) {
	known := ast.CapabilitiesForThisVersion().Builtins
	for _, name := range allowed {
		i := slices.IndexFunc(known, func(b *ast.Builtin) bool { return b.Name == name })
		if i < 0 {
			t.Errorf("%s does not exist", name)
			continue
		}
		if known[i].IsNondeterministic() {
			t.Errorf("%s is not deterministic", name)
		}
	}
	if c := capabilities(); c.AllowNet == nil || len(c.FutureKeywords) > 0 {
		t.Error("the network or later keywords are on")
	}
}
