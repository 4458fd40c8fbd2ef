package kafka

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/signalbox-dev/signalbox/connectors/kind"
	"github.com/signalbox-dev/signalbox/pipeline"
)

// Headers of records in the dead-letter topic, after those the record had.
const (
	deadSource    = "signalbox-source"
	deadTopic     = "signalbox-topic"
	deadPartition = "signalbox-partition"
	deadOffset    = "signalbox-offset"
	deadTimestamp = "signalbox-timestamp" // of the record, milliseconds since 1970
	deadReason    = "signalbox-reason"    // code
	deadText      = "signalbox-reason-text"
)

// deadLetter is a refused record on its way to the dead-letter topic.
type deadLetter struct {
	Key     []byte            `json:"key"`
	Value   []byte            `json:"value"`
	Headers []pipeline.Header `json:"headers,omitempty"`
}

var _ kind.Follower = (*source)(nil)

// Follow implements kind.Follower: refused records go to the dead-letter topic.
// They are read from the journal, so a crash between the two loses none.
func (s *source) Follow() (pipeline.Renderer, pipeline.Sink) {
	if s.letter == nil {
		return nil, nil
	}
	return s.letters, s.letter
}

// letters renders what was refused of this source.
func (s *source) letters(seq uint64, r *pipeline.Record) ([]pipeline.Delivery, error) {
	in := r.Input
	if r.Kind != pipeline.RejectRecord || in == nil || in.Source != s.name || in.Delivery != delivery || in.Reject == nil {
		return nil, nil
	}
	topic, partition, offset, err := readPosition(in.Position)
	if err != nil {
		return nil, err
	}
	d := deadLetter{Key: in.Key, Value: in.Raw(), Headers: in.Headers}
	for _, h := range [][2]string{
		{deadSource, s.name}, {deadTopic, topic}, {deadPartition, partition}, {deadOffset, offset},
		{deadTimestamp, strconv.FormatInt(in.Made.UnixMilli(), 10)}, {deadReason, in.Reject.Code}, {deadText, in.Reject.Description},
	} {
		if h[0] != deadTimestamp || !in.Made.IsZero() {
			d.Headers = append(d.Headers[:len(d.Headers):len(d.Headers)], pipeline.Header{Name: h[0], Value: []byte(h[1])})
		}
	}
	payload, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("dead letter of %s: %w", in.Position, err)
	}
	return []pipeline.Delivery{{ID: strconv.FormatUint(seq, 10), Key: topic + "/" + partition, Kind: "dead-letter", Payload: payload, Attempt: 1}}, nil
}

// letter makes the record of a dead letter.
func letter(d pipeline.Delivery) (*kgo.Record, error) {
	var l deadLetter
	if err := json.Unmarshal(d.Payload, &l); err != nil {
		return nil, fmt.Errorf("dead letter %s: %w", d.ID, err)
	}
	r := &kgo.Record{Key: l.Key, Value: l.Value}
	for _, h := range l.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
	}
	return r, nil
}

// readPosition reads topic/partition@offset, of which no topic's name holds a
// separator.
func readPosition(text string) (topic, partition, offset string, err error) {
	topic, rest, ok1 := strings.Cut(text, "/")
	partition, offset, ok2 := strings.Cut(rest, "@")
	if !ok1 || !ok2 {
		return "", "", "", fmt.Errorf("position %q is not one of a record", text)
	}
	return topic, partition, offset, nil
}
