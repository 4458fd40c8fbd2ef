package document

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// generated are the files made from the schema, by their path from here.
func generated() map[string][]byte {
	files := map[string][]byte{"../../docs/fields.md": Reference()}
	for _, t := range Templates(TemplateOptions{}) {
		kind := "component_template"
		if t.Index {
			kind = "index_template"
		}
		files["../../mappings/elasticsearch/"+kind+"/"+t.Name+".json"] = t.JSON
	}
	return files
}

// TestGenerated holds the files made from the schema to it, and writes them
// with -update.
func TestGenerated(t *testing.T) {
	files := generated()
	for path, want := range files {
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v; run go test ./pipeline/document -update", err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the schema gives; run go test ./pipeline/document -update\n%s", path, difference(string(want), string(got)))
		}
	}
	for _, kind := range []string{"component_template", "index_template"} {
		found, _ := filepath.Glob("../../mappings/elasticsearch/" + kind + "/*")
		for _, path := range found {
			if _, ok := files[path]; !ok {
				t.Errorf("%s is not made from the schema any more", path)
			}
		}
	}
}

// TestTemplatesFit holds every document of the corpus to the composed mapping
// of its stream: nothing undeclared, everything of a form the type takes.
func TestTemplatesFit(t *testing.T) {
	components := map[string]map[string]any{}
	composed := map[string]map[string]any{}
	for _, tpl := range Templates(TemplateOptions{}) {
		var v struct {
			Template struct {
				Mappings struct {
					Dynamic    *bool          `json:"dynamic"`
					Properties map[string]any `json:"properties"`
				}
			}
			Patterns []string `json:"index_patterns"`
			Composed []string `json:"composed_of"`
			Missing  []string `json:"ignore_missing_component_templates"`
			Priority int      `json:"priority"`
		}
		if err := json.Unmarshal(tpl.JSON, &v); err != nil {
			t.Fatal(err)
		}
		if !tpl.Index {
			components[tpl.Name] = v.Template.Mappings.Properties
			if strings.HasPrefix(tpl.Name, "ssf@mappings") && (v.Template.Mappings.Dynamic == nil || *v.Template.Mappings.Dynamic) {
				t.Errorf("%s lets documents make fields", tpl.Name)
			}
			continue
		}
		all := map[string]any{}
		for _, name := range v.Composed {
			c, ok := components[name]
			if !ok && !slices.Contains(v.Missing, name) {
				t.Errorf("%s needs %s, which is not there", tpl.Name, name)
			}
			for path, m := range mapped("", c) {
				all[path] = m["type"]
			}
		}
		composed[strings.TrimPrefix(tpl.Name, "logs-")] = all
		if v.Patterns[0] != tpl.Name+"-*" || v.Priority <= 200 {
			t.Errorf("%s has pattern %v and priority %d", tpl.Name, v.Patterns, v.Priority)
		}
	}
	if len(composed) != len(streamNames) {
		t.Errorf("%d index templates for %d streams", len(composed), len(streamNames))
	}
	for name, r := range records() {
		docs, err := Renderer{Original: true}.Render(7, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			var doc map[string]any
			if err := json.Unmarshal(d.JSON, &doc); err != nil {
				t.Fatal(err)
			}
			leaves("", doc, func(path string, _ any) {
				f, _ := Lookup(path)
				want := string(f.Type)
				switch f.Type {
				case Stored:
					want = "keyword"
				case Text:
					want = "match_only_text"
				}
				if got := composed[d.Stream][path]; got != want {
					t.Errorf("%s: the template of %s maps %s as %v, want %s", name, d.Stream, path, got, want)
				}
			})
		}
	}
	for _, f := range Fields() {
		for _, stream := range f.Streams.Names() {
			if composed[stream][f.Name] == nil {
				t.Errorf("the template of %s lacks %s", stream, f.Name)
			}
		}
	}
}

// mapped lists the mappings of leaves by their path.
func mapped(prefix string, properties map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for name, v := range properties {
		m := v.(map[string]any)
		if inner, ok := m["properties"].(map[string]any); ok {
			for path, leaf := range mapped(prefix+name+".", inner) {
				out[path] = leaf
			}
			continue
		}
		out[prefix+name] = m
	}
	return out
}

func TestTemplateOptions(t *testing.T) {
	o := TemplateOptions{Lifecycle: map[string]string{SetStream: "long"}, FinalPipeline: "last", Lacks: Substituted()}
	var text []byte
	for _, tpl := range Templates(o) {
		text = append(text, tpl.JSON...)
	}
	for _, want := range []string{`"name": "long"`, `"final_pipeline": "last"`, `"type": "text"`, `"path": "event.dataset"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("templates lack %s", want)
		}
	}
	for _, lacking := range Substituted() {
		if bytes.Contains(text, []byte(strconv.Quote(lacking))) {
			t.Errorf("%s was not replaced", lacking)
		}
	}
	if p := Templates(o)[0].Path(); p != "_component_template/ssf@settings" {
		t.Errorf("path is %s", p)
	}
}

// TestExamples: the example of a field is a value of its type.
func TestExamples(t *testing.T) {
	for _, f := range append(Fields(), ClusterFields()...) {
		var err error
		switch f.Type {
		case Date:
			_, err = time.Parse(timeForm, f.Example)
		case Long:
			_, err = strconv.ParseInt(f.Example, 10, 64)
		case Float:
			_, err = strconv.ParseFloat(f.Example, 64)
		case Boolean:
			_, err = strconv.ParseBool(f.Example)
		case IP:
			_, err = netip.ParseAddr(f.Example)
		case Flattened:
			err = json.Unmarshal([]byte(f.Example), &map[string]any{})
		}
		if err != nil || f.Example == "" || strings.ContainsAny(f.Example, "|\n`") || strings.ContainsAny(f.Doc, "|\n") {
			t.Errorf("%s of type %s has the example %q: %v", f.Name, f.Type, f.Example, err)
		}
	}
}
