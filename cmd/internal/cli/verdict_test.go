package cli_test

import (
	"strings"
	"testing"
)

const exposed = `{"credential_type":"password","reason_admin":{"en":"phishing kit"}}`

// TestVerdict: what an analyst finds stands in the explanation of every id it
// concerns and in the timeline, and is summed up by rule; the newest counts.
func TestVerdict(t *testing.T) {
	p := newProduct(t)
	decision, action := p.take("credential-compromise", "jane@example.com", exposed)
	event := "e-" + strings.TrimPrefix(decision, "d-")
	other, _ := p.take("credential-compromise", "joe@example.com", exposed)

	shows(t, p.run("verdict", event, "true"), "^"+decision+" is judged true; it counts for threat_alert$")
	p.run("verdict", decision, "false", "--comment", "a drill of the red team", "--by", "ana")
	shows(t, p.run("verdict", "--format", "json", action, "benign"), `"verdict": "benign"`, `"rules": \[`)
	p.run("verdict", other, "true", "--by", "ana")
	p.settle()

	for _, id := range []string{decision, event} {
		shows(t, p.run("explain", id), `^judged +false by ana: a drill of the red team$`, `about +`+decision+`, threat_alert`)
	}
	shows(t, p.run("explain", action), `^judged +benign by `)
	shows(t, p.run("timeline", "--user", "jane@example.com"), `audit +verdict false by ana on credential-compromise `+decision)
	shows(t, p.run("query", "--format", "ndjson", "audit.verdict:false"), `"judged":"`+decision)
	shows(t, p.run("rules", "stats"), `^rule +true +benign +false +duplicate +test +precision$`, `^threat_alert +1 +1 +1 +0 +0 +33%$`)
	shows(t, p.run("rules", "stats", "--format", "json"), `"precision": 0.33`)
}

// TestVerdictMistakes: whatever is wrong is said before anything is written.
func TestVerdictMistakes(t *testing.T) {
	p := newProduct(t)
	decision, _ := p.take("credential-compromise", "jane@example.com", exposed)
	const nothing = "0123456789abcdefghjkmnpqrs"
	for _, c := range []struct {
		want string
		code int
		args []string
	}{
		{"give the id of an event, decision or action, and a verdict: true, benign, false, duplicate or test", 2, []string{decision}},
		{`"maybe" is not a verdict: true, benign`, 2, []string{decision, "maybe"}},
		{"the id comes first: signalbox verdict " + decision + " true", 2, []string{"true", decision}},
		{`"i-` + nothing + `" is not the id of an event`, 2, []string{"i-" + nothing, "true"}},
		{"the journal holds no event, decision or action d-" + nothing + `.*as query and timeline show them`, 1, []string{"d-" + nothing, "true"}},
		{"--comment has more than 2000 characters", 2, []string{decision, "true", "--comment", strings.Repeat("x", 2001)}},
		{"by: say who judges", 1, []string{decision, "true", "--by", strings.Repeat("x", 201)}},
	} {
		code, _, errs := p.try(append([]string{"verdict"}, c.args...)...)
		if code != c.code {
			t.Errorf("%v: exit %d", c.args, code)
		}
		shows(t, errs, c.want)
	}
	if _, _, errs := p.try("rules", "stats"); !strings.Contains(errs, "no verdicts in that time") {
		t.Errorf("got %q", errs)
	}
}
