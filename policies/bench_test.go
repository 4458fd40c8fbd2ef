package policies_test

import (
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/policies"
)

// BenchmarkDecide measures Select and Decide of the shipped pack: an event every
// rule of which is turned away at the gate, one that no rule is about, and one
// that makes actions.
func BenchmarkDecide(b *testing.B) {
	set, problems := policies.Load(nil, policies.Options{ActionTypes: policies.ShippedActionTypes})
	if set == nil {
		b.Fatal(problems)
	}
	for _, c := range []struct {
		name, typ, document string
		proposals           int
	}{
		{"gated", "session-presented", presented("enabled"), 0},
		{"unselected", "verification", presented("enabled"), 0},
		{"match", "session-presented", presented("disabled"), 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, document := eventOf(b, c.typ), []byte(c.document)
			b.ReportAllocs()
			for b.Loop() {
				d, err := set.Decide(b.Context(), pipeline.Input{Event: e, Selection: set.Select(e), Document: document})
				if err != nil || len(d.Proposals) != c.proposals {
					b.Fatalf("%d proposals, %v, %v", len(d.Proposals), d.Errors, err)
				}
			}
		})
	}
}

// BenchmarkLoad measures reading, checking and compiling the shipped pack.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if set, problems := policies.Load(nil, policies.Options{}); set == nil {
			b.Fatal(problems)
		}
	}
}
