package policies_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"

	"github.com/signalbox-dev/signalbox/policies"
)

// TestFormat: the shipped pack is written as the language's formatter writes.
func TestFormat(t *testing.T) {
	err := fs.WalkDir(policies.Shipped, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rego" {
			return err
		}
		text, err := fs.ReadFile(policies.Shipped, name)
		if err != nil {
			return err
		}
		want, err := format.SourceWithOpts(name, text, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			return err
		}
		if *update {
			return os.WriteFile(name, want, 0o644)
		}
		if !bytes.Equal(text, want) {
			t.Errorf("%s is not formatted: run go test ./policies -run TestFormat -update", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
