package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/cmd/internal/demo"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two", 10, []string{"one two"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one  two\nthree", 20, []string{"one two three"}},
		{"a verylongwordthatstands alone", 8, []string{"a", "verylongwordthatstands", "alone"}},
		{"ü→ü ü→ü", 7, []string{"ü→ü ü→ü"}},
	} {
		if got := wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func TestBulletsSayEverythingOnce(t *testing.T) {
	got := bullets([]string{"jane: stolen", "jane: stolen; no risk was known", "seen before", "seen before"}, "jane")
	want := []string{"- stolen; no risk was known", "- seen before"}
	if !slices.Equal(got, want) {
		t.Errorf("bullets = %q, want %q", got, want)
	}
}

func TestPrintTimelineOfStreams(t *testing.T) {
	line := func(id, status, stream string) json.RawMessage {
		return json.RawMessage(`{"@timestamp":"2026-03-02T09:16:00Z","event":{"dataset":"ssf.action"},"message":"` + id + " " + status + " for apps " + stream +
			`","action":{"id":"` + id + `","target":"apps","status":"` + status + `","stream":"` + stream + `"}}`)
	}
	var b strings.Builder
	err := printTimeline(&b, colours{}, 100, []json.RawMessage{
		line("a-1", "proposed", ""), line("a-1", "queued", ""), line("a-1", "superseded", ""), line("a-1", "queued", "s-1"), line("a-1", "acked", "s-1"),
		line("a-2", "queued", ""), line("a-2", "superseded", ""), // no stream wanted it
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `Monday 2026-03-02 UTC
09:16:00.000  action    a-1 proposed for apps
09:16:00.000  action    a-1 queued for apps s-1
09:16:00.000  action    a-1 acked for apps s-1
09:16:00.000  action    a-2 queued for apps
09:16:00.000  action    a-2 superseded for apps
`
	if b.String() != want {
		t.Errorf("timeline is\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPrintTimeline(t *testing.T) {
	docs := []json.RawMessage{
		json.RawMessage(`{"@timestamp":"2026-03-02T11:15:00+02:00","event":{"dataset":"ssf.set"},"message":"feed: password compromised for jane\u001b[31m"}`),
		json.RawMessage(`{"@timestamp":"2026-03-02T09:16:00Z","event":{"dataset":"ssf.decision"},"user":{"name":"jane"},
			"message":"revoke-session for jane: stolen by a kit (alert)",
			"policy":{"decision_id":"d-1","result":"act","reasons":["jane: stolen by a kit"]}}`),
		json.RawMessage(`{"@timestamp":"2026-03-02T09:16:00Z","event":{"dataset":"ssf.action","reason":"jane: stolen by a kit"},"user":{"name":"jane"},
			"message":"revoke-session for jane queued for mail: stolen by a kit","policy":{"decision_id":"d-1"},"action":{"status":"queued"}}`),
		json.RawMessage(`{"@timestamp":"2026-03-02T09:16:00Z","event":{"dataset":"ssf.action","reason":"stolen by a kit"},"user":{"name":"jane"},
			"message":"raise-risk for jane queued: stolen by a kit","policy":{"decision_id":"d-2"},"action":{"status":"queued"}}`),
		json.RawMessage(`{"@timestamp":"2026-03-03T00:00:00.5Z","event":{"dataset":"ssf.action"},"message":"revoke-session for jane acked by mail: 202","action":{"status":"acked"}}`),
	}
	var b strings.Builder
	if err := printTimeline(&b, colours{}, 48, docs); err != nil {
		t.Fatal(err)
	}
	want := `Monday 2026-03-02 UTC
09:15:00.000  signal    feed: password
                        compromised for jane
                        [31m
09:16:00.000  decision  revoke-session for jane
                        (alert)
                        - stolen by a kit
                        explain d-1
09:16:00.000  action    revoke-session for jane
                        queued for mail
09:16:00.000  action    raise-risk for jane
                        queued: stolen by a kit
Tuesday 2026-03-03 UTC
00:00:00.500  action    revoke-session for jane
                        acked by mail: 202
`
	if b.String() != want {
		t.Errorf("timeline is\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := printTimeline(&b, colours{on: true}, 100, docs[4:]); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\x1b[32mrevoke-session for jane acked by mail: 202\x1b[0m") {
		t.Errorf("an action that was taken is not green: %q", b.String())
	}
	if err := printTimeline(&b, colours{}, 100, []json.RawMessage{[]byte(`{`)}); err == nil {
		t.Error("a broken document: no error")
	}
}

// TestDemoTellsWhatDiffers shows that a demo that did not go well says so.
func TestDemoTellsWhatDiffers(t *testing.T) {
	var b strings.Builder
	p := &programme{report: report{&b, colours{}}, width: 80}
	err := p.tell(&demo.Report{
		Applications: []demo.Seen{
			{Name: "mail", Sessions: []demo.Session{{User: "jane@example.com", ID: "a"}, {User: "omar@example.com", ID: "b", Ended: time.Now()}}},
			{Name: "files", Sessions: []demo.Session{{User: "jane@example.com", ID: "a"}}},
		},
		Differences: []string{"sessions at files: 1, should be 2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"This did not go as it has to", "sessions at files: 1, should be 2", "missing", "goes on", "ended "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not said in:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Everything went") {
		t.Error("success is claimed")
	}
}
