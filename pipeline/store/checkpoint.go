package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Format is the number of the layout this program writes. Open refuses a store
// of any other.
const Format = format

// ErrNone is returned by OpenReadOnly where there is no store.
var ErrNone = errors.New("store: nothing there")

// Checkpoint writes the store as it is at one moment into dir, which must not
// exist, while commits go on. It holds every transaction that Commit returned
// from before the call; of those under way it holds all of each or nothing, and
// none without those it builds on. Where the file system permits, tables are
// linked, not copied: they are never written again, but they lie on the same
// disk.
func (s *Embedded) Checkpoint(dir string) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.durable.failed(); err != nil {
		return err
	}
	// The log as synced; what is not synced was not acknowledged.
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("store: checkpoint: %w", err)
	}
	return nil
}

// OpenReadOnly opens a store that no other process has open, to look into it:
// transactions that write fail. It returns ErrNone where there is none, and
// changes nothing but the lock file.
func OpenReadOnly(dir string, o Options) (*Embedded, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist", ErrNone, dir)
	}
	return openReadOnly(dir, o, vfs.Default)
}

func openReadOnly(dir string, o Options, files vfs.FS) (*Embedded, error) {
	desc, err := pebble.Peek(dir, files)
	if err == nil && !desc.Exists {
		return nil, fmt.Errorf("%w: %s holds no store", ErrNone, dir)
	}
	return openMode(dir, o, files, true)
}

// Verify reads everything in the store: the checksum of every block is compared
// on the way. size is told the bytes read so far, now and then.
func (s *Embedded) Verify(ctx context.Context, read func(bytes int64)) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	var n, told int64
	err := s.scan(nil, nil, func(k, v []byte) error {
		if n += int64(len(k) + len(v)); n-told >= 1<<20 {
			told = n
			if err := ctx.Err(); err != nil {
				return err
			}
			if !s.gate.open() {
				return ErrClosed
			}
			if read != nil {
				read(n)
			}
		}
		return nil
	})
	if err != nil {
		return s.damage(err)
	}
	return nil
}

// Compact rewrites the tables so that what was deleted or replaced takes no
// room any more. Reads and commits go on; it takes as long as the disk needs to
// read and write the store once.
func (s *Embedded) Compact(ctx context.Context) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.durable.failed(); err != nil {
		return err
	}
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	if err := s.db.Compact(ctx, []byte{0}, []byte{0xff}, true); err != nil {
		return fmt.Errorf("store: compact: %w", err)
	}
	return nil
}
