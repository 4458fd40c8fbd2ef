package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

var kim = pipeline.Approval{By: "kim", Comment: "called her"}

func onApproval(r *rig) { asks(func(p *pipeline.Proposal) { p.Mode = pipeline.Approve })(r) }

func mustStop(r *rig) {
	if err := r.StopActions(r.t.Context(), "kim", "drill"); err != nil {
		r.t.Fatal(err)
	}
}

func mustResume(r *rig) {
	if err := r.ResumeActions(r.t.Context(), "kim", "over"); err != nil {
		r.t.Fatal(err)
	}
}

// TestApprove: what each guard held goes out when a person says so, and the
// journal tells who, when, why, and what had held it.
func TestApprove(t *testing.T) {
	for guard, change := range map[string]func(*rig){
		"mode":      onApproval,
		"protected": protect(jane),
		"limit":     asks(limit(1)),
		"stale":     remits(func(m *pipeline.Remit) { m.MaxAge = time.Hour }),
		"stop":      func(*rig) {},
	} {
		t.Run(guard, func(t *testing.T) {
			r := newRig(t, nil, change)
			if guard == "limit" {
				r.accept(r.revoked("before", joe))
			}
			if guard == "stop" {
				mustStop(r)
			}
			m := r.revoked("1", jane)
			if guard == "stale" {
				m = r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", At: morning.Add(-2 * time.Hour), Subject: jane, Events: map[string]any{"session-revoked": nil}})
			}
			a := r.accept(m).Actions[0]
			if a.Guard != guard || waiting(t, r) != 1 {
				t.Fatalf("%s by %q, %d wait", a.Status, a.Guard, waiting(t, r))
			}
			if guard == "stop" {
				if _, err := r.Approve(t.Context(), a.ID, kim); err == nil || !strings.Contains(err.Error(), "resume first") {
					t.Errorf("while stopped: %v", err)
				}
				mustResume(r)
			}
			before := r.pending("app")
			done, err := r.Approve(t.Context(), a.ID, kim)
			if err != nil || len(done) != 1 || done[0].Action.Guard != guard || len(done[0].Parts) != 1 || done[0].Parts[0].Status != pipeline.Queued {
				t.Fatalf("approve: %+v, %v", done, err)
			}
			if r.pending("app") != before+1 || waiting(t, r) != 0 {
				t.Errorf("%d pending, %d wait", r.pending("app"), waiting(t, r))
			}
			records := r.records()
			rec := records[len(records)-1]
			if rec.Kind != pipeline.OperatorRecord || rec.Operator.By != "kim" || rec.Operator.Comment != "called her" || rec.Operator.Detail != a.ID {
				t.Errorf("record %+v", rec.Operator)
			}
			if len(rec.Actions) != 2 || rec.Actions[0].Status != pipeline.Approved || rec.Actions[0].Guard != guard ||
				rec.Actions[0].Why != "approved by kim: called her" || rec.Actions[1].Status != pipeline.Queued || rec.Actions[1].Guard != "" {
				t.Errorf("states %+v", rec.Actions)
			}
			if found, err := r.Find(t.Context(), a.ID); err != nil || len(found) != 2 {
				t.Errorf("%d records under the id, %v", len(found), err)
			}
			if _, err := r.Approve(t.Context(), a.ID, kim); err == nil || !strings.Contains(err.Error(), "is queued: nothing of it waits") {
				t.Errorf("again: %v", err)
			}
			r.mayAll()
		})
	}
}

// TestApproveIsRefused: what must still hold is looked at again.
func TestApproveIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, why string
		change    func(*rig) // before the product starts again
		before    func(*rig)
		by        pipeline.Approval
	}{
		{name: "expired", why: "expired at", before: func(r *rig) { r.clock.pass(24 * time.Hour) }},
		{name: "stopped", why: "actions are stopped", before: mustStop},
		{name: "protected since", why: "has become protected: break-glass account", change: protect(jane)},
		{name: "protected since by another name", why: "has become protected", change: protect("iss_sub:*")},
		{name: "sink is gone", why: `no sink "app" any more`, change: func(r *rig) { r.settings.Sinks = []string{"mail"} }},
		{name: "no such action", why: "no action a-0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil, onApproval)
			r.accept(r.message(pipelinetest.Claims{
				Issuer: idp, JTI: "link", Subject: "aliases:" + jane + "&iss_sub:" + idp + "|u-1", Events: map[string]any{"account-enabled": nil},
			}))
			id := r.accept(r.revoked("1", jane)).Actions[0].ID
			if c.change != nil {
				c.change(r)
				r.restart()
			}
			if c.before != nil {
				c.before(r)
			}
			if c.why == "no action a-0" {
				id = "a-0"
			}
			var refused *pipeline.RefusedError
			if _, err := r.Approve(t.Context(), id, kim); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("error %v, want %q", err, c.why)
			}
			if r.pending("app") != 0 || waiting(t, r) != 1 {
				t.Errorf("%d queued, %d wait", r.pending("app"), waiting(t, r))
			}
		})
	}
	t.Run("protected since, and meant", func(t *testing.T) {
		r := newRig(t, nil, onApproval)
		id := r.accept(r.revoked("1", jane)).Actions[0].ID
		protect(jane)(r)
		r.restart()
		if _, err := r.Approve(t.Context(), id, pipeline.Approval{By: "kim", Protected: true}); err != nil || r.pending("app") != 1 {
			t.Errorf("%v, %d queued", err, r.pending("app"))
		}
	})
}

