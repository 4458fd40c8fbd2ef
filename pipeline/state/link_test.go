package state_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/state"
)

const (
	janeNew = `{"format":"email","email":"jane.doe@example.com"}`
	janeTel = `{"format":"phone_number","phone_number":"+12065550100"}`
)

func TestAliasesLink(t *testing.T) {
	m := newMemory(t)
	m.take(occurs(t, "account-enabled", idp, janeID, 0, ""))
	m.take(occurs(t, "account-disabled", idp, aliases(janeID, jane), 1, ""))
	got := m.take(occurs(t, "recovery-activated", idp, jane, 2, ""))
	expect(t, got.doc, "user.id", "iss_sub:https://idp.example.com|u-1", "user.email", "jane@example.com",
		"user.keys", "[email:jane@example.com iss_sub:https://idp.example.com|u-1]",
		"user.account.state", "disabled", "subject.user", "email:jane@example.com")
	ref := got.view.Entities().User
	if ref.Email != "jane@example.com" || ref.Name != "jane@example.com" || len(ref.Keys) != 2 {
		t.Errorf("ref: %+v", ref)
	}
	m.take(occurs(t, "account-enabled", idp, complexOf("user", jane), 3, ""))
	expect(t, m.look(janeID, 9), "user.account.state", "enabled", "user.history.2.type", "account-disabled")
}

func TestLinksNeedPermission(t *testing.T) {
	m := newMemory(t)
	e := occurs(t, "account-disabled", idp, aliases(janeID, jane), 1, "")
	got := m.takeWith(e, state.LoadOptions{Needs: allNeeds, Now: e.Time})
	expect(t, got.doc, "user.keys", "[email:jane@example.com]")
	expect(t, m.look(jane, 9), "user.account.state", "disabled")
	expect(t, m.look(janeID, 9), "user.account.state", "unknown")

	change := occurs(t, "identifier-changed", idp, jane, 2, `{"new-value":"jane.doe@example.com"}`)
	m.takeWith(change, state.LoadOptions{Now: change.Time})
	expect(t, m.look(janeNew, 9), "user.id", "email:jane.doe@example.com")
	recycled := occurs(t, "identifier-recycled", idp, jane, 3, "")
	m.takeWith(recycled, state.LoadOptions{Now: recycled.Time})
	expect(t, m.look(jane, 9), "user.history.0.type", "identifier-recycled", "user.history.1.type", "identifier-changed")
}

// TestLinkMerges: two users turn out to be one, and everything known of either
// is known of the one.
func TestLinkMerges(t *testing.T) {
	m := newMemory(t)
	inHour := func(name string) state.Fact {
		return state.Fact{Rule: "r", Name: name, Of: "user", Value: name, TTL: time.Hour}
	}
	acct := `{"format":"account","uri":"acct:jd@example.com"}`
	m.take(occurs(t, "account-disabled", idp, janeID, 1, ""), inHour("a"))
	m.take(occurs(t, "opt-in", idp, aliases(janeID, acct), 1, ""))
	m.take(occurs(t, "session-established", idp, complexOf("user", janeID, "session", named("s1")), 2, ""))
	m.take(occurs(t, "account-enabled", mdm, jane, 3, ""), inHour("b"))
	m.take(occurs(t, "risk-level-change", risk, jane, 4, `{"principal":"USER","current_level":"HIGH"}`))
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "device", laptop, "session", named("s2")), 5, ""))
	for i := range 20 {
		m.take(occurs(t, "recovery-activated", idp, jane, 10+i, ""))
	}

	got := m.take(occurs(t, "credential-change", idp, aliases(janeID, jane, janeTel), 50, `{"credential_type":"app","change_type":"create"}`))
	expect(t, got.doc, "user.id", "email:jane@example.com", "user.account.state", "enabled", "user.risk.level", "high")
	for _, who := range []string{jane, janeID, janeTel, acct} {
		doc := m.look(who, 60)
		expect(t, doc, "user.id", "email:jane@example.com", "user.account.by", mdm, "user.risk.level", "high",
			"user.sessions.0.id", "opaque:s2", "user.sessions.1.id", "opaque:s1", "user.devices.0.id", "opaque:laptop-7",
			"user.facts.r.a", "a", "user.facts.r.b", "b",
			"user.history.0.type", "credential-change", "user.history.1.type", "recovery-activated",
			"user.history.26.type", "account-disabled", "user.history.27", nil)
	}
	byThen := m.take(occurs(t, "session-revoked", idp, named("s2"), 70, ""))
	expect(t, byThen.doc, "user.id", "email:jane@example.com", "session.state", "live")
	for key := range m.values {
		if strings.HasPrefix(key, "u") && strings.HasSuffix(key, "/iss_sub:https://idp.example.com|u-1") {
			t.Errorf("%s is left", key)
		}
	}
}

