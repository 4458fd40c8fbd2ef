package kafka

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// signer signs nothing and shows what it was given.
type signer struct{}

func (signer) Sign(payload []byte) ([]byte, error) { return append([]byte("signed "), payload...), nil }

func openSink(t *testing.T, b *broker, timeout time.Duration) pipeline.Sink {
	t.Helper()
	c := &SinkConfig{Brokers: b.ListenAddrs(), Topic: "actions", Issuer: "https://signals.example.com", Audience: []string{"https://app.example.com"}, Timeout: timeout}
	for _, p := range c.Validate() {
		t.Fatal(p)
	}
	s, err := c.Open(kind.Env{Name: "app", Log: testLog(t), Signer: func(string) (kind.Signer, error) { return signer{}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.(sink).Close() })
	return s
}

// topic is a topic as the conformance suite of sinks sees it.
type topic struct {
	*broker
	fault *kfake.FaultHandle
}

func (o *topic) Taken() (list []string) {
	for _, r := range o.records("actions") {
		list = append(list, string(r.Value))
	}
	return list
}

// records reads a topic from its start to its end.
func (b *broker) records(name string) (list []*kgo.Record) {
	b.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.ListenAddrs()...), kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	var n int64
	for _, p := range b.PartitionInfos(name) {
		n += p.HighWatermark - p.LogStartOffset
	}
	ctx, cancel := context.WithTimeout(context.Background(), pipelinetest.Patience)
	defer cancel()
	for int64(len(list)) < n {
		f := c.PollFetches(ctx)
		if err := f.Err0(); err != nil {
			b.t.Fatal(err)
		}
		list = append(list, f.Records()...)
	}
	return list
}

func (o *topic) Become(m pipelinetest.Mood) bool {
	if o.fault != nil {
		o.fault.Remove()
	}
	switch m {
	case pipelinetest.Busy:
		o.fault = o.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	case pipelinetest.Hostile:
		o.fault = o.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge, Count: -1})
	}
	return true
}

func TestSinkConformance(t *testing.T) {
	pipelinetest.TestSink(t, func(t *testing.T) (pipeline.Sink, pipelinetest.Target) {
		b := newBroker(t, kfake.SeedTopics(3, "actions"))
		return openSink(t, b, 3*time.Second), &topic{broker: b} // as long as it is busy
	})
}

// TestSinkRecord: a token with its key and headers.
func TestSinkRecord(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(3, "actions"))
	s := openSink(t, b, time.Minute)
	subject, err := event.NewSimple("email", "email", "jane@example.com")
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.(pipeline.Preparer).Prepare(t.Context(), pipeline.Order{ActionID: "a-1", Event: "session-revoked", Subject: subject, Stream: "app"})
	if err != nil || !strings.Contains(string(token), `"iss":"https://signals.example.com"`) || !strings.Contains(string(token), `"email":"jane@example.com"`) {
		t.Fatalf("%s, %v", token, err)
	}
	results, err := s.Deliver(t.Context(), []pipeline.Delivery{{
		ID: "a-1/0", Key: subject.Key(), Payload: token, Event: "session-revoked", JTI: "j-1", Txn: "t-1", Chain: "i-1",
	}})
	if err != nil || results[0].Err != nil || !strings.HasPrefix(results[0].Info, "actions/") || !strings.HasSuffix(results[0].Info, "@0") {
		t.Fatalf("%+v, %v", results, err)
	}
	r := b.records("actions")[0]
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	for name, want := range map[string]string{
		"content-type": "application/secevent+jwt", "signalbox-event": "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
		"signalbox-jti": "j-1", "signalbox-txn": "t-1", "signalbox-chain": "i-1",
	} {
		if headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, headers[name], want)
		}
	}
	if string(r.Key) != "email:jane@example.com" || string(r.Value) != string(token) {
		t.Errorf("key %s, value %s", r.Key, r.Value)
	}
}

// TestSinkHeld: what somebody can put in order is held, not given up.
func TestSinkHeld(t *testing.T) {
	b := newBroker(t)
	s := openSink(t, b, time.Minute)
	d := []pipeline.Delivery{{ID: "a-1/0", Key: "k", Payload: []byte("token")}}
	check := func(what, advice string) {
		t.Helper()
		results, err := s.Deliver(t.Context(), d)
		if err != nil || results[0].After != outbound.HoldFor || errors.As(results[0].Err, new(*pipeline.FinalError)) || !strings.Contains(results[0].Err.Error(), advice) {
			t.Errorf("%s: %+v, %v", what, results, err)
		}
	}
	check("no topic", "make the topic")
	if err := b.CreateTopic("actions", 1, nil); err != nil {
		t.Fatal(err)
	}
	f := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	check("no right", "give the user the right")
	f.Remove()
	if results, _ := s.Deliver(t.Context(), d); results[0].Err != nil {
		t.Errorf("after it was put in order: %v", results[0].Err)
	}
}

// TestSinkBrokerDown: without a broker a delivery comes back in time, to be
// tried again.
func TestSinkBrokerDown(t *testing.T) {
	b := newBroker(t, kfake.SeedTopics(1, "actions"))
	s := openSink(t, b, time.Second)
	b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), pipelinetest.Patience)
	defer cancel()
	results, err := s.Deliver(ctx, []pipeline.Delivery{{ID: "a-1/0", Payload: []byte("token")}})
	if err != nil || results[0].Err == nil || errors.As(results[0].Err, new(*pipeline.FinalError)) {
		t.Errorf("%+v, %v", results, err)
	}
	if ctx.Err() != nil {
		t.Error("it did not end by itself")
	}
}
