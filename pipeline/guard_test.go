package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// remits changes what idp may do.
func remits(change func(*pipeline.Remit)) func(*rig) {
	return func(r *rig) {
		m := r.settings.Remits[idp]
		change(&m)
		r.settings.Remits[idp] = m
	}
}

// asks makes the rule ask for one action for every session-revoked.
func asks(change func(*pipeline.Proposal)) func(*rig) {
	p := proposal()
	change(&p)
	return func(r *rig) {
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			if in.Event.Type.Name != "session-revoked" {
				return pipeline.Decision{}, nil
			}
			return pipeline.Decision{Proposals: []pipeline.Proposal{p}}, nil
		}
	}
}

func action(change func(*pipeline.ActionType)) func(*rig) {
	return func(r *rig) {
		a := r.settings.Actions["revoke-session"]
		change(&a)
		r.settings.Actions["revoke-session"] = a
	}
}

func protect(patterns ...string) func(*rig) {
	return func(r *rig) {
		r.settings.Protect = append(r.settings.Protect, pipeline.Protection{Subjects: patterns, Reason: "break-glass account"})
	}
}

func together(list ...func(*rig)) func(*rig) {
	return func(r *rig) {
		for _, f := range list {
			f(r)
		}
	}
}

func limit(n int) func(*pipeline.Proposal) {
	return func(p *pipeline.Proposal) { p.Limit = pipeline.Limit{Actions: n, Per: time.Hour} }
}

