// Package kibana makes what Kibana shows of the documents: data views, a saved
// search for each question of package question, dashboards, and starter
// detection rules, as the NDJSON that Kibana imports.
//
// Everything comes from tables here and from the questions; the files beside
// this one are what Objects and Rules give, byte by byte. The package talks to
// no Kibana. What that leaves untested is said in README.md.
package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The oldest Kibana the objects are for, as their own versions.
const (
	coreVersion  = "8.8.0"
	panelVersion = "8.11.0"
)

// object is one saved object.
type object struct {
	Type        string         `json:"type"`
	ID          string         `json:"id"`
	Attributes  map[string]any `json:"attributes"`
	References  []reference    `json:"references"`
	CoreVersion string         `json:"coreMigrationVersion"`
	TypeVersion string         `json:"typeMigrationVersion"`
	Managed     bool           `json:"managed"`
}

type reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

// typeVersions are the versions of the forms written here, by type.
var typeVersions = map[string]string{"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "dashboard": "8.9.0"}

func newObject(kind, id string, attributes map[string]any, references ...reference) object {
	if references == nil {
		references = []reference{}
	}
	return object{Type: kind, ID: id, Attributes: attributes, References: references, CoreVersion: coreVersion, TypeVersion: typeVersions[kind]}
}

// Objects is the file of saved objects: one a line, by type and id.
func Objects() []byte {
	list := slices.Concat(viewObjects(), searchObjects(), dashboardObjects())
	slices.SortFunc(list, func(a, b object) int {
		return strings.Compare(a.Type+"\x00"+a.ID, b.Type+"\x00"+b.ID)
	})
	return lines(list)
}

// Rules is the file of detection rules: one a line, in the order of the table.
func Rules() []byte {
	var list []map[string]any
	for _, r := range rules {
		list = append(list, r.object())
	}
	return lines(list)
}

func lines[T any](list []T) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, o := range list {
		if err := enc.Encode(o); err != nil {
			panic(fmt.Sprintf("kibana: %v", err)) // plain data always marshals
		}
	}
	return b.Bytes()
}

// text is a value as the JSON text that Kibana wants inside JSON.
func text(v any) string { return strings.TrimSuffix(string(lines([]any{v})), "\n") }
