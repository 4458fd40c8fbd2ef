package event

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// CheckOptions says how a sender's payloads are read.
type CheckOptions struct {
	Tolerant        bool     // accept the legacy forms LEGACY-08 and LEGACY-14
	CredentialTypes []string // further values of credential_type agreed with the sender
	Namespaces      []string // further values of namespace agreed with the sender (EVT-12)
}

// PayloadError says which rule of its own definition an event breaks (EVT-34).
type PayloadError struct {
	Field       string // member of the payload, "" for the payload or its subject
	Requirement string // "EVT-09", "" where no standard stands behind the rule
	Problem     string // lower case, without foreign values
}

// Error implements error.
func (e *PayloadError) Error() string {
	s := e.Problem
	if e.Field != "" {
		s = e.Field + " " + s
	}
	if e.Requirement != "" {
		s += " (" + e.Requirement + ")"
	}
	return s
}

// Check holds a payload against the definition of its type, strictly and with
// no agreements. It returns nil or a *PayloadError.
func (t *Type) Check(body strictjson.Value) error {
	_, err := t.CheckWith(body, CheckOptions{})
	return err
}

// CheckWith holds a payload against the definition of its type. Members the
// type does not define are ignored (SET-18). It returns the tolerance
// workarounds that were needed, and nil or a *PayloadError.
func (t *Type) CheckWith(body strictjson.Value, o CheckOptions) (applied []string, err error) {
	if body.Kind() != strictjson.Object {
		return nil, &PayloadError{Requirement: "SET-11", Problem: "the payload must be an object, not " + body.Kind().String()}
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		v := f.find(body)
		if !v.Exists() {
			if f.Required {
				return nil, f.fail("is required")
			}
			continue
		}
		workaround, problem := f.check(v, &o)
		if problem != "" {
			return nil, f.fail(problem)
		}
		if workaround != "" && !slices.Contains(applied, workaround) {
			applied = append(applied, workaround)
		}
	}
	if t.anyOf != nil && !slices.ContainsFunc(t.anyOf, func(name string) bool { return body.Get(name).Exists() }) {
		return nil, &PayloadError{t.anyOf[0], "OKTA-05", "or " + strings.Join(t.anyOf[1:], " or ") + " is required"}
	}
	slices.Sort(applied)
	return applied, nil
}

// Problem says what is wrong with a value of the member by its definition, strictly
// and with no agreements: "must be a number"; "" if nothing is.
func (f *Field) Problem(v strictjson.Value) string {
	_, problem := f.check(v, &CheckOptions{})
	return problem
}

func (f *Field) find(body strictjson.Value) strictjson.Value {
	v := body.Get(f.Name)
	for _, alias := range f.Aliases {
		if v.Exists() {
			break
		}
		v = body.Get(alias)
	}
	return v
}

func (f *Field) fail(problem string) *PayloadError {
	return &PayloadError{Field: f.Name, Requirement: f.Requirement, Problem: problem}
}

// check returns the workaround that makes the value pass, or what is wrong.
func (f *Field) check(v strictjson.Value, o *CheckOptions) (workaround, problem string) {
	kind := v.Kind()
	switch f.Kind {
	case Absent:
		return "", "must not be there"
	case Number:
		if _, ok := v.Float(); !ok {
			return "", "must be a number"
		}
	case Integer:
		if _, ok := v.Int(); !ok {
			return "", "must be an integer"
		}
	case Boolean:
		if kind != strictjson.Bool {
			return "", "must be true or false"
		}
	case String:
		if kind != strictjson.String {
			return "", "must be a string"
		}
		return f.checkString(v, o)
	case Strings:
		return "", checkStrings(v)
	case Object:
		if kind != strictjson.Object {
			return "", "must be an object"
		}
		if f.NonEmpty && v.Len() == 0 {
			return "", "must have at least one member"
		}
	case Messages, MessagesOrText:
		if kind == strictjson.String {
			switch {
			case f.Kind == MessagesOrText:
				return "", ""
			case o.Tolerant:
				return "LEGACY-14", ""
			}
		}
		return "", checkMessages(v)
	}
	return "", ""
}

func (f *Field) checkString(v strictjson.Value, o *CheckOptions) (workaround, problem string) {
	if f.Required && equalText(v, "") {
		return "", "must not be empty"
	}
	if f.Enum == nil {
		return "", ""
	}
	for _, value := range f.Enum {
		if equalText(v, value) {
			return "", ""
		}
	}
	if f.Open && !f.Agreed {
		return "", ""
	}
	value := v.Text()
	if f.Agreed && slices.Contains(o.agreed(f.Name), value) {
		return "", ""
	}
	if o.Tolerant && f.Name == "credential_type" && strings.Contains(value, "_") &&
		slices.Contains(f.Enum, strings.ReplaceAll(value, "_", "-")) {
		return "LEGACY-08", ""
	}
	problem = fmt.Sprintf("must be one of %s", strings.Join(f.Enum, ", "))
	if f.Agreed {
		problem += ", or a value agreed with the sender"
	}
	return "", problem
}

// agreed returns the further values of a member both parties support.
func (o *CheckOptions) agreed(field string) []string {
	switch field {
	case "credential_type":
		return o.CredentialTypes
	case "namespace":
		return o.Namespaces
	}
	return nil
}

func checkStrings(v strictjson.Value) string {
	if v.Kind() != strictjson.Array {
		return "must be an array of strings"
	}
	for e := range v.Elements() {
		if e.Kind() != strictjson.String {
			return "must be an array of strings"
		}
	}
	return ""
}

func checkMessages(v strictjson.Value) string {
	if v.Kind() != strictjson.Object {
		return "must be an object of language tags and messages"
	}
	if v.Len() == 0 {
		return "must have a message in at least one language"
	}
	for _, m := range v.Members() {
		if m.Kind() != strictjson.String {
			return "must hold messages that are strings"
		}
	}
	return ""
}

// CheckSubject holds an event's primary subject against the formats its type
// permits (EVT-25, EVT-31). A tolerant reader also takes aliases that hold an
// identifier of a permitted format (LEGACY-06). It returns nil or a
// *PayloadError.
func (t *Type) CheckSubject(s Subject, o CheckOptions) error {
	if t.SubjectFormats == nil {
		return nil
	}
	permitted := func(s Subject) bool {
		format := s.Format()
		return slices.Contains(t.SubjectFormats, format) ||
			format == "complex" && slices.Contains(t.SubjectFormats, "complex-without-format")
	}
	if permitted(s) {
		return nil
	}
	if o.Tolerant {
		for id := range s.Identifiers() {
			if permitted(id) {
				return nil
			}
		}
	}
	return &PayloadError{Requirement: t.subjectRequirement(),
		Problem: "the subject of " + t.Name + " must have the format " + strings.Join(t.SubjectFormats, " or ")}
}

func (t *Type) subjectRequirement() string {
	switch {
	case t.Family == "scim":
		return "SCIM-02"
	case t.Family == "okta":
		return "OKTA-04"
	case t.Name == "verification":
		return "SSF-TX-80"
	case t.Name == "stream-updated":
		return "EVT-31"
	}
	return "EVT-25"
}

// equalText compares a string value without copying it where it can.
func equalText(v strictjson.Value, want string) bool {
	if v.Kind() != strictjson.String {
		return false
	}
	raw := v.Raw()
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') >= 0 {
		return v.Text() == want
	}
	return string(raw) == want
}
