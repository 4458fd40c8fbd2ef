package pipelinetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// TestEveryDocument: what the product writes fits its templates, and every field
// that they have is in a document of each stream it is declared for.
func TestEveryDocument(t *testing.T) {
	docs := EveryDocument(t)
	Fit(t, docs...)
	ids := map[string]bool{}
	used := map[string]bool{}
	for _, d := range docs {
		if ids[d.ID] {
			t.Errorf("there are two documents %s", d.ID)
		}
		ids[d.ID] = true
		v, err := strictjson.Parse(d.Payload, strictjson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range document.Fields() {
			if v.Get(strings.Split(f.Name, ".")...).Exists() {
				used[d.Kind+" "+f.Name] = true
			}
		}
	}
	for _, f := range document.Fields() {
		for _, stream := range f.Streams.Names() {
			never := f.Type == document.Stored || // only where configured
				stream == document.ErrorStream && f.Name == "event.category" || stream == document.AuditStream && f.Name == "tags"
			if !never && !used[stream+" "+f.Name] {
				t.Errorf("no document of %s has %s", stream, f.Name)
			}
		}
	}
}

// TestFit: what does not fit is told.
func TestFit(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"user":{"name":"x","risk":{"static_level":"High"}},"tags":["a","b"],"event":{"severity":10}}`, ""},
		{`{"usr":1}`, "usr is in no template"},
		{`{"user":{"nme":"x"}}`, "user.nme is in no template"},
		{`{"user":"x"}`, "user is string"},
		{`{"user":[{"name":"x"},{"nme":"x"}]}`, "user.nme is in no template"},
		{`{"tags":{"a":1}}`, "tags is map"},
		{`{"set":{"claims":[1]}}`, "set.claims is float64"},
		{`{"set":{"claims":{"a":` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 21) + `}}`, "set.claims is 21 deep"},
		{`{"event":{"severity":"10"}}`, "event.severity is 10"},
		{`{"event":{"severity":1.5}}`, "event.severity is 1.5"},
		{`{"event":{"created":"today"}}`, "event.created is today"},
		{`{"source":{"ip":"here"}}`, "source.ip is here"},
		{`{"set":{"verified":"true"}}`, "set.verified is true"},
		{`{"message":null}`, "message is <nil>"},
		{`{`, "unexpected end"},
	} {
		r := &recording{TB: t}
		Fit(r, pipeline.Delivery{Kind: document.SetStream, Payload: []byte(c.text)})
		if got := strings.Join(r.told, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s gives %q, want %q", c.text, got, c.want)
		}
	}
}

// recording keeps what a test would be failed with.
type recording struct {
	testing.TB
	told []string
}

func (r *recording) Errorf(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}
