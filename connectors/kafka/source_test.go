package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// upstream is a topic with one partition as the conformance suite sees it.
type upstream struct {
	*broker
	mu sync.Mutex
	at map[string]int64
}

func (u *upstream) Offer(bodies ...string) {
	records := make([]*kgo.Record, len(bodies))
	for i, b := range bodies {
		records[i] = record("alerts", 0, b)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range u.put(records...) {
		u.at[string(r.Value)] = r.Offset
	}
}

func (u *upstream) Settled(body string) (settled, known bool) {
	u.mu.Lock()
	at, ok := u.at[body]
	u.mu.Unlock()
	return ok && u.committed("alerts", 0) > at, ok
}

func (u *upstream) Await(ctx context.Context, body string) error {
	for {
		if settled, _ := u.Settled(body); settled {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestConformance(t *testing.T) {
	pipelinetest.TestSource(t, func(t *testing.T) (pipeline.Source, pipelinetest.Upstream) {
		b := newBroker(t, kfake.SeedTopics(1, "alerts"))
		return openSource(t, b.config()), &upstream{broker: b, at: map[string]int64{}}
	})
}

func journal(t testing.TB, s store.Store) (list []pipeline.Record) {
	t.Helper()
	err := s.Journal(context.Background(), 0, func(_ uint64, data []byte) bool {
		var r pipeline.Record
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestMessage: what the line is told of a record.
func TestMessage(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(2, "alerts", "sets"))
	made := time.UnixMilli(1_767_225_600_123)
	b.put(
		&kgo.Record{Topic: "alerts", Partition: 1, Key: []byte("k"), Value: []byte(`{"n":1}`), Timestamp: made,
			Headers: []kgo.RecordHeader{{Key: "Signalbox-Txn", Value: []byte("t-1")}, {Key: "x", Value: []byte{0xff}}}},
		&kgo.Record{Topic: "sets", Partition: 0, Value: []byte("a.b.c")},
		&kgo.Record{Topic: "sets", Partition: 0, Value: []byte("d.e.f"), Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/jwt")}}},
	)
	rec := pipelinetest.NewRecorder()
	s := openSource(t, b.config(func(c *SourceConfig) { c.Topics = append(c.Topics, Topic{Name: "sets", Verify: "set"}) }))
	start(t, s, rec)
	rec.Await(t, `{"n":1}`, "a.b.c", "d.e.f")
	got := map[string]pipeline.Message{}
	for _, m := range rec.Messages() {
		got[string(m.Body)] = m
	}
	m := got[`{"n":1}`]
	if m.Source != "edr" || m.Sender != "edr" || m.Mapping != "plain" || m.Delivery != "kafka" || m.ContentType != "application/json" ||
		m.Position != "alerts/1@0" || !m.Made.Equal(made) || m.Txn != "t-1" || string(m.Key) != "k" || len(m.Headers) != 2 || m.Received.IsZero() {
		t.Errorf("message %+v", m)
	}
	id := b.TopicInfo("alerts").TopicID
	if want := fmt.Sprintf("alerts/%x/1", id[:]); *m.Progress != (pipeline.Progress{Partition: want}) {
		t.Errorf("progress %+v, want %s from 0 to 0", *m.Progress, want)
	}
	if m := got["a.b.c"]; m.Mapping != "" || m.ContentType != "application/secevent+jwt" || m.Progress.Offset != 0 {
		t.Errorf("token %+v", m)
	}
	if m := got["d.e.f"]; m.ContentType != "application/jwt" || m.Progress.From != 1 || m.Progress.Offset != 1 {
		t.Errorf("token %+v", m)
	}
}

// TestTopics: names in full go before patterns, patterns take in what is made
// later, and nothing else is read.
func TestTopics(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts.a", "alerts.sets", "other.alerts.a"))
	rec := pipelinetest.NewRecorder()
	start(t, openSource(t, b.config(func(c *SourceConfig) {
		c.Topics = []Topic{{Name: `alerts\..*`, Pattern: true, Mapping: "plain"}, {Name: "alerts.sets", Verify: "set"}}
	})), rec)
	b.put(record("alerts.a", 0, "a"), record("alerts.sets", 0, "s"), record("other.alerts.a", 0, "o"))
	rec.Await(t, "a", "s")
	for _, m := range rec.Messages() {
		if want := map[string]string{"a": "plain"}[string(m.Body)]; m.Mapping != want || string(m.Body) == "o" {
			t.Errorf("%s was read with mapping %q", m.Body, m.Mapping)
		}
	}
}

// TestStart: a partition that the group never read begins where configured, and
// the beginning is remembered even if nothing was read.
func TestStart(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(numbered("alerts", 0, 0, 3)...)
	st := newStore(t)
	line := newLine(t, st)
	latest := func(c *SourceConfig) { c.Start = "latest" }
	r := start(t, openSource(t, b.config(latest)), line)
	await(t, "the group", r.Ready)
	await(t, "a position", func() bool { return b.committed("alerts", 0) == 3 })
	r.stop()
	b.put(numbered("alerts", 0, 3, 2)...)
	start(t, openSource(t, b.config(latest)), line)
	b.awaitCommit("alerts", 0, 5)
	if got := inputs(t, st, pipeline.InputRecord); !slices.Equal(got, []string{"alerts/0@3", "alerts/0@4"}) {
		t.Errorf("read %q", got)
	}
}

// TestResume: where our position and the broker's differ, the further one is
// right.
func TestResume(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	st := newStore(t)
	line := newLine(t, st)
	r := start(t, openSource(t, b.config()), line)
	b.put(numbered("alerts", 0, 0, 10)...)
	b.awaitCommit("alerts", 0, 10)
	r.stop()
	before := len(journal(t, st))

	b.commitAs("alerts", 0, 4) // as if the last commits had been lost
	r = start(t, openSource(t, b.config()), line)
	b.put(numbered("alerts", 0, 10, 1)...)
	b.awaitCommit("alerts", 0, 11)
	r.stop()
	if got := len(journal(t, st)); got != before+1 {
		t.Errorf("%d records more, want 1: what we know to be done was run again", got-before)
	}

	b.put(numbered("alerts", 0, 11, 9)...)
	b.commitAs("alerts", 0, 18) // another member went on
	r = start(t, openSource(t, b.config()), line)
	b.awaitCommit("alerts", 0, 20)
	r.stop()
	if got := inputs(t, st, pipeline.InputRecord)[11:]; !slices.Equal(got, []string{"alerts/0@18", "alerts/0@19"}) {
		t.Errorf("read %q", got)
	}

	// A gap that others filled does not hold our position back.
	b.commitAs("alerts", 0, 0)
	r = start(t, openSource(t, b.config()), line)
	b.awaitCommit("alerts", 0, 20)
	r.stop()
	if got := len(inputs(t, st, pipeline.InputRecord)); got != 13 {
		t.Errorf("%d inputs, want 13", got)
	}
}

// commitAs commits for the group, which has no members.
func (b *broker) commitAs(topic string, partition int32, offset int64) {
	b.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.ListenAddrs()...))
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	if err := commitFor(c, "g", topic, partition, offset); err != nil {
		b.t.Fatal(err)
	}
}

// TestCommitsWithoutGap: a record that cannot be handled now holds the position,
// but not what comes after.
func TestCommitsWithoutGap(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(numbered("alerts", 0, 0, 5)...)
	rec := pipelinetest.NewRecorder()
	var mu sync.Mutex
	hold := true
	h := pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		mu.Lock()
		defer mu.Unlock()
		receipts, err := rec.Handle(ctx, msgs)
		for i, m := range msgs {
			if hold && m.Progress.Offset == 2 {
				receipts[i] = pipeline.Receipt{Retry: errors.New("keys out of reach")}
			}
		}
		return receipts, err
	})
	r := start(t, openSource(t, b.config()), h)
	b.awaitCommit("alerts", 0, 2)
	b.put(numbered("alerts", 0, 5, 5)...)
	rec.Await(t, `{"n":9}`)
	if got := b.committed("alerts", 0); got != 2 {
		t.Errorf("committed up to %d while 2 was not done", got)
	}
	mu.Lock()
	hold = false
	mu.Unlock()
	b.awaitCommit("alerts", 0, 10)
	r.stop()
}

// TestPoison: what is refused does not stop a partition, is in the journal whole
// and does not come again.
func TestPoison(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	poison := "no json " + strings.Repeat("x", 100_000)
	b.put(record("alerts", 0, `{"n":0}`), &kgo.Record{Topic: "alerts", Key: []byte{0xff, 0}, Value: []byte(poison)}, record("alerts", 0, `{"n":2}`))
	st := newStore(t)
	line := newLine(t, st)
	for range 2 {
		r := start(t, openSource(t, b.config()), line)
		b.awaitCommit("alerts", 0, 3)
		r.stop()
		b.commitAs("alerts", 0, 3)
	}
	var kinds []pipeline.RecordKind
	for _, r := range journal(t, st) {
		kinds = append(kinds, r.Kind)
		if r.Kind == pipeline.RejectRecord && (string(r.Input.Raw()) != poison || string(r.Input.Key) != "\xff\x00" || r.Input.Made.IsZero()) {
			t.Errorf("reject %+v", r.Input)
		}
	}
	if want := []pipeline.RecordKind{pipeline.InputRecord, pipeline.RejectRecord, pipeline.InputRecord}; !slices.Equal(kinds, want) {
		t.Errorf("journal holds %q, want %q", kinds, want)
	}
}

// TestTombstones: a record without a value holds no message; its position is
// done with that of the next.
func TestTombstones(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(record("alerts", 0, `{"n":0}`), &kgo.Record{Topic: "alerts", Key: []byte("k")}, record("alerts", 0, `{"n":2}`), &kgo.Record{Topic: "alerts", Key: []byte("k")})
	rec := pipelinetest.NewRecorder()
	start(t, openSource(t, b.config()), rec)
	b.awaitCommit("alerts", 0, 4)
	msgs := rec.Messages()
	if len(msgs) != 2 || msgs[1].Progress.From != 1 || msgs[1].Progress.Offset != 2 {
		t.Errorf("messages %+v", msgs)
	}
}

// TestTransactions: what was aborted is not seen, and the holes that
// transactions leave do not hold the position.
func TestTransactions(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	c, err := kgo.NewClient(kgo.SeedBrokers(b.ListenAddrs()...), kgo.TransactionalID("tx"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 6 {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := c.ProduceSync(t.Context(), numbered("alerts", 0, 10*i, 3)...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := c.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	last := b.put(record("alerts", 0, `{"n":99}`))[0].Offset
	st := newStore(t)
	start(t, openSource(t, b.config()), newLine(t, st))
	b.awaitCommit("alerts", 0, last+1)
	if got := inputs(t, st, pipeline.InputRecord); len(got) != 10 {
		t.Errorf("read %q, want the 9 that were committed and one", got)
	}
}

// TestPausesWhenBusy: while the line takes nothing, fetching stops and memory
// stays bounded; then everything comes.
func TestPausesWhenBusy(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	const n = 3 * 4 * maxBatch
	b.put(numbered("alerts", 0, 0, n)...)
	rec := pipelinetest.NewRecorder()
	free := make(chan struct{})
	h := pipeline.HandlerFunc(func(ctx context.Context, msgs []pipeline.Message) ([]pipeline.Receipt, error) {
		select {
		case <-free:
			return rec.Handle(ctx, msgs)
		default:
			return nil, &pipeline.BusyError{Reason: "journal is full", After: 20 * time.Millisecond}
		}
	})
	r := start(t, openSource(t, b.config()), h)
	await(t, "a pause", func() bool {
		run := r.current.Load()
		return run != nil && run.client != nil && len(run.client.PauseFetchPartitions(nil)) > 0
	})
	await(t, "the source to say that it does not get on", func() bool { return !r.Ready() })
	w := r.current.Load().all()[0]
	w.mu.Lock()
	if len(w.fresh) > 4*maxBatch+maxPoll {
		t.Errorf("%d records wait", len(w.fresh))
	}
	w.mu.Unlock()
	close(free)
	b.awaitCommit("alerts", 0, n)
	await(t, "the source to be ready again", r.Ready)
	if got := len(r.current.Load().client.PauseFetchPartitions(nil)); got > 0 {
		t.Errorf("%d partitions are still paused", got)
	}
}

// TestRecreated: a topic that is deleted and made again is read from its start.
func TestRecreated(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(numbered("alerts", 0, 0, 5)...)
	st := newStore(t)
	r := start(t, openSource(t, b.config()), newLine(t, st))
	b.awaitCommit("alerts", 0, 5)
	if err := b.DeleteTopic("alerts"); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic("alerts", 1, nil); err != nil {
		t.Fatal(err)
	}
	b.client.PurgeTopicsFromClient("alerts")
	b.put(numbered("alerts", 0, 100, 3)...)
	await(t, "the records of the new topic", func() bool { return len(inputs(t, st, pipeline.InputRecord)) == 8 })
	r.stop()
}

// TestTruncated: a log that is shorter than what was read of it is a fault that
// says what to do.
func TestTruncated(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(numbered("alerts", 0, 0, 2)...)
	line := newLine(t, newStore(t))
	id := b.TopicInfo("alerts").TopicID
	if _, err := line.Resume(t.Context(), "edr", fmt.Sprintf("alerts/%x/0", id[:]), 7); err != nil {
		t.Fatal(err)
	}
	err := openSource(t, b.config()).Run(t.Context(), line)
	if err == nil || !strings.Contains(err.Error(), "alerts/0 ends at 2, but 7 was read already") || !strings.Contains(err.Error(), "rename the source") {
		t.Errorf("Run ended with %v", err)
	}
}

// TestExpired: records that the broker deleted before they were read are told
// and do not hold the position.
func TestExpired(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "alerts"))
	b.put(numbered("alerts", 0, 0, 9)...)
	b.commitAs("alerts", 0, 2)
	if err := b.DeleteRecords("alerts", 0, 6); err != nil {
		t.Fatal(err)
	}
	rec := pipelinetest.NewRecorder()
	start(t, openSource(t, b.config()), rec)
	b.awaitCommit("alerts", 0, 9)
	if got := len(rec.Messages()); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}
