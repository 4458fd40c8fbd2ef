package kafka

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/ssf"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Headers of records, as read and as written.
const (
	headerContentType = "content-type"
	headerTxn         = "signalbox-txn"   // transaction
	headerEvent       = "signalbox-event" // URI of the event stated
	headerChain       = "signalbox-chain" // input id of the root cause
	headerJTI         = "signalbox-jti"   // id of the token
)

// delivery is how messages of this source come.
const delivery = "kafka"

// maxHeader bounds what is read of a header, in bytes.
const maxHeader = 255

// message makes the message of a record. Its progress is filled in by the
// worker, which knows what came before.
func message(source string, how *rule, partition string, r *kgo.Record, now time.Time) pipeline.Message {
	m := pipeline.Message{
		Source: source, Body: r.Value, ContentType: header(r, headerContentType), Received: now,
		Sender:   source, // who may write to the topic is trusted to be the one configured
		Delivery: delivery, Position: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
		Mapping: how.mapping, Key: r.Key, Txn: header(r, headerTxn),
		Progress: &pipeline.Progress{Partition: partition, Offset: r.Offset},
	}
	if r.Timestamp.UnixMilli() > 0 {
		m.Made = r.Timestamp.UTC()
	}
	if m.ContentType == "" {
		m.ContentType = ssf.MediaTypeSET
		if how.mapping != "" {
			m.ContentType = ssf.MediaTypeJSON
		}
	}
	if len(r.Headers) > 0 {
		m.Headers = make([]pipeline.Header, len(r.Headers))
		for i, h := range r.Headers {
			m.Headers[i] = pipeline.Header{Name: h.Key, Value: h.Value}
		}
	}
	return m
}

// header reads a header that is short, visible ASCII text; "" if there is none
// or it is something else. The first of a name counts.
func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if !strings.EqualFold(h.Key, name) {
			continue
		}
		v := string(h.Value)
		if !legible(v) {
			return ""
		}
		return v
	}
	return ""
}

// legible reports whether a text is short, visible ASCII.
func legible(text string) bool {
	return len(text) <= maxHeader && !strings.ContainsFunc(text, func(c rune) bool { return c < 0x20 || c > 0x7e })
}
