package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestChain: any id of a chain of the running product shows all of it, what the
// receiver answered last.
func TestChain(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"err":"invalid_request","description":"not for us"}`)
	}))
	defer app.Close()
	p := newProduct(t, revocations(app.URL))
	decision, action := p.take("credential-compromise", "jane@example.com", exposed)
	p.take("credential-compromise", "joe@example.com", exposed)
	p.waitFor("action.status:dead user.name:jane*")
	p.run("verdict", decision, "false", "--comment", "a drill")
	p.waitFor("audit.verdict:false")

	whole := p.run("chain", decision)
	shows(t, whole, `^\S+  input +token \S+ of https://idp\.example\.com by push`, `^\S+    signal +idp\.example\.com: .* compromised for jane@example\.com`,
		`^\S+      decision  revoke-session, `, `\(leaked_credentials, threat_alert\)$`, `^ +- the password credential was`, `^ +explain `+decision+`$`,
		`^\S+        action +revoke-session for jane@example\.com queued for app`, `^\S+ {18,}revoke-session for jane@example\.com dead at app: invalid_request:`, `^ +refused by app: not for us$`,
		`^ +`+action+`$`, `^\S+        audit +verdict false by `, `a drill$`)
	var links []map[string]any
	if err := json.Unmarshal([]byte(p.run("chain", "--format", "json", action)), &links); err != nil || len(links) != 1 || links[0]["kind"] != "input" {
		t.Fatalf("the chain is %v, %v", links, err)
	}
	var sent []struct{ Set struct{ JTI string } }
	if err := json.Unmarshal([]byte(p.run("query", "--format", "json", "action.status:dead user.name:jane*")), &sent); err != nil || len(sent) != 1 {
		t.Fatalf("%v, %v", sent, err)
	}
	for _, id := range []string{action, sent[0].Set.JTI, links[0]["id"].(string)} {
		if got := p.run("chain", id); got != whole {
			t.Errorf("by %s it is\n%s\nby %s\n%s", id, got, decision, whole)
		}
	}
}
