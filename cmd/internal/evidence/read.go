package evidence

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// read unpacks a bundle into memory. Nothing of it is ever written to a disk.
func read(r io.Reader) (map[string][]byte, error) {
	in := bufio.NewReader(r)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("this is no bundle: %w", err)
	}
	z.Multistream(false)
	t := tar.NewReader(z)
	files := map[string][]byte{}
	room := int64(MaxBytes + 2*maxManifest)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the bundle is damaged: %w", err)
		}
		switch {
		case h.Typeflag != tar.TypeReg || !names.MatchString(h.Name):
			return nil, fmt.Errorf("the bundle holds %q, which no bundle has", shortened(h.Name))
		case files[h.Name] != nil:
			return nil, fmt.Errorf("the bundle holds %s twice", h.Name)
		case len(files) >= maxFiles:
			return nil, fmt.Errorf("the bundle holds more than %d files", maxFiles)
		case h.Size > room:
			return nil, fmt.Errorf("the bundle is larger than %s", pipeline.Bytes(MaxBytes))
		}
		room -= h.Size
		text := make([]byte, 0, min(h.Size, 1<<20)+1)
		for {
			if len(text) == cap(text) {
				text = append(text, 0)[:len(text)]
			}
			n, err := t.Read(text[len(text):cap(text)])
			text = text[:len(text)+n]
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("the bundle is damaged: %w", err)
			}
		}
		files[h.Name] = text
	}
	// What stands behind the last file would be covered by nothing.
	if n, err := io.Copy(io.Discard, io.LimitReader(z, 1<<20)); err != nil {
		return nil, fmt.Errorf("the bundle is damaged: %w", err)
	} else if n == 1<<20 {
		return nil, errors.New("something follows the last file of the bundle")
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the bundle")
	}
	return files, nil
}

func shortened(s string) string {
	if len(s) > 100 {
		return s[:100]
	}
	return s
}