// TestGuards: what each guard says of the action that an event about Jane asks
// for, and that nothing goes out by it.
func TestGuards(t *testing.T) {
	sub := "iss_sub:https://idp.example.com|u-1"
	link := func(r *rig) {
		r.accept(r.message(pipelinetest.Claims{
			Issuer: idp, JTI: "link", Subject: "aliases:" + jane + "&" + sub, Events: map[string]any{"account-enabled": nil},
		}))
	}
	once := func(r *rig) { r.accept(r.revoked("before", jane)) }
	for _, c := range []struct {
		name    string
		change  func(*rig)
		before  func(*rig)                  // what happens first
		message func(*rig) pipeline.Message // nil: sessions of Jane revoked
		status  pipeline.Status
		guard   string
		why     string
		result  string
	}{
		{name: "none", status: pipeline.Queued, result: "act"},
		{name: "remit: another action",
			change: remits(func(m *pipeline.Remit) { m.Actions = []string{"notify"} }),
			status: pipeline.Suppressed, guard: "remit", why: idp + " may not cause revoke-session", result: "suppressed"},
		{name: "protected",
			change: protect("email:j*@example.com"),
			status: pipeline.Held, guard: "protected", why: "break-glass account", result: "needs_approval"},
		{name: "protected: another is",
			change: protect("email:root@example.com"),
			status: pipeline.Queued, result: "act"},
		{name: "protected: by a linked identifier",
			change: protect(jane), before: link,
			message: func(r *rig) pipeline.Message { return r.revoked("1", sub) },
			status:  pipeline.Held, guard: "protected", why: "break-glass account", result: "needs_approval"},
		{name: "protected: by one of several identifiers",
			change:  protect(jane),
			message: func(r *rig) pipeline.Message { return r.revoked("1", "aliases:"+sub+"&"+jane) },
			status:  pipeline.Held, guard: "protected", why: "break-glass account", result: "needs_approval"},
		{name: "protected: the rule names another user by a linked identifier",
			change: together(protect(jane), asks(func(p *pipeline.Proposal) {
				p.Subject = map[string]any{"format": "iss_sub", "iss": idp, "sub": "u-1"}
			})),
			before:  link,
			message: func(r *rig) pipeline.Message { return r.revoked("1", joe) },
			status:  pipeline.Held, guard: "protected", why: "break-glass account", result: "needs_approval"},
		{name: "protected: the rule names a session of the user",
			change: together(protect(jane), asks(func(p *pipeline.Proposal) {
				p.Subject = map[string]any{"format": "opaque", "id": "s-1"}
			})),
			before: func(r *rig) {
				r.accept(r.message(pipelinetest.Claims{
					Issuer: idp, JTI: "s", Subject: "complex:session=opaque:s-1&user=" + jane, Events: map[string]any{"session-established": nil},
				}))
			},
			message: func(r *rig) pipeline.Message { return r.revoked("1", joe) },
			status:  pipeline.Held, guard: "protected", why: "break-glass account", result: "needs_approval"},
		{name: "stop",
			before: func(r *rig) {
				if err := r.StopActions(r.t.Context(), "kim", "drill"); err != nil {
					r.t.Fatal(err)
				}
			},
			status: pipeline.Held, guard: "stop", why: "stopped by an operator", result: "needs_approval"},
		{name: "stop: resumed",
			before: func(r *rig) {
				if err := r.StopActions(r.t.Context(), "kim", "drill"); err != nil {
					r.t.Fatal(err)
				}
				if err := r.ResumeActions(r.t.Context(), "kim", "over"); err != nil {
					r.t.Fatal(err)
				}
			},
			status: pipeline.Queued, result: "act"},
		{name: "stale",
			change: remits(func(m *pipeline.Remit) { m.MaxAge = time.Hour }),
			message: func(r *rig) pipeline.Message {
				return r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", At: morning.Add(-2 * time.Hour), Subject: jane, Events: map[string]any{"session-revoked": nil}})
			},
			status: pipeline.Held, guard: "stale", why: "older than its issuer may be", result: "needs_approval"},
		{name: "late",
			change: asks(func(*pipeline.Proposal) {}),
			before: func(r *rig) {
				r.accept(r.message(pipelinetest.Claims{
					Issuer: idp, JTI: "s", Subject: "complex:session=opaque:s-1&user=" + jane, Events: map[string]any{"session-established": nil},
				}))
			},
			message: func(r *rig) pipeline.Message {
				return r.message(pipelinetest.Claims{
					Issuer: idp, JTI: "1", At: morning.Add(-time.Minute), Subject: "complex:session=opaque:s-1&user=" + jane, Events: map[string]any{"session-revoked": nil},
				})
			},
			status: pipeline.Held, guard: "late", why: "something newer is known", result: "needs_approval"},
		{name: "shadow",
			change: asks(func(p *pipeline.Proposal) { p.Mode = pipeline.Shadow }),
			status: pipeline.Suppressed, guard: "mode", why: "shadow mode", result: "suppressed"},
		{name: "merge",
			change: action(func(a *pipeline.ActionType) { a.Merge = 10 * time.Minute }), before: once,
			status: pipeline.Merged, guard: "merge", why: "same action within 10m", result: "suppressed"},
		{name: "merge: too late",
			change: action(func(a *pipeline.ActionType) { a.Merge = 10 * time.Minute }),
			before: func(r *rig) { once(r); r.clock.pass(10 * time.Minute) },
			status: pipeline.Queued, result: "act"},
		{name: "merge: another subject",
			change: action(func(a *pipeline.ActionType) { a.Merge = 10 * time.Minute }),
			before: func(r *rig) { r.accept(r.revoked("before", joe)) },
			status: pipeline.Queued, result: "act"},
		{name: "loop",
			change: func(r *rig) { r.settings.MaxHops = 2 },
			before: func(r *rig) {
				for i := range 2 {
					r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: number("hop", i), Txn: "tx", Subject: jane, Events: map[string]any{"session-revoked": nil}}))
				}
			},
			message: func(r *rig) pipeline.Message {
				return r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", Txn: "tx", Subject: jane, Events: map[string]any{"session-revoked": nil}})
			},
			status: pipeline.Suppressed, guard: "loop", why: "transaction tx keeps asking", result: "suppressed"},
		{name: "loop: another transaction",
			change: func(r *rig) { r.settings.MaxHops = 1 }, before: once,
			status: pipeline.Queued, result: "act"},
		{name: "limit of the rule",
			change: asks(limit(1)), before: func(r *rig) { r.accept(r.revoked("before", joe)) },
			status: pipeline.PendingApproval, guard: "limit", why: "limit of rule test for https://idp.example.com reached: 1 actions in 1h", result: "needs_approval"},
		{name: "limit of the rule: over",
			change: asks(limit(1)), before: func(r *rig) { r.accept(r.revoked("before", joe)); r.clock.pass(67 * time.Minute) },
			status: pipeline.Queued, result: "act"},
		{name: "limit of all",
			change: func(r *rig) { r.settings.Limit = pipeline.Limit{Actions: 1, Per: time.Hour} }, before: once,
			status: pipeline.PendingApproval, guard: "limit", why: "limit of all rules together", result: "needs_approval"},
		{name: "approve",
			change: asks(func(p *pipeline.Proposal) { p.Mode = pipeline.Approve }),
			status: pipeline.PendingApproval, guard: "mode", why: "approval only", result: "needs_approval"},
		{name: "backlog",
			change: func(r *rig) { r.options.MaxPending = 1 }, before: once,
			status: pipeline.Held, guard: "backlog", why: "too many actions wait for app", result: "needs_approval"},
		{name: "template",
			change: action(func(a *pipeline.ActionType) {
				a.Emits = []pipeline.Emit{{Event: "session-revoked", To: []string{"app"}, Body: func(pipeline.ActionVars) ([]byte, error) {
					return nil, errors.New("no such member")
				}}}
			}),
			status: pipeline.Suppressed, guard: "template", why: "no such member", result: "suppressed"},
		{name: "template: no JSON",
			change: action(func(a *pipeline.ActionType) {
				a.Emits = []pipeline.Emit{{Event: "session-revoked", To: []string{"app"}, Body: func(pipeline.ActionVars) ([]byte, error) {
					return []byte(`{"a":`), nil
				}}}
			}),
			status: pipeline.Suppressed, guard: "template", why: "not a JSON object", result: "suppressed"},
		{name: "template: no object",
			change: action(func(a *pipeline.ActionType) {
				a.Emits = []pipeline.Emit{{Event: "session-revoked", To: []string{"app"}, Body: func(pipeline.ActionVars) ([]byte, error) {
					return []byte(` []`), nil
				}}}
			}),
			status: pipeline.Suppressed, guard: "template", why: "not a JSON object", result: "suppressed"},
		{name: "no sink",
			change: action(func(a *pipeline.ActionType) { a.Emits = nil }),
			status: pipeline.Proposed, why: "no sink is configured", result: "act"},
		{name: "remit comes before protection",
			change: together(remits(func(m *pipeline.Remit) { m.Actions = nil }), protect("*")),
			status: pipeline.Suppressed, guard: "remit", result: "suppressed"},
		{name: "protection comes before shadow, and what is in the shadow waits for nobody",
			change: together(asks(func(p *pipeline.Proposal) { p.Mode = pipeline.Shadow }), protect("*")),
			status: pipeline.Suppressed, guard: "protected", why: "the rule is in shadow mode", result: "suppressed"},
		{name: "a limit comes before approval",
			change: together(asks(func(p *pipeline.Proposal) { p.Mode = pipeline.Approve; limit(1)(p) }),
				func(r *rig) { r.settings.Limit = pipeline.Limit{Actions: 1, Per: time.Hour} }),
			status: pipeline.PendingApproval, guard: "mode", result: "needs_approval"},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*rig) {}
			}
			r := newRig(t, nil, change)
			if c.before != nil {
				c.before(r)
			}
			waiting := r.pending("app")
			message := r.revoked("1", jane)
			if c.message != nil {
				message = c.message(r)
			}
			rec := r.accept(message)
			if len(rec.Actions) != 1 {
				t.Fatalf("%d actions: %+v", len(rec.Actions), rec.Outcomes[0].Decision)
			}
			a := rec.Actions[0]
			if a.Status != c.status || a.Guard != c.guard || !strings.Contains(a.Why, c.why) || (a.Why == "") != (c.status == pipeline.Queued) {
				t.Errorf("%s by %q because %q, want %s by %q because %q", a.Status, a.Guard, a.Why, c.status, c.guard, c.why)
			}
			if got := rec.Outcomes[0].Decision.Result; got != c.result {
				t.Errorf("result %s, want %s", got, c.result)
			}
			queued := 0
			if c.status == pipeline.Queued {
				queued = 1
			}
			if n := r.pending("app") - waiting; n != queued {
				t.Errorf("%d actions were queued, want %d", n, queued)
			}
			r.mayAll()
		})
	}
}

