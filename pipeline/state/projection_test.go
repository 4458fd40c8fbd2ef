package state_test

import (
	"testing"
)

// TestProjections tells one story per row: what each event changes, and what is
// known in the end.
func TestProjections(t *testing.T) {
	type step struct {
		kind, issuer, who string
		at                int
		body              string
		change            string // entity, from, to, late
	}
	onLaptop := complexOf("user", jane, "device", laptop)
	justLaptop := complexOf("device", laptop)
	scim := `{"format":"scim","uri":"/Users/44f6"}`
	for _, story := range []struct {
		name  string
		steps []step
		who   string
		want  []any
	}{
		{"account disabled and enabled", []step{
			{"account-disabled", idp, jane, 10, `{"reason":"hijacking"}`, "user.account unknown disabled"},
			{"account-disabled", idp, jane, 20, ``, ""},
			{"account-enabled", idp, jane, 30, ``, "user.account disabled enabled"},
		}, jane, []any{"user.account.state", "enabled", "user.account.since", 30, "user.account.by", idp, "user.account.reason", nil}},
		{"account keeps the time the state began", []step{
			{"account-disabled", idp, jane, 10, `{"reason":"hijacking"}`, "user.account unknown disabled"},
			{"account-disabled", mdm, jane, 20, ``, ""},
		}, jane, []any{"user.account.state", "disabled", "user.account.since", 10, "user.account.by", mdm}},
		{"older statement does not overwrite", []step{
			{"account-disabled", idp, jane, 30, ``, "user.account unknown disabled"},
			{"account-enabled", mdm, jane, 20, ``, "user.account disabled enabled late"},
		}, jane, []any{"user.account.state", "disabled", "user.account.by", idp}},
		{"equal time applies", []step{
			{"account-disabled", idp, jane, 30, ``, "user.account unknown disabled"},
			{"account-enabled", idp, jane, 30, ``, "user.account disabled enabled"},
		}, jane, []any{"user.account.state", "enabled"}},
		{"older repeat is late too", []step{
			{"account-disabled", idp, jane, 30, ``, "user.account unknown disabled"},
			{"account-disabled", idp, jane, 20, ``, "user.account disabled disabled late"},
		}, jane, []any{"user.account.state", "disabled", "user.account.since", 30}},
		{"purged", []step{
			{"account-purged", idp, jane, 30, ``, "user.account unknown purged"},
		}, jane, []any{"user.account.state", "purged"}},
		{"scim", []step{
			{"prov:activate", idp, scim, 1, ``, "user.account unknown enabled"},
			{"prov:deactivate", idp, scim, 2, ``, "user.account enabled disabled"},
			{"prov:delete", idp, scim, 3, ``, "user.account disabled purged"},
		}, scim, []any{"user.account.state", "purged"}},
		{"a group is no user", []step{
			{"prov:delete", idp, `{"format":"scim","uri":"/Groups/44f6"}`, 3, ``, ""},
		}, `{"format":"scim","uri":"/Groups/44f6"}`, []any{"user", nil}},
		{"employment ends", []step{
			{"employment-change", "hr", jane, 5, `{"change":"moved"}`, ""},
			{"employment-change", "hr", jane, 6, `{"change":"terminated"}`, "user.account unknown disabled"},
			{"employment-change", "hr", jane, 7, `{"change":"returned"}`, ""},
		}, jane, []any{"user.account.state", "disabled", "user.account.reason", "terminated", "user.account.by", "hr"}},
		{"risk per issuer, highest counts", []step{
			{"risk-level-change", idp, jane, 1, `{"principal":"USER","current_level":"HIGH","risk_reason":"travel"}`, "user.risk unknown high"},
			{"risk-level-change", risk, jane, 2, `{"principal":"USER","current_level":"MEDIUM"}`, "user.risk unknown medium"},
			{"risk-level-change", risk, jane, 3, `{"principal":"USER","current_level":"LOW"}`, "user.risk medium low"},
		}, jane, []any{"user.risk.level", "high", "user.risk.since", 1, "user.risk.sources.0.reason", "travel",
			"user.risk.sources.1.issuer", risk, "user.risk.sources.1.level", "low", "user.risk.sources.2", nil}},
		{"risk of one issuer out of order, other issuers untouched", []step{
			{"risk-level-change", idp, jane, 9, `{"principal":"USER","current_level":"LOW"}`, "user.risk unknown low"},
			{"risk-level-change", idp, jane, 1, `{"principal":"USER","current_level":"HIGH"}`, "user.risk low high late"},
			{"risk-level-change", risk, jane, 2, `{"principal":"USER","current_level":"MEDIUM"}`, "user.risk unknown medium"},
		}, jane, []any{"user.risk.level", "medium"}},
		{"okta risk", []step{
			{"user-risk-change", idp, complexOf("user", jane), 1, `{"current_level":"secure","previous_level":"high"}`, "user.risk unknown low"},
			{"user-risk-change", idp, complexOf("user", jane), 2, `{"current_level":"none","previous_level":"secure"}`, "user.risk low unknown"},
		}, jane, []any{"user.risk.level", "unknown", "user.risk.sources.0.since", 2}},
		{"risk of a session or tenant is not the user's", []step{
			{"risk-level-change", idp, complexOf("user", jane, "session", named("s1")), 1, `{"principal":"SESSION","current_level":"HIGH"}`, ""},
			{"risk-level-change", idp, jane, 1, `{"principal":"TENANT","current_level":"HIGH"}`, ""},
		}, jane, []any{"user.risk.level", "unknown"}},
		{"device risk", []step{
			{"risk-level-change", mdm, onLaptop, 1, `{"principal":"DEVICE","current_level":"HIGH"}`, "device.risk unknown high"},
			{"device-risk-change", idp, justLaptop, 2, `{"current_level":"low","previous_level":"none"}`, "device.risk unknown low"},
			{"risk-level-change", mdm, laptop, 3, `{"principal":"DEVICE","current_level":"MEDIUM"}`, "device.risk high medium"},
		}, justLaptop, []any{"device.risk.level", "medium", "device.risk.since", 3}},
		{"compliance turns", []step{
			{"device-compliance-change", mdm, justLaptop, 1, `{"previous_status":"not-compliant","current_status":"compliant"}`, "device.compliance unknown compliant"},
			{"device-compliance-change", mdm, laptop, 2, `{"previous_status":"compliant","current_status":"not-compliant"}`, "device.compliance compliant not-compliant"},
			{"device-compliance-change", mdm, justLaptop, 3, `{"previous_status":"compliant","current_status":"not-compliant"}`, ""},
			{"posture", "edr", justLaptop, 4, `{"status":"compliant"}`, "device.compliance not-compliant compliant"},
			{"posture", "edr", justLaptop, 5, `{"status":"unknown"}`, ""},
		}, justLaptop, []any{"device.compliance.status", "compliant", "device.compliance.since", 4, "device.compliance.by", "edr", "device.compliance.changes", 2}},
		{"turns are counted for a day", []step{
			{"device-compliance-change", mdm, justLaptop, -90_000, `{"previous_status":"compliant","current_status":"not-compliant"}`, "device.compliance unknown not-compliant"},
			{"device-compliance-change", mdm, justLaptop, -86_400, `{"previous_status":"not-compliant","current_status":"compliant"}`, "device.compliance not-compliant compliant"},
			{"device-compliance-change", mdm, justLaptop, -86_000, `{"previous_status":"compliant","current_status":"not-compliant"}`, "device.compliance compliant not-compliant"},
		}, justLaptop, []any{"device.compliance.changes", 1}},
		{"a device is known by its user", []step{
			{"device-compliance-change", mdm, onLaptop, 2, `{"previous_status":"compliant","current_status":"not-compliant"}`, "device.compliance unknown not-compliant"},
			{"device-compliance-change", mdm, complexOf("user", jane, "device", phone), 3, `{"previous_status":"compliant","current_status":"compliant"}`, "device.compliance unknown compliant"},
		}, jane, []any{"user.devices.0.id", "opaque:phone-3", "user.devices.0.compliance", "compliant",
			"user.devices.1.id", "opaque:laptop-7", "user.devices.1.compliance", "not-compliant", "device", nil}},
		{"compliance of a user alone is of no device", []step{
			{"device-compliance-change", mdm, jane, 2, `{"previous_status":"compliant","current_status":"not-compliant"}`, ""},
		}, jane, []any{"user.id", "email:jane@example.com", "device", nil, "user.history.0.status", "not-compliant"}},
		{"stream events are about nobody", []step{
			{"verification", idp, named("stream-1"), 2, ``, ""},
			{"stream-updated", idp, named("stream-1"), 2, `{"status":"paused"}`, ""},
		}, named("stream-1"), []any{"user.history.0", nil}},
		{"facts stay facts", []step{
			{"credential-compromise", idp, jane, 2, `{"credential_type":"password","reason_admin":{"de":"Leck","en":"leak"}}`, ""},
		}, jane, []any{"user.risk.level", "unknown", "user.history.0.type", "credential-compromise",
			"user.history.0.credential_type", "password", "user.history.0.reason", "leak", "user.history.0.time", 2, "user.history.0.issuer", idp}},
		{"history is ordered by time", []step{
			{"credential-change", idp, jane, 5, `{"credential_type":"app","change_type":"create"}`, ""},
			{"account-disabled", idp, jane, 9, ``, "user.account unknown disabled"},
			{"recovery-activated", idp, jane, 7, ``, ""},
			{"session-presented", idp, jane, 8, ``, "session unknown live"},
		}, jane, []any{"user.history.0.type", "account-disabled", "user.history.1.type", "recovery-activated",
			"user.history.2.type", "credential-change", "user.history.2.change_type", "create", "user.history.3", nil}},
		{"identity folds case", []step{
			{"account-disabled", idp, `{"format":"email","email":"Jane@Example.com"}`, 9, ``, "user.account unknown disabled"},
		}, jane, []any{"user.account.state", "disabled", "user.email", "jane@example.com"}},
	} {
		t.Run(story.name, func(t *testing.T) {
			m := newMemory(t)
			for i, s := range story.steps {
				got := m.take(occurs(t, s.kind, s.issuer, s.who, s.at, s.body))
				if c := changeText(got.view); c != s.change {
					t.Errorf("step %d, %s: change %q, want %q", i+1, s.kind, c, s.change)
				}
				late := get(got.doc, "event.late").(bool)
				if c := got.view.Change(); late != (c != nil && c.Late()) || late != got.view.Late() {
					t.Errorf("step %d, %s: late is %v beside %+v", i+1, s.kind, late, c)
				}
			}
			expect(t, m.look(story.who, 100), story.want...)
		})
	}
}

func TestRulesSeeStateBeforeTheEvent(t *testing.T) {
	m := newMemory(t)
	m.take(occurs(t, "account-enabled", idp, jane, 1, ""))
	got := m.take(occurs(t, "account-disabled", idp, jane, 2, ""))
	expect(t, got.doc, "user.account.state", "enabled", "change.from", "enabled", "change.to", "disabled", "change.applied", true,
		"user.history.0.type", "account-enabled", "user.history.1", nil)
}

func TestHistoryKeepsTheNewest(t *testing.T) {
	m := newMemory(t)
	for i := range 200 {
		m.take(occurs(t, "recovery-activated", idp, jane, (i*37)%200, ""))
	}
	doc := m.look(jane, 1000)
	list := get(doc, "user.history").([]any)
	if len(list) != 50 {
		t.Fatalf("%d entries, want 50", len(list))
	}
	// What came last is kept whatever its time; of what came before, the
	// newest by time. So the first entries are exactly the newest.
	for i := range 40 {
		expect(t, list[i], "time", float64(epoch.Unix()+int64(199-i)))
	}
	for key, v := range m.values {
		if len(v) > 8<<10 {
			t.Errorf("%s has %d bytes", key, len(v))
		}
	}
}
