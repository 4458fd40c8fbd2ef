package elasticsearch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// compare says how what the server has of an artifact stands to what is to be.
// The server writes defaults and numbers in its own way: leaves are compared as
// text by their path.
func compare(want, got []byte) (kind.State, []string) {
	w, g := flatten(want), flatten(got)
	if g["_meta.managed_by"] != managedBy {
		return kind.Foreign, nil
	}
	var schema int
	if _, err := fmt.Sscan(g["_meta.schema"], &schema); err == nil && schema > document.TemplateVersion {
		return kind.Newer, nil
	}
	var changes []string
	for _, path := range slices.Sorted(maps.Keys(w)) {
		switch have, ok := g[path]; {
		case !ok:
			changes = append(changes, fmt.Sprintf("+ %s: %s", path, w[path]))
		case have != w[path]:
			changes = append(changes, fmt.Sprintf("~ %s: %s, is %s", path, w[path], have))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(g)) {
		// Elsewhere are only defaults that the server adds.
		if _, ok := w[path]; !ok && (strings.HasPrefix(path, "template.") || strings.HasPrefix(path, "phases.")) {
			changes = append(changes, fmt.Sprintf("- %s: %s", path, g[path]))
		}
	}
	if len(changes) == 0 {
		return kind.Same, nil
	}
	return kind.Differs, changes
}

// flatten lists the leaves of a JSON text by their path, as text.
func flatten(text []byte) map[string]string {
	var v any
	out := map[string]string{}
	if json.Unmarshal(text, &v) == nil {
		flattenInto(out, "", v)
	}
	return out
}

func flattenInto(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			inner := name
			switch {
			case path == "template.settings" && name != "index" && !strings.HasPrefix(name, "index."):
				inner = "template.settings.index." + name
			case path != "":
				inner = path + "." + name
			}
			flattenInto(out, inner, m)
		}
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, fmt.Sprint(e))
		}
		out[path] = strings.Join(list, " ")
	default:
		out[path] = fmt.Sprint(v)
	}
}
