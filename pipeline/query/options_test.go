package query

import (
	"errors"
	"testing"
	"time"
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
		"unsortable":       {Sort: Sort{Field: "user.name"}},
		"backward range":   {From: now, To: now.Add(-1)},
		"foreign cursor":   {After: "abc"},
		"cursor of others": {After: Cursor{1, 2, "x"}.Text(Sort{}), Sort: Sort{Asc: true}},
	} {
		_, err := o.Normalize()
		var e *Error
		if !errors.As(err, &e) || e.Offset != -1 {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestCursor(t *testing.T) {
	c := Cursor{1770113704120, 65537, "id with space"}
	got, err := ParseCursor(c.Text(Sort{Asc: true}), Sort{Asc: true})
	if err != nil || got != c {
		t.Errorf("cursor comes back as %+v, %v", got, err)
	}
	ordered := []Cursor{{1, 9, "b"}, {2, 1, "b"}, {2, 2, "a"}, {2, 2, "b"}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); got != compare(i, j) {
				t.Errorf("%+v compared with %+v is %d", a, b, got)
			}
		}
	}
}

func compare(i, j int) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{1, 2, "x"}.Text(Sort{}), false)
	f.Fuzz(func(t *testing.T, text string, asc bool) {
		c, err := ParseCursor(text, Sort{Asc: asc})
		if err != nil {
			return
		}
		if again, err := ParseCursor(c.Text(Sort{Asc: asc}), Sort{Asc: asc}); err != nil || again != c {
			t.Fatalf("%q: %+v comes back as %+v, %v", text, c, again, err)
		}
	})
}
