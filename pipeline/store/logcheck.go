package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The engine takes the first broken chunk of its newest log, and of its
// manifest, for where a crash cut the file off, unless a later block shows
// otherwise. Damage within the last block, up to 32 KiB, would so cost
// acknowledged transactions without a word, and in the manifest whole tables,
// which it then removes. So both files are looked through before it opens them.

const (
	logBlock     = 32 << 10 // chunks do not cross blocks of this size
	logHeader    = 7        // checksum, length, kind
	logNumber    = 4        // further, in chunks of a log: the log's number
	logSynced    = 8        // further: up to where the log was on disk when the chunk was written
	manifestLast = 4        // highest kind of a manifest's chunk
	walFirst     = 9        // kinds of a log's chunks
	walLast      = 12
	lookAhead    = 1 << 20 // bytes looked at behind a broken chunk
)

// checkLogs looks for damage that the engine would take for a crash.
func checkLogs(dir string, files vfs.FS, found *damaged) error {
	desc, err := pebble.Peek(dir, files)
	if err != nil {
		return err
	}
	if !desc.Exists {
		return nil
	}
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	newest, number, tables := "", uint64(0), false
	for _, name := range names {
		tables = tables || filepath.Ext(name) == ".sst"
		if base, ok := strings.CutSuffix(name, ".log"); ok {
			if n, err := strconv.ParseUint(base, 10, 64); err == nil && n >= number {
				newest, number = name, n
			}
		}
	}
	switch {
	case newest == "" && tables:
		return fmt.Errorf("no log file (*.log) is there: %w", errDamaged)
	case newest == "":
		return nil // the first start did not come further
	}
	for _, f := range []struct {
		path  string
		check func([]byte) (int, bool)
	}{
		{desc.ManifestFilename, brokenManifest},
		{files.PathJoin(dir, newest), func(b []byte) (int, bool) { return brokenLog(b, uint32(number)) }},
	} {
		text, err := readWhole(files, f.path)
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Base(f.path), err)
		}
		if at, broken := f.check(text); broken {
			found.note(f.path)
			return fmt.Errorf("%s is broken at byte %d: %w", filepath.Base(f.path), at, errDamaged)
		}
	}
	return nil
}

func readWhole(files vfs.FS, path string) (_ []byte, err error) {
	f, err := files.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

// chunk is a record, or a piece of one, in a log or a manifest.
type chunk struct {
	size   int
	kind   byte
	synced uint64
}

// chunkAt reads the chunk at a place; ok means that it is whole.
func chunkAt(b []byte, at int, log bool, number uint32) (c chunk, ok bool) {
	header := logHeader
	if log {
		header += logNumber + logSynced
	}
	if len(b)-at < header || logBlock-at%logBlock < header {
		return c, false
	}
	c.kind = b[at+6]
	c.size = header + int(binary.LittleEndian.Uint16(b[at+4:]))
	switch {
	case log && (c.kind < walFirst || c.kind > walLast), !log && (c.kind == 0 || c.kind > manifestLast):
		return c, false
	case c.size > len(b)-at || c.size > logBlock-at%logBlock:
		return c, false
	}
	if log {
		if n := binary.LittleEndian.Uint32(b[at+logHeader:]); n != number {
			return c, false // left from before the file was used again
		}
		c.synced = binary.LittleEndian.Uint64(b[at+logHeader+logNumber:])
	}
	sum := crc32.Checksum(b[at+6:at+c.size], crc32.MakeTable(crc32.Castagnoli))
	return c, sum>>15|sum<<17 == binary.LittleEndian.Uint32(b[at:])-0xa282ead8
}

// firstBroken walks whole chunks and returns where the first is that is not.
func firstBroken(b []byte, log bool, number uint32) int {
	at := 0
	for at < len(b) {
		if c, ok := chunkAt(b, at, log, number); ok {
			at += c.size
			continue
		}
		// What is left of a block may be too small for a chunk.
		if rest := logBlock - at%logBlock; rest < logHeader+logNumber+logSynced && zero(b[at:min(len(b), at+rest)]) {
			at += rest
			continue
		}
		return at
	}
	return len(b)
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// brokenLog reports where a log is damaged: at a chunk that a later one knows
// to have been on disk.
func brokenLog(b []byte, number uint32) (at int, broken bool) {
	at = firstBroken(b, true, number)
	for i := at + 1; i < min(len(b), at+lookAhead); i++ {
		if c, ok := chunkAt(b, i, true, number); ok && c.synced > uint64(at) {
			return at, true
		}
	}
	return at, false
}

// brokenManifest reports where a manifest is damaged: at a chunk that is
// followed by a whole one, or that is written to its end and still wrong. Each
// entry is synced before the next is begun, so that a crash cuts off the last
// one only.
func brokenManifest(b []byte) (at int, broken bool) {
	at = firstBroken(b, false, 0)
	rest := b[at:]
	if zero(rest) {
		return at, false
	}
	for i := at + 1; i < min(len(b), at+lookAhead); i++ {
		if _, ok := chunkAt(b, i, false, 0); ok {
			return at, true
		}
	}
	if len(rest) < logHeader {
		return at, false
	}
	size, room := logHeader+int(binary.LittleEndian.Uint16(rest[4:])), logBlock-at%logBlock
	plausible := rest[6] > 0 && rest[6] <= manifestLast && size <= room
	cut := size > len(rest) || zero(rest[max(0, min(size, len(rest))-8):])
	return at, !plausible || !cut
}
