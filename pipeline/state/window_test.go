package state_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/state"
)

func TestWindows(t *testing.T) {
	ip := func(addr string) string { return fmt.Sprintf(`{"action":"sign-in","source_ip":%q}`, addr) }
	email := func(n int) string { return fmt.Sprintf(`{"format":"email","email":"u%d@example.com"}`, n) }
	type step struct {
		who  string
		at   int
		body string
		want float64
	}
	events := state.Window{Name: "n", Key: "event.body.source_ip", Over: 10 * time.Minute, Count: "events"}
	distinct := state.Window{Name: "n", Key: "event.body.source_ip", Over: 10 * time.Minute, Count: "distinct", Of: "subject"}
	perUser := state.Window{Name: "n", Key: "user", Over: time.Minute, Count: "distinct", Of: "event.body.source_ip"}
	for _, story := range []struct {
		name   string
		window state.Window
		steps  []step
	}{
		{"events slide", events, []step{
			{jane, 0, ip("192.0.2.1"), 1}, {bob, 300, ip("192.0.2.1"), 2}, {jane, 300, ip("192.0.2.2"), 1},
			{jane, 599, ip("192.0.2.1"), 3}, {jane, 600, ip("192.0.2.1"), 3}, {jane, 901, ip("192.0.2.1"), 3}, {jane, 9999, ip("192.0.2.1"), 1},
		}},
		{"distinct counts once, at the newest time", distinct, []step{
			{jane, 0, ip("192.0.2.1"), 1}, {jane, 10, ip("192.0.2.1"), 1}, {bob, 20, ip("192.0.2.1"), 2},
			{jane, 500, ip("192.0.2.1"), 2}, {email(1), 700, ip("192.0.2.1"), 2}, {email(2), 1000, ip("192.0.2.1"), 3}, {email(2), 1100, ip("192.0.2.1"), 2},
		}},
		{"late events fall into the window as it stands", events, []step{
			{jane, 1000, ip("192.0.2.1"), 1}, {jane, 500, ip("192.0.2.1"), 2}, {jane, 300, ip("192.0.2.1"), 2}, {jane, 1050, ip("192.0.2.1"), 3}, {jane, 1101, ip("192.0.2.1"), 3},
		}},
		{"late repeat of a value", distinct, []step{
			{jane, 1000, ip("192.0.2.1"), 1}, {jane, 700, ip("192.0.2.1"), 1}, {bob, 1590, ip("192.0.2.1"), 2}, {bob, 1600, ip("192.0.2.1"), 1},
		}},
		{"by user", perUser, []step{
			{jane, 0, ip("192.0.2.1"), 1}, {aliases(jane, janeID), 1, ip("192.0.2.2"), 2}, {janeID, 2, ip("192.0.2.3"), 3}, {bob, 3, ip("192.0.2.3"), 1},
		}},
		{"no key, no count", events, []step{{jane, 0, `{"action":"x"}`, 0}, {jane, 0, `{"action":"x","source_ip":["192.0.2.1"]}`, 0}}},
		{"no value, not counted", perUser, []step{{jane, 0, ip("192.0.2.1"), 1}, {jane, 1, `{"action":"x"}`, 1}}},
		{"long keys", events, []step{{jane, 0, ip(strings.Repeat("x", 5000)), 1}, {jane, 1, ip(strings.Repeat("x", 5000)), 2}, {jane, 1, ip(strings.Repeat("x", 4999)), 1}}},
	} {
		t.Run(story.name, func(t *testing.T) {
			m := newMemory(t)
			for i, s := range story.steps {
				e := occurs(t, "activity", idp, s.who, s.at, s.body)
				got := m.takeWith(e, state.LoadOptions{Windows: []state.Window{story.window}, Links: true, Now: e.Time})
				if n := get(got.doc, "window.n"); n != s.want {
					t.Errorf("step %d: %v, want %v", i+1, n, s.want)
				}
			}
		})
	}
}

func TestWindowsSaturate(t *testing.T) {
	for _, w := range []state.Window{
		{Name: "n", Key: "event.issuer", Over: time.Hour, Count: "events"},
		{Name: "n", Key: "event.issuer", Over: time.Hour, Count: "distinct", Of: "event.body.action"},
	} {
		m := newMemory(t)
		var doc any
		for i := range state.MaxCount + 200 {
			e := occurs(t, "activity", idp, "", i, fmt.Sprintf(`{"action":"a%d"}`, i))
			doc = m.takeWith(e, state.LoadOptions{Windows: []state.Window{w}, Now: e.Time}).doc
		}
		expect(t, doc, "window.n", state.MaxCount)
		for key, v := range m.values {
			if len(v) > 16<<10 {
				t.Errorf("%s has %d bytes", key, len(v))
			}
		}
	}
}

