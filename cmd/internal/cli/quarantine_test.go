package cli_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestQuarantine: a token for a name that is not ours is kept; once the
// configuration names it, the token is brought to the line by hand.
func TestQuarantine(t *testing.T) {
	p := newProduct(t)
	shows(t, p.run("quarantine", "list"), "^Nothing is in quarantine.$")
	token := strings.TrimSpace(p.run("set", "sign", "--config", p.path("keys.hcl"), "--issuer", "https://idp.example.com",
		"--audience", "https://new-name.example.com", "--event", "credential-compromise", "--subject", "jane@example.com", "--body", exposed))
	refused := func(text string) {
		t.Helper()
		receipts, err := p.app.Pipeline().Handle(t.Context(), []pipeline.Message{{
			Source: "idp", Sender: "https://idp.example.com", Delivery: "push", RemoteAddr: "192.0.2.1",
			ContentType: "application/secevent+jwt", Body: []byte(text), Received: time.Now(),
		}})
		if err != nil || receipts[0].Reject == nil {
			t.Fatalf("%+v, %v", receipts, err)
		}
	}
	refused(token)
	refused(token)
	refused("junk \x1b[2J")
	list := p.run("quarantine", "list", "--code", "invalid_audience")
	shows(t, list, `^ID +LAST +TIMES +SOURCE +SENDER +CODE +WHY$`, `^q-\w{26} +\S+ \S+ +2 +idp +https://idp.example.com +invalid_audience +claim aud`)
	id := regexp.MustCompile(`q-\w{26}`).FindString(list)
	junk := regexp.MustCompile(`q-\w{26}`).FindString(p.run("quarantine", "list", "--code", "invalid_request"))

	shows(t, p.run("quarantine", "show", id), `^refused +invalid_audience: claim aud does not name this receiver \(SET-08\)$`, `^from +192.0.2.1$`,
		`^times +2, first `, `"aud": "https://new-name.example.com"`, `"alg": "`, `^as received$`, `^`+regexp.QuoteMeta(token)+`$`)
	if out := p.run("quarantine", "show", junk); strings.Contains(out, "\x1b") || !strings.Contains(out, "junk") {
		t.Errorf("shows %q", out)
	}
	shows(t, p.run("quarantine", "show", "--format", "json", id), `"count": 2`, `"claims": \{`)
	p.settle()
	shows(t, p.run("query", "--format", "ndjson", "set.reject.quarantine:"+id), `"verdict":"rejected"`)

	code, out, _ := p.try("quarantine", "retry", id)
	if code != 1 {
		t.Errorf("exit %d though it stays", code)
	}
	shows(t, out, `^`+id+` refused again: invalid_audience: `, `^1 tried again, 1 stay in quarantine$`)

	p.write("config.hcl", strings.Replace(productConfig, `["https://siem.example.com"]`, `["https://siem.example.com", "https://new-name.example.com"]`, 1))
	if _, err := p.app.Reload(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	out = p.run("quarantine", "retry", "--all", "--issuer", "https://idp.example.com", "--code", "invalid_audience")
	shows(t, out, `^`+id+` accepted as i-\w{26}$`, `^1 tried again, 0 stay in quarantine$`)
	p.settle()
	shows(t, p.run("timeline", "--user", "jane@example.com"), `password compromised`)
	shows(t, p.run("query", "event.action:quarantine-retry"), `quarantine-retry by `)
	shows(t, p.run("quarantine", "retry", id), `^`+id+` no longer there$`)

	shows(t, p.run("quarantine", "drop", junk, "--comment", "junk"), `^1 dropped from quarantine$`)
	shows(t, p.run("quarantine", "list"), "^Nothing is in quarantine.$")
	code, _, errs := p.try("quarantine", "show", junk)
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	shows(t, errs, `no message `+junk+` is in quarantine`)
}
