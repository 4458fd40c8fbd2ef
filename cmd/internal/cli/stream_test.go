package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/cmd/internal/cli"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
)

// secrets is the environment of commands that call a transmitter.
var secrets = map[string]string{
	"SIGNALBOX_STREAM_AUTHORIZATION":      "Bearer management-token",
	"SIGNALBOX_STREAM_PUSH_AUTHORIZATION": "Bearer push-secret",
}

// stream runs a command with credentials in the environment.
func stream(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{Out: &o, Err: &e, Env: func(name string) (string, bool) {
		v, ok := secrets[name]
		return v, ok
	}})
	for _, text := range []string{o.String(), e.String()} {
		if strings.Contains(text, "management-token") || strings.Contains(text, "push-secret") {
			t.Errorf("%q shows a secret: %s", args, text)
		}
	}
	return code, o.String(), e.String()
}

// TestStreamVerbs drives every operation of a management API.
func TestStreamVerbs(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	tx.Token = "management-token"
	run := func(want int, args ...string) string {
		t.Helper()
		args = append(append([]string{"stream"}, args...), tx.URL, "--allow-private")
		code, out, errs := stream(t, args...)
		if code != want {
			t.Fatalf("%q ended with %d: %s%s", args, code, out, errs)
		}
		return out + errs
	}
	if out := run(0, "list"); !strings.Contains(out, "no stream") {
		t.Errorf("list: %s", out)
	}
	var created map[string]any
	if err := json.Unmarshal([]byte(run(0, "create", "--events", "session-revoked,credential-change", "--push", "https://siem.example.com/p", "--description", "ours", "--format", "json")), &created); err != nil {
		t.Fatal(err)
	}
	id, _ := created["stream_id"].(string)
	if d := tx.Configuration(id, "delivery").(map[string]any); d["authorization_header"] != "Bearer push-secret" {
		t.Errorf("delivery %v", d)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, id + "  push"},
		{[]string{"list", "--format", "json"}, `"stream_id": "` + id + `"`},
		{[]string{"read"}, "delivers                    session-revoked, credential-change"},
		{[]string{"update", "--description", "other"}, "other"},
		{[]string{"replace", "--poll", "--events", "session-revoked"}, "delivery                    poll"},
		{[]string{"status"}, "is enabled"},
		{[]string{"status", "--set", "paused", "--reason", "maintenance"}, "is paused: maintenance"},
		{[]string{"status", "--format", "json"}, `"status": "paused"`},
		{[]string{"verify", "--state", "s-1"}, "was promised"},
		{[]string{"subjects", "--add", "jane@example.com", "--add", `{"format":"opaque","id":"u-1"}`, "--remove", "opaque:u-2"}, "2 added, 1 removed"},
	} {
		if out := run(0, c.args...); !strings.Contains(out, c.want) {
			t.Errorf("%q: %s; want %q", c.args, out, c.want)
		}
	}
	if d := tx.Configuration(id, "description"); d != nil {
		t.Errorf("replace left the description %v", d)
	}
	if out := run(2, "delete"); !strings.Contains(out, "--yes") {
		t.Errorf("delete without being asked: %s", out)
	}
	req.Equal(t, "INTEROP-16", run(0, "delete", "--yes"), "deleted stream "+id+"\n")
	if out := run(1, "read", "--stream", id); !strings.Contains(out, "404") {
		t.Errorf("read after delete: %s", out)
	}
}

// TestStreamOfSource: the configuration says how the transmitter is reached and
// what the stream is to be.
func TestStreamOfSource(t *testing.T) {
	tx := pipelinetest.NewTransmitter(t)
	tx.Token = "management-token"
	dir := t.TempDir()
	path := filepath.Join(dir, "config.hcl")
	text := fmt.Sprintf(`
issuer %[1]q {
  jwks     = "%[1]s/jwks.json"
  audience = ["https://siem.example.com"]
}
source "ssf" "tx" {
  issuer        = %[1]q
  transmitter   = %[1]q
  authorization = env("SIGNALBOX_STREAM_AUTHORIZATION")
  allow_private = true
  stream { events = ["session-revoked"] }
}
`, tx.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := stream(t, "stream", "create", "tx", "--config", path); code != 0 || !strings.Contains(out, "signalbox tx") {
		t.Fatalf("create: %d %s%s", code, out, errs)
	}
	if code, out, errs := stream(t, "doctor", "tx", "--config", path); code != 0 || !strings.Contains(out, "round trip") || !strings.Contains(out, "0 faults") {
		t.Errorf("doctor: %d %s%s", code, out, errs)
	}
	if code, out, _ := stream(t, "doctor", tx.URL, "--allow-private", "--format", "json"); code != 0 || !strings.Contains(out, `"ok": true`) {
		t.Errorf("doctor: %d %s", code, out)
	}
	if n := len(tx.Streams()); n != 1 {
		t.Errorf("%d streams are left", n)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"stream"}, "say what to do"},
		{[]string{"stream", "make", "tx"}, "unknown command"},
		{[]string{"stream", "list"}, "give one transmitter"},
		{[]string{"stream", "list", "ty", "--config", path}, `there is no source "ty"`},
		{[]string{"stream", "list", "tx", "--config", path, "--allow-private"}, "--allow-private with a source"},
		{[]string{"stream", "list", "http://tx.example.com"}, "Use https"},
		{[]string{"stream", "update", "tx", "--config", path}, "say what to change"},
		{[]string{"stream", "create", "tx", "--events", "sesion-revoked"}, "session-revoked"},
		{[]string{"stream", "status", "tx", "--set", "off"}, "--set"},
		{[]string{"stream", "subjects", "tx"}, "--add"},
		{[]string{"stream", "subjects", "tx", "--add", "jane"}, "subject"},
		{[]string{"doctor"}, "give one transmitter"},
		{[]string{"doctor", "tx", "--timeout", "1h"}, "10m"},
	} {
		if code, _, errs := stream(t, c.args...); code != 2 || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d %s; want %q", c.args, code, errs, c.want)
		}
	}
}
