package kafka

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/store"
	"github.com/signalbox-dev/signalbox/policies"
)

// The corpus of the Line benchmark.
const (
	linePartitions = 4
	lineUsers      = 10_000
)

// BenchmarkLine is the line of alerts: CrowdStrike alerts of 2.5 KB in four
// partitions are read as a member of a group, mapped, decided by the shipped
// rules and committed, synced to disk. It prints records/s, and %ofplain: that
// rate over the one of a client that only reads the same topic, in the same
// process before and after. How many records a transaction held and how long the
// commit of one took says what bounds the rate. Other work on the machine moves
// all of these; µs/record and plain-µs/record are processor time, of the broker
// in this process too, and %ofplain-cpu is their ratio.
//
//	go test ./connectors/kafka -run '^$' -bench Line -benchtime 50000x
func BenchmarkLine(b *testing.B) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(linePartitions, "alerts"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for i := range b.N {
		client.Produce(context.Background(), record("alerts", int32(i%linePartitions), alert(i)), func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}

	var seen commits
	b.ResetTimer()
	before := measure(func() { read(b, c, b.N) })
	ours := measure(func() { handle(b, c, b.N, &seen) })
	after := measure(func() { read(b, c, b.N) })
	plain, plainCPU := (before.wall+after.wall)/2, (before.cpu+after.cpu)/2
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/ours.wall.Seconds(), "records/s")
	b.ReportMetric(n/plain.Seconds(), "plain-records/s")
	b.ReportMetric(100*plain.Seconds()/ours.wall.Seconds(), "%ofplain")
	b.ReportMetric(ours.cpu.Seconds()/n*1e6, "µs/record")
	b.ReportMetric(plainCPU.Seconds()/n*1e6, "plain-µs/record")
	b.ReportMetric(100*plainCPU.Seconds()/ours.cpu.Seconds(), "%ofplain-cpu")
	b.ReportMetric(n/float64(seen.n.Load()), "records/commit")
	b.ReportMetric(time.Duration(seen.took.Load()/seen.n.Load()).Seconds()*1000, "ms/commit")
}

// spent is time that something took, by the clock and of the processors.
type spent struct{ wall, cpu time.Duration }

func measure(f func()) spent {
	began, used := time.Now(), processTime()
	f()
	return spent{time.Since(began), processTime() - used}
}

// read takes n records by a client that does nothing else.
func read(b *testing.B, c *kfake.Cluster, n int) {
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("alerts"))
	if err != nil {
		b.Fatal(err)
	}
	defer reader.Close()
	for got := 0; got < n; {
		got += reader.PollFetches(context.Background()).NumRecords()
	}
}

// commits counts transactions.
type commits struct {
	pipeline.Blind
	n, took atomic.Int64
}

func (c *commits) Took(station string, _ int, d time.Duration) {
	if station == "commit" {
		c.n.Add(1)
		c.took.Add(int64(d))
	}
}

// handle brings n records to their outcome on disk.
func handle(b *testing.B, c *kfake.Cluster, n int, seen *commits) {
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	maps, problems := mappings.Load(mappings.Options{})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	rules, faults := policies.Load(policies.Shipped, policies.Options{})
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	line := pipeline.New(pipeline.Options{Store: st, Observer: seen})
	line.Use(pipeline.Settings{
		Verifier:   pipeline.Channels{},
		Normalizer: pipeline.Records{Tokens: pipeline.Statements{}, Mapping: maps.Normalizer},
		Decider:    rules,
		Remits:     map[string]pipeline.Remit{"edr": {Events: []string{"*"}, Subjects: []string{"*"}, Links: true}},
	})
	conf := &SourceConfig{Brokers: c.ListenAddrs(), Group: "g", Topics: []Topic{{Name: "alerts", Mapping: "crowdstrike"}}}
	s, err := conf.Open(kind.Env{Name: "edr"})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, line) }()
	for st.Last() < uint64(n) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// alert is an alert about one of many users on one of many devices.
func alert(i int) string {
	who := i * 7919 % lineUsers
	return fmt.Sprintf(`{"composite_id":"0123456789abcdef0123456789abcdef:ind:%032d:%d","cid":"0123456789abcdef0123456789abcdef","product":"epp","type":"ldt",
"severity":%d,"confidence":80,"status":"new","display_name":"Credential dumping from LSASS","description":"A process read the memory of lsass.exe.",
"scenario":"credential_theft","objective":"Gain Access","tactic":"Credential Access","tactic_id":"TA0006","technique":"OS Credential Dumping","technique_id":"T1003.001",
"timestamp":"2026-02-03T10:15:04.120Z","created_timestamp":"2026-02-03T10:15:20.5Z","agent_id":"%032d",
"device":{"device_id":"%032d","hostname":"LAPTOP-%d","local_ip":"10.20.30.40","external_ip":"198.51.100.7","mac_address":"00-00-5e-00-53-23","platform_name":"Windows","os_version":"Windows 11","machine_domain":"corp.example.com","groups":["g1","g2"],"status":"normal"},
"user_name":"user%d","user_principal":"user%d@example.com","user_id":"S-1-5-21-1-2-3-%d","logon_domain":"CORP","filename":"dump.exe","cmdline":"dump.exe -m lsass.exe","process_id":"51539634","process_start_time":"1770113700",
"sha256":"a3b1c2d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff00","parent_details":{"filename":"cmd.exe","cmdline":"cmd.exe"},
"pattern_disposition_details":{"kill_process":true,"process_blocked":false},"falcon_host_link":"https://falcon.example.com/activity/detections/%d","evidence":%q}`,
		who, i, 20+i%80, who, who, who, who, who, who, i, strings.Repeat("evidence ", 100))
}
