package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// busyDay is batches with everything in them: accounts, sessions and links,
// repeats, reuse, rejects, merging, limits, timers, and events that move what
// later events of the same batch speak of.
func busyDay(r *rig) [][]pipeline.Message {
	r.settings.Limit = pipeline.Limit{Actions: 6, Per: time.Hour}
	r.settings.Protect = []pipeline.Protection{{Subjects: []string{"email:root@*"}, Reason: "break-glass account"}}
	r.settings.Actions["disable-account"] = pipeline.ActionType{
		Name: "disable-account", Merge: time.Hour,
		Emits: []pipeline.Emit{{Event: "account-disabled", To: []string{"app", "mail"}, Body: payload}},
	}
	r.rules.On = func(e *event.Event) pipeline.Selection {
		s := user(e)
		s.Windows = []pipeline.Window{{Rule: "test", Name: "seen", Key: "user", Over: time.Hour, Count: "events"}}
		return s
	}
	r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
		d := pipeline.Decision{
			Facts:  []pipeline.Fact{{Rule: "test", Name: "last", Of: "user", Value: in.Event.ID, TTL: time.Hour}},
			Timers: []pipeline.TimerOrder{{Rule: "test", Name: "later", After: time.Minute}},
			Notes:  []pipeline.Note{{Rule: "test", Text: string(in.Document)}},
		}
		switch in.Event.Type.Name {
		case "session-revoked":
			d.Proposals = []pipeline.Proposal{proposal()}
		case "account-disabled":
			p := proposal()
			p.Type = "disable-account"
			d.Proposals = []pipeline.Proposal{p}
		case "session-established":
			d.Timers[0].After = 0
		case "timer":
			d.Timers = nil
		}
		return d, nil
	}
	r.restart()
	say := func(jti, subject string, names ...string) pipeline.Message {
		events := map[string]any{}
		for _, n := range names {
			events[n] = nil
		}
		return r.message(pipelinetest.Claims{Issuer: idp, JTI: jti, Subject: subject, Events: events})
	}
	stranger := pipeline.Message{Source: "test", Body: []byte("{"), Received: r.now()}
	linked := `aliases:email:jane@example.com&iss_sub:https://idp.example.com|u-1`
	session := `complex:session=opaque:s-1&user=email:jane@example.com`
	return [][]pipeline.Message{
		{say("1", session, "session-established"), say("2", `opaque:s-1`, "session-presented"), say("3", jane, "account-disabled"), say("3", jane, "account-disabled"), say("3b", jane, "account-disabled")},
		{say("4", linked, "session-revoked"), say("5", "iss_sub:https://idp.example.com|u-1", "account-disabled", "account-credential-change-required"), stranger},
		{say("3", joe, "account-disabled"), say("6", "email:root@example.com", "session-revoked"), say("7", joe, "session-revoked"), stranger},
		{say("8", linked, "identifier-recycled", "account-enabled"), say("9", jane, "session-revoked"), say("10", "email:kim@example.com", "session-revoked")},
		{say("11", joe, "account-disabled"), say("12", "email:lee@example.com", "account-disabled"), say("13", "email:mia@example.com", "session-revoked")},
	}
}

// live handles the day and returns the journal.
func live(t *testing.T, mem store.Store, c *clock, before func()) []string {
	t.Helper()
	r := newRig(t, mem, func(r *rig) { r.clock, r.now, r.options.Now = c, c.now, c.now })
	for _, batch := range busyDay(r) {
		if before != nil {
			before()
		}
		r.handle(batch...)
		c.pass(time.Second)
	}
	r.mayAll()
	return journal(t, mem)
}

// TestConflictsChangeNothing: the journal is the same to the byte whichever
// commits had to be made again, together or one by one.
func TestConflictsChangeNothing(t *testing.T) {
	calm := func() (*clock, store.Options) {
		c := &clock{at: morning}
		return c, store.Options{Now: c.now}
	}
	c, o := calm()
	want := live(t, store.NewMemory(o, store.Faults{}), c, nil)
	if len(want) < 14 {
		t.Fatalf("the day has only %d records", len(want))
	}
	compare := func(t *testing.T, got []string) {
		t.Helper()
		for i := range max(len(got), len(want)) {
			switch {
			case i >= len(got):
				t.Fatalf("lost: %s", want[i])
			case i >= len(want):
				t.Fatalf("too many: %s", got[i])
			case got[i] != want[i]:
				t.Fatalf("record %d\n%s\nwant\n%s", i+1, got[i], want[i])
			}
		}
	}
	for n := 2; n <= 9; n++ {
		t.Run(fmt.Sprintf("every %d", n), func(t *testing.T) {
			c, o := calm()
			compare(t, live(t, store.NewMemory(o, store.Faults{ConflictEvery: n}), c, nil))
		})
	}
	for n := 1; n <= 4; n++ {
		t.Run(fmt.Sprintf("first %d of each batch", n), func(t *testing.T) {
			c, o := calm()
			left := 0
			mem := store.NewMemory(o, store.Faults{FailCommit: func(int) error {
				if left--; left >= 0 {
					return store.ErrConflict
				}
				return nil
			}})
			compare(t, live(t, mem, c, func() { left = n }))
		})
	}
	t.Run("embedded", func(t *testing.T) {
		c, o := calm()
		s, err := store.Open(t.TempDir(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		compare(t, live(t, s, c, nil))
	})
}

// TestEndlessConflict: who never gets through is told so.
func TestEndlessConflict(t *testing.T) {
	r := newRig(t, store.NewMemory(store.Options{}, store.Faults{ConflictEvery: 1}))
	_, err := r.Handle(t.Context(), []pipeline.Message{r.revoked("1", jane), r.revoked("2", joe)})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v", err)
	}
}

// TestSampleIsAskedOnce: an attempt that is made again does not use up what may
// be recorded.
func TestSampleIsAskedOnce(t *testing.T) {
	for name, faults := range map[string]store.Faults{
		"no conflict": {}, "conflicts": {ConflictEvery: 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, store.NewMemory(store.Options{}, faults))
			stranger := pipeline.Message{Source: "test", Body: []byte("{"), Received: morning}
			for range 70 {
				r.handle(stranger)
			}
			if n := len(r.records()); n != 60 {
				t.Errorf("%d recorded, want 60", n)
			}
		})
	}
}

