package state_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSessions plays the life of sessions. A story is a list of steps like
// "established s1 on laptop @5"; want lists the live sessions in the end, those
// seen last first.
func TestSessions(t *testing.T) {
	user := func(parts ...string) string { return complexOf(append([]string{"user", jane}, parts...)...) }
	s1, s2 := named("s1"), named("s2")
	type step struct {
		kind, who string
		at        int
		body      string
		change    string
	}
	for _, story := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"established, presented, revoked", []step{
			{"session-established", user("session", s1), 1, `{"acr":"AAL2","amr":["pwd","otp"],"fp_ua":"ua-1"}`, "session unknown live"},
			{"session-presented", user("session", s1), 5, ``, ""},
			{"session-revoked", user("session", s1), 9, ``, "session live revoked"},
			{"session-revoked", user("session", s1), 10, ``, ""},
			{"session-presented", user("session", s1), 12, ``, ""},
		}, ""},
		{"presented makes known", []step{
			{"session-presented", user("session", s1), 5, ``, "session unknown live"},
		}, "s1"},
		{"user alone ends all (EVT-07)", []step{
			{"session-established", user("session", s1, "device", laptop), 1, ``, "session unknown live"},
			{"session-established", user("session", s2), 2, ``, "session unknown live"},
			{"session-revoked", jane, 5, ``, "session live revoked"},
		}, ""},
		{"user and device end those on the device (MATCH-07)", []step{
			{"session-established", user("session", s1, "device", laptop), 1, ``, "session unknown live"},
			{"session-established", user("session", s2, "device", phone), 2, ``, "session unknown live"},
			{"session-established", user("session", named("s3")), 3, ``, "session unknown live"},
			{"session-revoked", user("device", laptop), 5, ``, "session live revoked"},
		}, "s3 s2"},
		{"session named ends that one", []step{
			{"session-established", user("session", s1, "device", laptop), 1, ``, "session unknown live"},
			{"session-established", user("session", s2, "device", laptop), 2, ``, "session unknown live"},
			{"session-revoked", user("session", s1, "device", laptop), 5, ``, "session live revoked"},
		}, "s2"},
		{"device alone ends those on it, whoever's", []step{
			{"session-established", user("session", s1, "device", laptop), 1, ``, "session unknown live"},
			{"session-established", user("session", s2), 2, ``, "session unknown live"},
			{"session-revoked", complexOf("device", laptop), 5, ``, "session unknown revoked"},
		}, "s2"},
		{"tenant takes nothing away, application does", []step{
			{"session-established", user("session", s1), 1, ``, "session unknown live"},
			{"session-revoked", user("application", named("mail")), 2, ``, ""},
			{"session-established", user("session", s2), 3, ``, "session unknown live"},
		}, "s2 s1"},
		{"tenant and user end all", []step{
			{"session-established", user("session", s1), 1, ``, "session unknown live"},
			{"session-revoked", user("tenant", named("t1")), 2, ``, "session live revoked"},
		}, ""},
		{"RISC sessions-revoked ends all", []step{
			{"session-established", user("session", s1, "device", phone), 1, ``, "session unknown live"},
			{"sessions-revoked", user("device", laptop), 2, ``, "session live revoked"},
		}, ""},
		{"opaque subject is the session and finds its user", []step{
			{"session-established", user("session", s1), 1, ``, "session unknown live"},
			{"session-established", user("session", s2), 2, ``, "session unknown live"},
			{"session-revoked", s1, 5, ``, "session live revoked"},
		}, "s2"},
		{"session known before its user", []step{
			{"session-established", s1, 1, `{"acr":"AAL2"}`, "session unknown live"},
			{"session-presented", user("session", s1), 2, ``, ""},
		}, "s1"},
		{"session ended before its user is known", []step{
			{"session-revoked", s1, 4, ``, "session unknown revoked"},
			{"session-presented", user("session", s1), 2, ``, "session revoked live late"},
		}, ""},
		{"ext_id names the session", []step{
			{"session-established", jane, 1, `{"ext_id":"s1"}`, "session unknown live"},
			{"session-established", jane, 2, `{"ext_id":"s2"}`, "session unknown live"},
			{"session-revoked", s2, 3, ``, "session live revoked"},
		}, "s1"},
		{"unnamed session is the subject's", []step{
			{"session-established", jane, 1, ``, "session unknown live"},
			{"session-presented", jane, 2, ``, ""},
			{"session-established", user("device", laptop), 3, ``, "session unknown live"},
			{"session-revoked", user("device", laptop), 4, ``, "session live revoked"},
		}, "email:jane@example.com"},
		{"established again after the end", []step{
			{"session-established", user("session", s1), 1, ``, "session unknown live"},
			{"session-revoked", jane, 5, ``, "session live revoked"},
			{"session-established", user("session", s1), 9, ``, "session revoked live"},
		}, "s1"},
		{"end that comes late spares what began since", []step{
			{"session-established", user("session", s1), 9, ``, "session unknown live"},
			{"session-revoked", user("session", s1), 5, ``, "session live revoked late"},
			{"session-revoked", jane, 6, ``, "session live revoked late"},
		}, "s1"},
		{"late end still ends what is older", []step{
			{"session-established", user("session", s1), 3, ``, "session unknown live"},
			{"session-established", user("session", s2), 9, ``, "session unknown live"},
			{"session-revoked", jane, 6, ``, "session live revoked"},
		}, "s2"},
		{"late start of an ended session", []step{
			{"session-revoked", jane, 6, ``, "session unknown revoked"},
			{"session-established", user("session", s1), 3, ``, "session unknown live late"},
			{"session-established", user("session", s2), 7, ``, "session unknown live"},
			{"session-revoked", jane, 5, ``, "session unknown revoked late"},
		}, "s2"},
		{"same second: what comes last stands", []step{
			{"session-revoked", jane, 6, ``, "session unknown revoked"},
			{"session-established", user("session", s1), 6, ``, "session unknown live"},
		}, "s1"},
	} {
		t.Run(story.name, func(t *testing.T) {
			m := newMemory(t)
			for i, s := range story.steps {
				got := m.take(occurs(t, s.kind, idp, s.who, s.at, s.body))
				if c := changeText(got.view); c != s.change {
					t.Errorf("step %d, %s: change %q, want %q", i+1, s.kind, c, s.change)
				}
			}
			if got := live(m); got != story.want {
				t.Errorf("live: %q, want %q", got, story.want)
			}
		})
	}
}

