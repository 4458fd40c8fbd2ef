package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// TemplateVersion is raised when the templates change in a way that a cluster
// must be told of.
const TemplateVersion = 2

// IgnoreAbove is how many characters of a keyword or leaf a cluster indexes; a
// longer value is kept, but not found, sorted or counted. In UTF-8 it fits the
// 32,766 bytes that a term may have.
const IgnoreAbove = 8191

// TemplateOptions are the choices a template leaves open. The zero value fits
// Elasticsearch 8.11 and later with all that its free licence has, without
// further set-up.
type TemplateOptions struct {
	// Lifecycle names the lifecycle policy of a data stream, by its name as in
	// Doc.Stream; without one it has none.
	Lifecycle map[string]string
	// FinalPipeline names the ingest pipeline every document goes through last,
	// "" for none. It must exist before the first document.
	FinalPipeline string
	// Lacks are those of Substituted that the cluster does not know.
	Lacks []string
}

// Substituted are the types of mappings that not every cluster knows. Where they
// lack, text takes the place of match_only_text, which finds the same in more
// room; for constant_keyword data_stream.dataset is an alias of event.dataset,
// and the other two are keywords.
func Substituted() []string { return []string{constantKeyword, matchOnlyText} }

const (
	constantKeyword = "constant_keyword"
	matchOnlyText   = "match_only_text"
)

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

// ClusterFields are the fields that every document on a search cluster has beside
// its own, of the cluster or of what writes to it. They are part of the templates
// and of no document that is rendered.
func ClusterFields() []Field {
	return []Field{
		{"event.ingested", Date, one, every, "When the search cluster took the document; set by its final pipeline.", "2026-02-03T10:15:06.300Z"},
		{"data_stream.type", Keyword, one, every, "First part of the data stream's name, always logs.", "logs"},
		{"data_stream.dataset", Keyword, one, every, "Second part of the data stream's name, as event.dataset.", "ssf.set"},
		{"data_stream.namespace", Keyword, one, every, "Third part of the data stream's name.", "default"},
	}
}

// Templated reports whether the templates have a field.
func Templated(name string) bool {
	_, ours := Lookup(name)
	return ours || slices.ContainsFunc(ClusterFields(), func(f Field) bool { return f.Name == name })
}

// Templates are the templates of the six data streams, components before the
// index templates that are composed of them. The same options give the same
// bytes.
func Templates(o TemplateOptions) []Template {
	list := []Template{
		{Name: "ssf@settings", JSON: body(map[string]any{"template": map[string]any{"settings": o.settings()}})},
		{Name: "ssf@mappings", JSON: body(map[string]any{"template": map[string]any{"mappings": o.common()}})},
	}
	for i, stream := range streamNames {
		own, index := map[string]any{"mappings": o.own(i)}, map[string]any{}
		if user, _ := Lookup("user.name"); user.Streams.Has(stream) {
			// What is asked most is about one user.
			index["sort"] = map[string]any{
				"field": []string{"user.name", "@timestamp"}, "order": []string{"asc", "desc"}, "missing": []string{"_last", "_last"},
			}
		}
		if name := o.Lifecycle[stream]; name != "" {
			index["lifecycle"] = map[string]any{"name": name}
		}
		if len(index) > 0 {
			own["settings"] = map[string]any{"index": index}
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

// meta is by whom and of which version templates are, and the indices made of
// them.
func meta() map[string]any {
	return map[string]any{"managed_by": product, "schema": TemplateVersion, "ecs": ECSVersion}
}

func body(m map[string]any) []byte {
	m["_meta"] = meta()
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
// says: runs of letters and digits, in lower case. That is the analyzer of all
// texts and not named in their mappings: a cluster checks components one by one.
func (o TemplateOptions) settings() map[string]any {
	index := map[string]any{
		"auto_expand_replicas": "0-1",
		"mapping":              map[string]any{"total_fields": map[string]any{"limit": 1000}, "ignore_malformed": true},
	}
	if o.FinalPipeline != "" {
		index["final_pipeline"] = o.FinalPipeline
	}
	return map[string]any{
		"index": index,
		"analysis": map[string]any{
			"analyzer":  map[string]any{"default": map[string]any{"type": "custom", "tokenizer": words, "filter": []string{"lowercase"}}},
			"tokenizer": map[string]any{words: map[string]any{"type": "pattern", "pattern": `[^\p{L}\p{Nd}]+`}},
		},
	}
}

const words = "ssf_words"

// common are the mappings of the fields that every document has, and of what a
// cluster adds to all.
func (o TemplateOptions) common() map[string]any {
	m := o.mappings(func(f Field) bool { return f.Streams == every })
	put(m, "event.ingested", map[string]any{"type": "date"})
	if slices.Contains(o.Lacks, constantKeyword) {
		put(m, "data_stream.type", map[string]any{"type": "keyword"})
		put(m, "data_stream.dataset", map[string]any{"type": "alias", "path": "event.dataset"})
		put(m, "data_stream.namespace", map[string]any{"type": "keyword"})
	}
	m["_meta"] = meta()
	return m
}

// own are the mappings of the fields that only some streams have, of which this
// is one.
func (o TemplateOptions) own(i int) map[string]any {
	m := o.mappings(func(f Field) bool { return f.Streams != every && f.Streams&(1<<i) != 0 })
	if !slices.Contains(o.Lacks, constantKeyword) {
		put(m, "data_stream.type", map[string]any{"type": constantKeyword, "value": "logs"})
		put(m, "data_stream.dataset", map[string]any{"type": constantKeyword, "value": streamNames[i]})
		put(m, "data_stream.namespace", map[string]any{"type": constantKeyword})
	}
	return m
}

// mappings are those of the fields chosen. Nothing that is not declared is
// indexed: what a stranger writes cannot make fields.
func (o TemplateOptions) mappings(chosen func(Field) bool) map[string]any {
	m := map[string]any{"dynamic": false, "properties": map[string]any{}}
	for _, f := range Fields() {
		if chosen(f) {
			put(m, f.Name, o.mapping(f))
		}
	}
	return m
}

// put adds the mapping of a field to others.
func put(mappings map[string]any, field string, mapping map[string]any) {
	place(mappings["properties"].(map[string]any), strings.Split(field, "."), mapping)
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
	switch f.Type {
	case Keyword:
		return map[string]any{"type": "keyword", "ignore_above": IgnoreAbove}
	case Text:
		if slices.Contains(o.Lacks, matchOnlyText) {
			return map[string]any{"type": "text", "norms": false}
		}
		return map[string]any{"type": matchOnlyText}
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
