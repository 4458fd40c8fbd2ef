package policies

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// fileKind says what a file is for.
type fileKind int

const (
	ruleFile fileKind = iota
	testOfRule
	casesOfRule
	libraryFile
	testOfLibrary
	listFile
	fileKinds
)

// files is a set's tree: by kind, then by base.
type files [fileKinds]map[string]file

func newFiles() (f files) {
	for kind := range f {
		f[kind] = map[string]file{}
	}
	return f
}

// readFiles reads the tree a user gave over the shipped one. A user's rule
// replaces the shipped rule of its name together with its tests, so that nobody
// tests one text and runs another.
func readFiles(r *report, user fs.FS, o Options) files {
	f := newFiles()
	if !o.Bare {
		f.read(r, Shipped, "shipped")
	}
	own, root := newFiles(), cmp.Or(o.Root, "policies")
	if user != nil {
		own.read(r, user, root)
	}
	for p, text := range o.extra {
		kind, base := kindOf(p)
		own[kind][base] = file{path: p, name: path.Join(root, p), base: base, text: string(text)}
	}
	for base := range own[ruleFile] {
		delete(f[testOfRule], base)
		delete(f[casesOfRule], base)
	}
	for base := range own[libraryFile] {
		delete(f[testOfLibrary], base)
	}
	for kind := range own {
		maps.Copy(f[kind], own[kind])
	}
	return f
}

func (f files) read(r *report, fsys fs.FS, root string) {
	count := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if p == "." && errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: %w", root, fs.ErrNotExist)
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
	kind, base := kindOf(p)
	if kind == fileKinds {
		r.warnf(place{file: name}, "rules are signals/<name>.rego, functions lib/<name>.rego, lists lists/<name>.json", "this file is not part of a policy set")
		return nil
	}
	limit := int64(maxRuleFile)
	if kind == listFile {
		limit = maxListFile
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
	f[kind][base] = file{path: p, name: name, base: base, text: string(text)}
	r.sources[name] = string(text)
	return nil
}

// kindOf tells a file's kind and base name by its path, fileKinds if it is none
// of a set.
func kindOf(p string) (kind fileKind, base string) {
	dir, name := path.Split(p)
	base, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	test, isTest := strings.CutSuffix(base, "_test")
	cases, isCases := strings.CutSuffix(base, "_cases")
	switch {
	case dir == "signals/" && ext == ".rego" && isTest:
		return testOfRule, test
	case dir == "signals/" && ext == ".rego":
		return ruleFile, base
	case dir == "signals/" && ext == ".json" && isCases:
		return casesOfRule, cases
	case dir == "lib/" && ext == ".rego" && isTest:
		return testOfLibrary, test
	case dir == "lib/" && ext == ".rego":
		return libraryFile, base
	case dir == "lists/" && ext == ".json":
		return listFile, base
	}
	return fileKinds, ""
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
