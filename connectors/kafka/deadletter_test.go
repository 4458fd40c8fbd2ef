package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// TestDeadLetter: what is refused goes to the dead-letter topic as it was, also
// when the process ended in between, and can be tried again from the quarantine.
func TestDeadLetter(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts", "dead"))
	made := time.UnixMilli(1_767_225_600_123)
	b.put(record("alerts", 0, `{"n":0}`), &kgo.Record{Topic: "alerts", Key: []byte{0xff, 0x00}, Value: []byte("\xffnot json"), Timestamp: made,
		Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte{1, 2}}}}, record("alerts", 0, `{"n":2}`))
	dead := func(c *SourceConfig) { c.DeadLetter = "dead" }
	st := newStore(t)
	line := newLine(t, st)
	r := start(t, openSource(t, b.config(dead)), line)
	b.awaitCommit("alerts", 0, 3)
	r.stop() // nothing read the journal yet

	s := openSource(t, b.config(dead))
	render, sink := s.Follow()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- newLine(t, st).Index(ctx, "source edr", render, sink) }()
	await(t, "the dead letter", func() bool { return b.PartitionInfo("dead", 0).HighWatermark > 0 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	letters := b.records("dead")
	if len(letters) != 1 {
		t.Fatalf("%d dead letters", len(letters))
	}
	l := letters[0]
	if string(l.Key) != "\xff\x00" || string(l.Value) != "\xffnot json" {
		t.Errorf("key %q, value %q", l.Key, l.Value)
	}
	if h := l.Headers[0]; h.Key != "trace" || string(h.Value) != "\x01\x02" {
		t.Errorf("first header %+v", h)
	}
	headers := map[string]string{}
	for _, h := range l.Headers {
		headers[h.Key] = string(h.Value)
	}
	for name, want := range map[string]string{
		"signalbox-source": "edr", "signalbox-topic": "alerts", "signalbox-partition": "0", "signalbox-offset": "1",
		"signalbox-timestamp": "1767225600123", "signalbox-reason": pipeline.InvalidRequest,
	} {
		if headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, headers[name], want)
		}
	}
	if headers["signalbox-reason-text"] == "" {
		t.Error("no reason in words")
	}

	// Its position is done, yet it can be tried again.
	kept, _, err := line.Quarantined(t.Context(), pipeline.QuarantineFilter{Source: "edr"}, 10)
	if err != nil || len(kept) != 1 {
		t.Fatalf("quarantine %+v, %v", kept, err)
	}
	mended := pipeline.Settings{Verifier: accepting{}, Normalizer: numbers{}}
	line.Use(mended)
	released, err := line.RetryQuarantined(t.Context(), []string{kept[0].ID}, "test")
	if err != nil || released[0].Verdict != pipeline.Accepted {
		t.Errorf("released %+v, %v", released, err)
	}
}

// accepting takes whatever it is given.
type accepting struct{}

func (accepting) Verify(_ context.Context, m pipeline.Message) (pipeline.Signal, error) {
	return pipeline.Signal{Message: m, InputID: "i-" + m.Position, Issuer: m.Source}, nil
}