// TestOutsideRemit: what an issuer may not speak of is recorded, and neither
// decided nor remembered.
func TestOutsideRemit(t *testing.T) {
	other := "https://other.example.com"
	for _, c := range []struct {
		name, issuer, why string
		change            func(*rig)
	}{
		{"no remit", other, "has no remit", nil},
		{"another event", idp, "event session-revoked is outside", remits(func(m *pipeline.Remit) { m.Events = []string{"risc:*"} })},
		{"another subject", idp, "subject is outside", remits(func(m *pipeline.Remit) { m.Subjects = []string{"email:*@example.org"} })},
		{"own echo", idp, "own echo", func(r *rig) { r.settings.Own = []string{idp} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*rig) {}
			}
			r := newRig(t, nil, change)
			rec := r.accept(r.message(pipelinetest.Claims{Issuer: c.issuer, JTI: "1", Subject: jane, Events: map[string]any{"session-revoked": nil}}))
			o := rec.Outcomes[0]
			if !strings.Contains(o.Remit, c.why) || o.Decision != nil || len(rec.Actions) != 0 {
				t.Errorf("outcome %+v, actions %+v", o, rec.Actions)
			}
			if r.rules.Times(o.Event.ID) != 0 || r.pending("app") != 0 {
				t.Error("the rules saw it")
			}
			for _, prefix := range []string{"u/", "us/", "s/", "l/"} {
				if err := r.store.Scan(t.Context(), prefix, func(key string, _ []byte) bool {
					t.Errorf("%s was remembered", key)
					return true
				}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestMergeInOneBatch: equal actions of one batch are one, and say of which
// they became part.
func TestMergeInOneBatch(t *testing.T) {
	r := newRig(t, nil, action(func(a *pipeline.ActionType) { a.Merge = time.Hour }))
	r.handle(r.revoked("1", jane), r.revoked("2", jane), r.revoked("3", joe), r.revoked("4", jane))
	list := r.actions()
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Merged, pipeline.Queued, pipeline.Merged})
	equal(t, "into", []string{list[1].Into, list[3].Into}, []string{list[0].ID, list[0].ID})
	if n := r.pending("app"); n != 2 {
		t.Errorf("%d actions wait", n)
	}
}

// TestSameActionTwice: bodies of a rule that ask for the same ask for one
// action, which counts once; the rule's key tells others apart.
func TestSameActionTwice(t *testing.T) {
	p, q, other := proposal(), proposal(), proposal()
	q.Branch, q.Reason, other.Key = "second", "another reason", "k"
	for _, l := range []*pipeline.Proposal{&p, &q, &other} {
		l.Limit = pipeline.Limit{Actions: 2, Per: time.Hour}
	}
	r := newRig(t, nil, func(r *rig) { r.rules.Say = says(p, q, other) })
	r.accept(r.revoked("1", jane))
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Queued})
	if n := r.pending("app"); n != 2 {
		t.Errorf("%d actions wait", n)
	}
}

