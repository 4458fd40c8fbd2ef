package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/connectors/ssf/receiver"
)

// shown is everything the list can be printed as.
func shown(t *testing.T, list diag.List) string {
	t.Helper()
	var b bytes.Buffer
	if err := (diag.Style{Color: true}).Write(&b, list); err != nil {
		t.Fatal(err)
	}
	if err := diag.WriteJSON(&b, list); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&b, list.Error())
	return b.String()
}

// Wherever a secret stands or comes from, and whatever is wrong with it or
// beside it, it is in no form of the diagnostics.
func TestSecretsStayHidden(t *testing.T) {
	const secret = "hunter2-correct-horse"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret+"\x01bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		switch name {
		case "S":
			return secret, true
		case "CONTROL":
			return secret + "\n" + secret, true
		}
		return "", false
	}
	source := func(line string) string {
		return "source \"ssf\" \"idp\" {\n  issuer = \"https://idp.example.com\"\n  push {\n" + line + "\n  }\n}\n"
	}
	for name, src := range map[string]string{
		"literal":              source(`authorization = "Bearer hunter2-correct-horse"`),
		"literal on one line":  `source "ssf" "idp" { push { authorization = "hunter2-correct-horse" } }`,
		"literal and more":     source(`authorization = "hunter2-correct-horse" oops`),
		"unclosed":             source(`authorization = "hunter2-correct-horse`),
		"unquoted":             source(`authorization = hunter2-correct-horse`),
		"unquoted with spaces": source(`authorization = Bearer hunter2-correct-horse`),
		"as a label":           source(`authorization "hunter2-correct-horse" {}`),
		"heredoc":              source("authorization = <<E\nhunter2-correct-horse\nE"),
		"in a list":            source(`authorization = ["hunter2-correct-horse"]`),
		"in an object":         source("authorization = {\n  a = \"hunter2-correct-horse\"\n}"),
		"behind a call":        source(`authorization = "${env("S")} hunter2-correct-horse" oops`),
		"unsuitable":           source(`authorization = env("CONTROL")`),
		"unsuitable file":      source(`authorization = file("secret")`),
		"as an address":        `listen = env("S")`,
		"as a number":          "limits {\n  max_batch = env(\"S\")\n}",
		"as a duration":        `seen_for = env("S")`,
		"as a duration call":   `seen_for = duration(env("S"))`,
		"as a size":            "journal {\n  keep = \"1d\"\n  max_size = bytes(env(\"S\"))\n}",
		"as a file name":       `node = file(env("S"))`,
		"as an issuer":         source(`authorization = env("S")`) + "\nsource \"ssf\" \"b\" {\n  issuer = env(\"S\")\n}",
		"as a sink":            "action \"revoke-session\" {\n  emit \"session-revoked\" { to = [env(\"S\")] }\n}",
		"as an event":          "issuer \"https://idp.example.com\" {\n  jwks = env(\"S\")\n  audience = [\"a\"]\n  rules = env(\"S\")\n  algorithms = [env(\"S\")]\n  remit {\n    events = [env(\"S\")]\n    subjects = [env(\"S\")]\n    actions = [env(\"S\")]\n    links = env(\"S\")\n  }\n}",
		"as a mode":            "policies {\n  rule \"r\" {\n    mode = env(\"S\")\n  }\n}",
		"as an action":         "action \"disable-account\" {\n  reversible_by = env(\"S\")\n}",
		"as an index":          `node = { a = 1 }[env("S")]`,
		"in a condition":       `node = env("S") ? "a" : "b"`,
		"in a sum":             `seen_for = env("S") + 1`,
		"as a template":        "node = \"${{ a = env(\"S\") }}\"",
	} {
		t.Run(name, func(t *testing.T) {
			_, list := Parse("config.hcl", dir, []byte(src), env)
			if !list.HasErrors() {
				t.Fatal("no error")
			}
			if text := shown(t, list); strings.Contains(text, "hunter2") || strings.Contains(text, "correct-horse") {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
}

func TestSecretReachesConnector(t *testing.T) {
	cfg, list := Load("testdata/valid/secret-file.hcl", testEnv)
	if len(list) > 0 {
		t.Fatal(list)
	}
	push := cfg.Sources[0].Config.(*receiver.Config).Push
	if got := string(push.Authorization); got != "correct horse battery staple" {
		t.Errorf("authorization is %q", got)
	}
	if text := fmt.Sprintf("%v %+v", push, *push); strings.Contains(text, "horse") {
		t.Errorf("printing the source shows its secret: %s", text)
	}
}

func TestMask(t *testing.T) {
	secrets := map[string]bool{"password": true}
	for _, c := range []struct{ src, want string }{
		{`password = "abc"`, `password = "***"`},
		{`other = "password"`, `other = "password"`},
		{"password = \"äöü\" # why\nb = \"c\"", "password = \"***\" # why\nb = \"c\""},
		{`password = env("NAME")`, `password = env("NAME")`},
		{`password = "a${env("NAME")}b"`, `password = "*${env("NAME")}*"`},
		{`x { password = "abc" } y = "z"`, `x { password = "***" } y = "z"`},
		{"password = [\n\"a\",\nfile(\"b\"),\n]\nc = \"d\"", "password = [\n\"*\",\nfile(\"b\"),\n]\nc = \"d\""},
		{"password = 1234", "password = ****"},
	} {
		if got := string(mask([]byte(c.src), secrets)); got != c.want {
			t.Errorf("mask(%q) = %q, want %q", c.src, got, c.want)
		}
	}
}

func TestFileFunction(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good": "  s3cret\r\n", "large": strings.Repeat("x", largestSecret+1), "binary": "\xff\xfe",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := readFile(dir, "good"); got != "s3cret" || err != nil {
		t.Errorf("good: %q, %v", got, err)
	}
	if got, err := readFile("/elsewhere", filepath.Join(dir, "good")); got != "s3cret" || err != nil {
		t.Errorf("absolute: %q, %v", got, err)
	}
	for name, want := range map[string]string{
		"large": "is too large", "binary": "is not text", "none": "does not exist", ".": "is not a regular file",
	} {
		if _, err := readFile(dir, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
