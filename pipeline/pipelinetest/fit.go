package pipelinetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Fit holds documents against the templates of their data streams as a cluster
// would with dynamic set to strict, which ours is not: a field that no template
// has, an object where a value belongs or the reverse, and a value that the type
// does not take are errors.
func Fit(t testing.TB, docs ...pipeline.Delivery) {
	t.Helper()
	streams := composed(t)
	told := map[string]bool{}
	for _, d := range docs {
		if streams[d.Kind] == nil {
			t.Errorf("there is no template for %s", d.Kind)
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(d.Payload, &doc); err != nil {
			t.Errorf("%s: %v in %s", d.Kind, err, d.Payload)
			continue
		}
		for _, problem := range misfits(streams[d.Kind], "", doc) {
			if !told[d.Kind+problem] {
				told[d.Kind+problem] = true
				t.Errorf("%s: %s in %s", d.Kind, problem, d.Payload)
			}
		}
	}
}

// mapping is one of a template.
type mapping struct {
	Type       string             `json:"type"`
	Depth      int                `json:"depth_limit"`
	Properties map[string]mapping `json:"properties"`
}

// composed are the mappings of each stream, its components merged.
func composed(t testing.TB) map[string]map[string]mapping {
	t.Helper()
	components, streams := map[string]map[string]mapping{}, map[string]map[string]mapping{}
	for _, tpl := range document.Templates(document.TemplateOptions{}) {
		var v struct {
			Template struct{ Mappings mapping }
			Composed []string `json:"composed_of"`
		}
		if err := json.Unmarshal(tpl.JSON, &v); err != nil {
			t.Fatal(err)
		}
		if !tpl.Index {
			components[tpl.Name] = v.Template.Mappings.Properties
			continue
		}
		all := map[string]mapping{}
		for _, name := range v.Composed {
			merge(all, components[name])
		}
		streams[strings.TrimPrefix(tpl.Name, "logs-")] = all
	}
	return streams
}

// merge adds mappings to others, as a cluster composes them.
func merge(into, more map[string]mapping) {
	for name, m := range more {
		if old, ok := into[name]; ok && old.Properties != nil && m.Properties != nil {
			old.Properties = maps.Clone(old.Properties)
			merge(old.Properties, m.Properties)
			m = old
		}
		into[name] = m
	}
}

// misfits says what of an object the mappings do not take.
func misfits(properties map[string]mapping, path string, object map[string]any) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		m, ok := properties[name]
		if !ok {
			problems = append(problems, path+name+" is in no template")
			continue
		}
		values, several := object[name].([]any)
		if !several {
			values = []any{object[name]}
		}
		for _, v := range values {
			inner, isObject := v.(map[string]any)
			switch {
			case m.Properties != nil && isObject:
				problems = append(problems, misfits(m.Properties, path+name+".", inner)...)
			case m.Properties != nil || m.Type == "flattened" != isObject:
				problems = append(problems, fmt.Sprintf("%s%s is %T, which %s does not take", path, name, v, m.Type))
			case m.Type == "flattened" && depth(v) > m.Depth:
				problems = append(problems, fmt.Sprintf("%s%s is %d deep", path, name, depth(v)))
			case !isObject && !takes(m.Type, v):
				problems = append(problems, fmt.Sprintf("%s%s is %v, which %s does not take", path, name, v, m.Type))
			}
		}
	}
	return problems
}

// depth is how many objects lie in each other.
func depth(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			n = max(n, depth(inner))
		}
		return n + 1
	case []any:
		for _, inner := range v {
			n = max(n, depth(inner))
		}
	}
	return n
}

// takes reports whether a type takes a value without turning it into another.
func takes(kind string, v any) bool {
	switch x := v.(type) {
	case string:
		switch kind {
		case "keyword", "match_only_text", "constant_keyword":
			return true
		case "date":
			_, err := time.Parse("2006-01-02T15:04:05.000Z", x)
			return err == nil
		case "ip":
			_, err := netip.ParseAddr(x)
			return err == nil
		}
	case float64:
		return kind == "float" || kind == "long" && x == float64(int64(x))
	case bool:
		return kind == "boolean"
	}
	return false
}
