package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// contents is everything a store holds that can be seen.
func contents(t *testing.T, s store.Store) string {
	t.Helper()
	all := fmt.Sprint(journal(t, s), s.Cursors())
	if err := s.Scan(context.Background(), "", func(key string, value []byte) bool {
		all += fmt.Sprintf("%s=%x\n", key, value)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	n, _ := s.Pending("app")
	timers, next, err := s.ClaimTimers(context.Background(), 10, morning.Add(1000*time.Hour), 0)
	if err != nil {
		t.Fatal(err)
	}
	return all + fmt.Sprint(n, timers, next)
}

// TestExplain: Explain says what Handle then does, to the byte, and leaves
// nothing behind.
func TestExplain(t *testing.T) {
	r := newRig(t, nil, func(r *rig) {
		r.rules.On = user
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			return pipeline.Decision{
				Proposals: []pipeline.Proposal{proposal()},
				Facts:     []pipeline.Fact{{Rule: "test", Name: "n", Of: "user", Value: 1, TTL: time.Hour}},
				Timers:    []pipeline.TimerOrder{{Rule: "test", Name: "later", After: time.Minute}},
			}, nil
		}
	})
	r.accept(r.revoked("before", jane))
	before := contents(t, r.store)
	msgs := []pipeline.Message{
		r.revoked("1", jane), r.revoked("1", jane), r.revoked("before", jane), r.revoked("before", joe),
		{Source: "test", Body: []byte("{"), Received: morning}, r.revoked("2", joe),
		{Source: "test", Body: []byte("unavailable"), Received: morning},
	}
	var explained []pipeline.Receipt
	var records []*pipeline.Record
	for range 100 { // more often than strangers' rejects are recorded
		var err error
		if explained, records, err = r.Explain(t.Context(), msgs); err != nil {
			t.Fatal(err)
		}
	}
	if after := contents(t, r.store); after != before {
		t.Errorf("left behind\n%s\nwas\n%s", after, before)
	}
	handled := r.handle(msgs...)
	equal(t, "verdicts", verdicts(explained), verdicts(handled))
	for i, e := range explained {
		want := uint64(0)
		if i == 2 {
			want = 1 // the repeat of what is there
		}
		if e.Seq != want {
			t.Errorf("message %d is said to be at %d, want %d", i, e.Seq, want)
		}
		switch repeat := i == 1 || i == 2 || i == 6; {
		case repeat != (records[i] == nil):
			t.Errorf("message %d has record %v", i, records[i])
		case !repeat:
			if got, want := string(records[i].AppendJSON(nil)), journal(t, r.store)[handled[i].Seq-1]; got != want {
				t.Errorf("message %d is explained as\n%s\nand handled as\n%s", i, got, want)
			}
		}
	}
}

func TestExplainFails(t *testing.T) {
	p := pipeline.New(pipeline.Options{Store: store.NewMemory(store.Options{}, store.Faults{})})
	if _, _, err := p.Explain(t.Context(), nil); err == nil {
		t.Error("explained without settings")
	}
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.Explain(ctx, []pipeline.Message{r.revoked("1", jane)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestFind: what is known of an input, an event, a decision or an action is
// found by its id.
func TestFind(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.deliver("app", new(pipelinetest.Signing))()
		r.accept(r.revoked("0", joe))
		rec := r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", Subject: jane, Events: map[string]any{"session-revoked": nil, "account-enabled": nil}}))
		r.handle(r.revoked("1", joe)) // reused
		within(time.Minute)
		last := r.accept(r.revoked("2", jane))
		within(time.Minute)
		seqs := func(id string) []uint64 {
			found, err := r.Find(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			var list []uint64
			for _, f := range found {
				if f.Record == nil {
					t.Fatalf("record %d is missing", f.Seq)
				}
				list = append(list, f.Seq)
			}
			return list
		}
		var delivered []uint64
		for i, other := range r.records() {
			if other.Kind == pipeline.DeliveryRecord && other.Actions[0].ID == rec.Actions[0].ID {
				delivered = append(delivered, uint64(i+1))
			}
		}
		if len(delivered) != 1 {
			t.Fatalf("delivered at %v", delivered)
		}
		self := seqs(rec.Outcomes[0].Event.ID)
		if len(self) != 1 {
			t.Fatalf("event at %v", self)
		}
		equal(t, "second event", seqs(rec.Outcomes[1].Event.ID), self)
		equal(t, "decision", seqs(rec.Outcomes[1].Decision.ID), self)
		equal(t, "decision of a lane", seqs(rec.Outcomes[1].Decision.ID+"-shadow"), self)
		equal(t, "action", seqs(rec.Actions[0].ID), append(self, delivered...))
		if in := seqs(rec.Input.ID); len(in) != 2 || in[0] != self[0] {
			t.Errorf("input at %v, want the message and its reuse", in)
		}
		if got := seqs(last.Actions[0].ID); len(got) != 2 || got[0] <= delivered[0] {
			t.Errorf("action of the last message at %v", got)
		}
		for _, id := range []string{"", "e-", "a-unknown", "i-unknown", "x"} {
			if got := seqs(id); got != nil {
				t.Errorf("%q found at %v", id, got)
			}
		}
	})
}
