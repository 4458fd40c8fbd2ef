package policies

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

// BundleMark is the member of a bundle's manifest metadata that says who wrote
// it.
const BundleMark = "signalbox"

// Bundle is a policy set in the layout the stock opa program and editors read
// with -b, path to content: the rules and functions of the tree over the shipped
// pack, tests included, lists at data.lists and cases at data.cases. A plain
// directory of the same files would put lists and cases elsewhere. The map is
// nil when one of the problems is an error.
func Bundle(fsys fs.FS, o Options) (map[string][]byte, []Problem) {
	o.Rules = nil
	set, problems := Load(fsys, o)
	if set == nil {
		return nil, problems
	}
	p := readPack(&report{sources: map[string]string{}}, fsys, o)
	files := map[string][]byte{}
	for name, text := range p.texts {
		if path.Ext(name) == ".rego" {
			files[name] = []byte(text)
		}
	}
	for _, t := range p.tests {
		files[t.file.path] = []byte(t.file.text)
		if t.cases.name != "" {
			files[path.Join("cases", t.cases.base, "data.json")] = []byte(t.cases.text)
		}
	}
	for name := range p.lists {
		files[path.Join("lists", name, "data.json")] = []byte(p.texts["lists/"+name+".json"])
	}
	manifest, err := json.MarshalIndent(map[string]any{
		"revision": set.Revision(), "roots": []string{"cases", "lib", "lists", "signals"}, "rego_version": 1,
		"metadata": map[string]any{BundleMark: "written by signalbox opa bundle"},
	}, "", "  ")
	if err != nil {
		return nil, append(problems, Problem{Severity: Error, Summary: fmt.Sprintf("the bundle cannot be described: %v", err)})
	}
	files[".manifest"] = append(manifest, '\n')
	return files, problems
}
