// Package backup writes what a product cannot get back from anywhere else, its
// store, its signing keys and what its sources remember of their streams, into a
// folder, and brings it back from there.
//
// A backup is taken while the product runs and is the store as it was at one
// moment. It is complete when its manifest is there: that is written last and
// holds the size and the SHA-256 of every file. Indexes are not in it: they are
// views of the journal and taken from it again.
//
// The folder holds private keys. It is made with mode 0700 and its files with
// 0600; where it goes afterwards is the operator's care.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// The folders of data_dir that a backup holds, under the same names. Not every
// product has streams, and a backup of format 1 has none.
const (
	storeFolder   = "store"
	keysFolder    = "keys"
	streamsFolder = "streams" // what sources "ssf" remember of their streams at transmitters
)

var folders = []string{keysFolder, storeFolder, streamsFolder}

// lockFile is what the store's engine keeps others out with; it is of no
// process but the one that made it.
const lockFile = "LOCK"

// Progress is told how far a phase is; total is 0 where it is not known.
type Progress func(phase string, done, total int64)

// The phases, for people.
const (
	copying   = "copying"
	reading   = "reading everything once"
	hashing   = "hashing"
	comparing = "comparing"
)

// Options says what is backed up and to where.
type Options struct {
	Store    *store.Embedded // open and in use
	DataDir  string
	Dir      string // made if it is not there, else empty; absolute
	Version  string // of the product
	Node     string
	Now      time.Time
	Progress Progress // nil: nobody watches
}

// Write makes a backup. On an error what was written is removed again.
func Write(ctx context.Context, o Options) (_ Manifest, err error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if err := prepare(o.Dir, o.DataDir); err != nil {
		return Manifest{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clear(o.Dir))
		}
	}()
	m := Manifest{Format: manifestFormat, Version: o.Version, Node: o.Node, Made: o.Now.UTC().Truncate(time.Second)}
	o.Progress(copying, 0, 0)
	// The keys come second: whatever the store says was signed, its key is there.
	if err := o.Store.Checkpoint(filepath.Join(o.Dir, storeFolder)); err != nil {
		return m, err
	}
	if err := copyKeys(filepath.Join(o.DataDir, keysFolder), filepath.Join(o.Dir, keysFolder)); err != nil {
		return m, err
	}
	if err := copyStreams(filepath.Join(o.DataDir, streamsFolder), filepath.Join(o.Dir, streamsFolder)); err != nil {
		return m, err
	}
	if err := m.inspect(ctx, filepath.Join(o.Dir, storeFolder), o.Progress); err != nil {
		return m, err
	}
	if err := ownersOnly(o.Dir); err != nil {
		return m, err
	}
	if m.Files, err = hashAll(ctx, o.Dir, o.Progress); err != nil {
		return m, err
	}
	return m, m.write(o.Dir)
}

// prepare makes the target folder, or refuses one that holds something.
func prepare(dir, dataDir string) error {
	inside, err := within(dir, dataDir)
	if err != nil {
		return err
	}
	if inside {
		return fmt.Errorf("%s is inside data_dir; a backup must not be lost with it: choose another folder, best on another disk", dir)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make backup folder: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("%w: choose a folder that does not exist or is empty", err)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: choose a folder that does not exist or is empty, one for each backup", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("the backup holds signing keys and its folder must be its owner's alone: %w", err)
	}
	return nil
}

// within reports whether dir is dataDir or under it, whatever links lead there.
func within(dir, dataDir string) (bool, error) {
	base, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return false, fmt.Errorf("data_dir: %w", err)
	}
	if base, err = filepath.Abs(base); err != nil {
		return false, err
	}
	// The part of dir that exists decides.
	rest := ""
	for real, err := filepath.EvalSymlinks(dir); ; real, err = filepath.EvalSymlinks(dir) {
		if err == nil {
			rel, err := filepath.Rel(base, filepath.Join(real, rest))
			return err == nil && filepath.IsLocal(rel), nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			return false, fmt.Errorf("backup folder: %w", err)
		}
		dir, rest = up, filepath.Join(filepath.Base(dir), rest)
	}
}

// clear empties a folder.
func clear(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// keyFile reports a private key, or a note beside one that says from when it signs
// or until when it is published.
func keyFile(name string) bool {
	return filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(name, jose.UntilExt), jose.FromExt)) == ".pem"
}

// copyKeys copies the private keys and how long they are published.
func copyKeys(from, to string) error {
	if err := copyFolder(from, to, keyFile); err != nil {
		return fmt.Errorf("back up keys: %w", err)
	}
	return nil
}

// streamFile reports what a source remembers, and not one that is being written.
func streamFile(name string) bool {
	return filepath.Ext(name) == ".json" && !strings.HasPrefix(name, ".")
}

// copyStreams copies what sources remember, if any does.
func copyStreams(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := copyFolder(from, to, streamFile); err != nil {
		return fmt.Errorf("back up streams of sources: %w", err)
	}
	return nil
}

// copyFolder copies the regular files of a folder that are wanted into a new one.
func copyFolder(from, to string, wanted func(name string) bool) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && wanted(e.Name()) {
			if _, err := copyFile(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
	}
	return syncDir(to)
}

// copyFile copies a file to a new one of mode 0600, durably, and returns its
// hash.
func copyFile(from, to string) (sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	if err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ownersOnly takes all rights of others from everything under dir.
func ownersOnly(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return os.Chmod(path, mode&^0o077)
		}
		return nil
	})
}

// hashAll lists every file under dir.
func hashAll(ctx context.Context, dir string, progress Progress) ([]File, error) {
	files, total, err := list(dir)
	if err != nil {
		return nil, err
	}
	done := int64(0)
	for i := range files {
		f := &files[i]
		if f.SHA256, err = hashFile(ctx, filepath.Join(dir, filepath.FromSlash(f.Path))); err != nil {
			return nil, err
		}
		done += f.Size
		progress(hashing, done, total)
	}
	return files, nil
}

// list finds the files of a backup but for its manifest, by path.
func list(dir string) (files []File, total int64, err error) {
	for _, folder := range folders {
		top := filepath.Join(dir, folder)
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if folder == streamsFolder && path == top && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			if !d.Type().IsRegular() {
				return fmt.Errorf("%s is not a regular file", path)
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			files = append(files, File{Path: filepath.ToSlash(rel), Size: info.Size()})
			total += info.Size()
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, total, nil
}

func hashFile(ctx context.Context, path string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
