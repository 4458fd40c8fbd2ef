package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// pager is a notifier that is told everything.
func pager(change ...func(*pipeline.Notifier)) pipeline.Notifier {
	n := pipeline.Notifier{
		Name: "pager", On: pipeline.NoticeKinds, Gather: 5 * time.Second, Every: 10 * time.Minute,
		Body: func(n pipeline.Notice) ([]byte, error) { return json.Marshal(n) },
	}
	for _, f := range change {
		f(&n)
	}
	return n
}

// notify runs a notifier until stop is called.
func (r *rig) notify(n pipeline.Notifier, sink pipeline.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Notify(ctx, n, sink) }()
	synctest.Wait()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Notify: %v", err)
		}
	})
}

// told returns the notices a sink took.
func told(t *testing.T, o *pipelinetest.Outlet) (list []pipeline.Notice) {
	t.Helper()
	for _, d := range o.Taken() {
		var n pipeline.Notice
		if err := json.Unmarshal(d.Payload, &n); err != nil {
			t.Fatal(err)
		}
		if d.Kind != "notice" || !strings.HasPrefix(d.ID, "n-") {
			t.Errorf("delivery %+v", d)
		}
		list = append(list, n)
	}
	return list
}

// texts returns what a sink was told, without ids.
func texts(t *testing.T, o *pipelinetest.Outlet) (list []string) {
	t.Helper()
	for _, n := range told(t, o) {
		list = append(list, string(n.Kind)+": "+n.Text())
	}
	return list
}

// approving makes the rule act on approval only.
func approving(r *rig) {
	r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
		p := proposal()
		p.Mode = pipeline.Approve
		return pipeline.Decision{Proposals: []pipeline.Proposal{p}}, nil
	}
}

func (r *rig) wait(from, to int) {
	r.t.Helper()
	var msgs []pipeline.Message
	for i := from; i < to; i++ {
		msgs = append(msgs, r.revoked(fmt.Sprint("j", i), fmt.Sprintf("email:user%05d@example.com", i)))
	}
	for len(msgs) > 0 {
		n := min(len(msgs), 500)
		r.handle(msgs[:n]...)
		msgs = msgs[n:]
	}
}

// notes counts the notes of the journal about notices that failed and that
// went out.
func (r *rig) notes() (failed, sent int) {
	r.t.Helper()
	for _, rec := range r.records() {
		switch o := rec.Operator; {
		case o == nil || o.Verb != "notify":
		case o.Failed != "":
			failed++
		default:
			sent++
		}
	}
	return failed, sent
}

// TestNoticesAreGrouped: thousands of waiting actions are two notices, the
// second after the window, and what was there before the notifier is none.
func TestNoticesAreGrouped(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		approving(r)
		r.wait(0, 3)
		var o pipelinetest.Outlet
		stop := r.notify(pager(), &o)
		defer stop()
		r.wait(3, 10)
		within(time.Second)
		if len(o.Tries()) > 0 {
			t.Fatal("told before it was gathered")
		}
		within(5 * time.Second)
		equal(t, "told", texts(t, &o), []string{"approval-waiting: revoke-session for user00003@example.com waits for approval (rule test), and 6 more"})
		if c := told(t, &o)[0].Command; c != "signalbox action list" {
			t.Errorf("command %q for several", c)
		}
		r.wait(10, 2_010)
		within(9 * time.Minute)
		if n := len(o.Taken()); n != 1 {
			t.Errorf("%d notices within the window", n)
		}
		within(2 * time.Minute)
		equal(t, "told", texts(t, &o)[1:], []string{"approval-waiting: revoke-session for user00010@example.com waits for approval (rule test), and 1,999 more"})
		within(time.Hour)
		r.wait(2_010, 2_011)
		within(6 * time.Second)
		equal(t, "told", texts(t, &o)[2:], []string{"approval-waiting: revoke-session for user02010@example.com waits for approval (rule test)"})
		if c := told(t, &o)[2].Command; !strings.HasPrefix(c, "signalbox action show a-") {
			t.Errorf("command %q for one", c)
		}
		if failed, sent := r.notes(); failed != 0 || sent != 3 {
			t.Errorf("%d failures and %d notices in the journal", failed, sent)
		}
		faultless(t, &o)
	})
}

