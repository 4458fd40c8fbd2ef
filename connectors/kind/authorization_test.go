package kind_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/connectors/kind"
)

func TestAuthorizationProblem(t *testing.T) {
	for value, want := range map[string]string{
		"":                          "",
		"Bearer abc":                "",
		"abc":                       "",
		"Authorization: Bearer abc": "without",
		"authorization:abc":         "without",
		"Bearer abc\n":              "line break",
		"Bearer a\tb":               "cannot carry",
		"Bearer é":                  "cannot carry",
		strings.Repeat("a", 4097):   "longer",
	} {
		got := kind.AuthorizationProblem(value)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("AuthorizationProblem(%.40q) = %q, want it to say %q", value, got, want)
		}
	}
}
