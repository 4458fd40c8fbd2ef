package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// row is a document on its way into a file.
type row struct {
	day    string
	id     string
	stream string
	ts     int64 // @timestamp in milliseconds since 1970
	seq    int64 // event.sequence
	json   []byte
	tokens string
}

// docLimits bounds a stored document: a token's payload and what is said of it.
var docLimits = strictjson.Limits{Bytes: 4 << 20, Depth: 64}

// newRow reads what the index needs of a document.
func newRow(d pipeline.Delivery) (row, error) {
	doc, err := strictjson.Parse(d.Payload, docLimits)
	if err != nil {
		return row{}, fmt.Errorf("document %s: %w", d.ID, err)
	}
	if doc.Kind() != strictjson.Object {
		return row{}, fmt.Errorf("document %s is not an object", d.ID)
	}
	if d.ID == "" {
		return row{}, errors.New("document has no id")
	}
	at, err := time.Parse(time.RFC3339Nano, doc.Get("@timestamp").Text())
	if err != nil {
		return row{}, fmt.Errorf("document %s: @timestamp is not a time", d.ID)
	}
	created, err := time.Parse(time.RFC3339Nano, doc.Get("event", "created").Text())
	if err != nil {
		return row{}, fmt.Errorf("document %s: event.created is not a time", d.ID)
	}
	seq, _ := doc.Get("event", "sequence").Int()
	return row{
		day: dayName(created), id: d.ID, stream: d.Kind,
		ts: at.UnixMilli(), seq: seq, json: d.Payload, tokens: tokensOf(doc),
	}, nil
}
