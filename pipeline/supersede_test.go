package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// waits lists what waits for a person: rule, status, and what did the same since.
func waits(t *testing.T, r *rig) (list []string) {
	t.Helper()
	err := r.Waiting(t.Context(), func(w pipeline.Waiting) bool {
		text := w.Action.Rule + " " + string(w.Action.Status)
		if w.Same != nil {
			text += " done by " + w.Same.Rule
		}
		list = append(list, text)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// asking is what the rule of that name asks for in the mode.
func asking(rule string, mode pipeline.Mode, change ...func(*pipeline.Proposal)) pipeline.Proposal {
	p := proposal()
	p.Rule, p.Mode = rule, mode
	for _, c := range change {
		c(&p)
	}
	return p
}

// hear has the rules ask for these and tells of an event about Jane.
func (r *rig) hear(jti string, list ...pipeline.Proposal) []pipeline.Action {
	r.t.Helper()
	r.rules.Say = says(list...)
	return r.accept(r.revoked(jti, jane)).Actions
}

// TestSuperseded: what waits for a person ends when another decision did the same,
// with a record that says which.
func TestSuperseded(t *testing.T) {
	for name, change := range map[string]func(*rig){
		"plain":       func(*rig) {},
		"call before": calls,
		"merging":     action(func(a *pipeline.ActionType) { a.Merge = time.Minute }),
		"two sinks":   action(func(a *pipeline.ActionType) { a.Emits = append(a.Emits, emit("credential-change", 0, "idp")) }),
		"conflicts":   conflicts(3),
	} {
		t.Run(name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				defer r.timers()()
				defer r.deliver("app", new(pipelinetest.Signing))()
				defer r.deliver("idp", new(pipelinetest.Signing))()
				made := r.hear("1", asking("asks", pipeline.Approve), asking("acts", pipeline.Enforce))
				within(time.Second)
				if list := waits(t, r); len(list) > 0 {
					t.Fatalf("it waits still: %q", list)
				}
				all := r.actions()
				last := all[len(all)-1]
				if last.ID != made[0].ID || last.Status != pipeline.Superseded || last.Into != made[1].ID || last.Guard != "mode" ||
					!strings.HasPrefix(last.Why, "the same was done at 20") || !strings.HasSuffix(last.Why, "by "+made[1].ID+" of rule acts") {
					t.Errorf("it is %+v", last)
				}
				if _, err := r.Approve(t.Context(), made[0].ID, kim); err == nil || !strings.Contains(err.Error(), "is superseded: the same was done at") {
					t.Errorf("approve: %v", err)
				}
				within(48 * time.Hour)
				if n := len(r.actions()); n != len(all) {
					t.Errorf("%d states came after its end", n-len(all))
				}
			}, change)
		})
	}
}

// TestSupersededByApproved: of equal actions that wait, those asked for up to the
// approved one end; a later one, whose facts are newer, is marked until one as new
// is done.
func TestSupersededByApproved(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.deliver("app", new(pipelinetest.Signing))()
		var ids []string
		for _, rule := range []string{"first", "second", "third"} {
			ids = append(ids, r.hear(rule, asking(rule, pipeline.Approve))[0].ID)
			within(time.Minute)
		}
		approve := func(id string) {
			t.Helper()
			if _, err := r.Approve(t.Context(), id, kim); err != nil {
				t.Fatal(err)
			}
			within(time.Second)
		}
		approve(ids[1])
		equal(t, "after the second, there", waits(t, r), []string{"third pending_approval done by second"})
		r.hear("4", asking("fourth", pipeline.Enforce))
		within(time.Second)
		equal(t, "after a fourth, there", waits(t, r), nil)
	})
}

// TestNotSuperseded: nothing ends that would do more than what was done.
func TestNotSuperseded(t *testing.T) {
	with := func(p *pipeline.Proposal) { p.With = map[string]any{"level": "high"} }
	about := func(p *pipeline.Proposal) { p.Subject = map[string]any{"format": "email", "email": "joe@example.com"} }
	for name, c := range map[string]struct {
		change func(*rig)
		acts   func(*pipeline.Proposal)
		then   func(*rig)
		want   string
	}{
		"more is asked for":   {acts: with, want: "asks pending_approval"},
		"another subject":     {acts: about, want: "asks pending_approval"},
		"it went nowhere":     {then: func(r *rig) { r.settings.Actions = nothing(r) }, want: "asks pending_approval"},
		"to fewer sinks":      {change: emits("app", "mail"), then: func(r *rig) { emits("app")(r); r.Use(r.settings) }, want: "asks pending_approval"},
		"a sink is to answer": {change: emits("app", "mail"), want: "asks pending_approval"},
		"a sink refused it":   {change: emits("app", "no"), want: "acts dead, asks pending_approval"},
		"to more sinks":       {change: emits("app"), then: func(r *rig) { emits("app", "idp")(r); r.Use(r.settings) }},
	} {
		t.Run(name, func(t *testing.T) {
			onTime(t, func(t *testing.T, r *rig) {
				no := new(pipelinetest.Signing)
				no.Answer = func(pipeline.Delivery) pipeline.Result { return pipeline.Result{Err: errNo} }
				for sink, s := range map[string]*pipelinetest.Signing{"app": {}, "idp": {}, "no": no} {
					defer r.deliver(sink, s)()
				}
				if c.acts == nil {
					c.acts = func(*pipeline.Proposal) {}
				}
				r.hear("1", asking("asks", pipeline.Approve))
				if c.then != nil {
					c.then(r)
				}
				r.hear("2", asking("acts", pipeline.Enforce, c.acts))
				within(time.Second)
				list := waits(t, r)
				slices.Sort(list)
				if got := strings.Join(list, ", "); got != c.want {
					t.Errorf("there waits %q, want %q", got, c.want)
				}
			}, func(r *rig) {
				if c.change != nil {
					c.change(r)
				}
			})
		})
	}
}