// TestHeldIsNotCharged: an action that waits because of a backlog neither
// counts against limits nor takes later ones in.
func TestHeldIsNotCharged(t *testing.T) {
	r := newRig(t, nil, action(func(a *pipeline.ActionType) { a.Merge = time.Hour }), asks(limit(2)), func(r *rig) { r.options.MaxPending = 1 })
	r.accept(r.revoked("1", joe))
	r.accept(r.revoked("2", jane))
	r.options.MaxPending = 10
	r.restart()
	r.accept(r.revoked("3", jane))
	equal(t, "statuses", r.statuses(), []pipeline.Status{pipeline.Queued, pipeline.Held, pipeline.Queued})
}

// TestPartOfActionHeld: a backlog at one sink does not hold back the others.
func TestPartOfActionHeld(t *testing.T) {
	to := func(sinks ...string) func(*rig) {
		return action(func(a *pipeline.ActionType) {
			a.Emits = []pipeline.Emit{{Event: "session-revoked", To: sinks, Body: payload}}
		})
	}
	r := newRig(t, nil, to("app"), func(r *rig) { r.options.MaxPending = 1 })
	r.accept(r.revoked("1", joe))
	to("app", "mail")(r)
	r.restart()
	rec := r.accept(r.revoked("2", jane))
	if len(rec.Actions) != 2 || rec.Actions[0].Status != pipeline.Held || rec.Actions[1].Status != pipeline.Queued || rec.Outcomes[0].Decision.Result != "act" {
		t.Errorf("actions %+v", rec.Actions)
	}
	if r.pending("app") != 1 || r.pending("mail") != 1 {
		t.Errorf("%d and %d actions wait", r.pending("app"), r.pending("mail"))
	}
}

