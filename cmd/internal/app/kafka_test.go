package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/cmd/internal/api"
	"github.com/signalbox-dev/signalbox/cmd/internal/app"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// newKafka is a broker in this process.
func newKafka(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// records waits for n records of a topic, from its start.
func records(t *testing.T, broker, topic string, n int) (list []*kgo.Record) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), pipelinetest.Patience)
	defer cancel()
	for len(list) < n {
		f := c.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("%d of %d records of %s: %v", len(list), n, topic, err)
		}
		list = append(list, f.Records()...)
	}
	return list
}

func produce(t *testing.T, broker, topic string, values ...string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, v := range values {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for something that another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for late := time.After(pipelinetest.Patience); !ok(); {
		select {
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sample is the value of a series of a scrape, -1 if it is not there.
func sampled(t *testing.T, a *app.App, series string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(scrape(t, a.MetricsAddr()))
	if m == nil {
		return -1
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestKafkaTiers: a tier that takes pushes relays what it verified, to the byte,
// and a worker verifies it again, decides and acts. What is refused is not handed
// on.
func TestKafkaTiers(t *testing.T) {
	c := newKafka(t, kfake.SeedTopics(2, "sets"))
	broker := c.ListenAddrs()[0]
	front := newSite(t)
	front.configure(fmt.Sprintf("relay \"kafka\" \"workers\" {\n  brokers = [%q]\n  topic   = \"sets\"\n}\n", broker))
	worker := newSite(t)
	worker.write("idp.jwks.json", string(front.signer.JWKS()))
	worker.configure(fmt.Sprintf("source \"kafka\" \"front\" {\n  brokers = [%q]\n  group   = \"workers\"\n  topic \"sets\" { verify = \"set\" }\n}\n", broker))
	worker.write("rules/signals/leaver.rego", leaver)
	w, f := worker.open(), front.open()

	var tokens [][]byte
	for i := range 20 {
		token := front.token(fmt.Sprint("jti-", i), fmt.Sprintf("user-%d@example.com", i%3))
		tokens = append(tokens, token)
		if code, body := push(t, f, token); code != http.StatusAccepted {
			t.Fatalf("push: %d %s", code, body)
		}
	}
	if code, _ := push(t, f, tokens[0]); code != http.StatusAccepted { // a repeat
		t.Errorf("repeat: %d", code)
	}
	if code, _ := push(t, f, []byte("no token")); code != http.StatusBadRequest {
		t.Errorf("no token: %d", code)
	}
	settled(t, f)
	relayed := records(t, broker, "sets", len(tokens))
	if len(relayed) != len(tokens) {
		t.Errorf("%d records were relayed, want %d", len(relayed), len(tokens))
	}
	partition := map[string]int32{}
	for _, r := range relayed {
		if at, ok := partition[string(r.Key)]; ok && at != r.Partition || len(r.Key) == 0 {
			t.Errorf("key %q is in partitions %d and %d", r.Key, at, r.Partition)
		}
		partition[string(r.Key)] = r.Partition
	}
	for i, token := range tokens {
		n := 0
		for _, r := range relayed {
			if bytes.Equal(r.Value, token) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("token %d was relayed %d times as it was", i, n)
		}
	}

	client := api.Dial(filepath.Join(worker.dir, "data"))
	count := func(q string) int {
		answer, err := client.Query(t.Context(), api.QueryRequest{Query: q, Size: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.Docs)
	}
	until(t, "the worker to decide", func() bool { return count("event.dataset:ssf.set AND ssf.source:front") >= len(tokens) })
	settled(t, w)
	if n := count("event.dataset:ssf.set AND ssf.source:front AND set.verdict:accepted"); n != len(tokens) {
		t.Errorf("the worker accepted %d tokens, want %d", n, len(tokens))
	}
	if n := count("event.dataset:ssf.decision AND policy.result:act"); n == 0 {
		t.Error("the worker decided nothing")
	}
}

const leaver = `# METADATA
# title: Leaver
# description: Sessions end with the account.
# custom:
#   on: [account-disabled]
#   needs: []
#   mode: enforce
#   limit: {actions: 50, per: 1h}
#   severity: low
#   attack: []
package signals.leaver

# METADATA
# title: The account is closed
actions contains {"type": "revoke-session", "subject": input.subject.user, "reason": "closed"} if {
	input.event.type == "account-disabled"
}
`

// TestKafkaMetrics: records, lag and dead letters are told by /metrics. A token
// whose issuer's keys cannot be had now holds its topic back.
func TestKafkaMetrics(t *testing.T) {
	c := newKafka(t, kfake.SeedTopics(2, "alerts"), kfake.SeedTopics(1, "refused", "sets"))
	broker := c.ListenAddrs()[0]
	produce(t, broker, "alerts", `{"composite_id":"c:ind:1","severity":20,"timestamp":"2026-02-03T10:15:04Z"}`, "no json", `{"composite_id":"c:ind:2","severity":20,"timestamp":"2026-02-03T10:15:05Z"}`)
	s := newSite(t)
	produce(t, broker, "sets", string(s.tokenOf("https://away.example.com", "jti-1", "jane@example.com")))
	s.configure(fmt.Sprintf(`
issuer "https://away.example.com" {
  jwks     = "https://127.0.0.1:1/jwks"
  audience = [%q]
}
source "kafka" "edr" {
  brokers     = [%q]
  group       = "g"
  dead_letter = "refused"
  topic "alerts" { mapping = "crowdstrike" }
  topic "sets"   { verify = "set" }
}`, testAudience, broker))
	a := s.open()
	if letters := records(t, broker, "refused", 1); string(letters[0].Value) != "no json" {
		t.Errorf("dead letter %q", letters[0].Value)
	}
	settled(t, a)
	for series, want := range map[string]float64{
		`signalbox_messages_total{code="",source="edr",verdict="accepted"}`:                2,
		`signalbox_messages_total{code="invalid_request",source="edr",verdict="rejected"}`: 1,
		`signalbox_source_dead_letters_total{source="edr"}`:                                1,
		`signalbox_source_partitions{source="edr",topic="alerts"}`:                         2,
		`signalbox_source_commit_failures_total{source="edr"}`:                             0,
		`signalbox_source_behind_records{source="edr",topic="alerts"}`:                     0,
		`signalbox_source_behind_records{source="edr",topic="sets"}`:                       1,
		`signalbox_index_lag_records{index="source edr"}`:                                  0,
	} {
		until(t, fmt.Sprint(series, " ", want), func() bool { return sampled(t, a, series) == want })
	}
	if n := sampled(t, a, `signalbox_source_rebalances_total{source="edr"}`); n < 1 {
		t.Errorf("%v rebalances", n)
	}
}

// TestKafkaDown: without a broker the process is up and says which source does
// not work and why; when the broker comes, the source reads.
func TestKafkaDown(t *testing.T) {
	addr := pipelinetest.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.configure(fmt.Sprintf("source \"kafka\" \"edr\" {\n  brokers = [%q]\n  group   = \"g\"\n  topic \"alerts\" { mapping = \"crowdstrike\" }\n}\n", addr))
	a := s.open()
	if code, body := push(t, a, s.token("jti-1", "jane@example.com")); code != http.StatusAccepted {
		t.Errorf("push: %d %s", code, body)
	}
	if code, body := get(t, a, "/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d %s", code, body)
	}
	code, body := get(t, a, "/readyz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, `"source edr"`) || strings.Contains(body, port) {
		t.Errorf("readyz: %d %s", code, body)
	}
	client := api.Dial(filepath.Join(s.dir, "data"))
	why := func() string {
		status, err := client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return status.Problems["source edr"]
	}
	until(t, "the reason", func() bool { return strings.Contains(why(), "reach brokers") })
	if text := why(); !strings.Contains(text, "check brokers") {
		t.Errorf("the reason is %q", text)
	}

	listen := func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }
	c := newKafka(t, kfake.ListenFn(listen), kfake.SeedTopics(1, "alerts"))
	produce(t, c.ListenAddrs()[0], "alerts", `{"composite_id":"c:ind:1","severity":20,"timestamp":"2026-02-03T10:15:04Z"}`)
	until(t, "the product to be ready", func() bool {
		code, _ := get(t, a, "/readyz")
		return code == http.StatusOK
	})
	until(t, "the record", func() bool {
		return sampled(t, a, `signalbox_messages_total{code="",source="edr",verdict="accepted"}`) == 1
	})
	if text := why(); text != "" {
		t.Errorf("still %q", text)
	}
}
