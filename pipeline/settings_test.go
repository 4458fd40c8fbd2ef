package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestRemitEvents: what a remit names of the catalogue.
func TestRemitEvents(t *testing.T) {
	for pattern, want := range map[string]string{
		"*": "account-disabled session-revoked", "session-revoked": "session-revoked", "caep:*": "session-revoked",
		"caep:session-revoked": "session-revoked", "risc:*": "account-disabled", "account-*": "account-disabled",
		"concept:session-revoked": "session-revoked", "risc:session-revoked": "", "[": "", "": "",
	} {
		t.Run(pattern, func(t *testing.T) {
			r := newRig(t, nil, remits(func(m *pipeline.Remit) { m.Events = []string{pattern} }))
			rec := r.accept(r.message(pipelinetest.Claims{
				Issuer: idp, JTI: "1", Subject: jane, Events: map[string]any{"session-revoked": nil, "account-disabled": nil},
			}))
			var got []string
			for _, o := range rec.Outcomes {
				if o.Remit == "" {
					got = append(got, o.Event.Type)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("covers %q, want %q", got, want)
			}
		})
	}
}

func TestModes(t *testing.T) {
	const none, shadow, approve, enforce = pipeline.Mode(""), pipeline.Shadow, pipeline.Approve, pipeline.Enforce
	for _, c := range [][3]pipeline.Mode{
		{shadow, enforce, shadow}, {approve, enforce, approve}, {shadow, approve, shadow}, {enforce, enforce, enforce},
		{none, enforce, enforce}, {none, shadow, shadow}, {none, none, none},
	} {
		if a, b := c[0].Lower(c[1]), c[1].Lower(c[0]); a != c[2] || b != c[2] {
			t.Errorf("%q and %q give %q and %q, want %q", c[0], c[1], a, b, c[2])
		}
	}
}

// TestSecrets: no way of printing one shows it.
func TestSecrets(t *testing.T) {
	const s = pipeline.Secret("hunter2")
	text, err := json.Marshal(map[string]any{"s": s, "in": struct{ S pipeline.Secret }{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), s.LogValue().String(), string(text)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("it is shown in %s", shown)
		}
	}
	if string(s) != "hunter2" {
		t.Error("it is lost")
	}
}

// tally counts what an Observer is told.
type tally struct {
	pipeline.Blind
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) count(what ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[strings.TrimSpace(fmt.Sprintln(what...))]++
}

func (c *tally) Message(source string, v pipeline.Verdict, code string) {
	c.count("message", source, v, code)
}
func (c *tally) Event(typ, result string)             { c.count("event", typ, result) }
func (c *tally) RuleFailed(rule string)               { c.count("failed", rule) }
func (c *tally) Acked(target string, d time.Duration) { c.count("acked", target, d) }
func (c *tally) Action(typ, target string, s pipeline.Status, guard string) {
	c.count("action", typ, target, s, guard)
}

// TestObserver: everything that happened is counted once, attempts that were
// given up are not.
func TestObserver(t *testing.T) {
	seen := new(tally)
	onTime(t, func(t *testing.T, r *rig) {
		say := r.rules.Say
		r.rules.Say = func(in pipeline.Input) (pipeline.Decision, error) {
			d, err := say(in)
			if in.Event.Subject.Key() == joe {
				d.Errors = []pipeline.RuleError{{Rule: "test", Document: "notes", Message: "no"}}
			}
			return d, err
		}
		r.options.Observer = seen
		r.restart()
		r.handle(r.revoked("1", jane), r.revoked("1", jane), r.revoked("2", joe), pipeline.Message{Source: "test", Body: []byte("{")},
			r.message(pipelinetest.Claims{Issuer: "https://other.example.com", JTI: "1", Subject: jane, Events: map[string]any{"session-revoked": nil}}))
		within(time.Minute)
		failed := false
		sink := &pipelinetest.Outlet{Batch: func(context.Context, []pipeline.Delivery) error {
			if !failed {
				failed = true
				return errDown
			}
			return nil
		}}
		stop := r.deliver("app", sink)
		within(time.Minute)
		stop()
	}, conflicts(3))
	late := 0
	for what, n := range seen.n {
		if strings.HasPrefix(what, "acked app 1m") {
			late += n
			delete(seen.n, what)
		}
	}
	if late != 2 {
		t.Errorf("%d acknowledgements a minute late, want 2", late)
	}
	if want := map[string]int{
		"message test accepted": 3, "message test repeated": 1, "message test rejected invalid_request": 1,
		"event session-revoked act": 2, "event session-revoked recorded": 1, "failed test": 1,
		"action revoke-session app queued": 2, "action revoke-session app failed": 2, "action revoke-session app acked": 2,
	}; !maps.Equal(seen.n, want) {
		t.Errorf("counted %v\nwant    %v", seen.n, want)
	}
}
