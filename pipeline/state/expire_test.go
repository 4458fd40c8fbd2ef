package state_test

import (
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/state"
)

func TestExpired(t *testing.T) {
	m := newMemory(t)
	e := occurs(t, "session-established", idp, named("s1"), 0, "")
	m.takeWith(e, state.LoadOptions{Windows: []state.Window{{Name: "n", Key: "session", Over: time.Hour, Count: "events"}}, Now: e.Time})
	m.take(occurs(t, "session-established", idp, complexOf("user", jane, "session", named("s2")), 0, ""))
	const days = 24 * time.Hour
	for _, c := range []struct {
		key   string
		after time.Duration
		want  bool
	}{
		{"w/n/opaque:s1", time.Hour - 1, false},
		{"w/n/opaque:s1", time.Hour, true},
		{"s/opaque:s1", 29 * days, false},
		{"s/opaque:s1", 30 * days, true},
		{"s/opaque:s2", 300 * days, false},
		{"u/email:jane@example.com", 300 * days, false},
	} {
		value, ok := m.values[c.key]
		if !ok {
			t.Fatalf("%s is not stored", c.key)
		}
		if got := state.Expired(c.key, value, epoch.Add(c.after)); got != c.want {
			t.Errorf("%s after %v: %v", c.key, c.after, got)
		}
	}
	if state.Expired("w/n/x", []byte{7}, at(1<<30)) {
		t.Error("a damaged value expires")
	}
}
