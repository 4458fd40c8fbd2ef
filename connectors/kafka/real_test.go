package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
	"github.com/signalbox-dev/signalbox/pipeline/store"
)

var (
	realRecords = flag.Int("records", 100_000, "records of TestRealLoad")
	realKills   = flag.Int("kills", 5, "how often TestRealKill kills the product")
)

// real is a broker of Apache Kafka, started by .ci/kafka/broker.
type real struct {
	t      *testing.T
	addr   string
	client *kgo.Client
	admin  *kadm.Client
}

// newReal connects to the broker that SIGNALBOX_KAFKA names.
func newReal(t *testing.T) *real {
	t.Helper()
	addr := os.Getenv("SIGNALBOX_KAFKA")
	if addr == "" {
		t.Skip("needs a real broker: run .ci/kafka/broker start, then go test with SIGNALBOX_KAFKA=127.0.0.1:19092")
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(20_000))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &real{t, addr, c, kadm.NewClient(c)}
}

// topic makes a topic of its own for the test.
func (r *real) topic(partitions int32) string {
	r.t.Helper()
	name := fmt.Sprintf("%s-%x", r.t.Name(), rand.Uint64())
	if _, err := r.admin.CreateTopic(r.t.Context(), partitions, 1, nil, name); err != nil {
		r.t.Fatal(err)
	}
	return name
}

