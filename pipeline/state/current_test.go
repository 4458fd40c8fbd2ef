package state_test

import (
	"fmt"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline/state"
)

// TestSessionConclusions tells stories of Jane's sessions and looks at what the
// last event shows rules of the session it names.
func TestSessionConclusions(t *testing.T) {
	type step struct {
		kind, who string
		at        int
		body      string
	}
	session := func(id string) string { return complexOf("user", jane, "session", named(id)) }
	on := func(device, id string) string { return complexOf("user", jane, "device", device, "session", named(id)) }
	ua := func(name string) string { return fmt.Sprintf(`{"fp_ua":%q}`, name) }
	began := step{"session-established", session("s1"), 1, ua("ua-1")}
	for _, c := range []struct {
		name  string
		steps []step
		want  []any
	}{
		{"nothing is known", []step{{"session-presented", session("s1"), 1, ua("ua-1")}},
			[]any{"state", "unknown", "ua_changed", false, "backing", "none", "ua", nil, "ended", nil}},
		{"a beginning is news itself", []step{began}, []any{"state", "unknown", "ua_changed", false, "backing", "none"}},
		{"in use by the agent it began with", []step{began, {"session-presented", session("s1"), 2, ua("ua-1")}},
			[]any{"state", "live", "ua_changed", false, "backing", "live", "ua", "ua-1"}},
		{"in use by another", []step{began, {"session-presented", session("s1"), 2, ua("ua-2")}},
			[]any{"state", "live", "ua_changed", true, "ua", "ua-1"}},
		{"still by another", []step{began, {"session-presented", session("s1"), 2, ua("ua-2")}, {"session-presented", session("s1"), 3, ua("ua-2")}},
			[]any{"ua_changed", true, "ua", "ua-1"}},
		{"by the first again", []step{began, {"session-presented", session("s1"), 2, ua("ua-2")}, {"session-presented", session("s1"), 3, ua("ua-1")}},
			[]any{"ua_changed", false}},
		{"an agent that is not stated", []step{began, {"session-presented", session("s1"), 2, ""}}, []any{"ua_changed", false}},
		{"a beginning without an agent", []step{
			{"session-established", session("s1"), 1, ""}, {"session-presented", session("s1"), 2, ua("ua-1")}, {"session-presented", session("s1"), 3, ua("ua-2")},
		}, []any{"ua_changed", false, "ua", nil}},
		{"a later beginning counts", []step{began, {"session-established", session("s1"), 2, ua("ua-2")}, {"session-presented", session("s1"), 3, ua("ua-2")}},
			[]any{"ua_changed", false, "ua", "ua-2"}},
		{"a beginning that comes late", []step{
			{"session-presented", session("s1"), 5, ua("ua-2")}, began, {"session-presented", session("s1"), 6, ua("ua-2")},
		}, []any{"ua_changed", true, "ua", "ua-1"}},
		{"another agent in another event", []step{began, {"session-revoked", session("s1"), 2, ua("ua-2")}}, []any{"ua_changed", false}},
		{"it ended", []step{began, {"session-revoked", session("s1"), 2, ""}, {"session-presented", session("s1"), 9, ua("ua-1")}},
			[]any{"state", "revoked", "ended", 2, "backing", "ended"}},
		{"its device's ended", []step{
			{"session-established", on(laptop, "s1"), 1, ""}, {"session-revoked", complexOf("device", laptop), 2, ""}, {"session-presented", session("s1"), 9, ""},
		}, []any{"state", "revoked", "ended", 2}},
		{"another of the user is live", []step{began, {"session-presented", session("s2"), 2, ""}}, []any{"state", "unknown", "backing", "live"}},
		{"all others ended", []step{began, {"session-revoked", jane, 2, ""}, {"session-presented", session("s2"), 3, ""}},
			[]any{"state", "unknown", "backing", "ended"}},
		{"others are known from use only", []step{
			{"session-presented", session("s1"), 1, ""}, {"session-revoked", session("s1"), 2, ""}, {"session-presented", session("s2"), 3, ""},
		}, []any{"state", "unknown", "backing", "none"}},
		{"the user is somebody new", []step{began, {"identifier-recycled", jane, 5, ""}, {"session-presented", session("s2"), 4, ""}},
			[]any{"state", "unknown", "backing", "none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t)
			var got seen
			for _, s := range c.steps {
				e := occurs(t, s.kind, idp, s.who, s.at, s.body)
				got = m.takeWith(e, state.LoadOptions{Needs: state.NeedSession, Links: true, Now: e.Time})
			}
			conforms(t, "session", get(got.doc, "session"))
			for i := 0; i < len(c.want); i += 2 {
				c.want[i] = "session." + c.want[i].(string)
			}
			expect(t, got.doc, c.want...)
		})
	}
}
