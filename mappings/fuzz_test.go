package mappings_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/signalbox-dev/signalbox/mappings"
	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// FuzzMapping gives any record to every mapping that comes with the program:
// none may panic, the same record makes the same ids, and what comes out is what
// the catalogue and the schema of documents permit.
func FuzzMapping(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.golden")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		record, _, _ := bytes.Cut(text, []byte("\n---\n"))
		f.Add(record)
	}
	set := shipped(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range set.Names() {
			m, _ := set.Get(name)
			msg := pipeline.Message{Source: name, Sender: name, Mapping: name, Body: body, Received: noon}
			s, err := pipeline.Channels{}.Verify(context.Background(), msg)
			if err != nil {
				return
			}
			first, err := m.Map(s)
			again, errAgain := m.Map(s)
			if (err == nil) != (errAgain == nil) || len(first.Made) != len(again.Made) {
				t.Fatalf("%s makes %d events (%v), then %d (%v)", name, len(first.Made), err, len(again.Made), errAgain)
			}
			for i := range first.Made {
				e := &first.Made[i].Event
				if o := &again.Made[i].Event; e.ID != o.ID || !bytes.Equal(e.Body.Raw(), o.Body.Raw()) || !bytes.Equal(e.ECS, o.ECS) {
					t.Fatalf("%s makes %s, then %s", name, e.ECS, o.ECS)
				}
				checkMade(t, name, e)
			}
		}
	})
}

// checkMade holds an event to its type and to the schema of documents.
func checkMade(t *testing.T, name string, e *event.Event) {
	t.Helper()
	if e.Time.IsZero() {
		t.Errorf("%s: %s has no time", name, e.Type.Name)
	}
	if e.Type != event.Unknown {
		if err := e.Type.Check(e.Body); err != nil {
			t.Errorf("%s: %v in %s", name, err, e.Body.Raw())
		}
	}
	for _, made := range [][]byte{e.Body.Raw(), e.ECS} { // which repeats no name
		if _, err := strictjson.Parse(made, strictjson.Limits{}); made != nil && err != nil {
			t.Errorf("%s: %v in %s", name, err, made)
		}
	}
	if e.ECS == nil {
		return
	}
	var ecs map[string]any
	if err := json.Unmarshal(e.ECS, &ecs); err != nil {
		t.Fatalf("%s: %v in %s", name, err, e.ECS)
	}
	leaves(ecs, "", func(field string) {
		if d, ok := document.Lookup(field); !ok || !d.Streams.Has(document.AlertStream) || !document.Settable(field) {
			t.Errorf("%s: field %s is not one that mappings may set", name, field)
		}
	})
}

var label = regexp.MustCompile(`mapping "([a-z0-9_-]+)"`)

// FuzzParse gives any text to the compiler, and runs what compiles.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"*.hcl", "testdata/errors/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	record := []byte(`{"id":"1","severity":"high","user":"jane@example.com","at":1764150000,"list":[1,{"a":"b"},null],"o":{"k":true}}`)
	f.Fuzz(func(t *testing.T, text []byte) {
		file := "fuzz.hcl"
		if name := label.FindSubmatch(text); name != nil {
			file = string(name[1]) + ".hcl" // else nothing but the name would be found wrong
		}
		m, diags := mappings.Parse(file, text)
		if (m == nil) != diags.HasErrors() {
			t.Fatalf("mapping %v with diagnostics %v", m, diags)
		}
		for _, d := range diags {
			if d.Summary == "" || d.Subject == nil {
				t.Errorf("a diagnostic without place or summary: %+v", d)
			}
		}
		if m == nil {
			return
		}
		if _, err := m.Try(record, noon); err != nil {
			t.Error(err)
		}
		c := m.Coverage()
		if err := c.Add(record, noon); err != nil {
			t.Error(err)
		}
	})
}
