package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func openSinkAt(t testing.TB, path string) *sink {
	t.Helper()
	c := &SinkConfig{Path: path}
	if problems := c.Validate(); problems != nil {
		t.Fatal(problems)
	}
	s, err := c.Open(kind.Env{Name: "out", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.(*sink).Close() })
	return s.(*sink)
}

// entries reads the lines of a file; those that are no entry are skipped.
func entries(t testing.TB, path string) []entry {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	for line := range bytes.Lines(text) {
		var e entry
		if json.Unmarshal(line, &e) == nil {
			list = append(list, e)
		}
	}
	return list
}

func ids(list []entry) []string {
	var got []string
	for _, e := range list {
		got = append(got, e.ID)
	}
	return got
}

// record is a file as the suite sees it.
type record struct {
	t    *testing.T
	path string
}

func (r record) Taken() []string {
	var list []string
	for _, e := range entries(r.t, r.path) {
		list = append(list, e.Token+string(e.Payload))
	}
	return list
}

func (r record) Become(m pipelinetest.Mood) bool { return m == pipelinetest.Willing }

func TestSinkConformance(t *testing.T) {
	pipelinetest.TestSink(t, func(t *testing.T) (pipeline.Sink, pipelinetest.Target) {
		path := filepath.Join(t.TempDir(), "sub", "out.jsonl")
		return openSinkAt(t, path), record{t, path}
	})
}

func TestSinkValidate(t *testing.T) {
	for path, ok := range map[string]bool{"out.jsonl": true, "out/x": true, "": false, "out/": false} {
		if got := (&SinkConfig{Path: path}).Validate() == nil; got != ok {
			t.Errorf("path %q: valid %t", path, got)
		}
	}
}

func deliver(t testing.TB, s *sink, batch ...pipeline.Delivery) []pipeline.Result {
	t.Helper()
	results, err := s.Deliver(t.Context(), batch)
	if err != nil || len(results) != len(batch) {
		t.Fatalf("Deliver: %v, %v", results, err)
	}
	return results
}

func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s := openSinkAt(t, path)
	deliver(t, s,
		pipeline.Delivery{ID: "a-1", Kind: "action", Payload: []byte("{\n  \"a\": [1, 2]\n}")},
		pipeline.Delivery{ID: "a-2", Kind: "action", Payload: []byte("a.b.c")},
		pipeline.Delivery{ID: "a-1", Kind: "ssf.set", Payload: []byte(`{}`)}, // another kind: another thing
	)
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"a-1","kind":"action","at":"2026-03-01T12:00:00Z","payload":{"a":[1,2]}}
{"id":"a-2","kind":"action","at":"2026-03-01T12:00:00Z","token":"a.b.c"}
{"id":"a-1","kind":"ssf.set","at":"2026-03-01T12:00:00Z","payload":{}}
`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

// TestRestart: what stands at the end of the file is not written again, and a
// line that broke off does not spoil the next one.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	first, second := pipeline.Delivery{ID: "a-1", Payload: []byte("{}")}, pipeline.Delivery{ID: "a-2", Payload: []byte("{}")}
	s := openSinkAt(t, path)
	deliver(t, s, first)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	add(t, path, `{"id":"a-2","kin`) // as a crash would leave it
	s = openSinkAt(t, path)
	results := deliver(t, s, first, second, second)
	if results[0].Info != "already there" || results[1].Info != "written" || results[2].Info != "already there" {
		t.Errorf("results %+v", results)
	}
	if got := ids(entries(t, path)); !slices.Equal(got, []string{"a-1", "a-2"}) {
		t.Errorf("the file has %q", got)
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s := openSinkAt(t, path)
	deliver(t, s, pipeline.Delivery{ID: "a-1", Payload: []byte("{}")})
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, pipeline.Delivery{ID: "a-2", Payload: []byte("{}")})
	if got := ids(entries(t, path)); !slices.Equal(got, []string{"a-2"}) {
		t.Errorf("the new file has %q", got)
	}
	if got := ids(entries(t, path+".1")); !slices.Equal(got, []string{"a-1"}) {
		t.Errorf("the old file has %q", got)
	}
}

// TestWriteFault: nothing is reported as taken, and nothing is lost once the
// fault is gone.
func TestWriteFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s := openSinkAt(t, path)
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	good := s.f
	s.f = readOnly
	d := pipeline.Delivery{ID: "a-1", Payload: []byte("{}")}
	if _, err := s.Deliver(t.Context(), []pipeline.Delivery{d}); err == nil || errors.As(err, new(*pipeline.FinalError)) {
		t.Fatalf("error %v, want one to be tried again", err)
	}
	readOnly.Close()
	s.f = good
	deliver(t, s, d)
	if got := ids(entries(t, path)); !slices.Equal(got, []string{"a-1"}) {
		t.Errorf("the file has %q", got)
	}
}

func TestOpenFault(t *testing.T) {
	dir := t.TempDir()
	if _, err := openSink(dir, time.Now); err == nil {
		t.Error("a folder was opened as a file")
	}
	add(t, filepath.Join(dir, "x"), "")
	if _, err := openSink(filepath.Join(dir, "x", "out"), time.Now); err == nil {
		t.Error("a file was used as a folder")
	}
}

func TestPrepare(t *testing.T) {
	s := openSinkAt(t, filepath.Join(t.TempDir(), "out.jsonl"))
	subject, err := event.NewSimple("email", "email", "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	o := pipeline.Order{
		ActionID: "a-1", Rule: "leaver", Type: "revoke-session", Event: "session-revoked",
		Subject: subject, Body: []byte(`{"x":1}`), Txn: "t-1", Chain: "i-1", Made: now,
	}
	got, err := s.Prepare(t.Context(), o)
	const want = `{"action":"a-1","rule":"leaver","type":"revoke-session","event":"session-revoked",` +
		`"subject":{"format":"email","email":"jane@example.com"},"body":{"x":1},"txn":"t-1","chain":"i-1","made":"2026-03-01T12:00:00Z"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	o.Body = []byte("{")
	if _, err := s.Prepare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "a-1") {
		t.Errorf("error %v for a broken body", err)
	}
}

// TestPrepareCall: a call is written as what it asks.
func TestPrepareCall(t *testing.T) {
	s := openSinkAt(t, filepath.Join(t.TempDir(), "out.jsonl"))
	got, err := s.Prepare(t.Context(), pipeline.Order{
		ActionID: "a-1", Type: "disable-account", Made: now,
		Request: &pipeline.Request{Method: "POST", Path: "/users/u-1/suspend", Body: []byte(`{"by":"us"}`)},
	})
	const want = `{"action":"a-1","type":"disable-account","request":{"method":"POST","path":"/users/u-1/suspend","body":{"by":"us"}},"made":"2026-03-01T12:00:00Z"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	var _ kind.Caller = &SinkConfig{}
}

func TestRecent(t *testing.T) {
	var r recent
	for i := range maxRecent + 10 {
		r.add(fmt.Sprint(i))
		r.add(fmt.Sprint(i))
	}
	if r.has("9") || !r.has("10") || !r.has(fmt.Sprint(maxRecent+9)) || len(r.keys) != maxRecent {
		t.Errorf("%d keys are kept, or the wrong ones", len(r.keys))
	}
}
