package pipeline_test

import (
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestMergeNeedsTheSame: an action merges into one that says the same, not into
// any of its type.
func TestMergeNeedsTheSame(t *testing.T) {
	level := "LOW"
	r := newRig(t, nil, action(func(a *pipeline.ActionType) { a.Merge = time.Hour }), func(r *rig) {
		r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
			p := proposal()
			p.With = map[string]any{"level": level}
			return pipeline.Decision{Proposals: []pipeline.Proposal{p}}, nil
		}
	})
	r.accept(r.revoked("1", jane))
	level = "HIGH"
	r.accept(r.revoked("2", jane))
	r.accept(r.revoked("3", jane))
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued, pipeline.Merged})
}

// TestLoopsAreCountedPerIssuer: who knows the transaction of another cannot use
// it up.
func TestLoopsAreCountedPerIssuer(t *testing.T) {
	const feed = "https://feed.example.com"
	r := newRig(t, nil, func(r *rig) {
		r.settings.MaxHops = 2
		r.settings.Remits[feed] = r.settings.Remits[idp]
	})
	says := func(issuer, jti string) {
		r.accept(r.message(pipelinetest.Claims{Issuer: issuer, JTI: jti, Txn: "tx", Subject: jane, Events: map[string]any{"session-revoked": nil}}))
	}
	for _, jti := range []string{"1", "2", "3"} {
		says(feed, jti)
	}
	says(idp, "1")
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued, pipeline.Suppressed, pipeline.Queued})
}

// TestProtectedByTheEvent: an action whose event names somebody protected is
// held, under whichever of the event's identifiers the rule asks for it.
func TestProtectedByTheEvent(t *testing.T) {
	other := map[string]any{"format": "iss_sub", "iss": idp, "sub": "u-1"}
	r := newRig(t, nil, protect(jane), asks(func(p *pipeline.Proposal) { p.Subject = other }), remits(func(m *pipeline.Remit) { m.Links = false }))
	r.accept(r.revoked("1", "iss_sub:"+idp+"|u-1")) // is known, and not as jane
	r.accept(r.revoked("2", "aliases:"+jane+"&iss_sub:"+idp+"|u-1"))
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Held})
}
