package mappings

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/signalbox-dev/signalbox/pipeline/document"
	"github.com/signalbox-dev/signalbox/pipeline/event"
	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Mapping is one compiled mapping. It is immutable and safe for concurrent use.
type Mapping struct {
	Name    string // label of its block
	Title   string // for people
	Vendor  string // event.module of its documents
	File    string // where it is written
	Shipped bool   // it came with the program

	unwrap  []string
	when    cond // nil: every record
	enums   map[string]map[string]string
	localAt map[string]int
	locals  []expr
	skips   []reasoned
	demands []reasoned
	events  []eventRule
	paths   paths
	names   nameTable
	vars    int // places of loop variables
	kept    int // values that paths lead through
	at      hcl.Range
}

// reasoned is the condition of a skip, which records make no event, or of a
// require, without which a record is not mapped; and why.
type reasoned struct {
	reason string
	when   cond
}

// eventRule makes events of one type.
type eventRule struct {
	typ     *event.Type
	when    cond // nil: always
	each    expr // nil: once
	time    expr // nil: the channel's
	subject expr // nil: none
	body    []bodyRule
	fields  []fieldRule // sorted by path
}

// bodyRule makes one member of the payload.
type bodyRule struct {
	name  string
	as    strictjson.QuotedName // the name as it is written
	field *event.Field
	val   expr
}

// fieldRule makes one field of the document. What every record needs comes first
// and is small, for all rules are gone through for each event.
type fieldRule struct {
	val     expr
	names   []strictjson.QuotedName // those of the path
	same    int32                   // with how many names of the rule before the path begins
	related int8                    // plus one: the field under related that gathers it; 0: none
	gathers bool                    // it is such a field itself
	multi   bool
	typ     fieldType
	path    []string
	name    string // of the field
}

// fieldType is the type of a document's field, as far as values differ by it.
type fieldType uint8

const (
	keywordType fieldType = iota // text too
	longType
	floatType
	booleanType
	ipType
	dateType
	flattenedType
)

var fieldTypes = map[document.Type]fieldType{
	document.Keyword: keywordType, document.Text: keywordType, document.Stored: keywordType, document.Long: longType, document.Float: floatType,
	document.Boolean: booleanType, document.IP: ipType, document.Date: dateType, document.Flattened: flattenedType,
}

// Makes lists the names of the events that the mapping makes, sorted.
func (m *Mapping) Makes() []string {
	var names []string
	for i := range m.events {
		names = append(names, m.events[i].typ.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// localNames are the locals, for advice.
func (m *Mapping) localNames() []string {
	names := make([]string, len(m.localAt))
	for n, i := range m.localAt {
		names[i] = n
	}
	return names
}

// NoteKind says what was out of the ordinary in a record.
type NoteKind string

// The kinds of notes.
const (
	UnknownValue  NoteKind = "unknown-value"      // an enum lists no such value, or tactics() knows none of it
	DroppedMember NoteKind = "dropped-member"     // the event does not permit the member's value
	DroppedField  NoteKind = "dropped-field"      // the value does not fit the document's field
	NoSubject     NoteKind = "subject-unusable"   // what names the subject breaks RFC 9493
	FallbackTime  NoteKind = "timestamp-fallback" // the record has no usable time of its own
	Unreadable    NoteKind = "unreadable-text"    // json() could not read a text, pairs() not all of it, or for gave a name two values
)

// Note is one remark on a record. It fails nothing.
type Note struct {
	Kind  NoteKind `json:"kind"`
	Name  string   `json:"name,omitempty"`  // enum, function, member or field
	Value string   `json:"value,omitempty"` // as far as it helps, at most 64 bytes
}
