package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/cmd/internal/diag"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/set"
)

const (
	testIssuer   = "https://idp.example.com"
	testAudience = "https://siem.example.com"
	testSecret   = "a-secret-of-the-test"
)

// site is a directory with a configuration and the keys of its issuer.
type site struct {
	t      *testing.T
	dir    string
	signer *jose.Signer
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir()}
	app.FitIndex(t, filepath.Join(s.dir, "data"))
	var err error
	if s.signer, err = jose.GenerateSigner("ES256"); err != nil {
		t.Fatal(err)
	}
	s.write("idp.jwks.json", string(s.signer.JWKS()))
	s.write("push.secret", testSecret)
	s.write("rules/signals/.keep", "")
	s.configure("")
	return s
}

func (s *site) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes a configuration, with a further piece at its end.
func (s *site) configure(more string) {
	s.write("config.hcl", fmt.Sprintf(`
listen   = "127.0.0.1:0"
data_dir = "data"
metrics { listen = "127.0.0.1:0" }
issuer %q {
  jwks_file = "idp.jwks.json"
  audience  = [%q]
  remit {
    events   = ["*"]
    subjects = ["email:*@example.com"]
    actions  = ["*"]
  }
}
source "ssf" "idp" {
  issuer = %q
  push { authorization = file("push.secret") }
}
policies { dir = "rules" }
journal  { min_free = bytes("1MiB") }
sink "file" "out" {
  path      = "out.jsonl"
  authority = true
}
action "revoke-session" {
  emit "session-revoked" { to = ["out"] }
}
index "sqlite" "local" {}
%s`, testIssuer, testAudience, testIssuer, more))
}

func (s *site) path() string { return filepath.Join(s.dir, "config.hcl") }

func (s *site) open() *app.App {
	s.t.Helper()
	a, err := app.New(app.Options{Config: s.path(), Version: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := a.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.stop(a) })
	return a
}

func (s *site) stop(a *app.App) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		s.t.Error(err)
	}
}

func (s *site) token(jti, email string) []byte {
	s.t.Helper()
	return s.tokenOf(testIssuer, jti, email)
}