// TestApproveWhole: the parts of an action are released together, facts behind
// their call, and equal ones merge into it from then on.
func TestApproveWhole(t *testing.T) {
	r := newRig(t, nil, calls, onApproval, action(func(a *pipeline.ActionType) {
		a.Merge = time.Hour
		a.Emits = append(a.Emits, emit("account-disabled", 0, "mail"))
	}))
	id := r.accept(r.revoked("1", jane)).Actions[0].ID
	list, err := r.WaitingOf(t.Context(), id)
	if err != nil || len(list) != 1 || len(list[0].Parts) != 3 || list[0].Action.Target != "" {
		t.Fatalf("%+v, %v", list, err)
	}
	done, err := r.Approve(t.Context(), id, kim)
	if err != nil || len(done[0].Parts) != 3 || r.pending("idp") != 1 || r.pending("app") != 0 || r.pending("mail") != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	asks(func(*pipeline.Proposal) {})(r)
	if a := r.accept(r.revoked("2", jane)).Actions[0]; a.Status != pipeline.Merged || a.Into != id {
		t.Errorf("the next is %s into %s", a.Status, a.Into)
	}
	r.mayAll()
}

// TestApproveRecordedOnly: an action without a sink is approved for the record.
func TestApproveRecordedOnly(t *testing.T) {
	r := newRig(t, nil, onApproval, action(func(a *pipeline.ActionType) { a.Emits = nil }))
	id := r.accept(r.revoked("1", jane)).Actions[0].ID
	done, err := r.Approve(t.Context(), id, kim)
	if err != nil || len(done) != 1 || len(done[0].Parts) != 1 || done[0].Parts[0].Status != pipeline.Approved || !strings.Contains(done[0].Parts[0].Why, "for people to carry out") {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestReject: what is rejected never goes out.
func TestReject(t *testing.T) {
	r := newRig(t, nil, calls, onApproval)
	id := r.accept(r.revoked("1", jane)).Actions[0].ID
	done, err := r.Reject(t.Context(), id, kim)
	if err != nil || len(done) != 1 || done[0].Parts[0].Status != pipeline.RejectedByHuman || waiting(t, r) != 0 || r.pending("idp") != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := r.Approve(t.Context(), id, kim); err == nil || !strings.Contains(err.Error(), "is rejected") {
		t.Errorf("approve: %v", err)
	}
	r.mayAll()
}

// TestWaitingExpires: what nobody releases ends on time, although nobody looks,
// and also where the product was down then.
func TestWaitingExpires(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		stop := r.timers()
		r.accept(r.revoked("1", jane))
		within(59 * time.Minute)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.PendingApproval})
		within(time.Minute)
		equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.PendingApproval, pipeline.Expired})
		if a := r.actions()[1]; !strings.HasPrefix(a.Why, "nobody released it before ") {
			t.Errorf("why %q", a.Why)
		}
		r.accept(r.revoked("2", jane))
		stop()
		within(24 * time.Hour)
		r.restart()
		defer r.timers()()
		within(time.Second)
		equal(t, "statuses", r.statuses()[2:], []pipeline.Status{pipeline.PendingApproval, pipeline.Expired})
		if waiting(t, r) != 0 {
			t.Error("one waits still")
		}
	}, onApproval, action(func(a *pipeline.ActionType) { a.ValidFor = time.Hour }))
}

