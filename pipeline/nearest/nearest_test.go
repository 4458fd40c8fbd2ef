package nearest_test

import (
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

func TestName(t *testing.T) {
	known := []string{"session-revoked", "session-presented", "query", "run", "user.email"}
	for given, want := range map[string]string{
		"sesion-revoked":   "session-revoked",
		"Session-Revoked":  "session-revoked",
		"qurey":            "query",
		"user.mail":        "user.email",
		"rnu":              "run",
		"sesion-presentde": "session-presented",
		"elephant":         "",
		"x":                "",
		"":                 "",
	} {
		if got := nearest.Name(given, known); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
