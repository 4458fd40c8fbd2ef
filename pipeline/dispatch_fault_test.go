package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// TestRestartKeepsBytes: what was made before a restart is what is sent after
// it, on disk too.
func TestRestartKeepsBytes(t *testing.T) {
	dir := t.TempDir()
	open := func() *store.Embedded {
		s, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	r := newRig(t, s, func(r *rig) { r.options.Now, r.now = nil, time.Now })
	made := make(chan struct{})
	hung := new(pipelinetest.Signing)
	hung.Batch = func(ctx context.Context, _ []pipeline.Delivery) error {
		close(made)
		<-ctx.Done()
		return ctx.Err()
	}
	stop := r.deliver("app", hung)
	r.accept(r.revoked("1", jane))
	<-made
	stop()
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open()
	defer s.Close()
	r.store, r.options.Store = s, s
	r.restart()
	sent := make(chan struct{})
	sink := new(pipelinetest.Signing)
	sink.Batch = func(context.Context, []pipeline.Delivery) error { close(sent); return nil }
	stop = r.deliver("app", sink)
	<-sent
	stop()
	if got, want := payloads(sink.Taken()), payloads(hung.Tries()); !slices.Equal(got, want) || len(sink.Orders()) != 0 {
		t.Errorf("sent %q, made before %q", got, want)
	}
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Acked})
	if a := r.actions()[1]; a.Token != string(sink.Taken()[0].Payload) || a.Attempt != 1 {
		t.Errorf("action %+v", a)
	}
}

// TestAnswerAtTheEnd: what a sink answers while the product stops is written
// down, and not sent again.
func TestAnswerAtTheEnd(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		sink.Batch = func(ctx context.Context, _ []pipeline.Delivery) error {
			<-ctx.Done()
			return nil // it had arrived
		}
		stop := r.deliver("app", sink)
		r.accept(r.revoked("1", jane))
		within(time.Second)
		stop()
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Acked})
		if r.pending("app") != 0 {
			t.Error("it would be sent again")
		}
	})
}

// TestSlowSink: a batch that takes longer than its lease is cut off before
// anybody else takes it up.
func TestSlowSink(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		slow := true
		sink := new(pipelinetest.Signing)
		sink.Batch = func(ctx context.Context, _ []pipeline.Delivery) error {
			if !slow {
				return nil
			}
			slow = false
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Hour):
				return nil
			}
		}
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(30 * time.Minute)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Failed, pipeline.Acked})
		faultless(t, sink)
	})
}

// TestBadSink: an answer of another length is no answer.
func TestBadSink(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := &shortSink{}
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(time.Minute)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Failed, pipeline.Acked})
	})
}

type shortSink struct{ asked bool }

func (s *shortSink) Deliver(_ context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	if !s.asked {
		s.asked = true
		return nil, nil
	}
	return make([]pipeline.Result, len(batch)), nil
}

// TestDamagedItem: something in the queue that cannot be read is dead, and what
// waits behind it goes out.
func TestDamagedItem(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		if err := store.Update(t.Context(), r.store, nil, func(tx store.Tx) error {
			tx.Enqueue(store.Item{Queue: "app", ID: "a-damaged/0", Key: jane, Payload: []byte("{")})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		r.accept(r.revoked("1", jane))
		sink := new(pipelinetest.Signing)
		defer r.deliver("app", sink)()
		within(time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Dead, pipeline.Acked})
		if a := r.actions()[1]; a.ID != "a-damaged" || a.Target != "app" || a.Key != jane {
			t.Errorf("action %+v", a)
		}
	})
}

// TestDeliverReturnsFaults: when the store fails one loop, all end and the
// caller is told.
func TestDeliverReturnsFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk on fire")
		var mu sync.Mutex
		fail := false
		r := newRig(t, store.NewMemory(store.Options{}, store.Faults{FailCommit: func(int) error {
			mu.Lock()
			defer mu.Unlock()
			if fail {
				fail = false // only once: the other loops see nothing of it
				return broken
			}
			return nil
		}}), func(r *rig) { r.options.Now, r.now = nil, time.Now })
		r.accept(r.revoked("1", jane))
		mu.Lock()
		fail = true
		mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		err := r.Deliver(ctx, "app", new(pipelinetest.Signing))
		if !errors.Is(err, broken) || time.Since(began) > time.Minute {
			t.Errorf("error %v after %s", err, time.Since(began))
		}
	})
}

// TestExpiry: what could not be handed over in time is not sent but recorded,
// when its time is over, whatever pause the sink asked for.
func TestExpiry(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		sink := new(pipelinetest.Signing)
		sink.Answer = func(d pipeline.Delivery) pipeline.Result {
			return pipeline.Result{Err: errDown, After: 1000 * time.Hour}
		}
		defer r.deliver("app", sink)()
		r.accept(r.revoked("1", jane))
		within(10*time.Minute - time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Failed})
		within(5 * time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Failed, pipeline.Expired})
		if a := r.actions()[2]; a.Token != "" || a.Attempt != 1 || !strings.Contains(a.Why, "not handed over before") {
			t.Errorf("action %+v", a)
		}
		if n := len(sink.Tries()); n != 1 || r.pending("app") != 0 {
			t.Errorf("%d tries, %d wait", n, r.pending("app"))
		}
	}, action(func(a *pipeline.ActionType) { a.ValidFor = 10 * time.Minute }))
}

// TestExpiredWhileDown: nothing old is sent after a long rest of the product.
func TestExpiredWhileDown(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		r.accept(r.revoked("1", jane))
		within(25 * time.Hour)
		r.accept(r.revoked("2", jane))
		sink := new(pipelinetest.Signing)
		defer r.deliver("app", sink)()
		within(time.Second)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued, pipeline.Expired, pipeline.Acked})
		if n := len(sink.Orders()); n != 1 {
			t.Errorf("%d tokens were made", n)
		}
	})
}
