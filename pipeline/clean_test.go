package pipeline_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
)

func TestClean(t *testing.T) {
	long := strings.Repeat("é", 400)
	for in, want := range map[string]string{
		"":                          "",
		"plain":                     "plain",
		"two\r\nlines\tand\x1b[31m": "two  lines and?[31m",
		"bad\xffbyte":               "bad?byte",
		"right\u202eto left":        "right?to left",
		"a\u2028b":                  "a b",
		long:                        strings.Repeat("é", 150) + " ...",
		"x" + long:                  "x" + strings.Repeat("é", 149) + " ...",
	} {
		if got := pipeline.Clean(in); got != want {
			t.Errorf("Clean(%.40q) = %q, want %q", in, got, want)
		}
	}
}
