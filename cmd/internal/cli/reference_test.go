package cli_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/cli"
	"github.com/signalbox-dev/signalbox/policies"
)

var update = flag.Bool("update", false, "write the references in docs anew")

// TestReferences: the references in docs are what the commands print.
func TestReferences(t *testing.T) {
	for verb, path := range map[string]string{"events": "../../../docs/events.md", "input": "../../../docs/input.md"} {
		code, out, errs := command(t, verb, "--format", "markdown")
		if code != 0 {
			t.Fatal(errs)
		}
		if *update {
			if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != out {
			t.Errorf("%s is not what signalbox %s --format markdown prints; go test ./cmd/internal/cli -run References -update writes it anew (%v)", path, verb, err)
		}
	}
}

// command runs a verb that needs no product.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{Out: &o, Err: &e, Env: func(string) (string, bool) { return "", false }})
	return code, o.String(), e.String()
}

// TestInputIsDescribed: every member has a meaning, and every leaf an example.
func TestInputIsDescribed(t *testing.T) {
	for _, m := range policies.InputReference() {
		if m.Doc == "" || m.Type == "" || m.Present == "" {
			t.Errorf("%s is not described: %+v", m.Path, m)
		}
		if m.Example == nil && (m.Type == "string" || m.Type == "number" || m.Type == "boolean") {
			t.Errorf("%s has no example", m.Path)
		}
	}
}

// TestLookUp finds one event or member, and says what may be meant.
func TestLookUp(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"events"}, 0, []string{`^name +family +says$`, `^session-revoked +caep +Sessions ended`, `^alert +local `}},
		{[]string{"events", "credential-change"}, 0, []string{`^credential-change +A credential was created`, `change_type +string, required: what happened`, `one of create, revoke, update, delete$`, `concepts +credential-change; mfa-change when credential_type is fido2-platform, fido2-roaming, .*, app$`}},
		{[]string{"events", "--format", "json", "session-presented"}, 0, []string{`"name": "fp_ua"`}},
		{[]string{"events", "credential-chnge"}, 1, []string{`there is no event "credential-chnge"; did you mean "credential-change"\?`}},
		{[]string{"input", "user.risk"}, 0, []string{`^input\.user\.risk\.level +string .*user\.risk +highest of the sources; one of low, medium, high, unknown$`}},
		{[]string{"input", "user.rsk"}, 1, []string{`there is no input\.user\.rsk; did you mean input\.user\.risk\?`}},
		{[]string{"input", "--format", "json", "now"}, 0, []string{`"present": "always"`}},
	} {
		code, out, errs := command(t, c.args...)
		if code != c.code {
			t.Errorf("%v: exit %d", c.args, code)
		}
		shows(t, out+errs, c.want...)
	}
}
