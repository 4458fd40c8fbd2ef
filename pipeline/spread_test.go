package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// forks is a sink in front of streams that all want everything, but one that is
// full.
type forks struct {
	streams []string
	gone    atomic.Bool
}

func (f *forks) Deliver(context.Context, []pipeline.Delivery) ([]pipeline.Result, error) {
	return nil, errors.New("nothing is handed to a spreader")
}

func (f *forks) SpreadLock() string { return "~t/app" }

func (f *forks) Spread(_ store.Tx, o pipeline.Order) (list []pipeline.Copy, err error) {
	for _, s := range f.streams {
		c := pipeline.Copy{Stream: s}
		if s == "full" {
			c.Refuse = "as much waits as may"
		}
		list = append(list, c)
	}
	return list, nil
}

func (f *forks) Serves(store.Tx, string) bool { return !f.gone.Load() }

// plainMaker makes bytes that say for which stream they are.
type plainMaker struct{}

func (plainMaker) Prepare(_ context.Context, o pipeline.Order) ([]byte, error) {
	return []byte(o.Stream + " " + o.ActionID), nil
}

// TestSpread: an action is given once to each stream that wants it, each copy has
// a fate of its own, and one that was refused can be sent again as long as its
// stream is there.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, store.NewMemory(store.Options{}, store.Faults{}), func(r *rig) { r.options.Now, r.now = time.Now, time.Now })
		sink := &forks{streams: []string{"one", "two", "full"}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Deliver(ctx, "app", sink) }()
		a := pipeline.Action{
			ID: "a-1", Type: "test", Emits: "session-revoked", Target: "app", Mode: pipeline.Enforce, Key: jane,
			Subject: []byte(`{"format":"email","email":"jane@example.com"}`), Body: []byte(`{}`), Made: time.Now(), Received: time.Now(), Expires: time.Now().Add(time.Hour),
		}
		if err := r.Transact(t.Context(), nil, func(tx store.Tx, _ func(pipeline.Action)) error { return pipeline.Enqueue(tx, &a, time.Now()) }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fates := func() string {
			found, err := r.Find(t.Context(), "a-1")
			if err != nil {
				t.Fatal(err)
			}
			m := map[string]pipeline.Status{}
			for _, f := range found {
				for _, a := range f.Record.Actions {
					m[a.Stream] = a.Status
				}
			}
			return fmt.Sprint(m)
		}
		if got, want := fates(), "map[:superseded full:dead one:queued two:queued]"; got != want {
			t.Errorf("fates %s, want %s", got, want)
		}
		take := func(stream string) []pipeline.Delivery {
			batch, _, err := r.Outbox(pipeline.StreamQueue("app", stream), plainMaker{}).Take(t.Context(), 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return batch
		}
		one, two := take("one"), take("two")
		if len(one) != 1 || string(one[0].Payload) != "app/one a-1" || one[0].JTI != pipeline.TokenID("a-1", "app/one") || len(two) != 1 || two[0].JTI == one[0].JTI {
			t.Fatalf("taken: %+v and %+v", one, two)
		}
		if again := take("one"); len(again) > 0 {
			t.Errorf("taken twice: %+v", again)
		}
		settle := func(stream string, r2 pipeline.Result, jti string) int {
			known, err := r.Outbox(pipeline.StreamQueue("app", stream), plainMaker{}).Settle(t.Context(), map[string]pipeline.Result{jti: r2, "made-up": {}})
			if err != nil {
				t.Fatal(err)
			}
			return len(known)
		}
		refused := pipeline.Result{Err: &pipeline.FinalError{Code: "invalid_key", Err: errors.New("unknown kid")}}
		if n := settle("one", refused, one[0].JTI) + settle("two", pipeline.Result{}, two[0].JTI); n != 2 {
			t.Errorf("%d were known", n)
		}
		if n := settle("two", pipeline.Result{}, two[0].JTI); n != 0 {
			t.Error("acknowledged twice")
		}
		if got, want := fates(), "map[:superseded full:dead one:dead two:acked]"; got != want {
			t.Errorf("fates %s, want %s", got, want)
		}
		sink.gone.Store(true)
		if _, err := r.Retry(t.Context(), "a-1", pipeline.Approval{By: "kim"}); err == nil {
			t.Error("sent again to a stream that is gone")
		}
		sink.gone.Store(false)
		if _, err := r.Retry(t.Context(), "a-1", pipeline.Approval{By: "kim"}); err != nil {
			t.Error(err)
		}
		if again := take("one"); len(again) != 1 || again[0].JTI != one[0].JTI {
			t.Errorf("after the retry, taken: %+v", again)
		}
		err := r.Discard(t.Context(), "app/one", "~t/app", "it is disabled", func(store.Tx) (bool, error) { return true, nil })
		if n, _ := r.Pending("app/one"); err != nil || n > 0 {
			t.Errorf("%d are left, %v", n, err)
		}
		if got, want := fates(), "map[:superseded full:dead one:superseded two:acked]"; got != want {
			t.Errorf("fates %s, want %s", got, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
