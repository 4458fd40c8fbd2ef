package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// call is a step that suspends somebody at the identity provider.
func call(sink, path string) pipeline.Do {
	return pipeline.Do{Sink: sink, Call: func(v pipeline.ActionVars) (pipeline.Request, error) {
		return pipeline.Request{Method: "POST", Path: path, Body: []byte(`{"by":"` + v.Rule + `"}`)}, nil
	}}
}

func emit(name string, after int, to ...string) pipeline.Emit {
	return pipeline.Emit{Event: name, To: to, After: after, Body: payload}
}

// calls makes every action a call of "idp", and a fact to "app" behind it.
func calls(r *rig) {
	action(func(a *pipeline.ActionType) {
		a.Dos = []pipeline.Do{call("idp", "/suspend")}
		a.Emits = []pipeline.Emit{emit("session-revoked", 1, "app")}
	})(r)
}

// lives lists every part with the statuses it had, in the order of the journal.
func (r *rig) lives() map[string]string {
	lives := map[string]string{}
	for _, a := range r.actions() {
		name := a.Emits + ">" + a.Target
		if a.Call != nil {
			name = a.Call.Path + "@" + a.Target
		}
		lives[name] = strings.TrimSpace(lives[name] + " " + string(a.Status))
	}
	return lives
}

func (r *rig) live(name, want string) {
	r.t.Helper()
	if got := r.lives()[name]; got != want {
		r.t.Errorf("%s was %q, want %q", name, got, want)
	}
}

// TestDo: a fact goes out once the call before it was taken, and not before.
func TestDo(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		idp, app := new(pipelinetest.Signing), new(pipelinetest.Signing)
		var down atomic.Bool
		down.Store(true)
		idp.Answer = func(pipeline.Delivery) pipeline.Result {
			if down.Load() {
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{Info: "200"}
		}
		defer r.deliver("app", app)()
		defer r.deliver("idp", idp)()
		rec := r.accept(r.revoked("1", jane))
		within(10 * time.Second)
		if n := len(app.Tries()); n != 0 {
			t.Fatalf("the fact was stated %d times before it was one", n)
		}
		if a := rec.Actions[1]; a.Status != pipeline.Proposed || a.Why != "waits for the call of idp" || rec.Outcomes[0].Decision.Result != "act" {
			t.Errorf("it waits as %+v", a)
		}
		down.Store(false)
		within(time.Minute)
		if len(app.Taken()) != 1 || len(idp.Taken()) != 1 {
			t.Errorf("%d facts, %d calls", len(app.Taken()), len(idp.Taken()))
		}
		o := idp.Orders()[0]
		if o.Event != "" || o.Body != nil || o.Request == nil || o.Request.Path != "/suspend" || string(o.Request.Body) != `{"by":"test"}` {
			t.Errorf("order %+v", o)
		}
		if o := app.Orders()[0]; o.Request != nil || o.Event != "session-revoked" || len(o.Body) == 0 {
			t.Errorf("order %+v", o)
		}
		r.live("session-revoked>app", "proposed queued acked")
		for _, a := range r.actions() {
			if a.Call != nil && (a.JTI != "" || a.Token != "") {
				t.Errorf("a call has token %q", a.JTI)
			}
		}
		faultless(t, idp)
		faultless(t, app)
	}, calls)
}

