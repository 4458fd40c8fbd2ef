package policies_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signalbox-dev/signalbox/policies"
)

// FuzzLoad: whatever stands in a file of rules, loading ends with problems or a
// set, each problem with a place in the file it names.
func FuzzLoad(f *testing.F) {
	f.Add(quiet)
	f.Add(ruleOf("# METADATA\n# title: t\nactions contains {\"type\": \"notify\", \"reason\": \"r\"} if input.event.type == \"verification\"\n"))
	f.Add(ruleOf("facts[x] := y if { some x, y in input.event }\nactions := 1\ntimers contains timers\n"))
	f.Add("# METADATA\n# custom: {on: [{}], needs: {}, windows: [1], limit: 3}\npackage signals.rule\n")
	f.Add("# METADATA\n# &a [*a]\npackage signals.rule\nnotes contains input")
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{"signals/rule.rego": {Data: []byte(text)}}
		set, problems := policies.Load(files, policies.Options{Bare: true})
		failed := false
		for _, p := range problems {
			failed = failed || p.Severity == policies.Error
			if p.File != "" && (p.Line < 1 || p.Line > strings.Count(text, "\n")+2 || p.Column < 1 || p.EndColumn <= p.Column) {
				t.Errorf("out of place: %+v", p)
			}
		}
		if failed != (set == nil) {
			t.Errorf("a set is %v with %v", set != nil, problems)
		}
	})
}
