package query

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Key is one value of a field as orders and groups see it. The zero Key is that
// of documents without the field.
type Key struct {
	text  string
	order string // bytes that compare as the values do, "" for the zero Key
}

// KeyOf makes the key of a value of a field of that type, given as documents
// write it; ok is false for text that is no such value, and for types without
// order.
func KeyOf(t document.Type, text string) (k Key, ok bool) {
	switch t {
	case document.Keyword:
		return Key{text, "k" + text}, true
	case document.Date:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return Key{}, false
		}
		return TimeKey(at), true
	case document.Long, document.Float:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x-x != 0 {
			return Key{}, false
		}
		return Key{strconv.FormatFloat(x, 'f', -1, 64), numberOrder(x)}, true
	case document.Boolean:
		switch text {
		case "true":
			return Key{text, "b1"}, true
		case "false":
			return Key{text, "b0"}, true
		}
	case document.IP:
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
			wide := a.As16()
			return Key{a.Unmap().String(), "i" + string(wide[:])}, true
		}
	}
	return Key{}, false
}

// TimeKey is the key of a moment, in milliseconds.
func TimeKey(at time.Time) Key {
	at = at.UTC().Truncate(time.Millisecond)
	return Key{at.Format(dateForm), numberOrder(float64(at.UnixMilli()))}
}

// numberOrder writes a number so that the bytes compare as the numbers do.
func numberOrder(x float64) string {
	bits := math.Float64bits(x + 0) // one zero
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return string(binary.BigEndian.AppendUint64([]byte{'n'}, bits))
}

// Exists is false for the key of documents without the field.
func (k Key) Exists() bool { return k.order != "" }

// Text is the value: as it is for keywords, in canonical form for all others;
// "" where there is none.
func (k Key) Text() string { return k.text }

// Number is the value of a number, and of a date in milliseconds since 1970; 0
// for all others.
func (k Key) Number() float64 {
	if len(k.order) != 9 || k.order[0] != 'n' {
		return 0
	}
	bits := binary.BigEndian.Uint64([]byte(k.order[1:]))
	if bits>>63 == 1 {
		bits &^= 1 << 63
	} else {
		bits = ^bits
	}
	return math.Float64frombits(bits)
}

// Compare orders two keys of one field, the smaller first: keywords by their
// bytes, addresses as IPv6, false before true. The zero Key comes last.
func (k Key) Compare(o Key) int {
	if k.Exists() != o.Exists() {
		return sign(k.Exists())
	}
	return strings.Compare(k.order, o.order)
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// ordered finds a field of the schema that has an order.
func ordered(name, purpose, past string) (document.Field, error) {
	f, ok := document.Lookup(name)
	switch {
	case !ok:
		hint := ""
		if near := likely(name); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return f, &Error{-1, fmt.Sprintf("unknown field %q to %s", clip(name), purpose), hint}
	case !f.Type.Ordered():
		return f, &Error{-1, fmt.Sprintf("%s is of type %s; it cannot be %s", f.Name, f.Type, past), "choose a field of type keyword, date, long, float, boolean or ip"}
	}
	return f, nil
}
