package app_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

const mapped = `
mappings { dir = "mappings" }
source "file" "edr" {
  path    = "in/*.jsonl"
  follow  = true
  mapping = "acme"
}
`

// acme is a mapping whose alerts are of a severity.
func acme(severity string) string {
	return fmt.Sprintf(`mapping "acme" {
  title  = "Acme"
  vendor = "acme"
  event "alert" {
    body = { alert_id = raw.id, severity = %q }
  }
}
`, severity)
}

// TestMappingMistakes: each is shown where it stands, with its line.
func TestMappingMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		config, text string
		want         string // file:line: summary
	}{
		"folder absent":   {`mappings { dir = "nowhere" }`, "", `config.hcl:28: no folder of mappings`},
		"unknown mapping": {strings.ReplaceAll(mapped, `"acme"`, `"acne"`), acme("high"), `config.hcl:33: unknown mapping "acne"`},
		"broken mapping":  {mapped, acme("hgh"), `acme.hcl:5: severity cannot be "hgh"`},
		"syntax":          {mapped, "mapping \"acme\" {\n  title = \n}\n", `acme.hcl:2: invalid expression`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.configure(c.config)
			if c.text != "" {
				s.write("mappings/acme.hcl", c.text)
			}
			_, err := app.New(app.Options{Config: s.path(), Version: "test"})
			var list diag.List
			if !errors.As(err, &list) {
				t.Fatalf("it was taken: %v", err)
			}
			var got []string
			for _, d := range list {
				if d.Severity == diag.Error {
					got = append(got, fmt.Sprintf("%s:%d: %s", filepath.Base(d.File), d.Range.Line, d.Summary))
				}
				if d.Severity == diag.Error && (d.Detail == "" || d.Snippet == nil) {
					t.Errorf("no advice or place: %+v", d)
				}
			}
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestReloadMappings: a set with a mistake is not taken, and the old one stays.
func TestReloadMappings(t *testing.T) {
	s := newSite(t)
	s.configure(mapped)
	s.write("mappings/acme.hcl", acme("high"))
	if err := os.Mkdir(filepath.Join(s.dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := s.open()
	severity := func() string {
		t.Helper()
		list, err := api.Dial(filepath.Join(s.dir, "data")).Explain(t.Context(), api.ExplainRequest{
			Messages: []api.ExplainMessage{{Source: "edr", Body: `{"id":"1"}`, ContentType: "application/json", Mapping: "acme"}},
		})
		if err != nil || len(list) != 1 || len(list[0].Events) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return string(list[0].Events[0].Body)
	}
	s.write("mappings/acme.hcl", acme("hgh"))
	var list diag.List
	if _, err := a.Reload(t.Context(), "test"); !errors.As(err, &list) {
		t.Errorf("a broken mapping was taken: %v", err)
	}
	if got := severity(); !strings.Contains(got, `"high"`) {
		t.Errorf("after a failed reload: %s", got)
	}
	s.write("mappings/acme.hcl", acme("low"))
	if _, err := a.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if got := severity(); !strings.Contains(got, `"low"`) {
		t.Errorf("after a reload: %s", got)
	}
}
