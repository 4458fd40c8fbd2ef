package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// TemplateVersion is raised when the templates change in a way that a cluster
// must be told of.
const TemplateVersion = 1

// IgnoreAbove is how many characters of a keyword or leaf a cluster indexes; a
// longer value is kept, but not found, sorted or counted. In UTF-8 it fits the
// 32,766 bytes that a term may have.
const IgnoreAbove = 8191

// TemplateOptions are the choices a template leaves open. The zero value fits
// Elasticsearch 8.11 and later without further set-up.
type TemplateOptions struct {
	// Lifecycle names the lifecycle policy of the data streams, "" for none.
	Lifecycle string
	// FinalPipeline names the ingest pipeline every document goes through last,
	// "" for none. It must exist before the first document.
	FinalPipeline string
	// Mapping replaces how a field is mapped, for clusters that lack a type; nil
	// or a nil answer keeps it.
	Mapping func(Field) map[string]any
}

// Template is one component or index template of a search cluster.
type Template struct {
	Name  string // such as ssf@mappings or logs-ssf.set
	Index bool   // an index template; a component template otherwise
	JSON  []byte // body of the request that puts it, indented, ended by a line feed
}

// Path is where the template is put, below the cluster's address.
func (t Template) Path() string {
	if t.Index {
		return "_index_template/" + t.Name
	}
	return "_component_template/" + t.Name
}

// ClusterFields are the fields that a search cluster adds to every document by
// itself. They are part of the templates and of no document that is rendered.
func ClusterFields() []Field {
	return []Field{{"event.ingested", Date, one, every, "When the search cluster took the document; set by its final pipeline.", "2026-02-03T10:15:06.300Z"}}
}

// Templates are the templates of the six data streams, components before the
// index templates that are composed of them. The same options give the same
// bytes.
func Templates(o TemplateOptions) []Template {
	list := []Template{
		{Name: "ssf@settings", JSON: body(map[string]any{"template": map[string]any{"settings": o.settings()}})},
		{Name: "ssf@mappings", JSON: body(map[string]any{"template": map[string]any{"mappings": o.mappings(func(f Field) bool { return f.Streams == every }, ClusterFields())}})},
	}
	for i, stream := range streamNames {
		own := map[string]any{"mappings": o.mappings(func(f Field) bool { return f.Streams != every && f.Streams&(1<<i) != 0 }, nil)}
		if user, _ := Lookup("user.name"); user.Streams.Has(stream) {
			// What is asked most is about one user.
			own["settings"] = map[string]any{"index": map[string]any{"sort": map[string]any{
				"field": []string{"user.name", "@timestamp"}, "order": []string{"asc", "desc"}, "missing": []string{"_last", "_last"},
			}}}
		}
		list = append(list, Template{Name: ownMappings(stream), JSON: body(map[string]any{"template": own})})
	}
	for _, stream := range streamNames {
		list = append(list, Template{Name: "logs-" + stream, Index: true, JSON: body(map[string]any{
			"index_patterns": []string{"logs-" + stream + "-*"},
			"priority":       250, // above those of the cluster itself and of integrations
			"data_stream":    map[string]any{},
			"composed_of":    []string{"ssf@settings", "ssf@mappings", ownMappings(stream), customComponent},
			// The operator's own; it need not be there.
			"ignore_missing_component_templates": []string{customComponent},
		})})
	}
	return list
}

const customComponent = "ssf@custom"

func ownMappings(stream string) string {
	return "ssf@mappings-" + strings.TrimPrefix(stream, "ssf.")
}

func body(m map[string]any) []byte {
	m["_meta"] = map[string]any{"managed_by": product, "schema": TemplateVersion, "ecs": ECSVersion}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		panic(fmt.Sprintf("document: template: %v", err)) // maps and strings only
	}
	return b.Bytes()
}

// settings are those of every stream. Texts are cut into words as package query
// says: runs of letters and digits, in lower case.
func (o TemplateOptions) settings() map[string]any {
	index := map[string]any{
		"auto_expand_replicas": "0-1",
		"mapping":              map[string]any{"total_fields": map[string]any{"limit": 1000}, "ignore_malformed": true},
	}
	if o.Lifecycle != "" {
		index["lifecycle"] = map[string]any{"name": o.Lifecycle}
	}
	if o.FinalPipeline != "" {
		index["final_pipeline"] = o.FinalPipeline
	}
	return map[string]any{
		"index": index,
		"analysis": map[string]any{
			"analyzer":  map[string]any{wordAnalyzer: map[string]any{"type": "custom", "tokenizer": wordAnalyzer, "filter": []string{"lowercase"}}},
			"tokenizer": map[string]any{wordAnalyzer: map[string]any{"type": "pattern", "pattern": `[^\p{L}\p{Nd}]+`}},
		},
	}
}

const wordAnalyzer = "ssf_words"

// mappings are those of the fields chosen. Nothing that is not declared is
// indexed: what a stranger writes cannot make fields.
func (o TemplateOptions) mappings(chosen func(Field) bool, more []Field) map[string]any {
	properties := map[string]any{}
	for _, f := range append(Fields(), more...) {
		if len(more) > 0 && f.Name == more[0].Name || chosen(f) {
			place(properties, strings.Split(f.Name, "."), o.mapping(f))
		}
	}
	return map[string]any{"dynamic": false, "properties": properties}
}

func place(properties map[string]any, path []string, mapping map[string]any) {
	if len(path) == 1 {
		properties[path[0]] = mapping
		return
	}
	inner, ok := properties[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{"properties": map[string]any{}}
		properties[path[0]] = inner
	}
	place(inner["properties"].(map[string]any), path[1:], mapping)
}

// mapping is how a field is indexed.
func (o TemplateOptions) mapping(f Field) map[string]any {
	if o.Mapping != nil {
		if m := o.Mapping(f); m != nil {
			return m
		}
	}
	switch f.Type {
	case Keyword:
		return map[string]any{"type": "keyword", "ignore_above": IgnoreAbove}
	case Text:
		return map[string]any{"type": "text", "analyzer": wordAnalyzer, "norms": false}
	case Flattened:
		return map[string]any{"type": "flattened", "depth_limit": flattenedDepth, "ignore_above": IgnoreAbove}
	case Stored:
		return map[string]any{"type": "keyword", "index": false, "doc_values": false}
	case Date:
		if f.Name == "@timestamp" { // without it there is no document
			return map[string]any{"type": "date", "ignore_malformed": false}
		}
	}
	return map[string]any{"type": string(f.Type)}
}
