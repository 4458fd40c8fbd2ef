package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// keyed is Plain by whose word each token was signed with a key of its own.
type keyed struct{ pipelinetest.Plain }

func (k keyed) Verify(ctx context.Context, m pipeline.Message) (pipeline.Signal, error) {
	s, err := k.Plain.Verify(ctx, m)
	s.Key = pipeline.SignalKey{Thumbprint: "of-" + s.JTI, JWK: fmt.Appendf(nil, `{"kid":%q}`, s.JTI)}
	return s, err
}

// TestVerifiedKeys: the keys of accepted tokens are kept across a restart, each
// once and no more than 64 of an issuer; those of other issuers and of refused
// messages are not among them.
func TestVerifiedKeys(t *testing.T) {
	const longer = idp + "/other"
	r := newRig(t, nil, func(r *rig) { r.settings.Verifier = keyed{} })
	r.handle(r.revoked("a", jane), pipeline.Message{Source: "test", Sender: "tester", Body: []byte("{"), Received: morning})
	r.handle(r.message(pipelinetest.Claims{Issuer: longer, JTI: "x", Subject: jane, Events: map[string]any{"session-revoked": nil}}))
	r.clock.pass(time.Hour)
	r.restart()
	r.handle(r.revoked("a", jane), r.revoked("b", jane))
	keys := func(issuer string) []pipeline.VerifiedKey {
		t.Helper()
		list, err := r.VerifiedKeys(t.Context(), issuer)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := keys(idp)
	if len(list) != 2 || list[0].Thumbprint != "of-a" || string(list[0].JWK) != `{"kid":"a"}` || !list[0].First.Equal(morning) || !list[1].First.Equal(morning.Add(time.Hour)) {
		t.Errorf("kept are %+v", list)
	}
	if list := keys(longer); len(list) != 1 || list[0].Thumbprint != "of-x" {
		t.Errorf("kept of another issuer are %+v", list)
	}
	if list := keys("https://nobody.example.com"); list != nil {
		t.Errorf("kept of nobody are %+v", list)
	}
	for i := range 70 {
		r.handle(r.revoked(fmt.Sprint(i), jane))
	}
	if list = keys(idp); len(list) != 64 || list[63].Thumbprint != "of-69" || list[0].Thumbprint != "of-6" {
		t.Errorf("%d keys are kept, from %s", len(list), list[0].Thumbprint)
	}
}
