package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

const (
	idp  = "https://idp.example.com"
	jane = "email:jane@example.com"
	joe  = "email:joe@example.com"
)

var morning = time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is a pipeline with everything around it under the test's control. Its
// rule "test" revokes the sessions of whoever an event of type session-revoked
// is about.
type rig struct {
	*pipeline.Pipeline
	t        *testing.T
	clock    *clock // nil where now is something else
	now      func() time.Time
	store    store.Store
	rules    *pipelinetest.Rules
	settings pipeline.Settings
	options  pipeline.Options
}

// newRig makes a rig on a store, nil for one in memory, after the changes were
// made to it.
func newRig(t *testing.T, s store.Store, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{at: morning}, store: s, rules: &pipelinetest.Rules{Say: revoke}}
	if s == nil {
		r.store = store.NewMemory(store.Options{Now: r.clock.now}, store.Faults{})
	}
	r.now = r.clock.now
	r.settings = pipeline.Settings{
		Verifier: pipelinetest.Plain{}, Decider: r.rules,
		Remits: map[string]pipeline.Remit{
			idp: {Events: []string{"*"}, Subjects: []string{"*"}, Actions: []string{"*"}, Links: true},
		},
		Actions: map[string]pipeline.ActionType{"revoke-session": {
			Name: "revoke-session", Emits: []pipeline.Emit{{Event: "session-revoked", To: []string{"app"}, Body: payload}},
		}},
	}
	r.options = pipeline.Options{Store: r.store, Now: r.clock.now, Node: "node-1", Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(r)
	}
	r.restart()
	return r
}

// restart makes the pipeline anew on the same store.
func (r *rig) restart() {
	r.Pipeline = pipeline.New(r.options)
	r.Use(r.settings)
}

// payload is the body of every action.
func payload(v pipeline.ActionVars) ([]byte, error) {
	return json.Marshal(map[string]any{"initiating_entity": "policy", "event_timestamp": v.Now.Unix()})
}

// revoke is what the rule "test" says.
func revoke(in pipeline.Input) (pipeline.Decision, error) {
	if in.Event.Type.Name != "session-revoked" {
		return pipeline.Decision{Quiet: []string{"test"}}, nil
	}
	return pipeline.Decision{Proposals: []pipeline.Proposal{proposal()}, Fired: []pipeline.Fired{{Rule: "test"}}}, nil
}

func proposal() pipeline.Proposal {
	return pipeline.Proposal{Rule: "test", Mode: pipeline.Enforce, Type: "revoke-session", Reason: "for the test"}
}

// says makes a rule that asks for these actions whatever happens.
func says(list ...pipeline.Proposal) func(pipeline.Input) (pipeline.Decision, error) {
	return func(pipeline.Input) (pipeline.Decision, error) { return pipeline.Decision{Proposals: list}, nil }
}

// revoked is a message about the end of somebody's sessions.
func (r *rig) revoked(jti, subject string) pipeline.Message {
	return r.message(pipelinetest.Claims{Issuer: idp, JTI: jti, Subject: subject, Events: map[string]any{"session-revoked": nil}})
}

// message fills in what claims leave out.
func (r *rig) message(c pipelinetest.Claims) pipeline.Message {
	if c.At.IsZero() {
		c.At = r.now()
	}
	return c.Message(r.now())
}

// handle fails the test when Handle fails.
func (r *rig) handle(msgs ...pipeline.Message) []pipeline.Receipt {
	r.t.Helper()
	receipts, err := r.Handle(context.Background(), msgs)
	if err != nil {
		r.t.Fatalf("Handle: %v", err)
	}
	if len(receipts) != len(msgs) {
		r.t.Fatalf("%d receipts for %d messages", len(receipts), len(msgs))
	}
	return receipts
}

// accept handles one message that must be accepted and returns its record.
func (r *rig) accept(m pipeline.Message) *pipeline.Record {
	r.t.Helper()
	receipt := r.handle(m)[0]
	if receipt.Verdict != pipeline.Accepted {
		r.t.Fatalf("verdict %+v, want accepted", receipt)
	}
	return r.record(receipt.Seq)
}

// record reads a journal record.
func (r *rig) record(seq uint64) *pipeline.Record {
	r.t.Helper()
	data, err := r.store.Record(context.Background(), seq)
	if err != nil || data == nil {
		r.t.Fatalf("journal record %d: %v, %v", seq, data, err)
	}
	return decode(r.t, data)
}

func decode(t *testing.T, data []byte) *pipeline.Record {
	t.Helper()
	rec := new(pipeline.Record)
	if err := json.Unmarshal(data, rec); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return rec
}

// journal returns every record as it is stored.
func journal(t *testing.T, s store.Store) []string {
	t.Helper()
	var list []string
	err := s.Journal(context.Background(), 0, func(_ uint64, data []byte) bool {
		list = append(list, string(data))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// records returns every record of the journal.
func (r *rig) records() []*pipeline.Record {
	r.t.Helper()
	var list []*pipeline.Record
	for _, data := range journal(r.t, r.store) {
		list = append(list, decode(r.t, []byte(data)))
	}
	return list
}

// actions returns every action of the journal, in order, oldest news first.
func (r *rig) actions() []pipeline.Action {
	r.t.Helper()
	var list []pipeline.Action
	for _, rec := range r.records() {
		list = append(list, rec.Actions...)
	}
	return list
}

// statuses returns what became of all actions, in the order of the journal.
func (r *rig) statuses() []pipeline.Status {
	r.t.Helper()
	var list []pipeline.Status
	for _, a := range r.actions() {
		list = append(list, a.Status)
	}
	return list
}

func (r *rig) pending(sink string) int {
	n, _ := r.store.Pending(sink)
	return n
}

// mayAll holds the life of every action, from what was proposed on and for each
// target, to the one table of statuses, and returns the statuses there were.
func (r *rig) mayAll() map[pipeline.Status]bool {
	r.t.Helper()
	last, met := map[string]pipeline.Status{}, map[pipeline.Status]bool{}
	for _, rec := range r.records() {
		for _, a := range rec.Actions {
			key := fmt.Sprint(a.ID, " ", a.Part, " ", a.Emits, " to ", a.Target, " ", a.Stream)
			before, known := last[key]
			if !known && rec.Kind == pipeline.InputRecord {
				before, known = pipeline.Proposed, a.Status != pipeline.Proposed
			}
			if known && !before.May(a.Status) {
				r.t.Errorf("%s went from %s to %s", key, before, a.Status)
			}
			last[key], met[a.Status] = a.Status, true
		}
	}
	return met
}

// equal fails the test when two lists differ.
func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func verdicts(receipts []pipeline.Receipt) []pipeline.Verdict {
	list := make([]pipeline.Verdict, len(receipts))
	for i, r := range receipts {
		list[i] = r.Verdict
	}
	return list
}

// user selects the rule "test" with everything known of the user.
func user(*event.Event) pipeline.Selection {
	return pipeline.Selection{Rules: []string{"test"}, Needs: pipeline.NeedUserAccount | pipeline.NeedUserSessions | pipeline.NeedFactsUser}
}

// stores opens one store of each kind.
func stores(t *testing.T, test func(t *testing.T, s store.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, store.NewMemory(store.Options{}, store.Faults{})) })
	t.Run("embedded", func(t *testing.T) {
		s, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		test(t, s)
	})
}

func number(prefix string, n int) string { return fmt.Sprintf("%s-%03d", prefix, n) }
