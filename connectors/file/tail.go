package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
)

// tail is a place in one file. Two places are told apart: how far was read, and
// how far the outcome is durable. Its methods are not safe for concurrent use.
type tail struct {
	name   string
	info   os.FileInfo // which file it is, whatever its name
	missed int         // sweeps in a row in which no name led to it

	f    *os.File // nil: closed
	r    *bufio.Reader
	read mark
	done mark

	size    int64 // of the file when its end was reached last
	pending int64 // of the file when it was opened
}

// mark is a place in a file.
type mark struct {
	offset int64 // bytes before it
	line   int   // lines before it
}

// state is what became of a file since it was read last.
type state uint8

const (
	unchanged state = iota
	grown
	cut // it is read from its beginning
)

// open readies the file for reading behind what is done.
func (t *tail) open() (state, error) {
	if t.f == nil {
		// Whoever may write to the folder may put a pipe in the place of a file since
		// it was looked at: opening one must not wait for its other end.
		f, err := os.OpenFile(t.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return 0, err
		}
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return 0, errors.Join(err, f.Close(), fmt.Errorf("%s is no file any more: %w", t.name, os.ErrNotExist))
		}
		t.f, t.r = f, bufio.NewReaderSize(f, 64<<10)
	}
	info, err := t.f.Stat()
	if err != nil {
		return 0, err
	}
	was := grown
	switch {
	case info.Size() < t.done.offset || !os.SameFile(info, t.info):
		was, t.info, t.done = cut, info, mark{}
	case info.Size() == t.size:
		was = unchanged
	}
	t.pending = info.Size()
	return was, t.rewind()
}

// rewind makes next begin again behind what is done.
func (t *tail) rewind() error {
	if _, err := t.f.Seek(t.done.offset, io.SeekStart); err != nil {
		return err
	}
	t.r.Reset(t.f)
	t.read = t.done
	return nil
}

// acknowledge notes that the outcome of all that was read is durable. It
// reports false when nothing was read since the last time: the end is reached.
func (t *tail) acknowledge() bool {
	if t.read == t.done {
		t.size = t.pending
		return false
	}
	t.done = t.read
	return true
}

// next returns the next line without its line break and surrounding white
// space; ok is false when there is none. A line longer than most comes cut,
// with a mark that makes it no message at all. With whole, the end of the file
// ends a line too.
func (t *tail) next(most int, whole bool) (line []byte, ok bool, err error) {
	length := int64(0)
	for {
		part, err := t.r.ReadSlice('\n')
		length += int64(len(part))
		if room := most + 1 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			if !whole || length == 0 {
				return nil, false, nil
			}
		case err != nil:
			return nil, false, err
		}
		break
	}
	t.read.offset += length
	t.read.line++
	if trimmed := bytes.TrimRight(line, "\r\n"); len(trimmed) > most {
		return fmt.Appendf(trimmed[:most], "... [cut: the line has %d bytes, %d are allowed]", length, most), true, nil
	}
	return bytes.TrimSpace(line), true, nil
}

// position names the line read last, for people.
func (t *tail) position() string { return t.name + ":" + strconv.Itoa(t.read.line) }

func (t *tail) close() error {
	if t.f == nil {
		return nil
	}
	err := t.f.Close()
	t.f, t.r = nil, nil
	return err
}
