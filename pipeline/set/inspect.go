package set

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/signalbox-dev/signalbox/pipeline/jose"
)

// Decoded is a token laid open for people. Nothing of it was verified, and it
// holds no verdict on purpose.
type Decoded struct {
	Header         []byte // indented JSON, safe to print to a terminal
	Claims         []byte // likewise
	SignatureBytes int
}

// Inspect decodes a compact token, good or bad, as long as it has three
// segments of which the first two hold JSON. White space around it is ignored.
func Inspect(token []byte) (Decoded, error) {
	token = bytes.TrimSpace(token)
	if len(token) > jose.DefaultMaxBytes {
		return Decoded{}, fmt.Errorf("inspect token: longer than %d bytes", jose.DefaultMaxBytes)
	}
	segments := bytes.Split(token, []byte{'.'})
	if len(segments) != 3 {
		return Decoded{}, fmt.Errorf("inspect token: %d segments in place of 3", len(segments))
	}
	header, err := indent(segments[0])
	if err != nil {
		return Decoded{}, fmt.Errorf("inspect token: header: %w", err)
	}
	claims, err := indent(segments[1])
	if err != nil {
		return Decoded{}, fmt.Errorf("inspect token: claims: %w", err)
	}
	return Decoded{header, claims, base64.RawURLEncoding.DecodedLen(len(segments[2]))}, nil
}

func indent(segment []byte) ([]byte, error) {
	text, err := base64.RawURLEncoding.AppendDecode(nil, segment)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return nil, err
	}
	return printable(out.Bytes()), nil
}

// printable escapes what JSON lets stand in strings but could steer a terminal
// or turn the reading direction.
func printable(text []byte) []byte {
	b := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\ufffd`...)
		case r == '\n' || strconv.IsPrint(r):
			b = append(b, text[:size]...)
		case r > 0xffff:
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		text = text[size:]
	}
	return b
}
