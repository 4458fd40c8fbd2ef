package document

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
)

// perRecord bounds the documents of one record, so that event.sequence orders
// them all.
const perRecord = 1 << 16

// Render renders the record at position seq of the journal. It is pure. An
// error means that the record is of an unknown kind or lacks a part its kind
// has.
func (o Renderer) Render(seq uint64, rec *pipeline.Record) ([]Doc, error) {
	r := &renderer{options: o, seq: seq, rec: rec}
	n := len(rec.Outcomes) + len(rec.Actions) + 1
	for i := range rec.Outcomes {
		if rec.Outcomes[i].Decision != nil {
			n++
		}
	}
	r.docs = make([]Doc, 0, n)
	r.w.b = make([]byte, 0, n*1600)
	switch rec.Kind {
	case pipeline.InputRecord, pipeline.RejectRecord:
		if rec.Input == nil {
			return nil, fmt.Errorf("document: %s record %d has no input", rec.Kind, seq)
		}
		r.input()
	case pipeline.DeliveryRecord:
		r.actions()
	case pipeline.OperatorRecord:
		if rec.Operator == nil {
			return nil, fmt.Errorf("document: operator record %d has no operator", seq)
		}
		r.operator()
		r.actions()
	default:
		return nil, fmt.Errorf("document: record %d is of unknown kind %q", seq, rec.Kind)
	}
	if len(r.docs) > perRecord {
		return nil, fmt.Errorf("document: record %d has %d documents, more than %d", seq, len(r.docs), perRecord)
	}
	return r.docs, nil
}

// renderer renders one record. All documents share one buffer.
type renderer struct {
	options Renderer
	seq     uint64
	rec     *pipeline.Record
	docs    []Doc
	w       writer
	from    int // where the current document begins in the buffer
	scratch []string
	listed  *pipeline.EntityPart // whose identifiers are in scratch
}

// head is what every document begins with.
type head struct {
	stream   string
	time     time.Time // @timestamp
	created  time.Time
	id       string // event.id
	category category
	action   string
	module   string
	provider string
	reason   string
	hash     string
	original string
	message  string
	tags     []string
}

// begin writes the common fields.
func (r *renderer) begin(h *head) {
	w := &r.w
	r.from = len(w.b)
	w.b = append(w.b, '{')
	w.time("@timestamp", h.time)
	m := w.open("event")
	w.text("id", h.id)
	w.text("kind", h.category.kind)
	w.json("category", h.category.category)
	w.json("type", h.category.types)
	w.text("action", h.action)
	w.text("outcome", h.category.outcome)
	w.text("module", h.module)
	w.text("dataset", h.stream)
	w.text("provider", h.provider)
	w.int("severity", h.category.severity)
	w.time("created", h.created)
	w.int("sequence", int64(r.seq*perRecord)+int64(len(r.docs)))
	w.text("reason", h.reason)
	w.text("hash", h.hash)
	w.text("original", h.original)
	w.close(m)
	w.text("message", h.message)
	w.texts("tags", h.tags...)
	w.json("ecs", `{"version":"`+ECSVersion+`"}`)
	if t := r.rec.Trace; len(t) > 32 {
		m = w.open("trace")
		w.text("id", t[:32])
		w.close(m)
	}
	m = w.open("service")
	w.text("name", product)
	if r.rec.Node != "" {
		n := w.open("node")
		w.text("name", r.rec.Node)
		w.close(n)
	}
	w.close(m)
}

// product is the provider of what the product itself says.
const product = "signalbox"

// chain writes the causes of a document.
func (r *renderer) chain(root string, depth int64, parents ...string) {
	w := &r.w
	if root == "" {
		return
	}
	m := w.open("chain")
	w.text("root", root)
	w.texts("parent", parents...)
	w.int("depth", depth)
	w.close(m)
}

// end finishes the document begun with h. Its id is made of the parts of key.
func (r *renderer) end(h *head, key ...string) {
	r.w.b = append(r.w.b, '}')
	end := len(r.w.b)
	r.docs = append(r.docs, Doc{
		Stream: h.stream,
		ID:     docID(h.stream, key...),
		Time:   h.time.UTC().Truncate(time.Millisecond),
		JSON:   r.w.b[r.from:end:end],
	})
}

// docID is base64url of the SHA-256 over the parts with NUL between them.
func docID(stream string, key ...string) string {
	b := make([]byte, 0, 192)
	b = append(b, stream...)
	for _, k := range key {
		b = append(b, 0)
		b = append(b, k...)
	}
	sum := sha256.Sum256(b)
	var id [43]byte
	base64.RawURLEncoding.Encode(id[:], sum[:])
	return string(id[:])
}
