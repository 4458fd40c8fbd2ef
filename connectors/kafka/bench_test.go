package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

// BenchmarkLine brings records of a topic to their durable outcome, synced to
// disk, beside a client that only reads the same topic, in the same run.
//
//	go test ./connectors/kafka -run '^$' -bench Line -benchtime 50000x
func BenchmarkLine(b *testing.B) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "alerts"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(b.N+1))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for p := range int32(4) {
		for _, r := range numbered("alerts", p, 0, (b.N+3)/4) {
			client.Produce(context.Background(), r, nil)
		}
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	n := int64(4 * ((b.N + 3) / 4))

	began := time.Now()
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("alerts"))
	if err != nil {
		b.Fatal(err)
	}
	for got := int64(0); got < n; {
		got += int64(reader.PollFetches(context.Background()).NumRecords())
	}
	reader.Close()
	plain := time.Since(began)

	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	conf := &SourceConfig{Brokers: c.ListenAddrs(), Group: "g", Topics: []Topic{{Name: "alerts", Mapping: "plain"}}}
	s, err := conf.Open(kind.Env{Name: "edr"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	b.ResetTimer()
	began = time.Now()
	go func() { ended <- s.Run(ctx, newLine(b, st)) }()
	await(b, "all records", func() bool { return st.Last() >= uint64(n) })
	ours := time.Since(began)
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/ours.Seconds(), "records/s")
	b.ReportMetric(float64(n)/plain.Seconds(), "plain-records/s")
	b.ReportMetric(100*plain.Seconds()/ours.Seconds(), "%ofplain")
}
