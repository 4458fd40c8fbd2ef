package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// InputMember is one member of what a rule sees, for people.
type InputMember struct {
	Path    string          `json:"path"` // input.user.sessions[].id
	Type    string          `json:"type"`
	Values  []string        `json:"values,omitempty"` // it is one of
	Present string          `json:"present"`          // when it is there
	Needs   string          `json:"needs,omitempty"`  // brought by this name in needs
	Doc     string          `json:"doc"`
	Example json.RawMessage `json:"example,omitempty"`
}

// InputReference lists every member of the input, sorted by path. It is read
// from the contract.
func InputReference() []InputMember {
	text, err := Shipped.ReadFile("schema/input.schema.json")
	if err != nil {
		panic(err) // it is embedded
	}
	var root referenceNode
	if err := json.Unmarshal(text, &root); err != nil {
		panic(fmt.Sprintf("schema/input.schema.json: %v", err)) // it was read at the start
	}
	r := reference{definitions: root.Definitions}
	r.members(&root, "input", "", "")
	slices.SortFunc(r.list, func(a, b InputMember) int { return strings.Compare(a.Path, b.Path) })
	return r.list
}

// referenceNode is what of the schema is for people.
type referenceNode struct {
	Type        string                    `json:"type"`
	Description string                    `json:"description"`
	Properties  map[string]*referenceNode `json:"properties"`
	Required    []string                  `json:"required"`
	Items       *referenceNode            `json:"items"`
	Enum        []string                  `json:"enum"`
	Examples    []json.RawMessage         `json:"examples"`
	Needs       string                    `json:"x-needs"`
	Ref         string                    `json:"$ref"`
	Definitions map[string]*referenceNode `json:"definitions"`
}

type reference struct {
	definitions map[string]*referenceNode
	list        []InputMember
}

// resolve follows a reference; what stands beside it goes before what is there.
func (r *reference) resolve(n *referenceNode) *referenceNode {
	if n.Ref == "" {
		return n
	}
	d := *r.definitions[strings.TrimPrefix(n.Ref, "#/definitions/")]
	if n.Description != "" {
		d.Description = n.Description
	}
	d.Needs = n.Needs
	return &d
}

// members lists what an object holds. Needs is what brought the object, parent
// its path when it need not be there.
func (r *reference) members(n *referenceNode, path, needs, parent string) {
	for name, m := range n.Properties {
		m = r.resolve(m)
		at := path + "." + name
		of, within := needs, parent
		if m.Needs != "" {
			of = m.Needs
		}
		required := slices.Contains(n.Required, name)
		present := "when known"
		switch {
		case m.Needs != "":
			present = "when needed, empty if nothing is known"
			if name == "session" && path == "input" {
				present = "when needed and the event names a session"
			}
			within = at
		case path == "input" && name == "window":
			present = "when the rule declares windows"
		case required && parent == "":
			present = "always"
		case required:
			present = "with " + parent
		case path == "input":
			present, within = strings.TrimSuffix(absence(m.Description), "."), at
		default:
			within = at
		}
		kind := m.Type
		items := m.Items
		if items != nil {
			items = r.resolve(items)
			kind = "array of " + items.Type
		}
		member := InputMember{Path: at, Type: kind, Values: m.Enum, Present: present, Needs: of, Doc: m.Description}
		if len(m.Examples) > 0 {
			member.Example = m.Examples[0]
		}
		r.list = append(r.list, member)
		r.members(m, at, of, within)
		if items != nil && items.Properties != nil {
			r.members(items, at+"[]", of, at+"[]")
		}
	}
}

// absence turns what a description says of absence into when a member is there.
func absence(doc string) string {
	switch {
	case strings.Contains(doc, "no user"):
		return "when the event has a user"
	case strings.Contains(doc, "no device"):
		return "when the event has a device"
	case strings.Contains(doc, "absent when nothing"):
		return "when the event changes something"
	}
	return "when the event has a subject"
}