// TestLimitUnderConcurrency: as many actions go out as the limit says, however
// many ask at once.
func TestLimitUnderConcurrency(t *testing.T) {
	stores(t, func(t *testing.T, s store.Store) {
		r := newRig(t, s, asks(limit(5)), func(r *rig) { r.settings.Limit = pipeline.Limit{Actions: 7, Per: time.Hour} })
		var wg sync.WaitGroup
		for f := range 5 {
			wg.Go(func() {
				for i := range 4 {
					if _, err := r.Handle(t.Context(), []pipeline.Message{r.revoked(fmt.Sprint(f, i), fmt.Sprintf("email:u%d-%d@example.com", f, i))}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		count := map[pipeline.Status]int{}
		for _, s := range r.statuses() {
			count[s]++
		}
		if count[pipeline.Queued] != 5 || count[pipeline.PendingApproval] != 15 || r.pending("app") != 5 {
			t.Errorf("%v, %d wait", count, r.pending("app"))
		}
	})
}

// TestDecisionResult: the result is that of the boldest action; errors count
// only where nothing came of the event.
func TestDecisionResult(t *testing.T) {
	with := func(change ...func(*pipeline.Proposal)) []pipeline.Proposal {
		var list []pipeline.Proposal
		for i, c := range change {
			p := proposal()
			p.Key = fmt.Sprint(i)
			c(&p)
			list = append(list, p)
		}
		return list
	}
	enforce := func(*pipeline.Proposal) {}
	shadow := func(p *pipeline.Proposal) { p.Mode = pipeline.Shadow }
	approve := func(p *pipeline.Proposal) { p.Mode = pipeline.Approve }
	unknown := func(p *pipeline.Proposal) { p.Type = "no-such-action" }
	broken := func(p *pipeline.Proposal) { p.Subject = map[string]any{"format": "email"} }
	failed := []pipeline.RuleError{{Rule: "test", Document: "notes", Message: "division by zero"}}
	for _, c := range []struct {
		name   string
		list   []pipeline.Proposal
		errors []pipeline.RuleError
		result string
		faults int
	}{
		{"nothing", nil, nil, "no_action", 0},
		{"error", nil, failed, "error", 1},
		{"unknown action type", with(unknown), nil, "error", 1},
		{"broken subject", with(broken), failed, "error", 2},
		{"suppressed", with(shadow), failed, "suppressed", 1},
		{"approval before suppressed", with(shadow, approve), nil, "needs_approval", 0},
		{"action before approval", with(shadow, approve, enforce), failed, "act", 1},
		{"order does not matter", with(enforce, approve, shadow, unknown), nil, "act", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil, func(r *rig) {
				r.rules.Say = func(pipeline.Input) (pipeline.Decision, error) {
					return pipeline.Decision{Proposals: c.list, Errors: c.errors}, nil
				}
			})
			d := r.accept(r.revoked("1", jane)).Outcomes[0].Decision
			if d.Result != c.result || len(d.Errors) != c.faults {
				t.Errorf("result %s with errors %v, want %s with %d", d.Result, d.Errors, c.result, c.faults)
			}
		})
	}
	t.Run("no subject", func(t *testing.T) {
		r := newRig(t, nil, func(r *rig) { r.rules.Say = says(proposal()) })
		d := r.accept(r.message(pipelinetest.Claims{Issuer: idp, JTI: "1", Events: map[string]any{"alert": nil}})).Outcomes[0].Decision
		if d.Result != "error" {
			t.Errorf("result %s", d.Result)
		}
	})
	t.Run("not selected", func(t *testing.T) {
		r := newRig(t, nil, func(r *rig) {
			r.rules.On = func(*event.Event) pipeline.Selection { return pipeline.Selection{} }
		})
		d := r.accept(r.revoked("1", jane)).Outcomes[0].Decision
		if d.Result != "no_action" || len(d.Input) != 0 || d.Revision != "test-1" {
			t.Errorf("decision %+v", d)
		}
	})
	t.Run("no policies", func(t *testing.T) {
		r := newRig(t, nil, func(r *rig) { r.settings.Decider = nil })
		if o := r.accept(r.revoked("1", jane)).Outcomes[0]; o.Decision != nil || o.Entities.User == nil {
			t.Errorf("outcome %+v", o)
		}
	})
}
