package document

import (
	"fmt"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Refused is the document of the stream ssf.error that says why an index refused
// another: its stream, id and text are given, and a code and a reason that show
// none of its values. The same document gives the same. The error means that the
// text is not a document.
func Refused(stream, id string, text []byte, code, reason string) (Doc, error) {
	v, err := strictjson.Parse(text, strictjson.Limits{})
	if err != nil {
		return Doc{}, fmt.Errorf("document: refused document: %w", err)
	}
	created, err := time.Parse(time.RFC3339Nano, v.Get("event", "created").Text())
	if err != nil {
		return Doc{}, fmt.Errorf("document: refused document: event.created: %w", err)
	}
	sequence, _ := v.Get("event", "sequence").Int()
	r := &renderer{seq: uint64(max(0, sequence)) / perRecord, rec: new(pipeline.Record)}
	h := head{
		stream: ErrorStream, time: created, created: created, category: unreadable, action: "document-refused", module: product, provider: product,
		message: "document of " + stream + " refused by the index: " + reason,
	}
	h.id = docID(ErrorStream, "refused", id)
	r.begin(&h)
	m := r.w.open("error")
	r.w.text("code", code)
	r.w.text("message", reason)
	r.w.close(m)
	depth, _ := v.Get("chain", "depth").Int()
	r.chain(v.Get("chain", "root").Text(), depth)
	r.end(&h, "refused", id)
	return r.docs[0], nil
}
