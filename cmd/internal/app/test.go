package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/policies"
)

// TestReport is what the tests of policies and the goldens of mappings gave;
// Passed and Failed count both.
type TestReport struct {
	policies.Report

	Goldens []mappings.GoldenResult `json:"goldens,omitempty"`
	Written int                     `json:"written,omitempty"` // goldens that were not right and were written anew

	Policies bool `json:"-"` // tests of policies were run, so that their coverage means something
}

// TestOptions say what is tested.
type TestOptions struct {
	Config string     // path of the configuration
	Env    config.Env // of its env()
	Dir    string     // folder of policies, of mappings or of both, instead of what the configuration names
	Run    string     // only what has a name that this regular expression matches; "": all
	Update bool       // write goldens that are not right anew
}

// Test runs the tests of policies, those that come with the program included
// unless the configuration leaves them out, and the goldens of own mappings. An error that is a diag.List means that the
// configuration, the policies or the mappings are at fault.
func Test(ctx context.Context, o TestOptions) (TestReport, error) {
	cfg, mappingRoot := &config.Config{}, o.Dir
	files, options := fs.FS(nil), policies.Options{}
	maps := mappings.Options{Root: o.Dir}
	out := TestReport{Report: policies.Report{Tests: []policies.TestResult{}}, Policies: true}
	if o.Dir == "" {
		var list diag.List
		if cfg, list = config.Load(o.Config, o.Env); list.HasErrors() {
			return out, list
		}
		mappingRoot = cfg.Mappings.Dir
		files, options, maps = policyFiles(cfg), policyOptions(cfg), mappingOptions(cfg)
	} else {
		rules, vendors := holds(o.Dir)
		switch {
		case !vendors:
			mappingRoot = ""
		case !rules:
			out.Policies = false
		}
		files, options = os.DirFS(o.Dir), folderOptions(o.Config, o.Env, o.Dir)
		maps.Own = files
	}
	if out.Policies {
		r, err := policies.Test(ctx, files, options, o.Run)
		out.Report = r
		if err != nil {
			return out, err
		}
		if list := fromPolicies(cfg, r.Problems); list.HasErrors() {
			return out, list
		}
	}
	if mappingRoot == "" {
		return out, nil
	}
	return out, out.goldens(maps, o)
}

// goldens runs the goldens of a folder of mappings.
func (r *TestReport) goldens(maps mappings.Options, o TestOptions) error {
	set, found := mappings.Load(maps)
	if list := fromMappings(set, diag.FromHCL(found)); list.HasErrors() {
		return list
	}
	g := mappings.GoldenOptions{Root: maps.Root}
	if o.Run != "" {
		var err error
		if g.Run, err = regexp.Compile(o.Run); err != nil {
			return err
		}
	}
	if o.Update {
		g.Save = func(name string, text []byte) error {
			return os.WriteFile(filepath.Join(maps.Root, filepath.FromSlash(name)), text, 0o644)
		}
	}
	results, err := set.TestGoldens(maps.Own, g)
	if err != nil {
		return fmt.Errorf("goldens of %s: %w", maps.Root, err)
	}
	r.Goldens = results
	for _, g := range results {
		switch {
		case g.Passed:
			r.Passed++
		case g.Written:
			r.Written++
		default:
			r.Failed++
		}
	}
	return nil
}

// aMapping is how a file of a mapping, which no configuration has, is told.
var aMapping = regexp.MustCompile(`(?m)^\s*mapping\s+"`)

// holds tells what is in a folder: policies, mappings or both. What cannot be
// told is taken for policies, whose reader says what is missing.
func holds(dir string) (rules, vendors bool) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.hcl"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		vendors = vendors || err == nil && aMapping.Match(text)
	}
	goldens, _ := filepath.Glob(filepath.Join(dir, "testdata", "*", "*.golden"))
	vendors = vendors || len(goldens) > 0
	for _, part := range []string{"signals", "lib", "lists"} {
		_, err := os.Stat(filepath.Join(dir, part))
		rules = rules || !errors.Is(err, fs.ErrNotExist)
	}
	return rules || !vendors, vendors
}
