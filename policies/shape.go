package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline"
	"github.com/signalbox-dev/signalbox/pipeline/event"
)

// shape is one place of the input as a rule may see it: the part of JSON Schema
// that the contract uses, with references resolved.
type shape struct {
	kind     string            // object, array, string, number, boolean; "" is anything
	members  map[string]*shape // of an object; nil: any member
	required []string          // members that are always there
	items    *shape            // of an array; nil: anything
	enum     []string          // of a string; nil: any text
	needs    string            // name to declare in needs
}

// schemaNode is the JSON form of a shape.
type schemaNode struct {
	Type        string                 `json:"type"`
	Properties  map[string]*schemaNode `json:"properties"`
	Required    []string               `json:"required"`
	Items       *schemaNode            `json:"items"`
	Enum        []string               `json:"enum"`
	Needs       string                 `json:"x-needs"`
	Ref         string                 `json:"$ref"`
	Definitions map[string]*schemaNode `json:"definitions"`
}

// contract is the whole input, read from the shipped schema once.
var contract = mustReadContract()

func mustReadContract() *shape {
	text, err := Shipped.ReadFile("schema/input.schema.json")
	if err != nil {
		panic(err)
	}
	var root schemaNode
	if err := json.Unmarshal(text, &root); err != nil {
		panic(fmt.Sprintf("schema/input.schema.json: %v", err))
	}
	return root.shape(root.Definitions)
}

func (n *schemaNode) shape(defs map[string]*schemaNode) *shape {
	if n == nil {
		return nil
	}
	needs := n.Needs
	if n.Ref != "" {
		n = defs[strings.TrimPrefix(n.Ref, "#/definitions/")]
	}
	s := &shape{kind: n.Type, required: n.Required, items: n.Items.shape(defs), enum: n.Enum, needs: needs}
	if n.Properties != nil {
		s.members = make(map[string]*shape, len(n.Properties))
		for name, m := range n.Properties {
			s.members[name] = m.shape(defs)
		}
	}
	return s
}

// cut returns the shape as a rule sees it that declared these needs: members of
// other needs are gone.
func (s *shape) cut(needs pipeline.Needs) *shape {
	if s == nil || s.members == nil {
		return s
	}
	c := *s
	c.members = make(map[string]*shape, len(s.members))
	for name, m := range s.members {
		if m.needs == "" || needs.Has(pipeline.NeedNames[m.needs]) {
			c.members[name] = m.cut(needs)
		}
	}
	c.required = slices.DeleteFunc(slices.Clone(s.required), func(name string) bool { return c.members[name] == nil })
	return &c
}

// inputOf is the input of a rule: the contract cut to its needs, with the
// payloads of its events and its own windows.
func inputOf(r *rule) *shape {
	s := contract.cut(r.needs)
	names := map[string]bool{}
	for _, t := range r.types {
		names[t.Name] = true
	}
	e := *s.members["event"]
	e.members = maps.Clone(e.members)
	kind := *e.members["type"]
	if len(r.concepts) > 0 || r.unknown { // a mapping may give a concept to any type
		names = map[string]bool{event.Unknown.Name: true}
		for _, t := range event.Types() {
			names[t.Name] = true
		}
	} else {
		e.members["body"] = bodyOf(r.types)
	}
	kind.enum = slices.Sorted(maps.Keys(names))
	e.members["type"] = &kind
	s.members["event"] = &e

	delete(s.members, "window")
	if len(r.windows) > 0 {
		w := &shape{kind: "object", members: map[string]*shape{}}
		for _, win := range r.windows {
			w.members[win.Name] = &shape{kind: "number"}
			w.required = append(w.required, win.Name)
		}
		s.members["window"] = w
		s.required = append(s.required, "window")
	}
	return s
}

// bodyOf is the union of the payloads of the types.
func bodyOf(types []*event.Type) *shape {
	body := &shape{kind: "object", members: map[string]*shape{}}
	for _, t := range types {
		for _, f := range t.Fields {
			m := fieldShape(f)
			if other := body.members[f.Name]; other != nil {
				m = other.union(m)
			}
			body.members[f.Name] = m
		}
	}
	return body
}

func fieldShape(f event.Field) *shape {
	switch f.Kind {
	case event.Number, event.Integer:
		return &shape{kind: "number"}
	case event.Boolean:
		return &shape{kind: "boolean"}
	case event.Strings:
		return &shape{kind: "array", items: &shape{kind: "string"}}
	case event.Object, event.Messages:
		return &shape{kind: "object"}
	case event.String:
		if f.Open {
			return &shape{kind: "string"}
		}
		return &shape{kind: "string", enum: f.Enum}
	}
	return &shape{}
}

// union is what either shape permits, for members of event payloads.
func (s *shape) union(o *shape) *shape {
	if s.kind != o.kind || s.kind == "array" && s.items.kind != o.items.kind {
		return &shape{}
	}
	u := *s
	if u.enum != nil {
		if o.enum == nil {
			u.enum = nil
		} else {
			u.enum = slices.Compact(slices.Sorted(slices.Values(slices.Concat(u.enum, o.enum))))
		}
	}
	return &u
}

// schema is the JSON Schema of the shape for the type checker, which looks at
// types, members and items only and takes an object with members as closed.
func (s *shape) schema() map[string]any {
	m := map[string]any{}
	if s == nil || s.kind == "" {
		return m
	}
	m["type"] = s.kind
	if s.members != nil {
		p := make(map[string]any, len(s.members))
		for name, c := range s.members {
			p[name] = c.schema()
		}
		m["properties"] = p
	}
	if s.items != nil {
		m["items"] = s.items.schema()
	}
	return m
}

// names lists the members of an object, sorted.
func (s *shape) names() []string { return slices.Sorted(maps.Keys(s.members)) }

// branch reports whether the shape is an object with named members, which a
// rule must not hand on whole.
func (s *shape) branch() bool { return s != nil && s.kind == "object" && len(s.members) > 0 }
