package jose

import (
	"bytes"
	"encoding/base64"
	"strconv"
)

// DefaultMaxBytes bounds a token unless the Parser says otherwise (JWT-09).
const DefaultMaxBytes = 64 << 10

// Compact is a token taken apart, not yet verified. Its slices must not be
// modified.
type Compact struct {
	Header       *Header
	Payload      []byte // decoded
	Signature    []byte // decoded
	SigningInput []byte // the received bytes up to the last dot

	encoded []byte       // the received header, still encoded
	learn   *headerCache // where the header goes once the token is verified
}

// Parser takes tokens apart. Its zero value is ready, remembers the headers of
// verified tokens, and is safe for concurrent use.
type Parser struct {
	MaxBytes int // 0: DefaultMaxBytes

	headers headerCache
}

// ParseCompact takes one token apart with the default bounds; see
// Parser.Parse.
func ParseCompact(token []byte) (Compact, error) {
	var p Parser
	return p.Parse(token)
}

// Parse takes a token apart without verifying anything but its form: exactly
// three segments of unpadded base64url without stray bits, a header this
// package accepts, and a size within bounds. The result refers to token. A
// returned error is an *Error.
func (p *Parser) Parse(token []byte) (Compact, error) {
	limit := p.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if len(token) > limit {
		return Compact{}, refuse(Malformed, "JWT-09", "token is longer than "+strconv.Itoa(limit)+" bytes")
	}
	one := bytes.IndexByte(token, '.')
	two := bytes.LastIndexByte(token, '.')
	if one < 0 || one == two || bytes.IndexByte(token[one+1:two], '.') >= 0 {
		return Compact{}, refuse(Malformed, "SET-20", "token does not have the three segments of a compact JWS")
	}
	c := Compact{SigningInput: token[:two], encoded: token[:one], learn: &p.headers}
	if c.Header = p.headers.get(c.encoded); c.Header == nil {
		text, ok := decode(nil, c.encoded)
		if !ok {
			return Compact{}, notBase64("header")
		}
		h, err := readHeader(text)
		if err != nil {
			return Compact{}, err
		}
		c.Header = h
	} else {
		c.learn = nil
	}
	// One buffer holds payload and signature.
	encPayload, encSignature := token[one+1:two], token[two+1:]
	n := base64.RawURLEncoding.DecodedLen(len(encPayload))
	buf := make([]byte, n+base64.RawURLEncoding.DecodedLen(len(encSignature)))
	var ok bool
	if c.Payload, ok = decode(buf[:n:n], encPayload); !ok {
		return Compact{}, notBase64("payload")
	}
	if c.Signature, ok = decode(buf[n:], encSignature); !ok {
		if last := token[len(token)-1]; last == '\n' || last == '\r' || last == ' ' {
			return Compact{}, refuse(Malformed, "SET-20", "white space follows the token and is no part of it")
		}
		return Compact{}, notBase64("signature")
	}
	if len(c.Signature) == 0 {
		return Compact{}, refuse(Unsigned, "SET-20", "token has no signature")
	}
	return c, nil
}

func notBase64(segment string) *Error {
	return refuse(Malformed, "SET-20", segment+" is not unpadded base64url")
}

// strictEncoding refuses stray bits in the last character, so that two
// encodings of the same bytes cannot both be accepted.
var strictEncoding = base64.RawURLEncoding.Strict()

// decode decodes src into dst, which is made when nil. The standard decoder
// skips line breaks; here they are an error like any other foreign byte.
func decode(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, '\n') >= 0 || bytes.IndexByte(src, '\r') >= 0 {
		return nil, false
	}
	if dst == nil {
		dst = make([]byte, strictEncoding.DecodedLen(len(src)))
	}
	n, err := strictEncoding.Decode(dst, src)
	return dst[:n], err == nil
}
