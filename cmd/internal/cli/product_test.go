package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/cli"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

const productConfig = `
listen   = "127.0.0.1:0"
data_dir = "data"
issuer "https://idp.example.com" {
  jwks_file = "idp.jwks.json"
  audience  = ["https://siem.example.com"]
  remit {
    events   = ["*"]
    subjects = ["*"]
    actions  = ["*"]
  }
}
source "ssf" "idp" {
  issuer = "https://idp.example.com"
  push { anonymous = true }
}
journal { min_free = bytes("1MiB") }
index "sqlite" "local" {}
`

// product is a running product and the command line beside it.
type product struct {
	t   *testing.T
	dir string
	app *app.App
}

func newProduct(t *testing.T, more ...string) *product {
	t.Helper()
	return newProductWith(t, nil, more...)
}

// revocations has the shipped rules' revocations pushed to an application.
func revocations(app string) string {
	return `
action "revoke-session" {
  emit "session-revoked" { to = ["app"] }
}
sink "ssf" "app" {
  issuer    = "https://signals.example.com"
  audience  = ["https://app.example.com"]
  authority = true
  push {
    endpoint      = "` + app + `"
    authorization = file("app.secret")
    allow_private = true
  }
}
`
}

// newProductWith is newProduct with files beside its configuration.
func newProductWith(t *testing.T, files map[string]string, more ...string) *product {
	t.Helper()
	p := &product{t: t, dir: t.TempDir()}
	for name, text := range files {
		p.write(name, text)
	}
	p.write("keys.hcl", `data_dir = "keys-only"`)
	p.write("idp.jwks.json", p.run("keys", "jwks", "--config", p.path("keys.hcl")))
	p.write("app.secret", "Bearer 0123456789abcdef")
	p.write("config.hcl", productConfig+strings.Join(more, ""))
	var err error
	if p.app, err = app.New(app.Options{Config: p.path("config.hcl"), Version: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := p.app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
		defer cancel()
		if err := p.app.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *product) path(name string) string { return filepath.Join(p.dir, name) }

func (p *product) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// try runs a command against the product.
func (p *product) try(args ...string) (code int, out, errs string) {
	p.t.Helper()
	var o, e bytes.Buffer
	env := func(name string) (string, bool) { return p.path("config.hcl"), name == "SIGNALBOX_CONFIG" }
	code = cli.Run(p.t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e, Env: env})
	return code, o.String(), e.String()
}

// run is try for what must work.
func (p *product) run(args ...string) string {
	p.t.Helper()
	code, out, errs := p.try(args...)
	if code != 0 {
		p.t.Fatalf("signalbox %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// sign makes a token of the issuer.
func (p *product) sign(event, subject, body string) string {
	p.t.Helper()
	return strings.TrimSpace(p.run("set", "sign", "--config", p.path("keys.hcl"), "--issuer", "https://idp.example.com",
		"--audience", "https://siem.example.com", "--event", event, "--subject", subject, "--body", body))
}

// take hands a token in and returns the ids of its decision and first action.
func (p *product) take(event, subject, body string) (decision, action string) {
	p.t.Helper()
	receipts, err := p.app.Pipeline().Handle(p.t.Context(), []pipeline.Message{{
		Source: "idp", Sender: "idp", Delivery: "push", ContentType: "application/secevent+jwt",
		Body: []byte(p.sign(event, subject, body)), Received: time.Now(),
	}})
	if err != nil || receipts[0].Verdict != pipeline.Accepted {
		p.t.Fatalf("%+v, %v", receipts, err)
	}
	p.settle()
	var x struct {
		Decisions []struct{ ID string }
		Actions   []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(p.run("explain", "--format", "json", receipts[0].ID)), &x); err != nil || len(x.Decisions) != 1 {
		p.t.Fatalf("%+v, %v", x, err)
	}
	if len(x.Actions) > 0 {
		action = x.Actions[0].ID
	}
	return x.Decisions[0].ID, action
}

// settle waits until everything is in the index.
func (p *product) settle() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), pipelinetest.Patience)
	defer cancel()
	if err := p.app.Settled(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// shows fails unless the text matches every pattern.
func shows(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, want := range patterns {
		if !regexp.MustCompile("(?m)" + want).MatchString(text) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// waitFor waits until a query finds something.
func (p *product) waitFor(query string) {
	p.t.Helper()
	for deadline := time.Now().Add(pipelinetest.Patience); ; time.Sleep(5 * time.Millisecond) {
		p.settle()
		if strings.TrimSpace(p.run("query", "--count", query)) != "0" {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("nothing is found by %s\n%s", query, p.run("query", "*"))
		}
	}
}

// waitForStream waits until the stream is there that the configuration states,
// which is made once the product runs.
func (p *product) waitForStream(id string) {
	p.t.Helper()
	for deadline := time.Now().Add(pipelinetest.Patience); ; time.Sleep(5 * time.Millisecond) {
		out := p.run("receivers", "list")
		if strings.Contains(out, id) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("there is no stream %s\n%s", id, out)
		}
	}
}
