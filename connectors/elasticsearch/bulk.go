package elasticsearch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// mark is what is known of a document.
type mark uint8

const (
	fresh  mark = iota // was never sent, or surely not taken
	unsure             // was sent, and what became of it is not known
	taken              // is in the index
)

// item is one document on its way.
type item struct {
	at      int // place in the batch
	id      string
	stream  string
	payload []byte
	made    time.Time // event.created, zero if it has none
	state   mark
	tries   int
	next    time.Time // when it may be sent again
	err     error     // why it was not taken at the last try
	refusal error     // why the document was refused in whose place this one stands
	info    string
}

// size is what an item adds to a request, nearly.
func (it *item) size() int { return len(it.payload) + len(it.id) + len(it.stream) + 128 }

// bodies are those of requests that were answered.
var bodies sync.Pool

// newBody is an empty body for that many bytes.
func newBody(size int) []byte {
	if b, ok := bodies.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

// reuse takes a body back that nobody reads any more: the server has told of
// every document in it. Before that the transport may still be sending it.
func reuse(body []byte) { bodies.Put(&body) }

// encode appends the lines of a create. The document says which data stream it is
// of, as far as the templates cannot.
func (x *index) encode(b []byte, it *item) []byte {
	b = append(b, `{"create":{"_index":"`...)
	b = append(b, x.targets[it.stream].name...)
	b = append(b, `","_id":`...)
	b = strictjson.AppendString(b, it.id)
	b = append(b, "}}\n"...)
	b = append(b, it.payload[:len(it.payload)-1]...)
	return append(b, x.belongs...)
}

// bulkQuery asks for no more than what is looked at. A stream without a template
// is not made up.
func (x *index) bulkQuery() url.Values {
	v := url.Values{
		"filter_path":         {"items.*._index,items.*._id,items.*.status,items.*.error"},
		"require_data_stream": {"true"},
		"timeout":             {fmt.Sprintf("%dms", max(x.client.timeout*2/3, time.Second).Milliseconds())},
	}
	if x.refresh != "" {
		v.Set("refresh", x.refresh)
	}
	return v
}

// outcome is what the server said of one item.
type outcome struct {
	status int
	index  string
	detail detail
}

// answerLimits bound the answer of a bulk request.
var answerLimits = strictjson.Limits{Bytes: maxAnswer, Depth: 32, Nodes: 64 << 20, Members: 64}

// errAnswer is the cause of an answer that says nothing certain.
var errAnswer = errors.New("the answer does not fit the request")

// decode reads the outcomes of a request, one for each item, in their order. An
// answer that is shorter, longer, in another order or about other documents is
// an error: which documents were written is not known then.
func decode(body []byte, items []*item) ([]outcome, error) {
	if outcomes, ok := plain(body, items); ok {
		return outcomes, nil
	}
	return whole(body, items)
}

// whole reads any answer.
func whole(body []byte, items []*item) ([]outcome, error) {
	v, err := strictjson.Parse(body, answerLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	list := v.Held().Get("items") // the ids of all are read
	if n := list.Len(); list.Kind() != strictjson.Array || n != len(items) {
		return nil, fmt.Errorf("%w: it tells of %d documents, not of %d", errAnswer, n, len(items))
	}
	outcomes := make([]outcome, 0, len(items))
	for e := range list.Elements() {
		create := e.Get("create")
		i := len(outcomes)
		if id := create.Get("_id"); id.Text() != items[i].id {
			return nil, fmt.Errorf("%w: document %d is not the one sent there", errAnswer, i)
		}
		status, ok := create.Get("status").Int()
		if !ok {
			return nil, fmt.Errorf("%w: document %d has no status", errAnswer, i)
		}
		o := outcome{status: int(status), index: create.Get("_index").Text()}
		if failed := create.Get("error"); failed.Exists() {
			// What a server writes is not ours to refuse.
			_ = json.NewDecoder(bytes.NewReader(failed.Raw())).Decode(&o.detail)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// plain reads an answer that tells of no error, in the form and order of members
// that servers write, without making a tree of it; ok is false for every other.
func plain(body []byte, items []*item) (outcomes []outcome, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte(`{"items":[`))
	if !ok || len(items) == 0 {
		return nil, false
	}
	outcomes = make([]outcome, len(items))
	index := ""
	for i, it := range items {
		if i > 0 {
			if rest, ok = cut(rest, ","); !ok {
				return nil, false
			}
		}
		if rest, ok = cut(rest, `{"create":{"_index":"`); !ok {
			return nil, false
		}
		if after, same := cut(rest, index); same && len(after) > 0 && after[0] == '"' {
			rest = after
		} else {
			end := bytes.IndexByte(rest, '"')
			if end < 0 || !isName(rest[:end]) {
				return nil, false
			}
			index, rest = string(rest[:end]), rest[end:]
		}
		if rest, ok = cut(rest, `","_id":"`); !ok || !isName(it.id) {
			return nil, false
		}
		if rest, ok = cut(rest, it.id); !ok {
			return nil, false
		}
		if rest, ok = cut(rest, `","status":`); !ok || len(rest) < 3 {
			return nil, false
		}
		status, err := strconv.ParseUint(string(rest[:3]), 10, 16)
		if err != nil || rest[0] == '0' {
			return nil, false
		}
		if rest, ok = cut(rest[3:], "}}"); !ok {
			return nil, false
		}
		outcomes[i] = outcome{status: int(status), index: index}
	}
	return outcomes, string(rest) == "]}"
}

// cut is what stands behind a text.
func cut(b []byte, text string) ([]byte, bool) {
	if len(b) < len(text) || string(b[:len(text)]) != text {
		return b, false
	}
	return b[len(text):], true
}

// isName reports whether a text stands in JSON as it is.
func isName[T string | []byte](text T) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
