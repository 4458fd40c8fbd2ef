// Package signalbox_test holds what is true of the repository as a whole.
package signalbox_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/signalbox-dev/signalbox"

// arrows is a statement of policy: what each folder may import of this module.
// Imports point inward: cmd sees all, connectors and policies see the
// pipeline, the pipeline sees its children, the vocabulary sees next to
// nothing. A pattern ending in "/..." means the folder and all below it.
// Adding a line here is a decision; an import that needs none is usually
// better.
var arrows = map[string][]string{
	".":                          {},
	"cmd/...":                    {"cmd/...", "connectors/...", "mappings/...", "pipeline/...", "policies/..."},
	"connectors":                 {"connectors/...", "pipeline/..."},
	"connectors/kind":            {"pipeline/..."},
	"connectors/file":            {"connectors/kind", "pipeline/..."},
	"connectors/okta":            {"connectors/kind", "connectors/outbound", "connectors/ssf", "connectors/ssf/push", "pipeline/..."},
	"connectors/kafka":           {"connectors/kind", "connectors/oauth", "connectors/outbound", "connectors/ssf", "pipeline/..."},
	"connectors/http":            {"connectors/kind", "connectors/outbound", "pipeline/..."},
	"connectors/outbound":        {"connectors/kind", "pipeline/..."},
	"connectors/oauth":           {"connectors/kind", "connectors/outbound", "pipeline/..."},
	"connectors/elasticsearch":   {"connectors/kind", "connectors/outbound", "pipeline/..."},
	"connectors/sqlite":          {"connectors/kind", "pipeline/..."},
	"connectors/ssf":             {"connectors/kind", "pipeline/..."},
	"connectors/ssf/client":      {"connectors/kind", "connectors/oauth", "connectors/outbound", "connectors/ssf", "pipeline/..."},
	"connectors/ssf/doctor":      {"connectors/outbound", "connectors/ssf", "connectors/ssf/client", "pipeline/..."},
	"connectors/ssf/push":        {"connectors/kind", "connectors/outbound", "connectors/ssf", "pipeline/..."},
	"connectors/ssf/receiver":    {"connectors/kind", "connectors/oauth", "connectors/outbound", "connectors/ssf", "connectors/ssf/client", "connectors/ssf/push", "pipeline/..."},
	"connectors/ssf/transmitter": {"connectors/kind", "connectors/outbound", "connectors/ssf", "connectors/ssf/push", "pipeline/..."},
	"mappings":                   {"pipeline", "pipeline/document", "pipeline/event", "pipeline/hcltext", "pipeline/nearest", "pipeline/strictjson"},
	"mappings/kibana":            {"pipeline/document", "pipeline/question"},
	"policies/...":               {"policies/...", "pipeline", "pipeline/nearest", "pipeline/event", "pipeline/state", "pipeline/strictjson"},
	"pipeline":                   {"pipeline/event", "pipeline/state", "pipeline/store", "pipeline/strictjson"},
	"pipeline/document":          {"pipeline", "pipeline/event", "pipeline/query", "pipeline/strictjson"},
	"pipeline/event":             {"pipeline/strictjson"},
	"pipeline/hcltext":           {},
	"pipeline/jose":              {"pipeline/strictjson"},
	"pipeline/nearest":           {},
	"pipeline/pipelinetest":      {"pipeline/..."},
	"pipeline/pipelinetest/req":  {},
	"pipeline/question":          {"pipeline", "pipeline/document", "pipeline/nearest", "pipeline/query", "pipeline/strictjson"},
	"pipeline/query":             {"pipeline/nearest", "pipeline/document", "pipeline/event", "pipeline/strictjson"},
	"pipeline/set":               {"pipeline", "pipeline/event", "pipeline/jose", "pipeline/strictjson"},
	"pipeline/state":             {"pipeline/event", "pipeline/strictjson"},
	"pipeline/store":             {},
	"pipeline/strictjson":        {},
}

// homes says where a library may be imported: one place each, so that it can
// be exchanged there.
var homes = map[string][]string{
	"github.com/cockroachdb/pebble":    {"pipeline/store"},
	"github.com/hashicorp/hcl":         {"cmd/internal/config", "cmd/internal/diag", "mappings", "pipeline/hcltext"},
	"github.com/zclconf/go-cty":        {"cmd/internal/config", "mappings"},
	"github.com/lestrrat-go/jwx":       {"pipeline/jose"},
	"github.com/open-policy-agent/opa": {"policies"},
	"github.com/prometheus":            {"cmd/internal/app"},
	"modernc.org/sqlite":               {"connectors/sqlite"},
	"github.com/twmb/franz-go":         {"connectors/kafka"},
	"github.com/elastic":               {"connectors/elasticsearch"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 5 {
		t.Fatalf("go list found %d packages", len(list))
	}
	return list
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		from := rel(p.ImportPath)
		allowed, ok := lookup(from)
		if !ok {
			t.Errorf("%s: add its line to arrows", from)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				checkHome(t, from, imp)
				continue
			}
			to = strings.TrimPrefix(to, "/")
			if !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, to) }) {
				t.Errorf("%s imports %s, which arrows do not allow", from, to)
			}
		}
	}
}

func checkHome(t *testing.T, from, imp string) {
	t.Helper()
	for lib, folders := range homes {
		if !strings.HasPrefix(imp, lib) {
			continue
		}
		if !slices.Contains(folders, from) {
			t.Errorf("%s imports %s, which belongs to %v", from, imp, folders)
		}
	}
}

func rel(p string) string {
	if r := strings.TrimPrefix(strings.TrimPrefix(p, module), "/"); r != "" {
		return r
	}
	return "."
}

// lookup finds the most exact line for a folder.
func lookup(folder string) ([]string, bool) {
	if a, ok := arrows[folder]; ok {
		return a, true
	}
	for dir := folder; ; dir = path.Dir(dir) {
		if a, ok := arrows[dir+"/..."]; ok {
			return a, true
		}
		if dir == "." {
			return nil, false
		}
	}
}

func covers(pattern, folder string) bool {
	if dir, tree := strings.CutSuffix(pattern, "/..."); tree {
		return folder == dir || strings.HasPrefix(folder, dir+"/")
	}
	return pattern == folder
}
