package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestShare: one issuer alone may use up the limit; of several that may cause
// actions each has half of it, and at least one action.
func TestShare(t *testing.T) {
	some, none := pipeline.Remit{Actions: []string{"*"}}, pipeline.Remit{Events: []string{"*"}}
	for _, c := range []struct {
		actions int
		remits  map[string]pipeline.Remit
		want    int
	}{
		{600, nil, 0},
		{600, map[string]pipeline.Remit{"a": some}, 0},
		{600, map[string]pipeline.Remit{"a": some, "b": none}, 0},
		{600, map[string]pipeline.Remit{"a": some, "b": some}, 300},
		{601, map[string]pipeline.Remit{"a": some, "b": some, "c": some, "d": none}, 301},
		{1, map[string]pipeline.Remit{"a": some, "b": some}, 1},
	} {
		if got := share(pipeline.Limit{Actions: c.actions, Per: time.Minute}, c.remits); got != c.want {
			t.Errorf("of %d actions and %d remits: %d, want %d", c.actions, len(c.remits), got, c.want)
		}
	}
}

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
