package policies_test

import (
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/policies"
)

// TestOrdinary: events with nothing the matter reach no body of any shipped rule.
// Sessions alone are a quarter of all.
func TestOrdinary(t *testing.T) {
	set, problems := policies.Load(nil, policies.Options{ActionTypes: policies.ShippedActionTypes})
	if set == nil {
		t.Fatal(lines(problems))
	}
	for _, c := range []struct {
		name, typ string
		replace   []string
		evaluated bool
	}{
		{"in use", "session-presented", nil, false},
		{"begins", "session-established", []string{`"session-presented"`, `"session-established"`, `"state":"live"`, `"state":"unknown"`, `"backing":"live"`, `"backing":"none"`}, false},
		{"first seen, another is known", "session-presented", []string{`"state":"live"`, `"state":"unknown"`}, false},
		{"first seen, none is known", "session-presented", []string{`"state":"live"`, `"state":"unknown"`, `"backing":"live"`, `"backing":"none"`}, false},
		{"of a user at risk", "session-presented", []string{`"level":"low"`, `"level":"high"`}, false},
		{"a credential changes", "credential-change", []string{`"session-presented"`, `"credential-change"`}, false},
		{"nobody saw it begin", "session-presented", []string{`"state":"live"`, `"state":"unknown"`, `"backing":"live"`, `"backing":"ended"`}, true},
		{"another agent", "session-presented", []string{`"ua_changed":false`, `"ua_changed":true`}, true},
		{"a failing device", "session-presented", []string{`"status":"compliant"`, `"status":"not-compliant"`}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, document := eventOf(t, c.typ), strings.NewReplacer(c.replace...).Replace(presented("enabled"))
			d, err := set.Decide(t.Context(), pipeline.Input{Event: e, Selection: set.Select(e), Document: []byte(document)})
			if err != nil || len(d.Errors) > 0 {
				t.Fatal(err, d.Errors)
			}
			if (d.Steps > 0) != c.evaluated {
				t.Errorf("%d steps of evaluation", d.Steps)
			}
		})
	}
}
