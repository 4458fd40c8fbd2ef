package policies_test

import (
	"flag"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/policies"
)

var update = flag.Bool("update", false, "write the golden files")

// TestProblems loads broken sets and compares every problem found, with its
// place and advice, with the archive's want file.
func TestProblems(t *testing.T) {
	archives, err := filepath.Glob("testdata/problems/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, want := fstest.MapFS{}, ""
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			set, problems := policies.Load(files, policies.Options{Bare: true, ActionTypes: policies.ShippedActionTypes})
			if set != nil {
				t.Error("a set with errors was returned")
			}
			got := lines(problems)
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func lines(problems []policies.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// only is a set of a single rule.
func only(t *testing.T, name, text string, o policies.Options) *policies.Set {
	t.Helper()
	o.Bare = true
	set, problems := policies.Load(fstest.MapFS{"signals/" + name + ".rego": {Data: []byte(text)}}, o)
	if set == nil {
		t.Fatalf("the rule does not load:\n%s", lines(problems))
	}
	return set
}

func TestOverrides(t *testing.T) {
	limit := pipeline.Limit{Actions: 3, Per: time.Minute}
	for _, c := range []struct {
		name string
		rule string
		o    policies.RuleOptions
		want string
	}{
		{"lower", "threat_alert", policies.RuleOptions{Mode: pipeline.Shadow, Limit: &limit}, ""},
		{"disable", "threat_alert", policies.RuleOptions{Disabled: true}, ""},
		{"misspelt", "threat_alrt", policies.RuleOptions{}, `error: there is no rule "threat_alrt" (did you mean "threat_alert"?)`},
		{"unknown mode", "threat_alert", policies.RuleOptions{Mode: "shadw"}, `error: unknown mode "shadw" (did you mean "shadow"?)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, problems := policies.Load(nil, policies.Options{Rules: map[string]policies.RuleOptions{c.rule: c.o}})
			if got := strings.TrimSpace(lines(problems)); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if c.want != "" {
				if problems[0].Rule != c.rule {
					t.Errorf("the problem names rule %q", problems[0].Rule)
				}
				return
			}
			i := slices.IndexFunc(set.Rules(), func(r policies.RuleInfo) bool { return r.Name == c.rule })
			info := set.Rules()[i]
			if info.Disabled != c.o.Disabled || c.o.Mode != "" && (info.Mode != c.o.Mode || info.Limit != limit) {
				t.Errorf("not applied: %+v", info)
			}
			if selected := set.Select(eventOf(t, "credential-compromise")).Rules; c.o.Disabled == slices.Contains(selected, c.rule) {
				t.Errorf("selected: %v", selected)
			}
		})
	}
	t.Run("raise", func(t *testing.T) {
		set, problems := policies.Load(fstest.MapFS{"signals/quiet.rego": {Data: []byte(quiet)}}, policies.Options{
			Rules: map[string]policies.RuleOptions{"quiet": {Mode: pipeline.Enforce}},
		})
		want := `error: rule "quiet" is in mode shadow and cannot be raised to enforce (configuration can lower a mode; to raise it change mode in policies/signals/quiet.rego)`
		if got := strings.TrimSpace(lines(problems)); set != nil || got != want {
			t.Errorf("got %q", got)
		}
	})
}

// quiet is a rule that says nothing of its mode, which is shadow then.
const quiet = `# METADATA
# title: Quiet
# custom:
#   on: [verification]
#   needs: []
package signals.quiet

notes contains "seen" if input.event.type == "verification"
`

// TestOverlay puts a user's rule in place of the shipped one of its name, with
// its tests.
func TestOverlay(t *testing.T) {
	mine := strings.Replace(quiet, "signals.quiet", "signals.threat_alert", 1)
	files := fstest.MapFS{"signals/threat_alert.rego": {Data: []byte(mine)}, "README.md": {}, "schema/input.schema.json": {Data: []byte("{")}}
	set, problems := policies.Load(files, policies.Options{Root: "etc/policies"})
	if set == nil || len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	var names []string
	for _, r := range set.Rules() {
		names = append(names, r.Name+" "+r.File)
	}
	want := []string{
		"compromised_account shipped/signals/compromised_account.rego",
		"device_compliance shipped/signals/device_compliance.rego",
		"device_loss shipped/signals/device_loss.rego",
		"leaked_credentials shipped/signals/leaked_credentials.rego",
		"session_hijack shipped/signals/session_hijack.rego",
		"session_inventory shipped/signals/session_inventory.rego",
		"threat_alert etc/policies/signals/threat_alert.rego",
		"unplanned_leaver shipped/signals/unplanned_leaver.rego",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	report, err := policies.Test(t.Context(), files, policies.Options{}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range report.Tests {
		if strings.Contains(test.Name, "threat_alert") {
			t.Errorf("a test of the rule that was replaced: %s", test.Name)
		}
	}
	if set.Sources()["etc/policies/signals/threat_alert.rego"] != mine {
		t.Error("the source is not kept")
	}
}

// TestRevision: the same texts under the same options have one revision,
// wherever they are, and other texts or options another.
func TestRevision(t *testing.T) {
	revision := func(text string, o policies.Options) string { return only(t, "quiet", text, o).Revision() }
	base := revision(quiet, policies.Options{})
	if again := revision(quiet, policies.Options{Root: "elsewhere"}); again != base {
		t.Errorf("%s and %s", base, again)
	}
	if other := revision(quiet+"\n", policies.Options{}); other == base {
		t.Error("another text has the same revision")
	}
	limit := pipeline.Limit{Actions: 1, Per: time.Second}
	if other := revision(quiet, policies.Options{Rules: map[string]policies.RuleOptions{"quiet": {Limit: &limit}}}); other == base {
		t.Error("other options have the same revision")
	}
}

// TestUnreadable: what cannot be read is a problem, not a panic.
func TestUnreadable(t *testing.T) {
	set, problems := policies.Load(os.DirFS(filepath.Join(t.TempDir(), "nowhere")), policies.Options{})
	if set != nil || len(problems) != 1 || !strings.HasPrefix(problems[0].Summary, "cannot read the policies") {
		t.Errorf("got %s", lines(problems))
	}
}

// TestSources: the texts a set gives away make the same set again.
func TestSources(t *testing.T) {
	set, problems := policies.Load(fstest.MapFS{"signals/quiet.rego": {Data: []byte(quiet)}, "lists/hosts.json": {Data: []byte(`{"a": {}}`)}}, policies.Options{})
	if set == nil {
		t.Fatal(lines(problems))
	}
	files := fstest.MapFS{}
	for name, text := range set.Sources() {
		dir, base := path.Split(name)
		files[path.Join(path.Base(dir), base)] = &fstest.MapFile{Data: []byte(text)}
	}
	again, problems := policies.Load(files, policies.Options{Bare: true})
	if again == nil {
		t.Fatal(lines(problems))
	}
	if again.Revision() != set.Revision() {
		t.Errorf("revision %s became %s", set.Revision(), again.Revision())
	}
}
