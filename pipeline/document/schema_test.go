package document_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/pipelinetest"
)

// TestSchema checks that every document holds declared fields of its stream
// alone, each of its type, and those every document must have.
func TestSchema(t *testing.T) {
	used := map[string]bool{}
	for name, r := range document.Records() {
		docs, err := document.Renderer{Original: true}.Render(7, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			document.CheckDoc(t, name, d, used)
		}
	}
	for _, d := range pipelinetest.EveryDocument(t) {
		var doc struct {
			Time time.Time `json:"@timestamp"`
		}
		if err := json.Unmarshal(d.Payload, &doc); err != nil {
			t.Fatal(err)
		}
		document.CheckDoc(t, "every document", document.Doc{Stream: d.Kind, ID: d.ID, Time: doc.Time, JSON: d.Payload}, used)
	}
	for _, f := range document.Fields() {
		if !used[f.Name] {
			t.Errorf("no document of this test has %s", f.Name)
		}
	}
}
