package query

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
)

func TestNormalize(t *testing.T) {
	now := time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)
	o, err := Options{}.Normalize()
	if err != nil || o.Size != DefaultSize || o.Now.IsZero() || o.Sort.Field != "@timestamp" {
		t.Errorf("defaults are %+v, %v", o, err)
	}
	for name, o := range map[string]Options{
		"negative size":    {Size: -1},
		"size over bound":  {Size: MaxSize + 1},
		"unknown sort":     {Sort: Sort{Field: "nosuch"}},
		"unsortable":       {Sort: Sort{Field: "message"}},
		"backward range":   {From: now, To: now.Add(-1)},
		"foreign cursor":   {After: "abc"},
		"cursor of others": {After: Cursor{Time: 1, Sequence: 2, ID: "x"}.Text(Sort{}), Sort: Sort{Asc: true}},
	} {
		_, err := o.Normalize()
		var e *Error
		if !errors.As(err, &e) || e.Offset != -1 {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestCursor(t *testing.T) {
	severity, _ := KeyOf(document.Long, "73")
	empty, _ := KeyOf(document.Keyword, "")
	for _, c := range []struct {
		sort Sort
		at   Cursor
	}{
		{Sort{Asc: true}, Cursor{Time: 1770113704120, Sequence: 65537, ID: "id with space"}},
		{Sort{Field: "event.severity"}, Cursor{Key: severity, Time: 1, Sequence: 2, ID: "x"}},
		{Sort{Field: "event.severity"}, Cursor{Time: 1, Sequence: 2, ID: "x"}},
		{Sort{Field: "user.name", Asc: true}, Cursor{Key: empty, Time: 1, ID: "x"}},
	} {
		got, err := ParseCursor(c.at.Text(c.sort), c.sort)
		if err != nil || got != c.at {
			t.Errorf("cursor %+v comes back as %+v, %v", c.at, got, err)
		}
		for _, other := range []Sort{{Field: c.sort.Field, Asc: !c.sort.Asc}, {Field: "host.name", Asc: c.sort.Asc}} {
			if _, err := ParseCursor(c.at.Text(c.sort), other); err == nil {
				t.Errorf("the cursor of %s is taken for %s", c.sort, other)
			}
		}
	}
}

// TestSortCompare lists places of each order, the first first.
func TestSortCompare(t *testing.T) {
	key := func(t document.Type, text string) Key {
		k, _ := KeyOf(t, text)
		return k
	}
	const long = document.Long
	for _, c := range []struct {
		sort  Sort
		order []Cursor
	}{
		{Sort{Asc: true}, []Cursor{{Time: 1, Sequence: 9, ID: "b"}, {Time: 2, Sequence: 1, ID: "b"}, {Time: 2, Sequence: 2, ID: "a"}, {Time: 2, Sequence: 2, ID: "b"}}},
		{Sort{}, []Cursor{{Time: 2, Sequence: 2, ID: "b"}, {Time: 2, Sequence: 2, ID: "a"}, {Time: 2, Sequence: 1, ID: "b"}, {Time: 1, Sequence: 9, ID: "b"}}},
		{Sort{Field: "event.severity", Asc: true}, []Cursor{{Key: key(long, "-10")}, {Key: key(long, "-9")}, {Key: key(long, "0"), Time: 1}, {Key: key(long, "-0"), Time: 2}, {Key: key(long, "9")}, {Key: key(long, "10")}, {Time: 1}, {Time: 2}}},
		{Sort{Field: "event.severity"}, []Cursor{{Key: key(long, "10")}, {Key: key(long, "9"), Time: 5}, {Key: key(long, "9"), Time: 4}, {Time: 2}, {Time: 1}}},
		{Sort{Field: "source.ip", Asc: true}, []Cursor{{Key: key(document.IP, "::1")}, {Key: key(document.IP, "9.0.0.1")}, {Key: key(document.IP, "10.0.0.1")}, {Key: key(document.IP, "2001:db8::1")}}},
		{Sort{Field: "user.name", Asc: true}, []Cursor{{Key: key(document.Keyword, "")}, {Key: key(document.Keyword, "A")}, {Key: key(document.Keyword, "a")}, {Key: key(document.Keyword, "ä")}, {}}},
		{Sort{Field: "set.verified"}, []Cursor{{Key: key(document.Boolean, "true")}, {Key: key(document.Boolean, "false")}, {}}},
	} {
		for i, a := range c.order {
			for j, b := range c.order {
				if got := c.sort.Compare(a, b); got != cmp.Compare(i, j) {
					t.Errorf("%s: %+v compared with %+v is %d", c.sort, a, b, got)
				}
			}
		}
	}
}

func TestKeyNumber(t *testing.T) {
	for text, want := range map[string]float64{"-10.5": -10.5, "0": 0, "-0": 0, "73": 73, "9007199254740992": 1 << 53} {
		if k, ok := KeyOf(document.Float, text); !ok || k.Number() != want {
			t.Errorf("%s is %v", text, k.Number())
		}
	}
	if k, _ := KeyOf(document.Date, "1969-12-31T23:59:59.5Z"); k.Number() != -500 {
		t.Errorf("a date before 1970 is %v", k.Number())
	}
	if k, _ := KeyOf(document.Keyword, "12345678"); k.Number() != 0 {
		t.Errorf("a keyword is %v", k.Number())
	}
}

func TestParseSort(t *testing.T) {
	for text, want := range map[string]Sort{"user.name": {"user.name", true}, "@timestamp:desc": {"@timestamp", false}, "event.severity:asc": {"event.severity", true}} {
		if got, err := ParseSort(text); err != nil || got != want {
			t.Errorf("%s gives %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{"": "unknown field", "user.nam": "did you mean user.name?", "message": "type text", "set.claims": "type flattened", "user.name:up": "asc or desc"} {
		if _, err := ParseSort(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s gives %v, want %s", text, err, says)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{Time: 1, Sequence: 2, ID: "x"}.Text(Sort{}), "@timestamp", false)
	f.Add(Cursor{Time: 1, Sequence: 2, ID: "x"}.Text(Sort{Field: "event.severity"}), "event.severity", false)
	f.Fuzz(func(t *testing.T, text, field string, asc bool) {
		s := Sort{Field: field, Asc: asc}
		if _, err := ParseSort(s.String()); err != nil {
			return
		}
		c, err := ParseCursor(text, s)
		if err != nil {
			return
		}
		if again, err := ParseCursor(c.Text(s), s); err != nil || again != c {
			t.Fatalf("%q: %+v comes back as %+v, %v", text, c, again, err)
		}
	})
}
