package app

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/policies"
)

// policyFiles is the tree of the operator's own rules, nil if there is none.
func policyFiles(cfg *config.Config) fs.FS {
	if cfg.Policies.Dir == "" || policyFolder(cfg) != nil {
		return nil
	}
	return os.DirFS(cfg.Policies.Dir)
}

// policyOptions is what the configuration says about its policies.
func policyOptions(cfg *config.Config) policies.Options {
	o := policies.Options{
		Root: cfg.Policies.Dir, Bare: !cfg.Policies.Shipped,
		ActionTypes: slices.Sorted(maps.Keys(cfg.Actions)),
		Rules:       make(map[string]policies.RuleOptions, len(cfg.Policies.Rules)),
	}
	for _, r := range cfg.Policies.Rules {
		change := policies.RuleOptions{Mode: r.Mode, Disabled: !r.Enabled}
		if r.Limit.Actions > 0 {
			change.Limit = &r.Limit
		}
		o.Rules[r.Name] = change
	}
	return o
}

// fromPolicies puts problems of policies into the form of the configuration's.
// One about a rule's entry there gets the place of the entry.
func fromPolicies(cfg *config.Config, problems []policies.Problem) diag.List {
	list := make(diag.List, 0, len(problems))
	for _, p := range problems {
		at := diag.Place{File: p.File, Range: diag.Range{Line: p.Line, Column: p.Column, EndLine: p.EndLine, EndColumn: p.EndColumn}}
		source := p.Source
		if i := slices.IndexFunc(cfg.Policies.Rules, func(r config.Rule) bool { return r.Name == p.Rule }); p.File == "" && i >= 0 {
			at, source = cfg.Policies.Rules[i].Place, string(cfg.Text)
		}
		list = append(list, diag.Located(string(p.Severity), p.Summary, upperFirst(p.Detail), at, source))
	}
	return list
}

// upperFirst makes advice begin as that about a configuration does.
func upperFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// Bundle is the policies a configuration names, as policies.Bundle gives them.
// An error that is a diag.List means that the configuration or the policies are
// at fault.
func Bundle(path string, env config.Env) (map[string][]byte, error) {
	cfg, list := config.Load(path, env)
	if list.HasErrors() {
		return nil, list
	}
	return bundle(cfg, policyFiles(cfg), policyOptions(cfg))
}

// folderOptions is for the policies of a folder that stands instead of the one of
// the configuration: the rules that come with the program are beside them unless
// the configuration leaves them out. There need not be one, and nothing else of it
// matters: rules are tested where its secrets are not.
func folderOptions(path string, env config.Env, dir string) policies.Options {
	cfg, _ := config.Load(path, env)
	return policies.Options{Root: dir, Bare: !cfg.Policies.Shipped}
}

// BundleDir is the policies in a folder over those that come with the program.
func BundleDir(dir string) (map[string][]byte, error) {
	return bundle(&config.Config{}, os.DirFS(dir), policies.Options{Root: dir})
}

func bundle(cfg *config.Config, files fs.FS, o policies.Options) (map[string][]byte, error) {
	out, problems := policies.Bundle(files, o)
	if list := fromPolicies(cfg, problems); list.HasErrors() {
		return nil, list
	}
	return out, nil
}

// Rules is the policies of a configuration, those that come with the program if
// there is no such file. An error that is a diag.List means that the
// configuration or the policies are at fault.
func Rules(path string, env config.Env) (*policies.Set, error) {
	cfg := &config.Config{Policies: config.Policies{Shipped: true}}
	o := policies.Options{}
	if _, err := os.Stat(path); err == nil {
		var list diag.List
		if cfg, list = config.Load(path, env); list.HasErrors() {
			return nil, list
		}
		o = policyOptions(cfg)
	}
	return ruleSet(cfg, policyFiles(cfg), o)
}

// RulesIn is the policies in a folder, over those that come with the program
// unless the configuration, where there is one, leaves them out.
func RulesIn(dir, path string, env config.Env) (*policies.Set, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	return ruleSet(&config.Config{}, os.DirFS(dir), folderOptions(path, env, dir))
}

func ruleSet(cfg *config.Config, files fs.FS, o policies.Options) (*policies.Set, error) {
	set, problems := policies.Load(files, o)
	if list := fromPolicies(cfg, problems); list.HasErrors() {
		return nil, list
	}
	return set, nil
}

// Capture makes a test case for the policies in a folder, which need not be
// there yet, over those that come with the program unless the configuration leaves
// them out.
func Capture(ctx context.Context, dir, path string, env config.Env, req policies.CaptureRequest) (*policies.Captured, error) {
	var files fs.FS
	if _, err := os.Stat(dir); err == nil {
		files = os.DirFS(dir)
	}
	c, problems, err := policies.Capture(ctx, files, folderOptions(path, env, dir), req)
	if err != nil {
		return nil, err
	}
	if list := fromPolicies(&config.Config{}, problems); c == nil && list.HasErrors() {
		return nil, list
	}
	return c, nil
}
