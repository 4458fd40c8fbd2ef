package drill

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/jose"
	"github.com/signalbox-dev/signalbox/pipeline/set"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// nobody is an operator's policy set that must not be asked about a drill.
type nobody struct{ t *testing.T }

func (n nobody) Select(*event.Event) pipeline.Selection {
	n.t.Error("the operator's rules were asked about a drill")
	return pipeline.Selection{}
}

func (n nobody) Decide(context.Context, pipeline.Input) (pipeline.Decision, error) {
	return pipeline.Decision{}, errors.New("not to be asked")
}

func (nobody) Revision() string { return "live" }

// counting fails the test when a drill shows in the figures of real signals.
type counting struct {
	pipeline.Blind
	t *testing.T
}

func (c counting) Message(source string, v pipeline.Verdict, code string) {
	c.t.Errorf("counted as a message: %s %s %s", source, v, code)
}
func (c counting) Event(typ, result string) { c.t.Errorf("counted as an event: %s %s", typ, result) }
func (c counting) Action(typ, target string, s pipeline.Status, _ string) {
	c.t.Errorf("counted as an action: %s %s %s", typ, target, s)
}
func (c counting) Took(station string, _ int, _ time.Duration) {
	c.t.Errorf("counted as work of %s", station)
}

func newLine(t *testing.T, d *Drill, change func(*pipeline.Settings)) Line {
	t.Helper()
	st := store.NewMemory(store.Options{}, store.Faults{})
	t.Cleanup(func() { st.Close() })
	keys, err := jose.OpenKeyStore(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.New(pipeline.Options{Store: st, Observer: counting{t: t}})
	if change == nil {
		return Line{Pipeline: p, Keys: keys, Now: time.Now}
	}
	v, err := set.New([]set.Issuer{d.Speaker()}, set.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := pipeline.Settings{Verifier: v, Decider: nobody{t}, Remits: map[string]pipeline.Remit{}, Actions: map[string]pipeline.ActionType{}}
	d.Join(&s)
	change(&s)
	p.Use(s)
	return Line{Pipeline: p, Keys: keys, Now: time.Now}
}

func states(a api.DrillAnswer) string {
	var list []string
	for _, s := range a.Stations {
		list = append(list, s.Station+" "+s.State)
	}
	return strings.Join(list, ", ")
}

func TestRun(t *testing.T) {
	const handled = "verify ok, normalize ok, decide ok, commit ok, "
	for name, c := range map[string]struct {
		change  func(*pipeline.Settings)
		stop    bool
		indexes []string
		want    string
		fails   bool
		seen    string
	}{
		"whole line": {
			change: func(*pipeline.Settings) {},
			want:   handled + "sign ok, deliver ok, search skipped",
		},
		"limit of all actions": {
			change: func(s *pipeline.Settings) { s.Limit = pipeline.Limit{Actions: 1, Per: time.Hour} },
			want:   handled + "sign ok, deliver ok, search skipped",
		},
		"stop switch": {
			change: func(*pipeline.Settings) {}, stop: true,
			want: handled + "sign skipped, deliver skipped, search skipped", seen: `held by the guard "stop"`,
		},
		"everybody is protected": {
			change: func(s *pipeline.Settings) {
				s.Protect = []pipeline.Protection{{Subjects: []string{"*"}, Reason: "nothing alone"}}
			},
			want: handled + "sign skipped, deliver skipped, search skipped", seen: "nothing alone",
		},
		"an index stands still": {
			change: func(*pipeline.Settings) {}, indexes: []string{"soc"},
			want:  handled + "sign ok, deliver ok, index soc failed, search skipped",
			fails: true, seen: "no answer in time",
		},
		"not started": {
			want:  "verify failed, normalize not reached, decide not reached, commit not reached, sign not reached, deliver not reached, search not reached",
			fails: true, seen: "starting",
		},
		"unknown to the verifier": {
			change: func(s *pipeline.Settings) {
				s.Verifier, _ = set.New(nil, set.Options{})
			},
			want:  "verify failed, normalize not reached, decide not reached, commit not reached, sign not reached, deliver not reached, search not reached",
			fails: true, seen: "issuer is not accepted here",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, err := New()
				if err != nil {
					t.Fatal(err)
				}
				l := newLine(t, d, c.change)
				l.Indexes = c.indexes
				if c.stop {
					if err := l.Pipeline.StopActions(t.Context(), "test", ""); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 { // the second shows that the first used nothing up
					d.began = time.Time{}
					a, err := d.Run(t.Context(), l, "test", 0)
					if err != nil {
						t.Fatal(err)
					}
					if got := states(a); got != c.want || a.OK == c.fails || a.Stopped != c.stop {
						t.Fatalf("got  %s, ok %v, stopped %v: %+v\nwant %s", got, a.OK, a.Stopped, a.Stations, c.want)
					}
					found := false
					for _, s := range a.Stations {
						found = found || strings.Contains(s.Seen, c.seen)
					}
					if !found {
						t.Errorf("no station says %q: %+v", c.seen, a.Stations)
					}
				}
			})
		})
	}
}

// TestNothingWaits holds that a drill under the stop switch leaves nothing for
// people to carry out.
func TestNothingWaits(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t, d, func(*pipeline.Settings) {})
	if err := l.Pipeline.StopActions(t.Context(), "test", ""); err != nil {
		t.Fatal(err)
	}
	a, err := d.Run(t.Context(), l, "test", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.Pipeline.Find(t.Context(), a.ID)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	rec := found[0].Record
	if len(rec.Actions) != 1 || rec.Actions[0].Status != pipeline.Suppressed || !rec.Actions[0].Test || !rec.Input.Test {
		t.Errorf("record %+v, actions %+v", rec.Input, rec.Actions)
	}
	if x := rec.Outcomes[0]; x.Entities != (pipeline.EntitiesPart{}) || x.Change != nil {
		t.Errorf("a drill changed the state: %+v", x)
	}
}

func TestBounds(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t, d, func(*pipeline.Settings) {})
	if _, err := d.Run(t.Context(), l, "test", time.Hour); err == nil {
		t.Error("an hour was taken as a timeout")
	}
	if _, err := d.Run(t.Context(), l, "test", 0); err != nil {
		t.Fatal(err)
	}
	var refused *api.Error
	if _, err := d.Run(t.Context(), l, "test", 0); !errors.As(err, &refused) || refused.Hint == "" {
		t.Errorf("a second drill at once: %v", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.Run(t.Context(), l, "test", 0); !errors.As(err, &refused) || !strings.Contains(refused.Message, "under way") {
		t.Errorf("a drill beside another: %v", err)
	}
}

// TestKeyOfThisProcessOnly holds that a token of another process, or of the last
// run, is worth nothing.
func TestKeyOfThisProcessOnly(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := New()
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t, d, func(*pipeline.Settings) {})
	token, err := (&run{Drill: other, Line: l}).token()
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := l.Pipeline.Handle(pipeline.WithObserver(t.Context(), pipeline.Blind{}),
		[]pipeline.Message{{Source: "file", Body: token, Received: time.Now()}})
	if err != nil || receipts[0].Reject == nil || receipts[0].Reject.Code != pipeline.InvalidKey {
		t.Errorf("receipt %+v, %v", receipts, err)
	}
}
