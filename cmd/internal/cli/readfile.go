package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// errLarge is of a file that has more than is read of it.
var errLarge = errors.New("larger than")

// readFile reads a file, or standard input for -, of at most so many bytes.
func (c *call) readFile(name string, most int64) ([]byte, error) {
	in := c.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s is %w %d bytes", name, errLarge, most)
	}
	return text, nil
}
