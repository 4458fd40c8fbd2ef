package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/connectors/outbound"
	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// producer writes records to one topic: idempotent, and taken when all replicas
// in sync have them. Records with a key keep their order.
type producer struct {
	client *kgo.Client
	topic  string
	lanes  *outbound.Lanes
	make   func(pipeline.Delivery) (*kgo.Record, error)
	limit  time.Duration // for one record
	taken  atomic.Uint64 // records the broker took
}

var _ pipeline.Sink = (*producer)(nil)

// Bounds of writing.
const (
	sendTime   = 15 * time.Second
	unanswered = 5 * time.Second // longer than a record may take before we stop waiting for its end
	inFlight   = 256             // records on their way at a time
)

func newProducer(opts []kgo.Opt, topic string, limit time.Duration, make func(pipeline.Delivery) (*kgo.Record, error)) (*producer, error) {
	client, err := kgo.NewClient(append(opts[:len(opts):len(opts)],
		kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordDeliveryTimeout(limit),
		kgo.ProduceRequestTimeout(min(limit, 10*time.Second)), kgo.UnknownTopicRetries(1), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(time.Second),
	)...)
	if err != nil {
		return nil, err
	}
	return &producer{client: client, topic: topic, lanes: outbound.NewLanes(inFlight), make: make, limit: limit}, nil
}

// Deliver implements pipeline.Sink. Records of different keys are on their way
// at the same time; when one of a key is to be tried again, those after it wait.
func (p *producer) Deliver(ctx context.Context, batch []pipeline.Delivery) ([]pipeline.Result, error) {
	return p.lanes.Deliver(ctx, batch, p.send), nil
}

// send writes one record and waits until it is taken. A record that was given up
// may arrive all the same; it is the same to the byte then.
func (p *producer) send(ctx context.Context, d pipeline.Delivery) pipeline.Result {
	if err := ctx.Err(); err != nil {
		return pipeline.Result{Err: err}
	}
	r, err := p.make(d)
	if err != nil {
		return pipeline.Result{Err: &pipeline.FinalError{Code: "unmakeable", Err: err}}
	}
	wait, cancel := context.WithTimeout(ctx, p.limit+unanswered)
	defer cancel()
	done := make(chan error, 1)
	p.client.Produce(wait, r, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err = <-done:
	case <-wait.Done():
		err = fmt.Errorf("no answer of the broker: %w", wait.Err())
	}
	if err == nil {
		p.taken.Add(1)
		return pipeline.Result{Info: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset)}
	}
	return p.result(err)
}

// refused are errors that a record will meet again however often it is tried.
var refused = []*kerr.Error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.UnsupportedForMessageFormat}

// result is what an error of the broker means.
func (p *producer) result(err error) pipeline.Result {
	r := pipeline.Result{Info: "no answer"}
	code, known := errors.AsType[*kerr.Error](err)
	if known {
		r.Info = strings.ToLower(code.Message)
	}
	for _, e := range refused {
		if errors.Is(err, e) {
			r.Err = &pipeline.FinalError{Code: r.Info, Err: fmt.Errorf("topic %s: %w", p.topic, err)}
			return r
		}
	}
	if needsSomebody(err) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		r.After = outbound.HoldFor
	}
	r.Err = fmt.Errorf("topic %s: %w", p.topic, advise(err))
	return r
}

// Close gives up what is on its way.
func (p *producer) Close() error {
	p.client.Close()
	return nil
}

