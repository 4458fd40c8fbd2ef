package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRules looks at the rules of the program, of a folder and of a
// configuration that changes them.
func TestRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	run := func(args ...string) string {
		t.Helper()
		code, out, errs := command(t, append([]string{"rules"}, args...)...)
		if code != 0 {
			t.Fatalf("exit %d\n%s", code, errs)
		}
		return out
	}
	none := filepath.Join(dir, "none.hcl")
	shows(t, run("list", "--config", none), `^name +mode +severity +on +actions +title$`, `^session_hijack +enforce +high +.*session-presented.*revoke-session.*Session hijack$`)

	own := `# METADATA
# title: Signals of feeds
# description: For the test.
# custom:
#   on: [feed-health]
#   needs: []
#   mode: shadow
#   severity: low
package signals.feeds

notes contains "blind" if input.event.body.status == "blind"
`
	write("own/signals/feeds.rego", own)
	shows(t, run("list", "--config", none, "--dir", filepath.Join(dir, "own")), `^feeds +shadow +low +feed-health +Signals of feeds$`, `^session_hijack `)
	if got := run("show", "feeds", "--config", none, "--dir", filepath.Join(dir, "own")); got != own {
		t.Errorf("the text of a rule:\n%s", got)
	}

	config := write("config.hcl", `
policies {
  dir = "own"
  rule "session_hijack" { mode = "shadow" }
  rule "threat_alert" { enabled = false }
}
`)
	shows(t, run("list", "--config", config), `^feeds +shadow`, `^session_hijack +shadow`, `^threat_alert +off`)
	shows(t, run("list", "--config", config, "--format", "json"), `"name": "feeds"`, `"disabled": true`)

	code, _, errs := command(t, "rules", "show", "session_hijak", "--config", none)
	if code != 1 || !strings.Contains(errs, `there is no rule "session_hijak". Did you mean "session_hijack"?`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs = command(t, "rules"); code != 2 {
		t.Errorf("exit %d: %s", code, errs)
	}
}
