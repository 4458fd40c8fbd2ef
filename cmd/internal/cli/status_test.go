package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestStatus shows how a running product is, and whether all of it works by the
// exit code.
func TestStatus(t *testing.T) {
	p := newProduct(t, `
source "file" "drop" { path = "idp.jwks.json" }
sink "file" "app" { path = "out.jsonl" }
`)
	p.take("session-revoked", "email:jane@example.com", `{}`)
	shows(t, p.run("status"), `^signalbox test, up for (\d+m)?\d+s, listening on 127\.0\.0\.1:\d+$`, `^ready     every part works$`,
		`^actions   go out`, `^journal   .* at record \d+;`, `^idp `, `^drop `, `^app +0`, `^local +0$`)

	p.run("stop-actions", "--comment", "drill")
	shows(t, p.run("status"), `^actions   are held: signalbox stop-actions --resume`)
	var s struct {
		Ready   bool
		Stopped bool `json:"actions_stopped"`
		Sources []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(p.run("status", "--format", "json")), &s); err != nil || !s.Ready || !s.Stopped || len(s.Sources) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if code, _, errs := p.try("status", "now"); code != 2 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestStatusNotReady says what does not work, and ends with 1.
func TestStatusNotReady(t *testing.T) {
	p := newProductWith(t, map[string]string{"management.secret": "Bearer management"}, `
issuer "https://127.0.0.1:1" {
  jwks_file = "idp.jwks.json"
  audience  = ["https://siem.example.com"]
}
source "ssf" "tx" {
  issuer        = "https://127.0.0.1:1"
  transmitter   = "https://127.0.0.1:1"
  authorization = file("management.secret")
  allow_private = true
  stream {}
}
`)
	for deadline := time.Now().Add(pipelinetest.Patience); ; time.Sleep(10 * time.Millisecond) {
		code, out, errs := p.try("status")
		if code == 1 && strings.Contains(out, "connection refused") {
			shows(t, out, `^problem   source tx: `, `^tx +degraded `, `^idp `)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
	}
}
