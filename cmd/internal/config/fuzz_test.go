package config

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
)

// No text makes the loader panic, hang or show what came from outside, and what
// it finds can be rendered.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/errors/*.hcl", "testdata/warnings/*.hcl", "testdata/valid/*.hcl", "../../../config.hcl"} {
		for _, name := range glob(f, pattern) {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, src := range []string{
		`node = env("A")[env("A")]`, `node = env("A").b`, `node = {(env("A")) = 1}`, `node = "${env("A")}${[env("A")]}"`,
		`node = -env("A")`, `node = env("A") == env("B")`, `node = [env("A")][0]`, `node = duration(env("A"), 1)`, `node = env(env("A"))`,
		`node = env(["A"]...)`, `node = bytes(null)`, `node = <<E`, "node = <<-E\n${env(\"A\")}\nE\n", "\ufeffnode = 1", "node\x00= 1",
		`action "a" { emit "session-revoked" { body = { (action.with) = now } } }`,
		`action "a" { emit "session-revoked" { body = { a = now ? 1 : 2, b = action.with[now], c = event[*] } } }`,
	} {
		f.Add([]byte(src))
	}
	const secret = "tr0ub4dor-and-3"
	env := func(name string) (string, bool) { return secret, len(name) < 8 }
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, list := Parse("fuzz.hcl", dir, src, env)
		if cfg == nil {
			t.Fatal("no Config")
		}
		var out bytes.Buffer
		if err := (diag.Style{}).Write(&out, list); err != nil {
			t.Fatal(err)
		}
		if err := diag.WriteJSON(io.Discard, list); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(src, []byte(secret)) && strings.Contains(out.String(), secret) {
			t.Errorf("shows a secret:\n%s", out.String())
		}
		for _, a := range cfg.Actions {
			for _, e := range a.Emits {
				if e.Event == nil || e.Body == nil {
					t.Fatalf("action %q is half built", a.Name)
				}
				_, _ = e.Body.Render(vars(nil))
			}
		}
		for _, s := range cfg.Sources {
			if s.Config == nil {
				t.Fatalf("source %q has no configuration", s.Name)
			}
		}
	})
}
