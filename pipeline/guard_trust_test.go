package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// feed is an issuer beside the usual one.
const feed = "https://feed.example.com"

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

// TestLimitsAreCountedPerIssuer: nobody uses up what another may cause.
func TestLimitsAreCountedPerIssuer(t *testing.T) {
	r := newRig(t, nil, asks(func(p *pipeline.Proposal) { p.Limit = pipeline.Limit{Actions: 2, Per: time.Hour} }), func(r *rig) {
		r.settings.Remits[feed] = r.settings.Remits[idp]
	})
	says := func(issuer, jti string) {
		r.accept(r.message(pipelinetest.Claims{Issuer: issuer, JTI: jti, Subject: "email:" + jti + "@example.com", Events: map[string]any{"session-revoked": nil}}))
	}
	for _, jti := range []string{"1", "2", "3"} {
		says(feed, jti)
	}
	says(idp, "4")
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued, pipeline.PendingApproval, pipeline.Queued})
}

// TestOneIssuerCannotUseUpTheLimitOfAll: under the limit of all actions an issuer has
// its share, which what a person released counts to as well, and the limit stays
// that of all.
func TestOneIssuerCannotUseUpTheLimitOfAll(t *testing.T) {
	mode := pipeline.Approve
	r := newRig(t, nil, func(r *rig) {
		r.settings.Remits[feed] = r.settings.Remits[idp]
		r.settings.Limit, r.settings.Share = pipeline.Limit{Actions: 3, Per: time.Hour}, 2
		r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
			p := proposal()
			p.Mode = mode
			return pipeline.Decision{Proposals: []pipeline.Proposal{p}}, nil
		}
	})
	says := func(issuer, jti string, want pipeline.Status, why string) string {
		t.Helper()
		rec := r.accept(r.message(pipelinetest.Claims{Issuer: issuer, JTI: jti, Subject: "email:" + jti + "@example.com", Events: map[string]any{"session-revoked": nil}}))
		if a := rec.Actions[0]; a.Status != want || !strings.Contains(a.Why, why) {
			t.Errorf("%s of %s: %s because %q, want %s because %q", jti, issuer, a.Status, a.Why, want, why)
		}
		return rec.Actions[0].ID
	}
	id := says(feed, "1", pipeline.PendingApproval, "on approval only")
	if _, err := r.Approve(t.Context(), id, kim); err != nil {
		t.Fatal(err)
	}
	mode = pipeline.Enforce
	says(feed, "2", pipeline.Queued, "")
	says(feed, "3", pipeline.PendingApproval, "limit of all rules for "+feed+" reached: 2 actions in 1h")
	says(idp, "4", pipeline.Queued, "")
	says(idp, "5", pipeline.PendingApproval, "limit of all rules together reached: 3 actions")
	r.clock.pass(67 * time.Minute)
	says(feed, "6", pipeline.Queued, "")
}

// TestMergeEndsWithTheAction: when an action came to nothing, equal ones do not
// become part of it any more.
func TestMergeEndsWithTheAction(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		sink.Answer = func(pipeline.Delivery) pipeline.Result { return pipeline.Result{Err: errNo, Info: "400"} }
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(time.Second)
		r.accept(r.revoked("2", jane))
		within(time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Dead, pipeline.Queued, pipeline.Dead})
	}, action(func(a *pipeline.ActionType) { a.Merge = time.Hour }))
}

// panicking is a verifier with a fault.
type panicking struct{ pipelinetest.Plain }

func (p panicking) Verify(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
	if strings.Contains(string(m.Body), "boom") {
		panic("a fault")
	}
	return p.Plain.Verify(ctx, m)
}

// TestPanicIsAReject: bytes that find a fault of ours are refused; the messages
// beside them are not harmed.
func TestPanicIsAReject(t *testing.T) {
	r := newRig(t, nil, func(r *rig) { r.settings.Verifier = panicking{} })
	receipts := r.handle(r.revoked("1", jane), r.revoked("boom", jane), r.revoked("2", joe))
	equal(t, "verdicts", verdicts(receipts), []pipeline.Verdict{pipeline.Accepted, pipeline.Rejected, pipeline.Accepted})
	if why := receipts[1].Reject; why == nil || why.Code != pipeline.InvalidRequest {
		t.Errorf("reject %+v", why)
	}
}
