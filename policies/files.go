package policies

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The bounds of a policy set on disk.
const (
	maxFiles    = 5000
	maxRuleFile = 1 << 20
	maxListFile = 64 << 20
)

// file is one file of a set.
type file struct {
	path string // within the set: signals/x.rego
	name string // in problems and results: policies/signals/x.rego
	base string // without folder and ending: x
	text string
}

// files is a set's tree, sorted into what each file is for.
type files struct {
	rules, tests, cases, libs, libTests, lists map[string]file // by base
}

// readFiles reads the tree a user gave over the shipped one. A user's rule
// replaces the shipped rule of its name together with its tests, so that nobody
// tests one text and runs another.
func readFiles(r *report, user fs.FS, o Options) files {
	f := files{map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}}
	if !o.Bare {
		f.read(r, Shipped, "shipped")
	}
	if user == nil {
		return f
	}
	root := o.Root
	if root == "" {
		root = "policies"
	}
	own := files{map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}, map[string]file{}}
	own.read(r, user, root)
	for base := range own.rules {
		delete(f.tests, base)
		delete(f.cases, base)
	}
	for base := range own.libs {
		delete(f.libTests, base)
	}
	for _, pair := range [][2]map[string]file{
		{f.rules, own.rules}, {f.tests, own.tests}, {f.cases, own.cases}, {f.libs, own.libs}, {f.libTests, own.libTests}, {f.lists, own.lists},
	} {
		for base, file := range pair[1] {
			pair[0][base] = file
		}
	}
	return f
}

func (f files) read(r *report, fsys fs.FS, root string) {
	count := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if p == "." && errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: %w", root, err)
			}
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && p != "."
		if d.IsDir() {
			if hidden || p == "schema" {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || path.Ext(p) == ".md" || path.Ext(p) == ".go" {
			return nil
		}
		if count++; count > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		return f.take(r, fsys, root, p)
	})
	if err != nil {
		r.errorf(place{file: root}, "", "cannot read the policies: %v", err)
	}
}

// take reads one file into the map of its kind.
func (f files) take(r *report, fsys fs.FS, root, p string) error {
	name := path.Join(root, p)
	kind, base, limit := f.kindOf(p)
	if kind == nil {
		r.warnf(place{file: name}, "rules are signals/<name>.rego, functions lib/<name>.rego, lists lists/<name>.json", "this file is not part of a policy set")
		return nil
	}
	if !namePattern.MatchString(base) {
		r.errorf(place{file: name}, "begin with a letter; small letters, digits and _", "%q is not a name for a policy file", base)
		return nil
	}
	if info, err := fs.Stat(fsys, p); err == nil && info.Size() > limit {
		r.errorf(place{file: name}, "", "the file is larger than %d bytes", limit)
		return nil
	}
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	kind[base] = file{path: p, name: name, base: base, text: string(text)}
	r.sources[name] = string(text)
	return nil
}

func (f files) kindOf(p string) (kind map[string]file, base string, limit int64) {
	dir, name := path.Split(p)
	base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	test, isTest := strings.CutSuffix(base, "_test")
	cases, isCases := strings.CutSuffix(base, "_cases")
	switch {
	case dir == "signals/" && ext == ".rego" && isTest:
		return f.tests, test, maxRuleFile
	case dir == "signals/" && ext == ".rego":
		return f.rules, base, maxRuleFile
	case dir == "signals/" && ext == ".json" && isCases:
		return f.cases, cases, maxRuleFile
	case dir == "lib/" && ext == ".rego" && isTest:
		return f.libTests, test, maxRuleFile
	case dir == "lib/" && ext == ".rego":
		return f.libs, base, maxRuleFile
	case dir == "lists/" && ext == ".json":
		return f.lists, base, maxListFile
	}
	return nil, "", 0
}

// sorted returns the files of one kind by base name.
func sorted(m map[string]file) []file {
	list := make([]file, 0, len(m))
	for _, f := range m {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.base, b.base) })
	return list
}
