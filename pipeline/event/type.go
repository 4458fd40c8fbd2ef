package event

import (
	"slices"
	"strings"

	"github.com/signalbox-dev/signalbox/pipeline/strictjson"
)

// Type is one entry of the catalogue. Types are immutable and exist once, so
// they are compared by pointer.
type Type struct {
	Name           string   // short name: "session-revoked", "prov:deactivate", "alert"
	URI            string   // canonical URI; local family: "urn:signalbox:event:<name>"
	Dialect        string   // "" for the standard form, "okta" for Okta's variant of the same URI
	Family         string   // caep, risc, ssf, okta, scim, local or unknown
	Status         string   // final, deprecated, vendor, vendor-variant or local
	Spec           string   // where it is defined: "CAEP 3.1"
	Doc            string   // what it says, in one sentence
	Aliases        []string // other spellings of the URI (LEGACY-10, LEGACY-11, SCIM-11)
	Fields         []Field  // payload members it defines; others are ignored (SET-18)
	SubjectFormats []string // formats its subject may have, nil for any
	Concepts       []string // what every event of the type is about; see ConceptsOf

	byValue  []valueConcepts // concepts that depend on the payload
	concepts string          // name of the member that lists further concepts
	anyOf    []string        // members of which one must be there (OKTA-05)
}

// valueConcepts gives the concepts of an event whose member has the value.
type valueConcepts struct {
	field, value string
	concepts     []string
}

// Unknown stands for every URI that is not catalogued. Its events are stored
// and counted, never an error (EVT-33).
var Unknown = &Type{Name: "unknown", Family: "unknown", Doc: "An event type that is not catalogued."}

// variant names a vendor's dialect of a standard event.
type variant struct{ uri, dialect string }

// catalogue holds every type but Unknown, in the order Types returns.
var catalogue = slices.Concat(caepTypes(), riscTypes(), ssfTypes(), oktaTypes(), scimTypes(), localTypes())

// index finds the types of the catalogue.
var index = newTypeIndex(catalogue)

type typeIndex struct {
	byURI    map[string]*Type  // standard forms, aliases included
	variants map[variant]*Type // dialects of them
	byName   map[string]*Type
}

func newTypeIndex(types []*Type) typeIndex {
	x := typeIndex{map[string]*Type{}, map[variant]*Type{}, map[string]*Type{Unknown.Name: Unknown}}
	for _, t := range types {
		x.byName[t.Family+":"+t.Name] = t
		if t.Dialect != "" {
			x.variants[variant{t.URI, t.Dialect}] = t
			continue
		}
		x.byName[t.Name] = t
		x.byURI[t.URI] = t
		for _, alias := range t.Aliases {
			x.byURI[alias] = t
		}
	}
	return x
}

// Lookup finds the type of an event URI in a dialect ("" for the standard
// form). A dialect without a variant of its own falls back to the standard
// form, an uncatalogued URI to Unknown. Alias reports that the URI is another
// spelling of the canonical one, which is read but never written.
func Lookup(uri, dialect string) (t *Type, alias bool) {
	t = index.byURI[uri]
	if t == nil {
		t = index.byURI[foldSCIM(uri)]
	}
	if t == nil {
		return Unknown, false
	}
	alias = uri != t.URI
	if dialect != "" {
		if v := index.variants[variant{t.URI, dialect}]; v != nil {
			t = v
		}
	}
	return t, alias
}

// foldSCIM lowers a SCIM event URN, whose case drafts disagree on (SCIM-11).
func foldSCIM(uri string) string {
	if len(uri) < len(scimBase) || !strings.EqualFold(uri[:len(scimBase)], scimBase) {
		return uri
	}
	return strings.ToLower(uri)
}

// ByName finds a type by its short name, alone or qualified by the family:
// "session-revoked", "caep:session-revoked", "okta:session-revoked" for Okta's
// dialect of it, and "unknown".
func ByName(name string) (*Type, bool) {
	t, ok := index.byName[name]
	return t, ok
}

// Types returns the whole catalogue in a stable order, Unknown left out.
func Types() []*Type { return slices.Clone(catalogue) }

// concepts of the normalized vocabulary, sorted.
var concepts = []string{
	"account-disabled", "account-locked", "admin-feedback", "anonymizer", "credential-change",
	"credential-compromise", "device-compliance", "device-risk", "device-unmanaged", "edr-tamper",
	"exfiltration", "impossible-travel", "isolation", "lateral-movement", "malware", "mfa-change",
	"phishing", "privileged-change", "pua", "ransomware", "session-revoked", "session-risk", "user-risk",
}

// Concepts returns the names a rule may select by as concept:<name>, sorted.
func Concepts() []string { return slices.Clone(concepts) }

// ConceptsOf returns the concepts of an event with this payload: those of the
// type, those that follow from a value (the principal of a risk change) and
// those the payload lists itself (alert, posture, activity), of which only
// names known to Concepts are taken. The result must not be modified.
func (t *Type) ConceptsOf(body strictjson.Value) []string {
	found := t.Concepts
	for i := range t.byValue {
		if c := &t.byValue[i]; equalText(body.Get(c.field), c.value) {
			found = join(found, c.concepts)
		}
	}
	if t.concepts == "" {
		return found
	}
	list := body.Get(t.concepts)
	found = slices.Clip(found)
	for v := range list.Elements() {
		if v.Kind() != strictjson.String {
			continue
		}
		name := stringBytes(v)
		at := slices.IndexFunc(concepts, func(c string) bool { return c == string(name) })
		if at < 0 || slices.Contains(found, concepts[at]) {
			continue
		}
		if len(found) == cap(found) {
			found = slices.Grow(found, min(list.Len(), len(concepts)))
		}
		found = append(found, concepts[at])
	}
	return found
}

// ConceptRule says which concepts an event of a type has beside those of the
// type: these when the member has the value, or, without a value, those that the
// member lists itself.
type ConceptRule struct {
	Field    string
	Value    string
	Concepts []string
}

// ConceptRules lists the concepts that depend on the payload, for people.
func (t *Type) ConceptRules() []ConceptRule {
	var list []ConceptRule
	for _, c := range t.byValue {
		list = append(list, ConceptRule{c.field, c.value, c.concepts})
	}
	if t.concepts != "" {
		list = append(list, ConceptRule{Field: t.concepts})
	}
	return list
}

// join concatenates without copying when one side is empty, as it mostly is.
func join(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	return slices.Concat(a, b)
}
