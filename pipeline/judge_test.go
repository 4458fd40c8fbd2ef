package pipeline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestJudge: a verdict about an event is one about its decision, one about an
// action its own, and both are found under every id they concern.
func TestJudge(t *testing.T) {
	r := newRig(t, nil, func(r *rig) {
		r.rules.On = user
		r.rules.Say = revoke
	})
	rec := r.accept(r.revoked("1", jane))
	event, decision, action := rec.Outcomes[0].Event.ID, rec.Outcomes[0].Decision.ID, rec.Actions[0].ID
	for _, c := range []struct{ id, judged string }{{event, decision}, {decision, decision}, {action, action}} {
		j, err := r.Judge(t.Context(), c.id, pipeline.FalsePositive, "ana", "a drill")
		if err != nil {
			t.Fatal(err)
		}
		if j.ID != c.judged || j.Event != event || j.Decision != decision || !slices.Equal(j.Rules, []string{"test"}) || j.Entities.User == nil {
			t.Errorf("%s is judged as %+v", c.id, j)
		}
	}
	verdicts := func(id string) (n int) {
		found, err := r.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if o := f.Record.Operator; o != nil && o.Judgement != nil && o.By == "ana" && o.Comment == "a drill" {
				n++
			}
		}
		return n
	}
	for id, want := range map[string]int{event: 3, decision: 3, action: 1, rec.Input.ID: 3} {
		if n := verdicts(id); n != want {
			t.Errorf("%d verdicts under %s, want %d", n, id, want)
		}
	}
}

// TestJudgeRefuses what says nothing, is too long or about nothing.
func TestJudgeRefuses(t *testing.T) {
	r := newRig(t, nil)
	rec := r.accept(r.revoked("1", jane))
	before := len(r.records())
	for _, c := range []struct {
		name, id, by, comment string
		verdict               pipeline.Judgement
		unknown               bool
	}{
		{"no event", "e-0123456789abcdefghjkmnpqrs", "ana", "", pipeline.TruePositive, true},
		{"no action", "a-0123456789abcdefghjkmnpqrs", "ana", "", pipeline.TruePositive, true},
		{"an input", rec.Input.ID, "ana", "", pipeline.TruePositive, true},
		{"no id", "", "ana", "", pipeline.TruePositive, true},
		{"no verdict", rec.Outcomes[0].Event.ID, "ana", "", "maybe", false},
		{"nobody", rec.Outcomes[0].Event.ID, "", "", pipeline.TruePositive, false},
		{"long", rec.Outcomes[0].Event.ID, "ana", strings.Repeat("é", pipeline.MaxComment+1), pipeline.TruePositive, false},
	} {
		if _, err := r.Judge(t.Context(), c.id, c.verdict, c.by, c.comment); err == nil || errors.Is(err, pipeline.ErrUnknownID) != c.unknown {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if n := len(r.records()); n != before {
		t.Errorf("%d records were written", n-before)
	}
	if _, err := r.Judge(t.Context(), rec.Outcomes[0].Event.ID, pipeline.TestRun, "ana", strings.Repeat("é", pipeline.MaxComment)); err != nil {
		t.Error(err)
	}
}
