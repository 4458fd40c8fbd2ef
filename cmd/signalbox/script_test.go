package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"signalbox": main})
}

// TestScripts runs the acceptance scripts: the program as people and scripts use
// it, command by command.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// The scripts' own temporary folder is too deep for the path of a
			// Unix socket on some systems.
			env.Setenv("TMPDIR", os.TempDir())
			return nil
		},
	})
}
