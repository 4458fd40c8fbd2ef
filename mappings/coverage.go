package mappings

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Coverage gathers, over sample records, what a mapping does not look at and
// which values it did not foresee. Of a list or object that an expression takes
// as one, it cannot be told what is used within; nor of JSON inside of a text,
// nor of an envelope. The zero value is not usable; see Mapping.Coverage.
type Coverage struct {
	m       *Mapping
	records int
	skipped map[string]int
	unknown map[string]int // reasons
	events  map[string]int
	fields  map[string]*seen
	notes   map[Note]*seen
}

// seen is how often something was found, with the first value.
type seen struct {
	count   int
	example string
	touch   touch
}

// touch is how an expression looks at a field.
type touch uint8

const (
	untouched touch = iota
	whole           // a list or object is taken as one
	touched
)

// maxDistinct bounds the different fields and the different notes that are
// told apart, so that records with data for member names stay readable.
const maxDistinct = 5000

// SampleLimits bounds a file of sample records.
var SampleLimits = strictjson.Limits{Bytes: 64 << 20, Depth: 64, Nodes: 8_000_000, Members: 1 << 20}

// Coverage begins a report about the mapping.
func (m *Mapping) Coverage() *Coverage {
	return &Coverage{
		m: m, skipped: map[string]int{}, unknown: map[string]int{}, events: map[string]int{},
		fields: map[string]*seen{}, notes: map[Note]*seen{},
	}
}

// Add looks at records as a channel would bring them: an object, a list, an
// envelope that the mapping unwraps, or one per line.
func (c *Coverage) Add(body []byte, received time.Time) error {
	msg := pipeline.Message{Source: c.m.Name, Sender: c.m.Name, Mapping: c.m.Name, Body: body, Received: received}
	s, err := pipeline.Channels{Limits: SampleLimits}.Verify(context.Background(), msg)
	if err != nil {
		return err
	}
	e := pool.Get().(*env)
	defer pool.Put(e)
	e.reset(c.m, &s)
	for _, r := range e.records(s.Record.Held()) {
		c.records++
		c.walk(&c.m.paths.root, r.raw, "")
		e.reset(c.m, &s)
		var out Result
		why, err := c.m.record(e, s, r, &out)
		if err != nil {
			return err
		}
		if why != "" {
			c.unknown[clip(why)]++
		}
		for _, reason := range out.Skipped {
			c.skipped[reason]++
		}
		for _, made := range out.Made {
			c.events[made.Event.Type.Name]++
			for _, n := range made.Notes {
				count(c.notes, Note{Kind: n.Kind, Name: n.Name, Value: n.Value}, n.Value, touched)
			}
		}
	}
	return nil
}

// count adds one to what is found under a key.
func count[K comparable](in map[K]*seen, key K, example string, t touch) {
	s := in[key]
	if s == nil {
		if len(in) >= maxDistinct {
			return
		}
		s = &seen{example: example}
		in[key] = s
	}
	s.count++
	s.touch = max(s.touch, t)
	if s.example == "" {
		s.example = example
	}
}

// walk looks at a value and what is below it. n is where the paths lead, nil if
// none does.
func (c *Coverage) walk(n *node, v strictjson.Value, path string) {
	nested := v.Kind() == strictjson.Object || v.Kind() == strictjson.Array
	switch {
	case n != nil && n.slot > 0 && nested && path != "":
		count(c.fields, path, clip(string(v.Raw())), whole)
		return
	case n != nil && n.slot > 0 && path != "":
		count(c.fields, path, clip(string(v.Raw())), touched)
		return
	case v.Kind() == strictjson.Null:
		return
	case !nested:
		count(c.fields, path, clip(string(v.Raw())), untouched)
		return
	}
	for e := range v.Elements() {
		c.walk(nil, e, path+"[]")
	}
	for name, m := range v.Members() {
		c.walk(n.step(&c.m.names, name), m, strings.TrimPrefix(path+"."+name, "."))
	}
}

// CoverageReport is what Coverage found, for people and scripts. Lists are
// sorted by count, the most frequent first.
type CoverageReport struct {
	Mapping  string         `json:"mapping"`
	Records  int            `json:"records"`
	Events   map[string]int `json:"events"`             // made, by name
	Skipped  map[string]int `json:"skipped,omitempty"`  // records, by reason
	Unmapped map[string]int `json:"unmapped,omitempty"` // records, by reason
	Fields   int            `json:"fields"`             // different ones with a value
	Touched  int            `json:"touched"`            // of them, by an expression

	Untouched []SeenField `json:"untouched"`             // no expression names them
	Whole     []SeenField `json:"whole,omitempty"`       // lists and objects taken as one: what is used of them cannot be told
	Unknown   []SeenNote  `json:"unknown,omitempty"`     // values that no enum lists
	Other     []SeenNote  `json:"other_notes,omitempty"` // values dropped, times missing
}

// SeenField is a field of the records.
type SeenField struct {
	Path    string `json:"path"` // [] stands for the elements of a list
	Count   int    `json:"count"`
	Example string `json:"example,omitempty"` // JSON, at most 64 bytes
}

// SeenNote is something remarkable in the records.
type SeenNote struct {
	Kind  NoteKind `json:"kind"`
	Name  string   `json:"name,omitempty"` // enum, member or field
	Value string   `json:"value,omitempty"`
	Count int      `json:"count"`
}

// Report sums up what was found so far.
func (c *Coverage) Report() CoverageReport {
	r := CoverageReport{
		Mapping: c.m.Name, Records: c.records, Events: maps.Clone(c.events), Skipped: maps.Clone(c.skipped),
		Unmapped: maps.Clone(c.unknown), Fields: len(c.fields), Untouched: []SeenField{},
	}
	for path, s := range c.fields {
		f := SeenField{path, s.count, s.example}
		switch s.touch {
		case untouched:
			r.Untouched = append(r.Untouched, f)
			continue
		case whole:
			r.Whole = append(r.Whole, f)
		}
		r.Touched++
	}
	for n, s := range c.notes {
		into := &r.Other
		if n.Kind == UnknownValue {
			into = &r.Unknown
		}
		*into = append(*into, SeenNote{n.Kind, n.Name, n.Value, s.count})
	}
	for _, list := range [][]SeenField{r.Untouched, r.Whole} {
		slices.SortFunc(list, func(a, b SeenField) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Path, b.Path))
		})
	}
	for _, list := range [][]SeenNote{r.Unknown, r.Other} {
		slices.SortFunc(list, func(a, b SeenNote) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Value, b.Value))
		})
	}
	return r
}