// TestDoSteps: several calls come one after the other, and each fact goes out
// after those before it.
func TestDoSteps(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var order []string
		var mu sync.Mutex
		note := func(name string) *pipelinetest.Outlet {
			return &pipelinetest.Outlet{Answer: func(d pipeline.Delivery) pipeline.Result {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return pipeline.Result{}
			}}
		}
		for _, name := range []string{"vault", "idp", "app", "mail"} {
			defer r.deliver(name, note(name))()
		}
		r.accept(r.revoked("1", jane))
		within(time.Minute)
		r.live("/lock@vault", "queued acked")
		r.live("/suspend@idp", "proposed queued acked")
		r.live("/tell@idp", "proposed queued acked")
		before := func(x, y string) {
			t.Helper()
			if slices.Index(order, x) > slices.Index(order, y) {
				t.Errorf("%s after %s in %v", x, y, order)
			}
		}
		before("vault", "idp")
		if n := len(order); n != 6 || order[n-1] != "app" && order[n-1] != "mail" {
			t.Errorf("order %v", order)
		}
		r.live("session-revoked>app", "queued acked")
		r.live("account-disabled>mail", "proposed queued acked")
		r.live("account-purged>app", "proposed queued acked")
	}, action(func(a *pipeline.ActionType) {
		a.Dos = []pipeline.Do{call("vault", "/lock"), call("idp", "/suspend"), call("idp", "/tell")}
		a.Emits = []pipeline.Emit{emit("session-revoked", 0, "app"), emit("account-disabled", 2, "mail"), emit("account-purged", 3, "app")}
	}))
}

// TestDoDead: what stands behind a call that was refused for good never goes
// out, equal actions no longer merge into it, and a retry brings all of it.
func TestDoDead(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		idp, app := new(pipelinetest.Signing), new(pipelinetest.Signing)
		no := true
		idp.Answer = func(pipeline.Delivery) pipeline.Result {
			if no {
				return pipeline.Result{Err: errNo}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", app)()
		defer r.deliver("idp", idp)()
		rec := r.accept(r.revoked("1", jane))
		within(time.Minute)
		r.live("/suspend@idp", "queued dead")
		r.live("session-revoked>app", "proposed dead")
		last := r.actions()[len(r.actions())-1]
		if last.Guard != "do" || last.Why != "the call of idp before it is dead" {
			t.Errorf("behind it: %s because %q", last.Guard, last.Why)
		}
		no = false
		id := rec.Actions[0].ID
		if _, err := r.Approve(t.Context(), id, pipeline.Approval{By: "kim"}); err == nil || !strings.Contains(err.Error(), "a retry sends it again") {
			t.Errorf("approve: %v", err)
		}
		done, err := r.Retry(t.Context(), id, pipeline.Approval{By: "kim", Comment: "the account was made"})
		if err != nil || len(done) != 1 || done[0].Parts[0].Status != pipeline.Queued {
			t.Fatalf("retry: %+v, %v", done, err)
		}
		within(time.Minute)
		r.live("/suspend@idp", "queued dead queued acked")
		r.live("session-revoked>app", "proposed dead queued acked")
		if len(app.Taken()) != 1 || len(idp.Orders()) != 2 {
			t.Errorf("%d facts; made %d times", len(app.Taken()), len(idp.Orders()))
		}
		if _, err := r.Retry(t.Context(), id, pipeline.Approval{By: "kim"}); err == nil || !strings.Contains(err.Error(), "is acked: nothing of it waits") {
			t.Errorf("second retry: %v", err)
		}
		// It had merged until it died, and does no more.
		if rec := r.accept(r.revoked("2", jane)); rec.Actions[0].Status != pipeline.Queued {
			t.Errorf("the next is %s", rec.Actions[0].Status)
		}
	}, calls, action(func(a *pipeline.ActionType) { a.Merge = time.Hour }))
}

// TestDoExpires: nor does what stands behind a call that came to nothing in
// time; and a dead action can be sent no more then.
func TestDoExpires(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		idp := &pipelinetest.Outlet{Answer: func(d pipeline.Delivery) pipeline.Result {
			if d.Key == joe {
				return pipeline.Result{Err: errNo}
			}
			return pipeline.Result{Err: errDown}
		}}
		app := new(pipelinetest.Outlet)
		defer r.deliver("app", app)()
		defer r.deliver("idp", idp)()
		defer r.timers()()
		dead := r.accept(r.revoked("2", joe)).Actions[0].ID
		within(30 * time.Minute)
		r.accept(r.revoked("1", jane))
		within(2 * time.Hour)
		if got := r.lives()["session-revoked>app"]; got != "proposed dead proposed expired" || len(app.Tries()) != 0 {
			t.Errorf("behind it: %q, %d tries", got, len(app.Tries()))
		}
		if _, err := r.Retry(t.Context(), dead, pipeline.Approval{By: "kim"}); err == nil || !strings.Contains(err.Error(), "it expired at") {
			t.Errorf("retry: %v", err)
		}
		if n := waiting(t, r); n != 0 {
			t.Errorf("%d wait still", n)
		}
	}, calls, action(func(a *pipeline.ActionType) { a.ValidFor = time.Hour }))
}