func TestValidPath(t *testing.T) {
	for path, want := range map[string]bool{
		"subject": true, "user": true, "device": true, "session": true, "event.issuer": true, "event.source": true, "event.txn": true,
		"event.type": true, "event.body.source_ip": true, "event.body.a.b": true,
		"": false, "event.source_ip": false, "event.body": false, "event.body.": false, "event.body.a..b": false, "users": false,
	} {
		if state.ValidPath(path) != want {
			t.Errorf("%q: want %v", path, want)
		}
	}
}

func TestFacts(t *testing.T) {
	m := newMemory(t)
	set := func(seconds int, facts ...state.Fact) seen {
		return m.take(occurs(t, "recovery-activated", idp, complexOf("user", jane, "device", laptop), seconds, ""), facts...)
	}
	set(0,
		state.Fact{Rule: "a", Name: "x", Of: "user", Value: map[string]any{"n": 1}, TTL: time.Minute},
		state.Fact{Rule: "b", Name: "x", Of: "user", Value: "kept", TTL: time.Hour},
		state.Fact{Rule: "a", Name: "y", Of: "user", Value: json.Number("9007199254740993"), TTL: time.Hour},
		state.Fact{Rule: "a", Name: "d", Of: "device", Value: true, TTL: time.Hour})
	got := set(59)
	expect(t, got.doc, "user.facts.a.x.n", 1, "user.facts.b.x", "kept", "device.facts.a.d", true, "user.facts.a.d", nil)
	if !strings.Contains(string(got.input), `"y":9007199254740993`) {
		t.Errorf("large number is not kept: %s", got.input)
	}
	expect(t, set(60).doc, "user.facts.a.x", nil, "user.facts.b.x", "kept")
	set(61, state.Fact{Rule: "b", Name: "x", Of: "user", Value: "new", TTL: time.Hour})
	if stored := string(m.values["uf/email:jane@example.com"]); strings.Contains(stored, `{"n":1}`) {
		t.Errorf("expired fact is still stored: %q", stored)
	}
	expect(t, set(62).doc, "user.facts.b.x", "new")
	set(63, state.Fact{Rule: "b", Name: "x", Of: "user", Value: nil, TTL: 0}, state.Fact{Rule: "a", Name: "y", Of: "user", TTL: -1})
	expect(t, set(64).doc, "user.facts.b", nil)
	if _, ok := m.values["uf/email:jane@example.com"]; ok {
		t.Error("no fact is left, but the key is")
	}
}

func TestFactsAreBounded(t *testing.T) {
	m := newMemory(t)
	for i := range 100 {
		m.take(occurs(t, "recovery-activated", idp, jane, i, ""),
			state.Fact{Rule: "r", Name: fmt.Sprint(i), Of: "user", Value: i, TTL: time.Hour},
			state.Fact{Rule: "r", Name: "large", Of: "user", Value: strings.Repeat("x", 2000), TTL: time.Hour},
			state.Fact{Rule: "r", Name: "nowhere", Of: "session", Value: 1, TTL: time.Hour})
	}
	facts := get(m.look(jane, 100), "user.facts.r").(map[string]any)
	if len(facts) != 32 || facts["99"] == nil || facts["67"] != nil || facts["large"] != nil {
		t.Errorf("%d facts, want the 32 that live longest: %v", len(facts), facts)
	}
	for _, c := range []struct {
		fact state.Fact
		ok   bool
	}{
		{state.Fact{Rule: "r", Name: "n", Of: "user", Value: 1}, true},
		{state.Fact{Rule: "r", Name: "n", Of: "session", Value: 1}, false},
		{state.Fact{Rule: "r", Name: "", Of: "user", Value: 1}, false},
		{state.Fact{Rule: "r", Name: strings.Repeat("n", 200), Of: "user", Value: 1}, false},
		{state.Fact{Rule: "r", Name: "n", Of: "user", Value: strings.Repeat("x", 2000)}, false},
		{state.Fact{Rule: "r", Name: "n", Of: "user", Value: func() {}}, false},
	} {
		if err := c.fact.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.fact, err)
		}
	}
}