// live lists jane's live sessions.
func live(m *memory) string {
	var ids []string
	for _, s := range get(m.look(jane, 1000), "user.sessions").([]any) {
		ids = append(ids, strings.TrimPrefix(get(s, "id").(string), "opaque:"))
	}
	return strings.Join(ids, " ")
}

func TestSessionMembers(t *testing.T) {
	m := newMemory(t)
	who := complexOf("user", jane, "device", laptop, "session", named("s1"))
	first := m.take(occurs(t, "session-established", idp, who, 1, `{"acr":"AAL2","amr":["pwd","otp"],"fp_ua":"ua-1"}`))
	expect(t, first.doc, "session.id", "opaque:s1", "session.state", "unknown", "session.user", "email:jane@example.com")
	m.take(occurs(t, "session-presented", mdm, who, 9, `{"fp_ua":"ua-2"}`))

	got := m.take(occurs(t, "session-revoked", idp, named("s1"), 10, ""))
	expect(t, got.doc,
		"subject.session", "opaque:s1", "subject.user", nil,
		"session.state", "live", "session.established", 1, "session.last_seen", 9,
		"session.user", "email:jane@example.com", "session.device", "opaque:laptop-7",
		"device.id", "opaque:laptop-7",
		"user.id", "email:jane@example.com",
		"user.sessions.0.id", "opaque:s1", "user.sessions.0.device", "opaque:laptop-7", "user.sessions.0.issuer", idp,
		"user.sessions.0.state", "live", "user.sessions.0.established", 1, "user.sessions.0.last_seen", 9,
		"user.sessions.0.acr", "AAL2", "user.sessions.0.amr", "[pwd otp]", "user.sessions.0.ua", "ua-2")

	after := m.take(occurs(t, "session-presented", idp, named("s1"), 20, ""))
	expect(t, after.doc, "session.state", "revoked", "user.sessions.0", nil)
}

func TestSessionStaysWithItsUser(t *testing.T) {
	m := newMemory(t)
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("s1")), 1, ""))
	m.take(occurs(t, "session-revoked", mdm, complexOf("user", bob, "session", named("s1")), 2, ""))
	if got := live(m); got != "s1" {
		t.Errorf("live: %q, want s1: bob has no such session", got)
	}
	got := m.take(occurs(t, "session-presented", idp, named("s1"), 3, ""))
	expect(t, got.doc, "user.id", "email:jane@example.com")
}

func TestSessionsAreBounded(t *testing.T) {
	m := newMemory(t)
	for i := range 300 {
		m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named(fmt.Sprint("s", i))), i, ""))
		if i%3 == 0 {
			m.take(occurs(t, "session-revoked", idp, named(fmt.Sprint("s", i)), i, ""))
		}
	}
	ids := strings.Fields(live(m))
	if len(ids) != 50 || ids[0] != "s299" {
		t.Errorf("%d live, first %s; want 50, the newest first", len(ids), ids[0])
	}
	sessions := 0
	for key := range m.values {
		if strings.HasPrefix(key, "s/") {
			sessions++
		}
	}
	if sessions != 70 {
		t.Errorf("%d sessions have a key, want those of 50 live and 20 ended ones", sessions)
	}
}