func TestIdentifierChanged(t *testing.T) {
	t.Run("moves", func(t *testing.T) {
		m := newMemory(t)
		m.take(occurs(t, "account-disabled", idp, jane, 1, ""))
		m.take(occurs(t, "identifier-changed", idp, jane, 2, `{"new-value":"Jane.Doe@example.com"}`))
		for _, who := range []string{jane, janeNew} {
			expect(t, m.look(who, 9), "user.id", "email:jane@example.com", "user.account.state", "disabled", "user.email", "jane.doe@example.com")
		}
	})
	t.Run("out of order", func(t *testing.T) {
		m := newMemory(t)
		m.take(occurs(t, "account-disabled", idp, `{"format":"email","email":"c@example.com"}`, 1, ""))
		m.take(occurs(t, "identifier-changed", idp, `{"format":"email","email":"b@example.com"}`, 3, `{"new-value":"c@example.com"}`))
		m.take(occurs(t, "identifier-changed", idp, `{"format":"email","email":"a@example.com"}`, 2, `{"new-value":"b@example.com"}`))
		for _, who := range []string{"a", "b", "c"} {
			expect(t, m.look(fmt.Sprintf(`{"format":"email","email":"%s@example.com"}`, who), 9),
				"user.account.state", "disabled", "user.email", "c@example.com")
		}
	})
	t.Run("without a new value", func(t *testing.T) {
		m := newMemory(t)
		m.take(occurs(t, "identifier-changed", idp, jane, 2, ""))
		expect(t, m.look(jane, 9), "user.keys", "[email:jane@example.com]", "user.history.0.type", "identifier-changed")
	})
}

// TestIdentifierRecycled: histories of the old and the new owner never meet
// (J-25), whichever identifier the old one is filed under.
func TestIdentifierRecycled(t *testing.T) {
	recycle := func(m *memory, seconds int) seen {
		return m.take(occurs(t, "identifier-recycled", idp, jane, seconds, ""))
	}
	t.Run("only identifier", func(t *testing.T) {
		m := newMemory(t)
		m.take(occurs(t, "account-disabled", idp, jane, 1, ""))
		m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("s1")), 2, ""))
		got := recycle(m, 5)
		expect(t, got.doc, "user.account.state", "disabled")
		expect(t, m.look(jane, 9), "user.account.state", "unknown", "user.history.0", nil, "user.sessions.0", nil)
		old := m.take(occurs(t, "session-presented", idp, named("s1"), 9, ""))
		expect(t, old.doc, "user", nil)
	})
	for _, c := range []struct{ name, first string }{
		{"filed under another", janeID},
		{"filed under the recycled one", jane},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t)
			m.take(occurs(t, "opt-in", idp, c.first, 0, ""))
			m.take(occurs(t, "account-disabled", idp, aliases(jane, janeID), 1, ""), state.Fact{Rule: "r", Name: "n", Of: "user", Value: 1, TTL: time.Hour})
			m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("s1")), 2, ""))
			for i := range 15 {
				m.take(occurs(t, "recovery-activated", idp, jane, 3, fmt.Sprintf(`{"n":%d}`, i)))
			}
			recycle(m, 5)

			expect(t, m.look(jane, 9), "user.id", "email:jane@example.com", "user.keys", "[email:jane@example.com]",
				"user.account.state", "unknown", "user.history.0", nil, "user.sessions.0", nil)
			expect(t, m.look(janeID, 9), "user.keys", "[iss_sub:https://idp.example.com|u-1]", "user.email", nil,
				"user.account.state", "disabled", "user.history.0.type", "identifier-recycled", "user.history.17.type", "account-disabled",
				"user.sessions.0.id", "opaque:s1", "user.facts.r.n", 1)
			still := m.take(occurs(t, "session-presented", idp, named("s1"), 9, ""))
			expect(t, still.doc, "user.id", "iss_sub:https://idp.example.com|u-1")

			// News from before is about the old owner: it changes nothing and is late.
			before := m.take(occurs(t, "account-disabled", idp, jane, 4, ""))
			if got := changeText(before.view); got != "user.account unknown disabled late" {
				t.Errorf("change %q", got)
			}
			stale := m.take(occurs(t, "recovery-activated", idp, jane, 4, ""))
			expect(t, stale.doc, "event.late", true, "change", nil)
			expect(t, m.look(jane, 9), "user.account.state", "unknown", "user.history.0", nil)

			// No statement ever joins the two again.
			m.take(occurs(t, "account-enabled", idp, jane, 10, ""))
			m.take(occurs(t, "credential-change", idp, aliases(janeID, jane), 11, `{"credential_type":"app","change_type":"create"}`))
			m.take(occurs(t, "credential-change", idp, aliases(jane, janeID), 12, `{"credential_type":"app","change_type":"create"}`))
			m.take(occurs(t, "identifier-changed", idp, janeTel, 13, `{"new-value":"+12065550101"}`))
			expect(t, m.look(jane, 20), "user.account.state", "enabled", "user.keys", "[email:jane@example.com]")
			expect(t, m.look(janeID, 20), "user.account.state", "disabled", "user.keys", "[iss_sub:https://idp.example.com|u-1]")
			if got := recycle(m, 3); !got.view.Late() {
				t.Error("an older recycling is not late")
			}
		})
	}
}

func TestKeysAreBounded(t *testing.T) {
	m := newMemory(t)
	for i := range 40 {
		m.take(occurs(t, "recovery-activated", idp, aliases(jane, fmt.Sprintf(`{"format":"opaque","id":"%d"}`, i)), i, ""))
	}
	if keys := get(m.look(jane, 99), "user.keys").([]any); len(keys) != 16 {
		t.Errorf("%d identifiers, want 16", len(keys))
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ subject, name string }{
		{jane, "jane@example.com"},
		{janeID, "u-1"},
		{`{"format":"account","uri":"acct:jane@example.com"}`, "jane@example.com"},
		{janeTel, "+12065550100"},
		{`{"format":"opaque","id":"a|b%c"}`, "a|b%c"},
	} {
		x, err := state.Resolve(newMemory(t), occurs(t, "account-disabled", idp, c.subject, 1, ""))
		if err != nil {
			t.Fatal(err)
		}
		if x.User == nil || x.User.Name != c.name {
			t.Errorf("%s: %+v, want name %s", c.subject, x.User, c.name)
		}
	}
}
