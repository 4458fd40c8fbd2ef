package policies

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"90s", 90 * time.Second}, {"10m", 10 * time.Minute}, {"1h30m", 90 * time.Minute}, {"30d", 30 * 24 * time.Hour}, {"0s", 0},
		{"", -1}, {"10", -1}, {"m", -1}, {"1w", -1}, {"-1s", -1}, {"1.5h", -1}, {"401d", -1}, {"400d1s", -1}, {"99999999999999999999d", -1}, {"9223372036854775807s", -1},
	} {
		got, err := parseDuration(c.text)
		if c.want < 0 != (err != nil) || err == nil && got != c.want {
			t.Errorf("%q: got %v, %v", c.text, got, err)
		}
	}
}

// FuzzParseDuration: no text gives a negative or an overlong duration.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"1h30m", "400d", "9223372036854775807s", "1d1d1d", "٣d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDuration(s); err == nil && (d < 0 || d > maxDuration) {
			t.Errorf("%q: %v", s, d)
		}
	})
}
