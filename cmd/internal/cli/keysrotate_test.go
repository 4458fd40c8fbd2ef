package cli_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestKeysRotate: the running product signs with the new key and publishes both;
// the journal tells, and no private key is printed.
func TestKeysRotate(t *testing.T) {
	p := newProductWith(t, map[string]string{"app.token": "of-the-app-0123456789"}, signalsSink)
	for _, args := range [][]string{{"--keep", "-1h"}, {"--keep", "9000h"}, {"--lead", "-1m"}, {"--lead", "1000h"}, {"--alg", "HS256"}} {
		if code, _, _ := p.try(append([]string{"keys", "rotate"}, args...)...); code != 2 {
			t.Errorf("%q ended with %d", args, code)
		}
	}
	if code, _, errs := p.try("keys", "rotate", "--alg", "RS256"); code != 1 || !strings.Contains(errs, "no key for RS256") {
		t.Errorf("a key that nothing signs with: %d %s", code, errs)
	}
	out := p.run("keys", "rotate", "--comment", "yearly")
	shows(t, out, `^new ES256 key \S+: the running product signs with it from 2\S+ on, and publishes it till then$`, `^key \S+ stays published until 2`)
	waiting := strings.TrimSuffix(strings.Fields(out)[3], ":")
	shows(t, p.run("keys", "list"), `^ES256 +\S+ +signs, until 2`, `^ES256 +`+waiting+` +published, signs from 2`)
	made := strings.TrimSuffix(strings.Fields(p.run("keys", "rotate", "--lead", "0s", "--comment", "sooner"))[3], ":")
	resp, err := http.Get("http://" + p.app.Addr() + "/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || strings.Count(string(text), `"kid"`) != 3 || !strings.Contains(string(text), made) || strings.Contains(string(text), `"d"`) {
		t.Errorf("published: %s %v", text, err)
	}
	shows(t, p.run("keys", "list"), `^ES256 +\S+ +published, until`, `^ES256 +`+made+` +signs$`)
	if out := p.run("keys", "rotate", "--keep", "0s"); !strings.Contains(out, "key "+made+" is dropped") {
		t.Errorf("a key that leaked: %s", out)
	}
	p.settle()
	shows(t, p.run("query", "event.action:rotate-keys", "--format", "json"), "yearly", "sooner", waiting, made)
	p.write("alone.hcl", `data_dir = "alone"`)
	p.run("keys", "list", "--config", p.path("alone.hcl"))
	shows(t, p.run("keys", "rotate", "--config", p.path("alone.hcl")), "nothing runs")
}
