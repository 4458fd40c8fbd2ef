package kafka

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// broker is an in-process Kafka that speaks the real protocol.
type broker struct {
	t *testing.T
	*kfake.Cluster
	client *kgo.Client // for the test's own use
}

func newBroker(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	b := newBrokerWith(t, opts...)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	b.client = client
	return b
}

// newBrokerWith is a broker that the test does not talk to itself.
func newBrokerWith(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &broker{t: t, Cluster: c}
}

// put writes records and returns them with their offsets.
func (b *broker) put(records ...*kgo.Record) []*kgo.Record {
	b.t.Helper()
	results := b.client.ProduceSync(context.Background(), records...)
	if err := results.FirstErr(); err != nil {
		b.t.Fatal(err)
	}
	list := make([]*kgo.Record, len(results))
	for i := range results {
		list[i] = results[i].Record
	}
	return list
}

func record(topic string, partition int32, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}
}

// numbered are n records, such as {"n":7}.
func numbered(topic string, partition int32, from, n int) []*kgo.Record {
	list := make([]*kgo.Record, n)
	for i := range list {
		list[i] = record(topic, partition, fmt.Sprintf(`{"n":%d}`, from+i))
	}
	return list
}

// committed is what the group committed of a partition, -1 if nothing.
func (b *broker) committed(topic string, partition int32) int64 {
	info := b.GroupInfo("g")
	if info == nil {
		return -1
	}
	c, ok := info.Commits[topic][partition]
	if !ok {
		return -1
	}
	return c.Offset
}

func (b *broker) awaitCommit(topic string, partition int32, offset int64) {
	b.t.Helper()
	await(b.t, fmt.Sprintf("commit of %s/%d up to %d", topic, partition, offset), func() bool {
		return b.committed(topic, partition) >= offset
	})
	if got := b.committed(topic, partition); got != offset {
		b.t.Errorf("%s/%d is committed up to %d, want %d", topic, partition, got, offset)
	}
}

// await waits for something that another goroutine brings about.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for late := time.After(pipelinetest.Patience); !ok(); {
		select {
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// config is a source of the broker's topic "alerts".
func (b *broker) config(change ...func(*SourceConfig)) *SourceConfig {
	c := &SourceConfig{
		Brokers: b.ListenAddrs(), Group: "g", Start: "earliest",
		Topics: []Topic{{Name: "alerts", Mapping: "plain"}},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func openSource(t *testing.T, c *SourceConfig) *source {
	t.Helper()
	for _, p := range c.Validate() {
		t.Fatal(p)
	}
	s, err := c.Open(kind.Env{Name: "edr", Batch: 200, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.(io.Closer).Close() })
	src := s.(*source)
	src.opts = append(src.opts,
		kgo.HeartbeatInterval(50*time.Millisecond), // members hear sooner that others came
		kgo.SessionTimeout(4*time.Minute),          // and are not given up while the machine stands still
		// And of topics that were made anew, which the client believes at the sixth try.
		kgo.MetadataMinAge(20*time.Millisecond), kgo.FetchMaxWait(50*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	)
	return src
}

func testLog(t *testing.T) *slog.Logger {
	if !testing.Verbose() {
		return nil
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// running is a source that runs.
type running struct {
	*source
	stop func()
}

// start runs a source under supervision until stop or the end of the test.
func start(t *testing.T, s *source, h pipeline.Handler) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			err := s.Run(ctx, h)
			if ctx.Err() != nil || err == nil {
				ended <- err
				return
			}
			if testing.Verbose() {
				t.Log("source failed:", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	var once sync.Once
	r := running{s, func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run ended with %v", err)
				}
			case <-time.After(pipelinetest.Patience):
				t.Error("Run did not end")
			}
		})
	}}
	t.Cleanup(r.stop)
	return r
}

// numbers is a mapping that makes one event of each record.
type numbers struct{}

func (numbers) Normalize(_ context.Context, s pipeline.Signal) ([]event.Event, error) {
	typ, _ := event.ByName("session-revoked")
	return []event.Event{{ID: pipeline.EventID(s.InputID, 0), Type: typ, Source: s.Message.Source, Issuer: s.Issuer, Time: s.Message.Made, Assurance: s.Assurance, Txn: s.Txn}}, nil
}

// newLine is a pipeline that knows the mapping "plain" and takes plain tokens.
func newLine(t testing.TB, s store.Store) *pipeline.Pipeline {
	t.Helper()
	p := pipeline.New(pipeline.Options{Store: s})
	p.Use(pipeline.Settings{
		Verifier:   pipeline.Channels{Tokens: pipelinetest.Plain{}},
		Normalizer: pipeline.Records{Tokens: pipeline.Statements{}, Mapping: func(name string) (pipeline.Normalizer, bool) { return numbers{}, name == "plain" }},
	})
	return p
}

func newStore(t testing.TB) *store.Memory {
	t.Helper()
	s := store.NewMemory(store.Options{}, store.Faults{})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// inputs lists the positions of the journal's records of one kind, in order.
func inputs(t testing.TB, s store.Store, k pipeline.RecordKind) []string {
	t.Helper()
	var list []string
	for _, r := range journal(t, s) {
		if r.Kind == k {
			list = append(list, r.Input.Position)
		}
	}
	return list
}
