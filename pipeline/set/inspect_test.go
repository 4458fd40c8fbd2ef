package set_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/set"
)

func TestInspect(t *testing.T) {
	s := readSetting(t, "testdata/vectors")
	token := s.token(t, []byte(`{"alg":"none"}`), []byte(`{"iss":"x","n":"a\u001b[31m\u009b`+"\u202e\U000e0041"+`é"}`))
	d, err := set.Inspect([]byte("  " + string(token) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(d.Header), "{\n  \"alg\": \"none\"\n}"; got != want {
		t.Errorf("header %s", got)
	}
	if got, want := string(d.Claims), "{\n  \"iss\": \"x\",\n  \"n\": \"a\\u001b[31m\\u009b\\u202e\\udb40\\udc41é\"\n}"; got != want {
		t.Errorf("claims %s", got)
	}
	if d.SignatureBytes != 0 {
		t.Errorf("signature of %d bytes", d.SignatureBytes)
	}
	for want, token := range map[string]string{
		"2 segments":  "e30.e30",
		"header":      "!.e30.",
		"claims":      "e30.bm8.",
		"longer than": strings.Repeat("A", 70000),
	} {
		if _, err := set.Inspect([]byte(token)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
