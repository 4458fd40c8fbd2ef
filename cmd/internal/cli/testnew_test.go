package cli_test

import (
	"os"
	"strings"
	"testing"
)

// TestTestNew: a decision becomes a test that passes, names nobody, and fails
// when the rule is changed.
func TestTestNew(t *testing.T) {
	p := newProduct(t)
	decision, _ := p.take("credential-compromise", "jane.doe@corp.example.com", `{"credential_type":"password","reason_admin":{"en":"seen by Omar at 198.51.100.23"}}`)
	dir := p.path("rules")
	code, _, errs := p.try("test", "new", "--from", decision, "--dir", dir)
	if code != 2 || !strings.Contains(errs, "choose one: --rule leaked_credentials or --rule threat_alert") {
		t.Errorf("exit %d: %s", code, errs)
	}
	out := p.run("test", "new", "--from", decision, "--dir", dir, "--rule", "threat_alert")
	shows(t, out, "^case credential_compromise_1 of threat_alert: No session is known, so all end; ", "run: signalbox test "+dir)
	cases, err := os.ReadFile(p.path("rules/signals/threat_alert_captured_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"jane", "doe", "corp", "Omar", "198.51.100.23", "idp.example.com"} {
		if strings.Contains(string(cases), who) {
			t.Errorf("%s is in\n%s", who, cases)
		}
	}
	shows(t, string(cases), `"email": "user1@host2.example"`, `"email:user1@host2.example"`)
	p.run("test", "--run", "captured", dir)

	// A second case stands beside the first; neither is written over.
	p.run("test", "new", "--from", decision, "--dir", dir, "--rule", "threat_alert")
	code, _, errs = p.try("test", "new", "--from", decision, "--dir", dir, "--rule", "threat_alert", "--name", "credential_compromise_1")
	if code != 1 || !strings.Contains(errs, `there is a case "credential_compromise_1" already`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	shows(t, p.run("test", "-v", "--run", "captured", dir), "credential_compromise_1: PASS", "credential_compromise_2: PASS")

	// The rule is replaced by one that ends no sessions.
	rule, err := os.ReadFile("../../../policies/signals/threat_alert.rego")
	if err != nil {
		t.Fatal(err)
	}
	p.write("rules/signals/threat_alert.rego", strings.Replace(string(rule), "count(input.user.sessions) == 0", "count(input.user.sessions) == 1", 1))
	code, out, _ = p.try("test", "--run", "captured", dir)
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	shows(t, out, `test_captured: FAIL`, "credential_compromise_1: FAIL")

	for _, c := range []struct {
		want string
		args []string
	}{
		{"say of what: --from ID", nil},
		{`there is no rule "threat_alrt"; did you mean "threat_alert"\?`, []string{"--from", decision, "--rule", "threat_alrt"}},
		{`"Jane" is not a name for a case`, []string{"--from", decision, "--rule", "threat_alert", "--name", "Jane"}},
		{`rule device_loss cannot see this input: input.event.type is never "credential-compromise"`, []string{"--from", decision, "--rule", "device_loss"}},
	} {
		code, _, errs := p.try(append([]string{"test", "new", "--dir", p.path("empty")}, c.args...)...)
		if code == 0 {
			t.Errorf("%v: exit %d", c.args, code)
		}
		shows(t, errs, c.want)
	}
	if _, err := os.Stat(p.path("empty")); err == nil {
		t.Error("a folder was made for nothing")
	}
}
