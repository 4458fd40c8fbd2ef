package mappings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/nearest"
)

// A golden is one file, testdata/<mapping>/<case>.golden beside the mappings: a
// record as the channel would bring it, a line of three dashes, and what the
// mapping makes of it as JSON.

// goldenReceived is when the records of goldens were received: late, so that no
// time in them lies ahead.
var goldenReceived = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// Outcome is what a mapping made of one message, for people and goldens.
type Outcome struct {
	Events   []OutcomeEvent `json:"events,omitempty"`
	Skipped  []string       `json:"skipped,omitempty"`
	Unmapped string         `json:"unmapped,omitempty"`
}

// OutcomeEvent is one event made.
type OutcomeEvent struct {
	Type       string          `json:"type"`
	Time       time.Time       `json:"time"`
	TimeSource string          `json:"time_source"`
	Subject    json.RawMessage `json:"subject,omitempty"`
	Concepts   []string        `json:"concepts,omitempty"`
	Body       json.RawMessage `json:"body"`
	ECS        json.RawMessage `json:"ecs,omitempty"`
	Notes      []Note          `json:"notes,omitempty"`
}

// Try shows what the mapping makes of a message received at the time, but for
// event.module, which is the vendor unless the mapping says otherwise.
func (m *Mapping) Try(body []byte, received time.Time) (Outcome, error) {
	msg := pipeline.Message{Source: m.Name, Sender: m.Name, Mapping: m.Name, Body: body, Received: received}
	s, err := pipeline.Channels{}.Verify(context.Background(), msg)
	if err != nil {
		return Outcome{}, err
	}
	r, err := m.run(s, true)
	if err != nil {
		return Outcome{Unmapped: strings.TrimPrefix(err.Error(), pipeline.Unmapped+": ")}, nil
	}
	out := Outcome{Skipped: r.Skipped}
	for _, x := range r.Made {
		e := &x.Event
		o := OutcomeEvent{
			Type: e.Type.Name, Time: e.Time, TimeSource: e.TimeSource, Concepts: e.Concepts,
			Body: e.Body.Raw(), ECS: e.ECS, Notes: x.Notes,
		}
		if !e.Subject.IsZero() {
			o.Subject = e.Subject.AppendJSON(nil)
		}
		out.Events = append(out.Events, o)
	}
	return out, nil
}

// GoldenResult is how one golden came out.
type GoldenResult struct {
	Name    string `json:"name"` // mapping/case
	Mapping string `json:"mapping"`
	File    string `json:"file"`
	Passed  bool   `json:"passed"`
	Written bool   `json:"written,omitempty"` // the file was not right, and was written anew
	Failure string `json:"failure,omitempty"` // first difference, or what is wrong with the file
}

// GoldenOptions say which goldens of a folder are run, and how.
type GoldenOptions struct {
	Root string                               // name of the folder in results
	Run  *regexp.Regexp                       // only those whose names, mapping/case, it matches; nil: all
	Save func(name string, text []byte) error // gets the right text of those that fail; nil: nothing is written
}

// TestGoldens runs the goldens of a folder of mappings, sorted by file.
func (s *Set) TestGoldens(dir fs.FS, o GoldenOptions) ([]GoldenResult, error) {
	files, err := fs.Glob(dir, "testdata/*/*.golden")
	if err != nil {
		return nil, err
	}
	var results []GoldenResult
	for _, f := range files {
		r := GoldenResult{Mapping: path.Base(path.Dir(f)), File: path.Join(o.Root, f)}
		r.Name = r.Mapping + "/" + strings.TrimSuffix(path.Base(f), ".golden")
		if o.Run != nil && !o.Run.MatchString(r.Name) {
			continue
		}
		want, err := fs.ReadFile(dir, f)
		if err != nil {
			return nil, err
		}
		got, err := s.golden(r.Mapping, want)
		switch {
		case err != nil:
			r.Failure = err.Error()
		case bytes.Equal(got, want):
			r.Passed = true
		case o.Save != nil:
			if err := o.Save(f, got); err != nil {
				return nil, err
			}
			r.Written = true
		case !bytes.Contains(want, dashes):
			r.Failure = "it says nothing of what the mapping makes; --update writes that below the record"
		default:
			r.Failure = difference(string(got), string(want))
		}
		results = append(results, r)
	}
	return results, nil
}

// dashes part a record from what is made of it.
var dashes = []byte("\n---\n")

// golden is the right text of a golden.
func (s *Set) golden(name string, text []byte) ([]byte, error) {
	m, ok := s.Get(name)
	if !ok {
		return nil, fmt.Errorf("there is no mapping %q. %s", name, nearest.Advice(name, s.Names(), "mappings"))
	}
	record, _, _ := bytes.Cut(text, dashes)
	record = bytes.TrimSpace(record)
	out, err := m.Try(record, goldenReceived)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Write(record)
	b.Write(dashes)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// difference shows the first lines that are not the same.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = strings.TrimSpace(a[i])
		}
		if i < len(b) {
			y = strings.TrimSpace(b[i])
		}
		if x != y {
			return fmt.Sprintf("line %d: got %s, want %s", i+1, x, y)
		}
	}
	return "white space differs"
}
