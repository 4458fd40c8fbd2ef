package kibana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/question"
)

var update = flag.Bool("update", false, "write the files anew")

// TestFiles: the files are what the tables give, byte by byte, each time.
func TestFiles(t *testing.T) {
	for name, make := range map[string]func() []byte{"signalbox.ndjson": Objects, "rules.ndjson": Rules} {
		want := make()
		if !bytes.Equal(want, make()) {
			t.Errorf("%s is not the same twice", name)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables give; go test ./mappings/kibana -update writes it anew (%v)", name, err)
		}
	}
}

// TestReferences: every object has its own id and form, and what it refers to
// is there, by the name it is used under.
func TestReferences(t *testing.T) {
	var list []object
	there := map[string]bool{}
	for line := range bytes.Lines(Objects()) {
		var o object
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		if key := o.Type + " " + o.ID; there[key] || o.CoreVersion == "" || o.TypeVersion == "" {
			t.Errorf("%s is there twice or has no version", key)
		} else {
			there[key] = true
		}
		list = append(list, o)
	}
	count := map[string]int{}
	for _, o := range list {
		count[o.Type]++
		whole := text(o.Attributes)
		names := map[string]bool{}
		for _, r := range o.References {
			if !there[r.Type+" "+r.ID] || names[r.Name] {
				t.Errorf("%s %s refers to %s %s, which is not there, or twice as %s", o.Type, o.ID, r.Type, r.ID, r.Name)
			}
			names[r.Name] = true
			used := r.Name
			if _, after, ok := strings.Cut(used, ":"); ok {
				used = after
			}
			used = strings.TrimPrefix(used, "indexpattern-datasource-layer-")
			if used != "optionsListDataView" && !strings.Contains(whole, used) {
				t.Errorf("%s %s does not use its reference %s", o.Type, o.ID, r.Name)
			}
		}
		if o.Type == "dashboard" {
			checkDashboard(t, o, names)
		}
	}
	if count["index-pattern"] != 4 || count["search"] != len(question.All()) || count["dashboard"] != 4 || count["lens"] < 20 {
		t.Errorf("there are %v", count)
	}
}

// checkDashboard: panels lie within the page, do not overlap, and have a
// reference.
func checkDashboard(t *testing.T, o object, names map[string]bool) {
	t.Helper()
	var panels []struct {
		PanelIndex, PanelRefName string
		GridData                 struct{ X, Y, W, H int }
	}
	if err := json.Unmarshal([]byte(o.Attributes["panelsJSON"].(string)), &panels); err != nil {
		t.Fatal(err)
	}
	for i, p := range panels {
		if !names[p.PanelIndex+":"+p.PanelRefName] {
			t.Errorf("%s: panel %s has no reference", o.ID, p.PanelIndex)
		}
		g := p.GridData
		if g.W < 1 || g.H < 1 || g.X+g.W > 48 {
			t.Errorf("%s: panel %s lies at %+v", o.ID, p.PanelIndex, g)
		}
		for _, q := range panels[:i] {
			h := q.GridData
			if g.X < h.X+h.W && h.X < g.X+g.W && g.Y < h.Y+h.H && h.Y < g.Y+g.H {
				t.Errorf("%s: panels %s and %s overlap", o.ID, q.PanelIndex, p.PanelIndex)
			}
		}
	}
	var controls map[string]any
	if err := json.Unmarshal([]byte(o.Attributes["controlGroupInput"].(map[string]any)["panelsJSON"].(string)), &controls); err != nil || len(controls) == 0 {
		t.Errorf("%s: controls are %v, %v", o.ID, controls, err)
	}
	for id := range controls {
		if !names["controlGroup_"+id+":optionsListDataView"] {
			t.Errorf("%s: control %s has no reference", o.ID, id)
		}
	}
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	fieldName = regexp.MustCompile(`@timestamp|[a-z_]+(\.[a-z0-9_]+)+`)
)

// TestFields: every field that is named anywhere is one of the templates.
func TestFields(t *testing.T) {
	named := 0
	check := func(where string, fields ...string) {
		t.Helper()
		for _, f := range fields {
			if named++; !document.Templated(f) {
				t.Errorf("%s names %s, which no template has", where, f)
			}
		}
	}
	inQuery := func(text string) []string { return fieldName.FindAllString(quoted.ReplaceAllString(text, `""`), -1) }
	check("searches", searchColumns...)
	for _, d := range dashboards {
		check(d.id, d.controls...)
		for _, p := range d.panels {
			check(p.id, slices.Concat(p.by, inQuery(p.kql))...)
			for _, f := range p.figures {
				check(p.id, inQuery(f.where)...)
				if f.op != "count" {
					check(p.id, f.field)
				}
			}
		}
	}
	for _, r := range rules {
		check(r.name, slices.Concat(r.fields, r.show, inQuery(r.query), []string{"event.created", "event.sequence"})...)
		if r.distinct != "" {
			check(r.name, r.distinct)
		}
	}
	if named < 150 {
		t.Errorf("fields are named %d times", named)
	}
}

// TestRules: rules have ids and names of their own and what their kind needs.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, r := range rules {
		if seen[r.id] || seen[r.name] || !uuid.MatchString(r.id) || r.version < 1 || len(r.name) > 80 {
			t.Errorf("%s: id %s, version %d", r.name, r.id, r.version)
		}
		seen[r.id], seen[r.name] = true, true
		if r.why == "" || r.triage == "" || r.mistakes == "" || score[r.severity] == 0 || r.tactic.id == "" || len(r.show) == 0 {
			t.Errorf("%s is not described", r.name)
		}
		o := r.object()
		_, threshold := o["threshold"]
		_, fresh := o["new_terms_fields"]
		if threshold != (r.kind == "threshold") || fresh != (r.kind == "new_terms") || (o["language"] == "eql") != strings.Contains(r.query, "maxspan") {
			t.Errorf("%s: kind %s does not fit %v", r.name, r.kind, o)
		}
	}
}
