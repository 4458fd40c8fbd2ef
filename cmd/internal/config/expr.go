package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// outside marks values that came from the environment or a file. They may be
// secrets: such a value never gets into a diagnostic, and a secret must be one.
const outside = "outside"

// largestSecret bounds what file() reads.
const largestSecret = 64 << 10

// problem is an error of one of our functions, in the form of a diagnostic.
type problem struct{ summary, detail string }

func (p *problem) Error() string { return p.summary }

// problemOf finds the problem that one of our functions raised.
func problemOf(h *hcl.Diagnostic) (*problem, bool) {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](h)
	if !ok {
		return nil, false
	}
	var p *problem
	return p, errors.As(extra.FunctionCallError(), &p)
}

// unknownFunction finds the name of a function that was called and is not among
// those known.
func unknownFunction(h *hcl.Diagnostic) (name string, known []string, ok bool) {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](h)
	if !ok || h.EvalContext == nil {
		return "", nil, false
	}
	return extra.CalledFunctionName(), sortedKeys(h.EvalContext.Functions), true
}

// evalContext holds the only four functions of a configuration. There are no
// variables.
func evalContext(dir string, env Env) *hcl.EvalContext {
	return &hcl.EvalContext{Functions: map[string]function.Function{
		"env":      textFunc("name", func(name string) (string, error) { return readEnv(env, name) }),
		"file":     textFunc("path", func(path string) (string, error) { return readFile(dir, path) }),
		"duration": durationFunc,
		"bytes":    bytesFunc,
	}}
}

// textFunc is a function from text to a value from outside.
func textFunc(param string, read func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: param, Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, marks := args[0].Unmark()
			if len(marks) > 0 {
				return cty.NilVal, &problem{"a name from outside", "Write the " + param + " itself; it cannot come from env() or file()."}
			}
			text, err := read(name.AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(text).Mark(outside), nil
		},
	})
}

func readEnv(env Env, name string) (string, error) {
	if value, ok := env(name); ok {
		return value, nil
	}
	return "", &problem{
		fmt.Sprintf("environment variable %q is not set", name),
		fmt.Sprintf("Set %s where the program starts, or keep the value in a file and use file(\"path\").", name),
	}
}

// readFile reads a small text file, without white space round the text.
func readFile(dir, path string) (string, error) {
	full := under(dir, path)
	fail := func(why, do string) (string, error) {
		return "", &problem{fmt.Sprintf("file %q %s", path, why), do}
	}
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fail("does not exist", "A relative path starts at the folder of the configuration file: "+full+" was looked for.")
	case err != nil:
		return fail("cannot be read", "Check the permissions of "+full+".")
	case !info.Mode().IsRegular():
		return fail("is not a regular file", "file() reads the text of one file.")
	}
	f, err := os.Open(full)
	if err != nil {
		return fail("cannot be read", "Check the permissions of "+full+".")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	switch {
	case err != nil:
		return fail("cannot be read", "Reading "+full+" failed.")
	case len(text) > largestSecret:
		return fail("is too large", fmt.Sprintf("file() reads at most %d bytes.", largestSecret))
	case !utf8.Valid(text):
		return fail("is not text", "file() reads UTF-8 text.")
	}
	return strings.TrimSpace(string(text)), nil
}

// under joins a relative path to the folder of the configuration.
func under(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// durationFunc checks a duration and gives it in a form Go reads.
var durationFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String, AllowMarked: true}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, marks := args[0].Unmark()
		d, ok := parseDuration(text.AsString())
		if !ok {
			return cty.NilVal, &problem{"invalid duration" + quoted(text.AsString(), len(marks) > 0), howDuration}
		}
		return cty.StringVal(d.String()).WithMarks(marks), nil
	},
})

// bytesFunc gives a number of bytes.
var bytesFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String, AllowMarked: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, marks := args[0].Unmark()
		n, ok := parseBytes(text.AsString())
		if !ok {
			return cty.NilVal, &problem{"invalid size" + quoted(text.AsString(), len(marks) > 0), howBytes}
		}
		return cty.NumberIntVal(n).WithMarks(marks), nil
	},
})

// What to do about a text that does not read as a quantity.
const (
	howDuration = `Write a number with a unit: "30s", "10m", "1h30m" or "30d".`
	howBytes    = `Write a whole number with a unit: "64KiB", "512MiB", "20GiB".`
)

// quoted is the text for a message, nothing if it must not be shown.
func quoted(text string, hidden bool) string {
	if hidden || len(text) > 64 {
		return ""
	}
	return fmt.Sprintf(" %q", text)
}

// evaluate gives the value of an expression, and whether it came from outside.
// It reports names and loops, of which the configuration has none.
func (l *loader) evaluate(e hclsyntax.Expression) (v cty.Value, hidden, ok bool) {
	if !l.plain(e) {
		return cty.NilVal, false, false
	}
	v, diags := e.Value(l.eval)
	l.hcl(diags)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return cty.NilVal, false, false
	}
	hidden = v.HasMarkDeep(outside)
	v, _ = v.UnmarkDeep()
	return v, hidden, true
}

// plain reports whether an expression does without names and loops.
func (l *loader) plain(e hclsyntax.Expression) bool {
	ok := l.loopless(e)
	for _, t := range e.Variables() {
		ok = false
		l.faultf(t.SourceRange(), fmt.Sprintf("unknown name %q", t.RootName()),
			"There are no variables here. If text is meant, write it in quotes: %q.", t.RootName())
	}
	return ok
}

// loopless reports whether an expression does without loops.
func (l *loader) loopless(e hclsyntax.Expression) bool {
	ok := true
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.SplatExpr:
			ok = false
			l.fault(n.Range(), "loops are not available", "Write the values out; a configuration has neither for nor [*].")
		}
		return nil
	})
	return ok
}

// calls reports whether an expression calls any function.
func calls(e hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if _, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			found = true
		}
		return nil
	})
	return found
}
