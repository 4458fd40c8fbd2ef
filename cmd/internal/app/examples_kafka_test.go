package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// Topics of the example edr-on-kafka.
const (
	alertsTopic  = "crowdstrike-alerts"
	actionsTopic = "signalbox-actions"
	refusedTopic = "signalbox-refused"
)

// TestKafkaExample plays examples/edr-on-kafka as its README does, against a
// broker in this process: alerts are decided and acted on, a record that cannot
// be read goes to the dead-letter topic, and is produced again as mended.
func TestKafkaExample(t *testing.T) {
	e := example{T: t, dir: filepath.Join(examples, "edr-on-kafka"), now: time.Date(2026, 2, 3, 10, 30, 0, 0, time.UTC)}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, alertsTopic, actionsTopic, refusedTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	dir, err := os.MkdirTemp("", "example") // short: the path of a socket is bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	e.copy(dir, "rules")
	config := filepath.Join(dir, "config.hcl")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "\nlisten = \"127.0.0.1:0\"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) { return c.ListenAddrs()[0], name == "KAFKA" }
	a, err := New(Options{Config: config, Env: env, Now: func() time.Time { return e.now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), pipelinetest.Patience)
	defer cancel()
	if err := a.Start(ctx); err != nil {
		t.Fatal(err)
	}

	const records = "event.dataset:ssf.alert OR event.dataset:ssf.error"
	n := e.produce(c, e.lines("alerts/alerts.jsonl")) + e.produce(c, e.lines("alerts/cut-short.jsonl"))
	e.await(ctx, a, records, n)
	refused := e.consume(ctx, c, refusedTopic, 1)
	n += e.produce(c, [][]byte{append(slices.Clone(refused[0].Value), '}')})
	e.await(ctx, a, records, n)
	e.fit(e.search(ctx, a, "*"))
	e.same("want/timeline.txt", e.timeline(ctx, a))
	e.same("want/refused.txt", e.letters(refused))
	e.same("want/actions.jsonl", e.tokensOf(e.consume(ctx, c, actionsTopic, 2)))
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// lines are those of a file of the folder.
func (e *example) lines(name string) [][]byte {
	text, err := os.ReadFile(filepath.Join(e.dir, name))
	if err != nil {
		e.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

// produce writes records to the topic of alerts and returns their number.
func (e *example) produce(c *kfake.Cluster, values [][]byte) int {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		e.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(e.Context(), &kgo.Record{Topic: alertsTopic, Value: v, Timestamp: e.now}).FirstErr(); err != nil {
			e.Fatal(err)
		}
	}
	return len(values)
}

// consume waits for n records of a topic, from its start.
func (e *example) consume(ctx context.Context, c *kfake.Cluster, topic string, n int) (list []*kgo.Record) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		e.Fatal(err)
	}
	defer client.Close()
	for len(list) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			e.Fatal(err)
		}
		list = append(list, fetches.Records()...)
	}
	return list
}

// letters are dead letters: their headers, then the value.
func (e *example) letters(list []*kgo.Record) []byte {
	var text []byte
	for _, r := range list {
		for _, h := range r.Headers {
			text = append(append(append(append(text, h.Key...), ": "...), h.Value...), '\n')
		}
		text = append(append(text, r.Value...), '\n')
	}
	return text
}

// tokensOf is what tokens state, without what only tells one run from another.
func (e *example) tokensOf(list []*kgo.Record) []byte {
	var lines []string
	for _, r := range list {
		claims := e.claims(string(r.Value))
		for _, id := range []string{"jti", "txn"} { // they follow from the topic's id
			delete(claims, id)
		}
		line, err := json.Marshal(map[string]any{"key": string(r.Key), "claims": claims})
		if err != nil {
			e.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n") + "\n")
}
