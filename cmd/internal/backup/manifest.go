package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// manifestFormat is the number of the layout of a backup. A change that older
// code would misread raises it.
const manifestFormat = 2

// manifestName is the file that makes a backup complete.
const manifestName = "manifest.json"

// maxManifest bounds what is read of one.
const maxManifest = 64 << 20

// Manifest says what is in a backup.
type Manifest struct {
	Format      int       `json:"format"`       // of the backup
	StoreFormat int       `json:"store_format"` // of the store in it
	Version     string    `json:"version"`      // of the product that made it
	Node        string    `json:"node"`
	Made        time.Time `json:"made"` // when it was begun
	First       uint64    `json:"first_sequence"`
	Last        uint64    `json:"last_sequence"`
	FirstAt     time.Time `json:"first_time,omitzero"`
	LastAt      time.Time `json:"last_time,omitzero"`
	Pending     int       `json:"pending_actions"` // waiting for a sink
	Timers      int       `json:"timers"`
	Files       []File    `json:"files"` // by path
}

// File is one file of a backup.
type File struct {
	Path   string `json:"path"` // with slashes, under the backup's folder
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Bytes is the size of all files.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// Keys counts the signing keys.
func (m *Manifest) Keys() (n int) {
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, keysFolder+"/") && strings.HasSuffix(f.Path, ".pem") {
			n++
		}
	}
	return n
}

// Streams counts the sources whose streams are remembered.
func (m *Manifest) Streams() (n int) {
	for _, f := range m.Files {
		if strings.HasPrefix(f.Path, streamsFolder+"/") {
			n++
		}
	}
	return n
}

// inspect opens the copy of the store, reads all of it, so that a backup is
// known to be whole, and notes what it holds.
func (m *Manifest) inspect(ctx context.Context, dir string, progress Progress) (err error) {
	st, err := store.OpenReadOnly(dir, store.Options{Cache: 8 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	defer func() {
		err = errors.Join(err, st.Close(), os.Remove(filepath.Join(dir, lockFile)))
	}()
	if err := st.Verify(ctx, func(n int64) { progress(reading, n, 0) }); err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	s, err := st.Stats()
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	m.StoreFormat, m.First, m.Last, m.FirstAt, m.LastAt, m.Timers = s.Format, s.First, s.Last, s.FirstAt, s.LastAt, s.Timers
	for _, q := range s.Queues {
		m.Pending += q.Items
	}
	return nil
}

// write makes the backup complete.
func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".manifest-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(text, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, manifestName))
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// readManifest reads and checks the manifest of a backup.
func readManifest(dir string) (m Manifest, err error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fmt.Errorf("%s is no backup, or one that was not finished: it has no %s", dir, manifestName)
	case err != nil:
		return m, fmt.Errorf("read backup: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return m, fmt.Errorf("read backup: %w", err)
	}
	if m, err = parseManifest(text); err != nil {
		return m, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	return m, nil
}

// parseManifest reads the text of a manifest and refuses what this program
// cannot restore.
func parseManifest(text []byte) (m Manifest, err error) {
	if len(text) > maxManifest {
		return m, errors.New("longer than any manifest")
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("not the manifest of a backup: %w", err)
	}
	switch {
	case m.Format < 1 || m.StoreFormat < 1:
		return m, errors.New("not the manifest of a backup: it has no format")
	case m.Format > manifestFormat:
		return m, fmt.Errorf("the backup was made by a newer signalbox, %s (backup format %d, this one knows %d): restore it with that version or a later one", m.Version, m.Format, manifestFormat)
	case m.StoreFormat > store.Format:
		return m, fmt.Errorf("the backup was made by a newer signalbox, %s (store format %d, this one knows %d): restore it with that version or a later one", m.Version, m.StoreFormat, store.Format)
	case m.StoreFormat < store.Format:
		return m, fmt.Errorf("the backup was made by an older signalbox, %s (store format %d, this one needs %d): restore it with that version", m.Version, m.StoreFormat, store.Format)
	case len(m.Files) == 0:
		return m, errors.New("the manifest names no files")
	}
	for i, f := range m.Files {
		folder, name, ok := strings.Cut(f.Path, "/")
		if !ok || !slices.Contains(folders, folder) || name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
			return m, fmt.Errorf("the manifest names %q, which is not a file of a backup", f.Path)
		}
		if i > 0 && f.Path <= m.Files[i-1].Path {
			return m, fmt.Errorf("the manifest names %q twice or out of order", f.Path)
		}
		if f.Size < 0 || len(f.SHA256) != 64 {
			return m, fmt.Errorf("the manifest has no size or hash of %q", f.Path)
		}
	}
	return m, nil
}