// TestConcurrentHandles: however often and by however many the same tokens are
// offered at the same time, each has one decision, and what the rules saw of a
// user follows one order.
func TestConcurrentHandles(t *testing.T) {
	const tokens, feeders = 60, 6
	stores(t, func(t *testing.T, s store.Store) {
		r := newRig(t, s)
		r.rules.On = user
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			var doc struct {
				User struct {
					Facts map[string]map[string]int `json:"facts"`
				} `json:"user"`
			}
			if err := json.Unmarshal(in.Document, &doc); err != nil {
				return pipeline.Decision{}, err
			}
			n := doc.User.Facts["test"]["n"]
			return pipeline.Decision{
				Facts: []pipeline.Fact{{Rule: "test", Name: "n", Of: "user", Value: n + 1, TTL: time.Hour}},
				Notes: []pipeline.Note{{Rule: "test", Text: fmt.Sprint(n)}}, Proposals: []pipeline.Proposal{proposal()},
			}, nil
		}
		var wg sync.WaitGroup
		for f := range feeders {
			wg.Go(func() {
				for i := 0; i < tokens; i += 4 {
					var batch []pipeline.Message
					for j := range 4 {
						k := (i + j + f*7) % tokens
						batch = append(batch, r.revoked(number("t", k), []string{jane, joe}[k%2]))
					}
					if _, err := r.Handle(context.Background(), batch); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		seen, notes := map[string]int{}, map[string]int{}
		for _, rec := range r.records() {
			seen[rec.Input.ID]++
			notes[rec.Outcomes[0].Entities.User.ID+rec.Outcomes[0].Decision.Notes[0].Text]++
			if len(rec.Actions) != 1 || rec.Actions[0].Status != pipeline.Queued && rec.Actions[0].Guard != "loop" {
				t.Errorf("actions %+v", rec.Actions)
			}
		}
		if len(seen) != tokens || len(r.records()) != tokens {
			t.Errorf("%d records of %d inputs, want %d", len(r.records()), len(seen), tokens)
		}
		for i := range tokens / 2 {
			if notes[jane+fmt.Sprint(i)] != 1 || notes[joe+fmt.Sprint(i)] != 1 {
				t.Fatalf("the count %d was seen %d and %d times", i, notes[jane+fmt.Sprint(i)], notes[joe+fmt.Sprint(i)])
			}
		}
		if n := r.pending("app"); n != tokens {
			t.Errorf("%d actions wait, want %d", n, tokens)
		}
	})
}

// TestMovingSubject: an event that cuts an identifier loose makes the next one
// of the same token speak of somebody else, whose counts were not locked. It
// must get through, in a token of its own and in Explain.
func TestMovingSubject(t *testing.T) {
	window := pipeline.Window{Rule: "test", Name: "seen", Key: "user", Over: time.Hour, Count: "events"}
	if !state.ValidPath(window.Key) {
		t.Fatal("no such path")
	}
	r := newRig(t, nil, func(r *rig) {
		r.rules.On = func(*event.Event) pipeline.Selection {
			return pipeline.Selection{Rules: []string{"test"}, Windows: []pipeline.Window{window}}
		}
		r.rules.Say = nil
	})
	sub := "iss_sub:https://idp.example.com|u-1"
	r.accept(r.message(pipelinetest.Claims{
		Issuer: idp, JTI: "1", Subject: "aliases:email:jane@example.com&" + sub, Events: map[string]any{"account-enabled": nil},
	}))
	moving := r.message(pipelinetest.Claims{
		Issuer: idp, JTI: "2", Subject: sub, Events: map[string]any{"identifier-recycled": nil, "session-revoked": nil},
	})
	if _, _, err := r.Explain(t.Context(), []pipeline.Message{moving}); err != nil {
		t.Errorf("Explain: %v", err)
	}
	rec := r.accept(moving)
	if a, b := rec.Outcomes[0].Entities.User.ID, rec.Outcomes[1].Entities.User.ID; a != jane || b != sub {
		t.Errorf("events of %s and %s, want %s and %s", a, b, jane, sub)
	}
}