// TestSessionsAreNotPushedOut: who states many sessions loses their own, and
// cannot hide one that another issuer stated, live or ended.
func TestSessionsAreNotPushedOut(t *testing.T) {
	m := newMemory(t)
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("thief")), 1, ""))
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("old")), 2, ""))
	m.take(occurs(t, "session-revoked", idp, complexOf("user", jane, "session", named("old")), 3, ""))
	for i := range 200 {
		who := complexOf("user", jane, "session", named(fmt.Sprint("made-up", i)))
		m.take(occurs(t, "session-presented", mdm, who, 10+i, ""))
		if i%2 == 0 {
			m.take(occurs(t, "session-revoked", mdm, who, 10+i, ""))
		}
	}
	ids := strings.Fields(live(m))
	if len(ids) != 50 || !slices.Contains(ids, "thief") {
		t.Errorf("%d live, among them the first: %t; want 50 and true", len(ids), slices.Contains(ids, "thief"))
	}
	late := m.take(occurs(t, "session-presented", idp, complexOf("user", jane, "session", named("old")), 2, ""))
	expect(t, late.doc, "session.state", "revoked")
}

// TestOrderDoesNotMatter takes the same events in random orders: with distinct
// times they end in the same state (F-14).
func TestOrderDoesNotMatter(t *testing.T) {
	type occurrence struct {
		kind, issuer, who, body string
	}
	session := func(id, device string) string { return complexOf("user", jane, "device", device, "session", named(id)) }
	level := func(l string) string { return fmt.Sprintf(`{"principal":"USER","current_level":%q}`, l) }
	status := func(s string) string {
		return fmt.Sprintf(`{"previous_status":"compliant","current_status":%q}`, s)
	}
	events := []occurrence{
		{"account-disabled", idp, jane, `{"reason":"hijacking"}`},
		{"account-enabled", mdm, jane, ""},
		{"account-disabled", mdm, jane, ""},
		{"risk-level-change", idp, jane, level("HIGH")},
		{"risk-level-change", risk, jane, level("MEDIUM")},
		{"risk-level-change", idp, jane, level("LOW")},
		{"risk-level-change", risk, jane, level("HIGH")},
		{"device-compliance-change", mdm, complexOf("user", jane, "device", laptop), status("not-compliant")},
		{"device-compliance-change", mdm, complexOf("device", laptop), status("compliant")},
		{"posture", "edr", complexOf("device", laptop), `{"status":"not-compliant"}`},
		{"session-established", idp, session("s1", laptop), ""},
		{"session-established", idp, session("s2", phone), ""},
		{"session-presented", idp, session("s1", laptop), ""},
		{"session-presented", idp, session("s3", laptop), ""},
		{"session-revoked", idp, complexOf("user", jane, "device", laptop), ""},
		{"session-revoked", idp, named("s2"), ""},
		{"session-presented", idp, session("s2", phone), ""},
		{"session-established", idp, session("s1", laptop), ""},
		{"session-revoked", idp, jane, ""},
		{"session-established", idp, session("s4", phone), ""},
		{"session-revoked", idp, complexOf("device", phone), ""},
		{"session-presented", idp, session("s3", laptop), ""},
		{"session-established", idp, session("s2", phone), ""},
	}
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		times := rng.Perm(len(events))
		var want, wantOrder string
		for range 20 {
			m := newMemory(t)
			order := rng.Perm(len(events))
			for _, i := range order {
				e := events[i]
				m.take(occurs(t, e.kind, e.issuer, e.who, times[i], e.body))
			}
			got := summary(m)
			if want == "" {
				want, wantOrder = got, fmt.Sprint(order)
			} else if got != want {
				t.Fatalf("times %v\norder %v ends in\n%s\norder %s in\n%s", times, order, got, wantOrder, want)
			}
		}
	}
}

// summary is the state that must not depend on the order of arrival. When a
// repeated value began does, so it is left out.
func summary(m *memory) string {
	var b strings.Builder
	user, device := m.look(jane, 1000), m.look(complexOf("device", laptop), 1000)
	fmt.Fprintln(&b, "account", get(user, "user.account.state"), get(user, "user.account.by"), get(user, "user.account.reason"))
	levels := map[any]any{}
	for _, s := range get(user, "user.risk.sources").([]any) {
		levels[get(s, "issuer")] = get(s, "level")
	}
	fmt.Fprintln(&b, "risk", get(user, "user.risk.level"), levels)
	fmt.Fprintln(&b, "compliance", get(device, "device.compliance.status"), get(device, "device.compliance.by"))
	for _, s := range get(user, "user.sessions").([]any) {
		fmt.Fprintln(&b, "session", s)
	}
	return b.String()
}
