package document

import (
	"fmt"
	"strings"
)

// Reference is the field reference, docs/fields.md.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(`# Fields of the documents

Made from the schema by ` + "`go test ./pipeline/document -update`" + `; do not edit. In a terminal: ` + "`signalbox fields`" + `.

Documents follow the Elastic Common Schema ` + ECSVersion + `. What it has no name for is in the namespaces set, ssf, alert,
change, policy, action, audit and chain. Types are named as Elasticsearch names them: keywords are compared whole,
texts by words, flattened fields are objects of any form whose leaves are keywords, stored is kept and not searched.
[] marks fields that may hold several values.

Streams: ` + "`logs-ssf.set`, `.alert`, `.decision`, `.action`, `.audit` and `.error`" + `, each followed by the namespace.

| Field | Type | Streams | Meaning | Example |
| --- | --- | --- | --- | --- |
`)
	row := func(f Field) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n", f.Name, f.TypeName(), f.Streams, f.Doc, f.Example)
	}
	for _, f := range Fields() {
		row(f)
	}
	b.WriteString("\nA search cluster adds:\n\n| Field | Type | Streams | Meaning | Example |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range ClusterFields() {
		row(f)
	}
	return []byte(b.String())
}

// TypeName is the type for people, with [] where there may be several values.
func (f Field) TypeName() string {
	if f.Multi {
		return string(f.Type) + "[]"
	}
	return string(f.Type)
}

// String names the streams shortly: all, or set, alert and so on.
func (s Streams) String() string {
	if s == every {
		return "all"
	}
	var names []string
	for _, n := range s.Names() {
		names = append(names, strings.TrimPrefix(n, "ssf."))
	}
	return strings.Join(names, ", ")
}