// TestNoticeFilters: kinds, rules and severities.
func TestNoticeFilters(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pipeline.Notifier)
		want   int
	}{
		"all":             {func(*pipeline.Notifier) {}, 1},
		"other kinds":     {func(n *pipeline.Notifier) { n.On = []pipeline.NoticeKind{pipeline.DeadLetter} }, 0},
		"this rule":       {func(n *pipeline.Notifier) { n.Rules = []string{"other", "test"} }, 1},
		"other rules":     {func(n *pipeline.Notifier) { n.Rules = []string{"other"} }, 0},
		"as severe":       {func(n *pipeline.Notifier) { n.Severity = "medium" }, 1},
		"not so severe":   {func(n *pipeline.Notifier) { n.Severity = "high" }, 0},
		"the least there": {func(n *pipeline.Notifier) { n.Severity = "low" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				approving(r)
				var o pipelinetest.Outlet
				defer r.notify(pager(c.change), &o)()
				r.wait(0, 2)
				within(time.Minute)
				if n := len(o.Taken()); n != c.want {
					t.Errorf("%d notices, want %d", n, c.want)
				}
			})
		})
	}
}

// TestNotifierDown: nothing waits for it, nothing is lost, one note says so, and
// what gathered meanwhile is one notice.
func TestNotifierDown(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		approving(r)
		var down atomic.Bool
		down.Store(true)
		o := pipelinetest.Outlet{Answer: func(pipeline.Delivery) pipeline.Result {
			if down.Load() {
				return pipeline.Result{Err: errors.New("503")}
			}
			return pipeline.Result{}
		}}
		defer r.notify(pager(), &o)()
		r.wait(0, 100)
		within(20 * time.Second)
		r.wait(100, 200)
		within(24 * time.Hour)
		if n := len(o.Tries()); n < 100 || n > 700 {
			t.Errorf("%d tries in a day", n)
		}
		if failed, sent := r.notes(); failed != 1 || sent != 0 {
			t.Errorf("%d failures and %d notices in the journal", failed, sent)
		}
		if lag := r.store.Last() - r.store.Cursors()["notify/pager"]; lag > 1 {
			t.Errorf("the journal is kept for %d records", lag)
		}
		down.Store(false)
		within(time.Hour)
		total := 0
		for _, n := range told(t, &o) {
			total += n.Count
		}
		if n := len(o.Taken()); n > 2 || total != 200 {
			t.Errorf("%d notices of %d actions: %q", n, total, texts(t, &o))
		}
		faultless(t, &o)
	})
}

// TestNotifierRefuses: a notice that is refused for good, or of which no request
// can be made, is given up and said; the next goes out.
func TestNotifierRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*pipeline.Notifier, *pipelinetest.Outlet){
		"refused": func(_ *pipeline.Notifier, o *pipelinetest.Outlet) {
			o.Answer = func(d pipeline.Delivery) pipeline.Result {
				if strings.Contains(string(d.Payload), "user00000") {
					return pipeline.Result{Err: &pipeline.FinalError{Code: "400", Err: errors.New("no")}}
				}
				return pipeline.Result{}
			}
		},
		"no body": func(n *pipeline.Notifier, _ *pipelinetest.Outlet) {
			body := n.Body
			n.Body = func(x pipeline.Notice) ([]byte, error) {
				if strings.Contains(x.Summary, "user00000") {
					return nil, errors.New("null is no text")
				}
				return body(x)
			}
		},
		"too long": func(n *pipeline.Notifier, _ *pipelinetest.Outlet) {
			body := n.Body
			n.Body = func(x pipeline.Notice) ([]byte, error) {
				if strings.Contains(x.Summary, "user00000") {
					return make([]byte, 1<<20), nil
				}
				return body(x)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				approving(r)
				var o pipelinetest.Outlet
				n := pager()
				spoil(&n, &o)
				defer r.notify(n, &o)()
				r.wait(0, 1)
				within(11 * time.Minute)
				r.wait(1, 2)
				within(11 * time.Minute)
				equal(t, "told", texts(t, &o), []string{"approval-waiting: revoke-session for user00001@example.com waits for approval (rule test)"})
				if failed, sent := r.notes(); failed != 1 || sent != 1 {
					t.Errorf("%d failures and %d notices in the journal", failed, sent)
				}
			})
		})
	}
}

