package state_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/state"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// memory is a store for one goroutine that checks that everything written is
// covered by a lock.
type memory struct {
	values map[string][]byte
	locks  []string
	t      testing.TB
	reads  int
}

func newMemory(t testing.TB) *memory { return &memory{values: map[string][]byte{}, t: t} }

func (m *memory) Get(key string) ([]byte, bool, error) {
	m.reads++
	v, ok := m.values[key]
	return v, ok, nil
}

func (m *memory) Put(key string, value []byte) {
	m.covered(key)
	m.values[key] = value
}

func (m *memory) Delete(key string) {
	m.covered(key)
	delete(m.values, key)
}

// covered holds a write against the lock rule of the package comment. A
// session's key may also be written under the lock of its user.
func (m *memory) covered(key string) {
	if m.t == nil {
		return
	}
	prefix, id, _ := strings.Cut(key, "/")
	want := key
	switch prefix {
	case "uh", "us", "uf", "dh", "df":
		want = prefix[:1] + "/" + id
	case "l":
		want = id
	case "s":
		return
	}
	role, _, _ := strings.Cut(want, "/")
	if led := role + "/" + string(m.values["l/"+want]); !slices.Contains(m.locks, want) && !slices.Contains(m.locks, led) {
		m.t.Errorf("%s is written without the lock %s; held: %v", key, want, m.locks)
	}
}

const (
	idp  = "https://idp.example.com"
	mdm  = "https://mdm.example.com"
	risk = "https://risk.example.com"

	jane   = `{"format":"email","email":"jane@example.com"}`
	janeID = `{"format":"iss_sub","iss":"https://idp.example.com","sub":"u-1"}`
	bob    = `{"format":"email","email":"bob@example.com"}`
	laptop = `{"format":"opaque","id":"laptop-7"}`
	phone  = `{"format":"opaque","id":"phone-3"}`
)

// epoch is the time 0 of the stories; their times are seconds after it.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func parse(t testing.TB, text string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse([]byte(text), strictjson.DefaultLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func subject(t testing.TB, text string) event.Subject {
	t.Helper()
	s, _, err := event.ParseSubject(parse(t, text), event.SubjectOptions{Formats: []string{"scim"}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func complexOf(parts ...string) string {
	var b strings.Builder
	b.WriteString(`{"format":"complex"`)
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, `,%q:%s`, parts[i], parts[i+1])
	}
	return b.String() + "}"
}

func aliases(ids ...string) string {
	return `{"format":"aliases","identifiers":[` + strings.Join(ids, ",") + `]}`
}

func named(id string) string { return fmt.Sprintf(`{"format":"opaque","id":%q}`, id) }

var serial int

// occurs makes an event at a time of the story.
func occurs(t testing.TB, kind, issuer, who string, seconds int, body string) *event.Event {
	t.Helper()
	typ, ok := event.ByName(kind)
	if !ok {
		t.Fatalf("no event type %s", kind)
	}
	if body == "" {
		body = "{}"
	}
	serial++
	e := &event.Event{
		ID: fmt.Sprintf("e-%026d", serial), Type: typ, URI: typ.URI, Source: "test", Issuer: issuer, Assurance: event.Signed,
		Time: at(seconds), TimeSource: "event_timestamp", Received: at(seconds).Add(time.Hour), Txn: "t-1", Body: parse(t, body),
	}
	if who != "" {
		e.Subject = subject(t, who)
	}
	return e
}

const allNeeds = state.Needs(1<<11 - 1)

// seen is what became of one event.
type seen struct {
	view  *state.View
	doc   map[string]any
	input []byte
}

// take brings an event through all steps with links permitted, as a pipeline
// would.
func (m *memory) take(e *event.Event, facts ...state.Fact) seen {
	return m.takeWith(e, state.LoadOptions{Needs: allNeeds, Links: true, Now: e.Time}, facts...)
}

func (m *memory) takeWith(e *event.Event, o state.LoadOptions, facts ...state.Fact) seen {
	m.t.Helper()
	x, err := state.Resolve(m, e)
	if err != nil {
		m.t.Fatalf("resolve %s: %v", e.Type.Name, err)
	}
	m.locks = x.Locks(e, o.Windows)
	if !slices.IsSorted(m.locks) {
		m.t.Errorf("locks are not sorted: %v", m.locks)
	}
	v, err := state.Load(m, x, e, o)
	if err != nil {
		m.t.Fatalf("load for %s: %v", e.Type.Name, err)
	}
	s := seen{view: v, input: v.AppendInput(nil, e, o.Needs, o.Now)}
	if err := json.Unmarshal(s.input, &s.doc); err != nil {
		m.t.Fatalf("input is no JSON: %v\n%s", err, s.input)
	}
	if err := v.Apply(m, facts); err != nil {
		m.t.Fatalf("apply %s: %v", e.Type.Name, err)
	}
	return s
}

// look shows the state of somebody without changing it.
func (m *memory) look(who string, seconds int) map[string]any {
	m.t.Helper()
	e := occurs(m.t, "activity", "https://look.example.com", who, seconds, `{"action":"look"}`)
	x, err := state.Resolve(m, e)
	if err != nil {
		m.t.Fatal(err)
	}
	v, err := state.Load(m, x, e, state.LoadOptions{Needs: allNeeds, Now: e.Time})
	if err != nil {
		m.t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(v.AppendInput(nil, e, allNeeds, e.Time), &doc); err != nil {
		m.t.Fatal(err)
	}
	return doc
}

// get walks member names and list indices of a decoded document.
func get(doc any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(d) {
				return nil
			}
			doc = d[i]
		default:
			return nil
		}
	}
	return doc
}

// expect compares members of a document, given as path and value pairs.
// Numbers are compared as seconds of the story when a path ends in a time.
func expect(t testing.TB, doc any, pairs ...any) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		path, want := pairs[i].(string), pairs[i+1]
		got := get(doc, path)
		if s, ok := want.(int); ok {
			want = float64(s)
			for _, name := range []string{"since", "time", "established", "last_seen", "ended"} {
				if strings.HasSuffix(path, "."+name) {
					want = float64(epoch.Unix() + int64(s))
				}
			}
		}
		if list, ok := got.([]any); ok {
			got = fmt.Sprint(list)
		}
		if got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func changeText(v *state.View) string {
	c := v.Change()
	if c == nil {
		return ""
	}
	s := c.Entity + " " + c.From + " " + c.To
	if c.Late() {
		s += " late"
	}
	return s
}