// tokenOf is a token of an issuer, signed with the key of the site's.
func (s *site) tokenOf(issuer, jti, email string) []byte {
	s.t.Helper()
	subject, err := event.NewSimple("email", "email", email)
	if err != nil {
		s.t.Fatal(err)
	}
	typ, _ := event.ByName("account-disabled")
	claims, err := set.Build(set.Claims{Issuer: issuer, Audience: []string{testAudience}, IssuedAt: time.Now(), JTI: jti, Subject: subject, Event: typ.URI})
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := s.signer.Sign(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// push offers a token and returns the status and the body of the answer.
func push(t *testing.T, a *app.App, token []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+a.Addr()+"/ssf/idp/push", bytes.NewReader(token))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	req.Header.Set("Authorization", "Bearer "+testSecret)
	return do(t, req)
}

func get(t *testing.T, a *app.App, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+a.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// settled waits until everything was delivered and indexed.
func settled(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), pipelinetest.Patience)
	defer cancel()
	if err := a.Settled(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestLine takes a token through the whole product and asks for it by every
// way there is.
func TestLine(t *testing.T) {
	s := newSite(t)
	a := s.open()
	if code, body := get(t, a, "/readyz"); code != http.StatusOK {
		t.Fatalf("readyz: %d %s", code, body)
	}
	if code, body := get(t, a, "/jwks.json"); code != http.StatusOK || !strings.Contains(body, `"kid"`) || strings.Contains(body, `"d"`) {
		t.Errorf("jwks: %d %s", code, body)
	}
	token := s.token("jti-1", "jane@example.com")
	if code, body := push(t, a, token); code != http.StatusAccepted || body != "" {
		t.Fatalf("push: %d %q", code, body)
	}
	if code, body := push(t, a, token); code != http.StatusAccepted || body != "" {
		t.Errorf("repeat: %d %q", code, body)
	}
	if code, body := push(t, a, append(token[:len(token)-4:len(token)-4], "AAAA"...)); code != http.StatusBadRequest || !strings.Contains(body, "authentication_failed") {
		t.Errorf("forgery: %d %q", code, body)
	}
	settled(t, a)
	out, err := os.ReadFile(filepath.Join(s.dir, "out.jsonl"))
	if err != nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "session-revoked") {
		t.Errorf("sink holds %q, %v", out, err)
	}
	client := api.Dial(filepath.Join(s.dir, "data"))
	answer, err := client.Query(t.Context(), api.QueryRequest{Query: "user.email:jane@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	for _, d := range answer.Docs {
		if _, rest, ok := strings.Cut(string(d), `"decision_id":"`); ok {
			id, _, _ = strings.Cut(rest, `"`)
		}
	}
	found, err := client.Journal(t.Context(), id)
	if err != nil || len(found.Records) != 1 {
		t.Fatalf("journal of %q: %+v, %v", id, found, err)
	}
	if x := found.Records[0]; x.Decisions[0].Result != "act" || x.Actions[0].Status != "acked" {
		t.Errorf("explanation: %+v", x)
	}
	for _, secret := range []string{testSecret, string(token)} {
		for _, d := range answer.Docs {
			if strings.Contains(string(d), secret) {
				t.Errorf("a document holds a secret: %s", d)
			}
		}
	}
}

// TestRestart stops in order, twice, and goes on where it stopped.
func TestRestart(t *testing.T) {
	s := newSite(t)
	a := s.open()
	token := s.token("jti-1", "jane@example.com")
	if code, body := push(t, a, token); code != http.StatusAccepted {
		t.Fatalf("push: %d %s", code, body)
	}
	s.stop(a)
	s.stop(a)
	a = s.open()
	if code, body := push(t, a, token); code != http.StatusAccepted {
		t.Fatalf("repeat after a restart: %d %s", code, body)
	}
	settled(t, a)
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(t.Context(), api.QueryRequest{Query: "event.dataset:ssf.decision"})
	if err != nil || len(answer.Docs) != 1 {
		t.Errorf("%d decisions, %v", len(answer.Docs), err)
	}
}

// TestReload exchanges what can be exchanged, and nothing when something is
// wrong.
func TestReload(t *testing.T) {
	s := newSite(t)
	a := s.open()
	before := a.Pipeline().Revision()

	s.configure(`protect {`)
	var list diag.List
	if _, err := a.Reload(t.Context(), "test"); !errors.As(err, &list) {
		t.Errorf("a broken configuration was taken: %v", err)
	}
	s.configure("")
	s.write("rules/signals/broken.rego", "package signals.broken\n\nactions contains {")
	if _, err := a.Reload(t.Context(), "test"); !errors.As(err, &list) {
		t.Errorf("a broken rule was taken: %v", err)
	}
	if a.Pipeline().Revision() != before {
		t.Error("a failed reload changed the policies")
	}
	if code, body := push(t, a, s.token("jti-1", "jane@example.com")); code != http.StatusAccepted {
		t.Errorf("push after failed reloads: %d %s", code, body)
	}

	if err := os.Remove(filepath.Join(s.dir, "rules/signals/broken.rego")); err != nil {
		t.Fatal(err)
	}
	s.configure("protect {\n  subjects = [\"email:omar@example.com\"]\n  reason   = \"on call\"\n}\n")
	got, err := a.Reload(t.Context(), "test")
	if err != nil || got.Restart {
		t.Fatalf("reload: %+v, %v", got, err)
	}
	if code, body := push(t, a, s.token("jti-2", "omar@example.com")); code != http.StatusAccepted {
		t.Errorf("push after the reload: %d %s", code, body)
	}
	settled(t, a)
	answer, err := api.Dial(filepath.Join(s.dir, "data")).Query(t.Context(), api.QueryRequest{Query: "action.guard:protected"})
	if err != nil || len(answer.Docs) != 1 {
		t.Errorf("%d held actions, %v", len(answer.Docs), err)
	}

	s.configure("limits { max_pending = 7 }\n")
	if got, err := a.Reload(t.Context(), "test"); err != nil || !got.Restart {
		t.Errorf("a change that needs a restart: %+v, %v", got, err)
	}
}

// TestStopSwitch holds what would leave and says so to whoever asks.
func TestStopSwitch(t *testing.T) {
	s := newSite(t)
	a := s.open()
	client := api.Dial(filepath.Join(s.dir, "data"))
	if st, err := client.StopActions(t.Context(), api.OperatorRequest{By: "ana", Comment: "drill"}); err != nil || !st.Stopped {
		t.Fatalf("stop: %+v, %v", st, err)
	}
	if code, body := push(t, a, s.token("jti-1", "jane@example.com")); code != http.StatusAccepted {
		t.Fatalf("push: %d %s", code, body)
	}
	settled(t, a)
	if out, err := os.ReadFile(filepath.Join(s.dir, "out.jsonl")); err != nil || len(out) > 0 {
		t.Errorf("something left: %q, %v", out, err)
	}
	if _, err := client.StopActions(t.Context(), api.OperatorRequest{}); err == nil {
		t.Error("nobody may stop without a name")
	}
	if st, err := client.ResumeActions(t.Context(), api.OperatorRequest{By: "ana"}); err != nil || st.Stopped {
		t.Errorf("resume: %+v, %v", st, err)
	}
	settled(t, a)
	answer, err := client.Query(t.Context(), api.QueryRequest{Query: "event.dataset:ssf.audit AND user.name:ana"})
	if err != nil || len(answer.Docs) != 2 {
		t.Errorf("%d audit documents, %v", len(answer.Docs), err)
	}
}

// TestPermissions: the api socket and everything under data_dir are the
// owner's alone.
func TestPermissions(t *testing.T) {
	s := newSite(t)
	s.open()
	for _, name := range []string{"data", "data/api.sock", "data/keys", "data/store"} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

// TestSecondProduct cannot use the same directory.
func TestSecondProduct(t *testing.T) {
	s := newSite(t)
	s.open()
	if _, err := app.New(app.Options{Config: s.path()}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second product on the same data_dir: %v", err)
	}
}
