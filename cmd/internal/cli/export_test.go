package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestExport: what is known of a case leaves in one file that is checked
// without the product, and its leaving is an audit document.
func TestExport(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer app.Close()
	p := newProduct(t, revocations(app.URL))
	decision, action := p.take("credential-compromise", "jane@example.com", exposed)
	p.take("credential-compromise", "joe@example.com", exposed)
	p.waitFor("action.status:acked user.name:jane*")

	one, two := p.path("one.tar.gz"), p.path("two.tar.gz")
	shows(t, p.run("export", "--chain", action, "--out", one, "--comment", "case 7"),
		`one\.tar\.gz holds \d+ documents, [2-9] originals and 1 decision about chain `+action, `^Signed by key \S{43}\.`, `^Check it with: signalbox export verify `)
	if info, err := os.Stat(one); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the bundle is %v, %v", info.Mode(), err)
	}
	p.write("own.jwks.json", p.run("keys", "jwks"))
	out := p.run("export", "verify", "--jwks", p.path("own.jwks.json"), one)
	shows(t, out, `^Verified: \d+ documents, `, `^because: case 7$`, `^- every file is as the product with the given key \S{43} signed`, `^- 1 token was received, each verified with a key recorded`,
		`tokens? sent (was|were) signed by the product's own keys`, `^Not proven$`, `^- that nothing was left out`)
	shows(t, p.run("export", "verify", one), `^- whose key that is: `)
	code, out, _ := p.try("export", "verify", "--jwks", p.path("idp.jwks.json"), one)
	if code != 1 {
		t.Errorf("signed by another key: exit %d", code)
	}
	shows(t, out, `^NOT VERIFIED`, `is not in the issuer's key set`)

	shows(t, p.run("export", "--user", "jane@example.com", "--no-originals", "--out", two), ` 0 originals and 1 decision `, `^Left out: originals, decision inputs\.$`)
	var report struct {
		Manifest struct {
			Policy struct{ Decided map[string]int }
		}
		Problems []string
	}
	if err := json.Unmarshal([]byte(p.run("export", "verify", "--format", "json", two)), &report); err != nil || len(report.Problems) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	p.settle()
	shows(t, p.run("query", "--format", "ndjson", "event.action:export"), `"detail":"chain `+action+`: \d+ documents, \d originals"`, `"reason":"case 7"`)

	text, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	p.write("bad.tar.gz", string(text[:len(text)/2]))
	for _, c := range []struct {
		want string
		code int
		args []string
	}{
		{"say about what", 2, nil},
		{"give one of", 2, []string{"--user", "x", "--chain", "y"}},
		{"is there already, and evidence is never overwritten", 1, []string{"--chain", decision, "--out", one}},
		{"nothing was found about user joan@example.com", 1, []string{"--user", "joan@example.com", "--out", p.path("three")}},
		{"did you mean user.name", 1, []string{"--query", "usr.name:x", "--out", p.path("three")}},
		{"give the file to check", 2, []string{"verify"}},
		{"no such file", 1, []string{"verify", p.path("three")}},
		{"the bundle is damaged", 1, []string{"verify", p.path("bad.tar.gz")}},
		{"this is no bundle", 1, []string{"verify", p.path("config.hcl")}},
		{"read key set", 1, []string{"verify", "--jwks", p.path("config.hcl"), one}},
	} {
		code, _, errs := p.try(append([]string{"export"}, c.args...)...)
		if code != c.code {
			t.Errorf("%v: exit %d", c.args, code)
		}
		if !strings.Contains(errs, c.want) {
			t.Errorf("%v says %s, not %s", c.args, errs, c.want)
		}
	}
}
