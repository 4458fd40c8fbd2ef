package query

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// Normalize checks the options and fills in the defaults. The error is an
// *Error. Every searcher calls it first.
func (o Options) Normalize() (Options, error) {
	switch {
	case o.Size < 0 || o.Size > MaxSize:
		return o, &Error{-1, fmt.Sprintf("page size %d is out of range", o.Size), fmt.Sprintf("ask for at most %d hits and page on with the cursor", MaxSize)}
	case o.Sort.Field != "" && o.Sort.Field != "@timestamp":
		if _, ok := document.Lookup(o.Sort.Field); !ok {
			return o, &Error{-1, fmt.Sprintf("unknown field %q to sort by", clip(o.Sort.Field)), "sort by @timestamp"}
		}
		return o, &Error{-1, fmt.Sprintf("hits cannot be sorted by %s", o.Sort.Field), "sort by @timestamp"}
	case !o.From.IsZero() && !o.To.IsZero() && o.To.Before(o.From):
		return o, &Error{-1, "the time range ends before it begins", ""}
	}
	if o.After != "" {
		if _, err := ParseCursor(o.After, o.Sort); err != nil {
			return o, err
		}
	}
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Sort.Field = "@timestamp"
	return o, nil
}

// Cursor is the place of a hit in an order that leaves no ties: @timestamp,
// then event.sequence, then document id.
type Cursor struct {
	Time     int64 // milliseconds since 1970
	Sequence int64
	ID       string
}

// Compare orders two places, the older first.
func (c Cursor) Compare(o Cursor) int {
	switch {
	case c.Time != o.Time:
		return sign(c.Time < o.Time)
	case c.Sequence != o.Sequence:
		return sign(c.Sequence < o.Sequence)
	}
	return strings.Compare(c.ID, o.ID)
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// Text writes the cursor for Page.Next, bound to the order of the page.
func (c Cursor) Text(s Sort) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s %d %d %s", order(s), c.Time, c.Sequence, c.ID))
}

// ParseCursor reads what Text wrote for the same order. The error is an *Error.
func ParseCursor(text string, s Sort) (Cursor, error) {
	bad := &Error{-1, "the cursor is not one of a page in this order", "start again without it"}
	if len(text) > 1024 {
		return Cursor{}, bad
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Cursor{}, bad
	}
	parts := strings.SplitN(string(raw), " ", 4)
	if len(parts) != 4 || parts[0] != order(s) {
		return Cursor{}, bad
	}
	at, err1 := strconv.ParseInt(parts[1], 10, 64)
	seq, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil {
		return Cursor{}, bad
	}
	return Cursor{at, seq, parts[3]}, nil
}

func order(s Sort) string {
	if s.Asc {
		return "a"
	}
	return "d"
}
