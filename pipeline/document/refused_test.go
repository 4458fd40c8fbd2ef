package document

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestRefused: a refused document has one in its place that holds declared fields
// only, is the same each time and shows none of its text.
func TestRefused(t *testing.T) {
	const text = `{"@timestamp":"2026-02-03T10:00:00.000Z","event":{"id":"e-1","created":"2026-02-03T10:00:01.000Z","sequence":131073},"message":"hunter2","chain":{"root":"i-1","depth":2}}`
	d, err := Refused(SetStream, "id", []byte(text), "document_parsing_exception", "field user cannot hold its value")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Refused(SetStream, "id", []byte(text), "document_parsing_exception", "field user cannot hold its value")
	if err != nil || again.ID != d.ID || !bytes.Equal(again.JSON, d.JSON) {
		t.Errorf("the second time it is %s, %v", again.JSON, err)
	}
	if other, err := Refused(SetStream, "other", []byte(text), "x", "y"); err != nil || other.ID == d.ID || d.Stream != ErrorStream {
		t.Errorf("another has the id %s, %v", other.ID, err)
	}
	var doc map[string]any
	if err := json.Unmarshal(d.JSON, &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	leaves("", doc, func(path string, v any) {
		if f, ok := Lookup(path); !ok || !f.Streams.Has(ErrorStream) {
			t.Errorf("%s is not declared for %s", path, ErrorStream)
		}
		got[path] = v
	})
	for path, want := range map[string]any{
		"error.message": "field user cannot hold its value", "error.code": "document_parsing_exception", "chain.root": "i-1",
		"event.action": "document-refused", "event.created": "2026-02-03T10:00:01.000Z",
	} {
		if got[path] != want {
			t.Errorf("%s is %v, want %v", path, got[path], want)
		}
	}
	if bytes.Contains(d.JSON, []byte("hunter2")) {
		t.Errorf("its text is shown: %s", d.JSON)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"event":{"created":"soon"}}`} {
		if _, err := Refused(SetStream, "id", []byte(bad), "x", "y"); err == nil {
			t.Errorf("%q is refused like a document", bad)
		}
	}
}
