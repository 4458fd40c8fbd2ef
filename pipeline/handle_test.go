package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest/req"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestReceipts: one receipt per message, in order, whatever becomes of it.
func TestReceipts(t *testing.T) {
	r := newRig(t, nil)
	first := r.revoked("1", jane)
	reused := r.revoked("1", joe)
	discarded := r.message(pipelinetest.Claims{Issuer: idp, JTI: "2", Subject: jane, Discard: "unknown critical member", Events: map[string]any{"session-revoked": nil}})
	refused := pipeline.Message{Source: "test", Sender: "tester", Body: []byte("{"), Received: morning}
	later := pipeline.Message{Source: "test", Body: []byte("unavailable"), Received: morning}
	unknown := r.message(pipelinetest.Claims{Issuer: idp, JTI: "3", Subject: jane, Events: map[string]any{"no-such-event": nil}})

	receipts := r.handle(first, later, refused, discarded, unknown)
	equal(t, "verdicts", verdicts(receipts), []pipeline.Verdict{pipeline.Accepted, "", pipeline.Rejected, pipeline.Discarded, pipeline.Accepted})
	if receipts[0].ID != pipeline.SETInputID(idp, "1") || receipts[0].Seq != 1 {
		t.Errorf("receipt %+v of what was accepted", receipts[0])
	}
	if !errors.Is(receipts[1].Retry, pipelinetest.ErrUnavailable) || receipts[1].Seq != 0 {
		t.Errorf("receipt %+v of what cannot be verified now", receipts[1])
	}
	if receipts[2].Reject == nil || receipts[2].Reject.Code != pipeline.InvalidRequest || receipts[2].ID != "" || receipts[2].Seq != 2 {
		t.Errorf("receipt %+v of what was refused", receipts[2])
	}
	if got := r.record(3); got.Input.Discard == "" || len(got.Outcomes) != 0 {
		t.Errorf("record of what was discarded: %+v", got.Input)
	}
	req.Equal(t, "EVT-33", r.record(4).Outcomes[0].Event.Type, "unknown")

	again := r.handle(reused, first, discarded, refused)
	req.Equal(t, "SET-27 PUSH-09", verdicts(again), []pipeline.Verdict{pipeline.Reused, pipeline.Repeated, pipeline.Repeated, pipeline.Rejected})
	equal(t, "places", []uint64{again[0].Seq, again[1].Seq, again[2].Seq, again[3].Seq}, []uint64{5, 1, 3, 6})
	if got := r.record(5); got.Input.Verdict != pipeline.Reused || len(got.Outcomes)+len(got.Actions) != 0 || got.Input.Body != string(reused.Body) {
		t.Errorf("record of a reused token id: %+v", got)
	}
	req.Equal(t, "SET-27", r.rules.Times(pipeline.EventID(pipeline.SETInputID(idp, "1"), 0)), 1)
	req.Equal(t, "SET-27", r.statuses(), []pipeline.Status{pipeline.Queued})
}

// TestSameMessageInOneBatch: a message that stands twice in a batch is accepted
// once, and other bytes under its id are reused.
func TestSameMessageInOneBatch(t *testing.T) {
	r := newRig(t, nil)
	receipts := r.handle(r.revoked("1", jane), r.revoked("1", jane), r.revoked("1", joe), r.revoked("1", jane))
	equal(t, "verdicts", verdicts(receipts), []pipeline.Verdict{pipeline.Accepted, pipeline.Repeated, pipeline.Reused, pipeline.Repeated})
	equal(t, "places", []uint64{receipts[0].Seq, receipts[1].Seq, receipts[2].Seq, receipts[3].Seq}, []uint64{1, 1, 2, 1})
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued})
	if n := r.rules.Times(pipeline.EventID(receipts[0].ID, 0)); n != 1 {
		t.Errorf("decided %d times", n)
	}
}

// TestRejectsAreSampled: all are answered, the journal keeps a bounded sample
// of strangers', and all of known senders'.
func TestRejectsAreSampled(t *testing.T) {
	r := newRig(t, nil)
	long := strings.Repeat("x", 20<<10)
	stranger := pipeline.Message{Source: "test", Body: []byte(long), Received: morning}
	known := stranger
	known.Sender = "tester"
	for range 10 {
		var msgs []pipeline.Message
		for range 30 {
			msgs = append(msgs, stranger, known)
		}
		for _, receipt := range r.handle(msgs...) {
			if receipt.Verdict != pipeline.Rejected {
				t.Fatalf("verdict %s", receipt.Verdict)
			}
		}
	}
	strangers, knowns := 0, 0
	for _, rec := range r.records() {
		if rec.Kind != pipeline.RejectRecord || len(rec.Input.Body) != 8<<10 || rec.Input.Reject == nil {
			t.Fatalf("record %s with %d bytes", rec.Kind, len(rec.Input.Body))
		}
		if rec.Input.Sender == "" {
			strangers++
		} else {
			knowns++
		}
	}
	if strangers != 60 || knowns != 300 {
		t.Errorf("%d of strangers and %d of known senders recorded, want 60 and 300", strangers, knowns)
	}
	r.clock.pass(3 * time.Second)
	r.handle(stranger, stranger, stranger, stranger, stranger)
	if n := len(r.records()) - 360; n != 3 {
		t.Errorf("%d recorded after 3 s, want 3", n)
	}
}