// fill writes n records over the partitions of a topic.
func (r *real) fill(topic string, partitions int32, from, n int) {
	r.t.Helper()
	var failed error
	for i := from; i < from+n; i++ {
		r.client.Produce(context.Background(), record(topic, int32(i)%partitions, fmt.Sprintf(`{"composite_id":"c:ind:%d","severity":20}`, i)), func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	if err := r.client.Flush(context.Background()); err != nil || failed != nil {
		r.t.Fatal(err, failed)
	}
}

func (r *real) committed(group string) (n int64) {
	o, err := r.admin.FetchOffsets(context.Background(), group)
	if err == nil {
		o.Each(func(o kadm.OffsetResponse) { n += max(0, o.At) })
	}
	return n
}

// awaitCommitted waits as long as the position goes on.
func (r *real) awaitCommitted(group string, n int64) {
	r.t.Helper()
	for last, late := int64(-1), time.Now(); last < n; time.Sleep(50 * time.Millisecond) {
		if now := r.committed(group); now > last {
			last, late = now, time.Now().Add(pipelinetest.Patience)
		} else if time.Now().After(late) {
			r.t.Fatalf("%d of %d records are committed", now, n)
		}
	}
}

func (r *real) source(topic string, change ...func(*SourceConfig)) *source {
	c := &SourceConfig{Brokers: []string{r.addr}, Group: topic, Topics: []Topic{{Name: topic, Mapping: "plain"}}}
	for _, f := range change {
		f(c)
	}
	s := openSource(r.t, c)
	s.opts = append(s.opts, kgo.SessionTimeout(sessionTime)) // a broker that was killed must give members up
	return s
}

// TestRealRebalance: members come and go while records are handled; each is
// handled once.
func TestRealRebalance(t *testing.T) {
	r := newReal(t)
	topic := r.topic(4)
	const n = 20_000
	one, two := newLedger(""), newLedger("")
	first := start(t, r.source(topic), one)
	r.fill(topic, 4, 0, n/2)
	second := start(t, r.source(topic), two)
	r.fill(topic, 4, n/2, n/2)
	await(t, "both to have partitions", func() bool {
		return first.Positions().Topics[0].Partitions == 2 && second.Positions().Topics[0].Partitions == 2
	})
	first.stop()
	r.fill(topic, 4, n, n/2)
	r.awaitCommitted(topic, 3*n/2)
	second.stop()
	if got := one.count() + two.count(); got != 3*n/2 {
		t.Errorf("%d records were handled, want %d", got, 3*n/2)
	}
	for at, times := range one.done {
		if times+two.done[at] != 1 {
			t.Errorf("%s was handled %d times", at, times+two.done[at])
		}
	}
}

// TestRealPoison: records that are refused among others that are not.
func TestRealPoison(t *testing.T) {
	r := newReal(t)
	topic, dead := r.topic(1), r.topic(1)
	r.fill(topic, 1, 0, 10)
	if err := r.client.ProduceSync(t.Context(), record(topic, 0, "poison")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	r.fill(topic, 1, 10, 10)
	st := newStore(t)
	line := newLine(t, st)
	s := r.source(topic, func(c *SourceConfig) { c.DeadLetter = dead })
	start(t, s, line)
	r.awaitCommitted(topic, 21)
	render, sink := s.Follow()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = line.Index(ctx, "source edr", render, sink) }()
	await(t, "the dead letter", func() bool {
		o, err := r.admin.ListEndOffsets(context.Background(), dead)
		at, _ := o.Lookup(dead, 0)
		return err == nil && at.Offset == 1
	})
	if n := len(inputs(t, st, pipeline.InputRecord)); n != 20 {
		t.Errorf("%d inputs", n)
	}
}

// TestRealBrokerKilled: the broker dies and comes back while records are handled.
func TestRealBrokerKilled(t *testing.T) {
	r := newReal(t)
	script, err := filepath.Abs("../../.ci/kafka/broker")
	if err != nil {
		t.Fatal(err)
	}
	broker := func(verb string) {
		if out, err := exec.Command(script, verb, port(t, r.addr)).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", verb, err, out)
		}
	}
	topic := r.topic(2)
	l := newLedger("")
	s := start(t, r.source(topic), l)
	r.fill(topic, 2, 0, 5000)
	r.awaitCommitted(topic, 5000)
	broker("kill")
	broker("start")
	r.fill(topic, 2, 5000, 5000)
	r.awaitCommitted(topic, 10_000)
	s.stop()
	if got := l.count(); got != 10_000 {
		t.Errorf("%d records were handled", got)
	}
	for at, times := range l.done {
		if times != 1 {
			t.Errorf("%s was handled %d times", at, times)
		}
	}
}

// TestRealLoad: every one of many records that were written comes to its outcome,
// synced to disk, and once; the journal is held against what was written.
func TestRealLoad(t *testing.T) {
	const partitions = 6
	r := newReal(t)
	topic := r.topic(partitions)
	r.fill(topic, partitions, 0, *realRecords)
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	began := time.Now()
	s := start(t, r.source(topic), newLine(t, st))
	r.awaitCommitted(topic, int64(*realRecords))
	took := time.Since(began)
	s.stop()

	var done [partitions][]bool // what the journal says
	for p := range done {
		done[p] = make([]bool, (*realRecords-p+partitions-1)/partitions)
	}
	n := 0
	err = st.Journal(t.Context(), 0, func(_ uint64, data []byte) bool {
		var rec struct {
			Input struct{ Position string }
		}
		if err := json.Unmarshal(data, &rec); err != nil {
			t.Fatal(err)
		}
		_, partition, offset, err := readPosition(rec.Input.Position)
		if err != nil {
			t.Fatal(err)
		}
		p, err1 := strconv.Atoi(partition)
		o, err2 := strconv.Atoi(offset)
		if err1 != nil || err2 != nil || o >= len(done[p]) || done[p][o] {
			t.Fatalf("%s is no record that was written, or is in the journal twice", rec.Input.Position)
		}
		done[p][o] = true
		n++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != *realRecords {
		t.Errorf("the journal holds %d records, want %d", n, *realRecords)
	}
	t.Logf("%d records to their outcome in %v, %.0f/s; each is in the journal once", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
}

// TestRealKill kills the real binary under load with SIGKILL and starts it
// again: in the end every record has exactly one event.
func TestRealKill(t *testing.T) {
	r := newReal(t)
	topic := r.topic(4)
	dir := t.TempDir()
	binary := filepath.Join(dir, "signalbox")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/signalbox-dev/signalbox/cmd/signalbox").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	config := filepath.Join(dir, "config.hcl")
	text := fmt.Sprintf("listen = \"127.0.0.1:0\"\ndata_dir = %q\nsource \"kafka\" \"edr\" {\n  brokers = [%q]\n  group = %q\n  topic %q { mapping = \"crowdstrike\" }\n}\nindex \"sqlite\" \"local\" {}\n",
		filepath.Join(dir, "data"), r.addr, topic, topic)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var cmd *exec.Cmd
	run := func() {
		cmd = exec.Command(binary, "run", "-config", config)
		cmd.Stderr = &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	end := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	const each = 4000
	n := 0
	for range *realKills {
		run()
		done := r.committed(topic)
		r.fill(topic, 4, n, each)
		n += each
		for late := time.Now().Add(pipelinetest.Patience); r.committed(topic) == done; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(late) {
				end()
				t.Fatalf("nothing is handled\n%s", log.String())
			}
		}
		end() // in the midst of it
	}
	run()
	defer end()
	for late := time.Now().Add(pipelinetest.Patience); r.committed(topic) < int64(n); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("%d of %d\n%s", r.committed(topic), n, log.String())
		}
	}
	seen := map[string]int{}
	for late := time.Now().Add(pipelinetest.Patience); len(seen) < n && time.Now().Before(late); time.Sleep(time.Second) {
		out, err := exec.Command(binary, "query", "-config", config, "--since", "all", "--limit", "1000000", "--format", "ndjson", "ssf.source:edr").Output()
		if err != nil {
			t.Fatal(err)
		}
		clear(seen)
		for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
			var d struct {
				SSF   struct{ Position string } `json:"ssf"`
				Event struct{ ID string }       `json:"event"`
			}
			if err := dec.Decode(&d); err != nil {
				t.Fatal(err)
			}
			seen[d.SSF.Position]++
		}
	}
	if len(seen) != n {
		t.Errorf("%d records have an event, want %d", len(seen), n)
	}
	for at, times := range seen {
		if times != 1 {
			t.Errorf("%s has %d events", at, times)
		}
	}
	t.Logf("%d kills, %d records, %d with exactly one event", *realKills, n, len(seen))
}