func waiting(t *testing.T, r *rig) (n int) {
	t.Helper()
	if err := r.Waiting(t.Context(), func(pipeline.Waiting) bool { n++; return true }); err != nil {
		t.Fatal(err)
	}
	return n
}

var errPower = errors.New("power cut")

// TestDoCutOff: wherever the product stops between two steps, and comes back, no
// step is lost, none is made again that was written down as taken, and none
// comes before the one it waits for.
func TestDoCutOff(t *testing.T) {
	commits := 0
	for cut := 1; ; cut++ {
		onTime(t, func(t *testing.T, r *rig) {
			n := 0
			failed := false
			r.store = store.NewMemory(store.Options{}, store.Faults{FailCommit: func(int) error {
				if n++; n == cut {
					failed = true
					return errPower
				}
				return nil
			}})
			r.options.Store = r.store
			r.restart()
			sinks := map[string]*pipelinetest.Signing{"vault": {}, "idp": {}, "app": {}}
			var order []string
			var mu sync.Mutex
			for name, s := range sinks {
				s.Answer = func(d pipeline.Delivery) pipeline.Result {
					mu.Lock()
					defer mu.Unlock()
					if len(order) == 0 || order[len(order)-1] != name { // a repeat of what was not written down
						order = append(order, name)
					}
					return pipeline.Result{}
				}
			}
			if _, err := r.Handle(t.Context(), []pipeline.Message{r.revoked("1", jane)}); err != nil {
				if !errors.Is(err, errPower) {
					t.Fatal(err)
				}
				r.accept(r.revoked("1", jane))
			}
			run := func(stopped bool) {
				ctx, cancel := context.WithCancel(context.Background())
				var wg sync.WaitGroup
				for name, s := range sinks {
					wg.Go(func() {
						if err := r.Deliver(ctx, name, s); err != nil && !errors.Is(err, errPower) {
							t.Errorf("Deliver: %v", err)
						} else if err != nil {
							cancel() // the product is gone
						}
					})
				}
				within(30 * time.Minute)
				cancel()
				wg.Wait()
			}
			for range 3 { // starts, some of which are cut off
				run(false)
				r.restart()
			}
			commits = max(commits, n)
			if !failed {
				return
			}
			equal(t, fmt.Sprintf("cut at commit %d", cut), order, []string{"vault", "idp", "app"})
			r.live("/lock@vault", "queued acked")
			r.live("/suspend@idp", "proposed queued acked")
			r.live("session-revoked>app", "proposed queued acked")
			for name, s := range sinks {
				if r.pending(name) != 0 {
					t.Errorf("something waits for %s", name)
				}
				for _, b := range s.Breaches() {
					t.Errorf("%s: %s", name, b)
				}
			}
		}, action(func(a *pipeline.ActionType) {
			a.Dos = []pipeline.Do{call("vault", "/lock"), call("idp", "/suspend")}
			a.Emits = []pipeline.Emit{emit("session-revoked", 2, "app")}
		}))
		if cut > commits {
			break
		}
	}
	if commits < 7 {
		t.Errorf("only %d places to cut off at", commits)
	}
}

