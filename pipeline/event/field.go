package event

// FieldKind is the JSON type of a payload member, written as in the catalogue
// of the standards' events.
type FieldKind string

// The kinds of payload members.
const (
	Number         FieldKind = "number"
	Integer        FieldKind = "integer"
	Boolean        FieldKind = "boolean"
	String         FieldKind = "string"
	Strings        FieldKind = "array<string>"
	Object         FieldKind = "object"
	Messages       FieldKind = "object<bcp47,string>"        // language tag to text, at least one
	MessagesOrText FieldKind = "object<bcp47,string>|string" // RISC does not type its reasons
	Absent         FieldKind = "absent"                      // the member must not be there
)

// Field is one payload member that an event type defines.
type Field struct {
	Name        string
	Kind        FieldKind
	Required    bool
	Enum        []string // permitted values, nil for any
	Open        bool     // further values than Enum are possible
	Agreed      bool     // of an open Enum: only further values both parties agreed on
	NonEmpty    bool     // of an object: at least one member
	Aliases     []string // other spellings of the name that senders use
	Doc         string   // meaning, lower case
	Requirement string   // what a violation breaks: "EVT-09"
}

// The constructors below keep the catalogue one line per member.

func text(name, requirement, doc string) Field {
	return Field{Name: name, Kind: String, Requirement: requirement, Doc: doc}
}

func of(kind FieldKind, name, requirement, doc string) Field {
	return Field{Name: name, Kind: kind, Requirement: requirement, Doc: doc}
}

func oneOf(name, requirement, doc string, values ...string) Field {
	return Field{Name: name, Kind: String, Enum: values, Requirement: requirement, Doc: doc}
}

// must makes a field required.
func (f Field) must() Field { f.Required = true; return f }

// open lets values beyond the enum pass.
func (f Field) open() Field { f.Open = true; return f }

// agreed lets values beyond the enum pass when the parties agreed on them.
func (f Field) agreed() Field { f.Open, f.Agreed = true, true; return f }