// emits has every action state a fact to the sinks.
func emits(sinks ...string) func(*rig) {
	return func(r *rig) {
		r.settings.Actions = map[string]pipeline.ActionType{"revoke-session": {Name: "revoke-session", Emits: []pipeline.Emit{emit("session-revoked", 0, sinks...)}}}
	}
}

func nothing(r *rig) map[string]pipeline.ActionType {
	emits()(r)
	r.Use(r.settings)
	return r.settings.Actions
}

// TestSupersededDrill: a drill does nothing.
func TestSupersededDrill(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.deliver("app", new(pipelinetest.Signing))()
		r.hear("1", asking("asks", pipeline.Approve))
		r.rules.Say = says(asking("acts", pipeline.Enforce))
		m := r.revoked("2", jane)
		m.Test = true
		r.accept(m)
		within(time.Second)
		equal(t, "there", waits(t, r), []string{"asks pending_approval"})
	})
}

// TestDeadIsMarked: a dead action has its end and can be sent again, but whoever
// would is told that the same was done.
func TestDeadIsMarked(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		var refuses atomic.Bool
		refuses.Store(true)
		app := new(pipelinetest.Signing)
		app.Answer = func(pipeline.Delivery) pipeline.Result {
			if refuses.Load() {
				return pipeline.Result{Err: errNo}
			}
			return pipeline.Result{}
		}
		defer r.deliver("app", app)()
		id := r.hear("1", asking("one", pipeline.Enforce))[0].ID
		within(time.Second)
		refuses.Store(false)
		r.hear("2", asking("two", pipeline.Enforce))
		within(time.Second)
		equal(t, "there", waits(t, r), []string{"one dead done by two"})
		if _, err := r.Retry(t.Context(), id, kim); err != nil {
			t.Error(err)
		}
		within(time.Second)
		equal(t, "after the retry, there", waits(t, r), nil)
	})
}

// TestSupersededStreams: what goes to streams is done when all of them took it.
func TestSupersededStreams(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.deliver("app", &forks{streams: []string{"one", "two"}})()
		r.hear("1", asking("asks", pipeline.Approve), asking("acts", pipeline.Enforce))
		within(time.Second)
		for _, stream := range []string{"one", "two"} {
			equal(t, "before "+stream+" took it, there", waits(t, r), []string{"asks pending_approval"})
			box := r.Outbox(pipeline.StreamQueue("app", stream), plainMaker{})
			batch, _, err := box.Take(t.Context(), 10, time.Minute)
			if err != nil || len(batch) != 1 {
				t.Fatalf("%d wait in %s, %v", len(batch), stream, err)
			}
			if _, err := box.Settle(t.Context(), map[string]pipeline.Result{batch[0].JTI: {}}); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "in the end, there", waits(t, r), nil)
	})
}

// TestSupersededMany: one action ends as many as wait for the same, and what is
// kept beside them is gone with them.
func TestSupersededMany(t *testing.T) {
	onTime(t, func(t *testing.T, r *rig) {
		defer r.deliver("app", new(pipelinetest.Signing))()
		for i := range 250 {
			r.hear(fmt.Sprint(i), asking("asks", pipeline.Approve))
		}
		r.hear("last", asking("acts", pipeline.Enforce))
		within(time.Second)
		equal(t, "there", waits(t, r), nil)
		for _, prefix := range []string{"~a/", "~b/", "~c/"} {
			if err := r.store.Scan(t.Context(), prefix, func(key string, _ []byte) bool {
				t.Errorf("%s is left", key)
				return true
			}); err != nil {
				t.Fatal(err)
			}
		}
		ended := 0
		for _, a := range r.actions() {
			if a.Status == pipeline.Superseded {
				ended++
			}
		}
		if ended != 250 {
			t.Errorf("%d ended", ended)
		}
	})
}
