package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// Check reads the manifest of a backup and compares every file with it.
func Check(ctx context.Context, dir string, progress Progress) (Manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return m, err
	}
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	there, _, err := list(dir)
	if err != nil {
		return m, fmt.Errorf("read backup: %w", err)
	}
	wanted := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		wanted[f.Path] = true
	}
	for _, f := range there {
		if !wanted[f.Path] {
			return m, fmt.Errorf("the backup %s holds %s, which its manifest does not name: it was changed after it was made", dir, f.Path)
		}
	}
	total, done := m.Bytes(), int64(0)
	for _, f := range m.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		sum, err := hashFile(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			return m, fmt.Errorf("the backup %s is not whole: %s is missing", dir, f.Path)
		}
		if err != nil {
			return m, fmt.Errorf("read backup: %w", err)
		}
		if sum != f.SHA256 {
			return m, changed(dir, f)
		}
		done += f.Size
		progress(comparing, done, total)
	}
	return m, nil
}

func changed(dir string, f File) error {
	return fmt.Errorf("the backup %s is damaged: %s is not what was backed up (SHA-256 differs); use another backup", dir, f.Path)
}

// RestoreOptions says what is restored and to where.
type RestoreOptions struct {
	Dir         string // the backup
	DataDir     string
	By          string // who does it, for the audit record
	StopActions bool   // nothing leaves until somebody resumes actions
	Now         func() time.Time
	Progress    Progress // nil: nobody watches
}

// Restore brings a backup back into a data_dir that has no store. Everything
// is compared with the manifest before anything is written. Indexes start over
// from the first record of the journal, in which the restore is noted. The
// product must not run.
func Restore(ctx context.Context, o RestoreOptions) (_ Manifest, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if err := free(o.DataDir); err != nil {
		return Manifest{}, err
	}
	m, err := Check(ctx, o.Dir, o.Progress)
	if err != nil {
		return m, err
	}
	keepKeys, err := sameKeys(filepath.Join(o.DataDir, keysFolder), &m)
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return m, fmt.Errorf("make data_dir: %w", err)
	}
	// It is put together beside its place and then moved there whole, the store
	// last: a start finds all of it or nothing.
	work, err := os.MkdirTemp(o.DataDir, "restore-")
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := fetch(ctx, o, &m, work); err != nil {
		return m, err
	}
	if err := awaken(ctx, o, &m, filepath.Join(work, storeFolder)); err != nil {
		return m, err
	}
	if !keepKeys {
		if err := move(work, o.DataDir, keysFolder); err != nil {
			return m, err
		}
	}
	if err := moveStreams(filepath.Join(work, streamsFolder), filepath.Join(o.DataDir, streamsFolder)); err != nil {
		return m, err
	}
	if err := move(work, o.DataDir, storeFolder); err != nil {
		return m, err
	}
	return m, syncDir(o.DataDir)
}

// free refuses a data_dir that has a store.
func free(dataDir string) error {
	entries, err := os.ReadDir(filepath.Join(dataDir, storeFolder))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("data_dir: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("%s holds a store already: move %s away, or name an empty data_dir in the configuration",
			dataDir, filepath.Join(dataDir, storeFolder))
	}
	return nil
}

// sameKeys reports whether the keys of the backup lie in the folder already. It
// refuses a folder with other keys: what they signed could not be verified any
// more.
func sameKeys(dir string, m *Manifest) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("data_dir: %w", err)
	}
	there := 0
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".pem" {
			continue
		}
		there++
		sum, err := hashFile(context.Background(), filepath.Join(dir, e.Name()))
		if err != nil {
			return false, fmt.Errorf("data_dir: %w", err)
		}
		known := false
		for _, f := range m.Files {
			known = known || f.Path == keysFolder+"/"+e.Name() && f.SHA256 == sum
		}
		if !known {
			return false, fmt.Errorf("%s holds a signing key that is not in the backup, %s: move the folder away", dir, e.Name())
		}
	}
	return there == m.Keys() && there > 0, nil
}

// fetch copies the files of a backup and compares them once more on the way.
func fetch(ctx context.Context, o RestoreOptions, m *Manifest, to string) error {
	for _, folder := range folders {
		if err := os.Mkdir(filepath.Join(to, folder), 0o700); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	total, done := m.Bytes(), int64(0)
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		sum, err := copyFile(filepath.Join(o.Dir, filepath.FromSlash(f.Path)), filepath.Join(to, filepath.FromSlash(f.Path)))
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		if sum != f.SHA256 {
			return changed(o.Dir, f)
		}
		done += f.Size
		o.Progress(copying, done, total)
	}
	for _, folder := range folders {
		if err := syncDir(filepath.Join(to, folder)); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// awaken opens the restored store, makes every index start over and notes the
// restore in the journal.
func awaken(ctx context.Context, o RestoreOptions, m *Manifest, dir string) (err error) {
	st, err := store.Open(dir, store.Options{Now: o.Now})
	if err != nil {
		return fmt.Errorf("open what was restored: %w", err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	line := pipeline.New(pipeline.Options{Store: st, Now: o.Now, Node: m.Node})
	for name := range st.Cursors() {
		if index, ok := strings.CutPrefix(name, "index/"); ok {
			if err := line.Rebuild(ctx, index, o.By); err != nil {
				return err
			}
		}
	}
	if o.StopActions {
		if err := line.StopActions(ctx, o.By, "restored from a backup"); err != nil {
			return err
		}
	}
	return line.Note(ctx, pipeline.OperatorPart{
		Verb: "restore", By: o.By,
		Detail: fmt.Sprintf("backup of %s with the journal up to %d", m.Made.Format(time.RFC3339), m.Last),
	})
}

// moveStreams puts what sources remember into its place. What is there already is
// younger, and stays.
func moveStreams(work, to string) error {
	entries, err := os.ReadDir(work)
	if err != nil || len(entries) == 0 {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(to, e.Name())); err == nil {
			continue
		}
		if err := os.Rename(filepath.Join(work, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return syncDir(to)
}

// move puts a folder in its place, where nothing or an empty one is.
func move(work, dataDir, folder string) error {
	to := filepath.Join(dataDir, folder)
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore: %s is in the way: %w", to, err)
	}
	if err := os.Rename(filepath.Join(work, folder), to); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}