// TestWaitingIsBounded: over the bound, what would wait is given up and says so;
// room that was made is room.
func TestWaitingIsBounded(t *testing.T) {
	r := newRig(t, nil, onApproval, func(r *rig) {
		r.options.MaxWaiting = 2
		r.settings.Remits[feed] = r.settings.Remits[idp]
	})
	var ids []string
	says := func(issuer, jti string) pipeline.Action {
		return r.accept(r.message(pipelinetest.Claims{Issuer: issuer, JTI: jti, Subject: jane, Events: map[string]any{"session-revoked": nil}})).Actions[0]
	}
	for i, issuer := range []string{idp, feed, idp} {
		ids = append(ids, says(issuer, fmt.Sprint(i)).ID)
	}
	last := r.actions()[2]
	if last.Status != pipeline.Suppressed || !strings.Contains(last.Why, "2 in all") || waiting(t, r) != 2 {
		t.Errorf("%s because %q", last.Status, last.Why)
	}
	if _, err := r.Reject(t.Context(), ids[0], kim); err != nil {
		t.Fatal(err)
	}
	if a := r.accept(r.revoked("4", jane)).Actions[0]; a.Status != pipeline.PendingApproval {
		t.Errorf("with room it is %s", a.Status)
	}
	r.mayAll()
}

// TestWaitingIsShared: an issuer that has as many wait as it can leaves room for
// the others, and gets its room back.
func TestWaitingIsShared(t *testing.T) {
	r := newRig(t, nil, onApproval, func(r *rig) {
		r.options.MaxWaiting = 4
		r.settings.Remits[feed] = r.settings.Remits[idp]
	})
	says := func(issuer, jti string) pipeline.Action {
		return r.accept(r.message(pipelinetest.Claims{Issuer: issuer, JTI: jti, Subject: jane, Events: map[string]any{"session-revoked": nil}})).Actions[0]
	}
	first := says(feed, "0")
	for i := range 5 {
		says(feed, fmt.Sprint(1+i))
	}
	if n := waiting(t, r); n != 2 {
		t.Errorf("%d of one issuer wait", n)
	}
	if a := says(idp, "0"); a.Status != pipeline.PendingApproval {
		t.Errorf("beside the flood of another it is %s because %q", a.Status, a.Why)
	}
	if _, err := r.Reject(t.Context(), first.ID, kim); err != nil {
		t.Fatal(err)
	}
	if a := says(feed, "9"); a.Status != pipeline.PendingApproval {
		t.Errorf("with room it is %s", a.Status)
	}
}

// TestApproveOnce: however many approve at the same time, it goes out once.
func TestApproveOnce(t *testing.T) {
	race := func(t *testing.T, r *rig) {
		for i := range 5 {
			id := r.accept(r.revoked(fmt.Sprint(i), fmt.Sprintf("email:u%d@example.com", i))).Actions[0].ID
			var wg sync.WaitGroup
			var mu sync.Mutex
			released := 0
			for range 6 {
				wg.Go(func() {
					_, err := r.Approve(t.Context(), id, kim)
					mu.Lock()
					defer mu.Unlock()
					if refused := new(*pipeline.RefusedError); err == nil {
						released++
					} else if !errors.As(err, refused) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if released != 1 {
				t.Errorf("released %d times", released)
			}
		}
		if r.pending("app") != 5 || waiting(t, r) != 0 {
			t.Errorf("%d queued, %d wait", r.pending("app"), waiting(t, r))
		}
		r.mayAll()
	}
	stores(t, func(t *testing.T, s store.Store) { race(t, newRig(t, s, onApproval)) })
	t.Run("conflicts", func(t *testing.T) {
		race(t, newRig(t, store.NewMemory(store.Options{}, store.Faults{ConflictEvery: 3}), onApproval))
	})
}

// TestApproveAgainstExpiry: at the moment it expires an action is released or
// given up, and not both.
func TestApproveAgainstExpiry(t *testing.T) {
	for every := range 4 {
		onTime(t, func(t *testing.T, r *rig) {
			defer r.timers()()
			for i := range 20 {
				id := r.accept(r.revoked(fmt.Sprint(i), jane)).Actions[0].ID
				time.Sleep(time.Minute - time.Duration(i%2)*time.Nanosecond)
				_, err := r.Approve(t.Context(), id, kim)
				within(time.Second)
				released := err == nil
				last := r.actions()[len(r.actions())-1]
				if released != (last.Status == pipeline.Queued) || !released && last.Status != pipeline.Expired {
					t.Errorf("approved: %v; it is %s", err, last.Status)
				}
			}
			if waiting(t, r) != 0 {
				t.Error("one waits still")
			}
		}, onApproval, action(func(a *pipeline.ActionType) { a.ValidFor = time.Minute }), func(r *rig) {
			if every > 0 {
				conflicts(every + 1)(r)
			}
		})
	}
}