// token makes the record of a delivery that is a compact token. Its key is the
// subject's, so that everything about one subject keeps its order.
func token(d pipeline.Delivery) (*kgo.Record, error) {
	r := &kgo.Record{Value: d.Payload}
	if d.Key != "" {
		r.Key = []byte(d.Key)
	}
	add := func(name, value string) {
		if value != "" {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	add(headerContentType, ssf.MediaTypeSET)
	if t, ok := event.ByName(d.Event); ok {
		add(headerEvent, t.URI)
	}
	add(headerJTI, d.JTI)
	add(headerTxn, d.Txn)
	add(headerChain, d.Chain)
	return r, nil
}

// SinkConfig configures a sink "kafka".
//
//	sink "kafka" "actions" {
//	  brokers  = ["localhost:9092"]
//	  topic    = "signalbox.actions"
//	  issuer   = "https://signals.example.com"
//	  audience = ["https://app.example.com"]
//	}
type SinkConfig struct {
	Brokers        []string      `hcl:"brokers"`
	ClientID       string        `hcl:"client_id,optional"`
	AllowPlaintext bool          `hcl:"allow_plaintext,optional"`
	TLS            *TLS          `hcl:"tls,block"`
	SASL           *SASL         `hcl:"sasl,block"`
	Topic          string        `hcl:"topic"`
	Timeout        time.Duration `hcl:"timeout,optional"` // for one record; "15s"

	Issuer    string   `hcl:"issuer"`             // iss of the SETs
	Audience  []string `hcl:"audience"`           // aud of the SETs
	Algorithm string   `hcl:"algorithm,optional"` // ES256, or RS256 where a receiver takes nothing else
	Authority bool     `hcl:"authority,optional"` // our word is the change: facts may be stated that no call brought about
}

var _ kind.SinkConfig = (*SinkConfig)(nil)

// SigningIssuer is the iss this sink signs as, by which the product knows its
// own echoes.
func (c *SinkConfig) SigningIssuer() string { return c.Issuer }

func (c *SinkConfig) connection() connection {
	return connection{c.Brokers, c.ClientID, c.AllowPlaintext, c.TLS, c.SASL}
}

// writing reports what is wrong with where records are written.
func writing(conn connection, topic string, timeout time.Duration) []kind.FieldError {
	problems := conn.problems()
	if !validTopic(topic) {
		problems.Add("topic", fmt.Sprintf("invalid topic %q", topic), howTopic)
	}
	_, outside := within(timeout)
	problems.Note(outside)
	return problems
}

func within(timeout time.Duration) (time.Duration, *kind.FieldError) {
	return kind.Between("timeout", timeout, sendTime, time.Second, time.Minute)
}

// Validate implements kind.SinkConfig.
func (c *SinkConfig) Validate() []kind.FieldError {
	return append(writing(c.connection(), c.Topic, c.Timeout), ssf.Problems(c.Issuer, c.Audience, c.Algorithm)...)
}

// sink is a configured sink "kafka".
type sink struct {
	ssf.Mint
	*producer
}

var _ pipeline.Preparer = sink{}

// Open implements kind.SinkConfig. It reads the files of certificates and the
// signing key.
func (c *SinkConfig) Open(env kind.Env) (pipeline.Sink, error) {
	if env.Signer == nil {
		return nil, errors.New("kafka sink: no keys to sign with")
	}
	signer, err := env.Signer(ssf.Algorithm(c.Algorithm))
	if err != nil {
		return nil, fmt.Errorf("kafka sink: signing key: %w", err)
	}
	p, err := openProducer(env, c.connection(), c.Topic, c.Timeout, token)
	if err != nil {
		return nil, fmt.Errorf("kafka sink: %w", err)
	}
	return sink{ssf.Mint{Sink: env.Name, Issuer: c.Issuer, Audience: c.Audience, Signer: signer, Now: env.Clock()}, p}, nil
}

func openProducer(env kind.Env, conn connection, topic string, timeout time.Duration, make func(pipeline.Delivery) (*kgo.Record, error)) (*producer, error) {
	opts, err := conn.options(env)
	if err != nil {
		return nil, err
	}
	limit, _ := within(timeout)
	return newProducer(opts, topic, limit, make)
}

// RelayConfig configures a relay "kafka".
//
//	relay "kafka" "workers" {
//	  brokers = ["localhost:9092"]
//	  topic   = "signalbox.sets"
//	}
type RelayConfig struct {
	Brokers        []string      `hcl:"brokers"`
	ClientID       string        `hcl:"client_id,optional"`
	AllowPlaintext bool          `hcl:"allow_plaintext,optional"`
	TLS            *TLS          `hcl:"tls,block"`
	SASL           *SASL         `hcl:"sasl,block"`
	Topic          string        `hcl:"topic"`
	Timeout        time.Duration `hcl:"timeout,optional"` // for one record; "15s"
}

var _ kind.SinkConfig = (*RelayConfig)(nil)

func (c *RelayConfig) connection() connection {
	return connection{c.Brokers, c.ClientID, c.AllowPlaintext, c.TLS, c.SASL}
}

// Validate implements kind.SinkConfig.
func (c *RelayConfig) Validate() []kind.FieldError {
	return writing(c.connection(), c.Topic, c.Timeout)
}

// Open implements kind.SinkConfig. It reads the files of certificates.
func (c *RelayConfig) Open(env kind.Env) (pipeline.Sink, error) {
	p, err := openProducer(env, c.connection(), c.Topic, c.Timeout, token)
	if err != nil {
		return nil, fmt.Errorf("kafka relay: %w", err)
	}
	return p, nil
}

// Writes are the places the relay writes to, for whoever looks for loops.
func (c *RelayConfig) Writes() (places []string) {
	for _, b := range c.Brokers {
		places = append(places, b+"/"+c.Topic)
	}
	return places
}
