package mappings

import (
	"testing"
	"time"
)

// TestDateText: the form is that of Format, of any time.
func TestDateText(t *testing.T) {
	for _, at := range []time.Time{
		{}, time.Unix(0, 0), time.Date(2026, 2, 3, 4, 5, 6, 7_999_999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)),
	} {
		want := at.UTC().Format(dateForm)
		if got, ok := dateText(at); ok != (len(want) == len(got) && want[0] != '-') || ok && string(got[:]) != want {
			t.Errorf("%s, %v, want %s", got, ok, want)
		}
	}
}
