package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOPAInput: every id of a decision gives the input its rules saw; so does
// the token before it is handed in.
func TestOPAInput(t *testing.T) {
	p := newProduct(t)
	decision, action := p.take("credential-compromise", "jane@example.com", exposed)
	want := p.run("opa", "input", decision)
	var in struct {
		Now   float64
		Event struct{ ID, Type string }
		User  struct{ Email string }
	}
	if err := json.Unmarshal([]byte(want), &in); err != nil || in.Event.Type != "credential-compromise" || in.User.Email != "jane@example.com" || in.Now == 0 {
		t.Fatalf("%v in %s", err, want)
	}
	for _, id := range []string{action, in.Event.ID} {
		if got := p.run("opa", "input", id); got != want {
			t.Errorf("%s gives\n%s\nnot\n%s", id, got, want)
		}
	}
	p.write("token.jwt", p.sign("credential-compromise", "joe@example.com", exposed))
	shows(t, p.run("opa", "input", p.path("token.jwt")), `"email": "joe@example.com"`)
	p.write("quiet.jwt", p.sign("token-claims-change", "joe@example.com", `{"claims":{"role":"x"}}`))
	for _, c := range []struct{ arg, want string }{
		{"d-0123456789abcdefghjkmnpqrs", "the journal holds nothing under d-"},
		{p.path("quiet.jwt"), "no rules saw .*: no rule speaks to the event"},
		{"nothing", "nothing is neither a file nor an id"},
	} {
		code, _, errs := p.try("opa", "input", c.arg)
		if code != 1 {
			t.Errorf("%s: exit %d", c.arg, code)
		}
		shows(t, errs, c.want)
	}
}

// TestOPABundle: a bundle is made, brought up to date, and never written over
// anything else.
func TestOPABundle(t *testing.T) {
	p := newProduct(t)
	dir := p.path("bundle")
	shows(t, p.run("opa", "bundle", dir), "opa eval -b "+dir+" -i input.json")
	rule := filepath.Join(dir, "signals", "threat_alert.rego")
	if _, err := os.Stat(rule); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "signals", "gone.rego")
	p.write("bundle/signals/gone.rego", "package signals.gone\n")
	p.run("opa", "bundle", dir)
	if _, err := os.Stat(gone); err == nil {
		t.Error("a rule that is gone is still in the bundle")
	}
	p.write("other/notes.txt", "mine")
	if code, _, errs := p.try("opa", "bundle", p.path("other")); code != 1 || !strings.Contains(errs, "is not empty and not a bundle of signalbox") {
		t.Errorf("exit %d: %s", code, errs)
	}
	p.write("broken/signals/x.rego", "package")
	if code, _, errs := p.try("opa", "bundle", "--dir", p.path("broken"), p.path("new")); code != 1 || !strings.Contains(errs, "x.rego:1:7") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if _, err := os.Stat(p.path("new")); err == nil {
		t.Error("a bundle of broken rules was begun")
	}
}
