package strictjson

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string and returns the range between its quotes.
func (p *parser) str() (start, end int, escaped bool, err error) {
	src, at := p.src, p.pos+1
	start = at
	for {
		for at+8 <= len(src) {
			n := plainBytes(binary.LittleEndian.Uint64(src[at:]))
			at += n
			if n < 8 {
				break
			}
		}
		if at >= len(src) {
			p.pos = at
			return 0, 0, false, p.fail("unterminated string")
		}
		switch c := src[at]; {
		case c == '"':
			p.pos = at + 1
			return start, at, escaped, nil
		case c == '\\':
			escaped = true
			p.pos = at
			if err := p.escape(); err != nil {
				return 0, 0, false, err
			}
			at = p.pos
		case c < 0x20:
			p.pos = at
			return 0, 0, false, p.fail("control character in a string")
		case c < utf8.RuneSelf:
			at++
		default:
			r, size := utf8.DecodeRune(src[at:])
			if r == utf8.RuneError && size == 1 {
				p.pos = at
				return 0, 0, false, p.fail("invalid UTF-8 in a string")
			}
			at += size
		}
	}
}

func (p *parser) escape() error {
	if p.pos+1 >= len(p.src) {
		return p.fail("unterminated string")
	}
	switch p.src[p.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.pos += 2
		return nil
	case 'u':
		r, ok := hex4(p.src[p.pos+2:])
		if !ok {
			return p.fail("invalid \\u escape")
		}
		switch {
		case r >= 0xDC00 && r <= 0xDFFF:
			return p.fail("lone surrogate in a string")
		case r >= 0xD800 && r <= 0xDBFF:
			rest := p.src[p.pos+6:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return p.fail("lone surrogate in a string")
			}
			if low, ok := hex4(rest[2:]); !ok || low < 0xDC00 || low > 0xDFFF {
				return p.fail("lone surrogate in a string")
			}
			p.pos += 12
		default:
			p.pos += 6
		}
		return nil
	}
	return p.fail("invalid escape in a string")
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape decodes a string whose escapes Parse has checked.
func unescape(b []byte, escaped bool) string {
	if !escaped {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b))
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			s.WriteByte(b[i])
			i++
			continue
		}
		switch c := b[i+1]; c {
		case 'b':
			s.WriteByte('\b')
		case 'f':
			s.WriteByte('\f')
		case 'n':
			s.WriteByte('\n')
		case 'r':
			s.WriteByte('\r')
		case 't':
			s.WriteByte('\t')
		case 'u':
			r, _ := hex4(b[i+2:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(b[i+4:])
				i += 6
				r = utf16.DecodeRune(r, low)
			}
			s.WriteRune(r)
		default:
			s.WriteByte(c)
		}
		i += 2
	}
	return s.String()
}

const hexDigits = "0123456789abcdef"

// plain marks the ASCII characters that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainBytes is how many of eight bytes, the lowest first, are plain up to the
// first that is not. All are looked at at once: a byte that is not plain leaves
// its high bit in one of the terms, and only higher ones may be wrong after it.
func plainBytes(x uint64) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	return bits.TrailingZeros64((x|(x-each*0x20)|((x^each*'"')-each)|((x^each*'\\')-each))&high) / 8
}

// word is the next eight bytes, the first the lowest.
func word[S ~string | ~[]byte](s S) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plainPrefix is how many bytes at the beginning are plain.
func plainPrefix[S ~string | ~[]byte](s S) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if n := plainBytes(word(s[i : i+8])); n < 8 {
			return i + n
		}
	}
	if len(s) >= 8 { // what is left, with some of what was before
		return len(s) - 8 + plainBytes(word(s[len(s)-8:]))
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// AppendString appends s to b as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString[S ~string | ~[]byte](b []byte, s S) []byte {
	b = append(b, '"')
	from := 0
	for i := plainPrefix(s); i < len(s); {
		if i+8 <= len(s) {
			n := plainBytes(word(s[i : i+8]))
			i += n
			if n == 8 {
				continue
			}
		}
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && size == 1 {
				b = append(b, s[from:i]...)
				b = append(b, "\ufffd"...)
				i++
				from = i
				continue
			}
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
