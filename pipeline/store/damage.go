package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

var errReadOnly = errors.New("store: open for reading only")

// damaged remembers which files of the engine were found damaged, so that an
// error can name them.
type damaged struct {
	mu    sync.Mutex
	files []string
}

// note adds a file and reports whether it is new.
func (d *damaged) note(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.files, path) {
		return false
	}
	d.files = append(d.files, path)
	return true
}

func (d *damaged) names() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, f := range d.files {
		list = append(list, filepath.Base(f))
	}
	return strings.Join(list, ", ")
}

func isDamage(err error) bool { return pebble.IsCorruptionError(err) || errors.Is(err, errDamaged) }

// damage says of an error that means damaged data what an operator can do.
func (s *Embedded) damage(err error) error {
	if !isDamage(err) {
		return err
	}
	return damageError(s.dir, err, s.damaged)
}

func damageError(dir string, err error, found *damaged) error {
	where := "data_dir " + dir
	if names := found.names(); names != "" {
		where += ", file " + names + ","
	}
	return fmt.Errorf("store: data in %s is damaged: move the folder away and restore a backup (signalbox restore DIR), or start anew without it: %w", where, told{err})
}

// told is an error of the engine by its first line: a marker for programs follows.
type told struct{ error }

func (t told) Error() string {
	first, _, _ := strings.Cut(t.error.Error(), "\n")
	return first
}

func (t told) Unwrap() error { return t.error }

func openError(dir string, err error, found *damaged) error {
	if isDamage(err) {
		return damageError(dir, err, found)
	}
	return fmt.Errorf("store: open data_dir %s: %w", dir, err)
}
