package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestStoreCommands looks after the store of a running product.
func TestStoreCommands(t *testing.T) {
	p := newProduct(t)
	p.take("session-revoked", "email:jane@example.com", `{}`)

	status := p.run("store", "status")
	for _, want := range []string{"in use by the running product", "CURSOR", "index/local", "unindexed", "disk", "AT 100 %"} {
		if !strings.Contains(status, want) {
			t.Errorf("store status does not say %q:\n%s", want, status)
		}
	}
	var s struct {
		Running bool
		Format  int
		Journal struct{ Records, First, Last int }
		Budgets []struct {
			Name    string
			Percent int
		}
	}
	if err := json.Unmarshal([]byte(p.run("store", "status", "--format", "json")), &s); err != nil {
		t.Fatal(err)
	}
	if !s.Running || s.Format != 1 || s.Journal.First != 1 || s.Journal.Records < 2 || len(s.Budgets) < 3 {
		t.Errorf("%+v", s)
	}
	if out := p.run("store", "compact"); !strings.Contains(out, "The store had") {
		t.Error(out)
	}

	before := p.run("query", "user.email:jane@example.com", "--since", "all", "--format", "ndjson")
	if out := p.run("index", "rebuild", "--wait", "local"); !strings.Contains(out, "Index local was given") {
		t.Error(out)
	}
	if after := p.run("query", "user.email:jane@example.com", "--since", "all", "--format", "ndjson"); after != before || before == "" {
		t.Errorf("before the rebuild:\n%s\nafter:\n%s", before, after)
	}
	if code, _, errs := p.try("index", "rebuild", "nosuch"); code != 1 || !strings.Contains(errs, `there is no index "nosuch" (the configuration has: local)`) {
		t.Errorf("%d %s", code, errs)
	}
}

// TestBackupCommands backs a running product up and brings it back elsewhere.
func TestBackupCommands(t *testing.T) {
	p := newProduct(t)
	p.take("session-revoked", "email:jane@example.com", `{}`)
	out := p.run("backup", p.path("backup"))
	for _, want := range []string{"is complete: journal 1 to", "1 signing key", "mode is 0700", "signalbox restore"} {
		if !strings.Contains(out, want) {
			t.Errorf("backup does not say %q:\n%s", want, out)
		}
	}
	if info, err := os.Stat(p.path("backup")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	for _, c := range []struct {
		dir, want string
	}{{"backup", "is not empty"}, {"data/backup", "is inside data_dir"}} {
		if code, _, errs := p.try("backup", p.path(c.dir)); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("backup to %s: %d %s", c.dir, code, errs)
		}
	}
	if out := p.run("restore", "--check", p.path("backup")); !strings.Contains(out, "is whole") {
		t.Error(out)
	}
	if code, _, errs := p.try("restore", p.path("backup")); code != 1 || !strings.Contains(errs, "signalbox is running") {
		t.Errorf("restore beside a running product: %d %s", code, errs)
	}
	p.settle()
	audit := p.run("query", "event.dataset:ssf.audit AND event.action:backup", "--since", "all", "--format", "ndjson")
	if strings.Count(audit, `"outcome":"success"`) != 1 || strings.Count(audit, `"outcome":"failure"`) != 2 {
		t.Errorf("audit: %s", audit)
	}

	p.write("other.hcl", strings.Replace(productConfig, `"data"`, `"elsewhere"`, 1))
	other := []string{"--config", p.path("other.hcl")}
	out = p.run(append([]string{"restore", p.path("backup")}, other...)...)
	for _, want := range []string{"Restored the backup", "What that means for delivery", "signalbox run --config"} {
		if !strings.Contains(out, want) {
			t.Errorf("restore does not say %q:\n%s", want, out)
		}
	}
	if out := p.run(append([]string{"store", "status"}, other...)...); !strings.Contains(out, "the product does not run") {
		t.Error(out)
	}
	if code, _, errs := p.try(append([]string{"restore", p.path("backup")}, other...)...); code != 1 || !strings.Contains(errs, "holds a store already") {
		t.Errorf("restore over a store: %d %s", code, errs)
	}
}
