package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const approvals = `
policies {
  rule "threat_alert" { mode = "approve" }
}
protect {
  subjects = ["email:root@example.com"]
  reason   = "break-glass account"
}
action "revoke-session" {
  do "idp" {
    method = "DELETE"
    path   = "/users/${subject.email}/sessions"
    body   = { why = action.reason }
  }
  emit "session-revoked" { to = ["app"] }
}
action "notify" {
  do "app" {}
}
sink "file" "idp" { path = "idp.jsonl" }
sink "file" "app" { path = "app.jsonl" }
`

// revocation is the id of the waiting revoke-session for somebody.
func (p *product) revocation(subject string) string {
	p.t.Helper()
	for line := range strings.Lines(p.run("action", "list")) {
		if strings.Contains(line, "revoke-session") && strings.Contains(line, subject) {
			for f := range strings.FieldsSeq(line) {
				if strings.HasPrefix(f, "a-") {
					return f
				}
			}
		}
	}
	p.t.Fatalf("no revoke-session for %s waits", subject)
	return ""
}

// lines is what a sink was given.
func (p *product) lines(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// TestAction: what waits is listed and shown with what it would send, goes out
// when a person says so, call before fact, and all of it can be looked up.
func TestAction(t *testing.T) {
	p := newProduct(t, approvals)
	if _, _, errs := p.try("action", "list"); errs != "no action waits for a person\n" {
		t.Errorf("got %q", errs)
	}
	p.take("credential-compromise", "jane@example.com", exposed)
	shows(t, p.run("action", "list"),
		`^SINCE +ID +STATUS +GUARD +ACTION +FOR +RULE +EXPIRES +REASON$`,
		`a-\w{26} +pending_approval +mode +revoke-session +jane@example.com +threat_alert +\S+ \S+ +jane@example.com: `)
	shows(t, p.run("action", "list", "--format", "json", "--status", "pending_approval", "--limit", "1"), `"total": 3`, `"guard": "mode"`)

	_, _, errs := p.try("timeline", "--user", "jane")
	shows(t, errs, `^nothing about user jane with --since 24h; identifiers are whole`)

	id := p.revocation("jane@example.com")
	shows(t, p.run("action", "show", id), `^action +revoke-session for email:jane@example.com  `+id+`$`,
		`^waits +pending approval by guard mode until \S+ \S+: rule acts on approval only$`,
		`^    call DELETE /users/jane%40example.com/sessions at idp$`, `^      {"why":"jane@example.com: `,
		`^    session-revoked to app, once the call before it was taken$`,
		`^history +\S+ \S+  pending approval: rule acts on approval only$`)
	if text := p.lines("idp.jsonl"); text != "" {
		t.Fatalf("it went out: %s", text)
	}

	shows(t, p.run("action", "approve", id, "--comment", "called her", "--by", "kim"),
		`^`+id+` revoke-session for jane@example.com: approved; guard mode had held it \(rule acts on approval only\)$`,
		`^    call DELETE /users/jane%40example.com/sessions at idp queued$`,
		`^    session-revoked to app proposed: waits for the call of idp$`)
	p.settle()
	shows(t, p.lines("idp.jsonl"), `"request":{"method":"DELETE","path":"/users/jane%40example.com/sessions","body":{"why":"jane@example.com: `)
	shows(t, p.lines("app.jsonl"), `"event":"session-revoked"`)
	shows(t, p.run("action", "show", id), `approved: approved by kim: called her$`,
		`call DELETE /users/jane%40example.com/sessions at idp acked: written$`, `session-revoked to app acked: written$`)
	shows(t, p.run("explain", id), `^operator   approve-action by kim: `+id+`: called her$`, `DELETE /users/jane%40example.com/sessions at idp acked`, `session-revoked to app acked`)
	shows(t, p.run("timeline", "--user", "jane@example.com"), `revoke-session for jane@example.com approved by kim: called her`,
		`acked by idp \(DELETE$`, `/users/jane%40example.com/sessions\): written$`)
	shows(t, p.run("query", "--format", "ndjson", "event.action:approve-action"), `"detail":"`+id+`"`, `"name":"kim"`)
	shows(t, p.run("query", "--format", "ndjson", "action.path:*suspend* OR action.method:DELETE"), `"target":"idp"`)

	code, out, errs := p.try("action", "approve", id)
	if code != 1 || out != "" {
		t.Errorf("again: exit %d, %q", code, out)
	}
	shows(t, errs, `^not done: `+id+` is \w+: nothing of it waits for a person$`)
}

// TestActionSame: an action that was done otherwise ends, and one that was asked
// for later says what did the same.
func TestActionSame(t *testing.T) {
	p := newProduct(t, approvals)
	waiting := func(who string) (ids []string) {
		p.take("credential-compromise", who, exposed)
		p.take("credential-compromise", who, exposed)
		var list struct {
			Actions []struct{ ID, Type, Name string }
		}
		if err := json.Unmarshal([]byte(p.run("action", "list", "--format", "json")), &list); err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Actions {
			if a.Type == "revoke-session" && a.Name == who {
				ids = append(ids, a.ID)
			}
		}
		if len(ids) != 2 {
			t.Fatalf("%d wait for %s", len(ids), who)
		}
		return ids
	}
	jane, joe := waiting("jane@example.com"), waiting("joe@example.com")
	p.run("action", "approve", jane[0], joe[1])
	for _, id := range []string{jane[0], joe[1]} {
		p.waitFor("action.status:acked action.target:app action.id:" + id)
	}
	p.waitFor("action.status:superseded action.into:" + joe[1] + " action.id:" + joe[0])
	shows(t, p.run("action", "show", joe[0]), `superseded: the same was done at \S+Z by `+joe[1]+` of rule threat_alert$`)
	list := p.run("action", "list")
	shows(t, list, `EXPIRES +SAME DONE +REASON$`, jane[1]+` .* \S+ \S+Z by threat_alert +jane@example.com: `)
	if strings.Contains(list, joe[0]) {
		t.Errorf("%s is listed still:\n%s", joe[0], list)
	}
	shows(t, p.run("action", "show", jane[1]), `^ +the same was done at \S+ \S+Z by `+jane[0]+` of rule threat_alert$`)
}

// TestActionAll: many are released at once, but not what is protected, and not
// without being asked or told.
func TestActionAll(t *testing.T) {
	p := newProduct(t, approvals)
	for _, who := range []string{"jane", "joe", "root"} {
		p.take("credential-compromise", who+"@example.com", exposed)
	}
	rejected := p.revocation("joe@example.com")
	shows(t, p.run("action", "reject", rejected, "--comment", "on holiday"), `^`+rejected+` revoke-session for joe@example.com: rejected; guard mode had held it`)
	code, _, errs := p.try("action", "approve", "--all", "--rule", "threat_alert")
	if code != 2 {
		t.Errorf("exit %d", code)
	}
	shows(t, errs, "this would approve 5 actions; give --yes")
	code, out, errs := p.try("action", "approve", "--all", "--rule", "threat_alert", "--yes")
	if code != 0 || strings.Count(out, ": approved;") != 5 {
		t.Errorf("exit %d: %s", code, out)
	}
	shows(t, errs, "3 actions for protected subjects left out: approve them one by one")
	shows(t, p.run("action", "approve", p.revocation("root@example.com")), `approved; guard protected had held it \(protected subject: break-glass account\)`)
	p.settle()
	if text := p.lines("idp.jsonl"); strings.Contains(text, "joe%40") || !strings.Contains(text, "jane%40") || !strings.Contains(text, "root%40") {
		t.Errorf("called:\n%s", text)
	}
}

// TestStopResume: who resumes is told what was held meanwhile, and how it goes out.
func TestStopResume(t *testing.T) {
	p := newProduct(t, strings.Replace(approvals, `mode = "approve"`, `enabled = true`, 1))
	p.run("stop-actions", "--comment", "drill")
	p.take("credential-compromise", "jane@example.com", exposed)
	code, _, errs := p.try("action", "approve", p.revocation("jane@example.com"))
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	shows(t, errs, "actions are stopped by an operator: resume first")
	shows(t, p.run("stop-actions", "--resume"), `^3 actions were held meanwhile and wait for a person`, `signalbox action approve --all --guard stop`)
	p.run("action", "approve", "--all", "--guard", "stop", "--yes")
	shows(t, p.run("stop-actions", "--resume"), `^Nothing was held meanwhile\.$`)
	p.settle()
	shows(t, p.lines("app.jsonl"), `"event":"session-revoked"`)
}

// TestActionMistakes: whatever is wrong is said before anything is done.
func TestActionMistakes(t *testing.T) {
	p := newProduct(t, approvals)
	const nothing = "a-0123456789abcdefghjkmnpqrs"
	for _, c := range []struct {
		want string
		code int
		args []string
	}{
		{"say what to do: list, show, approve, reject or retry", 2, nil},
		{`unknown command "aprove": list, show`, 2, []string{"aprove"}},
		{"give the ids of actions, or --all with --rule", 2, []string{"approve"}},
		{"--all needs --rule or --guard", 2, []string{"approve", "--all"}},
		{"give ids or --all, not both", 2, []string{"approve", "--all", "--rule", "x", nothing}},
		{"--rule and --guard choose with --all", 2, []string{"approve", "--rule", "x", nothing}},
		{`"d-1" is not the id of an action`, 2, []string{"reject", "d-1"}},
		{"there is no action " + nothing + " that waits", 1, []string{"approve", nothing}},
		{"there is no action " + nothing + `.*as signalbox action list`, 1, []string{"show", nothing}},
		{"give one action id", 2, []string{"show"}},
		{`status: no action waits as "acked".*signalbox query`, 1, []string{"list", "--status", "acked"}},
		{"there is nothing to retry", 1, []string{"retry", "--all", "--guard", "limit"}},
		{`--guard "limits": choose protected, stop`, 2, []string{"approve", "--all", "--guard", "limits"}},
		{"Try: signalbox action list -h", 2, []string{"list", "--guard", "limits"}},
		{"unknown flag --protected", 2, []string{"reject", "--protected", nothing}},
		{"--comment has more than 2000 characters", 2, []string{"approve", nothing, "--comment", strings.Repeat("x", 2001)}},
		{"by: say who gives the command", 1, []string{"approve", nothing, "--by", strings.Repeat("x", 201)}},
	} {
		code, _, errs := p.try(append([]string{"action"}, c.args...)...)
		if code != c.code {
			t.Errorf("%v: exit %d", c.args, code)
		}
		shows(t, errs, c.want)
	}
}