// TestDoUnderConflicts: commits that must be made again change nothing of it.
func TestDoUnderConflicts(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		idp, app := new(pipelinetest.Signing), new(pipelinetest.Signing)
		idp.Answer = func(d pipeline.Delivery) pipeline.Result {
			switch {
			case d.Key == joe:
				return pipeline.Result{Err: errNo}
			case d.Attempt < 3:
				return pipeline.Result{Err: errDown}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", app)()
		defer r.deliver("idp", idp)()
		for i := range 20 {
			r.handle(r.revoked(number("t", i), fmt.Sprintf("email:u%d@example.com", i%7)))
		}
		r.handle(r.revoked("dead", joe))
		within(2 * time.Hour)
		if len(idp.Taken()) != 20 || len(app.Taken()) != 20 || waiting(t, r) != 1 {
			t.Errorf("%d calls, %d facts, %d wait", len(idp.Taken()), len(app.Taken()), waiting(t, r))
		}
		faultless(t, idp)
		faultless(t, app)
	}, calls, conflicts(2))
}

// TestDoBacklog: a call that cannot be queued is held with all behind it, and is
// released with it.
func TestDoBacklog(t *testing.T) {
	r := newRig(t, nil, calls, func(r *rig) { r.options.MaxPending = 1 })
	r.accept(r.revoked("1", joe))
	rec := r.accept(r.revoked("2", jane))
	id := rec.Actions[0].ID
	if rec.Actions[0].Status != pipeline.Held || rec.Actions[1].Status != pipeline.Proposed || r.pending("idp") != 1 || r.pending("app") != 0 {
		t.Errorf("%s, %s", rec.Actions[0].Status, rec.Actions[1].Status)
	}
	if _, err := r.Approve(t.Context(), id, pipeline.Approval{By: "kim"}); err == nil || !strings.Contains(err.Error(), "too many actions wait for idp") {
		t.Errorf("approve: %v", err)
	}
	r.options.MaxPending = 10
	r.restart()
	done, err := r.Approve(t.Context(), id, pipeline.Approval{By: "kim"})
	if err != nil || len(done) != 1 || r.pending("idp") != 2 || r.pending("app") != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	r.mayAll()
}

// TestDoTemplate: a call that cannot be made is no action.
func TestDoTemplate(t *testing.T) {
	for name, do := range map[string]func(pipeline.ActionVars) (pipeline.Request, error){
		"no such member": func(pipeline.ActionVars) (pipeline.Request, error) {
			return pipeline.Request{}, errors.New("no such member")
		},
		"is not a JSON object": func(pipeline.ActionVars) (pipeline.Request, error) {
			return pipeline.Request{Body: []byte(`["x"]`)}, nil
		},
	} {
		r := newRig(t, nil, calls, action(func(a *pipeline.ActionType) { a.Dos[0].Call = do }))
		a := r.accept(r.revoked("1", jane)).Actions[0]
		if a.Status != pipeline.Suppressed || a.Guard != "template" || !strings.Contains(a.Why, name) || r.pending("idp")+r.pending("app") != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestDoKnowsItsOwnSubject: what a call is told of is whom the action is about,
// whoever the event was about.
func TestDoKnowsItsOwnSubject(t *testing.T) {
	var got pipeline.ActionVars
	p := proposal()
	p.Subject = map[string]any{"format": "iss_sub", "iss": idp, "sub": "u-1"}
	r := newRig(t, nil, calls, action(func(a *pipeline.ActionType) {
		a.Known = true
		a.Dos[0].Call = func(v pipeline.ActionVars) (pipeline.Request, error) {
			got = v
			return pipeline.Request{}, nil
		}
	}))
	r.accept(r.message(pipelinetest.Claims{
		Issuer: idp, JTI: "link", Subject: "aliases:" + jane + "&iss_sub:" + idp + "|u-1", Events: map[string]any{"account-enabled": nil},
	}))
	r.rules.Say = says(p)
	r.accept(r.revoked("1", joe))
	if got.Known.User == nil || got.Known.User.Email != "jane@example.com" || got.Subject.Member("sub") != "u-1" || got.ID == "" {
		t.Errorf("vars %+v", got)
	}
}