// TestStoreFailure: when the store fails nothing is there, and the same
// messages can be offered again.
func TestStoreFailure(t *testing.T) {
	broken := errors.New("disk on fire")
	fail := false
	c := &clock{at: morning}
	mem := store.NewMemory(store.Options{Now: c.now}, store.Faults{FailCommit: func(int) error {
		if fail {
			return broken
		}
		return nil
	}})
	r := newRig(t, mem)
	fail = true
	msgs := []pipeline.Message{r.revoked("1", jane), r.revoked("2", joe)}
	if _, err := r.Handle(t.Context(), msgs); !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	req.Equal(t, "PUSH-08 PUSH-10", len(r.records())+r.pending("app"), 0)
	if found, err := r.Find(t.Context(), pipeline.SETInputID(idp, "1")); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	fail = false
	equal(t, "verdicts", verdicts(r.handle(msgs...)), []pipeline.Verdict{pipeline.Accepted, pipeline.Accepted})
	if n := r.pending("app"); n != 2 {
		t.Errorf("%d actions wait", n)
	}
}

// TestLostAnswer: when only the store's answer is lost, offering again gives
// repeats and no second effect.
func TestLostAnswer(t *testing.T) {
	lost := errors.New("answer lost")
	r := newRig(t, store.NewMemory(store.Options{}, store.Faults{LoseCommit: func(n int) error {
		if n == 1 {
			return lost
		}
		return nil
	}}))
	m := r.revoked("1", jane)
	if _, err := r.Handle(t.Context(), []pipeline.Message{m}); !errors.Is(err, lost) {
		t.Fatalf("error %v", err)
	}
	receipt := r.handle(m)[0]
	if receipt.Verdict != pipeline.Repeated || receipt.Seq != 1 {
		t.Errorf("receipt %+v", receipt)
	}
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued})
}

// TestFullJournal: intake is told when to come again.
func TestFullJournal(t *testing.T) {
	r := newRig(t, store.NewMemory(store.Options{}, store.Faults{FailCommit: func(int) error { return store.ErrFull }}))
	_, err := r.Handle(t.Context(), []pipeline.Message{r.revoked("1", jane)})
	var busy *pipeline.BusyError
	if !errors.As(err, &busy) || busy.After <= 0 {
		t.Errorf("error %v", err)
	}
}

// TestOneBadMessage: a message that cannot be brought through is to be offered
// again; those beside it are not lost with it.
func TestOneBadMessage(t *testing.T) {
	broken := errors.New("engine broken")
	bad := true
	r := newRig(t, nil, func(r *rig) {
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			if in.Event.Subject.Key() == joe && bad {
				return pipeline.Decision{}, broken
			}
			return revoke(in)
		}
	})
	msgs := []pipeline.Message{r.revoked("1", jane), r.revoked("2", joe), r.revoked("3", jane)}
	receipts := r.handle(msgs...)
	equal(t, "verdicts", verdicts(receipts), []pipeline.Verdict{pipeline.Accepted, "", pipeline.Accepted})
	if !errors.Is(receipts[1].Retry, broken) || receipts[1].Seq != 0 {
		t.Errorf("receipt %+v", receipts[1])
	}
	equal(t, "places", []uint64{receipts[0].Seq, receipts[2].Seq}, []uint64{1, 2})
	bad = false
	equal(t, "verdicts", verdicts(r.handle(msgs...)), []pipeline.Verdict{pipeline.Repeated, pipeline.Accepted, pipeline.Repeated})
}

// TestCancelledHandle: a caller that has gone gets an error and nothing is done.
func TestCancelledHandle(t *testing.T) {
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Handle(ctx, []pipeline.Message{r.revoked("1", jane)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := len(r.records()); n != 0 {
		t.Errorf("%d records", n)
	}
}

func TestRefusesToHandle(t *testing.T) {
	var busy *pipeline.BusyError
	fresh := pipeline.New(pipeline.Options{Store: store.NewMemory(store.Options{}, store.Faults{})})
	if _, err := fresh.Handle(t.Context(), nil); !errors.As(err, &busy) {
		t.Errorf("error %v without settings", err)
	}
	r := newRig(t, nil, func(r *rig) { r.options.MaxBatch = 1 })
	if _, err := r.Handle(t.Context(), make([]pipeline.Message, 2)); err == nil {
		t.Error("a batch above the bound was taken")
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Handle(t.Context(), []pipeline.Message{r.revoked("1", jane)}); !errors.As(err, &busy) {
		t.Errorf("error %v after Close", err)
	}
}

// TestClose: Close waits for what is on the line, while others still knock.
func TestClose(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	r := newRig(t, nil, func(r *rig) {
		r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
			close(inside)
			<-leave
			return pipeline.Decision{}, nil
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { r.accept(r.revoked("1", jane)) })
	<-inside
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Close(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("Close with an ended context: %v", err)
	}
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := r.Handle(context.Background(), nil); !errors.As(err, new(*pipeline.BusyError)) {
					t.Errorf("error %v", err)
				}
			}
		})
	}
	close(leave)
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// TestCloseWhileHandling holds Close and the first messages of an idle pipeline
// against each other under the race detector.
func TestCloseWhileHandling(t *testing.T) {
	for range 50 {
		r := newRig(t, nil)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { _, _ = r.Handle(context.Background(), nil) })
		}
		wg.Go(func() { _ = r.Close(context.Background()) })
		wg.Wait()
	}
}

// TestReuseIsSampled: the same reuse over and over does not fill the journal
// without bound.
func TestReuseIsSampled(t *testing.T) {
	r := newRig(t, nil)
	r.handle(r.revoked("1", jane))
	const most = 500 * 60
	msgs := slices.Repeat([]pipeline.Message{r.revoked("1", joe)}, 1000)
	for range most/len(msgs) + 1 {
		r.handle(msgs...)
	}
	if n := r.store.Last() - 1; n != most {
		t.Errorf("%d of %d recorded, want %d", n, most+len(msgs), most)
	}
}
