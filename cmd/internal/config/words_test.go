package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "0s": 0, "0": 0, "1.5h": 90 * time.Minute,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "10", "d", "-1s", "1d-1h", "1d+1h", "1h1d", "99999999d", "3e9h", "1d 2h", "ten minutes", "2562047h48d"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "17B": 17, "64KiB": 64 << 10, "2 MB": 2_000_000, "3TiB": 3 << 40, "1GB": 1e9} {
		if got, ok := parseBytes(text); !ok || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "B", "-1B", "1.5KiB", "1KIB", "1  KiB", "1KiB ", "9999999TiB", "99999999999999999999"} {
		if got, ok := parseBytes(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}
