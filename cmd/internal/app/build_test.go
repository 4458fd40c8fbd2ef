package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWarningsAreLines: each warning of a configuration is one line of the log
// that says all of it.
func TestWarningsAreLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.hcl")
	const text = `source "file" "in" {
  path    = "in.jsonl"
  mapping = "crowdstrike"
}
sink "file" "out" { path = "out.jsonl" }
action "raise-risk" { merge = "1m" }
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if _, err := load(Options{Config: path, Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || strings.Contains(log.String(), `\n`) {
		t.Fatalf("log is\n%s", log.String())
	}
	for i, want := range []string{
		`problem="6 actions go to no sink" detail="They are recorded and not sent, though rules ask for them: credential-compromise for device_loss; `,
		`problem="action \"raise-risk\" goes to no sink" detail="It is recorded and not sent, though rules ask for it: threat_alert. signalbox check shows how to send."`,
	} {
		if !strings.Contains(lines[i], "level=WARN msg=configuration at="+path) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %s", i+1, lines[i])
		}
	}
}