// TestNotifierRestarts: a restart loses none, and repeats only what was in
// flight, with the same id and bytes.
func TestNotifierRestarts(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		approving(r)
		r.options.MaxBatch = 1000
		signing := &pipelinetest.Signing{}
		cut := make(chan struct{})
		signing.Batch = func(ctx context.Context, _ []pipeline.Delivery) error {
			select {
			case <-cut:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		stop := r.notify(pager(), signing)
		r.wait(0, 10)
		within(time.Second)
		stop() // before it was told
		r.wait(10, 20)
		r.restart()
		stop = r.notify(pager(), signing)
		within(10 * time.Second)
		if n := len(signing.Tries()); n != 1 {
			t.Fatalf("%d tries", n)
		}
		stop() // while it is in flight
		r.wait(20, 30)
		r.restart()
		close(cut)
		stop = r.notify(pager(), signing)
		within(time.Hour)
		stop()
		tries := signing.Tries()
		if len(tries) != 3 || tries[0].ID != tries[1].ID || string(tries[0].Payload) != string(tries[1].Payload) || tries[2].ID == tries[1].ID {
			t.Fatalf("tries %+v", tries)
		}
		total := 0
		for _, o := range signing.Orders() {
			var n pipeline.Notice
			if err := json.Unmarshal(o.Request.Body, &n); err != nil || o.Type != "notify" || !strings.HasPrefix(o.ActionID, "n-") {
				t.Errorf("order %+v: %v", o, err)
			}
			total += n.Count
		}
		if total != 30 || len(signing.Orders()) != 2 {
			t.Errorf("%d requests of %d actions", len(signing.Orders()), total)
		}
		faultless(t, &signing.Outlet)
	})
}

// TestLetterOutlivesItsGroup: a request that waits longer than its group is quiet
// goes back into it, across a restart.
func TestLetterOutlivesItsGroup(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		approving(r)
		var down atomic.Bool
		down.Store(true)
		o := pipelinetest.Outlet{Answer: func(pipeline.Delivery) pipeline.Result {
			if down.Load() {
				return pipeline.Result{Err: errors.New("503"), After: time.Hour}
			}
			return pipeline.Result{}
		}}
		n := pager(func(n *pipeline.Notifier) { n.Every = time.Minute })
		stop := r.notify(n, &o)
		r.wait(0, 1)
		within(90 * time.Minute)
		stop()
		r.restart()
		stop = r.notify(n, &o)
		defer stop()
		within(24 * time.Hour)
		down.Store(false)
		within(2 * time.Hour)
		if got := told(t, &o); len(got) != 1 || got[0].Count != 1 {
			t.Errorf("told %+v", got)
		}
	})
}

// TestNotifiersAreForgotten: one that is not configured any more keeps nothing
// of the journal.
func TestNotifiersAreForgotten(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var o pipelinetest.Outlet
		r.notify(pager(), &o)()
		r.notify(pager(func(n *pipeline.Notifier) { n.Name = "chat" }), &o)()
		if err := r.KeepNotifiers(t.Context(), []string{"chat"}); err != nil {
			t.Fatal(err)
		}
		c := r.store.Cursors()
		if _, ok := c["notify/pager"]; ok || len(c) != 1 {
			t.Errorf("cursors %v", c)
		}
	})
}

// TestGroupsAreBounded: whatever there is of it, a notifier's desk stays small.
func TestGroupsAreBounded(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var n atomic.Int32
		r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
			p := proposal()
			p.Mode, p.Rule = pipeline.Approve, fmt.Sprint("rule", n.Add(1))
			return pipeline.Decision{Proposals: []pipeline.Proposal{p}}, nil
		}
		var o pipelinetest.Outlet
		defer r.notify(pager(), &o)()
		r.wait(0, 1000)
		within(time.Hour)
		total := 0
		for _, n := range told(t, &o) {
			total += n.Count
		}
		if n := len(o.Taken()); n > 202 || total != 1000 {
			t.Errorf("%d notices of %d actions", n, total)
		}
	})
}
