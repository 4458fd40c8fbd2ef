package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// RecordLimits bounds a message that a mapping reads: alerts with their
// evidence are larger than tokens.
var RecordLimits = strictjson.Limits{Bytes: 4 << 20, Depth: 64, Nodes: 200_000, Members: 4096}

// Channels is the Verifier of all messages: those with a mapping are believed
// because of the channel that brought them, the others are tokens.
type Channels struct {
	Tokens Verifier
	Limits strictjson.Limits // of messages with a mapping; zero: RecordLimits
}

var _ Verifier = Channels{}

// Verify implements Verifier. What a channel brings must come from an
// authenticated sender and be JSON: one value, or one per line.
func (c Channels) Verify(ctx context.Context, m Message) (Signal, error) {
	if m.Mapping == "" {
		return c.Tokens.Verify(ctx, m)
	}
	if m.Sender == "" {
		return Signal{}, &RejectError{Code: AccessDenied, Description: "nobody stands behind the channel of " + m.Source}
	}
	limits := c.Limits
	if limits == (strictjson.Limits{}) {
		limits = RecordLimits
	}
	record, err := parseRecord(m.Body, limits)
	if err != nil {
		return Signal{}, &RejectError{Code: InvalidRequest, Description: "not a JSON record: " + err.Error()}
	}
	var id string
	if m.Progress != nil {
		id = fmt.Sprintf("%s@%d", m.Progress.Partition, m.Progress.Offset)
	} else {
		sum := m.digest()
		id = string(sum[:16])
	}
	return Signal{
		Message: m, InputID: recordInputID(m.Source, id),
		Assurance: event.Channel, Issuer: m.Source, Txn: m.Txn, Record: record,
	}, nil
}

// parseRecord reads one JSON value, or an array of those on lines of their own. A
// byte order mark before it is ignored, as RFC 8259 section 8.1 allows.
func parseRecord(body []byte, limits strictjson.Limits) (strictjson.Value, error) {
	v, err := strictjson.Parse(body, limits)
	if err == nil {
		return v, nil
	}
	if text, marked := bytes.CutPrefix(body, []byte("\ufeff")); marked {
		body = text
		if v, err = strictjson.Parse(body, limits); err == nil {
			return v, nil
		}
	}
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	if len(lines) < 2 {
		return v, err
	}
	list := make([]byte, 0, len(body)+2)
	list = append(list, '[')
	for _, line := range lines {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if _, bad := strictjson.Parse(line, limits); bad != nil {
			return v, err // not lines of JSON: what the whole text says is what is wrong
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = append(list, line...)
	}
	return strictjson.Parse(append(list, ']'), limits)
}

// Records is the Normalizer of all signals: those with a record are read by
// their mapping, the others are tokens.
type Records struct {
	Tokens  Normalizer
	Mapping func(name string) (Normalizer, bool)
}

var _ Normalizer = Records{}

// Normalize implements Normalizer.
func (r Records) Normalize(ctx context.Context, s Signal) ([]event.Event, error) {
	name := s.Message.Mapping
	if name == "" {
		return r.Tokens.Normalize(ctx, s)
	}
	m, ok := r.Mapping(name)
	if !ok {
		return nil, &RejectError{Code: Unmapped, Description: fmt.Sprintf("there is no mapping %q", name)}
	}
	return m.Normalize(ctx, s)
}
