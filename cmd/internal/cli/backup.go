package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
	"github.com/signalbox-dev/signalbox/cmd/internal/config"
	"github.com/signalbox-dev/signalbox/pipeline"
)

const backupHelp = `
The folder is made, or must be empty. It gets the store as it is at one moment,
the signing keys and which streams sources have at transmitters, every file is read once to know that it is whole, and the
manifest, which completes it, comes last. Intake and deliveries go on meanwhile.

The signing keys are in it: whoever has the folder can sign as this product. Its
mode is 0700. On the disk of data_dir tables are linked and take no room at
first; only a copy on another disk survives the loss of this one.

`

// runBackup makes a backup of the running product.
func runBackup(ctx context.Context, c *call) error {
	path := c.configFlag()
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("say which folder the backup goes to")
	}
	dir, err := filepath.Abs(rest[0])
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, *path)
	if err != nil {
		return err
	}
	p := progressFor(c.Err)
	m, err := client.Backup(ctx, api.BackupRequest{Dir: dir, By: c.operator()}, p.tell)
	p.end()
	if err != nil {
		return c.explainFailure(err, *path, "")
	}
	if *format == "json" {
		return writeJSON(c.Out, m)
	}
	fmt.Fprintf(c.Out, "Backup to %s is complete: %s, %s in %d files.\n", plain(dir), journalRange(&m), pipeline.Bytes(m.Bytes()), len(m.Files)+1)
	fmt.Fprintf(c.Out, "It holds %s, with which anybody can sign as this product. Its mode is 0700: keep it so wherever it goes.\n", count(m.Keys(), "signing key"))
	fmt.Fprintf(c.Out, "Copy it to another disk or machine. Bring it back with: signalbox restore --config %s %s\n", *path, plain(rest[0]))
	return nil
}

func journalRange(m *backup.Manifest) string {
	if m.Last == 0 {
		return "an empty journal"
	}
	return fmt.Sprintf("journal %d to %d (%s)", m.First, m.Last, m.LastAt.Format(time.RFC3339))
}

// count is "1 thing" or "n things".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

const restoreHelp = `
The product must not run, and its data_dir must hold no store. Every file is
compared with the manifest before anything is written.

`

// runRestore brings a backup back, by files alone.
func runRestore(ctx context.Context, c *call) error {
	path := c.configFlag()
	check := c.flags.Bool("check", false, "compare the backup with its manifest and write nothing")
	hold := c.flags.Bool("stop-actions", false, "let nothing leave until signalbox stop-actions --resume")
	format := c.formatFlag("text", "json")
	rest, err := c.parse()
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("say which folder holds the backup")
	}
	syscall.Umask(0o077)
	p := progressFor(c.Err)
	if *check {
		m, err := backup.Check(ctx, rest[0], p.tell)
		p.end()
		if err != nil {
			return err
		}
		if *format == "json" {
			return writeJSON(c.Out, m)
		}
		fmt.Fprintf(c.Out, "The backup of %s is whole: %s, store format %d, %s, made by signalbox %s.\n",
			m.Made.Format(time.RFC3339), journalRange(&m), m.StoreFormat, count(m.Keys(), "signing key"), plain(m.Version))
		return nil
	}
	cfg, list := config.Load(*path, c.Env)
	if list.HasErrors() {
		return c.refused(list)
	}
	if _, err := api.Dial(cfg.DataDir).Status(ctx); !errors.Is(err, api.ErrNotRunning) {
		return fmt.Errorf("signalbox is running with data_dir %s: stop it, and move its store away", cfg.DataDir)
	}
	m, err := backup.Restore(ctx, backup.RestoreOptions{
		Dir: rest[0], DataDir: cfg.DataDir, By: c.operator(), StopActions: *hold, Now: time.Now, Progress: p.tell,
	})
	p.end()
	if err != nil {
		return err
	}
	if *format == "json" {
		return writeJSON(c.Out, m)
	}
	fmt.Fprintf(c.Out, `Restored the backup of %s into %s: %s, %s.

What that means for delivery:
- Tokens taken after the backup are not known. A transmitter that offers them
  again has them decided anew, under the same ids; others are lost.
- %s
- Indexes take everything from the journal again, by itself.

`, m.Made.Format(time.RFC3339), cfg.DataDir, journalRange(&m), count(m.Keys(), "signing key"), waiting(m.Pending))
	if *hold {
		fmt.Fprintf(c.Out, "Actions are stopped. Start it, look, and let them go out:\n  signalbox run --config %[1]s\n  signalbox store status --config %[1]s\n  signalbox stop-actions --resume --config %[1]s\n", *path)
		return nil
	}
	fmt.Fprintf(c.Out, "Start it and watch the indexes catch up:\n  signalbox run --config %[1]s\n  signalbox store status --config %[1]s\n", *path)
	return nil
}

// waiting says what becomes of the actions that waited.
func waiting(n int) string {
	if n == 0 {
		return "No action waited for a receiver."
	}
	return count(n, "action") + ` waited for a receiver. What was acknowledged since goes out again
  under the same jti: a receiver that remembers jti takes it once. What has
  expired is not sent.`
}

// progress shows on a terminal how far something is, on one line.
type progress struct {
	w     io.Writer // nil: nobody looks
	shown time.Time
	width int
}

func progressFor(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{w: w}
	}
	return &progress{}
}

func (p *progress) tell(phase string, done, total int64) {
	if p.w == nil || time.Since(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = time.Now()
	line := phase
	switch {
	case total > 0:
		line = fmt.Sprintf("%s: %d %% of %s", phase, 100*done/total, pipeline.Bytes(total))
	case done > 0:
		line = fmt.Sprintf("%s: %s", phase, pipeline.Bytes(done))
	}
	fmt.Fprintf(p.w, "\r%-*s", p.width, line)
	p.width = len(line)
}

func (p *progress) end() {
	if p.w != nil && p.width > 0 {
		fmt.Fprintf(p.w, "\r%-*s\r", p.width, "")
	}
}
