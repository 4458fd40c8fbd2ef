package backup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/backup"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// product makes a data_dir with keys and an open store of n records.
func product(t *testing.T, n int) (dataDir string, st *store.Embedded) {
	t.Helper()
	dataDir = filepath.Join(t.TempDir(), "data")
	st, err := store.Open(filepath.Join(dataDir, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys, err := jose.OpenKeyStore(filepath.Join(dataDir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Rotate("", time.Minute, time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := store.Update(t.Context(), st, nil, func(tx store.Tx) error {
			tx.Append(store.Record{Data: (&pipeline.Record{Kind: pipeline.OperatorRecord, At: time.Now(), Operator: &pipeline.OperatorPart{Verb: fmt.Sprint(i)}}).AppendJSON(nil)})
			tx.MoveCursor("index/soc", uint64(i+1))
			tx.Enqueue(store.Item{Queue: "app", ID: fmt.Sprint(i), Payload: []byte("x")})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dataDir, st
}

func write(t *testing.T, st *store.Embedded, dataDir, dir string) backup.Manifest {
	t.Helper()
	m, err := backup.Write(t.Context(), backup.Options{Store: st, DataDir: dataDir, Dir: dir, Version: "v1", Node: "n", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func restore(dir, dataDir string) (backup.Manifest, error) {
	return backup.Restore(context.Background(), backup.RestoreOptions{Dir: dir, DataDir: dataDir, By: "ana", StopActions: true, Now: time.Now})
}

func TestBackupAndRestore(t *testing.T) {
	dataDir, st := product(t, 40)
	dir := filepath.Join(t.TempDir(), "deep", "backup")
	phases := map[string]bool{}
	m, err := backup.Write(t.Context(), backup.Options{
		Store: st, DataDir: dataDir, Dir: dir, Version: "v1", Node: "n", Now: time.Now(),
		Progress: func(phase string, _, _ int64) { phases[phase] = true },
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.First != 1 || m.Last != 40 || m.Pending != 40 || m.StoreFormat != store.Format || m.Keys() != 2 || !phases["hashing"] {
		t.Errorf("manifest %+v, phases %v", m, phases)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	to := filepath.Join(t.TempDir(), "elsewhere")
	if _, err := restore(dir, to); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"store", "keys"} {
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if entries, _ := os.ReadDir(to); len(entries) != 2 {
		t.Errorf("left in data_dir: %v", entries)
	}
	keys, err := jose.OpenKeyStore(filepath.Join(to, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if own := keys.Keys(); len(own) != 2 || !own[0].Signs || own[0].Until.IsZero() || own[1].Signs || own[1].From.IsZero() {
		t.Errorf("restored keys %+v: the times of a rotation are forgotten", own)
	}
	back, err := store.Open(filepath.Join(to, "store"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = back.Close() }()
	var verbs []string
	err = back.Journal(t.Context(), 0, func(_ uint64, data []byte) bool {
		var r pipeline.Record
		if err := json.Unmarshal(data, &r); err != nil {
			t.Error(err)
		}
		verbs = append(verbs, r.Operator.Verb)
		return true
	})
	if err != nil || len(verbs) != 43 || verbs[39] != "39" || strings.Join(verbs[40:], " ") != "rebuild-index stop-actions restore" {
		t.Errorf("journal %v, %v", verbs, err)
	}
	line := pipeline.New(pipeline.Options{Store: back})
	if on, err := line.Stopped(t.Context()); !on || err != nil {
		t.Errorf("actions stopped: %v, %v", on, err)
	}
	if lag, err := line.Lag(t.Context(), "soc"); lag != 43 || err != nil {
		t.Errorf("the index has %d records before it, %v", lag, err)
	}
	if n, _ := back.Pending("app"); n != 40 {
		t.Errorf("%d actions wait", n)
	}
}

// TestTargets: nothing is written where something is.
func TestTargets(t *testing.T) {
	dataDir, st := product(t, 1)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dataDir, link); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		full:                           "is not empty",
		filepath.Join(full, "x"):       "choose a folder",
		dataDir:                        "is inside data_dir",
		filepath.Join(dataDir, "a/b"):  "is inside data_dir",
		filepath.Join(link, "a"):       "is inside data_dir",
		filepath.Join(dataDir, "keys"): "is inside data_dir",
	} {
		_, err := backup.Write(t.Context(), backup.Options{Store: st, DataDir: dataDir, Dir: dir, Now: time.Now()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	wide := t.TempDir()
	if err := os.Chmod(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, st, dataDir, wide)
	if info, err := os.Stat(wide); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("an empty folder of others: %v, %v", info.Mode(), err)
	}

	_, err := restore(wide, dataDir)
	if err == nil || !strings.Contains(err.Error(), "holds a store already") {
		t.Errorf("over a store: %v", err)
	}
	other := filepath.Join(t.TempDir(), "data")
	if _, err := jose.OpenKeyStore(filepath.Join(other, "keys")); err != nil {
		t.Fatal(err)
	}
	if _, err = restore(wide, other); err == nil || !strings.Contains(err.Error(), "a signing key that is not in the backup") {
		t.Errorf("over another key: %v", err)
	}
	if _, err := os.Stat(filepath.Join(other, "store")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused restore left a store: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(other, "keys")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(other, "keys"), os.DirFS(filepath.Join(wide, "keys"))); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(wide, other); err != nil {
		t.Errorf("beside the same keys: %v", err)
	}
}

// TestWriteFails leaves nothing behind.
func TestWriteFails(t *testing.T) {
	dataDir, st := product(t, 1)
	dir := filepath.Join(t.TempDir(), "backup")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Write(ctx, backup.Options{Store: st, DataDir: dataDir, Dir: dir, Now: time.Now()}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	write(t, st, dataDir, dir)
}

// TestTampered: whatever was changed in a backup is found before anything is
// written.
func TestTampered(t *testing.T) {
	dataDir, st := product(t, 5)
	origin := filepath.Join(t.TempDir(), "backup")
	m := write(t, st, dataDir, origin)
	edit := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, "manifest.json")
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("no %q in the manifest, %v", old, err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var log string
	for _, f := range m.Files {
		if strings.HasSuffix(f.Path, ".log") {
			log = f.Path
		}
	}
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"no manifest":    {func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "manifest.json")) }, "not finished"},
		"newer backup":   {edit(`"format": 2`, `"format": 3`), "backup format 3, this one knows 2"},
		"newer store":    {edit(`"store_format": 1`, `"store_format": 7`), "store format 7, this one knows 1"},
		"no format":      {edit(`"format": 2`, `"format": 0`), "no format"},
		"no JSON":        {edit(`{`, `[`), "not the manifest"},
		"path outside":   {edit(`"store/MANIFEST`, `"store/../MANIFEST`), "not a file of a backup"},
		"other folder":   {edit(`"store/MANIFEST`, `"etc/MANIFEST`), "not a file of a backup"},
		"changed file":   {func(_ *testing.T, dir string) { _ = os.WriteFile(filepath.Join(dir, log), []byte("x"), 0o600) }, "SHA-256 differs"},
		"missing file":   {func(_ *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, log)) }, "is missing"},
		"further file":   {func(_ *testing.T, dir string) { _ = os.WriteFile(filepath.Join(dir, "store/9.log"), nil, 0o600) }, "does not name"},
		"link":           {func(_ *testing.T, dir string) { _ = os.Symlink("/etc/passwd", filepath.Join(dir, "keys/x.pem")) }, "not a regular file"},
		"foreign folder": {func(_ *testing.T, dir string) { _ = os.RemoveAll(dir); _ = os.Mkdir(dir, 0o700) }, "is no backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(origin)); err != nil {
				t.Fatal(err)
			}
			test.change(t, dir)
			to := filepath.Join(t.TempDir(), "data")
			_, err := restore(dir, to)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was written: %v", err)
			}
		})
	}
}

// TestStreams: what sources remember of their streams is in the backup, and comes
// back where nothing younger is; a backup without any is good, too.
func TestStreams(t *testing.T) {
	dataDir, st := product(t, 3)
	none := filepath.Join(t.TempDir(), "none")
	if m := write(t, st, dataDir, none); m.Streams() != 0 {
		t.Errorf("streams of nobody: %+v", m.Files)
	}
	put := func(dataDir, name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dataDir, "streams"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dataDir, "streams", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(dataDir, "idp.json", `{"stream":"s-1"}`)
	put(dataDir, "feed.json", `{"stream":"s-2"}`)
	put(dataDir, ".idp.json-123", `{"str`)
	dir := filepath.Join(t.TempDir(), "backup")
	if m := write(t, st, dataDir, dir); m.Streams() != 2 || m.Keys() != 2 {
		t.Errorf("%d streams, %d keys in %+v", m.Streams(), m.Keys(), m.Files)
	}
	to := filepath.Join(t.TempDir(), "elsewhere")
	put(to, "feed.json", `{"stream":"s-3"}`)
	if _, err := restore(dir, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"idp.json": `{"stream":"s-1"}`, "feed.json": `{"stream":"s-3"}`} {
		path := filepath.Join(to, "streams", name)
		text, err := os.ReadFile(path)
		if err != nil || string(text) != want {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(to, "streams")); len(entries) != 2 {
		t.Errorf("restored %v", entries)
	}
	manifest := filepath.Join(none, "manifest.json")
	text, err := os.ReadFile(manifest)
	if err == nil { // as an earlier version wrote it
		err = os.WriteFile(manifest, []byte(strings.Replace(string(text), `"format": 2`, `"format": 1`, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	to = filepath.Join(t.TempDir(), "again")
	if m, err := restore(none, to); err != nil || m.Format != 1 {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to, "streams")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder for nothing: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "streams", "more.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Check(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "does not name") {
		t.Errorf("a further file: %v", err)
	}
}
