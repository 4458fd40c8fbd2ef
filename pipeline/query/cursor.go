package query

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

// timeField is the field that orders hits when nothing else is asked for.
const timeField = "@timestamp"

// Sort is the order of hits. The zero value is newest first.
type Sort struct {
	Field string // an ordered field of the schema; "" means @timestamp
	Asc   bool   // smallest, oldest first
}

// ParseSort reads "field", "field:asc" or "field:desc"; without a direction
// it is asc. The error is an *Error.
func ParseSort(text string) (Sort, error) {
	name, direction, given := strings.Cut(text, ":")
	s := Sort{Field: strings.TrimSpace(name), Asc: direction != "desc"}
	if given && direction != "asc" && direction != "desc" {
		return s, &Error{-1, fmt.Sprintf("unknown direction %q to sort in", clip(direction)), "write asc or desc behind the colon"}
	}
	_, err := ordered(s.Field, "sort by", "sorted by")
	return s, err
}

// String is the sort as ParseSort reads it.
func (s Sort) String() string {
	name, direction := s.Field, ":desc"
	if name == "" {
		name = timeField
	}
	if s.Asc {
		direction = ":asc"
	}
	return name + direction
}

// ByTime reports whether hits are sorted by @timestamp, so that cursors have no
// other key.
func (s Sort) ByTime() bool { return s.Field == "" || s.Field == timeField }

// Compare orders two places: negative when a comes first.
func (s Sort) Compare(a, b Cursor) int {
	c := 0
	if !s.ByTime() {
		if c = a.Key.Compare(b.Key); a.Key.Exists() != b.Key.Exists() {
			return c // last in either direction
		}
	}
	if c == 0 {
		c = a.compare(b)
	}
	if s.Asc {
		return c
	}
	return -c
}

// Pick chooses the key a document with several values is sorted by: the
// smallest when ascending, else the largest.
func (s Sort) Pick(keys []Key) (k Key) {
	for i, o := range keys {
		if c := o.Compare(k); i == 0 || s.Asc && c < 0 || !s.Asc && c > 0 {
			k = o
		}
	}
	return k
}

// Normalize checks the options and fills in the defaults. The error is an
// *Error. Every searcher calls it first.
func (o Options) Normalize() (Options, error) {
	if o.Sort.Field == "" {
		o.Sort.Field = timeField
	}
	if _, err := ordered(o.Sort.Field, "sort by", "sorted by"); err != nil {
		return o, err
	}
	switch {
	case o.Size < 0 || o.Size > MaxSize:
		return o, &Error{-1, fmt.Sprintf("page size %d is out of range", o.Size), fmt.Sprintf("ask for at most %d hits and page on with the cursor", MaxSize)}
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
	return o, nil
}

// Cursor is the place of a hit in an order that leaves no ties: the key sorted
// by, then @timestamp, event.sequence and document id. It says where the next
// page begins, not which document was last: documents that come or go between
// two pages make nothing appear twice or be left out.
type Cursor struct {
	Key      Key   // zero when sorted by @timestamp
	Time     int64 // milliseconds since 1970
	Sequence int64
	ID       string
}

// compare orders two places of equal keys, the older first.
func (c Cursor) compare(o Cursor) int {
	switch {
	case c.Time != o.Time:
		return sign(c.Time < o.Time)
	case c.Sequence != o.Sequence:
		return sign(c.Sequence < o.Sequence)
	}
	return strings.Compare(c.ID, o.ID)
}

// cursorText is the form of a cursor outside.
type cursorText struct {
	Order    string  `json:"o"`
	Key      *string `json:"k,omitempty"`
	Time     int64   `json:"t"`
	Sequence int64   `json:"s"`
	ID       string  `json:"i"`
}

// maxCursor bounds the text of a cursor: the longest keyword fits.
const maxCursor = 64 << 10

// Text writes the cursor for Page.Next, bound to the order of the page.
func (c Cursor) Text(s Sort) string {
	t := cursorText{Order: s.String(), Time: c.Time, Sequence: c.Sequence, ID: c.ID}
	if c.Key.Exists() && !s.ByTime() {
		text := c.Key.Text()
		t.Key = &text
	}
	return encodeCursor(t)
}

// ParseCursor reads what Text wrote for the same order. The error is an *Error.
func ParseCursor(text string, s Sort) (Cursor, error) {
	var t cursorText
	if !decodeCursor(text, &t) || t.Order != s.String() || t.Key != nil && s.ByTime() {
		return Cursor{}, badCursor()
	}
	c := Cursor{Time: t.Time, Sequence: t.Sequence, ID: t.ID}
	if t.Key != nil {
		f, _ := document.Lookup(s.Field)
		var ok bool
		if c.Key, ok = KeyOf(f.Type, *t.Key); !ok {
			return Cursor{}, badCursor()
		}
	}
	return c, nil
}

func badCursor() error {
	return &Error{-1, "the cursor is not one of a page in this order", "start again without it"}
}

func encodeCursor(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeCursor(text string, v any) bool {
	if len(text) > maxCursor {
		return false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && json.Unmarshal(raw, v) == nil
}
