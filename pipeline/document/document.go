// Package document makes the documents an index holds from journal records.
//
// Everything about their form comes from one table, Fields: which fields there
// are, of which type, in which data streams. Query checking, the tokens of the
// embedded index, templates of search clusters and the field reference are made
// from it, and a test proves that no document holds anything else.
//
// Documents follow the Elastic Common Schema; what that has no name for lives
// in the namespaces set, ssf, alert, change, policy, action, audit and chain.
// Each document stands for one thing that happened and never changes: the state
// of an action is its newest document.
//
// Rendering is a pure function of the journal record and its position:
// rebuilding an index from the journal gives the same documents under the same
// ids. A record gives one document per event (ssf.set; ssf.alert for the local
// family) or one for the message when there are none, one per decision, one per
// action in the state the record has it in, and one per act of an operator, with
// those of the actions it changed.
// What could not be read at all becomes ssf.error.
package document

import (
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// ECSVersion is the version of the Elastic Common Schema the fields follow.
const ECSVersion = "9.3.0"

// Doc is one document.
type Doc struct {
	Stream string    // data stream without type and namespace, such as ssf.set
	ID     string    // deterministic, 43 characters of base64url
	Time   time.Time // its @timestamp, in milliseconds, UTC
	JSON   []byte    // one line, without a line feed
}

// Renderer renders journal records. The zero value is ready to use and leaves
// received bytes out. It is safe for concurrent use.
type Renderer struct {
	// Original puts the message as received into event.original, the signature
	// of a token included. Who may search the index can then replay tokens.
	Original bool
}

// Render renders the record at position seq of the journal with the zero
// Renderer.
func Render(seq uint64, r *pipeline.Record) ([]Doc, error) {
	return Renderer{}.Render(seq, r)
}

// Deliveries renders the record at position seq for a sink, with the zero
// Renderer. It is a pipeline.Renderer.
func Deliveries(seq uint64, r *pipeline.Record) ([]pipeline.Delivery, error) {
	return Renderer{}.Deliveries(seq, r)
}

// Deliveries renders the record for a sink: the document's id is that of the
// delivery, its data stream the kind.
func (o Renderer) Deliveries(seq uint64, r *pipeline.Record) ([]pipeline.Delivery, error) {
	docs, err := o.Render(seq, r)
	if err != nil {
		return nil, err
	}
	list := make([]pipeline.Delivery, len(docs))
	for i, d := range docs {
		list[i] = pipeline.Delivery{ID: d.ID, Kind: d.Stream, Payload: d.JSON, Attempt: 1}
	}
	return list, nil
}
