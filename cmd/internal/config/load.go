// Package config reads config.hcl: what the product listens to, whom it
// believes, what it does and where that goes.
//
// Load gives a typed Config and a list of every problem of the file in one run,
// each with its place, a suggestion where a name is nearly right, and what to
// do. It reads the file, the environment variables and the small files that
// env() and file() name; it opens nothing and asks nobody.
//
// A block's type is its role and its first label, where it has two, its kind:
// sink "ssf" "downstream". The labels are read first and choose the struct that
// takes the rest, so the configuration of a connector lives with the connector.
//
// What env() and file() give never appears in a diagnostic, nor does text that
// stands in the file where a secret belongs.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/pipeline/hcltext"
)

// Env looks up an environment variable; os.LookupEnv is one.
type Env func(name string) (value string, ok bool)

// largestFile bounds a configuration file.
const largestFile = 1 << 20

// Load reads and checks a configuration file; a nil env is os.LookupEnv. The Config is never nil; when the
// list has errors it holds what could be built.
func Load(path string, env Env) (*Config, diag.List) {
	src, err := readConfig(path)
	if err != nil {
		return defaults(path, filepath.Dir(path)), diag.List{{
			Summary: "configuration cannot be read",
			Detail:  sentence(err.Error()),
			Place:   diag.Place{File: path},
		}}
	}
	return Parse(path, filepath.Dir(path), src, env)
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file; name another with --config")
	case err != nil:
		return nil, fmt.Errorf("opening the file failed: %w", errors.Unwrap(err))
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file failed: %w", errors.Unwrap(err))
	}
	return src, nil
}

// Parse is Load for a text at hand. File names it in diagnostics; relative
// paths in it start at dir.
func Parse(file, dir string, src []byte, env Env) (*Config, diag.List) {
	if env == nil {
		env = os.LookupEnv
	}
	l := newLoader(defaults(file, dir), env)
	l.src = src
	body := l.parse(file, src)
	if body != nil {
		broken := l.brokenLines()
		l.root(body)
		l.references()
		l.leaveOut(broken)
		l.inContext(body)
	}
	l.cfg.Text = mask(src, secretNames())
	l.problem.Sort()
	l.problem.Attach(file, l.cfg.Text)
	return l.cfg, l.problem
}

// parse gives the body of the file, as much as could be read of it.
func (l *loader) parse(file string, src []byte) *hclsyntax.Body {
	if len(src) > largestFile {
		l.problem = append(l.problem, diag.Diagnostic{
			Summary: "configuration too large",
			Detail:  fmt.Sprintf("A configuration has at most %d bytes.", largestFile),
			Place:   diag.Place{File: file},
		})
		return nil
	}
	body, diags := hcltext.Parse(file, src)
	l.hcl(diags)
	return body
}

// brokenLines gives the lines on which the text does not parse, each with the
// index of the first problem there.
func (l *loader) brokenLines() map[int]int {
	lines := map[int]int{}
	for i, d := range l.problem {
		if _, ok := lines[d.Range.Line]; !ok {
			lines[d.Range.Line] = i
		}
	}
	return lines
}

// leaveOut removes what was found on broken lines beside the first problem: it
// follows from that one.
func (l *loader) leaveOut(broken map[int]int) {
	kept := l.problem[:0]
	for i, d := range l.problem {
		if first, ok := broken[d.Range.Line]; !ok || first == i {
			kept = append(kept, d)
		}
	}
	l.problem = kept
}

// inContext says of every problem in which block of the file it is.
func (l *loader) inContext(body *hclsyntax.Body) {
	for i := range l.problem {
		d := &l.problem[i]
		for _, b := range body.Blocks {
			if r := b.Range(); d.Context == "" && r.Start.Line <= d.Range.Line && d.Range.Line <= b.CloseBraceRange.End.Line {
				d.Context = title(b)
			}
		}
	}
}
